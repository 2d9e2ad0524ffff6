"""The conductor of a run: crawl, select, leave out what is known, cut shards, run an engine, take its files in.

Everything that may die is outside the database: workers write shard files, this process loads them. The same command
after a kill finds its broken run, takes in what lies in the spool, and goes on.
"""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from piiscan.allow import AllowLists, load_allow
from piiscan.catalogue import digest
from piiscan.choice import Choice
from piiscan.classify.build import rules_of
from piiscan.config import AwsConfig, Config
from piiscan.copies import Copies
from piiscan.crawl import ACCOUNT, STDIN, Target, open_source, parse_target
from piiscan.crawl.accounts import Spread, entered, several, spread
from piiscan.crawl.buckets import meant
from piiscan.engine.examination import beside, examination
from piiscan.engine.local import LocalEngine
from piiscan.errors import PiiscanError, SourceError
from piiscan.model import ObjectRef, RuleId
from piiscan.parts import Parts
from piiscan.ports import Engine, Event, Shard, ShardFile, Source, Task
from piiscan.rulesets import take_over
from piiscan.sampling.plan import Next
from piiscan.spans import note, span, spanned
from piiscan.spool import object_id
from piiscan.store.ingest import DuckStore
from piiscan.store.snapshot import Publisher, publish
from piiscan.triage import put_into_force
from piiscan.walk import Walk, Walked

if TYPE_CHECKING:
    from piiscan.live.gather import Gathered

log = logging.getLogger(__name__)

SHARD_OBJECTS = 256
SHARD_BYTES = 256 << 20
SHARD_SECONDS = 10.0
GROUP_FILES = 16
"""Shard files taken in by one transaction."""
GROUP_SECONDS = 3.0


@dataclass(slots=True)
class Progress(Walked):
    """What a run has done so far; the command line draws it."""

    carried: int = 0
    """Objects of the database that other rules examined, in which these would find the same: they are not read."""
    done: int = 0
    bytes: int = 0
    findings: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    crawled: bool = False
    started: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class RunResult:
    """How a run ended."""

    run: int
    resumed: bool
    status: str
    progress: Progress
    source_errors: tuple[str, ...]
    gone: int
    targets: tuple[Target, ...]
    allow: AllowLists = field(default_factory=AllowLists)
    next_best: tuple[Next, ...] = ()
    """Of a run with a budget: what it did not reach, the best first."""
    copies: tuple[int, int] = (0, 0)
    """Objects that were not read since their content was read in another one, and their bytes."""
    live: tuple[int, int] | None = None
    """Live secrets that were looked for, and those that were not; None: none were to be."""


def identity(targets: Sequence[Target], config: Config, full: bool) -> str:
    """A digest of what was asked for: the same command, interrupted, goes on."""
    wanted = {
        "targets": [(t.source, t.prefix, t.single) for t in targets],
        "select": [config.include, config.exclude, config.sample, config.max_objects, config.max_bytes],
        "budget": config.budget,
        "from": [config.aws.inventory, config.aws.versions],
        "more": [config.max_object_bytes, config.threshold, config.ner, config.ner_max_bytes, full],
    }
    return hashlib.blake2b(json.dumps(wanted).encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def covers(one: Target, other: Target) -> bool:
    """Whether all that a target means is meant by another one, too: nothing is read twice in a run."""
    return one != other and one.source == other.source and not one.single and other.prefix.startswith(one.prefix)


def spool_dir(database: Path) -> Path:
    """The folder of shard files that belongs to a database."""
    return database.with_name(database.name + ".spool")


class Run:
    """One run over its targets."""

    def __init__(
        self,
        targets: Sequence[str],
        config: Config,
        store: DuckStore,
        *,
        full: bool = False,
        stdin_copy: str = "",
        engine: Engine | None = None,
        sources: Sequence[Source] = (),
        watch: Callable[[Progress], None] = lambda progress: None,
    ) -> None:
        self._texts = tuple(targets)
        self._config = config
        self._store = store
        self._full = full
        self._stdin_copy = stdin_copy
        self._given = {Target(source.name, single=True): source for source in sources}
        self._engine = engine if engine is not None else LocalEngine(config.workers)
        self._watch = watch
        self.progress = Progress()
        self._errors: list[str] = []
        self._gone = 0

    @spanned("run")
    def execute(self) -> RunResult:
        """Do the run. Raises: ConfigError, CatalogueError, StoreError; KeyboardInterrupt after closing the run."""
        accounts = self._accounts()
        gathered = self._gathered(accounts)
        live = gathered.live if gathered is not None else None
        chosen, others = rules_of(self._config, live)
        rules = chosen + others
        allow = load_allow(self._config.allow)
        version = examination(rules, self._config)
        targets = self._targets(accounts)
        spool = spool_dir(self._store.path)
        state = self._store.begin(
            [t.source + ("/" + t.prefix if t.prefix else "") for t in targets],
            identity(targets, self._config, self._full),
            _public(self._config),
            version,
        )
        run = state.run
        note(run=run, resumed=state.resumed, targets=len(targets))
        log.info("event=run_begins run=%d resumed=%s targets=%d", run, state.resumed, len(targets))
        spool.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left in spool.glob("scratch-*"):  # we hold the database, so whoever made it is dead
            shutil.rmtree(left, ignore_errors=True)
        scratch = tempfile.mkdtemp(prefix="scratch-", dir=spool)
        self._store.remember_rules(rules)
        self._keep_entries(gathered)
        self._keep_accounts(run, accounts, targets)
        status = "failed"
        try:
            self._take_in(run, self._store.pending(spool, run))
            if not self._full:
                settings = (*beside(self._config), digest(others))
                threshold = self._config.threshold
                self.progress.carried = take_over(self._store, version, settings, chosen, others, threshold)
            shipped = live.to_json() if live is not None else None
            owners = {target.source: target.role for target in targets if target.role}
            task = Task(self._config.to_json(), self._store.key, str(spool), scratch, version, shipped, owners)
            full = self._full
            choice = Choice(self._config, self.progress.tally, self._store.connection, run, version, full=full)
            walk = Walk(self._config, self._store, choice, self._source, self.progress, run, version, full=full)
            copies = Copies(self._store, run, version)
            refs = walk.refs(targets)
            refs = refs if self._config.allow else copies.originals(refs)
            named = {RuleId(rule.id): rule for rule in rules}
            parts = Parts(spool, run, version, named, self._config.part_bytes, self._config.max_values)
            publisher = Publisher(self._store)
            for wanted in (parts.split(refs), copies.spread(), parts.whole()):
                files = parts.gathered(self._engine.run(self._shards(wanted, run), task, self._tell))
                self._ingest(run, files, publisher)
            self._gone = walk.close()
            self._errors += walk.errors
            choice.keep()
            next_best = tuple(choice.next_best())
            self._end(run, "done")
            status = "done"
        except KeyboardInterrupt:
            status = "cancelled"
            raise
        finally:
            if status != "done":
                with suppress(PiiscanError):
                    if status == "cancelled":
                        self._take_in(run, self._store.pending(spool, run))
                    self._end(run, status)
            shutil.rmtree(scratch, ignore_errors=True)
            if status == "done":
                for (number,) in self._store.query("SELECT run FROM runs WHERE status = 'done'"):
                    shutil.rmtree(spool / f"{number:08d}", ignore_errors=True)
                with suppress(OSError):
                    spool.rmdir()
        return RunResult(
            run, state.resumed, status, self.progress, tuple(self._errors), self._gone, tuple(targets), allow,
            next_best, (copies.count, copies.bytes), gathered.counts if gathered is not None else None,
        )  # fmt: skip

    def _end(self, run: int, status: str) -> None:
        self._store.end(run, status, self.progress.tally.listed, self.progress.unchanged)
        if self._store.query("SELECT 1 FROM suppressions LIMIT 1"):
            put_into_force(self._store)
        publish(self._store)
        progress = self.progress
        note(status=status, objects=progress.done, bytes=progress.bytes, matches=progress.findings)
        log.info("event=run_ended run=%d status=%s objects=%d bytes=%d", run, status, progress.done, progress.bytes)

    def _vaults(self, accounts: Spread | None) -> list[AwsConfig]:
        """The settings with which each account's secrets are asked for."""
        if accounts is None:
            return [self._config.aws]
        return [entered(self._config.aws, account) for account in accounts.accounts if not account.refused]

    def _gathered(self, accounts: Spread | None) -> Gathered | None:
        """The live secrets to look for, where that is wanted. Raises: ConfigError, SourceError."""
        if not self._config.match_live:
            return None
        from piiscan.live.gather import remembered

        found = remembered(self._vaults(accounts), decrypt=self._config.decrypt)
        self._errors += found.errors
        if found.refused:
            self._errors.append(f"{found.refused} live secrets could not be asked for (see v_secrets.why_not)")
        return found

    def _keep_entries(self, gathered: Gathered | None) -> None:
        """What vaults tell of the secrets that are looked for: never a value, and no hash."""
        if gathered is None:
            return
        from piiscan.store.vaults import close, keep

        entries = gathered.entries
        told = {(one.kept.source, one.kept.name): (one.rule, one.why_not) for one in entries}
        keep(self._store, [one.kept for one in entries], told)
        for source in {one.kept.source for one in entries if one.kept.kind == "Secret"}:
            close(self._store, source, "", [one.kept.name for one in entries if one.kept.source == source])

    def _accounts(self) -> Spread | None:
        """What the targets mean in all accounts, where there are several. Raises: ConfigError, SourceError."""
        if not several(self._config.aws):
            return None
        found = spread(list(self._parsed()), self._config)
        self._errors += found.errors
        return found

    def _keep_accounts(self, run: int, accounts: Spread | None, targets: Sequence[Target]) -> None:
        """Which accounts the run goes over, and whose each source is."""
        if accounts is None:
            return
        from piiscan.store.accounts import keep

        roles = {target.source: target.role for target in targets}
        owners = {s: (number, roles[s]) for s, number in accounts.owners.items() if s in roles}
        keep(self._store, run, [(a.number, a.name, a.role, a.refused) for a in accounts.accounts], owners)
        reached = [object_id(ACCOUNT + a.number, ".") for a in accounts.accounts if not a.refused]
        self._store.close_objects(run, reached)

    def _parsed(self) -> Iterator[Target]:
        """The targets as they were given; those that do not exist are told of at the end."""
        for text in self._texts:
            try:
                yield parse_target(text)
            except SourceError as err:
                self._errors.append(str(err))

    def _targets(self, accounts: Spread | None) -> list[Target]:
        """The targets that exist; the others are told of at the end (exit code 3)."""
        found: list[Target] = list(self._given)
        if accounts is not None:
            found += accounts.targets
        for target in self._parsed() if accounts is None else ():
            try:
                found += meant(target, self._config)
            except SourceError as err:
                self._errors.append(str(err))
        if not found:
            raise SourceError("; ".join(self._errors))
        found = list(dict.fromkeys(found))
        return [t for t in found if not any(covers(other, t) for other in found)]

    def _tell(self, event: Event) -> None:
        progress = self.progress
        progress.done += bool(event.outcome)
        progress.bytes += event.bytes
        progress.findings += event.findings
        if event.outcome:
            progress.outcomes[event.outcome] += 1
        self._watch(progress)

    def _source(self, target: Target) -> Source:
        if target in self._given:
            return self._given[target]
        if target.source == STDIN:
            from piiscan.crawl.local import LocalSource

            return LocalSource(STDIN, only="-", stdin_copy=self._stdin_copy)
        return open_source(target, self._config)

    def _shards(self, wanted: Iterable[ObjectRef], run: int) -> Iterator[Shard]:
        """Shards of up to 256 objects, 256 MB or 10 s; small at first, so that small trees use all workers."""
        number = self._store.next_shard(run)
        refs: list[ObjectRef] = []
        size, most, since, made = 0, 8, time.monotonic(), 0
        for ref in wanted:
            if refs and (
                ref.part is not None
                or refs[-1].part is not None
                or len(refs) >= most
                or size + ref.size > SHARD_BYTES
                or time.monotonic() - since > SHARD_SECONDS
            ):
                yield Shard(run, number, tuple(refs))
                number, made = number + 1, made + 1
                if made % 4 == 0:
                    most = min(most * 2, SHARD_OBJECTS)
                refs, size, since = [], 0, time.monotonic()
            refs.append(ref)
            size += ref.size
        self.progress.crawled = True
        if refs:
            yield Shard(run, number, tuple(refs))

    def _ingest(self, run: int, files: Iterator[ShardFile], publisher: Publisher) -> None:
        group: list[ShardFile] = []
        publisher.maybe()
        last = time.monotonic()
        for file in files:
            group.append(file)
            if len(group) >= GROUP_FILES or time.monotonic() - last > GROUP_SECONDS:
                self._take_in(run, group)
                publisher.maybe()
                self._watch(self.progress)
                group, last = [], time.monotonic()
        self._take_in(run, group)

    def _take_in(self, run: int, files: Sequence[ShardFile]) -> None:
        with span("ingest", files=len(files)):
            self._store.load(run, files)
        for file in files:
            Path(file.path).unlink(missing_ok=True)


def _public(config: Config) -> dict[str, Any]:
    """The settings that a run keeps; sinks and alerts stay out, since their addresses may be secret."""
    data = replace(config, alerts=(), sinks=()).to_json()
    return {k: v for k, v in data.items() if k not in ("alerts", "sinks")}
