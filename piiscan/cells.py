"""The values of a column as one Arrow array: made from a block of bytes without a Python string a value.

A column of a table is read, checked and counted as a whole; of most values nobody ever asks for the string.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import accumulate
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


class Coded(Cells):
    """Cells of which many are alike: the distinct ones, and which of them each cell is.

    `array`, with every cell spelt out, is made when somebody asks for it.
    """

    __slots__ = ("_whole", "codes", "distinct")

    def __init__(self, distinct: Cells, codes: IntArray) -> None:
        self.distinct = distinct
        self.codes = codes
        self._whole: Any = None
        self._bounds = None

    @property
    def array(self) -> Any:
        """All cells as a `pyarrow.StringArray`."""
        if self._whole is None:
            self._whole = self.distinct.take(self.codes).array
        return self._whole

    def __len__(self) -> int:
        return len(self.codes)

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Cells: ...
    def __getitem__(self, index: int | slice) -> str | Cells:
        return self._of(self.codes[index]) if isinstance(index, slice) else self.distinct[int(self.codes[index])]

    def _of(self, codes: IntArray) -> Coded:
        used, inverse = np.unique(codes, return_inverse=True)
        return Coded(self.distinct.take(used), inverse)

    def picked(self, indexes: IntArray) -> Coded:
        """The cells at some indexes, with those distinct ones that are among them."""
        return self._of(self.codes[indexes])

    def take(self, indexes: IntArray) -> Cells:
        """The cells at some indexes, spelt out."""
        return self.distinct.take(self.codes[indexes])

    @property
    def sizes(self) -> IntArray:
        """Bytes of each cell."""
        sizes: IntArray = self.distinct.sizes[self.codes]
        return sizes


def filled(values: Sequence[str]) -> int:
    """How many values are not empty.

    >>> filled(["a", "", "b"]), filled(Cells.of(["a", ""]))
    (2, 1)
    """
    if isinstance(values, Cells):
        return int(np.count_nonzero(values.sizes))
    return len(values) - values.count("")


FEWEST = 500
"""Cells from which on it pays to look for those that are alike."""
SHARE = 0.5
"""Part of the cells that may be distinct."""
SAMPLE = 1_000
SAMPLE_SHARE = 0.95
"""The same for the first of them: of a thousand cells with ten thousand distinct values about as many are distinct."""


def shared(values: Sequence[str]) -> Sequence[str]:
    """`values` as `Coded` where many are alike, else as they are."""
    if len(values) < FEWEST or isinstance(values, Coded):
        return values
    if isinstance(values, Cells):
        found = dictionary_of(values.array)
        return values if found is None else Coded(Cells(found.dictionary), found.indices.to_numpy().astype(np.int64))
    sample = values[:SAMPLE]
    if len(set(sample)) > SAMPLE_SHARE * len(sample):
        return values
    number = {value: index for index, value in enumerate(dict.fromkeys(values))}
    if len(number) > SHARE * len(values):
        return values
    try:
        return Coded(Cells.of(list(number)), np.fromiter(map(number.__getitem__, values), np.int64, len(values)))
    except UnicodeEncodeError:
        return values


def dictionary_of(array: Any) -> Any:
    """A flat Arrow array as `pyarrow.DictionaryArray` where many of its values are alike, else None."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if len(array) < FEWEST:
        return None
    try:
        sample = array[:SAMPLE]
        if pc.count_distinct(sample, mode="all").as_py() > SAMPLE_SHARE * len(sample):
            return None
        found = array.dictionary_encode()
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None
    return found if len(found.dictionary) <= SHARE * len(array) else None


def joined(values: Sequence[str]) -> tuple[bytes, IntArray]:
    """The values in UTF-8 with a line feed between them, and where each begins, and the end of all."""
    if isinstance(values, Cells):
        return values.joined(), values.bounds + np.arange(len(values) + 1)
    cells = [value.encode("utf-8", "surrogatepass") for value in values]
    bounds = np.fromiter(accumulate((len(cell) + 1 for cell in cells), initial=0), np.int64, len(cells) + 1)
    return b"\n".join(cells), bounds
