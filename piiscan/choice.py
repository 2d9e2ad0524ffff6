"""Which listed objects a run reads: all that its filters let through, a sample in strata, or the best of a budget."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from piiscan.config import Config
from piiscan.crawl import STDIN, Target
from piiscan.crawl.select import Tally, select
from piiscan.errors import SourceError
from piiscan.model import ObjectRef
from piiscan.sampling.draw import Draw, Drawn
from piiscan.sampling.history import History
from piiscan.sampling.plan import BATCH, Listing, Next, Plan
from piiscan.store import strata as kept

Crawl = Callable[[Target], Iterable[ObjectRef]]


class _Counted:
    """A listing that counts those of its objects that may be opened."""

    def __init__(self, refs: Iterable[ObjectRef]) -> None:
        self._refs = refs
        self.objects = self.bytes = 0

    def __iter__(self) -> Iterator[ObjectRef]:
        for ref in self._refs:
            if not ref.denied:
                self.objects, self.bytes = self.objects + 1, self.bytes + ref.size
            yield ref


@dataclass(frozen=True, slots=True)
class _Done:
    """A target that was listed to its end."""

    objects: int
    bytes: int
    strata: tuple[Sequence[Drawn], array[int], array[int]] | None


class Choice:
    """The choice of one run, or of none that is yet (`--dry-run`)."""

    def __init__(
        self,
        config: Config,
        tally: Tally,
        con: Any,
        run: int,
        catalogue: str,
        *,
        full: bool,
        now: datetime | None = None,
    ) -> None:
        """`con` reads the database, or is None where there is none; `now` is given where the run is not in it."""
        self._config, self._tally = config, tally
        self._con, self._run, self._catalogue, self._full = con, run, catalogue, full
        self._now = now if now is not None else kept.began(con, run).replace(tzinfo=UTC)
        self._plan: Plan | None = None
        self.unchanged = 0
        """Objects that `to_read` left out because they are known."""
        self._listings: dict[Target, Listing] = {}
        self._done: dict[Target, _Done] = {}

    def look(self, targets: Sequence[Target], crawl: Crawl) -> None:
        """With a budget: list all targets once, and share it out; else nothing. A target that fails is left out."""
        targets = [target for target in targets if target.source != STDIN]
        if not self._config.budget or not targets:
            return
        rows = [row for target in targets for row in self._past(target)]
        history = History(dict.fromkeys(rows), self._now)
        plan = self._plan = Plan(self._config.budget, self._known, history, self._now, len(targets))
        for target in targets:
            wanted = (ref for ref, chosen in select(crawl(target), self._config, Tally()) if chosen)
            try:
                self._listings[target] = plan.look(target.source, _base(target), wanted)
            except SourceError:
                continue  # told of when it is listed again
        plan.allot(self._listings.values())

    def refs(self, target: Target, crawl: Crawl) -> Iterator[tuple[ObjectRef, bool]]:
        """Each object of a target and whether it is to be read. One may come twice: left out, then drawn.

        Raises: SourceError.
        """
        draw = listing = None
        listed = _Counted(crawl(target))
        if self._config.sample < 100 and target.source != STDIN:
            draw = Draw(self._config.sample, _base(target), self._now)
        pairs = select(listed, self._config, self._tally, draw)
        if self._plan is not None and target.source != STDIN:
            # What could not be listed the first time is not planned for.
            listing = self._listings.get(target) or Listing(target.source, _base(target), self._now, 1)
            pairs = self._plan.choose(listing, pairs, self._left)
        yield from pairs
        if not self._tally.capped and not target.single:
            made = draw or listing
            strata = (made.strata, made.members, made.numbers) if made is not None else None
            self._done[target] = _Done(listed.objects, listed.bytes, strata)

    def takes_all(self, target: Target) -> bool:
        """Every object of a target that its filters let through is to be read: `refs` need not be asked, but `took`."""
        config = self._config
        capped = config.max_objects or config.max_bytes or config.sample < 100
        return not capped and self._plan is None and not target.single

    def took(self, target: Target, objects: int, size: int) -> None:
        """A target of which all was taken was listed to its end: the objects that may be opened, and their bytes."""
        self._done[target] = _Done(objects, size, None)

    def to_read(self, target: Target, crawl: Crawl) -> Iterator[ObjectRef]:
        """The objects of a target that are chosen and not known: for a run that does not take place."""
        batch: list[ObjectRef] = []
        for ref, chosen in self.refs(target, crawl):
            if chosen and not ref.denied:
                batch.append(ref)
            if len(batch) >= BATCH:
                yield from self._new(batch)
                batch = []
        yield from self._new(batch)

    def keep(self) -> None:
        """Write down, when all was read, what was drawn from and how much of each target is known."""
        for target, done in self._done.items():
            if done.strata is not None:
                kept.keep_strata(self._con, self._run, target.source, target.prefix, *done.strata)
            kept.keep_coverage(self._con, self._run, target.source, target.prefix, done.objects, done.bytes)

    def next_best(self) -> list[Next]:
        """What a larger budget would read next."""
        return self._plan.next_best() if self._plan is not None else []

    def _new(self, batch: Sequence[ObjectRef]) -> Iterator[ObjectRef]:
        known = self._known(batch)
        self.unchanged += len(known)
        return (ref for index, ref in enumerate(batch) if index not in known)

    def _left(self, ref: ObjectRef) -> None:
        self._tally.selected -= 1
        self._tally.left_out += 1
        self._tally.bytes -= ref.size

    def _known(self, refs: Sequence[ObjectRef]) -> set[int]:
        if self._con is None or self._full:
            return set()
        return kept.unchanged(self._con, refs, self._catalogue, self._run)

    def _past(self, target: Target) -> list[Any]:
        return [] if self._con is None else kept.past(self._con, target.source, _base(target), self._run)


def _base(target: Target) -> str:
    return target.prefix.rpartition("/")[0]
