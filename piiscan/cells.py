"""The values of a column as one Arrow array: made from a block of bytes without a Python string a value.

A column of a table is read, checked and counted as a whole; of most values nobody ever asks for the string.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]


class Cells(Sequence[str]):
    """A sequence of strings over a `pyarrow.StringArray` without nulls."""

    __slots__ = ("_bounds", "array")

    def __init__(self, array: Any) -> None:
        self.array = array
        self._bounds: IntArray | None = None

    @classmethod
    def of(cls, values: Sequence[str]) -> Cells:
        """The cells of any strings. Raises: UnicodeEncodeError for lone surrogates."""
        import pyarrow as pa

        return values if isinstance(values, Cells) else cls(pa.array(values, pa.string()))

    @classmethod
    def spans(cls, data: bytes, starts: IntArray, ends: IntArray) -> Cells:
        """The cells that lie in UTF-8 `data` between ascending `starts` and `ends`; their bytes are shared."""
        import pyarrow as pa

        offsets = np.zeros(2 * len(starts) + 1, np.int32)
        offsets[1::2], offsets[2::2] = starts, ends
        # Every other string of this array is what stands between two cells.
        whole = pa.StringArray.from_buffers(2 * len(starts), pa.py_buffer(offsets), pa.py_buffer(data))
        return cls(whole.take(pa.array(np.arange(1, 2 * len(starts), 2))))

    def __len__(self) -> int:
        return len(self.array)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Cells: ...
    def __getitem__(self, index: int | slice) -> str | Cells:
        if isinstance(index, slice):
            return Cells(self.array[index])
        value: str = self.array[index].as_py()
        return value

    def __iter__(self) -> Iterator[str]:
        return iter(self.array.to_pylist())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"Cells({len(self)} values)"

    def take(self, indexes: IntArray) -> Cells:
        """The cells at some indexes."""
        import pyarrow as pa

        return Cells(self.array.take(pa.array(indexes)))

    @property
    def bounds(self) -> IntArray:
        """Offsets of the cells in `data`, one more than there are cells, in bytes."""
        if self._bounds is None:
            offsets = np.frombuffer(self.array.buffers()[1], np.int32, len(self) + 1, 4 * self.array.offset)
            self._bounds = (offsets - offsets[0]).astype(np.int64)
        return self._bounds

    @property
    def data(self) -> npt.NDArray[np.uint8]:
        """The UTF-8 of all cells, one directly after the other."""
        _, offsets, data = self.array.buffers()
        first = int(np.frombuffer(offsets, np.int32, 1, 4 * self.array.offset)[0])
        if data is None:
            return np.empty(0, np.uint8)
        return np.frombuffer(data, np.uint8, int(self.bounds[-1]), first)

    @property
    def sizes(self) -> IntArray:
        """Bytes of each cell."""
        return np.diff(self.bounds)

    def joined(self) -> bytes:
        """All cells, a line feed between them."""
        import pyarrow as pa
        import pyarrow.compute as pc

        if not len(self):
            return b""
        together = pc.binary_join(pa.ListArray.from_arrays([0, len(self)], self.array), "\n")
        joined: bytes = together[0].as_buffer().to_pybytes()
        return joined
