from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from piiscan.config import Config
from piiscan.crawl.select import Tally, sampled, select
from piiscan.model import ObjectRef
from piiscan.sampling.draw import Draw, ensured_from
from piiscan.sampling.estimate import drawn_weight
from piiscan.sampling.strata import ALL, Label, Strata

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def ref(key: str, size: int = 100, days: int | None = 1, denied: str = "") -> ObjectRef:
    modified = None if days is None else NOW - timedelta(days=days)
    return ObjectRef("s3://b", key, size, "e", modified, denied=denied)


BIG = [ref(f"logs/a/{n}.log") for n in range(5_000)]
SMALL = [ref(f"hr/{n % 4}/{n}.csv") for n in range(400)]
ODD = [ref("one.pdf", 10**9, 400)]


def drawn(refs: Iterable[ObjectRef], percent: float) -> tuple[list[str], Draw, Tally]:
    draw, tally = Draw(percent, "", NOW), Tally()
    found = select(refs, Config(sample=percent), tally, draw)
    return [one.key for one, chosen in found if chosen], draw, tally


@pytest.mark.parametrize("percent", [1, 10])
def test_each_large_stratum_has_one_and_the_share_is_kept(percent: float) -> None:
    keys, draw, tally = drawn([*BIG, *SMALL, *ODD], percent)
    assert len(keys) == len(set(keys)) == tally.selected
    assert tally.selected + tally.left_out == tally.listed == 5_401
    assert 0.8 < len(keys) / (54.01 * percent) < 1.35
    by_stratum = {s.label.folder: s for s in draw.strata}
    assert by_stratum["logs/a"].population == 5_000
    assert all(by_stratum[f"hr/{n}"].sampled for n in range(4))
    assert sum(s.sampled for s in draw.strata) == len(draw.members) == len(keys)


def test_those_with_a_low_hash_are_in_and_the_order_does_not_matter() -> None:
    refs = [*BIG[:900], *SMALL, *ODD]
    first = drawn(refs, 2)[0]
    random.Random(4).shuffle(refs)
    assert sorted(drawn(refs, 2)[0]) == sorted(first)
    assert {one.key for one in refs if sampled("s3://b", one.key, 2)} <= set(first)
    assert set(first) <= set(drawn(refs, 30)[0])


def test_a_sample_is_never_empty() -> None:
    few = [ref(f"{n}/x.csv") for n in range(30)]
    keys, draw, _ = drawn(few, 0.01)
    assert len(keys) == 1
    assert draw.strata
    assert drawn([], 5)[0] == []


def test_what_must_not_be_opened_is_of_no_stratum() -> None:
    shut = [ref(f"shut/{n}.txt", denied="PERMISSION_DENIED: no") for n in range(200)]
    keys, draw, _ = drawn([*shut, *SMALL], 10)
    assert all(s.label.folder.startswith("hr/") for s in draw.strata)
    assert any(key.startswith("shut/") for key in keys)


@pytest.mark.parametrize(("population", "percent"), [(1, 10), (4, 10), (15, 5), (60, 2)])
def test_the_weight_is_the_inverse_of_the_probability(population: int, percent: float) -> None:
    counts: Counter[str] = Counter()
    buckets = 1_500
    for bucket in range(buckets):
        draw = Draw(percent, "", NOW)
        refs = [ObjectRef(f"s3://{bucket}", f"a/{n}.txt", 1, "e", NOW) for n in range(population)]
        counts.update(one.key for one in refs if draw.take(one))
        counts.update(one.key for one in draw.rest())
        assert draw.strata[0].weight == pytest.approx(drawn_weight(population, percent / 100, True))
    mean = sum(counts.values()) / population / buckets
    assert mean * drawn_weight(population, percent / 100, True) == pytest.approx(1, abs=0.06)


def test_how_many_are_ensured_follows_from_the_sizes() -> None:
    assert ensured_from([1] * 1_000, 0.01) == float("inf")
    assert ensured_from([500] * 1_000, 0.01) == 500
    assert ensured_from([], 0.5) == float("inf")
    least = ensured_from([1_000] * 10 + list(range(1, 100)), 0.01)
    assert 1 < least < 1_000


def test_labels() -> None:
    strata = Strata("in/2026", NOW)
    assert strata.label(ref("in/2026/a/b/c/d.CSV", 5_000, 40)) == Label("in/2026/a/b", "table", "<64K", "<1y")
    assert strata.label(ref("in/2026/a/d.pdf", 0, None)) == Label("in/2026/a", "document", "empty", "unknown")
    assert strata.label(ref("in/2026/noend", 1 << 40, 800)) == Label("in/2026", "other", "more", "older")
    assert Strata("", NOW).label(ref("top.json")).folder == ""


def test_there_is_an_end_to_strata() -> None:
    strata = Strata("", NOW, most=10)
    seen = {strata.number(ref(f"f{n % 50}/g{n}/x.{'csv' if n % 2 else 'txt'}")) for n in range(2_000)}
    assert len(seen) == len(strata.labels) <= 30
    assert {label.folder for label in strata.labels[20:]} <= {ALL}
    assert strata.number(ref("f3/g3/x.csv")) == strata.number(ref("f3/g3/x.csv"))
