"""The nouns of piiscan as frozen values; imports nothing of ours.

Offsets are half-open `[start, end)` in characters of the text that they point into; sizes are bytes; times are UTC.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any, NewType

import numpy as np
import numpy.typing as npt

RuleId = NewType("RuleId", str)
Fingerprint = NewType("Fingerprint", bytes)
"""Sixteen bytes: keyed BLAKE2b of the normalised value."""

LINE_BREAK = re.compile(r"\r\n|\n|\r")
"""What ends a physical line: LF, CRLF or a lone CR, and nothing else (`str.splitlines` knows more)."""


class Category(StrEnum):
    """What kind of data a rule finds."""

    CREDENTIALS = "credentials"
    FINANCIAL = "financial"
    PII = "pii"
    PHI = "phi"
    BUSINESS = "business"
    CUSTOM = "custom"


class Severity(IntEnum):
    """How bad a finding is if it is true."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @property
    def label(self) -> str:
        """The lower-case name that reports show."""
        return self.name.lower()


class Outcome(StrEnum):
    """How the reading of one object ended."""

    SCANNED = "scanned"
    PARTIAL = "partial"
    SKIPPED = "skipped"
    FAILED = "failed"


VERSION = "?versionId="
"""Between the key of an object and the version of it that is not the current one."""


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """One object as its source listed it."""

    source: str
    """`file:///absolute/dir` or `s3://bucket`."""
    key: str
    """Relative to the source, `/` between parts, bytes that are not UTF-8 as `\\xNN`."""
    size: int
    etag: str = ""
    modified: datetime | None = None
    version: str = ""
    """Of a version that is not the current one, which its `key` has at the end, too; empty: the current one."""
    denied: str = ""
    """A reason code and a sentence when the source already knows that the object must not be opened."""
    handle: str = ""
    """How the source finds the object again when `key` is an escaped form (a path, with surrogate escapes)."""
    storage: str = ""
    """Storage class, of a listing of S3; workers are not told."""

    part: tuple[int, int] | None = None
    """Bytes `[begin, end)` of it that are read in one go, up to the line ends behind both; None: all of it."""

    @property
    def name(self) -> str:
        """The key without a version in it: what all versions of an object have in common."""
        return self.key.removesuffix(VERSION + self.version) if self.version else self.key


@dataclass(frozen=True, slots=True)
class Place:
    """Where in an object something stands; only what the format knows is set. Counts from 1 but `record` (from 0)."""

    line: int | None = None
    column: int | None = None
    row: int | None = None
    column_name: str | None = None
    record: int | None = None
    path: str | None = None
    page: int | None = None
    sheet: str | None = None
    cell: str | None = None
    slide: int | None = None
    part: str | None = None
    paragraph: int | None = None
    table: str | None = None
    tag: str | None = None
    byte: int | None = None
    member: tuple[str, ...] | None = None
    """Chain of container members, outermost first."""

    def to_json(self) -> dict[str, Any]:
        """The keys that are set, in the order of the fields."""
        out: dict[str, Any] = {}
        for name in _PLACE_FIELDS:
            value = getattr(self, name)
            if value is not None:
                out[name] = list(value) if name == "member" else value
        return out

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Place:
        """The place that `to_json` gave; unknown keys are ignored."""
        known = {k: v for k, v in data.items() if k in _PLACE_FIELDS}
        if known.get("member") is not None:
            known["member"] = tuple(known["member"])
        return cls(**known)


_PLACE_FIELDS = tuple(f.name for f in fields(Place))
NOWHERE = Place()


def line_of(text: str, offset: int) -> tuple[int, int]:
    """Line breaks before a character of a text, and where its line begins; a CR LF is one break, behind the LF.

    >>> line_of("a\\r\\nb\\rc", 5), line_of("a\\r\\nb", 2)
    ((2, 5), (0, 0))
    """
    if text[max(offset - 1, 0) : offset + 1] == "\r\n":
        offset -= 1
    breaks, begin = text.count("\n", 0, offset), text.rfind("\n", 0, offset) + 1
    if text.find("\r", 0, offset) >= 0:
        breaks += text.count("\r", 0, offset) - text.count("\r\n", 0, offset)
        begin = max(begin, text.rfind("\r", begin, offset) + 1)
    return breaks, begin


@dataclass(frozen=True, slots=True)
class TextSegment:
    """A stretch of running text with its way back to the object.

    Long text comes as windows that overlap: a match belongs to the segment whose `core` holds its start, the text
    around the core is there as context only.
    """

    text: str
    offset: int | None = None
    """Characters of the decoded object before `text[0]`; None where the object is not plain text."""
    starts: tuple[int, ...] = ()
    """Ascending offsets in `text` at which `places` begin."""
    places: tuple[Place, ...] = ()
    core: tuple[int, int] | None = None
    """Half-open range of match starts that this segment owns; None: all of it."""
    line: int | None = None
    """Physical line of `text[0]`, when lines are to be counted from the text itself (plain text)."""
    column: int = 1
    """Column of `text[0]` in that line."""
    prose: bool = True
    """False for text that a name recogniser must not read (source code, headers, keys)."""
    utf8: bytes | None = field(default=None, repr=False, compare=False)
    """`text` in UTF-8, where the object holds it so: it need not be encoded again."""
    encoded: tuple[int, int] | None = None
    """Where this text is what another segment holds in encoded form: the half-open range of that segment's text."""

    def place_of(self, offset: int) -> Place:
        """The place of the character at `offset`: the entry that begins at or before it, plus line and column."""
        base = NOWHERE
        if self.starts:
            base = self.places[max(bisect_right(self.starts, offset) - 1, 0)]
        if self.line is None:
            return base
        breaks, begin = line_of(self.text, offset)
        column = offset - begin + (self.column if begin == 0 else 1)
        return replace(base, line=self.line + breaks, column=column)


@dataclass(frozen=True, slots=True)
class ColumnSegment:
    """Part of one column of a table or one path of a stream of records; a table goes by columns."""

    header: str
    """Column name or last path element; a keyword in it speaks for every value."""
    path: str
    """JSON path or nested column path without indexes (`$.user.ids[*]`); empty for flat tables."""
    values: Sequence[str]
    rows: Sequence[int] | npt.NDArray[np.int64]
    """Row (from 1, header not counted) or record (from 0) of each value."""
    base: Place = NOWHERE
    """What all values share: sheet, table, member chain."""
    axis: str = "row"
    """"row" or "record": which key of the place `rows` fills."""
    lines: Sequence[int] | npt.NDArray[np.int64] | None = None
    """Physical line on which each value's row begins, where the format has lines."""
    paths: Sequence[str] | None = None
    """Exact JSON path of each value, where it differs from `path`."""
    cells: Sequence[str] | None = None
    """A1 reference of each value (spreadsheets)."""

    def place_of(self, index: int) -> Place:
        """The place of the value at `index`."""
        number = int(self.rows[index])
        set_: dict[str, Any] = {"record": number} if self.axis == "record" else {"row": number}
        if self.axis == "row" and self.header:
            set_["column_name"] = self.header
        path = self.paths[index] if self.paths is not None else self.path
        if path:
            set_["path"] = path
        if self.lines is not None:
            set_["line"] = int(self.lines[index])
        if self.cells is not None:
            set_["cell"] = self.cells[index]
        return replace(self.base, **set_)


Segment = TextSegment | ColumnSegment


@dataclass(frozen=True, slots=True)
class MatchSpec:
    """The `[match]` table of a rule."""

    pattern: str
    before: str = ""
    """One-character class that must precede the match, or the text begins; empty: anything."""
    after: str = ""
    """One-character class that must follow, or the text ends."""
    anchors: tuple[str, ...] = ()
    """Literals of which one stands at `anchor_at` in every match; the fast stage looks for these."""
    anchor_at: tuple[int, int] = (0, 0)
    """Least and most characters of the match before its anchor."""
    ignore_case: bool = False
    shape: str = ""
    """Dense kernel (see `classify/dense.py`) that finds the candidates in batches; empty: derived from the pattern."""


@dataclass(frozen=True, slots=True)
class ChecksumSpec:
    """The `[checksum]` table: a kind of `classify/checksum.py` and its parameters."""

    kind: str
    params: Mapping[str, Any] = field(default_factory=dict)
    required: bool = True
    """False: a value that fails still counts, with the confidence of `match`."""


@dataclass(frozen=True, slots=True)
class ContextSpec:
    """The `[context]` table: words that speak for or against a match."""

    window: int = 30
    """Characters between keyword and match, inclusive (Macie's 30)."""
    keywords: tuple[str, ...] = ()
    gap: str = ""
    """What must stand between a keyword and the match behind it (`password = "`); empty: anything within the window."""
    required: bool = False
    """True: no keyword, column name or path, no match."""
    columns: tuple[str, ...] = ()
    """Column names, whole, case and separators ignored."""
    negative: tuple[str, ...] = ()
    distance: int = 0
    """Most characters from the end of a keyword to the end of the match behind it, as Macie counts; 0: not asked."""


@dataclass(frozen=True, slots=True)
class ConfidenceSpec:
    """What a match is worth once each stage holds; 0 to 1."""

    match: float = 0.2
    checksum: float = 0.6
    context: float = 0.9
    column: float = 0.95


@dataclass(frozen=True, slots=True)
class MaskSpec:
    """Characters of a value that the masked form keeps."""

    keep_start: int = 0
    keep_end: int = 0


@dataclass(frozen=True, slots=True)
class Example:
    """A text in which a rule must find exactly `find`."""

    text: str
    find: tuple[str, ...]
    confidence: float | None = None
    column: str = ""
    """Header, when `text` is the value of a table column."""


@dataclass(frozen=True, slots=True)
class Negative:
    """A text in which a rule must find nothing, and the stage that must stop it."""

    text: str
    stopped: str
    """"match", "checksum" or "context"."""
    why: str = ""
    column: str = ""


@dataclass(frozen=True, slots=True)
class Rule:
    """One identifier of the catalogue: what to look for and what it is worth."""

    id: RuleId
    name: str
    category: Category
    severity: tuple[tuple[int, Severity], ...]
    """(least count, severity), ascending."""
    match: MatchSpec
    checksum: ChecksumSpec | None = None
    context: ContextSpec = ContextSpec()
    confidence: ConfidenceSpec = ConfidenceSpec()
    mask: MaskSpec = MaskSpec()
    macie: str | None = None
    tags: tuple[str, ...] = ()
    summary: str = ""
    references: tuple[str, ...] = ()
    test_values: frozenset[str] = frozenset()
    """Published samples, compacted; a match of one is `test_data`."""
    examples: tuple[Example, ...] = ()
    negatives: tuple[Negative, ...] = ()
    least: int = 1
    """Fewer in one object are no finding."""
    origin: str = ""
    """What program an imported rule came from; such a rule needs no examples."""

    def severity_at(self, count: int) -> Severity:
        """The severity of `count` occurrences; the lowest step also holds below it."""
        best = self.severity[0][1]
        for least, severity in self.severity:
            if count >= least:
                best = severity
        return best


@dataclass(frozen=True, slots=True)
class MatchBatch:
    """Hits over one segment, one array each, sorted by start; spans in characters of the segment.

    For a `ColumnSegment`, `item` is the index of the value and spans are inside that value.
    """

    rule: npt.NDArray[np.int32]
    """Index into the session's rules."""
    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    confidence: npt.NDArray[np.float32]
    item: npt.NDArray[np.int64] | None = None

    def __len__(self) -> int:
        return len(self.rule)


@dataclass(frozen=True, slots=True)
class Match:
    """One hit at the edge of the Python API; the value never shows in its repr."""

    rule: RuleId
    start: int
    end: int
    value: str = field(repr=False)
    confidence: float


@dataclass(frozen=True, slots=True)
class Occurrence:
    """One place of a finding, masked."""

    place: Place
    masked: str
    fingerprint: Fingerprint
    confidence: float
    offset: int | None = None
    length: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """All that one rule found in one object."""

    rule: RuleId
    category: Category
    severity: Severity
    confidence: float
    count: int
    distinct: int
    test_data: bool
    occurrences: tuple[Occurrence, ...]
    distinct_exact: bool = True
    values: Mapping[Fingerprint, int] = field(default_factory=dict, repr=False)
    """Every distinct value's fingerprint with its count, up to `store.max_values`."""


@dataclass(frozen=True, slots=True)
class RiskScore:
    """0 to 100, and one sentence a term, largest first."""

    value: int
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Allowed:
    """How many matches of one rule in one object an entry of an allow list answered for."""

    entry: str
    """File name and number of the entry."""
    rule: str
    count: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for the findings of one rule in one object, beside the rule itself."""

    rule: RuleId
    said: str
    """A sentence that quotes no value."""


@dataclass(frozen=True, slots=True)
class Sketch:
    """What an object's text could hold, so that rules that cannot match need not read it; see `classify/sketch`."""

    words: bytes | None
    """The packed set of its words' keys; None: too many, every rule may match."""
    digits: int
    """The longest run of digits, as far as it is told."""
    signs: int
    """Bits: `LONE`, `SIGNED`, `NUMBERS`."""
    contested: tuple[str, ...] = ()
    """Ids of rules that shared characters with another one: what one is worth decides about the other."""


@dataclass(frozen=True, slots=True)
class ColumnFound:
    """What one rule found in one column of a table, or under one path of records."""

    table: str
    """Table or sheet; empty where there is but one."""
    name: str
    """Header of the column, or path with `[*]` for indexes."""
    rule: str
    cells: int
    """Values that are not empty."""
    matched: int
    """Of these, those that the rule found."""
    member: tuple[str, ...] = ()
    """Chain of container members, outermost first."""


@dataclass(frozen=True, slots=True)
class Combination:
    """Kinds of data that are worse together; see `piiscan/people.py`."""

    name: str
    units: int
    """Rows, records or pages that hold all of it."""
    exact: bool = True


UNREAD = 1_000
"""Parts of one object that the coverage lists by name; of more, it says how many."""


@dataclass(frozen=True, slots=True)
class ObjectReport:
    """What is known of one object after its scan."""

    ref: ObjectRef
    media_type: str
    outcome: Outcome
    reason: str
    """Empty when scanned, else a code and a sentence after a colon."""
    findings: tuple[Finding, ...] = ()
    risk: RiskScore = RiskScore(0)
    bytes_examined: int = 0
    names_examined: int = 0
    """Characters that the name recogniser read; it reads a part of long objects only."""
    allowed: tuple[Allowed, ...] = ()
    """Matches that are no findings because an allow list has them."""
    unread: tuple[str, ...] = ()
    """The parts of a partly read object that were not read: a code, the way to the part, a sentence; the first
    `UNREAD` of them."""
    evidence: tuple[Evidence, ...] = ()
    """What verdicts on columns rest on, of those rules that have findings."""
    sketch: Sketch | None = None
    """None: nothing was classified."""
    verified: bool = False
    """All of it was read, and its ETag is the MD5 of what was read."""
    columns: tuple[ColumnFound, ...] = ()
    """The columns that findings are in."""
    combinations: tuple[Combination, ...] = ()
    people: int = 0
    """About how many people it tells of."""
    extent: tuple[int, int, int] = (0, 0, 0)
    """Of a part: its characters, line breaks and records. Places of its findings count from where it begins."""
