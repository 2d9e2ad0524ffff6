"""The parser child: takes one open file at a time from its parent and streams back what it extracts.

Started by `sandbox.ParserChild` as `python -m piiscan.engine.parser SOCKET MEMORY`. It locks itself in before it
imports anything that starts threads, since a process with threads may not leave its namespaces.
"""

from __future__ import annotations

import io
import os
import socket
import sys
import threading
from typing import Any, BinaryIO, cast

_NO_NEW_PRIVS = 38
_PDEATHSIG = 1
_SIGKILL = 9
_NEWUSER = 0x10000000
_NEWNET = 0x40000000
BUFFER = 1 << 16
OUT_OF_MEMORY = 137
"""Exit code of a child that could not even say so."""


def lock_in() -> list[str]:
    """What of the process-wide fences could be put up; Linux only, and before any thread is started.

    Source: prctl(2), unshare(2).
    """
    if not sys.platform.startswith("linux"):
        return []
    import ctypes

    done = []
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PDEATHSIG, _SIGKILL, 0, 0, 0) == 0:
        done.append("dies-with-parent")
    if libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        done.append("no-new-privs")
    if libc.unshare(_NEWUSER | _NEWNET) == 0 or libc.unshare(_NEWNET) == 0:
        done.append("no-network")
    return done


def limit(memory: int) -> list[str]:
    """Sets resource limits: `memory` bytes of address space above what is mapped now."""
    try:
        import resource
    except ImportError:
        return []
    limits = {
        "RLIMIT_CORE": 0,
        "RLIMIT_NOFILE": 64,
        "RLIMIT_FSIZE": 2 << 30,
        "RLIMIT_CPU": 3600,
        "RLIMIT_AS": memory + mapped() if memory else -1,
    }
    done = True
    for name, value in limits.items():
        which = getattr(resource, name, None)
        if which is None or value < 0:
            continue
        try:
            hard = resource.getrlimit(which)[1]
            value = value if hard == resource.RLIM_INFINITY else min(value, hard)
            resource.setrlimit(which, (value, value))
        except (ValueError, OSError):  # macOS refuses an address space limit below what is mapped
            done = False
    return ["rlimits"] if done else ["rlimits (some)"]


def mapped() -> int:
    """Bytes of address space in use."""
    return _statm(0)


def resident() -> int:
    """Bytes in memory now; the peak where the system does not say."""
    now = _statm(1)
    if now:
        return now
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _statm(field: int) -> int:
    try:
        with open("/proc/self/statm", "rb") as file:
            return int(file.read().split()[field]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0


def main(arguments: list[str]) -> int:
    """Serves requests until the parent hangs up; returns the exit code."""
    isolation = lock_in()
    import gc

    from piiscan.extract import frames

    isolation += limit(int(arguments[1]))
    # Places and pieces by the hundred thousand, none in a cycle: the collector's default costs a tenth of all time.
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)
    link = socket.socket(fileno=int(arguments[0]))
    with link, link.makefile("wb", buffering=0) as raw:
        out = _Out(raw)
        frames.write(out, frames.HELLO, {"isolation": isolation})
        while True:
            head, fds, _, _ = socket.recv_fds(link, 1, 1)
            if not head:
                return 0
            request = frames.read(_In(link, head))
            if request is None or not fds:
                return 1
            serve(fds[0], request[1], out, link)


class _Out:
    """Writes whole frames to an unbuffered stream; readers in threads of a library ask for bytes between them."""

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self.turn = threading.RLock()

    def write(self, data: bytes, /) -> None:
        view = memoryview(data)
        with self.turn:
            while view:
                view = view[self._raw.write(view) :]


class _In:
    """Reads exact counts from the socket, after a first byte that came with the descriptor."""

    def __init__(self, link: socket.socket, head: bytes) -> None:
        self._link = link
        self._head = head

    def read(self, size: int, /) -> bytes:
        parts, self._head = [self._head], b""
        missing = size - len(parts[0])
        while missing > 0:
            part = self._link.recv(min(missing, 1 << 20))
            if not part:
                break
            parts.append(part)
            missing -= len(part)
        return b"".join(parts)


def opened(fd: int, request: dict[str, Any], out: _Out, link: socket.socket) -> BinaryIO:
    """The file of a request; where its bytes are not all there, those that are read are asked for."""
    if not request["sparse"]:
        return os.fdopen(fd, "rb", buffering=BUFFER)
    from piiscan.extract import frames
    from piiscan.sparse import SparseFile

    def fill(begin: int, end: int) -> tuple[int, int]:
        with out.turn:
            if file.closed:  # a thread that reads ahead must not ask in the next request
                raise ValueError("the object is closed")
            frames.write(out, frames.NEED, {"begin": begin, "end": end})
            answer = _In(link, b"").read(frames.EXTENT.size)
        if len(answer) < frames.EXTENT.size:
            raise EOFError
        extent: tuple[int, int] = frames.EXTENT.unpack(answer)
        return extent

    file = SparseFile(fd, request["size"], fill)
    return cast(BinaryIO, io.BufferedReader(file, BUFFER))


def serve(fd: int, request: dict[str, Any], out: _Out, link: socket.socket) -> None:
    """One request: segments and notes as they come, then an error if there was one, then the counts."""
    from dataclasses import replace

    from piiscan.errors import LimitReached, ObjectError
    from piiscan.extract import Budget, Job, Limits, frames, segments, wire
    from piiscan.identify import identify

    budget = Budget(Limits(**request["limits"]), request["bytes_in"], request["bytes_out"], request["members"])
    job = Job(
        request["name"],
        request["media_type"],
        request["size"],
        budget,
        tuple(request["member"]),
        request["charset"],
        tuple(request["passwords"]),
        request["again"],
    )
    failed: ObjectError | None = None
    sent = 0
    try:
        with opened(fd, request, out, link) as stream:
            if not job.media_type:
                found = identify(stream, job.name)
                job = replace(job, media_type=found.media_type, charset=job.charset or found.charset)
            for segment in segments(stream, job):
                wire.write_segment(out, segment)
                while sent < len(budget.notes):
                    frames.write(out, frames.NOTE, {"note": budget.notes[sent]})
                    sent += 1
    except ObjectError as err:
        failed = err
    except MemoryError:
        failed = LimitReached("the parser ran out of memory", reason="MEMORY_LIMIT")
    except OSError as err:
        failed = ObjectError(f"could not be read ({type(err).__name__})", reason="READ_FAILED")
    for note in budget.notes[sent:]:
        frames.write(out, frames.NOTE, {"note": note})
    if failed is not None:
        frames.write(out, frames.ERROR, wire.error_payload(failed))
    done = {
        "media_type": job.media_type,
        "bytes_in": budget.bytes_in,
        "bytes_out": budget.bytes_out,
        "members": budget.members,
        "resident": resident(),
    }
    frames.write(out, frames.DONE, done)


if __name__ == "__main__":
    try:
        code = main(sys.argv[1:])
    except MemoryError:
        code = OUT_OF_MEMORY
    except (OSError, EOFError):  # the parent went away
        code = 1
    # No clean-up: a parser's finalizers may crash or hang.
    os._exit(code)
