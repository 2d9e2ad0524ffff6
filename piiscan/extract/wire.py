"""Segments, notes and errors as the frames of `frames.py`.

The reader trusts nothing: the other side parses hostile files and may be theirs by now. Sizes and types are checked,
and what does not fit raises `Malformed`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from piiscan import errors
from piiscan.cells import Cells, Coded
from piiscan.errors import Malformed, ObjectError
from piiscan.extract.frames import COLUMN, LONG, MOST, TEXT, Writable, is_count, write
from piiscan.extract.office_refs import References
from piiscan.extract.places import NAMES, Places, lazy, values_of
from piiscan.model import NOWHERE, ColumnSegment, Place, Segment, TextSegment

_SPLIT = 16 << 20
"""Characters of a column beyond which it goes in two frames."""
_CODE = re.compile(r"[A-Z][A-Z_]{0,79}")
_SENTENCE = 500
_TYPES: dict[object, type] = {
    **dict.fromkeys(("line", "column", "row", "record", "page", "slide", "paragraph", "byte"), int),
    **dict.fromkeys(("column_name", "path", "sheet", "cell", "part", "table", "tag"), str),
    "member": list,
}
_KNOWN = {cls.__name__: cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, ObjectError)}


def write_segment(out: Writable, segment: Segment) -> None:
    """A segment as one frame, or several where a column is very large."""
    if isinstance(segment, TextSegment):
        write(out, TEXT, _text_payload(segment))
        return
    for part in _parts(segment):
        write(out, COLUMN, _column_payload(part))


def _place_json(place: Place) -> dict[str, Any]:
    """As `Place.to_json`, at a third of its cost: a document has a place for each paragraph."""
    return {key: value for key, value in zip(NAMES, values_of(place), strict=True) if value is not None}


def _place_columns(places: Sequence[Place]) -> tuple[dict[str, Any], dict[str, Sequence[Any]]]:
    """What all places have, and the fields in which they differ, as columns: a document has a place for each line."""
    if isinstance(places, Places):
        return _place_json(places.base), dict(places.columns)
    shared: dict[str, Any] = {}
    each: dict[str, Sequence[Any]] = {}
    for key, values in zip(NAMES, zip(*map(values_of, places), strict=True), strict=False):
        if values.count(values[0]) < len(values):
            each[key] = values
        elif values[0] is not None:
            shared[key] = values[0]
    return shared, each


def _text_payload(segment: TextSegment) -> dict[str, Any]:
    shared, each = _place_columns(segment.places)
    return {
        "text": segment.text,
        "offset": segment.offset,
        "starts": segment.starts,
        "shared": shared,
        "each": tuple(each),
        **{"each." + key: values for key, values in each.items()},
        "core": segment.core,
        "line": segment.line,
        "column": segment.column,
        "prose": segment.prose,
    }


def _column_payload(segment: ColumnSegment) -> dict[str, Any]:
    return {
        "header": segment.header,
        "path": segment.path,
        **_values_payload(segment.values),
        "rows": _counts(segment.rows),
        "base": _place_json(segment.base),
        "axis": segment.axis,
        "lines": None if segment.lines is None else _counts(segment.lines),
        "paths": None if segment.paths is None else _list(segment.paths),
        "cells": _references(segment.cells),
    }


def _values_payload(values: Sequence[str]) -> dict[str, Any]:
    """The values, or the distinct ones and which of them each is."""
    if isinstance(values, Coded):
        return {"values": values.distinct, "codes": _counts(values.codes)}
    return {"values": _list(values)}


def _references(cells: Sequence[str] | None) -> Sequence[str] | dict[str, Any] | None:
    """References by what makes them: the rows go over anyway."""
    if isinstance(cells, References):
        return {"letters": cells.letters, "above": cells.above}
    return None if cells is None else _list(cells)


def _list(values: Sequence[str]) -> Sequence[str]:
    return values if isinstance(values, list | tuple | Cells) else list(values)


def _counts(numbers: Sequence[int] | npt.NDArray[np.int64]) -> Sequence[int] | npt.NDArray[np.int64]:
    """An array where it is long, else plain integers."""
    if isinstance(numbers, np.ndarray):
        return numbers if len(numbers) >= LONG else numbers.tolist()
    return [int(number) for number in numbers]


def _parts(segment: ColumnSegment) -> Iterator[ColumnSegment]:
    """The column in pieces that fit a frame."""
    count, values = len(segment.values), segment.values
    size = int(values.sizes.sum()) if isinstance(values, Cells) else sum(map(len, values))
    if count < 2 or size + 32 * count <= _SPLIT:
        yield segment
        return
    for cut in (slice(0, count // 2), slice(count // 2, count)):
        yield from _parts(
            ColumnSegment(
                header=segment.header,
                path=segment.path,
                values=segment.values[cut],
                rows=segment.rows[cut],
                base=segment.base,
                axis=segment.axis,
                lines=None if segment.lines is None else segment.lines[cut],
                paths=None if segment.paths is None else segment.paths[cut],
                cells=None if segment.cells is None else segment.cells[cut],
            )
        )


def segment_of(kind: bytes, payload: Mapping[str, Any]) -> Segment:
    """The segment of a TEXT or COLUMN frame. Raises: Malformed."""
    return _text(payload) if kind == TEXT else _column(payload)


def _text(payload: Mapping[str, Any]) -> TextSegment:
    text = _string(payload, "text")
    starts = _integers(payload, "starts")
    places = _places(payload, len(starts))
    if isinstance(starts, np.ndarray):
        wrong = bool((starts[1:] < starts[:-1]).any())
        starts = starts.tolist()
    else:
        wrong = any(a > b for a, b in pairwise(starts))
    if wrong:
        raise Malformed("starts are not in order")
    core = payload.get("core")
    bounds: tuple[int, int] | None = None
    if core is not None:
        if not isinstance(core, list) or len(core) != 2 or not all(is_count(n) for n in core) or core[1] > len(text):
            raise Malformed("a core that is no range")
        bounds = (core[0], core[1])
    offset, line, column, prose = (payload.get(key) for key in ("offset", "line", "column", "prose"))
    if not (offset is None or is_count(offset)) or not (line is None or is_count(line)):
        raise Malformed("an offset or line that is no count")
    if not is_count(column) or not isinstance(prose, bool):
        raise Malformed("a text frame of wrong types")
    return TextSegment(text, offset, tuple(starts), places, bounds, line, int(str(column)), prose)


def _column(payload: Mapping[str, Any]) -> ColumnSegment:
    values = _values(payload)
    rows = _integers(payload, "rows")
    lines = None if payload.get("lines") is None else _integers(payload, "lines")
    paths = None if payload.get("paths") is None else _strings(payload, "paths")
    cells = _cells_of(payload, rows)
    if any(other is not None and len(other) != len(values) for other in (rows, lines, paths, cells)):
        raise Malformed("columns of different lengths")
    axis = _string(payload, "axis")
    if axis not in ("row", "record"):
        raise Malformed("an unknown axis")
    return ColumnSegment(
        header=_string(payload, "header"),
        path=_string(payload, "path"),
        values=values,
        rows=np.asarray(rows, dtype=np.int64),
        base=_place(payload.get("base")),
        axis=axis,
        lines=None if lines is None else np.asarray(lines, dtype=np.int64),
        paths=paths,
        cells=cells,
    )


def _cells_of(payload: Mapping[str, Any], rows: Sequence[int] | npt.NDArray[np.int64]) -> Sequence[str] | None:
    """The references of a column's cells. Raises: Malformed."""
    told = payload.get("cells")
    if not isinstance(told, dict):
        return None if told is None else _strings(payload, "cells")
    letters = _string(told, "letters")
    if not letters.isalpha() or len(letters) > 8:
        raise Malformed("letters of no column")
    return References(letters, rows, count_of(told, "above"))


def _values(payload: Mapping[str, Any]) -> Sequence[str]:
    """The values of a column. Raises: Malformed."""
    values = payload.get("values")
    if not isinstance(values, Cells):
        return _strings(payload, "values")
    if payload.get("codes") is None:
        return values
    codes = np.asarray(_integers(payload, "codes"), dtype=np.int64)
    if len(codes) and codes.max() >= len(values):
        raise Malformed("codes of no value")
    return Coded(values, codes)


def error_payload(err: ObjectError) -> dict[str, Any]:
    """What goes over of an error."""
    return {"type": type(err).__name__, "reason": err.reason, "outcome": err.outcome, "message": str(err)[:_SENTENCE]}


def error_of(payload: Mapping[str, Any]) -> ObjectError:
    """The error that the other side met, of the same class. Raises: Malformed when it is none of ours."""
    cls = _KNOWN.get(_string(payload, "type"))
    reason, outcome = _string(payload, "reason"), _string(payload, "outcome")
    if cls is None or not _CODE.fullmatch(reason) or outcome not in ("skipped", "failed"):
        raise Malformed("an unknown error")
    err = cls(sentence(_string(payload, "message")), reason=reason)
    err.outcome = outcome
    return err


def note_of(payload: Mapping[str, Any]) -> str:
    """A note's text, one line of bounded length. Raises: Malformed."""
    return sentence(_string(payload, "note"))


def sentence(text: str) -> str:
    """`text` without control characters, cut to a bounded length.

    >>> sentence("a\\x1b[2Jb")
    'a [2Jb'
    """
    return "".join(c if c.isprintable() else " " for c in text[: 2 * _SENTENCE])


def count_of(payload: Mapping[str, Any], key: str) -> int:
    """A count in a payload. Raises: Malformed."""
    value = payload.get(key)
    if not is_count(value):
        raise Malformed(f"{key} is no count")
    return int(str(value))


def _string(payload: Mapping[str, Any], key: str) -> str:
    value = payload.get(key)
    if not isinstance(value, str):
        raise Malformed(f"{key} is no text")
    return value


def _strings(payload: Mapping[str, Any], key: str) -> list[str]:
    value = payload.get(key)
    if not isinstance(value, list) or not set(map(type, value)) <= {str}:
        raise Malformed(f"{key} is no list of texts")
    return value


def _integers(payload: Mapping[str, Any], key: str) -> Sequence[int] | npt.NDArray[np.int64]:
    value: Any = payload.get(key)
    if isinstance(value, np.ndarray):
        good = not len(value) or (value.min() >= 0 and value.max() < MOST)
    else:
        good = isinstance(value, list) and all(type(item) is int and 0 <= item < MOST for item in value)
    if not good:
        raise Malformed(f"{key} is no list of counts")
    numbers: Sequence[int] | npt.NDArray[np.int64] = value
    return numbers


def _place(data: object) -> Place:
    """A place of checked types. Raises: Malformed."""
    if not isinstance(data, dict):
        raise Malformed("a place that is none")
    if not data:
        return NOWHERE
    for key, value in data.items():
        _check(key, value)
    if "member" in data:
        data["member"] = tuple(data["member"])
    return Place(**data)


def _places(payload: Mapping[str, Any], count: int) -> tuple[Place, ...]:
    """`count` places from the columns of `_place_columns`. Raises: Malformed."""
    names = payload.get("each")
    base = _place(payload.get("shared"))
    if not isinstance(names, list) or not set(map(type, names)) <= {str}:
        raise Malformed("places are no columns")
    columns: dict[str, Sequence[Any]] = {}
    for name in names:
        column = payload.get("each." + name)
        if not isinstance(column, list | np.ndarray) or len(column) != count:
            raise Malformed("places and starts do not agree")
        if isinstance(column, np.ndarray):
            if _TYPES.get(name) is not int:
                raise Malformed("a place of wrong types")
            columns[name] = _integers(payload, "each." + name).tolist()  # type: ignore[union-attr]
        elif name not in _TYPES:
            raise Malformed("a place of wrong types")
        elif _TYPES[name] is str and set(map(type, column)) <= {str, type(None)}:
            columns[name] = column
        else:
            for value in column:
                if value is not None:
                    _check(name, value)
            columns[name] = [tuple(v) if isinstance(v, list) else v for v in column] if name == "member" else column
    return lazy(base, columns, count) if count else ()


def _check(key: object, value: object) -> None:
    """Raises: Malformed unless a place may have `value` at `key`."""
    # `type` and not `isinstance`: a bool is no count.
    kind = type(value)
    good = kind is _TYPES.get(key)
    if good and kind is not str:
        good = 0 <= value < MOST if isinstance(value, int) else isinstance(value, list) and _all_strings(value)
    if not good:
        raise Malformed("a place of wrong types")


def _all_strings(values: list[object]) -> bool:
    return all(type(item) is str for item in values)
