"""One worker: shards in, shard files out. Any engine runs `scan_shard`; the local one runs this module as a process.

As a process it speaks JSON lines: requests on standard input, events and results on standard output. It never opens the
database, and logs nothing but names and codes.
"""

from __future__ import annotations

import binascii
import json
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

from piiscan import stages
from piiscan.allow import load_allow
from piiscan.allow.inline import Inline
from piiscan.cells import shared
from piiscan.classify.build import build_stack
from piiscan.classify.encoded import gathered
from piiscan.classify.stack import Stack
from piiscan.config import Config
from piiscan.crawl import Target, open_source
from piiscan.crawl.ranged import RangedObject
from piiscan.engine.examination import examination
from piiscan.engine.messages import ref_from_json
from piiscan.engine.opening import for_child, opened, ranged, verified
from piiscan.engine.part import part_of, segments_of
from piiscan.engine.process import die_with, keep_memory
from piiscan.engine.sandbox import ParserChild
from piiscan.errors import (
    CatalogueError,
    ObjectChanged,
    ObjectError,
    ParserDied,
    PiiscanError,
    ReadFailed,
    StoreError,
    TimedOut,
    UnsupportedFormat,
)
from piiscan.extract import IN_PROCESS, Budget, Job, segments
from piiscan.extract.utf8 import Stretch
from piiscan.fetch import CHECKSUM_MISMATCH, content_md5
from piiscan.identify import Identified, identify
from piiscan.live.needles import Live
from piiscan.logs import set_up_as_told
from piiscan.model import UNREAD, Evidence, ObjectRef, ObjectReport, Outcome, RuleId, Segment, Sketch, TextSegment
from piiscan.people import combinations, estimate
from piiscan.ports import Shard, ShardFile, Source, Task
from piiscan.redact import Redactor, fingerprinter
from piiscan.references import passwords
from piiscan.score import score
from piiscan.sparse import Fill
from piiscan.spool import write_shard
from piiscan.trace import origin, report

log = logging.getLogger(__name__)

Told = Callable[[dict[str, Any]], None]


class Worker:
    """What one process keeps between shards: the stack, its parser child, its sources."""

    def __init__(self, task: Task, stack: Stack | None = None) -> None:
        self.config = Config.from_json(task.config)
        self.task = task
        live = Live.from_json(task.live) if task.live is not None else None
        self._own = {(one.source, one.title): one.rule for one in live.secrets} if live is not None else {}
        self.stack = stack if stack is not None else build_stack(self.config, live)
        self.allow = load_allow(self.config.allow)
        self._passwords = passwords(self.config.passwords, self.config.aws)
        self._names = {RuleId(r.id): r for r in self.stack.rules}
        if examination(self.stack.rules, self.config) != task.catalogue:
            raise CatalogueError("the rules changed while the run was going on; start it again")
        self._fingerprint = fingerprinter(task.key)
        self._sources: dict[str, Source] = {}
        self._child: ParserChild | None = None

    def takes_up(self, task: Task) -> bool:
        """Go on with a task that differs in its folders alone; False: it takes another worker."""
        if replace(task, spool="", scratch="") != replace(self.task, spool="", scratch=""):
            return False
        if task != self.task:
            self.close()  # its child writes to the old folder
            self.task = task
        return True

    def close(self) -> None:
        """End the parser child."""
        if self._child is not None:
            self._child.close()
            self._child = None

    def expect(self, refs: Sequence[ObjectRef]) -> None:
        """Tell sources that can fetch ahead what will be read."""
        for name in dict.fromkeys(ref.source for ref in refs):
            expect = getattr(self._source(name), "expect", None)
            if expect is not None:
                expect([ref for ref in refs if ref.source == name])

    def report(self, ref: ObjectRef, poisoned: str = "") -> ObjectReport:
        """Scan one object; every object ends in exactly one outcome with a reason."""
        if ref.denied:
            return ObjectReport(ref, "", Outcome.SKIPPED, ref.denied)
        if poisoned:
            return ObjectReport(ref, "", Outcome.FAILED, poisoned)
        try:
            return self._attempt(ref)
        except ObjectChanged as err:
            if ref.part is not None:  # the other parts are of another object now
                return ObjectReport(ref, "", Outcome(err.outcome), f"{err.reason}: {err}")
            # Overwritten between listing and reading: once more, as it is now.
            try:
                ref = self._source(ref.source).refresh(ref)
            except ObjectError as err:
                return ObjectReport(ref, "", Outcome(err.outcome), f"{err.reason}: {err}")
        except ReadFailed:
            pass  # damaged on its way: the store's own copy may well be whole
        return self._attempt(ref, last=True)

    def _attempt(self, ref: ObjectRef, *, last: bool = False) -> ObjectReport:
        """One reading of an object. Raises: ObjectChanged or ReadFailed for one more, unless it is the last attempt."""
        redactor = Redactor(self.stack.rules, self._fingerprint, max_values=self.config.max_values)
        sieve = self.allow.open(ref, self.stack.rules)
        inline = Inline(self.stack.rules) if self.config.inline_ignore and ref.source.startswith("file://") else None
        budget = Budget(self.config.limits, bytes_in=ref.size)
        media_type, examined, names, seen = "", 0, 0, 0
        said: Sequence[Evidence] = ()
        sketch: Sketch | None = None
        verified, extent = False, (0, 0, 0)
        failure: ObjectError | None = None
        raw: RangedObject | None = None
        try:
            stages.reached("fetch")
            with self._opened(ref) as (stream, found, stretch):
                raw = ranged(stream)
                media_type = found.media_type
                session = self.stack.open(ref, media_type)
                job = Job(ref.name, media_type, ref.size, budget, charset=found.charset, passwords=self._passwords)
                for segment, batch in gathered(session, self._segments(stream, job, ref, stretch)):
                    seen += 1
                    batch = inline(segment, batch) if inline is not None else batch
                    redactor.add(segment, sieve(segment, batch))
                    if stretch is None and media_type in IN_PROCESS:
                        examined = min(stream.tell(), ref.size)
                    names, said = session.names_examined, session.evidence
                session.finish()
                sketch = session.sketch
                verified = ref.source.startswith("s3://") and content_md5(stream) == ref.etag
                if stretch is not None:
                    examined, extent = stretch.size, (stretch.characters, stretch.lines, stretch.records)
                elif not budget.notes:
                    examined = ref.size
                elif media_type not in IN_PROCESS:
                    # Of a format without a reader only the beginning is searched for printable text.
                    unread = budget.notes[0].startswith(UnsupportedFormat.reason)
                    most = min(ref.size, budget.limits.strings_bytes) if unread else ref.size
                    examined = min(most, raw.held) if raw is not None else most
        except ObjectError as err:
            if not last and (isinstance(err, ObjectChanged) or err.reason == CHECKSUM_MISMATCH):
                raise
            failure = err
            examined = raw.held if raw is not None and seen else examined
        except PiiscanError:
            raise
        except OSError as err:
            failure = ReadFailed(f"reading broke off ({err.strerror or type(err).__name__})")
        except Exception as err:
            # A fault of ours costs this object and no other; what its message quotes may be content.
            log.error("event=object_failed error=%s", origin(err))
            failure = ObjectError(f"an unexpected error ({origin(err)}); please report it", reason="INTERNAL_ERROR")
        outcome, reason = verdict(failure, budget.notes, seen)
        findings = redactor.findings(part=ref.part is not None)
        if (own := self._own.get((ref.source, ref.key))) is not None:  # a live secret is no find in its own vault
            findings = tuple(finding for finding in findings if finding.rule != own)
        found_by = {finding.rule for finding in findings}
        columns, together = redactor.columns(found_by), combinations(findings)
        risk = score(findings, self._names, together)
        left = tuple(budget.notes[:UNREAD])
        return ObjectReport(
            ref, media_type, outcome, reason, findings, risk, examined, names,
            sieve.counts() + (inline.counts() if inline is not None else ()), left,
            tuple(one for one in said if one.rule in found_by), sketch, verified,
            columns, together, estimate(findings, columns), extent,
        )  # fmt: skip

    def _source(self, name: str) -> Source:
        source = self._sources.get(name)
        if source is None:
            source = self._sources[name] = open_source(Target(name, role=self.task.owners.get(name, "")), self.config)
        return source

    @contextmanager
    def _opened(self, ref: ObjectRef) -> Iterator[tuple[BinaryIO, Identified, Stretch | None]]:
        """An object's stream and what it is; of a part also which stretch of the stream it is. Raises: ObjectError."""
        source = self._source(ref.source)
        if ref.part is not None:
            with part_of(source, ref) as found:
                yield found
            return
        with closing(opened(source, ref, self.task.scratch)) as stream:
            yield stream, identify(stream, ref.name), None

    def _segments(self, stream: BinaryIO, job: Job, ref: ObjectRef, stretch: Stretch | None) -> Iterator[Segment]:
        allowed = self.config.seconds_for(ref.size)
        if job.media_type in IN_PROCESS:
            end = time.monotonic() + allowed
            found = segments(stream, job) if stretch is None else segments_of(stream, job, stretch)
            for segment in found:
                stages.reached("extract")
                yield coded(segment)
                if time.monotonic() > end:
                    raise TimedOut(f"not done after {allowed:.0f} seconds")
            return
        with for_child(stream, self.task.scratch) as (fd, fill):
            for segment in verified(stream, job, self._parsed(fd, job, allowed, fill)):
                stages.reached("extract")
                yield coded(segment)

    def _parsed(self, fd: int, job: Job, allowed: float, fill: Fill | None) -> Iterator[Segment]:
        """Segments from the parser child. Raises: ObjectError; ParserDied only when it died twice, or half-way."""
        if self._child is None:
            self._child = ParserChild(self.task.scratch)
        notes = len(job.budget.notes)
        came = False
        try:
            for segment in self._child.segments(fd, job, allowed, fill):
                came = True
                yield segment
        except ParserDied:
            # Without a segment it may have been killed while it waited, which is not this object's doing.
            if came:
                raise
            del job.budget.notes[notes:]
            os.lseek(fd, 0, os.SEEK_SET)
            yield from self._child.segments(fd, replace(job, again=True), allowed, fill)


def coded(segment: Segment) -> Segment:
    """A column of which many values are alike with each of them once; any other segment as it is."""
    if isinstance(segment, TextSegment):
        return segment
    values = shared(segment.values)
    return segment if values is segment.values else replace(segment, values=values)


def verdict(failure: ObjectError | None, notes: list[str], seen: int) -> tuple[Outcome, str]:
    """Outcome and reason of an object: an error after text came, or a note, makes it partial."""
    if failure is not None:
        reason = f"{failure.reason}: {failure}"
        if seen:
            return Outcome.PARTIAL, reason
        return Outcome(failure.outcome), reason
    if notes:
        more = f" (and {len(notes) - 1} more)" if len(notes) > 1 else ""
        return Outcome.PARTIAL, notes[0] + more
    return Outcome.SCANNED, ""


_worker: Worker | None = None


def scan_shard(
    shard: Shard, task: Task, told: Told | None = None, poisoned: Mapping[int, str] | None = None
) -> ShardFile:
    """Scan all objects of a shard and write its file.

    `told` hears of every object before and after it; `poisoned` gives reasons for objects that must not be tried again.
    Raises: OSError when the file cannot be written.
    """
    global _worker
    if _worker is None or not _worker.takes_up(task):
        if _worker is not None:
            _worker.close()
        _worker = Worker(task)
    reports = _reports(_worker, shard, told, poisoned or {})
    piece = any(ref.part is not None for ref in shard.refs)
    return write_shard(Path(task.spool), shard.run, shard.number, reports, task.catalogue, piece=piece)


def _reports(worker: Worker, shard: Shard, told: Told | None, poisoned: Mapping[int, str]) -> Iterator[ObjectReport]:
    worker.expect(shard.refs)
    for index, ref in enumerate(shard.refs):
        if told is not None and index == 0:
            told({"event": "start"})  # the others begin where the one before them is done
        found = worker.report(ref, poisoned.get(index, ""))
        if told is not None:
            total = sum(f.count for f in found.findings if not f.test_data)
            outcome = found.outcome.value if not ref.part or not ref.part[0] else ""  # an object counts once
            told({"event": "object", "outcome": outcome, "bytes": found.bytes_examined, "findings": total})
        yield found


def main() -> int:
    """Serve requests on standard input until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the conductor's to handle
    sys.excepthook = report
    set_up_as_told()
    die_with(int(sys.argv[1]))
    keep_memory()
    out = os.fdopen(os.dup(1), "w", encoding="ascii", buffering=1)
    os.dup2(2, 1)  # whatever a library prints must not look like an event

    def tell(event: dict[str, Any]) -> None:
        out.write(json.dumps(event) + "\n")

    task: Task | None = None
    try:
        for line in sys.stdin:
            request = json.loads(line)
            if "task" in request:
                task = Task(**{**request["task"], "key": binascii.unhexlify(request["task"]["key"])})
                continue
            assert task is not None
            shard = Shard(request["run"], request["number"], tuple(ref_from_json(r) for r in request["refs"]))
            try:
                file = scan_shard(shard, task, tell, {int(k): v for k, v in request["poisoned"].items()})
            except BrokenPipeError:
                return 1  # the conductor is gone
            except OSError as err:
                message = f"{task.spool}: {err.strerror or type(err).__name__}"
                tell({"event": "error", "kind": StoreError.__name__, "message": message})
                continue
            except PiiscanError as err:
                tell({"event": "error", "kind": type(err).__name__, "message": str(err)})
                continue
            tell({"event": "done", "number": file.number, "path": file.path})
    finally:
        if _worker is not None:
            _worker.close()
    return 0


if __name__ == "__main__":
    # Run under the module's importable name, so that `scan_shard` and its worker exist once.
    from piiscan.engine import worker

    sys.exit(worker.main())
