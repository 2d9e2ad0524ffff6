"""Which strata are worth a budget: what was found near by before, how little is known, how long ago somebody looked.

A score is (1 + risk / 5) x (1 + novelty + staleness). *Risk* (0 to 100) is the mean risk of the objects of the same
folder and kind that were read, drawn towards those of the folder and of the kind alone, and these towards `PRIOR`, as
if `PSEUDO` more had been read (shrinkage: Efron and Morris, J. American Statistical Association 70, 1975). *Novelty* is
1 / (1 + objects read), *staleness* the days since one was read over 30; both are 1 at the most. Without a history
all scores are the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from piiscan.sampling.strata import ALL, FAMILIES, Label

PRIOR, PSEUDO = 10.0, 5.0
STALE = 30.0
"""Days after which nothing gets staler."""


@dataclass(slots=True)
class _Past:
    read: int = 0
    risk: float = 0.0
    last: datetime | None = None

    def add(self, read: int, risk: float, last: datetime) -> None:
        self.read += read
        self.risk += risk
        self.last = last if self.last is None else max(self.last, last)

    def mean(self, towards: float) -> float:
        return (self.risk + PSEUDO * towards) / (self.read + PSEUDO)


Row = tuple[str, str, str, int, float, datetime]
"""Source, folder as in `Label`, suffix, objects read, their risks added, when the last run began that read one."""


class History:
    """What was read and found before, by folder and kind."""

    def __init__(self, rows: Iterable[Row], now: datetime) -> None:
        self._now = now
        self._cells: dict[tuple[str, str, str], _Past] = defaultdict(_Past)
        self._folders: dict[tuple[str, str], _Past] = defaultdict(_Past)
        self._families: dict[str, _Past] = defaultdict(_Past)
        for source, folder, suffix, read, risk, last in rows:
            family = FAMILIES.get(suffix, "other")
            last = last if last.tzinfo is not None else last.replace(tzinfo=UTC)
            for past in (
                self._cells[source, folder, family],
                self._folders[source, folder],
                self._families[family],
            ):
                past.add(read, risk, last)

    def score(self, source: str, label: Label) -> float:
        """What a byte of a stratum is worth beside others."""
        family = self._families.get(label.family, _Past())
        folder = self._folders.get((source, label.folder), _Past())
        cell = self._cells.get((source, label.folder, label.family), _Past())
        if label.folder == ALL:
            cell = family
        risk = cell.mean((folder.mean(PRIOR) + family.mean(PRIOR)) / 2)
        days = STALE if cell.last is None else max((self._now - cell.last).total_seconds() / 86_400, 0.0)
        return (1 + risk / 5) * (1 + 1 / (1 + cell.read) + min(days / STALE, 1.0))

    def why(self, source: str, label: Label) -> str:
        """One sentence for people: what speaks for a stratum."""
        cell = self._cells.get((source, label.folder, label.family))
        if cell is None:
            folder = self._folders.get((source, label.folder))
            near = f"; risk {folder.mean(PRIOR):.0f} in its folder" if folder is not None else ""
            return f"nothing like it was read{near}"
        days = (self._now - cell.last).days if cell.last is not None else 0
        return f"{cell.read:,} like it read, mean risk {cell.risk / cell.read:.0f}, last {max(days, 0)} days ago"
