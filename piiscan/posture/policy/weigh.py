"""Deny over allow: what is left of each allow statement, for whom, from where.

A request is one caller, one place, one action and one resource. A deny hits it when it hits all four, so each of the
four has a set of deny statements (bits), and a request is denied where the four sets have one in common. An allow
counts where it may hold, a deny where it must.

Source: AWS, IAM User Guide, "Policy evaluation logic" (an explicit deny overrides any allow).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import TypeVar

from piiscan.posture.policy import places as where
from piiscan.posture.policy.actions import Action, chosen
from piiscan.posture.policy.callers import FOR_ANYONE, Caller, tells_of
from piiscan.posture.policy.conditions import Given, Test
from piiscan.posture.policy.model import Reach
from piiscan.posture.policy.parse import Statement
from piiscan.posture.policy.patterns import Answer, all_of
from piiscan.posture.policy.places import EDGE, SERVICE, Place
from piiscan.posture.policy.principals import names
from piiscan.posture.policy.resources import Resource, covers

Each = TypeVar("Each")


@dataclass(frozen=True, slots=True)
class Universe:
    """All requests that the policy can tell apart: one of each of these."""

    callers: Sequence[Caller]
    places: Sequence[Place]
    actions: Sequence[Action]
    resources: Sequence[Resource]
    world: Callable[[str], Given]
    """What a request carries under a key that tells neither who calls nor from where."""


@dataclass(slots=True)
class Left:
    """What one statement leaves to one kind of caller."""

    reach: Reach
    label: str
    account: str = ""
    organisation: str = ""
    cloudfront: bool = False
    verbs: set[str] = field(default_factory=set)
    places: set[int] = field(default_factory=set)
    """Numbers in the universe's places."""
    reduced: int = 0
    """The deny statements that take a part of it."""


Asked = frozenset[tuple[str, int]]
"""(verb, deny statements that hit action and resource), each once."""


class Weighing:
    """One policy's deny statements over its universe."""

    def __init__(self, statements: Sequence[Statement], universe: Universe) -> None:
        self.universe = universe
        self.denies = [statement for statement in statements if not statement.allow]

    def left_of(self, allow: Statement) -> list[Left]:
        """What is left of an allow statement, for each kind of caller; empty: nothing."""
        here = self.universe
        if _answer(allow.tests, _others, here.world) is Answer.NO:
            return []
        held = [self._open_tests(deny, allow) for deny in self.denies]
        actions = [one for one in here.actions if chosen(allow.actions, one) is not Answer.NO]
        resources = [one for one in here.resources if covers(allow.resources, one) is not Answer.NO]
        asked = self._pairs(held, actions, resources)
        callers = [one for one in here.callers if _calls(allow, one) is not Answer.NO]
        places = [index for index, one in enumerate(here.places) if _comes(allow, one) is not Answer.NO]
        by_mask: dict[int, list[int]] = defaultdict(list)
        for index in places:
            by_mask[self._place_mask(held, here.places[index])].append(index)
        found: dict[tuple[object, ...], Left] = {}
        for (key, mask, _), caller in self._grouped(callers, held).items():
            fixed = SERVICE if caller.service else EDGE if caller.edge else None
            if fixed is not None and _comes(allow, fixed) is Answer.NO:
                continue
            sources = {self._place_mask(held, fixed): [-1]} if fixed is not None else by_mask
            _add(found, key, caller, mask, sources, asked, here.places)
        return _without_contained(list(found.values()))

    def asks(self, allow: Statement) -> bool:
        """Whether a statement is about any action on this bucket or key, deny statements left aside."""
        actions = [one for one in self.universe.actions if chosen(allow.actions, one) is not Answer.NO]
        resources = [one for one in self.universe.resources if covers(allow.resources, one) is not Answer.NO]
        return bool(self._pairs([], actions, resources))

    def tls_only(self) -> bool:
        """Whether every request that is not encrypted is denied, whoever calls."""

        def plain(key: str) -> Given:
            if key == "aws:securetransport":
                return ("false",)
            return None if key == "s3:tlsversion" else self.universe.world(key)

        here = self.universe
        held = [(deny, deny.tests, _answer(deny.tests, _others, plain)) for deny in self.denies]
        every = {mask for _, mask in self._pairs(held, here.actions, here.resources)}
        who = {self._caller_mask(held, caller) for caller in here.callers}
        froms = {self._place_mask(held, place) for place in (*here.places, SERVICE, EDGE)}
        return bool(held) and all(one & other & third for one in every for other in who for third in froms)

    def _open_tests(self, deny: Statement, allow: Statement) -> Held:
        """A deny, its tests that the allow's do not imply, and the answer of those on neither who nor where."""
        tests = tuple(test for test in deny.tests if not any(_implies(given, test) for given in allow.tests))
        return deny, tests, _answer(tests, _others, self.universe.world)

    def _pairs(self, held: Sequence[Held], actions: Iterable[Action], resources: Iterable[Resource]) -> Asked:
        kinds = {(one.verb, one.bucket, one.object, _mask(held, one, _chosen)) for one in actions}
        things = {(one.object, _mask(held, one, _covered)) for one in resources}
        return frozenset(
            (verb, mask & other)
            for verb, of_bucket, of_object, mask in kinds
            for is_object, other in things
            if (of_object if is_object else of_bucket)
        )

    def _caller_mask(self, held: Sequence[Held], caller: Caller) -> int:
        return _mask(held, caller, _hits_caller)

    def _place_mask(self, held: Sequence[Held], place: Place) -> int:
        return _mask(held, place, _hits_place)

    def _grouped(
        self, callers: Iterable[Caller], held: Sequence[Held]
    ) -> dict[tuple[tuple[object, ...], int, bool], Caller]:
        found: dict[tuple[tuple[object, ...], int, bool], Caller] = {}
        for one in callers:
            key = (
                one.reach,
                one.label,
                one.account if one.reach is not Reach.EVERYONE else "",
                one.organisation,
                one.cloudfront,
            )
            if one.reach is Reach.EVERYONE:
                key = (one.reach, "", "", "", False)
            found.setdefault((key, self._caller_mask(held, one), one.service or one.edge), one)
        return found


Held = tuple[Statement, tuple[Test, ...], Answer]


def _mask(held: Sequence[Held], one: Each, hits: Callable[[Held, Each], Answer]) -> int:
    """The deny statements that must hit one, as bits."""
    return sum(1 << bit for bit, deny in enumerate(held) if deny[2] is Answer.YES and hits(deny, one) is Answer.YES)


def _chosen(deny: Held, action: Action) -> Answer:
    return chosen(deny[0].actions, action)


def _covered(deny: Held, resource: Resource) -> Answer:
    return covers(deny[0].resources, resource)


def _hits_caller(deny: Held, caller: Caller) -> Answer:
    return min(names(deny[0].principals, caller.tokens), _answer(deny[1], tells_of, caller.answer_of))


def _hits_place(deny: Held, place: Place) -> Answer:
    return _answer(deny[1], _of_place, place.answer_of)


def _calls(allow: Statement, caller: Caller) -> Answer:
    return min(names(allow.principals, caller.tokens), _answer(allow.tests, tells_of, caller.answer_of))


def _comes(allow: Statement, place: Place) -> Answer:
    return _answer(allow.tests, _of_place, place.answer_of)


def _of_place(key: str) -> bool:
    return key in where.KEYS


def _others(key: str) -> bool:
    return not tells_of(key) and key not in where.KEYS


def _answer(tests: Iterable[Test], about: Callable[[str], bool], given: Callable[[str], Given]) -> Answer:
    return all_of(test.answer(given(test.key)) for test in tests if about(test.key))


def _implies(given: Test, wanted: Test) -> bool:
    """Whether a test holds wherever another one, of the same kind and key, does."""
    kinds = [(one.operator, one.key, one.negated, one.if_exists, one.quantifier, one.unsure) for one in (given, wanted)]
    if kinds[0] != kinds[1] or given.unsure or given.quantifier or given.operator == "null":
        return False
    narrow, wide = (wanted, given) if given.negated else (given, wanted)
    return set(narrow.values) <= set(wide.values)


def _add(
    found: dict[tuple[object, ...], Left],
    key: tuple[object, ...],
    caller: Caller,
    mask: int,
    sources: dict[int, list[int]],
    asked: Asked,
    places: Sequence[Place],
) -> None:
    """Adds what a group of callers may do, under its own reach; that of the places for callers from anywhere."""
    shut: dict[str, int] = defaultdict(int)
    for (verb, hit), other in product(asked, sources):
        shut[verb] |= hit & mask & other
    for verb, hit in asked:
        open_to = [index for other, group in sources.items() if not hit & mask & other for index in group]
        if not open_to:
            continue
        for reach, label, account, indices in _reaches(caller, open_to, places):
            whole = (reach, label, account, *key[3:])
            left = found.setdefault(whole, Left(reach, label, account, caller.organisation, caller.cloudfront))
            left.verbs.add(verb)
            left.places.update(indices)
            left.reduced |= shut[verb]


def _reaches(
    caller: Caller, open_to: list[int], places: Sequence[Place]
) -> Iterable[tuple[Reach, str, str, list[int]]]:
    if caller.reach is not Reach.EVERYONE:
        return [(caller.reach, caller.label, caller.account, open_to)]
    there = [places[index] for index in open_to]
    if any(place.reach is Reach.EVERYONE for place in there) or where.wide(there):
        return [(Reach.EVERYONE, "", "", open_to)]
    groups: dict[tuple[Reach, str, str], list[int]] = defaultdict(list)
    for index in open_to:
        place = places[index]
        through = place.words if place.reach is not Reach.NETWORK else ""
        groups[place.reach, through, place.account].append(index)
    return [(*group, indices) for group, indices in groups.items()]


def _without_contained(items: list[Left]) -> list[Left]:
    """The items without those that a wider one has in it."""
    by_label: dict[str, list[Left]] = defaultdict(list)
    for one in items:
        far = one.reach in (Reach.NETWORK, Reach.EVERYONE) or one.label.startswith(where.THROUGH_POINTS)
        by_label["" if far or one.label.endswith(FOR_ANYONE) else one.label].append(one)

    def wider(one: Left) -> list[Left]:
        return [other for label in {"", one.label, one.account, one.organisation} for other in by_label.get(label, ())]

    return [one for one in items if not any(_holds(other, one) for other in wider(one) if other is not one)]


def _holds(wide: Left, narrow: Left) -> bool:
    """Whether all that a narrow item has is in a wide one."""
    if not narrow.verbs <= wide.verbs:
        return False
    if wide.label.startswith(where.THROUGH_POINTS) and not narrow.label.startswith(where.THROUGH_POINTS):
        return narrow.places <= wide.places
    if narrow.reach > wide.reach:
        return False
    if wide.label.endswith(FOR_ANYONE) and narrow.label != wide.label:
        return narrow.label.partition(" for ")[0] == wide.label.removesuffix(FOR_ANYONE)
    if wide.reach is Reach.EVERYONE:
        return narrow.reach is not Reach.EVERYONE
    if not narrow.places <= wide.places:
        return False
    if wide.reach is Reach.NETWORK:
        return narrow.reach is not Reach.NETWORK
    if wide.label == narrow.label:
        return wide.reach is not narrow.reach or wide.organisation < narrow.organisation
    if wide.reach in (Reach.ORGANISATION, Reach.ORGANISATIONS) and wide.label == narrow.organisation:
        return True
    return wide.label in (narrow.account, "") and wide.account == narrow.account and not wide.cloudfront
