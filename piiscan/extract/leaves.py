"""Arrow arrays (of Parquet, ORC, Feather and Arrow files) as columns of strings, nested ones under their path."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from piiscan.cells import Cells, Coded, dictionary_of
from piiscan.extract import Job
from piiscan.extract.blobs import LEAST, document_of, nested, text_of
from piiscan.extract.giant import BIG
from piiscan.extract.text import windows
from piiscan.model import ColumnSegment, Place, Segment

Rows = npt.NDArray[np.int64]
"""The object's row (from 1) of each value."""

BATCH = 20_000
"""Rows of one segment."""
_EXACT = 2.0**62
"""Floats under this that are whole are shown as integers."""


def columns(batch: Any, first: int, job: Job) -> Iterator[Segment]:
    """The segments of a record batch whose first row is number `first` of the object."""
    for begin in range(0, batch.num_rows, BATCH):
        part = batch.slice(begin, BATCH)
        rows = np.arange(first + begin, first + begin + part.num_rows)
        for name, column in zip(batch.schema.names, part.columns, strict=True):
            yield from leaves(column, rows, name, "", job)


def leaves(array: Any, rows: Rows, header: str, path: str, job: Job) -> Iterator[Segment]:
    """The segments of a column and of all that is nested in it.

    Paths are those of Parquet: `address.street`, `mails.list.element`, `tags.key_value.value`. Source: Parquet,
    LogicalTypes.md, "Nested Types".
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    types = pa.types
    kind = array.type
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    if isinstance(array, pa.ExtensionArray):
        yield from leaves(array.storage, rows, header, path, job)
    elif types.is_dictionary(kind) and not _is_flat(kind.value_type):
        yield from leaves(array.dictionary_decode(), rows, header, path, job)
    elif types.is_run_end_encoded(kind):
        yield from leaves(pc.run_end_decode(array), rows, header, path, job)
    elif types.is_struct(kind):
        for field, child in zip(kind, array.flatten(), strict=True):
            yield from leaves(child, rows, field.name, f"{path or header}.{field.name}", job)
    elif types.is_union(kind):
        yield from _union(array, rows, header, path or header, job)
    elif types.is_map(kind):
        parents, begin, end = _entries(array)
        for part, items in (("key", array.keys), ("value", array.items)):
            inner = f"{path or header}.key_value.{part}"
            yield from leaves(items.slice(begin, end - begin), rows[parents], header, inner, job)
    elif _is_list(kind):
        parents = pc.list_parent_indices(array).to_numpy(zero_copy_only=False)
        yield from leaves(pc.list_flatten(array), rows[parents], header, f"{path or header}.list.element", job)
    elif types.is_boolean(kind) or types.is_null(kind):
        return
    elif _is_binary(kind):
        yield from _binary(array, rows, header, path, job)
    else:
        if not types.is_dictionary(kind):
            array = dictionary_of(array) or array
        yield from values(*strings(array), rows, header, path, job)


def _is_flat(kind: Any) -> bool:
    """Whether values of a type are texts, numbers or times: what `strings` takes."""
    import pyarrow as pa

    types = pa.types
    return not (types.is_nested(kind) or types.is_boolean(kind) or types.is_null(kind) or _is_binary(kind))


def _is_list(kind: Any) -> bool:
    import pyarrow as pa

    return bool(
        pa.types.is_list(kind)
        or pa.types.is_large_list(kind)
        or pa.types.is_fixed_size_list(kind)
        or pa.types.is_list_view(kind)
        or pa.types.is_large_list_view(kind)
    )


def _is_binary(kind: Any) -> bool:
    import pyarrow as pa

    return bool(
        pa.types.is_binary(kind)
        or pa.types.is_large_binary(kind)
        or pa.types.is_fixed_size_binary(kind)
        or pa.types.is_binary_view(kind)
    )


def _entries(array: Any) -> tuple[Rows, int, int]:
    """Index of the map that each entry belongs to, and the range of the entries in use."""
    offsets = array.offsets.to_numpy(zero_copy_only=False).astype(np.int64)
    return np.repeat(np.arange(len(array)), np.diff(offsets)), int(offsets[0]), int(offsets[-1])


def _union(array: Any, rows: Rows, header: str, path: str, job: Job) -> Iterator[Segment]:
    """Each member of a union under its name."""
    import pyarrow as pa

    codes = array.type_codes.to_numpy(zero_copy_only=False)
    dense = array.type.mode == "dense"
    offsets = array.offsets.to_numpy(zero_copy_only=False) if dense else None
    for number in range(array.type.num_fields):
        field = array.type.field(number)
        mine = np.flatnonzero(codes == array.type.type_codes[number])
        child = array.field(number)
        where = offsets[mine] if offsets is not None else mine
        if len(mine):
            inner = f"{path}.{field.name}" if field.name else path
            yield from leaves(child.take(pa.array(where)), rows[mine], field.name or header, inner, job)


def values(found: Sequence[str], keep: Rows, rows: Rows, header: str, path: str, job: Job) -> Iterator[Segment]:
    """A column of the values that `strings` gave; very long ones as windows of text."""
    rows = rows[keep]
    if not len(found):
        return
    if longest(found) > BIG:
        sizes = lengths(found)
        for index in np.flatnonzero(sizes > BIG).tolist():
            place = Place(
                row=int(rows[index]), column_name=header or None, path=path or None, member=job.member or None
            )
            yield from windows((found[index],), place, flat=False, line=None)
        short = np.flatnonzero(sizes <= BIG)
        rows = rows[short]
        found = found.picked(short) if isinstance(found, Coded) else [found[i] for i in short.tolist()]
        if not len(found):
            return
    yield ColumnSegment(header=header, path=path, values=found, rows=rows, base=job.place)


def longest(found: Sequence[str]) -> int:
    """Characters of the longest value, or bytes where that is as easily told."""
    if isinstance(found, Coded):
        found = found.distinct
    return int(found.sizes.max()) if isinstance(found, Cells) else max(map(len, found))


def lengths(found: Sequence[str]) -> Rows:
    """Characters of each value."""
    if isinstance(found, Coded):
        return lengths(found.distinct)[found.codes]
    return np.fromiter(map(len, found), np.int64, len(found))


def strings(array: Any) -> tuple[Sequence[str], Rows]:
    """The values of a flat array that are there and not empty, as strings, and their indexes.

    Of an array with a dictionary, each value of it is made a string once.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = array.type
    if pa.types.is_dictionary(kind):
        return _coded(array)
    if pa.types.is_timestamp(kind) and kind.tz is not None:
        # Casting with a zone needs a zone database; UTC will do.
        array = array.cast(pa.timestamp(kind.unit))
    if pa.types.is_floating(kind):
        array = _as_whole(array)
    if not pa.types.is_string(kind):
        try:
            array = array.cast(pa.string())
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            return _one_by_one(array)
    length = pc.binary_length(array)
    keep = np.flatnonzero(pc.fill_null(pc.greater(length, 0), False).to_numpy(zero_copy_only=False))
    if len(keep) < len(array):
        array = array.take(pa.array(keep))
    if pa.types.is_floating(kind):
        found = array.to_pylist()
        return [f"{float(v):.0f}" if "e+" in v and len(v.rpartition("+")[2]) <= 2 else v for v in found], keep
    try:
        array.validate(full=True)
    except pa.ArrowInvalid:
        # Nothing checks that a string column holds UTF-8.
        raw = array.cast(pa.binary()).to_pylist()
        return [value.decode("utf-8", "replace") for value in raw], keep
    return Cells(array), keep


def _coded(array: Any) -> tuple[Sequence[str], Rows]:
    """`strings` of an array with a dictionary, of which it may use a part only."""
    import pyarrow as pa
    import pyarrow.compute as pc

    indices = pc.fill_null(array.indices.cast(pa.int64()), -1).to_numpy(zero_copy_only=False)
    used, codes = np.unique(indices, return_inverse=True)
    first = int(len(used) > 0 and used[0] < 0)
    found, there = strings(array.dictionary.take(used[first:]))
    number = np.full(len(used), -1)
    number[there + first] = np.arange(len(there))
    codes = number[codes]
    keep = np.flatnonzero(codes >= 0)
    try:
        return Coded(Cells.of(found), codes[keep]), keep
    except UnicodeEncodeError:
        return [found[code] for code in codes[keep].tolist()], keep


def _as_whole(array: Any) -> Any:
    """Floats that are whole numbers as integers: a card number must not show as 4.1e15."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_float16(array.type):
        return array.cast(pa.float32())
    whole = pc.and_(pc.equal(pc.floor(array), array), pc.less(pc.abs(array), _EXACT))
    return array.cast(pa.int64()) if pc.all(whole).as_py() else array


def _one_by_one(array: Any) -> tuple[list[str], Rows]:
    """For what Arrow cannot cast: what Python can print."""
    found: list[str] = []
    keep: list[int] = []
    for index in range(len(array)):
        try:
            value = array[index].as_py()
            text = "" if value is None else str(value)
        except (ValueError, OverflowError, ArithmeticError):
            continue
        if text:
            found.append(text)
            keep.append(index)
    return found, np.array(keep, dtype=np.int64)


def _binary(array: Any, rows: Rows, header: str, path: str, job: Job) -> Iterator[Segment]:
    """Binary values: documents as members, all others as text."""
    found: list[str] = []
    keep: list[int] = []
    for index in range(len(array)):
        data = array[index].as_py()
        if not data:
            continue
        kind = document_of(data) if len(data) >= LEAST else ""
        if kind:
            yield from nested(data, kind, f"{path or header}[{int(rows[index])}]", job)
        elif text := text_of(data):
            found.append(text)
            keep.append(index)
    yield from values(found, np.array(keep, dtype=np.int64), rows, header, path, job)
