"""How right the catalogue is: a labelled corpus scanned as files, its findings held against its labels.

The corpus is JSON lines (a case a line): `text`, `polarity` (pos, neg), `label`, `family`, `variant`, `country`, and
character offsets `spans`, `ignore`, `negspans`; see `docs/accuracy.md`. Which rules answer for which label is said in a
TOML file of its own. Values stay in this process: a report holds counts only.
"""

from __future__ import annotations

import gzip
import io
import json
import tomllib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Any

from piiscan.allow import NO_LISTS, AllowLists
from piiscan.classify.checksum import is_sample
from piiscan.classify.encoded import readings
from piiscan.classify.stack import Stack
from piiscan.errors import ConfigError, ObjectError
from piiscan.extract import Job, segments
from piiscan.identify import identify
from piiscan.model import ColumnSegment, ObjectRef, TextSegment

SENSITIVE = frozenset({"ID", "FIN", "HEALTH", "CRED"})
"""Families of which no finding may fire on a case whose label is NONE."""

Span = tuple[int, int, str]
"""Start and end (characters, half-open) and label."""


class Labels:
    """Which rules answer for which label, and the family of each label."""

    def __init__(self, rules: Mapping[str, frozenset[str]], families: Mapping[str, str]) -> None:
        self.rules = rules
        self.families = dict(families)
        self._kin: dict[str, frozenset[str]] = {}

    def learn(self, cases: Iterable[Case]) -> None:
        """Take the families of labels that the map leaves out from the cases that have them."""
        for case in cases:
            if case.label not in ("MULTI", "NONE") and case.family not in ("DOC", "NONE", ""):
                self.families.setdefault(case.label, case.family)
        self._kin.clear()

    def family_of(self, rule: str) -> frozenset[str]:
        """The families of the labels that a rule answers for."""
        if rule not in self._kin:
            names = (self.families.get(label) for label, rules in self.rules.items() if rule in rules)
            self._kin[rule] = frozenset(name for name in names if name)
        return self._kin[rule]


@dataclass(frozen=True, slots=True)
class Case:
    """One line of a corpus."""

    text: str = field(repr=False)
    positive: bool
    label: str
    family: str
    variant: str
    country: str
    spans: tuple[Span, ...] = ()
    ignore: tuple[Span, ...] = ()
    negspans: tuple[Span, ...] = ()
    name: str = ""
    """Suggested file name."""


@dataclass(frozen=True, slots=True)
class Hit:
    """One match, in characters of the case's text."""

    rule: str
    start: int
    end: int
    sample: bool
    """A published sample: it counts as found, but not as a false alarm."""

    def meets(self, spans: Iterable[Span]) -> bool:
        """Whether it overlaps one of some spans."""
        return any(self.start < end and start < self.end for start, end, _ in spans)


@dataclass(slots=True)
class Share:
    """How many of how many, exactly and by family."""

    of: int = 0
    exact: int = 0
    family: int = 0

    def add(self, exact: bool, family: bool) -> None:
        """Count one."""
        self.of += 1
        self.exact += exact
        self.family += family

    def to_json(self) -> dict[str, float | int]:
        """Counts and shares."""
        share = max(self.of, 1)
        return {
            "of": self.of,
            "exact": self.exact,
            "family": self.family,
            "exact_share": round(self.exact / share, 4),
            "family_share": round(self.family / share, 4),
        }


Table = defaultdict[tuple[str, ...], Share]


def _table() -> Table:
    return defaultdict(Share)


@dataclass(slots=True)
class Scores:
    """What a corpus showed."""

    cases: int = 0
    unread: int = 0
    """Cases that no reader could read."""
    recall: Table = field(default_factory=_table)
    """By (family, variant)."""
    labels: Table = field(default_factory=_table)
    """Recall by (label, variant)."""
    countries: Table = field(default_factory=_table)
    """Recall by (family, country), all variants but bare."""
    negatives: Table = field(default_factory=_table)
    """False alarms by (family,)."""
    negative_labels: Table = field(default_factory=_table)
    documents: Table = field(default_factory=_table)
    """Of the findings inside labelled documents those that are right, by (family,)."""
    rules: defaultdict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """By rule: found, missed (of the spans of its labels, bare values left out), right, wrong (of its findings)."""
    clean_bytes: int = 0
    clean_hits: int = 0

    def to_json(self) -> dict[str, Any]:
        """The scores as plain data."""
        tables = ("recall", "labels", "countries", "negatives", "negative_labels", "documents")
        out: dict[str, Any] = {"cases": self.cases, "unread": self.unread}
        for name in tables:
            out[name] = {"/".join(key): share.to_json() for key, share in sorted(getattr(self, name).items())}
        out["rules"] = {rule: _rule_json(counts) for rule, counts in sorted(self.rules.items())}
        megabytes = self.clean_bytes / 1e6
        out["clean"] = {
            "bytes": self.clean_bytes,
            "findings": self.clean_hits,
            "per_mb": round(self.clean_hits / megabytes, 4) if megabytes else None,
        }
        return out


def _rule_json(counts: Counter[str]) -> dict[str, float | int | None]:
    spans, hits = counts["found"] + counts["missed"], counts["right"] + counts["wrong"]
    return {
        **{key: counts[key] for key in ("found", "missed", "right", "wrong")},
        "recall": round(counts["found"] / spans, 4) if spans else None,
        "precision": round(counts["right"] / hits, 4) if hits else None,
    }


def load_labels(path: Path) -> Labels:
    """The label map of a TOML file: `[labels]`, label = [rules], and `[families]`, family = [labels].

    Raises: ConfigError.
    """
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as err:
        raise ConfigError(f"{path}: {err.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as err:
        raise ConfigError(f"{path}: not TOML ({err})") from None
    labels, families = data.get("labels"), data.get("families", {})
    if not isinstance(labels, dict) or not isinstance(families, dict):
        raise ConfigError(f"{path}: [labels] is wanted, label = [rule, ...]")
    for label, rules in labels.items():
        if not isinstance(rules, list) or not all(isinstance(rule, str) for rule in rules):
            raise ConfigError(f"{path}: labels.{label}: a list of rule ids is wanted")
    known = {label: family for family, members in families.items() for label in members}
    return Labels({label: frozenset(rules) for label, rules in labels.items()}, known)


def read_cases(path: Path) -> Iterator[Case]:
    """The cases of a corpus, gzipped or not. Raises: ConfigError, with the line."""
    number = 0
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):  # noqa: B007 - named in the error
                if line.strip():
                    yield _case(json.loads(line))
    except OSError as err:
        raise ConfigError(f"{path}: {err.strerror or err}") from None
    except (KeyError, TypeError, ValueError, EOFError) as err:
        # What the error quotes may be a value.
        raise ConfigError(f"{path}: line {max(number, 1)}: not a case ({type(err).__name__})") from None


def _case(data: Mapping[str, Any]) -> Case:
    def spans(key: str) -> tuple[Span, ...]:
        return tuple((int(s), int(e), str(label)) for s, e, label in data.get(key) or ())

    return Case(
        text=str(data["text"]),
        positive=data["polarity"] == "pos",
        label=str(data["label"]),
        family=str(data.get("family", "")),
        variant=str(data.get("variant", "")),
        country=str(data.get("country", "")),
        spans=spans("spans"),
        ignore=spans("ignore"),
        negspans=spans("negspans"),
        name=str(data.get("file_like", "")),
    )


def evaluate(cases: Iterable[Case], labels: Labels, stack: Stack, allow: AllowLists = NO_LISTS) -> Scores:
    """Scan every case as a file and count."""
    cases = list(cases)
    labels.learn(cases)
    scores = Scores()
    for case in cases:
        scores.cases += 1
        try:
            hits = findings(case, stack, allow)
        except ObjectError:
            scores.unread += 1
            hits = []
        if case.positive:
            _positive(scores, case, labels, hits)
        else:
            _negative(scores, case, labels, hits)
    return scores


def findings(case: Case, stack: Stack, allow: AllowLists = NO_LISTS) -> list[Hit]:
    """The matches of one case, scanned as the file that it would be. Raises: ObjectError."""
    data = case.text.encode("utf-8", "surrogatepass")
    stream = io.BytesIO(data)
    found = identify(stream, case.name)
    ref = ObjectRef("", case.name, len(data))
    session, sieve = stack.open(ref, found.media_type), allow.open(ref, stack.rules)
    lines = _line_starts(case.text)
    out: list[Hit] = []
    whole = segments(stream, Job(case.name, found.media_type, charset=found.charset))
    for segment, unsifted in chain.from_iterable(readings(session, segment) for segment in whole):
        batch = sieve(segment, unsifted)
        for at in range(len(batch)):
            rule, start, end = stack.rules[int(batch.rule[at])], int(batch.start[at]), int(batch.end[at])
            if isinstance(segment, TextSegment) and segment.encoded is not None:
                low, high = segment.encoded
                out.append(Hit(rule.id, low, high, is_sample(rule, segment.text[start:end])))
                continue
            if isinstance(segment, TextSegment):
                value = segment.text[start:end]
                place = segment.offset + start if segment.offset is not None else _find(case.text, value, 0)
            else:
                assert batch.item is not None
                value, place = _in_cell(case.text, segment, int(batch.item[at]), start, end, lines)
            if place >= 0:
                out.append(Hit(rule.id, place, place + len(value), is_sample(rule, value)))
    session.finish()
    return out


def _in_cell(text: str, segment: ColumnSegment, item: int, start: int, end: int, lines: list[int]) -> tuple[str, int]:
    """A match inside a cell, and where it stands in the text of the table; -1 where that cannot be told."""
    cell = segment.values[item]
    begin = lines[int(segment.lines[item]) - 1] if segment.lines is not None else 0
    at = _find(text, cell, begin)
    return cell[start:end], at + start if at >= 0 else _find(text, cell[start:end], begin)


def _find(text: str, value: str, begin: int) -> int:
    at = text.find(value, begin)
    return at if at >= 0 else text.find(value)


def _line_starts(text: str) -> list[int]:
    starts = [0]
    for line in io.StringIO(text, newline=""):
        starts.append(starts[-1] + len(line))
    return starts


def _positive(scores: Scores, case: Case, labels: Labels, hits: list[Hit]) -> None:
    wanted: list[Span] = list(case.spans)
    if not wanted and case.label not in ("MULTI", "NONE"):
        wanted = [(0, len(case.text), case.label)]
    for start, end, label in wanted:
        answering = labels.rules.get(label, frozenset())
        family = labels.families.get(label, case.family)
        here = [hit for hit in hits if hit.start < end and start < hit.end]
        exact = any(hit.rule in answering for hit in here)
        kin = exact or any(family in labels.family_of(hit.rule) for hit in here)
        scores.recall[family, case.variant].add(exact, kin)
        scores.labels[label, case.variant].add(exact, kin)
        if case.variant != "bare":
            scores.countries[family, case.country or "-"].add(exact, kin)
            for rule in answering:
                scores.rules[rule]["found" if any(hit.rule == rule for hit in here) else "missed"] += 1
    if case.variant == "doc" and case.spans:
        for hit in hits:
            if hit.meets(case.ignore):
                continue
            right = any(
                hit.start < end and start < hit.end and hit.rule in labels.rules.get(label, ())
                for start, end, label in case.spans
            )
            for family in labels.family_of(hit.rule) or {"-"}:
                kin = right or any(
                    hit.start < end and start < hit.end and labels.families.get(label) == family
                    for start, end, label in case.spans
                )
                scores.documents[(family,)].add(right, kin)
            scores.rules[hit.rule]["right" if right else "wrong"] += 1


def _negative(scores: Scores, case: Case, labels: Labels, hits: list[Hit]) -> None:
    alarms = [hit for hit in hits if not hit.sample and (not case.negspans or hit.meets(case.negspans))]
    answering = labels.rules.get(case.label, frozenset())
    if case.label == "NONE":
        loud = [hit for hit in alarms if SENSITIVE & labels.family_of(hit.rule)]
        scores.negatives[("NONE",)].add(bool(loud), bool(loud))
        scores.clean_bytes += len(case.text.encode("utf-8", "surrogatepass"))
        scores.clean_hits += len(loud)
    else:
        loud = [hit for hit in alarms if hit.rule in answering]
        kin = any(case.family in labels.family_of(hit.rule) for hit in alarms)
        scores.negatives[(case.family,)].add(bool(loud), kin or bool(loud))
        scores.negative_labels[(case.label,)].add(bool(loud), kin or bool(loud))
    for hit in loud:
        scores.rules[hit.rule]["wrong"] += 1
