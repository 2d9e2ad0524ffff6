"""Archives through the system's libarchive: 7z, RAR, CAB, ISO 9660, cpio, ar, RPM, LHA, XAR, and lz4 and .Z streams.

The library only reads: members come as streams and go to `Job.nested`, links are never followed, nothing is written.
Only the one format that was identified is switched on, for every other one is code that hostile bytes could reach.

Source: libarchive's manual pages archive_read(3), archive_read_data(3), archive_entry(3).
"""

from __future__ import annotations

import ctypes
import logging
import os
import sys
from collections.abc import Generator, Iterator
from itertools import chain
from typing import Any, BinaryIO, cast

from piiscan.errors import Encrypted, Malformed, ObjectError, UnsupportedFormat
from piiscan.extract import Job
from piiscan.extract.names import Names, from_bytes, shown
from piiscan.extract.spooled import Pieces, seekable
from piiscan.model import Segment

_ALL = ("gzip", "bzip2", "xz", "lzma", "zstd", "none")
_FORMATS: dict[str, tuple[tuple[str, ...], tuple[str, ...], bool]] = {
    "application/x-7z-compressed": (("7zip",), ("none",), True),
    "application/vnd.rar": (("rar", "rar5"), ("none",), True),
    "application/vnd.ms-cab-compressed": (("cab",), ("none",), True),
    "application/x-iso9660-image": (("iso9660",), ("none",), True),
    "application/x-lha": (("lha",), ("none",), False),
    "application/x-xar": (("xar",), ("none",), False),
    "application/x-cpio": (("cpio",), ("none",), False),
    "application/x-archive": (("ar",), ("none",), False),
    "application/x-rpm": (("cpio",), ("rpm", *_ALL), False),
    "application/x-lz4": (("raw",), ("lz4",), False),
    "application/x-compress": (("raw",), ("compress",), False),
}
"""Formats and filters of the library by media type, and whether it must seek."""
MEDIA_TYPES = frozenset(_FORMATS)
MISSING = (
    "read through libarchive, which this system lacks (apt install libarchive13, brew install libarchive): no text read"
)
SUFFIXES = {"application/x-lz4": (".lz4",), "application/x-compress": (".z",)}
_BLOCK = 256 << 10
_REGULAR, _KIND = 0o100000, 0o170000
_BROKEN_HEADERS = 100
"""Broken member headers in one archive after which it is given up."""
_LOCKED = (b"ncrypt", b"assphrase", b"assword")
"""What the library's messages about encryption have in common; the messages themselves are never shown."""


class LibraryExtractor:
    """Archives that only libarchive reads."""

    media_types = MEDIA_TYPES

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """The segments of all members. Raises: UnsupportedFormat without the library; Malformed, Encrypted."""
        formats, filters, seeks = _FORMATS[job.media_type]
        library = library_or_none()
        if library is None:
            raise UnsupportedFormat(f"{job.media_type}: {MISSING}")
        if seeks:
            stream = seekable(stream, job)
        with _Reader(library, stream, formats, filters) as reader:
            if formats == ("raw",):
                yield from _raw(reader, job)
            else:
                yield from _members(reader, job)


EXTRACTOR = LibraryExtractor()


def library_or_none() -> Any:
    """The module `libarchive.ffi`, or None where the system has no libarchive."""
    if "LIBARCHIVE" not in os.environ:
        # The package's own search starts a compiler or two.
        for name in (
            ("/opt/homebrew/opt/libarchive/lib/libarchive.dylib", "/usr/local/opt/libarchive/lib/libarchive.dylib")
            if sys.platform == "darwin"
            else ("libarchive.so.13",)
        ):
            try:
                ctypes.CDLL(name)
            except OSError:
                continue
            os.environ["LIBARCHIVE"] = name
            break
    try:
        from libarchive import ffi

        for name in ("entry_is_data_encrypted", "entry_is_metadata_encrypted"):
            if not hasattr(ffi, name):
                ffi.ffi(name, [ffi.c_archive_entry_p], ctypes.c_int)
        if not hasattr(ffi, "read_has_encrypted_entries"):
            ffi.ffi("read_has_encrypted_entries", [ffi.c_archive_p], ctypes.c_int)
        if not hasattr(ffi, "entry_pathname_utf8"):
            ffi.ffi("entry_pathname_utf8", [ffi.c_archive_entry_p], ctypes.c_char_p)
    except (ImportError, OSError, AttributeError, TypeError):
        return None
    # Its warnings quote names.
    logging.getLogger("libarchive").setLevel(logging.CRITICAL + 1)
    return ffi


class _Reader:
    """An open archive and the entry that is being read."""

    def __init__(
        self,
        library: Any,
        stream: BinaryIO,
        formats: tuple[str, ...],
        filters: tuple[str, ...],
        passwords: tuple[str, ...] = (),
    ) -> None:
        self._lib = library
        self._stream = stream
        self._begin = stream.tell() if stream.seekable() else 0
        self._failed: ObjectError | OSError | None = None
        self._buffer = ctypes.create_string_buffer(_BLOCK)
        self._out = ctypes.create_string_buffer(_BLOCK)
        self._entry = library.entry_new()
        self._archive = library.read_new()
        self._callbacks = (
            library.READ_CALLBACK(self._read),
            library.SEEK_CALLBACK(self._seek),
        )
        self._formats, self._filters, self._passwords = formats, filters, passwords

    def __enter__(self) -> _Reader:
        lib = self._lib
        try:
            for name in self._filters:
                lib.get_read_filter_function(name)(self._archive)
            for name in self._formats:
                lib.get_read_format_function(name)(self._archive)
            for word in self._passwords:
                lib.read_add_passphrase(self._archive, word.encode())
            if self._stream.seekable():
                lib.read_set_seek_callback(self._archive, self._callbacks[1])
            lib.read_open(self._archive, None, lib.NO_OPEN_CB, self._callbacks[0], lib.NO_CLOSE_CB)
        except (lib.ArchiveError, ValueError) as err:
            self.__exit__()
            raise self._error("the archive cannot be opened", err) from None
        return self

    def __exit__(self, *_: object) -> None:
        archive, self._archive = self._archive, None
        entry, self._entry = self._entry, None
        if archive is not None:
            # Not the checked form: a damaged archive reports its damage once more here.
            self._lib.libarchive.archive_read_free(ctypes.c_void_p(archive))
        if entry is not None:
            self._lib.entry_free(entry)

    def _read(self, _archive: Any, _context: Any, into: Any) -> int:
        """The library's read callback; an exception must not pass through C."""
        try:
            data = self._stream.read(_BLOCK)
        except (ObjectError, OSError) as err:
            self._failed = err
            return -1
        ctypes.memmove(self._buffer, data, len(data))
        ctypes.cast(into, ctypes.POINTER(ctypes.c_void_p))[0] = ctypes.cast(self._buffer, ctypes.c_void_p)
        return len(data)

    def _seek(self, _archive: Any, _context: Any, offset: int, whence: int) -> int:
        try:
            return self._stream.seek(offset + self._begin if whence == 0 else offset, whence) - self._begin
        except (OSError, ValueError):
            return -30

    def _error(self, what: str, err: Any) -> Exception:
        """The error to raise for one of the library's: what its stream met, a lock, or damage."""
        if self._failed is not None:
            return self._failed
        if any(word in str(getattr(err, "msg", "")).encode("utf-8", "replace") for word in _LOCKED):
            return Encrypted("under a password: no text read")
        return Malformed(what)

    @property
    def locked(self) -> bool:
        """Whether the library saw encrypted members or an encrypted directory."""
        return self._archive is not None and self._lib.read_has_encrypted_entries(self._archive) == 1

    def next(self) -> bool | None:
        """Goes to the next member; False at the end, None when this one's header is broken.

        Raises: Malformed, Encrypted when nothing more can be read.
        """
        try:
            return bool(self._lib.read_next_header2(self._archive, self._entry) != self._lib.ARCHIVE_EOF)
        except self._lib.ArchiveError as err:
            if err.retcode in (self._lib.ARCHIVE_FAILED, self._lib.ARCHIVE_RETRY) and self._failed is None:
                return None
            raise self._error("the archive breaks off or is damaged", err) from None

    @property
    def name(self) -> str:
        """Path of the member, with bytes that are no text escaped."""
        raw = self._lib.entry_pathname_utf8(self._entry) or self._lib.entry_pathname(self._entry)
        return shown(from_bytes(raw)) if raw else "?"

    @property
    def is_file(self) -> bool:
        """Whether the member is a file with content of its own: no directory, device, or link of any kind."""
        kind = self._lib.entry_filetype(self._entry) & _KIND
        return kind in (_REGULAR, 0) and not self._lib.entry_hardlink(self._entry)

    @property
    def is_empty(self) -> bool:
        """Whether the member is said to hold nothing."""
        return bool(self._lib.entry_size_is_set(self._entry)) and self._lib.entry_size(self._entry) == 0

    @property
    def is_locked(self) -> bool:
        """Whether the member is encrypted."""
        return bool(
            self._lib.entry_is_data_encrypted(self._entry) == 1
            or self._lib.entry_is_metadata_encrypted(self._entry) == 1
        )

    def data(self, job: Job) -> Iterator[bytes]:
        """The content of the member, booked as it comes. Raises: Malformed, Encrypted, LimitReached."""
        # The reader of XAR pads members with zeros.
        left = self._lib.entry_size(self._entry) if self._lib.entry_size_is_set(self._entry) else 1 << 62
        while left > 0:
            try:
                count = self._lib.read_data(self._archive, self._out, _BLOCK)
            except self._lib.ArchiveError as err:
                raise self._error("the member is damaged, breaks off or is packed in an unknown way", err) from None
            if count <= 0:
                return
            count = min(count, left)
            left -= count
            job.budget.spend(count)
            yield self._out.raw[:count]


def _members(reader: _Reader, job: Job) -> Iterator[Segment]:
    names = Names()
    read = locked = broken = 0
    while True:
        try:
            more = reader.next()
        except (Malformed, Encrypted) as err:
            if not read and not locked:
                raise Encrypted("the archive is under a password: no text read") if reader.locked else err from None
            job.note(err.reason, f"{err}: read up to there")
            break
        if more is False:
            break
        if more is None:
            broken += 1
            if broken > _BROKEN_HEADERS:
                break
            continue
        if not reader.is_file or reader.is_empty:
            job.budget.member()
            read += 1
        elif reader.is_locked:
            job.budget.member()
            locked += 1
        else:
            read += 1
            yield from job.nested(names.unique(reader.name), cast(BinaryIO, Pieces(reader.data(job))))
    if broken:
        job.note("MALFORMED_FILE", f"{broken} members of the archive have a broken header")
    if locked and not read:
        raise Encrypted("every member of the archive is under a password: no text read")
    if locked:
        job.note("INVALID_ENCRYPTION", f"{locked} members of the archive are under a password")


def locked_members(stream: BinaryIO, job: Job, names: Names) -> Generator[Segment, None, int]:
    """The encrypted members of a ZIP archive, under the passwords that were given; how many none of them opens.

    Raises: Malformed; UnsupportedFormat without the library.
    """
    library = library_or_none()
    if library is None:
        raise UnsupportedFormat(f"encrypted ZIP members: {MISSING}")
    left = 0
    with _Reader(library, stream, ("zip",), ("none",), job.passwords) as reader:
        while (more := reader.next()) is not False:
            if more is None or not reader.is_file or not reader.is_locked:
                continue
            name, pieces = reader.name, reader.data(job)
            try:
                first = next(pieces, b"")
            except (Encrypted, Malformed):  # a wrong password can also look like damage
                left += 1
                continue
            yield from job.nested(names.unique(name), cast(BinaryIO, Pieces(chain((first,), pieces))))
    return left


def _raw(reader: _Reader, job: Job) -> Iterator[Segment]:
    """A compressed file: one member, whose name is that of the file without its ending."""
    from piiscan.extract.archive import inner_name

    if not reader.next():
        return
    yield from job.nested(inner_name(job.name, SUFFIXES[job.media_type]), cast(BinaryIO, Pieces(reader.data(job))))
