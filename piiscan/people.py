"""Who is in an object: how many people its findings tell of, and what of one person stands together.

Both rest on the places and counts of findings, never on values. A unit is what is likely about one person: a row of a
table, a record, a page, a slide, a message, or sixty lines of plain text.

Source: own method; its error on tables and mailboxes of known truth is what `bench/people.py` prints.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from piiscan.model import Category, ColumnFound, Combination, Finding, Place

PAGE = 60
"""Lines of plain text that count as a page, as many as a sheet of paper holds."""


class Kind(StrEnum):
    """What a rule's values say of a person."""

    IDENTIFIER = "identifier"
    """Given to one person: national and tax numbers, passports, licences, insurance and patient numbers."""
    EMAIL = "email"
    PHONE = "phone"
    NAME = "name"
    BIRTH = "birth"
    ADDRESS = "address"
    PAYMENT = "payment"
    HEALTH = "health"
    LOGIN = "login"
    PASSWORD = "password"  # noqa: S105 - the name of a kind


_KINDS: Mapping[str, Kind] = {
    "ner.person": Kind.NAME,
    "ner.address": Kind.ADDRESS,
    "generic.date_of_birth": Kind.BIRTH,
    "generic.email": Kind.EMAIL,
    "generic.postal_address": Kind.ADDRESS,
    "generic.street_address": Kind.ADDRESS,
    "generic.username": Kind.LOGIN,
    "generic.password": Kind.PASSWORD,
    "generic.password_hash": Kind.PASSWORD,
    "generic.pin": Kind.PASSWORD,
    "generic.credit_card": Kind.PAYMENT,
    "generic.credit_card_no_keyword": Kind.PAYMENT,
    "generic.account_number": Kind.PAYMENT,
    "us.bank_account": Kind.PAYMENT,
    "special.health_condition": Kind.HEALTH,
    "special.genetic_biometric": Kind.HEALTH,
    "us.ndc": Kind.HEALTH,
    "us.hcpcs": Kind.HEALTH,
}
_NO_PERSON = re.compile(
    r"special\..*|ner\..*|.*postal_code|.*postcode|.*postnummer|br\.cep|fo\.ptal|id\.sim|"
    r"generic\.(?:iccid|imei|imsi|ipv4|ipv6|lat_long|license_plate.*|mac_address.*|meid|vin|medical_device_udi)|"
    # Of who treats, insures or employs, not of who is treated.
    r"de\.bsnr|de\.lanr|nl\.big|no\.health_personnel|us\.(?:dea|hcpcs|ndc|npi|ptin)"
)
_INDEX = re.compile(r"\[\d+\]")
_PHONE = re.compile(r"\w+\.phone(?:_\w+)?")


def kind_of(rule: str, category: Category) -> Kind | None:
    """What the values of a rule say of a person; None: nothing that is used here.

    >>> kind_of("us.ssn", Category.PII), kind_of("de.phone", Category.PII), kind_of("generic.vin", Category.PII)
    (<Kind.IDENTIFIER: 'identifier'>, <Kind.PHONE: 'phone'>, None)
    """
    if rule in _KINDS:
        return _KINDS[rule]
    if rule.startswith("iban."):
        return Kind.PAYMENT
    if category not in (Category.PII, Category.PHI) or _NO_PERSON.fullmatch(rule):
        return None
    return Kind.PHONE if _PHONE.fullmatch(rule) else Kind.IDENTIFIER


COMBINATIONS: Mapping[str, tuple[frozenset[Kind], ...]] = {
    "identity": (frozenset({Kind.NAME}), frozenset({Kind.BIRTH}), frozenset({Kind.IDENTIFIER})),
    "payment": (frozenset({Kind.NAME}), frozenset({Kind.PAYMENT})),
    "health": (frozenset({Kind.NAME, Kind.IDENTIFIER}), frozenset({Kind.HEALTH})),
    "login": (frozenset({Kind.EMAIL, Kind.LOGIN}), frozenset({Kind.PASSWORD})),
}
"""Of each combination, the kinds of which a unit must hold one each."""

Unit = tuple[str, int]
"""The table, sheet or member that it is in, and its number there."""


def unit_of(place: Place) -> Unit:
    """The unit that a place is in."""
    inside = "\0".join((*(place.member or ()), place.table or "", place.sheet or ""))
    for number in (place.row, place.record, place.page, place.slide):
        if number is not None:
            return inside, number
    if place.cell is not None:
        return inside, int(place.cell.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ$") or 0)
    if place.line is not None and place.part is None:
        return inside, (place.line - 1) // PAGE
    return inside, 0


@dataclass(slots=True)
class _Seen:
    """The units of some matches, as far as their places are kept."""

    units: set[Unit] = field(default_factory=set)
    limits: list[dict[str, int]] = field(default_factory=list)
    """For some of the matches that are not all kept, the last unit of each table that was seen."""

    def add(self, units: Collection[Unit], count: float) -> None:
        """Take in the units of those that are kept of so many matches."""
        self.units.update(units)
        if units and count > len(units):
            last: dict[str, int] = {}
            for inside, number in units:
                last[inside] = max(last.get(inside, number), number)
            self.limits.append(last)

    def join(self, other: _Seen) -> None:
        """Take in what another one has seen."""
        self.units |= other.units
        self.limits += other.limits


def combinations(findings: Sequence[Finding]) -> tuple[Combination, ...]:
    """Which combinations the findings of an object hold, and in how many units."""
    if not findings:
        return ()
    units: dict[Kind, set[Unit]] = defaultdict(set)
    more: dict[Kind, float] = defaultdict(lambda: 1.0)  # matches for each that is kept
    for finding in findings:
        kind = kind_of(finding.rule, finding.category)
        if kind is None or finding.test_data or not finding.occurrences:
            continue
        units[kind] |= {unit_of(occurrence.place) for occurrence in finding.occurrences}
        more[kind] = max(more[kind], finding.count / len(finding.occurrences))
    out = []
    for name, wanted in COMBINATIONS.items():
        together = set.intersection(*(set().union(*(units[kind] for kind in kinds)) for kinds in wanted))
        factor = max(more[kind] for kinds in wanted for kind in kinds)
        if together:
            out.append(Combination(name, round(len(together) * factor), factor <= 1))
    return tuple(out)


@dataclass(slots=True)
class _Slot:
    """Where values of one kind stand that are one to a person: a column, or the text."""

    kind: Kind
    distinct: float = 0.0
    matches: float = 0.0
    seen: _Seen = field(default_factory=_Seen)
    """Its units; none where no place of it is kept."""


@dataclass(slots=True)
class _People:
    """How many there are by the slots so far, and where these stand."""

    number: float = 0.0
    matches: float = 0.0
    seen: _Seen = field(default_factory=_Seen)
    unseen: float = 0.0
    """The most matches of a slot whose units are not known."""


def estimate(findings: Sequence[Finding], columns: Iterable[ColumnFound]) -> int:
    """About how many people an object tells of.

    Two columns of addresses in the same rows are the same people twice; a column of names tells of those whom a column
    of numbers leaves out. So what fills the same units counts once, as many as the fuller of the two has distinct
    values, and what fills others is added.
    """
    by_rule: dict[str, list[ColumnFound]] = defaultdict(list)
    for column in columns:
        by_rule[column.rule].append(column)
    slots: dict[tuple[Kind, str, str], _Slot] = {}
    for finding in findings:
        kind = kind_of(finding.rule, finding.category)
        if kind in _ORDER and not finding.test_data:
            _fill(slots, finding, by_rule[finding.rule], kind)
    people = _People()
    for slot in sorted(slots.values(), key=lambda slot: (_ORDER.index(slot.kind), -slot.distinct)):
        _join(people, slot)
    return round(people.number)


_ORDER = (Kind.IDENTIFIER, Kind.EMAIL, Kind.PHONE, Kind.NAME)
"""What tells people apart, the best first."""


def _fill(
    slots: dict[tuple[Kind, str, str], _Slot], finding: Finding, columns: Sequence[ColumnFound], kind: Kind
) -> None:
    """Add a finding to the slots of its kind; several rules may share a column."""
    places: dict[tuple[str, str], list[Unit]] = defaultdict(list)
    loose: list[Unit] = []
    passed = 0
    for occurrence in finding.occurrences:
        place = occurrence.place
        header = place.column_name if place.path is None else _INDEX.sub("[*]", place.path)
        if header is not None and columns:
            places[place.table or place.sheet or "", header].append(unit_of(place))
        elif kind is Kind.NAME and " " not in occurrence.masked.strip():
            passed += 1  # a name of one word, in running text, is most often a second mention
        else:
            loose.append(unit_of(place))
    for column in columns:
        slot = slots.setdefault((kind, column.table, column.name), _Slot(kind))
        kept = places.get((column.table, column.name), [])
        slot.distinct += min(finding.distinct * column.matched / max(finding.count, 1), column.matched)
        slot.matches += column.matched
        slot.seen.add(kept, column.matched)
    outside = finding.count - min(sum(column.matched for column in columns), finding.count)
    if outside and loose:
        outside = round(outside * len(loose) / (len(loose) + passed))
        slot = slots.setdefault((kind, "", ""), _Slot(kind))
        slot.distinct += finding.distinct * outside / finding.count
        slot.matches += outside
        slot.seen.add(loose, outside)


def _join(people: _People, slot: _Slot) -> None:
    """Add those people of a slot who are not there yet."""
    before, add = people.number, slot.distinct
    if before and slot.seen.units:
        mine, theirs = _comparable(slot.seen, people.seen)
        if mine and theirs:
            both = len(mine & theirs)
            known, new = both / len(theirs), 1 - both / len(mine)
            # In as many rows as these has a column stood of which it is not known where: most likely in the same.
            new = min(new, max(1 - people.unseen / slot.matches, 0.0)) if people.unseen else new
            alone = slot.distinct * new
            if slot.kind is Kind.NAME and slot.matches > PAGE:
                # Many people share a name: whom no number tells apart stand in as many rows each as the others.
                alone = max(alone, slot.matches * new * min(before / people.matches, 1.0))
            people.number = before * (1 - known) + max(before * known, slot.distinct * (1 - new)) + alone
            people.matches += slot.matches * new
        else:
            apart = not slot.seen.limits and not people.seen.limits
            people.number = before + add if apart else max(before, add)
            people.matches += slot.matches if apart else 0
    else:
        people.number = max(before, add)
        people.matches = max(people.matches, slot.matches)
        if not slot.seen.units:
            people.unseen = max(people.unseen, slot.matches)
    people.seen.join(slot.seen)


def _comparable(one: _Seen, other: _Seen) -> tuple[set[Unit], set[Unit]]:
    """The units of both as far as both were seen."""
    limits = one.limits + other.limits

    def within(unit: Unit) -> bool:
        return all(unit[1] <= limit.get(unit[0], -1) for limit in limits)

    return {unit for unit in one.units if within(unit)}, {unit for unit in other.units if within(unit)}
