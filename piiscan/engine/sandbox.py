"""Parsers of hostile formats in a process of their own, which may crash, hang or fall and cost one object only.

A worker owns one `ParserChild`. The child gets an open file and a request, streams frames back over a socket pair,
and is replaced after a crash, a deadline, 1,000 files, or when it has grown past 512 MiB. It sees no secret: its
environment is built from scratch, its directory is empty, and where the kernel allows it has no network.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping
from dataclasses import fields
from types import TracebackType
from typing import Self

from piiscan.engine.parser import OUT_OF_MEMORY
from piiscan.errors import ConfigError, Malformed, ParserDied, TimedOut
from piiscan.extract import Job, Limits, frames, wire
from piiscan.model import Segment
from piiscan.sparse import Fill

MEMORY = 1_200 << 20
"""Bytes of address space that a child may map beyond its start."""
FILES = 1000
"""Requests after which a child is replaced, so that leaks and damage do not add up."""
RESIDENT = 512 << 20
"""Bytes in memory past which a child is replaced between requests."""
_START_S = 60.0
_LIMITS = tuple(field.name for field in fields(Limits))
_NOTES = 10_000
_AHEAD = 1 << 16
"""Bytes that are read at once, so that many small frames cost one call."""
_KEPT = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT")


def available() -> bool:
    """Whether this system can hand an open file to another process."""
    return hasattr(socket, "send_fds") and hasattr(socket, "socketpair")


class ParserChild:
    """One parser process at a time, started when first needed; not for use from several threads at once."""

    def __init__(self, scratch: str | None = None, *, memory: int = MEMORY, files: int = FILES) -> None:
        """`scratch`: directory under which the child's empty directory is made; None: the system's."""
        self._scratch = scratch
        self._memory = memory
        self._files = files
        self._process: subprocess.Popen[bytes] | None = None
        self._link: socket.socket | None = None
        self._directory = ""
        self._served = 0
        self._isolation: tuple[str, ...] = ()
        self.media_type = ""
        """Media type of the last object whose extraction ended."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, err: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def isolation(self) -> tuple[str, ...]:
        """The fences that are up around the child (starts one if none runs): rlimits, no-new-privs, no-network, ..."""
        self._ready()
        return self._isolation

    @property
    def pid(self) -> int | None:
        """Process id of the running child."""
        return self._process.pid if self._process is not None else None

    def segments(
        self, fd: int, job: Job, deadline_s: float, fill: Fill | None = None
    ) -> Generator[Segment, None, None]:
        """Segments of the open file `fd`, as they come; notes and counts go into `job.budget`.

        `fill`: of a file of `job.size` bytes that are not there yet, brings those that the child asks for.
        `deadline_s`: seconds that may be waited for the child in all; the caller's own work between segments does
        not count. Closing the iterator early ends the child.

        Raises: TimedOut, ParserDied, the ObjectError that the child met, or what `fill` raises.
        """
        link = self._ask(fd, job, sparse=fill is not None)
        source = _Frames(link, deadline_s)
        failed = None
        finished = False
        self.media_type = job.media_type
        try:
            while True:
                frame = frames.read(source)
                if frame is None:
                    raise EOFError
                kind, payload = frame
                if kind in (frames.TEXT, frames.COLUMN):
                    yield wire.segment_of(kind, payload)
                elif kind == frames.NOTE:
                    if len(job.budget.notes) < _NOTES:
                        job.budget.notes.append(wire.note_of(payload))
                elif kind == frames.NEED and fill is not None:
                    _bring(link, payload, job.size or 0, fill)
                elif kind == frames.ERROR:
                    failed = wire.error_of(payload)
                elif kind == frames.DONE:
                    self._take(payload, job)
                    finished = True
                    break
                else:
                    raise Malformed("a frame out of place")
        except TimeoutError:
            raise TimedOut(f"not parsed within {deadline_s:g} s") from None
        except (EOFError, OSError):
            raise ParserDied(self._cause()) from None
        except Malformed as err:
            # A truncated frame is how a crash looks from here.
            message = self._cause() if self._ended() else f"the parser process sent what is no frame ({err})"
            raise ParserDied(message) from None
        finally:
            if not finished:
                self.close()
        if failed is not None:
            raise failed

    def close(self) -> None:
        """Ends the child and removes its directory; a later call starts a fresh one."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
        if self._link is not None:
            self._link.close()
            self._link = None
        if self._directory:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = ""
        self._served = 0

    def _ask(self, fd: int, job: Job, *, sparse: bool) -> socket.socket:
        """Sends a request; a child that died while idle is replaced once."""
        request = {
            "name": job.name,
            "media_type": job.media_type,
            "size": job.size,
            "charset": job.charset,
            "member": job.member,
            "limits": {name: getattr(job.limits, name) for name in _LIMITS},
            "bytes_in": job.budget.bytes_in,
            "bytes_out": job.budget.bytes_out,
            "members": job.budget.members,
            "passwords": job.passwords,
            "again": job.again,
            "sparse": sparse,
        }
        for attempt in (1, 2):
            link = self._ready()
            out = _Requests(link, fd)
            try:
                frames.write(out, frames.REQUEST, request)
                return link
            except OSError:
                cause = self._cause()
                self.close()
                if attempt == 2:
                    raise ParserDied(cause) from None
        raise AssertionError("unreachable")

    def _take(self, payload: dict[str, object], job: Job) -> None:
        """Counts of a finished request; a child that is used up is ended."""
        job.budget.bytes_in = max(job.budget.bytes_in, wire.count_of(payload, "bytes_in"))
        job.budget.bytes_out = max(job.budget.bytes_out, wire.count_of(payload, "bytes_out"))
        job.budget.members = max(job.budget.members, wire.count_of(payload, "members"))
        media_type = payload.get("media_type")
        if not isinstance(media_type, str) or len(media_type) > 200:
            raise Malformed("a media type that is none")
        self.media_type = wire.sentence(media_type)
        self._served += 1
        if self._served >= self._files or wire.count_of(payload, "resident") > RESIDENT:
            self.close()

    def _ready(self) -> socket.socket:
        """The socket to a running child. Raises: ParserDied when none can be started."""
        if self._link is not None and self._process is not None and self._process.poll() is None:
            return self._link
        self.close()
        if not available():
            raise ConfigError("this system cannot isolate parsers: no descriptors can be passed between processes")
        self._directory = tempfile.mkdtemp(prefix="parser-", dir=self._scratch)
        ours, theirs = socket.socketpair()
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-P", "-s", "-m", "piiscan.engine.parser", str(theirs.fileno()), str(self._memory)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,  # parsers' messages may quote the content
                cwd=self._directory,
                env=self._environment(),
                pass_fds=(theirs.fileno(),),
                start_new_session=True,  # an interrupt at the terminal is the parent's to handle
            )
        except OSError as err:
            ours.close()
            self.close()
            raise ParserDied(f"the parser process could not be started ({type(err).__name__})") from None
        finally:
            theirs.close()
        self._link = ours
        try:
            frame = frames.read(_Frames(ours, _START_S))
        except (OSError, EOFError, Malformed):
            frame = None
        if frame is None or frame[0] != frames.HELLO or not isinstance(frame[1].get("isolation"), list):
            cause = self._cause()
            self.close()
            raise ParserDied(f"the parser process did not start: {cause}")
        self._isolation = tuple(str(item) for item in frame[1]["isolation"])
        return ours

    def _environment(self) -> dict[str, str]:
        """Nothing of ours but where Python and its modules are."""
        kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
        return kept | {
            "PYTHONPATH": os.pathsep.join(os.path.abspath(entry) for entry in sys.path),
            "PYTHONDONTWRITEBYTECODE": "1",
            "PYTHONUTF8": "1",
            "TMPDIR": self._directory,
            # One thread: no parser uses more, and each costs address space.
            "OPENBLAS_NUM_THREADS": "1",
            "OMP_NUM_THREADS": "1",
            "MALLOC_ARENA_MAX": "2",
            # Its own allocator reserves a gibibyte of address space at once, nearly all that a child may map.
            "ARROW_DEFAULT_MEMORY_POOL": "system",
        }

    def _ended(self) -> bool:
        """Whether the child is gone, given a moment to go."""
        if self._process is None:
            return True
        try:
            self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return False
        return True

    def _cause(self) -> str:
        """How the child ended, in words."""
        if not self._ended() or self._process is None:
            return "the parser process hung up"
        code = self._process.returncode
        if code in (-signal.SIGKILL, OUT_OF_MEMORY):
            return "the parser process ran out of memory or was killed (SIGKILL)"
        if code < 0:
            try:
                name = signal.Signals(-code).name
            except ValueError:
                name = f"signal {-code}"
            return f"the parser process crashed ({name})"
        return f"the parser process ended (exit code {code})"


def _bring(link: socket.socket, payload: Mapping[str, object], size: int, fill: Fill) -> None:
    """Have bytes put where the child reads them, and tell it. Raises: Malformed, OSError, what `fill` raises."""
    begin, end = wire.count_of(payload, "begin"), wire.count_of(payload, "end")
    if not begin < end <= size:
        raise Malformed("bytes that the object does not have")
    extent = frames.EXTENT.pack(*fill(begin, end))
    link.settimeout(_START_S)
    link.sendall(extent)


class _Frames:
    """Reads exact counts from a socket within a total time."""

    def __init__(self, link: socket.socket, seconds: float) -> None:
        self._link = link
        self._left = seconds
        self._held = bytearray()

    def read(self, size: int, /) -> bytes:
        """The next `size` bytes, fewer at the end. Raises: TimeoutError."""
        while len(self._held) < size <= _AHEAD:
            part = bytearray(_AHEAD)
            count = self._receive(memoryview(part))
            if not count:
                break
            self._held += part[:count]
        if size <= _AHEAD:
            out = bytes(self._held[:size])
            del self._held[:size]
            return out
        # A large frame goes straight to its place; memory that never comes is never touched.
        whole, at = bytearray(size), min(len(self._held), size)
        whole[:at] = self._held[:at]
        del self._held[:at]
        with memoryview(whole) as view:
            while at < size and (count := self._receive(view[at:])):
                at += count
        return bytes(whole) if at == size else bytes(whole[:at])

    def _receive(self, into: memoryview) -> int:
        begin = time.monotonic()
        if self._left <= 0:
            raise TimeoutError
        self._link.settimeout(self._left)
        count = self._link.recv_into(into)
        self._left -= time.monotonic() - begin
        return count


class _Requests:
    """Writes a frame whose first byte carries the descriptor."""

    def __init__(self, link: socket.socket, fd: int) -> None:
        self._link = link
        self._fd = fd

    def write(self, data: bytes, /) -> None:
        """Send all of `data`. Raises: OSError."""
        self._link.settimeout(_START_S)
        socket.send_fds(self._link, [data[:1]], [self._fd])
        self._link.sendall(data[1:])
