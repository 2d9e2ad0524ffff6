"""The narrow Protocols between rooms; each has one contract suite in tests/contracts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

from piiscan.model import MatchBatch, ObjectRef, Segment, TextSegment

if TYPE_CHECKING:
    from piiscan.extract import Job


class Source(Protocol):
    """A place that holds objects: a directory tree, a bucket."""

    name: str
    """`file:///absolute/dir` or `s3://bucket`: `ObjectRef.source` of all its objects."""

    def crawl(self) -> Iterator[ObjectRef]:
        """All objects below the target, in a fixed order; entries that must not be opened carry `denied`.

        Raises: SourceError when the source itself cannot be listed. A source whose listing is of an earlier time says
        that in an attribute `as_of`: what was changed after that may be missing from it and still be there.
        """
        ...

    def open(self, ref: ObjectRef) -> BinaryIO:
        """A readable stream over the object as it was listed. Raises: ObjectError.

        A source that can fetch parts of objects has a method `ranged`, too: see `crawl.s3.S3Source`.
        """
        ...

    def refresh(self, ref: ObjectRef) -> ObjectRef:
        """The object as it is now, after `open` or a read said that it changed. Raises: ObjectError."""
        ...


class Extractor(Protocol):
    """One format family: bytes in, segments out."""

    media_types: frozenset[str]

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """The text of `stream`, as it comes. Raises: ObjectError and nothing else."""
        ...


class Session(Protocol):
    """The classification of one object: column statistics and overlaps have a home here."""

    def feed(self, segment: Segment) -> MatchBatch:
        """The matches of one segment."""
        ...

    def feed_all(self, segments: Sequence[TextSegment]) -> Sequence[MatchBatch]:
        """The matches of each of some short texts that have nothing to do with each other."""
        ...

    def hidden(self) -> Sequence[TextSegment]:
        """What the segments that were fed last hold in encoded form, decoded."""
        ...

    def finish(self) -> None:
        """Called once after the last segment."""
        ...


class Classifier(Protocol):
    """Opens a session per object."""

    def open(self, ref: ObjectRef, media_type: str) -> Session:
        """A fresh session for one object."""
        ...


@dataclass(frozen=True, slots=True)
class Shard:
    """A piece of a run: up to 256 objects or 256 MB that one worker scans in one go."""

    run: int
    number: int
    refs: tuple[ObjectRef, ...]


@dataclass(frozen=True, slots=True)
class ShardFile:
    """A finished shard's results, one Parquet file whose name follows from run and shard alone."""

    run: int
    number: int
    path: str


@dataclass(frozen=True, slots=True)
class Task:
    """What every worker of a run needs besides its shards; plain data, so that any engine can ship it."""

    config: Mapping[str, Any]
    """`Config.to_json()`."""
    key: bytes
    """The store's fingerprint key."""
    spool: str
    """Folder that shard files go to."""
    scratch: str
    """Folder for temporary files; emptied at the end of the run."""
    catalogue: str
    """Digest of the rules, so that a worker with other rules is noticed."""
    live: Mapping[str, Any] | None = field(default=None, repr=False)
    """`Live.to_json()` of the live secrets that are looked for; None: none are."""
    owners: Mapping[str, str] = field(default_factory=dict)
    """The role, by ARN, that a source is read in, where it is of another account."""


@dataclass(frozen=True, slots=True)
class Event:
    """What a worker tells while it scans: one object is done."""

    outcome: str
    """Empty for a further part of an object."""
    bytes: int
    findings: int


class Engine(Protocol):
    """How shards run (`piiscan.engine.worker.scan_shard` on each): local processes now, a cluster later."""

    def run(self, shards: Iterable[Shard], task: Task, told: Callable[[Event], None]) -> Iterator[ShardFile]:
        """The finished shard files, in any order; every shard yields exactly one."""
        ...


class Sink(Protocol):
    """Where an alert goes."""

    def send(self, alert: dict[str, Any]) -> None:
        """Deliver one alert. Raises: ConfigError or OSError when it did not arrive."""
        ...


class Store(Protocol):
    """The findings store, seen from the conductor."""

    def load(self, run: int, files: Sequence[ShardFile]) -> None:
        """Take the files in, in one transaction, each name once."""
        ...
