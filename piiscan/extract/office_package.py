"""The parts of an Office package: found by their names, read as bytes, as a stream or in blocks."""

from __future__ import annotations

import contextlib
import io
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import BinaryIO, Self

from piiscan.errors import Encrypted, Malformed
from piiscan.extract import Job
from piiscan.extract.office_parts import fits, folder_of, numbers
from piiscan.extract.office_salvage import Salvaged
from piiscan.extract.office_stream import Blocks, PartStream
from piiscan.extract.office_zip import Directory, Entry, opened
from piiscan.extract.places import placer
from piiscan.model import Place, Segment

SMALL = 4 << 20
"""Bytes of a part up to which it is read in one step."""


def _opened(stream: BinaryIO, job: Job) -> Directory | Salvaged:
    """The zip by its directory, or by its local headers where that is lost. Raises: Malformed."""
    try:
        return opened(stream)
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, struct.error) as err:
        try:
            found = Salvaged(stream)
        except (zipfile.BadZipFile, OSError, ValueError):
            raise Malformed("not a readable Office package: its zip directory is damaged") from err
    job.note("MALFORMED_FILE", "the package has no readable directory: its parts were searched for")
    return found


class Parts:
    """The parts of an open package."""

    def __init__(self, stream: BinaryIO, job: Job) -> None:
        self.job = job
        self.make = placer(job.place)
        """Makes places in this package; all that is known of them by keyword."""
        self._zip = _opened(stream, job)
        self.infos = [info for info in self._zip.infolist() if info.filename and not info.filename.endswith("/")]
        if any(info.flag_bits & 1 for info in self.infos):
            raise Encrypted("encrypted Office package: no text read")
        self.broken: set[str] = set()
        self.links: dict[str, list[tuple[str, str, bool]]] = {}
        self._by_name: dict[str, Entry] = {}
        self._folders: dict[str, list[Entry]] = {}
        for info in self.infos:
            name = info.filename.lower()
            self._by_name.setdefault(name, info)
            self._folders.setdefault(name.rpartition("/")[0], []).append(info)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._zip.close()

    def named(self, pattern: str) -> list[Entry]:
        """Parts whose whole name matches, in the order of their numbers."""
        folder = folder_of(pattern)
        some = self.infos if folder is None else self._folders.get(folder, ())
        found = [info for info in some if fits(pattern, info.filename)]
        if len(found) > 1:
            found.sort(key=lambda info: numbers(info.filename))
        return found

    def find(self, name: str) -> Entry | None:
        """The part of that name, if there is one (names differ in case between writers)."""
        return self._by_name.get(name.lower().lstrip("/"))

    def open(self, info: Entry) -> PartStream:
        """A part as a stream of its bytes. Raises: Malformed."""
        try:
            return PartStream(self._zip.open(info), self.job, info.filename)
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, EOFError) as err:
            raise Malformed(f"part {info.filename} of the package is damaged") from err

    def content(self, info: Entry, most: int = SMALL) -> bytes | None:
        """A part of at most so many bytes whole, read in one step; None where the other way (`open`) must be taken."""
        size, package = info.file_size, self._zip
        if (
            not isinstance(package, Directory)
            or max(size, info.compress_size) > min(most, self.job.limits.part_bytes)
            or info.compress_type not in (0, 8)
        ):
            return None
        try:
            data = package.read(package.begin(info), info.compress_size)
            if info.compress_type:
                data = zlib.decompressobj(-15).decompress(data, size + 1)
        except (zipfile.BadZipFile, zlib.error, OSError, ValueError):
            return None
        if len(data) != size or zlib.crc32(data) != info.CRC:
            # The other way says what is wrong, and gives what can be had before the damage.
            return None
        self.job.budget.spend(size)
        return data

    @contextlib.contextmanager
    def blocks(self, info: Entry) -> Iterator[Iterator[bytes]]:
        """The bytes of a part in blocks, of which each may raise Malformed or LimitReached; one where it is small."""
        data = self.content(info)
        if data is not None:
            yield iter((data,))
            return
        with contextlib.ExitStack() as stack:
            yield Blocks(lambda: stack.enter_context(self.open(info)))

    def note(self, sentence: str) -> None:
        """Say once that a part was not read as it should be."""
        self.job.note("MALFORMED_FILE", sentence)

    def raw_text(self, info: Entry, place: Place) -> Iterator[Segment]:
        """A part that lxml refused, by the reader of plain XML (which knows no depth)."""
        from piiscan.extract.markup import xml_segments

        try:
            data = self.content(info)
            if data is not None:
                yield from xml_segments(io.BytesIO(data), self.job, place)
                return
            with self.open(info) as part:
                yield from xml_segments(io.BufferedReader(part), self.job, place)
        except Malformed as err:
            self.note(str(err))

    def linking(self) -> Iterator[Entry]:
        """The parts of relationships that may name something outside the package."""
        inside = set[bytes]()
        folders = (some for name, some in self._folders.items() if name == "_rels" or name.endswith("/_rels"))
        parts = [info for some in folders for info in some if info.filename.lower().endswith(".rels")]
        for info in sorted(parts, key=lambda info: numbers(info.filename)):
            if info.filename not in self.links:
                package, stored = self._zip, b""
                if isinstance(package, Directory) and info.compress_size < 4096:
                    with contextlib.suppress(zipfile.BadZipFile, OSError, ValueError):
                        stored = package.read(package.begin(info), info.compress_size)
                # Layouts by the dozen have the same relationships.
                if stored and stored in inside:
                    continue
                data = self.content(info)
                if data is not None and b"xternal" not in data and b"\0" not in data:
                    inside.add(stored)
                    continue
            yield info
