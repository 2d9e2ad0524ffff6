"""Drawing a sample while a source is listed: by the hash of each name, and one at least of each stratum that is large.

An object is in the sample when its hash is low enough, so a later run reads the same ones. Of each stratum the object
with the lowest hash is kept at hand; when none of a stratum was low enough, it is drawn at the end of the listing. This
is done for the largest strata, as many as add an eighth to the sample on average. How many that are follows from the
sizes of the strata alone, so each object's probability is known: `estimate.drawn_weight`.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from piiscan.model import ObjectRef
from piiscan.sampling.estimate import drawn_weight
from piiscan.sampling.strata import Label, Strata
from piiscan.spool import object_id

EXTRA = 0.125
"""By which part the largest strata, those that would have none, may enlarge the sample on average."""
SPACE = 1 << 64


def hash_of(ref: ObjectRef) -> int:
    """64 bits that decide whether an object is drawn: its id in the store, without a sign."""
    return object_id(ref.source, ref.key) & (SPACE - 1)


def ensured_from(populations: Sequence[int], fraction: float) -> float:
    """From how many objects on a stratum has one drawn in any case; infinite: no stratum.

    Of N objects none is drawn with probability (1 - f)^N, so that many are added on average.

    >>> ensured_from([10_000, 40, 40, 1, 1, 1], 0.01), ensured_from([1] * 50, 0.01)
    (1, inf)
    """
    room = max(1.0, EXTRA * fraction * sum(populations))
    least, added, ordered = float("inf"), 0.0, sorted(populations, reverse=True)
    for at, population in enumerate(ordered):
        added += (1 - fraction) ** population
        if added > room:
            break
        if at + 1 == len(ordered) or ordered[at + 1] != population:
            least = population
    return least


@dataclass(slots=True)
class Drawn:
    """One stratum of a listing that was sampled."""

    label: Label
    population: int = 0
    bytes: int = 0
    sampled: int = 0
    sampled_bytes: int = 0
    weight: float = 0.0
    """How many objects a sampled one stands for; 0: none was sampled."""


class Draw:
    """The sample of one target."""

    def __init__(self, percent: float, base: str, now: datetime) -> None:
        """`base`: folder of the target; `now`: when the run began."""
        self._fraction = percent / 100
        self._limit = int(self._fraction * SPACE)
        self._strata = Strata(base, now)
        self.strata: list[Drawn] = []
        self._lowest: list[tuple[int, ObjectRef]] = []
        self.members = array("q")
        """Ids of the objects that were drawn."""
        self.numbers = array("i")
        """The stratum of each of them."""

    def take(self, ref: ObjectRef) -> bool:
        """Whether an object of the listing is drawn now. What must not be opened is of no stratum."""
        mark = hash_of(ref)
        if ref.denied:
            return mark < self._limit
        number = self._strata.number(ref)
        if number == len(self.strata):
            self.strata.append(Drawn(self._strata.labels[number]))
            self._lowest.append((mark, ref))
        elif mark < self._lowest[number][0]:
            self._lowest[number] = (mark, ref)
        stratum = self.strata[number]
        stratum.population += 1
        stratum.bytes += ref.size
        if mark >= self._limit:
            return False
        self._add(number, mark, ref)
        return True

    def rest(self) -> Iterator[ObjectRef]:
        """What is drawn when the listing has ended: of each large stratum without a sample its lowest; of all, one."""
        least = ensured_from([s.population for s in self.strata], self._fraction)
        for number, stratum in enumerate(self.strata):
            ensured = stratum.population >= least
            stratum.weight = drawn_weight(stratum.population, self._fraction, ensured)
            if ensured and not stratum.sampled:
                yield self._lowest_of(number)
        if self.strata and not self.members:
            yield self._lowest_of(min(range(len(self.strata)), key=lambda n: self._lowest[n][0]))

    def _lowest_of(self, number: int) -> ObjectRef:
        mark, ref = self._lowest[number]
        self._add(number, mark, ref)
        return ref

    def _add(self, number: int, mark: int, ref: ObjectRef) -> None:
        stratum = self.strata[number]
        stratum.sampled += 1
        stratum.sampled_bytes += ref.size
        self.members.append(mark - SPACE if mark >= SPACE >> 1 else mark)
        self.numbers.append(number)
