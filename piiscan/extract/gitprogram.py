"""The git program, started so that a hostile repository can make it neither run, fetch nor write anything.

Source: git(1), git-config(1).
"""

from __future__ import annotations

import os
import signal
import subprocess
from contextlib import suppress

_MEMORY = 1 << 30
_SECONDS = 600
"""Bounds of the program: bytes of address space, seconds of CPU."""
_DEATH_SIGNAL = 1
_SETTINGS = (
    "core.hooksPath=/dev/null",
    "core.fsmonitor=false",
    "core.bigFileThreshold=8m",
    "core.packedGitWindowSize=8m",
    "core.packedGitLimit=128m",
    "core.deltaBaseCacheLimit=64m",
    "core.compression=0",
    "core.multiPackIndex=false",
    "core.commitGraph=false",
    "gc.auto=0",
    "maintenance.auto=false",
    "pack.threads=1",
    "protocol.allow=never",
    "safe.directory=*",
)
_ENVIRONMENT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_ALLOW_PROTOCOL": "none",
    "LC_ALL": "C",
}


def start(program: str, directory: str, *arguments: str, stdin: int = subprocess.PIPE) -> subprocess.Popen[bytes]:
    """A running git whose repository is `directory`/repository. Raises: OSError when it cannot be started."""
    settings = [word for setting in _SETTINGS for word in ("-c", setting)]
    return subprocess.Popen(  # noqa: S603 - git by its full path, arguments of ours only
        [program, *settings, *arguments],
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,  # its messages may quote names
        cwd=directory,
        env=_ENVIRONMENT
        | {"PATH": os.environ.get("PATH", os.defpath), "HOME": directory}
        | {"GIT_DIR": os.path.join(directory, "repository")},
        preexec_fn=_confine,  # safe here: a parser has one thread
    )


def end(process: subprocess.Popen[bytes]) -> int:
    """Ends a program and gives its exit code."""
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            try:
                pipe.close()
            except OSError:
                continue
    try:
        return process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        return process.wait()


def _confine() -> None:
    """Bounds on memory and time of the program, and its end with ours. Source: prctl(2), setrlimit(2)."""
    with suppress(ImportError, OSError, ValueError, AttributeError):
        import resource

        for which, most in ((resource.RLIMIT_AS, _MEMORY), (resource.RLIMIT_CPU, _SECONDS)):
            hard = resource.getrlimit(which)[1]
            least = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(which, (least, least))
    with suppress(OSError, AttributeError):
        import ctypes

        ctypes.CDLL(None).prctl(_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
