"""What the store knows of one source, held while it is listed: which objects need no reading, and which are gone.

Ids and a hash of the state of each object lie in sorted arrays, 26 bytes an object, so that a listing of millions is
looked up at the speed of a binary search and nothing of it is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from piiscan.model import ObjectRef

if TYPE_CHECKING:
    from piiscan.store.ingest import DuckStore

PASSING = (
    "PERMISSION_DENIED", "INVALID_KMS_KEY", "INVALID_OBJECT_STATE", "SOURCE_OBJECT_NO_LONGER_AVAILABLE",
    "OBJECT_VERSION_MISMATCH", "READ_FAILED", "CHECKSUM_MISMATCH", "CUSTOMER_KEY_NEEDED",
)  # fmt: skip
"""Reasons that may be gone at the next run although the object is the same."""
_HERE, _READ, _PASSING = 1, 2, 4
_STATE = "hash(size, etag, {version})"
"""DuckDB's, which is one thing within a process and need not be anything beyond."""

Ids = npt.NDArray[np.int64]
Rows = tuple[Ids, npt.NDArray[np.uint64], npt.NDArray[np.uint8], npt.NDArray[np.bool_]]
"""Ids, ascending, the state and the flags of each, and whether a listing has it."""


class Known:
    """The objects of the newest state below one prefix of a source.

    Unchanged means read before in the same state with the same catalogue, and not for a reason that may have passed;
    with `full`, read in this very run.
    """

    def __init__(
        self, store: DuckStore, source: str, prefix: str, catalogue: str, run: int, *, full: bool, few: bool = False
    ) -> None:
        """`few`: no more than some objects will be asked for, at once; the others are not looked at, nor `gone`."""
        self._store = store
        self._asked = {"source": source, "prefix": prefix, "catalogue": catalogue, "run": run}
        self._full, self._few = full, few
        self._loaded: Rows | None = None

    def _rows(self, oids: Ids | None = None) -> Rows:
        """What is known: of all objects, or of those that are asked for, when they are few."""
        if self._few and oids is not None:
            with self._store.lent("asked_for", {"oid": oids}):
                self._loaded = self._read(" AND oid IN (SELECT oid FROM asked_for)")
        elif self._loaded is None:
            self._loaded = self._read("")
        return self._loaded

    def _read(self, narrowed: str) -> Rows:
        found = self._store.columns(
            f"SELECT oid, {_STATE.format(version='version')} AS state, ((run = $run)::UTINYINT * {_HERE} "  # noqa: S608 - constants of ours
            f"+ (catalogue = $catalogue AND outcome <> 'failed')::UTINYINT * {_READ} "
            f"+ (split_part(reason, ':', 1) IN (SELECT unnest($passing)))::UTINYINT * {_PASSING})::UTINYINT AS flags "
            f"FROM objects WHERE superseded IS NULL AND source = $source AND starts_with(key, $prefix){narrowed}",
            {**self._asked, "passing": list(PASSING)},
        )
        order = np.argsort(found["oid"])
        return found["oid"][order], found["state"][order], found["flags"][order], np.zeros(len(order), np.bool_)

    def find(self, oids: Ids) -> Ids:
        """Where listed objects stand among the known ones, -1 for those that are new; the listing has them."""
        ids, _, _, seen = self._rows(oids)
        if not len(ids):
            return np.full(len(oids), -1, np.int64)
        order = np.argsort(oids)
        at = np.empty(len(oids), np.int64)
        at[order] = np.searchsorted(ids, oids[order])  # neighbours in order stay in the cache
        at = np.minimum(at, len(ids) - 1)
        at[ids[at] != oids] = -1
        seen[at[at >= 0]] = True
        return at

    def unchanged(self, at: Ids, refs: Sequence[ObjectRef]) -> tuple[npt.NDArray[np.bool_], int]:
        """Which of some listed objects need no reading, by where `find` has them; and how many of them this run has
        read already, before it was broken off."""
        import pyarrow as pa

        if not (at >= 0).any():
            return np.zeros(len(at), np.bool_), 0
        columns = {
            "size": pa.array([ref.size for ref in refs], pa.int64()),
            "etag": pa.array([ref.etag for ref in refs], pa.string()),
            "version": pa.array([ref.version for ref in refs], pa.string()),
        }
        denied = np.array([bool(ref.denied) for ref in refs], np.bool_)
        return self.same(at, columns, denied)

    def same(
        self, at: Ids, columns: dict[str, Any], denied: npt.NDArray[np.bool_]
    ) -> tuple[npt.NDArray[np.bool_], int]:
        """As `unchanged`, for listed objects by column: size, etag and, where they have one, version."""
        _, states, flags, _ = self._rows()
        if not len(states):
            return np.zeros(len(at), np.bool_), 0
        now = np.empty(len(at), np.uint64)
        version = "version" if "version" in columns else "''"
        with self._store.lent("listed_now", {"i": np.arange(len(at)), **columns}):
            found = self._store.columns(f"SELECT i, {_STATE.format(version=version)} AS state FROM listed_now", {})  # noqa: S608
        now[found["i"]] = found["state"]
        there = at >= 0
        was = np.where(there, flags[at], 0)
        here = there & (was & _HERE > 0)
        # A failure is worth another try in the next run, and so is what the listing does not refuse (any more); what
        # was read as far as its format goes is not.
        same = there & (was & _READ > 0) & (states[at] == now) & ~((was & _PASSING > 0) & ~denied)
        return here | (same & (not self._full)), int(here.sum())

    def gone(self) -> Ids:
        """The ids that no listing had."""
        ids, _, _, seen = self._rows()
        return ids[~seen]
