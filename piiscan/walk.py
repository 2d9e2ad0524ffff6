"""The walk over all targets of a run: what is listed, chosen and not known is to be read; what is not there is gone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from piiscan.choice import Choice
from piiscan.config import Config
from piiscan.crawl import Target
from piiscan.crawl.pages import Listed
from piiscan.crawl.select import Tally, own_denied, passing
from piiscan.errors import SourceError
from piiscan.model import ObjectRef
from piiscan.ports import Source
from piiscan.spans import listed
from piiscan.spool import object_id
from piiscan.store import vaults
from piiscan.store.ingest import DuckStore
from piiscan.store.known import Known
from piiscan.vaults import SERVICES

log = logging.getLogger(__name__)

LOOKUP, FIRST_LOOKUPS = 4_096, 512
"""Listed objects looked up in the store at a time; the second at the beginning, so that workers need not wait."""
KINDS = ("s3", *SERVICES)
"""Kinds of sources that are no directories, as the database calls them."""
UNLISTED = ("PERMISSION_DENIED", "READ_FAILED", "PATH_TOO_LONG")
"""Why a folder shows as one entry: what is below it was not listed, and may well be there."""


@dataclass(slots=True)
class Walked:
    """What a walk has done so far."""

    tally: Tally = field(default_factory=Tally)
    unchanged: int = 0
    earlier: int = 0
    """Objects that this run had done before it was broken off."""
    planned: int = 0
    planned_bytes: int = 0


@dataclass(slots=True)
class _Listing:
    """A target that was listed to its end."""

    target: Target
    source: Source
    known: Known
    hidden: list[str]
    whole: bool
    """What it did not have is not there."""


class Walk:
    """One walk. Its errors are those of sources that could not be listed; the others are walked all the same."""

    def __init__(
        self,
        config: Config,
        store: DuckStore,
        choice: Choice,
        source_of: Callable[[Target], Source],
        walked: Walked,
        run: int,
        version: str,
        *,
        full: bool,
    ) -> None:
        """`version` is the digest of what examines objects in this run; `full`: what others read does not count."""
        self._config, self._store, self._choice = config, store, choice
        self._source_of, self._walked = source_of, walked
        self._run, self._version, self._full = run, version, full
        self._sources: dict[Target, Source] = {}
        self._listings: list[_Listing] = []
        self.errors: list[str] = []

    def refs(self, targets: Sequence[Target]) -> Iterator[ObjectRef]:
        """The objects to read, in listing order."""
        self._choice.look(targets, self._crawl)
        for target in targets:
            known = self._store.known(
                target.source, target.prefix, self._version, self._run, full=self._full, few=target.single
            )
            hidden: list[str] = []
            try:
                yield from self._one(target, known, hidden)
            except SourceError as err:
                if target.by_pattern:  # nobody named it, so the coverage does
                    self._walked.tally.listed += 1
                    told = ObjectRef(target.source, ".", 0, denied=f"SOURCE_NOT_LISTED: {err}")
                    yield from self._unknown(known, [object_id(target.source, ".")], [told], [0])
                self.errors.append(str(err))
                log.warning("event=source_failed source=%s", target.source)
                continue
            whole = not target.single and not self._walked.tally.capped
            self._listings.append(_Listing(target, self._sources[target], known, hidden, whole))

    def close(self) -> int:
        """Record the listings; objects that are not there any more are closed. How many."""
        gone = 0
        vanished: list[int] = []
        for one in self._listings:
            target, aws = one.target, self._config.aws
            bucket = target.source.startswith("s3://")
            self._keep_entries(one)
            gone += self._store.listed(
                self._run,
                target.source,
                next((kind for kind in KINDS if target.source.startswith(f"{kind}://")), "file"),
                one.known.gone() if one.whole else None,
                prefix=target.prefix if not target.single else "",
                endpoint=aws.endpoint_url if bucket else "",
                region=aws.region if bucket else "",
                hidden=one.hidden,
                as_of=getattr(one.source, "as_of", None),
                versions=aws.versions,
            )
            vanished += [object_id(target.source, key) for key in getattr(one.source, "gone", ())]
        return gone + self._store.close_objects(self._run, vanished)

    def _keep_entries(self, one: _Listing) -> None:
        """Keep what a vault tells of its entries."""
        kept = getattr(one.source, "kept", None)
        if kept is not None and one.whole:
            vaults.keep(self._store, kept, {})
            vaults.close(self._store, one.target.source, one.target.prefix, [entry.name for entry in kept])

    def _crawl(self, target: Target) -> Iterator[ObjectRef]:
        source = self._sources[target] = self._source_of(target)
        return iter(listed("list", own_denied(source.crawl(), self._store.path), source=source.name))

    def _one(self, target: Target, known: Known, hidden: list[str]) -> Iterator[ObjectRef]:
        """The objects of one target that are to be read. Raises: SourceError, after what was listed until then."""
        pages = self._pages(target)
        if pages is not None:
            yield from self._paged(target, known, pages)
            return
        marks: list[int] = []
        batch: list[ObjectRef] = []
        places: list[int] = []
        most = FIRST_LOOKUPS
        try:
            for ref, chosen in self._choice.refs(target, self._crawl):
                if chosen:
                    batch.append(ref)
                    places.append(len(marks))
                marks.append(object_id(ref.source, ref.key))
                if ref.denied.startswith(UNLISTED):
                    hidden.append(ref.key + "/")
                if len(marks) >= most:
                    yield from self._unknown(known, marks, batch, places)
                    marks, batch, places = [], [], []
                    most = LOOKUP if self._walked.tally.listed > LOOKUP else FIRST_LOOKUPS
        except SourceError:
            yield from self._unknown(known, marks, batch, places)
            raise
        yield from self._unknown(known, marks, batch, places)

    def _pages(self, target: Target) -> Iterator[Listed] | None:
        """The listing of a target by column, where it comes so and none of its objects is looked at alone."""
        if not self._choice.takes_all(target):
            return None
        source = self._sources[target] = self._source_of(target)
        pages: Iterator[Listed] | None = getattr(source, "pages", lambda: None)()
        return pages

    def _paged(self, target: Target, known: Known, pages: Iterator[Listed]) -> Iterator[ObjectRef]:
        """The objects of a target that are to be read, listed by column: only of these is a ref made."""
        config, walked = self._config, self._walked
        objects = size = 0
        for listed_ in listed("list", pages, source=target.source):
            page = listed_.page
            wanted = np.ones(len(page), np.bool_)
            if config.include or config.exclude:
                wanted &= np.array(passing(page.keys.to_pylist(), config), np.bool_)
            if config.max_object_bytes:
                wanted &= page.sizes <= config.max_object_bytes
            at = known.find(listed_.oids())
            same, here = known.same(at, {"size": page.sizes, "etag": page.etags}, listed_.denied)
            open_ = ~listed_.denied
            objects, size = objects + int(open_.sum()), size + int(page.sizes[open_].sum())
            tally, chosen = walked.tally, int(wanted.sum())
            tally.listed += len(page)
            tally.selected += chosen
            tally.left_out += len(page) - chosen
            tally.bytes += int(page.sizes[wanted].sum())
            walked.unchanged += int((same & wanted).sum()) - here
            walked.earlier += here
            for row in np.flatnonzero(wanted & ~same).tolist():
                walked.planned += 1
                walked.planned_bytes += int(page.sizes[row])
                yield listed_.ref(row)
        self._choice.took(target, objects, size)

    def _unknown(
        self, known: Known, marks: Sequence[int], batch: Sequence[ObjectRef], places: Sequence[int]
    ) -> Iterator[ObjectRef]:
        """Those objects of a batch that must be read; `marks` are the ids of all that was listed, `places` where among
        them the batch's are."""
        at = known.find(np.array(marks, np.int64))[np.array(places, np.int64)]
        same, here = known.unchanged(at, batch)
        walked = self._walked
        walked.unchanged += int(same.sum()) - here
        walked.earlier += here
        for index in np.flatnonzero(~same).tolist():
            walked.planned += 1
            walked.planned_bytes += batch[index].size
            yield batch[index]
