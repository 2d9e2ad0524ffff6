"""Objects of a bucket with one content: the first is read, the others get its findings.

An ETag that is the MD5 of what was read is the MD5 of any object that has it, so no more than ETag, size and the kind
of name are compared once one of them was read so (`objects.verified`). ETags that are no MD5 (several parts, KMS)
vouch for nothing, and an allow list may know objects by name; such objects are read one by one.

Source: Amazon S3 User Guide, "Checking object integrity": the ETag is the MD5 of an object that was put in one part, in
clear or under SSE-S3.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from piiscan.model import ObjectRef
from piiscan.spool import finding_id, object_id
from piiscan.store.copied import Copy, Origin, copy_rows, origins, rules_found
from piiscan.store.ingest import DuckStore

SMALLEST = 1 << 10
"""Bytes below which reading a copy is no more work than finding out that it is one."""
REMEMBERED = 500_000
"""Contents of a run that are remembered, a hundred bytes each; copies of later ones are read."""
HELD = 100_000
"""Copies that wait for their origin; more are read."""
_MD5 = re.compile(r"[0-9a-f]{32}")

Content = tuple[str, int, str]
"""ETag, size, and what of the name decides how it is read."""


@dataclass(slots=True)
class Copies:
    """The copies of one run."""

    store: DuckStore
    run: int
    catalogue: str
    count: int = 0
    """Copies that were not read."""
    bytes: int = 0
    _first: dict[int, int] = field(default_factory=dict)
    _held: list[tuple[ObjectRef, int]] = field(default_factory=list)

    def originals(self, refs: Iterable[ObjectRef]) -> Iterator[ObjectRef]:
        """The objects less those that wait for one with their content."""
        for ref in refs:
            if not may_have_copies(ref) or len(self._held) >= HELD:
                yield ref
                continue
            content, oid = hash(content_of(ref)), object_id(ref.source, ref.key)
            origin = self._first.get(content)
            if origin is not None:
                self._held.append((ref, origin))
                continue
            if len(self._first) < REMEMBERED:
                self._first[content] = oid
            yield ref

    def spread(self) -> Iterator[ObjectRef]:
        """Give the copies what was found in their origins; those whose origin vouches for nothing are to be read."""
        held, self._held = self._held, []
        known = origins(self.store, {origin for _, origin in held}, self.catalogue)
        copies = []
        for ref, oid in held:
            origin = known.get(oid)
            if origin is None or not alike(origin, ref):
                yield ref
            else:
                copies.append(Copy(ref, object_id(ref.source, ref.key), oid))
        named = rules_found(self.store, {copy.origin for copy in copies})
        ids = [
            (copy.oid, rule, finding_id(copy.ref.source, copy.ref.key, rule))
            for copy in copies
            for rule in named.get(copy.origin, ())
        ]
        copy_rows(self.store, self.run, copies, ids)
        self.count += len(copies)
        self.bytes += sum(copy.ref.size for copy in copies)


def may_have_copies(ref: ObjectRef) -> bool:
    """Whether an object's ETag can vouch for its content."""
    return (
        ref.source.startswith("s3://")
        and not ref.denied
        and ref.size >= SMALLEST
        and _MD5.fullmatch(ref.etag) is not None
    )


def content_of(ref: ObjectRef) -> Content:
    """What objects that are read alike have in common: of a name all of its endings, or its last part without one."""
    last = base(ref)
    return ref.etag, ref.size, last.partition(".")[2] or last


def alike(origin: Origin, ref: ObjectRef) -> bool:
    """Whether an object is read as the one that seems to have its content; a compressed stream names what is in it."""
    from piiscan.extract.archive import STREAMS
    from piiscan.extract.libreader import SUFFIXES

    named = origin.media_type in STREAMS or origin.media_type in SUFFIXES
    return content_of(origin.ref) == content_of(ref) and (not named or base(origin.ref) == base(ref))


def base(ref: ObjectRef) -> str:
    """The last part of an object's name, in lower case."""
    return ref.name.rpartition("/")[2].lower()
