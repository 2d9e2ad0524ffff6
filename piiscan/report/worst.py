"""The worst of a stream of findings: what is kept of a format that has a cap."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from piiscan.report.rows import SEVERITY


@dataclass(order=True, slots=True)
class Kept:
    """A finding as it will be written, in the order of how bad it is."""

    severity: int
    confidence: float
    behind: int
    """Minus its number in the stream: of two that are equal the later one goes first."""
    text: bytes = field(compare=False)
    """UTF-8."""
    facts: Any = field(compare=False, default=None)


class Worst:
    """At most `limit` texts of at most `size` bytes together, the worst by severity, then confidence."""

    def __init__(self, limit: int, size: int) -> None:
        self.limit = limit
        self._size = size
        self._kept: list[Kept] = []
        self._bytes = 0
        self._seen = 0
        self.dropped: Counter[str] = Counter()
        """By severity, how many are left out."""

    def add(self, finding: dict[str, Any], write: Callable[[], str], facts: Any = None) -> None:
        """One more finding, which may push others out; it is only written when it does not go first itself."""
        self._seen += 1
        order = (SEVERITY.index(finding["severity"]), finding["confidence"], -self._seen)
        if len(self._kept) == self.limit:
            least = self._kept[0]
            if order < (least.severity, least.confidence, least.behind):
                self.dropped[finding["severity"]] += 1
                return
        kept = Kept(*order, write().encode(), facts)
        heapq.heappush(self._kept, kept)
        self._bytes += len(kept.text)
        while len(self._kept) > self.limit or (self._bytes > self._size and len(self._kept) > 1):
            self.drop(heapq.heappop(self._kept))

    def drop(self, kept: Kept) -> None:
        """Count one as left out."""
        self._bytes -= len(kept.text)
        self.dropped[SEVERITY[kept.severity]] += 1

    def worst_first(self) -> list[Kept]:
        """What is kept, the worst first."""
        return sorted(self._kept, reverse=True)

    def keep(self, number: int) -> None:
        """Keep only so many of what is kept, the worst."""
        every = self.worst_first()
        for kept in every[number:]:
            self.drop(kept)
        self._kept = every[:number]
        heapq.heapify(self._kept)

    def in_order(self) -> list[Kept]:
        """What is kept, in the order of the stream."""
        return sorted(self._kept, key=lambda kept: -kept.behind)

    def cut(self, what: str) -> str:
        """A sentence on what is left out; empty when nothing is."""
        number = self.dropped.total()
        if not number:
            return ""
        by = ", ".join(f"{self.dropped[s]:,} {s}" for s in reversed(SEVERITY) if self.dropped[s])
        return (
            f"{number:,} of {self._seen:,} findings are left out ({by}): {what}; "
            "kept are the worst by severity, then by confidence"
        )
