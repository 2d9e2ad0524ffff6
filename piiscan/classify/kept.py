"""Arrays that are computed once per catalogue and kept in the user's cache, so that a short command starts at once."""

from __future__ import annotations

import hashlib
import logging
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from piiscan.classify.hyper import cache_dir

log = logging.getLogger(__name__)

Arrays = Mapping[str, npt.NDArray[Any]]
KEEP = 16
"""Files of each name that stay; the oldest go first."""


def digest(texts: Iterable[str]) -> str:
    """A name for some texts, in their order."""
    return hashlib.blake2b("\0".join(texts).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def kept(name: str, key: str, make: Callable[[], Arrays], *, cache: bool = True) -> Arrays:
    """The arrays that `make` gives, from the cache when they were made under the same key before.

    A cache that cannot be read or written costs time, not the scan.
    """
    if not cache:
        return make()
    try:
        path = cache_dir() / f"{name}-{key}.npz"
        with np.load(path, allow_pickle=False) as found:
            return {part: found[part] for part in found.files}
    except Exception as err:  # no file yet, a damaged one, no folder: numpy raises what zip and format readers do
        log.debug("event=cache_miss name=%s error=%s", name, type(err).__name__)
    arrays = make()
    try:
        _write(cache_dir(), f"{name}-{key}.npz", arrays)
        for old in sorted(cache_dir().glob(f"{name}-*.npz"), key=lambda p: p.stat().st_mtime)[:-KEEP]:
            old.unlink()
    except OSError as err:
        log.debug("event=cache_not_written name=%s error=%s", name, type(err).__name__)
    return arrays


def _write(folder: Path, name: str, arrays: Arrays) -> None:
    with tempfile.NamedTemporaryFile(dir=folder, suffix=".tmp", delete=False) as out:
        np.savez(out, **dict(arrays))  # type: ignore[arg-type]
    os.replace(out.name, folder / name)
