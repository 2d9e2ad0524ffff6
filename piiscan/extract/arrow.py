"""Arrow IPC files and streams, Feather and ORC: columns as strings, and the key-value metadata."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from typing import Any, BinaryIO

from piiscan.errors import LimitReached, Malformed, ObjectError
from piiscan.extract import Job
from piiscan.extract.columnar import metadata_text
from piiscan.extract.feather import check
from piiscan.extract.leaves import columns
from piiscan.extract.spooled import seekable
from piiscan.model import Segment

ORC = "application/x-orc"
FILE = "application/vnd.apache.arrow.file"
STREAM = "application/vnd.apache.arrow.stream"
FEATHER = "application/x-feather"
"""Feather of version 1; version 2 is an Arrow file."""
MEDIA_TYPES = frozenset({ORC, FILE, STREAM, FEATHER})

_MAGIC = 8
"""Bytes before the stream in an Arrow file. Source: Arrow, "IPC File Format"."""
_LARGE = 128 << 20
"""Bytes of a file from which its columns are read one after the other: a batch may be as large as the file."""


class Arrow:
    """The extractor of the formats that Arrow reads, Parquet aside."""

    media_types = MEDIA_TYPES

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """The metadata, then columns, rows counted over the object from 1. Raises: Malformed, LimitReached."""
        import pyarrow as pa

        read = {ORC: _orc, FILE: _file, STREAM: _stream, FEATHER: _feather}[job.media_type]
        source = seekable(stream, job)
        try:
            yield from read(source, job)
        except (ObjectError, GeneratorExit):
            raise
        except (MemoryError, pa.ArrowMemoryError) as err:
            raise LimitReached("the file needs more memory than there is", reason="MEMORY_LIMIT") from err
        except Exception as err:
            raise Malformed(f"the {job.media_type} file is damaged or not readable ({type(err).__name__})") from None


class _Pick:
    """Options that read one column, or all."""

    def __init__(self, source: BinaryIO, schema: Any) -> None:
        import pyarrow as pa

        begin = source.tell()
        size = source.seek(0, io.SEEK_END) - begin
        source.seek(begin)
        every: list[list[int] | None] = [None]
        if size > _LARGE:
            every = [[number] for number in range(len(schema.names))]
        self.options = [pa.ipc.IpcReadOptions(included_fields=fields, use_threads=False) for fields in every]


def _spent(batch: Any, job: Job) -> Any:
    job.budget.spend(batch.nbytes)
    return batch


def _file(source: BinaryIO, job: Job) -> Iterator[Segment]:
    import pyarrow as pa

    try:
        first = pa.ipc.open_file(pa.PythonFile(source, mode="r"))
    except pa.ArrowMemoryError:
        raise
    except (pa.ArrowException, OSError):
        # Without its footer it is still a stream, behind the magic.
        source.seek(_MAGIC)
        yield from _stream(source, job)
        job.note("MALFORMED_FILE", "an Arrow file without its footer; read as a stream")
        return
    yield from metadata_text(first.schema.metadata, job)
    # Older versions of Arrow do not know the footer's own.
    yield from metadata_text(getattr(first, "metadata", None), job)
    lost: set[int] = set()
    for options in _Pick(source, first.schema).options:
        reader = pa.ipc.open_file(pa.PythonFile(source, mode="r"), options=options)
        row = 0
        for number in range(reader.num_record_batches):
            try:
                batch = reader.get_batch(number)
                batch.validate(full=True)
            except pa.ArrowMemoryError:
                raise
            except (pa.ArrowException, OSError, IndexError):
                lost.add(number)
                continue
            yield from columns(_spent(batch, job), row + 1, job)
            row += batch.num_rows
    if lost:
        job.note("MALFORMED_FILE", f"{len(lost)} damaged record batch(es) were not read; later rows count without them")


def _stream(source: BinaryIO, job: Job) -> Iterator[Segment]:
    import pyarrow as pa

    begin = source.tell()
    first = pa.ipc.open_stream(pa.PythonFile(source, mode="r"))
    yield from metadata_text(first.schema.metadata, job)
    source.seek(begin)
    given = False
    for options in _Pick(source, first.schema).options:
        source.seek(begin)
        reader = pa.ipc.open_stream(pa.PythonFile(source, mode="r"), options=options)
        row = 0
        while True:
            try:
                batch = reader.read_next_batch()
                batch.validate(full=True)
            except StopIteration:
                break
            except pa.ArrowMemoryError:
                raise
            except (pa.ArrowException, OSError):
                if not given:
                    raise
                job.note("MALFORMED_FILE", f"the stream is damaged or breaks off after row {row}")
                break
            yield from columns(_spent(batch, job), row + 1, job)
            given = True
            row += batch.num_rows


def _feather(source: BinaryIO, job: Job) -> Iterator[Segment]:
    import pyarrow as pa
    from pyarrow import feather

    size = source.seek(0, io.SEEK_END)
    source.seek(0)
    if size > job.limits.part_bytes:
        raise LimitReached(f"a Feather file of version 1 larger than {job.limits.part_bytes} bytes")
    data = source.read()
    check(data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        table = feather.read_table(pa.BufferReader(data), memory_map=False, use_threads=False)
    table.validate(full=True)
    yield from metadata_text(table.schema.metadata, job)
    row = 0
    for batch in table.to_batches():
        yield from columns(_spent(batch, job), row + 1, job)
        row += batch.num_rows


def _orc(source: BinaryIO, job: Job) -> Iterator[Segment]:
    import pyarrow as pa
    from pyarrow import orc

    file = orc.ORCFile(pa.PythonFile(source, mode="r"))
    yield from metadata_text(file.metadata, job)
    names = file.schema.names
    row, lost = 0, 0
    for stripe in range(file.nstripes):
        count = 0
        # Column by column: a stripe is read whole and may be large.
        for name in dict.fromkeys(names):
            try:
                batch = file.read_stripe(stripe, [name])
            except (MemoryError, pa.ArrowMemoryError):
                raise
            except (pa.ArrowException, OSError, ValueError):
                lost += 1
                continue
            yield from columns(_spent(batch, job), row + 1, job)
            count = max(count, batch.num_rows)
        row += count
    if lost and not row:
        raise Malformed("no column of the ORC file could be read")
    if lost:
        job.note("MALFORMED_FILE", f"{lost} damaged column(s) of stripes were not read")


EXTRACTOR = Arrow()
