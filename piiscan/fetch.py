"""Room 2, its bytes: one body out of several requests, verified.

A connection that breaks in the middle of a body is outside botocore's retries, and a body cut short with a consistent
length is no error at all to it (both tried). So the stream here counts against the listed size, goes on where it broke
by a ranged request bound to the same ETag, and checks the stored checksum over all that it gave out.
"""

from __future__ import annotations

import base64
import hashlib
import io
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

from piiscan.errors import ObjectError, ReadFailed

RESUMES = 5
"""Broken reads in a row without a byte of progress before the object is given up."""
CHECKSUM_MISMATCH = "CHECKSUM_MISMATCH"
"""Reason of an object whose bytes are not those that the store has summed."""
PAUSE = 0.1
"""Seconds before the first resumed request; doubles with each failure in a row."""


class Body(Protocol):
    """What a request answers with."""

    def read(self, size: int) -> bytes:
        """At most `size` bytes; empty at the end. Any exception counts as a broken connection."""
        ...

    def close(self) -> None:
        """Let go of the connection."""
        ...


@dataclass(frozen=True, slots=True)
class Answer:
    """One response: its body and the checksums that the store keeps of the whole object."""

    body: Body
    checksums: Mapping[str, str]
    """Base64 by name: CRC32, SHA1, SHA256."""
    whole: bool = False
    """The store sent the object from its first byte on although a part of it was asked for."""


class _Crc32:
    def __init__(self) -> None:
        self._value = 0

    def update(self, data: bytes) -> None:
        self._value = zlib.crc32(data, self._value)

    def digest(self) -> bytes:
        return self._value.to_bytes(4, "big")


_SUMS: Mapping[str, Callable[[], Any]] = {"CRC32": _Crc32, "SHA1": hashlib.sha1, "SHA256": hashlib.sha256}
"""Checksums that the standard library can compute. Source: Amazon S3 API, `x-amz-checksum-*`."""


def checksum(stored: Mapping[str, str]) -> tuple[Any, bytes] | None:
    """A sum to be updated with an object's bytes, and what its digest must be; None: the store keeps none."""
    for name, make in _SUMS.items():
        told = stored.get(name, "")
        if told and "-" not in told:  # a dash: a sum of the parts' sums, not of the object
            return make(), base64.b64decode(told)
    return None


def mismatch() -> ReadFailed:
    """The error of bytes that do not have their checksum."""
    return ReadFailed("the bytes do not have the checksum that the store keeps", reason=CHECKSUM_MISMATCH)


DIGESTED = 16 << 20
"""Bytes of an object up to which its MD5 is worked out while it is read."""


def content_md5(stream: BinaryIO) -> str:
    """The MD5 in hexadecimal of an object that was read whole from this stream; "" where that is not known."""
    if isinstance(stream, io.BytesIO):
        return hashlib.md5(stream.getbuffer(), usedforsecurity=False).hexdigest()
    raw = getattr(stream, "raw", None)
    return raw.md5 if isinstance(raw, ResumingStream) else ""


class ResumingStream(io.RawIOBase):
    """An object's bytes from first to last (or from `begin` to `size`), through broken connections.

    `request` opens the object from a byte offset on; it raises ObjectError for what will not get better (gone, denied,
    changed), anything else is tried again.
    """

    def __init__(
        self,
        request: Callable[[int], Answer],
        size: int,
        *,
        begin: int = 0,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._request = request
        self._size = size
        self._pause = pause
        self._at = begin
        self._failures = 0
        self._answer: Answer | None = None
        self._md5 = hashlib.md5(usedforsecurity=False) if begin == 0 and size <= DIGESTED else None
        self._sum: Any = None
        self._expected = b""
        self._open()

    @property
    def md5(self) -> str:
        """The MD5 of the object in hexadecimal, once all of it was read; "" before, and for large ones."""
        return self._md5.hexdigest() if self._md5 is not None and self._at == self._size else ""

    @property
    def end(self) -> int:
        """Where it ends."""
        return self._size

    def go_on(self, end: int) -> None:
        """Read further than was asked for: the store sends more."""
        self._size = end

    def readable(self) -> bool:
        """True."""
        return True

    def tell(self) -> int:
        """Where in the object it is."""
        return self._at

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        """The next bytes. Raises: ObjectError."""
        while self._at < self._size:
            if self._answer is None:
                self._open()
                continue
            try:
                data = self._answer.body.read(min(len(buffer), self._size - self._at))
            except ObjectError:
                raise
            except Exception as err:  # urllib3's and botocore's many names for a lost connection
                self._broken(type(err).__name__)
                continue
            if not data:
                self._broken("the body ended early")
                continue
            self._failures = 0
            buffer[: len(data)] = data
            self._at += len(data)
            for sum_ in (self._sum, self._md5):
                if sum_ is not None:
                    sum_.update(data)
            if self._at == self._size:
                self._verify()
            return len(data)
        return 0

    def close(self) -> None:
        """Let go of the connection."""
        if not self.closed and self._answer is not None:
            self._answer.body.close()
        super().close()

    def _open(self) -> None:
        try:
            self._answer = self._request(self._at)
        except ObjectError:
            raise
        except Exception as err:  # a connection that could not be made, after botocore's own retries
            self._broken(type(err).__name__)
            return
        if self._at == 0:
            self._sum, self._expected = checksum(self._answer.checksums) or (None, b"")

    def _broken(self, why: str) -> None:
        if self._answer is not None:
            self._answer.body.close()
            self._answer = None
        self._failures += 1
        if self._failures > RESUMES:
            raise ReadFailed(f"reading broke off at byte {self._at} of {self._size} ({why})")
        self._pause(PAUSE * 2 ** (self._failures - 1))

    def _verify(self) -> None:
        if self._sum is not None and self._sum.digest() != self._expected:
            raise mismatch()
