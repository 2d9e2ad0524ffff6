"""Containers: gzip, bzip2, xz, tar and zip. Members come back through `Job.nested`; nothing is ever written out."""

from __future__ import annotations

import bz2
import lzma
import tarfile
from collections.abc import Callable, Iterator
from typing import BinaryIO, cast

from piiscan.errors import Malformed, ObjectError
from piiscan.extract import Job
from piiscan.extract.inflate import MEMORY, Decompressor, Inflate, chained
from piiscan.extract.spooled import Pieces, blocks
from piiscan.extract.unzip import members
from piiscan.model import Segment

MEDIA_TYPES = frozenset(
    {
        "application/gzip",
        "application/x-bzip2",
        "application/x-xz",
        "application/zip",
        "application/x-tar",
        "application/java-archive",
        "application/vnd.android.package-archive",
        "application/epub+zip",
        # Until they have readers of their own, the parts of these are read one by one.
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        "application/vnd.oasis.opendocument.text",
        "application/vnd.oasis.opendocument.spreadsheet",
        "application/vnd.oasis.opendocument.presentation",
    }
)

_STREAMS: dict[str, tuple[tuple[str, ...], Callable[[], Decompressor]]] = {
    "application/gzip": ((".gz", ".gzip", ".z"), lambda: Inflate(31)),
    "application/x-bzip2": ((".bz2", ".bz"), bz2.BZ2Decompressor),
    "application/x-xz": ((".xz", ".lzma"), lambda: lzma.LZMADecompressor(memlimit=MEMORY)),
}
_SHORT = {".tgz": ".tar", ".tbz": ".tar", ".tbz2": ".tar", ".txz": ".tar", ".svgz": ".svg"}
_READ = 256 << 10


class Archive:
    """The extractor of containers."""

    media_types = MEDIA_TYPES

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """The segments of all members, each with its chain of names.

        Raises: Malformed, Encrypted (no member could be opened), LimitReached.
        """
        if job.media_type in _STREAMS:
            yield from _compressed(stream, job)
        elif job.media_type == "application/x-tar":
            yield from _tar(stream, job)
        else:
            yield from members(stream, job)


def inner_name(name: str, suffixes: tuple[str, ...]) -> str:
    """The name of what a compressed file holds.

    >>> inner_name("logs/a.txt.gz", (".gz",)), inner_name("b.tgz", (".gz",)), inner_name("c", (".gz",))
    ('a.txt', 'b.tar', 'c')
    """
    base = name.rpartition("/")[2] or "data"
    for suffix in suffixes:
        if base.lower().endswith(suffix) and len(base) > len(suffix):
            return base[: -len(suffix)]
    for short, long in _SHORT.items():
        if base.lower().endswith(short):
            return base[: -len(short)] + long
    return base


def shown(name: str) -> str:
    """A member name as it is reported: bytes that were not UTF-8 become `\\xNN`, the rest stays.

    >>> shown("a\\udcff.txt")
    'a\\\\xff.txt'
    """
    if name.isascii():
        return name
    return "".join(f"\\x{ord(c) - 0xDC00:02x}" if "\udc80" <= c <= "\udcff" else _plain(c) for c in name)


def _plain(char: str) -> str:
    return f"\\u{ord(char):04x}" if "\ud800" <= char <= "\udfff" else char


def _compressed(stream: BinaryIO, job: Job) -> Iterator[Segment]:
    suffixes, new = _STREAMS[job.media_type]
    name = inner_name(job.name, suffixes)

    def cut() -> None:
        job.note("MALFORMED_FILE", "the compressed data break off or are damaged: read up to there")

    pieces = chained(blocks(stream), new, job.budget, cut)
    first = next(pieces, b"")
    if not first:
        return
    yield from job.nested(name, cast(BinaryIO, Pieces(_with(first, pieces))))


def _with(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


class _Counted:
    """A stream for tarfile that knows how far it was read."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self.count = 0

    def read(self, size: int) -> bytes:
        """The next bytes."""
        data = self._stream.read(size)
        self.count += len(data)
        return data


def _tar(stream: BinaryIO, job: Job) -> Iterator[Segment]:
    source = _Counted(stream)
    some = False
    try:
        # Stream mode reads forward only and never follows a link.
        with tarfile.open(
            fileobj=cast(BinaryIO, source), mode="r|", bufsize=_READ, encoding="utf-8", errors="surrogateescape"
        ) as archive:
            while True:
                entry = archive.next()
                if entry is None:
                    break
                # The library keeps every entry it has seen.
                archive.members = []  # type: ignore[attr-defined]
                some = True
                if not entry.isreg() or not entry.size:
                    job.budget.member()
                    continue
                yield from job.nested(shown(entry.name), cast(BinaryIO, Pieces(_tar_pieces(archive, entry, job))))
    except ObjectError:
        raise
    except Exception as err:
        if not some:
            raise Malformed("the tar archive has no readable header") from err
        job.note("MALFORMED_FILE", "the tar archive breaks off or is damaged: read up to there")
        return
    if source.count % 512:
        job.note("MALFORMED_FILE", "the tar archive breaks off in the middle of a header")


def _tar_pieces(archive: tarfile.TarFile, entry: tarfile.TarInfo, job: Job) -> Iterator[bytes]:
    reader = archive.extractfile(entry)
    if reader is None:
        return
    left = entry.size
    while left > 0:
        try:
            block = reader.read(min(_READ, left))
        except Exception as err:
            raise Malformed("the member breaks off") from err
        if not block:
            return
        left -= len(block)
        if entry.sparse is not None:
            # Holes cost nothing in the archive and everything here.
            job.budget.spend(len(block))
        yield block


EXTRACTOR = Archive()
