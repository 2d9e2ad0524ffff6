"""Where requests come from: the networks that a policy tells apart, each as one place.

Source: AWS, "Blocking public access to your Amazon S3 storage", The meaning of "public" (ranges wider than /8, for IPv6
/32, are public, private ones are not); IAM User Guide, "AWS global condition context keys" (what comes through a VPC
endpoint has no aws:SourceIp); RFC 1918, RFC 6890.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_network, summarize_address_range
from itertools import pairwise, product

from piiscan.posture.policy.conditions import FREE, Given, Test, network_of
from piiscan.posture.policy.model import Circle, Reach
from piiscan.posture.policy.patterns import FILLER, samples, wild

KEYS = frozenset({
    "aws:sourceip", "aws:sourcevpc", "aws:sourcevpce", "aws:sourcevpcarn", "aws:vpcsourceip", "aws:vpceaccount",
    "aws:vpceorgid", "aws:vpceorgpaths", "s3:dataaccesspointaccount", "s3:dataaccesspointarn",
    "s3:accesspointnetworkorigin",
})  # fmt: skip
_POINTS = ("s3:dataaccesspointaccount", "s3:dataaccesspointarn", "s3:accesspointnetworkorigin")
_OWNERS = ("aws:vpceaccount", "aws:vpceorgid", "aws:vpceorgpaths")
_PRIVATE = (
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "127.0.0.0/8",
    "169.254.0.0/16",
    "100.64.0.0/10",
    "0.0.0.0/8",
    "224.0.0.0/3",
)
# Unicast that is routed on the internet is a /3 of IPv6; the rest is local, or for tests.
_ROUTED = "2000::/3"
_SIZE = {4: 32, 6: 128}
_WIDE = {4: 32 - 8, 6: 128 - 32}


THROUGH_POINTS = "access points of account "
"""Begins the words of an access point's place."""


@dataclass(frozen=True, slots=True)
class Place:
    """One kind of place that requests come from."""

    reach: Reach
    """How far whoever calls from here reaches."""
    words: str = ""
    given: Mapping[str, Given] = field(default_factory=dict)
    span: tuple[int, int, int] | None = None
    """Version, first and last address, of a range on the internet."""
    account: str = ""

    def answer_of(self, key: str) -> Given:
        """What a request from here carries under a key of `KEYS`."""
        return self.given.get(key)


SERVICE = Place(Reach.EVERYONE)
"""Where a service calls from: nothing of it is told."""
EDGE = Place(Reach.EVERYONE, given=dict.fromkeys(KEYS, FREE))
"""Where an origin access identity calls from: not known."""


def places_of(tests: Sequence[Test], circle: Circle) -> list[Place]:
    """All places of people that the tests tell apart, and the rest of the internet."""
    return [*_ranges(tests), *_endpoints(tests), *_access_points(tests, circle)]


def _values(tests: Iterable[Test], *keys: str) -> list[tuple[str, bool]]:
    """(value, whether it is no fixed one) of the tests on these keys, each once."""
    found: dict[str, bool] = {}
    for test in tests:
        if test.key in keys and test.operator != "null":
            for value in test.values:
                loose = (test.like and wild(value)) or "${" in value
                for one in samples(value) if loose else [value]:
                    found[one] = found.get(one, False) or loose
    return list(found.items())


def _ranges(tests: Iterable[Test]) -> list[Place]:
    nets = [network_of(value) for test in tests if test.key == "aws:sourceip" for value in test.values]
    nets += [ip_network(text) for text in (*_PRIVATE, _ROUTED)]
    cuts: dict[int, set[int]] = {4: {0, 1 << 32}, 6: {0, 1 << 128}}
    for net in nets:
        if net is not None:
            cuts[net.version] |= {int(net.network_address), int(net.broadcast_address) + 1}
    found = []
    for version, bounds in cuts.items():
        edges = sorted(bounds)
        for first, after in pairwise(edges):
            address = (IPv4Address if version == 4 else IPv6Address)(first)
            public = (
                not any(address in ip_network(net) for net in _PRIVATE)
                if version == 4
                else address in ip_network(_ROUTED)
            )
            span = (version, first, after - 1)
            given: dict[str, Given] = {"aws:sourceip": (str(address),)}
            words = "" if public else _range_words([span])[0]
            found.append(Place(Reach.NETWORK, words, given, span if public else None))
    return found


def _endpoints(tests: Sequence[Test]) -> list[Place]:
    arns = [(one.rsplit("/", 1)[-1], loose) for one, loose in _values(tests, "aws:sourcevpcarn")]
    vpcs = [*_values(tests, "aws:sourcevpc"), *arns, (f"vpc-{FILLER}", True)]
    ends = [*_values(tests, "aws:sourcevpce"), (f"vpce-{FILLER}", True)]
    owners: list[tuple[str, str, bool]] = [("", "", True)]
    owners += [(key, value, loose) for key in _OWNERS for value, loose in _values(tests, key)]
    found = []
    for (vpc, any_vpc), (end, any_end), (key, value, any_owner) in product(
        dict(vpcs).items(), dict(ends).items(), owners
    ):
        given: dict[str, Given] = {"aws:sourcevpc": (vpc,), "aws:sourcevpce": (end,)}
        given |= dict.fromkeys(("aws:vpcsourceip", "aws:sourcevpcarn", *(_OWNERS if key else ())), FREE)
        given |= {} if key else dict.fromkeys(_OWNERS, (FILLER,))
        given |= {key: (value,)} if key else {}
        parts = ["" if any_vpc else f"VPC {vpc}", "" if any_end else f"VPC endpoint {end}"]
        parts.append("" if any_owner else f"VPC endpoints of {value}")
        words = " through ".join(part for part in parts if part)
        found.append(Place(Reach.NETWORK if words else Reach.EVERYONE, words, given))
    return found


def _access_points(tests: Sequence[Test], circle: Circle) -> list[Place]:
    if not any(test.key in _POINTS for test in tests):
        return []
    arns = [(one, loose) for one, loose in _values(tests, "s3:dataaccesspointarn")]
    accounts = dict(_values(tests, "s3:dataaccesspointaccount"))
    found = [
        _point(account, f"arn:aws:s3::{account}:accesspoint/{FILLER}", loose, circle)
        for account, loose in accounts.items()
    ]
    found.append(_point(FILLER, f"arn:aws:s3::{FILLER}:accesspoint/{FILLER}", True, circle))
    for arn, _ in arns:
        account = (arn.split(":") + [""] * 5)[4]
        found.append(_point(account, arn, FILLER in account or not account, circle))
    return found


def _point(account: str, arn: str, loose: bool, circle: Circle) -> Place:
    given = dict.fromkeys(KEYS, FREE) | {"s3:dataaccesspointaccount": (account,), "s3:dataaccesspointarn": (arn,)}
    words = f"{THROUGH_POINTS}{account}"
    if loose:
        return Place(Reach.EVERYONE, "", given)
    if account == circle.account:
        return Place(Reach.ACCOUNT, words, given)
    if account in circle.accounts:
        return Place(Reach.ORGANISATION, words, given, account=account)
    return Place(Reach.ACCOUNTS, words, given, account=account)


def wide(places: Iterable[Place]) -> bool:
    """Whether places are the internet: one run of addresses wider than /8 (IPv6: /32), or a sixteenth of all."""
    runs = _joined(place.span for place in places if place.span)
    total = {4: 0, 6: 0}
    for version, first, last in runs:
        if last - first + 1 > 1 << _WIDE[version]:
            return True
        total[version] += last - first + 1
    return any(amount > 1 << (_SIZE[version] - 4) for version, amount in total.items())


def words_of(places: Sequence[Place]) -> tuple[str, ...]:
    """Where requests must come from, in words, ranges joined; the first ones where there are many."""
    ranges = _range_words(_joined(place.span for place in places if place.span))
    others = list(dict.fromkeys(place.words for place in places if place.words))
    told = ranges + others
    return tuple(told[:5] + ([f"{len(told) - 5} more"] if len(told) > 5 else []))


def _joined(spans: Iterable[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    found: list[tuple[int, int, int]] = []
    for version, first, last in sorted(spans):
        if found and found[-1][0] == version and found[-1][2] + 1 == first:
            found[-1] = (version, found[-1][1], last)
        else:
            found.append((version, first, last))
    return found


def _range_words(spans: Iterable[tuple[int, int, int]]) -> list[str]:
    found = []
    for version, first, last in spans:
        kind = IPv4Address if version == 4 else IPv6Address
        nets = list(summarize_address_range(kind(first), kind(last)))
        found += [str(net) for net in nets] if len(nets) < 4 else [f"{kind(first)} to {kind(last)}"]
    return found
