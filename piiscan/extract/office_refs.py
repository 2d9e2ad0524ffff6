"""References of a column's cells (B2, B3, ...), each made when it is asked for: letters and rows say them all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

import numpy as np
import numpy.typing as npt


class References(Sequence[str]):
    """A1 references of cells of one column. Equal to a list of the same references.

    >>> list(References("B", np.array([1, 2]), 4))
    ['B5', 'B6']
    """

    __slots__ = ("above", "letters", "rows")

    def __init__(self, letters: str, rows: Sequence[int] | npt.NDArray[np.int64], above: int) -> None:
        """`rows`: of the table, from 1; `above`: rows of the sheet above the first."""
        self.letters, self.rows, self.above = letters, rows, above

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> References: ...
    def __getitem__(self, index: int | slice) -> str | References:
        if isinstance(index, slice):
            return References(self.letters, self.rows[index], self.above)
        return f"{self.letters}{int(self.rows[index]) + self.above}"

    def __iter__(self) -> Iterator[str]:
        return (f"{self.letters}{int(row) + self.above}" for row in self.rows)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"References({self.letters!r}, {len(self)} rows)"
