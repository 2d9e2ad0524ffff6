"""A directory tree, a file or standard input as a source.

The walk is deterministic and never follows a link: what a link inside the tree points to is found under its own name,
what lies outside was not asked for.
"""

from __future__ import annotations

import errno
import io
import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import BinaryIO

from piiscan.crawl import STDIN, escape, unescape
from piiscan.errors import AccessDenied, NotRead, ObjectChanged, ObjectError, ObjectGone, ReadFailed, SourceError
from piiscan.model import ObjectRef

_KINDS = (
    (stat.S_ISFIFO, "a named pipe"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISCHR, "a character device"),
    (stat.S_ISBLK, "a block device"),
)
_SAFE = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
_SAFE |= getattr(os, "O_BINARY", 0) | getattr(os, "O_NOCTTY", 0)


class LocalSource:
    """Files below a directory; with `only`, one file of it."""

    def __init__(self, name: str, *, only: str = "", stdin_copy: str = "") -> None:
        self.name = name
        self._root = unescape(name.removeprefix("file://")) if name != STDIN else ""
        self._only = only
        self._stdin_copy = stdin_copy

    def crawl(self) -> Iterator[ObjectRef]:
        """All entries, depth first, names in the order of their bytes. Raises: SourceError."""
        if self._only:
            path = self._stdin_copy if self.name == STDIN else os.path.join(self._root, self._only)
            try:
                yield self._ref(self._only, path, os.stat(path))
            except OSError as err:
                raise SourceError(f"{path}: {err.strerror}") from None
            return
        try:
            os.scandir(self._root).close()
        except OSError as err:
            raise SourceError(f"{self._root}: cannot be listed ({err.strerror})") from None
        yield from self._walk(self._root, "")

    def _walk(self, root: str, prefix: str) -> Iterator[ObjectRef]:
        # An own stack: trees may be deeper than Python's recursion limit.
        pending: list[tuple[str, str]] = [(root, prefix)]
        while pending:
            folder, prefix = pending.pop()
            try:
                with os.scandir(folder) as listing:
                    entries = sorted(listing, key=lambda e: os.fsencode(e.name))
            except OSError as err:
                yield self._refused(prefix.rstrip("/"), _listing_reason(err))
                continue
            below: list[tuple[str, str]] = []
            for entry in entries:
                key = prefix + entry.name
                try:
                    if entry.is_dir(follow_symlinks=False):
                        below.append((entry.path, key + "/"))
                    else:
                        yield self._ref(key, entry.path, entry.stat(follow_symlinks=False))
                except OSError as err:
                    yield self._refused(key, _listing_reason(err))
            pending.extend(reversed(below))

    def _ref(self, key: str, path: str, status: os.stat_result) -> ObjectRef:
        modified = datetime.fromtimestamp(max(status.st_mtime, 0), UTC)
        denied = ""
        if stat.S_ISLNK(status.st_mode):
            denied = "SYMBOLIC_LINK: links are not followed"
        elif not stat.S_ISREG(status.st_mode):
            kind = next((name for test, name in _KINDS if test(status.st_mode)), "not a regular file")
            denied = f"SPECIAL_FILE: {kind} is not opened"
        etag = f"{status.st_mtime_ns:x}-{status.st_ctime_ns:x}-{status.st_ino:x}"
        size = status.st_size if not denied else 0
        return ObjectRef(self.name, escape(key), size, etag, modified, "", denied, path)

    def _refused(self, key: str, reason: str) -> ObjectRef:
        return ObjectRef(self.name, escape(key) or ".", 0, denied=reason)

    def refresh(self, ref: ObjectRef) -> ObjectRef:
        """The file as it is now. Raises: ObjectError."""
        path = ref.handle or os.path.join(self._root, unescape(ref.key))
        try:
            return self._ref(ref.key, path, os.lstat(path))
        except OSError as err:
            raise _open_error(err) from None

    def open(self, ref: ObjectRef) -> BinaryIO:
        """The file, read no further than the size that was listed. Raises: ObjectError."""
        path = ref.handle or os.path.join(self._root, unescape(ref.key))
        try:
            handle = os.open(path, os.O_RDONLY | _SAFE)
        except OSError as err:
            raise _open_error(err) from None
        try:
            status = os.fstat(handle)
            if not stat.S_ISREG(status.st_mode):
                raise NotRead("became something that is not a regular file", reason="SPECIAL_FILE")
            if status.st_size < ref.size:
                raise ObjectChanged("shrank since it was listed")
        except BaseException:
            os.close(handle)
            raise
        return io.BufferedReader(BoundedFile(handle, ref.size), 1 << 16)

    def part(self, ref: ObjectRef, begin: int, end: int) -> BinaryIO:
        """The bytes `[begin, end)` of a file. Raises: ObjectError."""
        stream = self.open(replace(ref, size=min(end, ref.size)))
        stream.seek(begin)
        return stream


class BoundedFile(io.RawIOBase):
    """A file descriptor as a seekable stream that ends at `size`, however much the file grows."""

    def __init__(self, handle: int, size: int) -> None:
        self._handle = handle
        self._size = size
        self._at = 0

    def fileno(self) -> int:
        """The descriptor, for whoever bounds its own reading."""
        return self._handle

    def readable(self) -> bool:
        """True."""
        return True

    def seekable(self) -> bool:
        """True."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """Bytes from the current position. Raises: ReadFailed instead of OSError, which would end the run."""
        want = min(len(buffer), self._size - self._at)
        if want <= 0:
            return 0
        try:
            data = os.pread(self._handle, want, self._at)
        except OSError as err:
            raise ReadFailed(f"reading broke off at byte {self._at} ({err.strerror})") from None
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move; see `io.IOBase.seek`."""
        base = (0, self._at, self._size)[whence]
        if base + offset < 0:
            raise ValueError("negative seek position")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        """Bytes from the start."""
        return self._at

    def close(self) -> None:
        """Close the descriptor."""
        if not self.closed:
            os.close(self._handle)
        super().close()


def _listing_reason(err: OSError) -> str:
    if err.errno in (errno.EACCES, errno.EPERM):
        return "PERMISSION_DENIED: may not be listed"
    if err.errno == errno.ENAMETOOLONG:
        return "PATH_TOO_LONG: the path is longer than the system can open"
    if err.errno in (errno.ENOENT, errno.ENOTDIR):
        return "SOURCE_OBJECT_NO_LONGER_AVAILABLE: gone while listing"
    return f"READ_FAILED: {err.strerror}"


def _open_error(err: OSError) -> ObjectError:
    if err.errno in (errno.EACCES, errno.EPERM):
        return AccessDenied("may not be read")
    if err.errno in (errno.ENOENT, errno.ENOTDIR):
        return ObjectGone("gone since it was listed")
    if err.errno == errno.ELOOP:
        return NotRead("became a link", reason="SYMBOLIC_LINK")
    return ReadFailed(f"cannot be opened ({err.strerror})")
