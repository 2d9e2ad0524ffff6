"""The columns of one object: their verdicts (`fields.py`), and the cells that each verdict reports.

A verdict is made once a column, over a sample of its distinct values; all cells that can be what it says are reported
together. A cell that says that it holds nothing, or that is a number, is none of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from piiscan.catalogue import default_folder
from piiscan.cells import Cells, Coded
from piiscan.classify.context import path_names
from piiscan.classify.fields import Field, Kinds, Persons, Verdict, judged, sampled
from piiscan.errors import ConfigError
from piiscan.model import ColumnSegment
from piiscan.ner import shipped, weights
from piiscan.ner.values import LISTS, ValueNetwork

Ints = npt.NDArray[np.int64]

NAME = "piiscan_fields"
ENOUGH = 1_000
"""Cells of a column after which its verdict is kept, however few of them differ."""
_NOTHING = """na|n.a|none|null|nil|nan|no|yes|unknown|unbekannt|inconnu|desconocido|sconosciuto|onbekend|
missing|empty|blank|tba|tbd|test|deleted|redacted|anonym|anonymous|undefined|unnamed|vacant|various|other|
others|total|default|admin|system|guest|user|name|self|not available|not applicable|not known|not set|
not given|not specified|not provided|неизвестно|нет|未知|無し|なし|없음|غير معروف|לא ידוע|άγνωστο"""
NOTHING = frozenset(_NOTHING.replace("\n", "").split("|"))
"""Cells that say that they hold nothing, in small letters, without the signs around them."""
_LETTER, _BESIDE, _BEYOND, _ALIEN = 1, 2, 4, 8
"""Kinds of bytes: letters of ASCII, signs that names may hold, parts of other letters, all else."""
_SIGNS = " \t\r\n.,;:-_()[]<>{}/'\"*?#"
_LONGEST = 320
"""Bytes of a name: eighty characters of four."""


def _kinds_of_bytes() -> npt.NDArray[np.uint8]:
    table = np.full(256, _ALIEN, np.uint8)
    table[[byte for byte in range(128) if chr(byte).isalpha()]] = _LETTER
    table[list(b" .,'`-()\"\t")] = _BESIDE
    table[128:] = _BEYOND
    return table


_BYTES = _kinds_of_bytes()


@dataclass(frozen=True, slots=True)
class Hits:
    """Cells of a column that its verdict reports: item, start and end of each, one confidence for all."""

    field: Field
    item: Ints
    start: Ints
    end: Ints
    confidence: float


@lru_cache(maxsize=2)
def value_network(folder: Path) -> ValueNetwork:
    """The network that knows what values look like, from the folder of models. Raises: ConfigError naming the file."""
    told = shipped.card(folder / NAME)
    file = folder / NAME / told["file"]
    lists_of = shipped.network(folder / shipped.NAME).lists_of(LISTS)
    try:
        return ValueNetwork(*weights.read(file, told["sha256"]), lists_of)
    except (KeyError, ValueError) as err:
        raise ConfigError(f"{file}: the model of values is of another version ({type(err).__name__})") from None


def kinds(values: Sequence[str]) -> Any:
    """(values, `piiscan.ner.values.KINDS`): how likely each value is of each kind, by the model that is shipped."""
    return value_network(default_folder() / "models").kinds(values)


def long_cells(values: Sequence[str], shortest: int, most: int) -> tuple[list[str], list[Ints]]:
    """Distinct cells of at least `shortest` characters, up to `most` characters in all, and the items of each."""
    if isinstance(values, Coded):
        wanted = np.flatnonzero(values.distinct.sizes >= shortest)
        order = np.argsort(values.codes, kind="stable")
        edges = np.searchsorted(values.codes[order], np.stack((wanted, wanted + 1)))
        found = ((values.distinct[code], order[a:b]) for code, a, b in zip(wanted.tolist(), *edges, strict=True))
    else:
        items: dict[str, list[int]] = {}
        left = most
        for item, value in enumerate(values):
            if len(value) >= shortest:
                if value not in items:
                    left -= len(value)
                    if left < 0:
                        break
                items.setdefault(value, []).append(item)
        found = ((value, np.array(at, np.int64)) for value, at in items.items())
    texts: list[str] = []
    where: list[Ints] = []
    for value, at in found:
        most -= len(value)
        if most < 0:
            break
        texts.append(value)
        where.append(at)
    return texts, where


class FieldColumns:
    """What each column of one object was found to hold."""

    def __init__(self, persons: Persons, kinds: Kinds = kinds) -> None:
        self._persons, self._kinds = persons, kinds
        self._known: dict[tuple[str, str, str | None, str | None], Verdict] = {}
        self._seen: dict[tuple[str, str, str | None, str | None], int] = {}

    def verdict(self, segment: ColumnSegment) -> Verdict:
        """The verdict on a column, made over its first segment with enough distinct values."""
        base = segment.base
        key = (segment.header, segment.path, base.sheet, base.table)
        verdict = self._known.get(key)
        if verdict is None:
            parents = [name for name in (base.sheet, base.table, *path_names(segment.path)[:-1]) if name]
            verdict = judged(segment.header, parents[-2:], sampled(segment.values), self._kinds, self._persons)
            self._seen[key] = seen = self._seen.get(key, 0) + len(segment.values)
            if verdict.lasting or seen >= ENOUGH:
                self._known[key] = verdict
        return verdict

    def hits(self, segment: ColumnSegment) -> Hits | None:
        """The cells that the column's verdict reports; None for free text and for verdicts that report none."""
        verdict = self.verdict(segment)
        field = verdict.field
        if field is None or field in (Field.TEXT, Field.GENDER, Field.POSTCODE, Field.BIRTH_DATE):
            return None
        people = field in (Field.FIRST_NAME, Field.LAST_NAME, Field.FULL_NAME)
        values = segment.values
        if isinstance(values, Coded):
            fits, start, end = _fitting(values.distinct, people)
            item = np.flatnonzero(fits[values.codes])
            code = values.codes[item]
            return Hits(field, item, start[code], end[code], verdict.confidence)
        fits, start, end = _fitting(values, people)
        item = np.flatnonzero(fits)
        return Hits(field, item, start[item], end[item], verdict.confidence)


def _fitting(values: Sequence[str], people: bool) -> tuple[npt.NDArray[np.bool_], Ints, Ints]:
    """Which cells can be what the column holds, and where in each it begins and ends, in characters."""
    import pyarrow as pa
    import pyarrow.compute as pc

    try:
        cells = Cells.of(values)
    except UnicodeEncodeError:  # lone surrogates: as many other characters, so that places stay
        cells = Cells.of([value.encode("utf-16", "surrogatepass").decode("utf-16", "replace") for value in values])
    sizes = cells.sizes
    fits = np.zeros(len(cells), np.bool_)
    some = np.flatnonzero(sizes)
    if not len(some):
        return fits, np.zeros(len(cells), np.int64), sizes
    data, begin = cells.data, cells.bounds[some]
    kinds = _BYTES[data]
    found = np.bitwise_or.reduceat(kinds, begin)
    letters = np.add.reduceat((kinds == _LETTER).astype(np.int32), begin)
    # A lone letter of ASCII is an initial or a code; one of another script can be a name.
    lettered = (letters > 1) | ((found & _BEYOND) > 0)
    fits[some] = lettered & ((sizes[some] <= _LONGEST) & ((found & _ALIEN) == 0) if people else True)
    ascii_ = bool(data.max() < 128)
    start, end = np.zeros(len(cells), np.int64), sizes.copy() if ascii_ else _lengths(cells.array)
    small = (pc.ascii_lower if ascii_ else pc.utf8_lower)(cells.array)
    fits &= ~pc.is_in(small, pa.array(sorted(NOTHING))).to_numpy(zero_copy_only=False)
    edges = kinds[begin] | kinds[begin + sizes[some] - 1]
    for item in some[((edges & (_BESIDE | _ALIEN)) > 0) & fits[some]].tolist():
        value = cells[item]
        start[item] = len(value) - len(value.lstrip())
        end[item] = len(value.rstrip())
        fits[item] = value.strip(_SIGNS).lower() not in NOTHING
    return fits, start, end


def _lengths(array: Any) -> Ints:
    import pyarrow.compute as pc

    lengths: Ints = pc.utf8_length(array).to_numpy(zero_copy_only=False).astype(np.int64)
    return lengths
