"""Containers: gzip, bzip2, xz, zstd, LZMA, lzip, tar and zip, and the images of Docker and OCI, which are tars.

Members come back through `Job.nested`; nothing is ever written out.
"""

from __future__ import annotations

import bz2
import io
import lzma
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import BinaryIO, cast

from piiscan.errors import Malformed, ObjectError
from piiscan.extract import Job
from piiscan.extract.compressed import Lzip, Zstd, bare_lzma
from piiscan.extract.inflate import MEMORY, Decompressor, Inflate, chained
from piiscan.extract.names import Names, shown
from piiscan.extract.spooled import Pieces, blocks
from piiscan.extract.unzip import extent, members
from piiscan.identify import identify
from piiscan.model import Segment

GIT_OBJECT = "application/x-git-object"
MEDIA_TYPES = frozenset(
    {
        "application/gzip",
        "application/x-bzip2",
        "application/x-xz",
        "application/zstd",
        "application/x-lzma",
        "application/x-lzip",
        "application/zlib",
        GIT_OBJECT,
        "application/zip",
        "application/x-tar",
        "application/java-archive",
        "application/vnd.android.package-archive",
    }
)

STREAMS: dict[str, tuple[tuple[str, ...], Callable[[], Decompressor]]] = {
    "application/gzip": ((".gz", ".gzip", ".z"), lambda: Inflate(31)),
    "application/x-bzip2": ((".bz2", ".bz"), bz2.BZ2Decompressor),
    "application/x-xz": ((".xz", ".lzma"), lambda: lzma.LZMADecompressor(memlimit=MEMORY)),
    "application/zstd": ((".zst", ".zstd"), Zstd),
    "application/x-lzma": ((".lzma",), bare_lzma),
    "application/x-lzip": ((".lz",), Lzip),
    "application/zlib": ((".zz", ".zlib"), lambda: Inflate(15)),
    GIT_OBJECT: ((), lambda: Inflate(15)),
}
_SHORT = {
    ".tgz": ".tar",
    ".tbz": ".tar",
    ".tbz2": ".tar",
    ".txz": ".tar",
    ".tzst": ".tar",
    ".tlz": ".tar",
    ".taz": ".tar",
    ".svgz": ".svg",
}
_READ = 256 << 10


class Archive:
    """The extractor of containers."""

    media_types = MEDIA_TYPES

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """The segments of all members, each with its chain of names.

        Raises: Malformed, Encrypted (no member could be opened), LimitReached.
        """
        if job.media_type in STREAMS:
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


def _compressed(stream: BinaryIO, job: Job) -> Iterator[Segment]:
    name = inner_name(job.name, STREAMS[job.media_type][0])
    pieces = unpacked(stream, job.media_type, job)
    first = next(pieces, b"")
    if job.media_type == GIT_OBJECT:
        # Kind and size stand before the content; that of a tree is names and numbers.
        kind, _, first = first.partition(b"\0")
        if kind.startswith(b"tree"):
            return
    if not first:
        return
    yield from job.nested(name, cast(BinaryIO, Pieces(_with(first, pieces))))


def unpacked(stream: BinaryIO, media_type: str, job: Job) -> Iterator[bytes]:
    """What a compressed stream holds; breaking off is a note. Raises: Malformed when nothing came; LimitReached."""

    def cut() -> None:
        job.note("MALFORMED_FILE", "the compressed data break off or are damaged: read up to there")

    return chained(blocks(stream), STREAMS[media_type][1], job.budget, cut)


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
    """Each file of a tar; the order of an image's layers is that of its manifest where the stream can be sought in."""
    from piiscan.extract.ocimage import is_image, layers

    image = is_image(stream)
    if image and stream.seekable():
        found = layers(stream)
        if found:
            yield from _picked(stream, found, job)
            return
    source = _Counted(stream)
    names = Names()
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
                member = cast(BinaryIO, Pieces(_tar_pieces(archive, entry, job)))
                name = names.unique(shown(entry.name))
                yield from _blob(name, member, job) if image else job.nested(name, member)
    except ObjectError:
        raise
    except Exception as err:
        if not some:
            raise Malformed("the tar archive has no readable header") from err
        job.note("MALFORMED_FILE", "the tar archive breaks off or is damaged: read up to there")
        return
    if source.count % 512:
        job.note("MALFORMED_FILE", "the tar archive breaks off in the middle of a header")


def _picked(stream: BinaryIO, entries: list[tuple[str, int, int]], job: Job) -> Iterator[Segment]:
    """The files of an image in the order that was asked for."""
    names = Names()
    for name, begin, size in entries:
        yield from _blob(names.unique(shown(name)), cast(BinaryIO, Pieces(extent(stream, begin, size))), job)


def _blob(name: str, member: BinaryIO, job: Job) -> Iterator[Segment]:
    """A file of an image; a compressed layer stands in the chain as one element: `image!/layer!/path`."""
    buffered = io.BufferedReader(member, 1 << 20)  # type: ignore[type-var]
    try:
        media_type = identify(cast(BinaryIO, buffered), name).media_type
    except ObjectError:
        # It comes again when the member is read, and costs that member only.
        media_type = ""
    if media_type not in STREAMS:
        yield from job.nested(name, cast(BinaryIO, buffered))
        return
    inner = replace(job, member=(*job.member, name))
    yield from job.nested(name, cast(BinaryIO, Pieces(unpacked(cast(BinaryIO, buffered), media_type, inner))))


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
