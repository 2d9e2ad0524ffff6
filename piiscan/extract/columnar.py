"""Parquet: leaf columns as strings, nested ones under their path, and the footer's own metadata."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from piiscan.errors import LimitReached, Malformed, ObjectError
from piiscan.extract import Job
from piiscan.extract.giant import BIG
from piiscan.extract.spooled import seekable
from piiscan.extract.text import windows
from piiscan.model import ColumnSegment, Place, Segment

MEDIA_TYPES = frozenset({"application/vnd.apache.parquet"})

_BATCH_BYTES = 8 << 20
_BATCH_ROWS = 20_000
_SCHEMA_KEY = b"ARROW:schema"
"""The schema again, in base64: the names that it holds are read with the columns."""


class Parquet:
    """The extractor of Parquet files."""

    media_types = MEDIA_TYPES

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """Columns of about 20,000 rows each, rows counted over the file from 1, then the key-value metadata.

        Raises: Malformed, LimitReached.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        source = seekable(stream, job)
        try:
            with pq.ParquetFile(pa.PythonFile(source, mode="r"), pre_buffer=False) as file:
                yield from _metadata(file.metadata, job)
                row = 0
                for batch in file.iter_batches(batch_size=_batch_rows(file.metadata)):
                    job.budget.spend(batch.nbytes)
                    rows = np.arange(row + 1, row + batch.num_rows + 1)
                    row += batch.num_rows
                    for name, column in zip(batch.schema.names, batch.columns, strict=True):
                        yield from _leaves(column, rows, name, "", job)
        except (ObjectError, GeneratorExit):
            raise
        except (MemoryError, pa.ArrowMemoryError) as err:
            raise LimitReached("the Parquet file needs more memory than there is", reason="MEMORY_LIMIT") from err
        except Exception as err:
            raise Malformed(f"the Parquet file is damaged or not readable ({type(err).__name__})") from None


def _batch_rows(metadata: Any) -> int:
    """Rows of one batch, so that it stays near `_BATCH_BYTES` by what the row groups say of their size."""
    rows = max(metadata.num_rows, 1)
    size = sum(metadata.row_group(i).total_byte_size for i in range(min(metadata.num_row_groups, 100)))
    return int(min(max(_BATCH_BYTES * rows // max(size, 1), 64), _BATCH_ROWS))


def _metadata(metadata: Any, job: Job) -> Iterator[Segment]:
    pairs = metadata.metadata or {}
    lines = [
        f"{key.decode('utf-8', 'replace')}: {value.decode('utf-8', 'replace')}"
        for key, value in pairs.items()
        if key != _SCHEMA_KEY
    ]
    if lines:
        place = Place(part="metadata", member=job.member or None)
        yield from windows(("\n".join(lines),), place, flat=False, line=None, prose=False)


def _leaves(array: Any, rows: npt.NDArray[np.int64], header: str, path: str, job: Job) -> Iterator[Segment]:
    """The segments of a column and of all that is nested in it; `rows` names the file's row of each value."""
    import pyarrow as pa

    kind = array.type
    if isinstance(array, pa.ExtensionArray):
        yield from _leaves(array.storage, rows, header, path, job)
    elif pa.types.is_dictionary(kind):
        yield from _leaves(array.dictionary_decode(), rows, header, path, job)
    elif pa.types.is_struct(kind):
        for field, child in zip(kind, array.flatten(), strict=True):
            yield from _leaves(child, rows, field.name, f"{path or header}.{field.name}", job)
    elif pa.types.is_map(kind):
        parents, begin, end = _parents(array)
        for part, items in (("key", array.keys), ("value", array.items)):
            inner = f"{path or header}.key_value.{part}"
            yield from _leaves(items.slice(begin, end - begin), rows[parents], header, inner, job)
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        import pyarrow.compute as pc

        parents = pc.list_parent_indices(array).to_numpy(zero_copy_only=False)
        yield from _leaves(pc.list_flatten(array), rows[parents], header, f"{path or header}.list.element", job)
    elif not (pa.types.is_boolean(kind) or pa.types.is_null(kind)):
        yield from _values(array, rows, header, path, job)


def _parents(array: Any) -> tuple[npt.NDArray[np.int64], int, int]:
    """Index of the map that each entry belongs to, and the range of the entries in use."""
    offsets = array.offsets.to_numpy(zero_copy_only=False).astype(np.int64)
    return np.repeat(np.arange(len(array)), np.diff(offsets)), int(offsets[0]), int(offsets[-1])


def _values(array: Any, rows: npt.NDArray[np.int64], header: str, path: str, job: Job) -> Iterator[Segment]:
    values, keep = _strings(array)
    rows = rows[keep]
    if not values:
        return
    if max(map(len, values)) > BIG:
        for value, row in zip(values, rows.tolist(), strict=True):
            if len(value) > BIG:
                place = Place(row=row, column_name=header or None, path=path or None, member=job.member or None)
                yield from windows((value,), place, flat=False, line=None)
        short = [i for i, value in enumerate(values) if len(value) <= BIG]
        values, rows = [values[i] for i in short], rows[short]
        if not values:
            return
    yield ColumnSegment(header=header, path=path, values=values, rows=rows, base=job.place)


def _strings(array: Any) -> tuple[list[str], npt.NDArray[np.int64]]:
    """The values of a flat array that are there and not empty, as strings, and their indexes."""
    import pyarrow as pa
    import pyarrow.compute as pc

    kind = array.type
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
    length = pc.utf8_length(array)
    keep = np.flatnonzero(pc.fill_null(pc.greater(length, 0), False).to_numpy(zero_copy_only=False))
    if len(keep) < len(array):
        array = array.take(pa.array(keep))
    values = array.to_numpy(zero_copy_only=False).tolist()
    if pa.types.is_floating(kind):
        values = [f"{float(v):.0f}" if "e+" in v and len(v.rpartition("+")[2]) <= 2 else v for v in values]
    return values, keep


def _as_whole(array: Any) -> Any:
    """Floats that are whole numbers as integers: a card number must not show as 4.1e15."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_float16(array.type):
        return array.cast(pa.float32())
    whole = pc.and_(pc.equal(pc.floor(array), array), pc.less(pc.abs(array), 2.0**62))
    return array.cast(pa.int64()) if pc.all(whole).as_py() else array


def _one_by_one(array: Any) -> tuple[list[str], npt.NDArray[np.int64]]:
    """For what Arrow cannot cast: binary values that are UTF-8, and what Python can print."""
    values: list[str] = []
    keep: list[int] = []
    for index in range(len(array)):
        try:
            value = array[index].as_py()
            text = value.decode("utf-8") if isinstance(value, bytes) else "" if value is None else str(value)
        except (ValueError, OverflowError, ArithmeticError):
            continue
        if text:
            values.append(text)
            keep.append(index)
    return values, np.array(keep, dtype=np.int64)


EXTRACTOR = Parquet()
