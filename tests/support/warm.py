"""Commands without the wait for imports: a process that has imported all of piiscan forks for each command.

What runs is what `python -m piiscan` runs, in a process of its own, with its own arguments, folder, environment and
streams; only the second that Python takes to import is spent once for all tests. Which modules a command imports, and
how a start goes wrong, is what `Cli.start` and the tests of packaging are for.

The server speaks over a socket pair: a line of JSON and three descriptors in, the process's number out at once, its
status out when it has ended (0 to 255, or minus the signal that killed it).
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
import json
import os
import pkgutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from typing import Any

LIMIT = 1 << 20
"""Bytes of a request at the most."""
_LIBRARIES = ("OPENBLAS", "OMP", "MKL")
_STATUS = 12
"""Bytes of an answer: a number, right-aligned."""


class Warm:
    """The client: one command at a time."""

    def __init__(self) -> None:
        self._busy = threading.Lock()
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._server = subprocess.Popen(
                [sys.executable, "-m", "tests.support.warm", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env={**os.environ, "LC_ALL": "C.UTF-8", **{f"{name}_NUM_THREADS": "1" for name in _LIBRARIES}},
            )

    def close(self) -> None:
        """End the server."""
        self._ours.close()
        self._server.wait()

    def free(self) -> bool:
        """Whether this thread has it to itself until `run` ends."""
        return self._busy.acquire(blocking=False)

    def run(self, args: list[str], cwd: str, env: Mapping[str, str], seconds: float) -> tuple[int, bytes, bytes]:
        """The status and the output of `piiscan ARGS`. Raises: subprocess.TimeoutExpired."""
        try:
            with contextlib.ExitStack() as files:
                nothing = files.enter_context(open(os.devnull, "rb"))
                out, err = (files.enter_context(open(os.memfd_create(name), "w+b")) for name in ("out", "err"))
                request = json.dumps({"args": args, "cwd": cwd, "env": dict(env)}).encode()
                socket.send_fds(self._ours, [request], [nothing.fileno(), out.fileno(), err.fileno()])
                self._ours.settimeout(seconds)
                pid = int(self._ours.recv(_STATUS))
                try:
                    status = int(self._ours.recv(_STATUS))
                except TimeoutError:
                    os.kill(pid, signal.SIGKILL)
                    self._ours.settimeout(None)
                    self._ours.recv(_STATUS)
                    raise subprocess.TimeoutExpired(args, seconds) from None
                return status, _read(out), _read(err)
        finally:
            self._busy.release()


def _read(file: Any) -> bytes:
    size = os.fstat(file.fileno()).st_size
    return os.pread(file.fileno(), size, 0)


def _serve(asked: socket.socket) -> None:
    import piiscan

    for module in pkgutil.walk_packages(piiscan.__path__, "piiscan."):
        if not module.name.endswith(("__main__", "hatch_build")):
            with contextlib.suppress(ImportError):  # an extra that is not installed
                importlib.import_module(module.name)
    for name in ("duckdb", "pyarrow.parquet", "boto3", "botocore.session", "zoneinfo"):
        importlib.import_module(name)
    from piiscan.cli.main import command

    command()  # the parser, which is the same for all
    gc.collect()
    gc.freeze()
    while True:
        request, streams, *_ = socket.recv_fds(asked, LIMIT, 3)
        if not request:
            os._exit(0)
        pid = os.fork()
        if pid == 0:
            asked.close()
            _command(json.loads(request), streams)
        for fd in streams:
            os.close(fd)
        asked.send(b"%*d" % (_STATUS, pid))
        asked.send(b"%*d" % (_STATUS, os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])))


def _command(request: dict[str, Any], streams: list[int]) -> None:
    """Become the command; does not return."""
    code = 70
    try:
        gc.unfreeze()
        for number, fd in enumerate(streams):
            os.dup2(fd, number)
            os.close(fd)
        os.chdir(request["cwd"])
        os.environ.clear()
        os.environ.update(request["env"])
        import piiscan.__main__ as main

        sys.modules["__main__"].__package__ = "piiscan"  # usage errors name the program by it
        sys.argv = [str(main.__file__), *request["args"]]
        sys.stdin = io.TextIOWrapper(os.fdopen(0, "rb", closefd=False), "utf-8", "surrogateescape")
        sys.stdout = io.TextIOWrapper(os.fdopen(1, "wb", closefd=False), "utf-8", "surrogateescape")
        sys.stderr = io.TextIOWrapper(
            os.fdopen(2, "wb", 0, closefd=False), "utf-8", "backslashreplace", write_through=True
        )
        main.run()
        code = 0
    except SystemExit as err:
        code = err.code if isinstance(err.code, int) else 0 if err.code is None else 1
    except BaseException:
        sys.excepthook(*sys.exc_info())
        code = 1
    finally:
        _end(code)


def _end(code: int) -> None:
    """As the interpreter ends: threads are waited for, exit handlers run, streams are flushed."""
    import atexit

    with contextlib.suppress(BaseException):
        threading._shutdown()  # type: ignore[attr-defined]
    with contextlib.suppress(BaseException):
        atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
    except BaseException:
        code = code or 120
    os._exit(code & 0xFF)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
