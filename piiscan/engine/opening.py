"""How an object is opened for its parser: as a stream, as a file, or as one that is fetched while it is read."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import BinaryIO, cast

from piiscan.crawl.ranged import RangedObject
from piiscan.errors import Malformed, ParserDied
from piiscan.extract import IN_PROCESS, Job
from piiscan.identify import identify
from piiscan.model import ObjectRef, Segment
from piiscan.ports import Source
from piiscan.sparse import Fill

_BUFFER = 1 << 16


def opened(source: Source, ref: ObjectRef, scratch: str) -> BinaryIO:
    """A stream over an object: in ranges where its source can and it is of a format that a parser child reads.

    Raises: ObjectError.
    """
    make = getattr(source, "ranged", None)
    raw: RangedObject | None = make(ref, scratch) if make is not None else None
    if raw is None:
        return source.open(ref)
    stream = cast(BinaryIO, io.BufferedReader(raw, _BUFFER))
    whole = True
    try:
        whole = identify(stream, ref.name).media_type in IN_PROCESS
    finally:
        if whole:
            stream.close()
    return source.open(ref) if whole else stream


def ranged(stream: BinaryIO) -> RangedObject | None:
    """What is below a stream of `opened`, where that is an object in ranges."""
    raw = getattr(stream, "raw", None)
    return raw if isinstance(raw, RangedObject) else None


@contextmanager
def for_child(stream: BinaryIO, scratch: str) -> Iterator[tuple[int, Fill | None]]:
    """A descriptor for the parser child, and what fills the file behind it; nothing where its content is all there.

    That of a stream that is no file is an unlinked temporary file with a copy. The stream is closed at the end.
    """
    raw = ranged(stream)
    if raw is not None:
        with closing(stream):
            yield raw.handle, raw.fill
        return
    with closing(_as_file(stream, scratch)) as file:
        yield file.fileno(), None


def verified(stream: BinaryIO, job: Job, segments: Iterator[Segment]) -> Iterator[Segment]:
    """The segments of a stream of `opened`; for one in ranges the checksum is compared once all of it was read.

    What looks damaged is read to its end for that: the damage may have come on its way. Raises: ObjectError.
    """
    raw = ranged(stream)
    if raw is None:
        yield from segments
        return
    try:
        yield from segments
    except (Malformed, ParserDied):
        raw.verify(complete=True)
        raise
    raw.verify(complete=any(note.startswith(Malformed.reason) for note in job.budget.notes))


def _as_file(stream: BinaryIO, scratch: str) -> BinaryIO:
    try:
        stream.fileno()
    except (OSError, AttributeError):
        copy = tempfile.TemporaryFile(dir=scratch)  # noqa: SIM115 - the caller closes it
        while chunk := stream.read(1 << 20):
            copy.write(chunk)
        copy.seek(0)
        return copy
    return stream
