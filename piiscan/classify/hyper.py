"""Many patterns in one pass over bytes: hyperscan where its wheel is, plain `re` elsewhere, with equal hits.

A hit is (pattern index, end offset). Patterns are bytes expressions without look-around. Every end counts, not only the
longest: a card followed by three digits of something else must not be lost to the longer reading.

Hyperscan facts that shape this file (version 0.9 of the binding): a `Database` must not be used by two threads, so
scanners are per thread; the callback must stay referenced while a scan runs; block mode only, as streaming mode crashed
under test.
"""

from __future__ import annotations

import hashlib
import logging
import os
import platform
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

log = logging.getLogger(__name__)

Hits = tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]

_EMPTY: Hits = (np.empty(0, np.int32), np.empty(0, np.int64))


@dataclass(frozen=True, slots=True)
class Expression:
    """One pattern of a scanner."""

    body: str
    caseless: bool = False
    literal: bool = False
    """True: `body` is searched as it stands."""


Expressions = Sequence[Expression] | Callable[[], Sequence[Expression]]


def listed(expressions: Expressions) -> Sequence[Expression]:
    """The expressions, made now if they were not yet."""
    return expressions() if callable(expressions) else expressions


class Scanner(Protocol):
    """Something that finds all expressions in a block."""

    def scan(self, block: bytes | memoryview) -> Hits:
        """(pattern index, end offset) of every hit, sorted by end."""
        ...


def cache_dir() -> Path:
    """`$XDG_CACHE_HOME/piiscan` (or `~/.cache/piiscan`), private to the user; made when missing. Raises: OSError."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(base) / "piiscan"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    if hasattr(os, "getuid") and (status.st_uid != os.getuid() or status.st_mode & 0o022):
        raise PermissionError(f"{folder} is writable by others")
    return folder


def cpu_features() -> str:
    """A short digest of the processor's feature flags: a database compiled for one must not run on another."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return platform.machine()
    flags = next((line for line in text.splitlines() if line.startswith(("flags", "Features"))), "")
    return platform.machine() + hashlib.blake2b(flags.encode(), digest_size=6).hexdigest()


class HyperScanner:
    """Hyperscan in block mode, compiled at the first scan, once a set of expressions, and kept in the user's cache."""

    def __init__(self, expressions: Expressions, *, key: str = "", cache: bool = True) -> None:
        import hyperscan  # type: ignore[import-not-found,unused-ignore]

        self._hyperscan: Any = hyperscan
        self._expressions, self._key, self._cache = expressions, key, cache

    @cached_property
    def _database(self) -> Any:
        hs, source, name = self._hyperscan, self._expressions, self._key
        key = hashlib.blake2b(digest_size=16)
        for part in (hs.__version__, str(getattr(hs, "hs_version", "")), cpu_features()):
            key.update(str(part).encode() + b"\0")
        expressions = () if name else listed(source)
        key.update(name.encode())
        for item in expressions:
            key.update(f"{item.caseless:d}{item.literal:d}{item.body}\0".encode())
        path = None
        if self._cache:
            try:
                path = cache_dir() / f"hs-{key.hexdigest()}.db"
                return self._ready(hs.loadb(path.read_bytes(), mode=hs.HS_MODE_BLOCK))
            except Exception as err:  # no file yet, another version, a damaged file: compile anew
                log.debug("event=cache_miss error=%s", type(err).__name__)
        expressions = expressions or listed(source)
        database = hs.Database(mode=hs.HS_MODE_BLOCK)
        database.compile(
            expressions=[(re.escape(i.body) if i.literal else i.body).encode() for i in expressions],
            ids=list(range(len(expressions))),
            elements=len(expressions),
            flags=[hs.HS_FLAG_CASELESS if i.caseless else 0 for i in expressions],
        )
        if path is not None:
            try:
                with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as out:
                    out.write(hs.dumpb(database))
                os.replace(out.name, path)
            except OSError as err:
                log.debug("event=cache_not_written error=%s", type(err).__name__)
        return self._ready(database)

    def _ready(self, database: Any) -> Any:
        database.scratch = self._hyperscan.Scratch(database)
        return database

    def scan(self, block: bytes | memoryview) -> Hits:
        """See `Scanner.scan`."""
        packed: list[int] = []
        append = packed.append

        def hit(index: int, _start: int, end: int, _flags: int, _context: object) -> None:
            append(end << 20 | index)

        self._database.scan(block, match_event_handler=hit)
        if not packed:
            return _EMPTY
        both = np.array(packed, np.int64)
        return (both & 0xFFFFF).astype(np.int32), both >> 20


class ReScanner:
    """The same with `re`, for platforms without the wheel: slow, equal hits."""

    def __init__(self, expressions: Sequence[Expression]) -> None:
        self._patterns = [
            re.compile((re.escape(i.body) if i.literal else i.body).encode(), re.IGNORECASE if i.caseless else 0)
            for i in expressions
        ]

    def scan(self, block: bytes | memoryview) -> Hits:
        """See `Scanner.scan`."""
        found: set[tuple[int, int]] = set()
        for index, pattern in enumerate(self._patterns):
            match = pattern.search(block)
            while match is not None:
                start, end = match.span()
                while match is not None:
                    found.add((match.end(), index))
                    # Shorter readings from the same start: hyperscan reports these ends too.
                    match = pattern.match(block, start, match.end() - 1) if match.end() - 1 > start else None
                match = pattern.search(block, start + 1) if end > start else None
        if not found:
            return _EMPTY
        ordered = sorted(found)
        return np.array([i for _, i in ordered], np.int32), np.array([e for e, _ in ordered], np.int64)


def have_hyperscan() -> bool:
    """Whether hyperscan can be imported; `PIISCAN_NO_HYPERSCAN=1` says no (tests of the fallback)."""
    if os.environ.get("PIISCAN_NO_HYPERSCAN") == "1":
        return False
    try:
        import hyperscan  # noqa: F401
    except ImportError:
        return False
    return True


def make_scanner(expressions: Expressions, *, key: str = "", cache: bool = True) -> Scanner:
    """The fastest scanner that this installation has.

    With a `key` that stands for the expressions they are asked for only where the cache has no database of that key.
    """
    if have_hyperscan():
        return HyperScanner(expressions, key=key, cache=cache)
    return ReScanner(listed(expressions))
