"""A copy of the database that readers may open while a scan writes to the original."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from piiscan import stages
from piiscan.errors import StoreError
from piiscan.store.duck import Held, copy_database, open_for_reading, unbroken

if TYPE_CHECKING:
    from piiscan.store.ingest import DuckStore

SHARE = 0.02
"""Part of the time of a scan that publishing may take."""
LEAST = 5.0
"""Seconds between two snapshots at the least."""


def snapshot_path(database: Path) -> Path:
    """Where the snapshot of a database lies."""
    return database.with_name(database.name + ".snapshot")


def publish(store: DuckStore) -> Path:
    """Write the log into the file, copy the file, rename the copy into place. Raises: StoreError."""
    target = snapshot_path(store.path)
    draft = target.with_name(target.name + ".tmp")
    with unbroken():
        try:
            store.checkpoint()
            copy_database(store.path, draft)
            stages.reached("snapshot")
            os.replace(draft, target)
        except OSError as err:
            draft.unlink(missing_ok=True)
            raise StoreError(f"{target}: the snapshot could not be written ({err.strerror})") from None
    return target


class Publisher:
    """Publishes now and then, within its share of the time."""

    def __init__(self, store: DuckStore) -> None:
        self._store = store
        self._next = 0.0

    def maybe(self) -> None:
        """Publish when it is time again."""
        now = time.monotonic()
        if now < self._next:
            return
        publish(self._store)
        spent = time.monotonic() - now
        self._next = time.monotonic() + max(LEAST, spent / SHARE)


def open_newest(database: Path, *, memory: str = "", threads: int = 0) -> tuple[Any, float | None]:
    """A locked-down reader of the database, or of its snapshot while somebody writes, and its age in seconds.

    Raises: StoreError when neither can be opened.
    """
    try:
        return open_for_reading(database, locked_down=True, memory=memory, threads=threads), None
    except Held:
        copy = snapshot_path(database)
        if not copy.exists():
            raise
        age = max(time.time() - copy.stat().st_mtime, 0.0)
        return open_for_reading(copy, locked_down=True, memory=memory, threads=threads), age


def say_age(age: float | None) -> None:
    """Tell on stderr that a snapshot answers, and how old it is."""
    import sys

    if age is not None:
        sys.stderr.write(f"piiscan: a scan is writing; this is the snapshot of {age:.0f} s ago\n")
