"""The best objects within a budget of bytes, with no list of objects: the sources are listed twice.

The first listing counts, for each stratum, the bytes that need reading by the first eight bits of the objects' hashes.
Then the budget is handed out: what is next by its hash in the stratum whose bytes so far, over its score, are fewest.
So a stratum gets bytes in proportion to its score until nothing is left in it, and with equal scores all strata get the
same. The second listing takes what lies below each stratum's cut. What then remains of the budget, too little for the
next piece, goes to that piece's first objects; the last of them may go beyond the budget.

Objects below a cut are all read, now or before, and are no choice of anybody's: they are the stratum's sample.
"""

from __future__ import annotations

import heapq
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import accumulate

from piiscan.model import ObjectRef
from piiscan.sampling.draw import SPACE, Drawn, hash_of
from piiscan.sampling.history import History
from piiscan.sampling.strata import MOST, Label, Strata

PIECES = 256
"""Pieces of a stratum, by hash."""
SHIFT = 56
BATCH = 2_048
"""Objects looked up at a time."""
NEXT = 10
"""Objects that are named as the next best."""

Known = Callable[[Sequence[ObjectRef]], set[int]]
"""The indexes of the objects that need no reading, as it was when the run began."""


def _zeros() -> array[int]:
    return array("q", bytes(8 * PIECES))


@dataclass(slots=True)
class _Stratum:
    label: Label
    needed: array[int] = field(default_factory=_zeros)
    """Bytes that need reading, by piece; objects count for one byte at the least."""
    objects: int = 0
    bytes: int = 0
    score: float = 1.0
    cut: int = 0
    """Pieces from the first on that are read whole."""
    upto: array[int] = field(default_factory=lambda: array("q"))
    """Bytes that need reading up to the end of each piece; known once the budget is handed out."""


@dataclass(frozen=True, slots=True)
class Next:
    """An object that the budget did not reach."""

    ref: ObjectRef
    score: float
    why: str


class Listing:
    """The part of a plan that is one target's."""

    def __init__(self, source: str, base: str, now: datetime, most: int) -> None:
        self.source = source
        self._found = Strata(base, now, most)
        self.parts: list[_Stratum] = []
        self.strata: list[Drawn] = []
        """As of a sampled listing, once it was chosen from."""
        self.members, self.numbers = array("q"), array("i")

    def count(self, refs: Sequence[ObjectRef], known: set[int]) -> None:
        """Take in a piece of the first listing."""
        for index, ref in enumerate(refs):
            part = self.of(ref)[1]
            part.objects += 1
            part.bytes += ref.size
            if index not in known:
                part.needed[hash_of(ref) >> SHIFT] += max(ref.size, 1)

    def of(self, ref: ObjectRef) -> tuple[int, _Stratum]:
        """The stratum of an object, and its number."""
        number = self._found.number(ref)
        if number == len(self.parts):
            self.parts.append(_Stratum(self._found.labels[number]))
        return number, self.parts[number]

    def sampled(self, number: int, ref: ObjectRef, mark: int) -> None:
        """Note an object below the cut."""
        while len(self.strata) <= number:
            self.strata.append(Drawn(self.parts[len(self.strata)].label))
        self.strata[number].sampled += 1
        self.strata[number].sampled_bytes += ref.size
        self.members.append(mark - SPACE if mark >= SPACE >> 1 else mark)
        self.numbers.append(number)


class Plan:
    """What of all targets is read within a budget."""

    def __init__(self, budget: int, known: Known, history: History, now: datetime, targets: int) -> None:
        """`now`: when the run began; `targets`: how many there will be, which share the strata."""
        self._budget, self._known, self._history, self._now = budget, known, history, now
        self._most = max(MOST // max(targets, 1), 16)
        self._left = 0
        self._partial: _Stratum | None = None
        self._spent = 0
        self._next: list[tuple[float, int, int, ObjectRef, _Stratum]] = []
        self._noted = 0
        self.reached = 0
        """Objects that need reading and are chosen."""

    def look(self, source: str, base: str, refs: Iterable[ObjectRef]) -> Listing:
        """The first listing of a target; `refs` are the objects that the run may read. Raises: SourceError."""
        listing = Listing(source, base, self._now, self._most)
        for batch in _batches(ref for ref in refs if not ref.denied):
            listing.count(batch, self._known(batch))
        return listing

    def allot(self, listings: Iterable[Listing]) -> None:
        """Hand the budget out over all strata."""
        left, heap, given = self._budget, [], 0
        parts: list[tuple[_Stratum, list[int]]] = []
        for listing in listings:
            for part in listing.parts:
                part.score = self._history.score(listing.source, part.label)
                part.upto = array("q", accumulate(part.needed))
                todo = [piece for piece, size in enumerate(part.needed) if size]
                part.cut = todo[0] if todo else PIECES
                if todo:
                    heap.append((part.needed[todo[0]] / part.score, len(parts), 0, 0))
                    parts.append((part, todo))
        heapq.heapify(heap)
        while heap:
            _, number, at, so_far = heapq.heappop(heap)
            part, todo = parts[number]
            size = part.needed[todo[at]]
            if size > left:
                self._partial = self._partial or part
                continue
            left, given = left - size, given + size
            part.cut = todo[at + 1] if at + 1 < len(todo) else PIECES
            if at + 1 < len(todo):
                so_far += size
                heapq.heappush(heap, ((so_far + part.needed[todo[at + 1]]) / part.score, number, at + 1, so_far))
        self._left = left

    def choose(
        self, listing: Listing, pairs: Iterable[tuple[ObjectRef, bool]], left: Callable[[ObjectRef], None]
    ) -> Iterator[tuple[ObjectRef, bool]]:
        """The second listing of a target: each object, and whether it is within the budget, not in its order.

        `pairs` are objects, and whether the run may read them; `left` hears of those it may that are not within the
        budget. Raises: SourceError.
        """
        batch: list[ObjectRef] = []
        for ref, wanted in pairs:
            if not wanted:
                yield ref, False
                continue
            batch.append(ref)
            if len(batch) >= BATCH:
                yield from self._chosen(listing, batch, left)
                batch = []
        yield from self._chosen(listing, batch, left)
        for number, part in enumerate(listing.parts):
            if number >= len(listing.strata):
                listing.strata.append(Drawn(part.label))
            stratum = listing.strata[number]
            stratum.population, stratum.bytes = max(part.objects, stratum.sampled), part.bytes
            stratum.weight = stratum.population / stratum.sampled if stratum.sampled else 0.0

    def _chosen(
        self, listing: Listing, batch: list[ObjectRef], left: Callable[[ObjectRef], None]
    ) -> Iterator[tuple[ObjectRef, bool]]:
        maybe: list[ObjectRef] = []
        for ref in batch:
            if ref.denied:
                yield ref, True  # the coverage says why; no byte is read
                continue
            number, part = listing.of(ref)
            mark = hash_of(ref)
            piece = mark >> SHIFT
            if piece < part.cut or (part is self._partial and piece == part.cut):
                maybe.append(ref)
                if piece < part.cut:
                    listing.sampled(number, ref, mark)
            else:
                self._note(part, mark, ref)
                left(ref)
                yield ref, False
        known = self._known(maybe)
        for index, ref in enumerate(maybe):
            taken = index in known or self._pay(listing, ref)
            if not taken:
                left(ref)
            yield ref, taken

    def _pay(self, listing: Listing, ref: ObjectRef) -> bool:
        """Whether there is money for an object that needs reading."""
        part, mark = listing.of(ref)[1], hash_of(ref)
        if mark >> SHIFT >= part.cut:
            if self._left <= 0:
                self._note(part, mark, ref)
                return False
            self._left -= max(ref.size, 1)
        elif self._spent >= self._budget:  # it grew between the two listings
            return False
        self._spent += max(ref.size, 1)
        self.reached += 1
        return True

    def _note(self, part: _Stratum, mark: int, ref: ObjectRef) -> None:
        """Keep what may be among the next best: what the budget would have come to."""
        piece = mark >> SHIFT
        if not part.upto or not part.needed[piece]:
            return
        self._noted += 1
        entry = (-part.upto[piece] / part.score, -mark, self._noted, ref, part)
        if len(self._next) < 8 * NEXT:
            heapq.heappush(self._next, entry)
        elif entry > self._next[0]:
            heapq.heapreplace(self._next, entry)

    def next_best(self) -> list[Next]:
        """What a larger budget would read next, the best first."""
        found = sorted(self._next, reverse=True)
        known = self._known([entry[3] for entry in found])
        left = [entry for index, entry in enumerate(found) if index not in known][:NEXT]
        return [Next(ref, part.score, self._history.why(ref.source, part.label)) for _, _, _, ref, part in left]


def _batches(refs: Iterable[ObjectRef]) -> Iterator[list[ObjectRef]]:
    batch: list[ObjectRef] = []
    for ref in refs:
        batch.append(ref)
        if len(batch) >= BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
