"""Parquet: leaf columns as strings, nested ones under their path, and the footer's own metadata."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from typing import Any, BinaryIO

from piiscan.errors import Encrypted, LimitReached, Malformed, ObjectError
from piiscan.extract import Job
from piiscan.extract.leaves import BATCH, columns
from piiscan.extract.spooled import seekable
from piiscan.extract.text import windows
from piiscan.model import Segment

MEDIA_TYPES = frozenset({"application/vnd.apache.parquet"})

ENCRYPTED = b"PARE"
"""What a file with an encrypted footer begins with. Source: Parquet, Encryption.md, section 5.4."""
_BATCH_BYTES = 8 << 20
_BUFFER = 1 << 20
"""Bytes of a column that are read at once; without a bound pyarrow holds a row group's columns whole."""
_SCHEMA_KEY = b"ARROW:schema"
"""The schema again, in base64: the names that it holds are read with the columns."""


class Parquet:
    """The extractor of Parquet files."""

    media_types = MEDIA_TYPES

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """The key-value metadata, then columns of about 20,000 rows each, rows counted over the file from 1.

        A column of a row group that cannot be read costs no other. Raises: Malformed, Encrypted, LimitReached.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        source = seekable(stream, job)
        head = source.read(len(ENCRYPTED))
        source.seek(0)
        if head == ENCRYPTED:
            raise Encrypted("an encrypted Parquet file: no values read")
        try:
            with pq.ParquetFile(
                pa.PythonFile(source, mode="r"), pre_buffer=False, buffer_size=_BUFFER, page_checksum_verification=False
            ) as file:
                yield from metadata_text(file.metadata.metadata, job)
                yield from _Groups(file, job).read()
        except (ObjectError, GeneratorExit):
            raise
        except (MemoryError, pa.ArrowMemoryError) as err:
            raise LimitReached("the Parquet file needs more memory than there is", reason="MEMORY_LIMIT") from err
        except Exception as err:
            raise Malformed(f"the Parquet file is damaged or not readable ({type(err).__name__})") from None


class _Groups:
    """Reads all row groups: together as long as that goes well, else the columns of a group one by one."""

    def __init__(self, file: Any, job: Job) -> None:
        self._file, self._job = file, job
        self._size = batch_rows(file.metadata)
        self._names: list[str] | None = None
        """The columns that are left, when some are encrypted."""
        self._given = False
        self._locked = False
        """Whether the last fault was a missing key."""
        self._lost = 0

    def read(self) -> Iterator[Segment]:
        """The segments of all rows. Raises: Encrypted or Malformed when nothing could be read."""
        count = self._file.metadata.num_row_groups
        starts = [0]
        for group in range(count):
            starts.append(starts[-1] + self._file.metadata.row_group(group).num_rows)
        group = 0
        while group < count:
            done = yield from self._batches(range(group, count), self._names, starts[group], 0)
            if done is None:
                break
            while group + 1 < count and starts[group + 1] <= done:
                group += 1
            yield from self._by_column(group, starts[group], done - starts[group])
            group += 1
        locked = self._names is not None and len(self._names) < len(self._file.schema_arrow.names)
        if not self._given and (locked or self._lost):
            raise (Encrypted if locked else Malformed)("no column of the Parquet file could be read")
        if locked:
            self._job.note("INVALID_ENCRYPTION", "encrypted columns were not read")
        if self._lost:
            self._job.note("MALFORMED_FILE", f"{self._lost} damaged column chunk(s) could not be read whole")

    def _batches(
        self, groups: Sequence[int], names: list[str] | None, first: int, skip: int
    ) -> Generator[Segment, None, int | None]:
        """Segments of some row groups from row `first` on (from 0), the first `skip` rows left out.

        Returns None, or the row at which reading broke off.
        """
        import pyarrow as pa

        row = first
        if names == []:
            return None
        try:
            for batch in self._file.iter_batches(batch_size=self._size, row_groups=list(groups), columns=names):
                self._job.budget.spend(batch.nbytes)
                new = row + batch.num_rows - first - skip
                if new > 0:
                    part = batch.slice(max(batch.num_rows - new, 0))
                    self._given = True
                    yield from columns(part, row + batch.num_rows - part.num_rows + 1, self._job)
                row += batch.num_rows
        except (ObjectError, GeneratorExit, MemoryError, pa.ArrowMemoryError):
            raise
        except Exception as err:
            # Looked at, never shown: Arrow has no type of its own for this.
            self._locked = "decrypt" in str(err).lower()
            return row
        return None

    def _by_column(self, group: int, first: int, skip: int) -> Iterator[Segment]:
        names = list(dict.fromkeys(self._names or self._file.schema_arrow.names))
        left = list(names)
        for name in names:
            done = yield from self._batches([group], [name], first, skip)
            if done is not None and self._locked:
                left.remove(name)
            elif done is not None:
                self._lost += 1
        if len(left) < len(names):
            self._names = left


def batch_rows(metadata: Any) -> int:
    """Rows of one batch, so that it stays near `_BATCH_BYTES` by what the row groups say of their size."""
    rows = max(metadata.num_rows, 1)
    size = sum(metadata.row_group(i).total_byte_size for i in range(min(metadata.num_row_groups, 100)))
    return int(min(max(_BATCH_BYTES * rows // max(size, 1), 64), BATCH))


def metadata_text(pairs: Any, job: Job) -> Iterator[Segment]:
    """The key-value pairs of a footer, one a line."""
    lines = [
        f"{key.decode('utf-8', 'replace')}: {value.decode('utf-8', 'replace')}"
        for key, value in (pairs or {}).items()
        if key != _SCHEMA_KEY
    ]
    if lines:
        place = replace(job.place, part="metadata")
        yield from windows(("\n".join(lines),), place, flat=False, line=None, prose=False)


EXTRACTOR = Parquet()
