"""Rows of a sheet gathered to the columns of a table, or to lines of text where it has no header."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from time import monotonic

import numpy as np
import numpy.typing as npt

from piiscan.extract.office_cells import Block, Value, column_letters
from piiscan.extract.office_refs import References
from piiscan.extract.pieces import Pieces, has_header
from piiscan.extract.places import lazy
from piiscan.model import ColumnSegment, Place, Segment, TextSegment

_CHUNK_ROWS = 20_000
_CHUNK_CELLS = 400_000
"""Rows and cells of a table after which its columns are given out."""
ROW_CELLS = 1 << 16
"""Cells after which a row is given out."""
_CONTEXT = 256
"""Characters of the rows that the next segment repeats."""
_SAMPLE = 50
"""Rows that are looked at to tell whether a sheet has a header."""

SheetRow = tuple[int, list[Value]]
"""A row's number and its filled cells."""


def _header_at(sample: list[SheetRow]) -> int | None:
    """Index in the sample of the row that names the columns; title rows may stand above it."""
    width = max((len(values) for _, values in sample), default=0)
    first = next((i for i, (_, values) in enumerate(sample[:10]) if 2 * len(values) >= width), None)
    if first is None or not all(value.is_text for value in sample[first][1]):
        return None
    rest = sample[first:]
    columns = sorted({value.column for _, values in rest for value in values})[:1000]
    dense = []
    for _, values in rest:
        texts = {value.column: value.text.strip() for value in values}
        dense.append([texts.get(column, "") for column in columns])
    return first if has_header(dense) else None


@dataclass(slots=True)
class _Held:
    """Cells of one column."""

    texts: list[str] = field(default_factory=list)
    rows: list[int] = field(default_factory=list)
    odd: dict[int, str] = field(default_factory=dict)
    """References that are not what letters and row say, by the index of their cell."""


class _Columns:
    """Collects the cells of a table by column."""

    def __init__(self, names: dict[int, str], base: Place, above: int) -> None:
        """`above`: rows of the sheet above the first of the table."""
        self.names, self.base, self.above = names, base, above
        self.held: dict[int, _Held] = {}
        self.cells = 0
        self.rows = 0

    def add(self, number: int, values: list[Value]) -> Iterator[Segment]:
        """Take one row in, by its number in the sheet."""
        digits = str(number)
        for value in values:
            held = self.held.get(value.column)
            if held is None:
                held = self.held[value.column] = _Held()
            if value.ref != column_letters(value.column) + digits:
                held.odd[len(held.texts)] = value.ref
            held.texts.append(value.text)
            held.rows.append(number - self.above)
        self.cells += len(values)
        self.rows += 1
        if self.rows >= _CHUNK_ROWS or self.cells >= _CHUNK_CELLS:
            yield from self.flush()

    def add_block(self, block: Block) -> Iterator[Segment]:
        """Take many rows in."""
        numbers = [number - self.above for number in block.numbers]
        filled = np.zeros(len(numbers), dtype=np.int64)
        columns: list[tuple[int, list[str], list[int], list[int] | None]] = []
        for column, (_, texts) in block.columns.items():
            if "" in texts:
                some = [index for index, text in enumerate(texts) if text]
                filled[some] += 1
                columns.append((column, [texts[i] for i in some], [numbers[i] for i in some], some))
            else:
                filled += 1
                columns.append((column, texts, numbers, None))
        begin = 0
        while begin < len(numbers):
            end = self._room(filled[begin:]) + begin
            for column, texts, rows, indexes in columns:
                low, high = (begin, end) if indexes is None else np.searchsorted(indexes, (begin, end))
                if low < high:
                    held = self.held.setdefault(column, _Held())
                    held.texts += texts[low:high]
                    held.rows += rows[low:high]
            self.cells += int(filled[begin:end].sum())
            self.rows += int(np.count_nonzero(filled[begin:end]))
            if self.rows >= _CHUNK_ROWS or self.cells >= _CHUNK_CELLS:
                yield from self.flush()
            begin = end

    def _room(self, filled: npt.NDArray[np.int64]) -> int:
        """How many of some rows, given by their filled cells, are taken in before the columns go out."""
        full = (self.cells + np.cumsum(filled) >= _CHUNK_CELLS) | (self.rows + np.cumsum(filled > 0) >= _CHUNK_ROWS)
        return int(full.argmax()) + 1 if full.any() else len(filled)

    def flush(self) -> Iterator[Segment]:
        """The columns of what was taken in since the last time."""
        for column in sorted(self.held):
            held = self.held[column]
            rows = np.array(held.rows, dtype=np.int64)
            refs: Sequence[str] = References(column_letters(column), rows, self.above)
            if held.odd:
                refs = list(refs)
                for index, ref in held.odd.items():
                    refs[index] = ref
            yield ColumnSegment(
                header=self.names.get(column, ""), path="", values=held.texts, rows=rows, base=self.base, cells=refs
            )
        self.held, self.cells, self.rows = {}, 0, 0


class _Lines(Pieces):
    """Rows as lines, cells separated by tabs; a sheet without a header has a place for each of its cells.

    What `Pieces` does, with the offsets of a whole segment counted in one go: cells and lines are both one character
    apart.
    """

    def __init__(self, base: Place) -> None:
        super().__init__(base=base, names=("cell",))

    def add_row(self, refs: Sequence[str], texts: Sequence[str]) -> Iterable[TextSegment]:
        """Take one row in: the references and texts of its filled cells. The result must be iterated over."""
        line = "\t".join(texts)
        if len(line) > self.size:
            return self._add_long(line, refs, texts)
        return self.add(line, ((0, (refs, texts)),))

    def _add_long(self, line: str, refs: Sequence[str], texts: Sequence[str]) -> Iterator[TextSegment]:
        yield from self.flush()
        yield from self._windows(line, list(zip(_offsets(texts), zip(refs, strict=True), strict=True)))

    def flush(self) -> Iterator[TextSegment]:
        """The segment of what was added since the last one, if anything was."""
        if self._length == self._carried:
            return
        refs, texts = list[str](), list[str]()
        for _, ((_, row),) in self._items:
            refs += row[0]  # type: ignore[arg-type,index]
            texts += row[1]  # type: ignore[arg-type,index]
        whole = "\n".join([text for text, _ in self._items])
        core = (self._carried, len(whole)) if self._carried else None
        count, room = 0, _CONTEXT
        for text, _ in reversed(self._items):
            room -= len(text) + 1
            if room < 0:
                break
            count += 1
        self._reset(self._items[len(self._items) - count :])
        places = lazy(self._base, {"cell": refs}, len(refs))
        yield TextSegment(whole, starts=tuple(_offsets(texts)), places=places, core=core)
        self._begun = monotonic()


def _offsets(texts: Sequence[str]) -> list[int]:
    """Where each text begins when they stand one character apart."""
    sizes = np.fromiter(map(len, texts), np.int64, len(texts))
    offsets: list[int] = (np.cumsum(sizes + 1) - sizes - 1).tolist()
    return offsets


def sheet_segments(
    base: Place, rows: Iterable[SheetRow | Block | list[Segment]], extra: Pieces | None = None
) -> Iterator[Segment]:
    """One sheet whose rows come in order: by columns when it has a header row, else by rows.

    `base` has the sheet's name. Lists of segments among the rows go through; `extra` is flushed at the end.
    """
    pieces = _Lines(base)
    sample: list[SheetRow] = []
    columns: _Columns | None = None
    decided = False

    def decide() -> Iterator[Segment]:
        nonlocal columns
        at = _header_at(sample)
        if at is not None:
            columns = _Columns({v.column: v.text.strip() for v in sample[at][1]}, base, sample[at][0])
        for i, (number, values) in enumerate(sample):
            if columns is None or at is None or i <= at:
                yield from pieces.add_row([v.ref for v in values], [v.text for v in values])
            else:
                yield from columns.add(number, values)
        sample.clear()

    for item in rows:
        if isinstance(item, list):
            yield from item
        elif isinstance(item, Block):
            # It comes behind the rows of the sample.
            if columns is not None:
                yield from columns.add_block(item)
            else:
                for _, refs, texts in item.rows():
                    yield from pieces.add_row(refs, texts)
        elif not decided:
            sample.append(item)
            if len(sample) >= _SAMPLE or len(item[1]) >= ROW_CELLS:
                decided = True
                yield from decide()
        elif columns is not None:
            yield from columns.add(*item)
        else:
            yield from pieces.add_row([v.ref for v in item[1]], [v.text for v in item[1]])
    if not decided:
        yield from decide()
    yield from pieces.flush()
    if columns is not None:
        yield from columns.flush()
    if extra is not None:
        yield from extra.flush()
