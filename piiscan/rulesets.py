"""What a change of the rules means for objects that were examined before: which must be read again, and which findings
are only worth something else.

Each rule has two digests: of all that decides what it finds, and of what a match of it is worth. An object is read
again when a rule that is new, changed or gone could match in it (`classify/sketch.py`). Where only the worth changed,
stored findings are scored anew, unless that could decide between two rules for the same characters, or lift a match
over the threshold.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from piiscan.classify.alone import CONFIDENCE
from piiscan.classify.anatomy import Anatomy
from piiscan.classify.confidence import worth
from piiscan.classify.plan import anatomies
from piiscan.classify.sketch import VERSION, Question, Trait
from piiscan.classify.statistics import CONFIDENCE as GRANTED
from piiscan.classify.weigh import NOISE
from piiscan.model import Category, Rule, RuleId
from piiscan.store import carried
from piiscan.store.carried import Scored, Sketched
from piiscan.store.ingest import DuckStore

BATCH = 20_000
"""Sketches that are looked at together."""
_FACTORS = (1.0, NOISE, NOISE * NOISE, 0.5, 0.5 * NOISE, 0.5 * NOISE * NOISE)
"""What `weigh.py` may multiply a confidence by."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A rule as a rule set keeps it."""

    find: str
    worth: str
    trait: Trait
    levels: tuple[float, ...]
    """`worth` of a match for each combination of checksum, keyword and column name."""

    @classmethod
    def of(cls, rule: Rule, threshold: float, shape: Anatomy) -> Entry:
        """The entry of a rule of the catalogue."""
        finds = (
            rule.match, rule.checksum, rule.context, rule.mask, sorted(rule.test_values), rule.least, rule.macie,
            rule.category is Category.CREDENTIALS,
        )  # fmt: skip
        levels = tuple(
            worth(rule, held, keyword, column)
            for held in (True, False) for keyword in (True, False) for column in (True, False)
        )  # fmt: skip
        shown = (rule.name, rule.category, rule.severity, rule.confidence)
        return cls(_digest(finds), _digest(shown), Trait.of(rule, threshold, shape), levels)

    def to_json(self) -> list[Any]:
        """The fields."""
        return [self.find, self.worth, self.trait.to_json(), list(self.levels)]

    @classmethod
    def from_json(cls, data: Sequence[Any]) -> Entry:
        """The entry that `to_json` gave."""
        return cls(data[0], data[1], Trait.from_json(data[2]), tuple(data[3]))


def _digest(value: object) -> str:
    return hashlib.blake2b(repr(value).encode("utf-8", "backslashreplace"), digest_size=8).hexdigest()


@dataclass(frozen=True, slots=True)
class RuleSet:
    """The rules that examine objects, and a digest of all else that decides what is found."""

    catalogue: str
    """As `objects.catalogue` has it."""
    settings: str
    rules: Mapping[str, Entry]

    @classmethod
    def of(cls, catalogue: str, settings: Sequence[object], rules: Sequence[Rule], threshold: float) -> RuleSet:
        """The set of some rules of the catalogue. `settings`: all else, the recognizers' rules among it."""
        shapes = anatomies([rule.match.pattern for rule in rules], cache=True)
        entries = {str(rule.id): Entry.of(rule, threshold, shape) for rule, shape in zip(rules, shapes, strict=True)}
        return cls(catalogue, _digest((VERSION, *settings)), entries)

    def to_bytes(self) -> bytes:
        """The rules as the store keeps them."""
        return zlib.compress(json.dumps({name: entry.to_json() for name, entry in self.rules.items()}).encode())

    @classmethod
    def from_bytes(cls, catalogue: str, settings: str, rules: bytes) -> RuleSet:
        """The set that the store kept."""
        data = json.loads(zlib.decompress(rules))
        return cls(catalogue, settings, {name: Entry.from_json(entry) for name, entry in data.items()})


@dataclass(frozen=True, slots=True)
class Change:
    """What lies between two rule sets."""

    asked: tuple[Trait, ...]
    """Of rules that are new, changed or gone, before and after: an object in which one may match is read again."""
    scored: Mapping[str, Mapping[float, float]]
    """Rules whose matches are worth something else: the new confidence by the old one."""


def change(old: RuleSet, new: RuleSet, threshold: float) -> Change | None:
    """The change from one set to another; None when more than rules of the catalogue changed."""
    if old.settings != new.settings:
        return None
    asked: list[Trait] = []
    scored: dict[str, Mapping[float, float]] = {}
    for name in old.rules.keys() | new.rules.keys():
        before, after = old.rules.get(name), new.rules.get(name)
        if before is not None and after is not None and before.find == after.find:
            if before.worth == after.worth:
                continue
            moved = movement(before, after, threshold)
            if moved is not None:
                scored[name] = moved
                continue
        asked += [entry.trait for entry in (before, after) if entry is not None]
    return Change(tuple(asked), scored)


def movement(before: Entry, after: Entry, threshold: float) -> dict[float, float] | None:
    """The new confidence of each old one of a rule's matches; None when some cross the threshold, or it is not told."""
    if before.trait != after.trait:
        return None
    pairs = [(old * f, new * f) for old, new in zip(before.levels, after.levels, strict=True) for f in _FACTORS]
    if before.trait.check:
        pairs += [(CONFIDENCE, CONFIDENCE), (GRANTED, GRANTED)]
    moved: dict[float, float] = {}
    for old, new in pairs:
        was, now = round(old, 4), round(new, 4)
        if (old >= threshold and old > 0) != (new >= threshold and new > 0) or moved.setdefault(was, now) != now:
            return None
    values = [moved[key] for key in sorted(moved)]
    return moved if values == sorted(values) else None


def take_over(
    store: DuckStore,
    catalogue: str,
    settings: Sequence[object],
    rules: Sequence[Rule],
    others: Sequence[Rule],
    threshold: float,
) -> int:
    """Have objects that other rule sets examined, and that the new one would find the same in, count as examined by it.

    `rules` are the catalogue's, `others` those of the stages beside them. How many objects these are.
    Raises: StoreError.
    """
    kept = carried.rule_sets(store)
    if catalogue not in kept:
        new = RuleSet.of(catalogue, settings, rules, threshold)
        carried.keep_rule_set(store, catalogue, new.settings, new.to_bytes())
    earlier = sorted((carried.examined_by(store) - {catalogue}) & kept.keys())
    if not earlier:
        return 0
    new = RuleSet.of(catalogue, settings, rules, threshold)
    named = {RuleId(rule.id): rule for rule in (*rules, *others)}
    total = 0
    for old in earlier:
        found = change(RuleSet.from_bytes(old, *kept[old]), new, threshold)
        if found is not None:
            total += _carry(store, old, catalogue, found, named)
    return total


def _carry(store: DuckStore, old: str, new: str, found: Change, rules: Mapping[RuleId, Rule]) -> int:
    """Take over what one rule set examined; how many objects."""
    question = Question(found.asked)
    total, after = 0, None
    while batch := carried.sketched(store, old, after, BATCH):
        after = batch[-1].oid
        same = [one.oid for one in batch if not _read_again(one, question, found.scored)]
        scored, untold = [], set()
        for one in carried.findings_of(store, same, list(found.scored)):
            if _told(one, found.scored):
                scored.append(_scored(one, found.scored, rules))
            else:
                untold.add(one.oid)
        same = [oid for oid in same if oid not in untold]
        carried.carry(store, same, new, scored, found.scored)
        total += len(same)
    return total


def _read_again(one: Sketched, question: Question, scored: Mapping[str, object]) -> bool:
    return not scored.keys().isdisjoint(one.sketch.contested) or question.may_match(one.sketch)


def _told(one: Scored, moved: Mapping[str, Mapping[float, float]]) -> bool:
    """Whether the new confidence of all findings of an object is known."""
    return all(f.confidence in moved[f.rule] for f in one.findings if f.rule in moved)


def _scored(one: Scored, moved: Mapping[str, Mapping[float, float]], rules: Mapping[RuleId, Rule]) -> Scored:
    """An object's findings as the new rules have them."""
    findings = []
    for finding in one.findings:
        if finding.rule in moved:
            rule = rules[finding.rule]
            finding = replace(
                finding,
                category=rule.category,
                severity=rule.severity_at(finding.count),
                confidence=moved[finding.rule][finding.confidence],
            )
        findings.append(finding)
    return Scored(one.oid, tuple(findings))
