"""Rows of database tables gathered to columns: values as strings, documents in binary values as members."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import zip_longest

import numpy as np
import numpy.typing as npt

from piiscan.extract import Job
from piiscan.extract.blobs import LEAST, document_of, nested, text_of
from piiscan.extract.giant import BIG
from piiscan.extract.text import windows
from piiscan.model import ColumnSegment, Segment

SIZE = 1 << 20
"""Characters and bytes of values after which the columns go out."""
CELLS = 200_000
"""Cells after which they go out too."""

Numbers = npt.NDArray[np.int64]


class TableRows:
    """Takes the rows of one table in and gives segments out."""

    def __init__(self, table: str, names: Sequence[str], job: Job) -> None:
        self._job, self._prefix = job, f"{table}." if table else ""
        self._names = names
        self._base = replace(job.place, table=table or None)
        self._held: list[Sequence[object]] = []
        self._numbers: list[int] = []
        self._lines: list[int] = []
        self._size = 0
        self._most = max(CELLS // max(len(names), 1), 1)

    def add(self, row: int, values: Sequence[object], line: int = 0) -> Iterator[Segment]:
        """Take in one row of at most as many values as there are names; gives segments when enough came together.

        `line`: the physical line it begins on, where the format has lines.
        """
        self._held.append(values)
        self._numbers.append(row)
        self._lines.append(line)
        for value in values:
            if type(value) is str or type(value) is bytes:
                self._size += len(value)
        if self._size > SIZE or len(self._held) >= self._most:
            yield from self.flush()

    def flush(self) -> Iterator[Segment]:
        """The columns of what came in since the last time."""
        if not self._held:
            return
        self._job.budget.spend(self._size)
        held, self._held, self._size = self._held, [], 0
        numbers, lines = np.array(self._numbers, dtype=np.int64), np.array(self._lines, dtype=np.int64)
        self._numbers, self._lines = [], []
        for name, column in zip(self._names, zip_longest(*held), strict=False):
            yield from self._column(name, column, numbers, lines)

    def _column(self, name: str, column: Sequence[object], numbers: Numbers, lines: Numbers) -> Iterator[Segment]:
        """One column of some rows; what is empty or no text is left out."""
        texts: list[str] = []
        kept: list[int] = []
        kinds = set(map(type, column))
        if kinds == {str} and 0 < len(min(column, key=len)) and len(max(column, key=len)) <= BIG:  # type: ignore[arg-type]
            texts = list(column)  # type: ignore[arg-type]
        else:
            for index, value in enumerate(column):
                if value is None or value is True or value is False:
                    continue
                if isinstance(value, bytes):
                    kind = document_of(value) if len(value) >= LEAST else ""
                    if kind:
                        yield from nested(value, kind, f"{self._prefix}{name}[{numbers[index]}]", self._job)
                        continue
                text = shown(value)
                if len(text) > BIG:
                    place = replace(
                        self._base, row=int(numbers[index]), column_name=name, line=int(lines[index]) or None
                    )
                    yield from windows((text,), place, flat=False, line=None)
                elif text:
                    texts.append(text)
                    kept.append(index)
            numbers, lines = numbers[kept], lines[kept]
        if texts:
            yield ColumnSegment(
                header=name,
                path="",
                values=texts,
                rows=numbers,
                base=self._base,
                lines=lines if lines[0] else None,
            )


def shown(value: object) -> str:
    """A value as text; a whole number keeps all of its digits.

    >>> shown(4111111111111111.0), shown(1.5), shown(b"ana")
    ('4111111111111111', '1.5', 'ana')
    """
    if type(value) is str:
        return value
    if isinstance(value, bytes):
        return text_of(value)
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**62:
        return str(int(value))
    return str(value)
