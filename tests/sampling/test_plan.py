from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta

import pytest

from piiscan.model import ObjectRef
from piiscan.sampling.history import History, Row
from piiscan.sampling.plan import Listing, Plan

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def refs(folder: str, count: int, size: Callable[[int], int] = lambda n: 1_000, suffix: str = "txt") -> list[ObjectRef]:
    return [ObjectRef("s3://b", f"{folder}/{n}.{suffix}", size(n), "e", NOW - timedelta(days=2)) for n in range(count)]


def planned(
    objects: Sequence[ObjectRef],
    budget: int,
    rows: Iterable[Row] = (),
    known: Iterable[str] = (),
    later: Sequence[ObjectRef] | None = None,
) -> tuple[list[ObjectRef], Plan, Listing]:
    """What is chosen, and needs reading, of objects that may differ in the second listing."""
    have = set(known)

    def unchanged(batch: Sequence[ObjectRef]) -> set[int]:
        return {index for index, ref in enumerate(batch) if ref.key in have}

    plan = Plan(budget, unchanged, History(rows, NOW), NOW, 1)
    listing = plan.look("s3://b", "", objects)
    plan.allot([listing])
    left: list[ObjectRef] = []
    pairs = [(ref, True) for ref in (later if later is not None else objects)]
    chosen = [ref for ref, taken in plan.choose(listing, pairs, left.append) if taken]
    assert len(left) + len(chosen) == len(pairs)
    return [ref for ref in chosen if ref.key not in have], plan, listing


def bytes_by_folder(chosen: Iterable[ObjectRef]) -> dict[str, int]:
    out: dict[str, int] = {}
    for ref in chosen:
        folder = ref.key.partition("/")[0]
        out[folder] = out.get(folder, 0) + ref.size
    return out


@pytest.mark.parametrize("budget", [1, 999, 5_000, 77_777, 400_000, 10**9])
@pytest.mark.parametrize("size", [lambda n: 1_000, lambda n: 1 + n * n, lambda n: 10**6 if n == 7 else 10])
def test_the_budget_is_used_up_and_exceeded_by_one_object_at_most(budget: int, size: Callable[[int], int]) -> None:
    objects = [*refs("a", 300, size), *refs("b", 40, size, "csv"), *refs("c", 1, size)]
    chosen, _, _ = planned(objects, budget)
    spent = sum(ref.size for ref in chosen)
    last = max((ref.size for ref in chosen), default=0)
    assert chosen
    assert spent >= min(budget, sum(ref.size for ref in objects)) or spent + 400 >= budget
    assert spent - last < budget


def test_without_a_history_all_strata_have_the_same() -> None:
    chosen, _, _ = planned([*refs("a", 3_000), *refs("b", 500), *refs("c", 20)], 420_000)
    by = bytes_by_folder(chosen)
    assert by["c"] == 20_000
    assert by["a"] == pytest.approx(200_000, rel=0.1)
    assert by["b"] == pytest.approx(200_000, rel=0.1)


def test_where_more_was_found_more_is_read() -> None:
    long_ago = NOW - timedelta(days=10)
    rows: list[Row] = [("s3://b", "a", "txt", 50, 50 * 60.0, long_ago), ("s3://b", "b", "txt", 50, 0.0, long_ago)]
    chosen, _, _ = planned([*refs("a", 3_000), *refs("b", 3_000)], 400_000, rows)
    by = bytes_by_folder(chosen)
    assert by["a"] > 4 * by["b"] > 0


def test_what_is_new_or_was_not_looked_at_for_long_comes_before() -> None:
    rows: list[Row] = [
        ("s3://b", "lately", "txt", 50, 500.0, NOW - timedelta(days=1)),
        ("s3://b", "stale", "txt", 50, 500.0, NOW - timedelta(days=90)),
    ]
    history = History(rows, NOW)
    plan = Plan(0, lambda batch: set(), history, NOW, 1)
    listing = plan.look("s3://b", "", [*refs("lately", 1), *refs("stale", 1), *refs("new", 1)])
    scores = {part.label.folder: history.score("s3://b", part.label) for part in listing.parts}
    assert scores["new"] > scores["stale"] > scores["lately"]
    assert "50 like it read, mean risk 10, last 90 days ago" in history.why("s3://b", listing.parts[1].label)
    assert history.why("s3://b", listing.parts[2].label) == "nothing like it was read"


def test_what_is_known_costs_nothing() -> None:
    objects = refs("a", 400)
    first, _, _ = planned(objects, 100_000)
    known = {ref.key for ref in first}
    second, _, listing = planned(objects, 100_000, known=known)
    assert not known & {ref.key for ref in second}
    assert sum(ref.size for ref in second) >= 100_000
    assert listing.strata[0].sampled >= 150


def test_the_same_objects_are_chosen_each_time() -> None:
    objects = [*refs("a", 400), *refs("b", 300)]
    assert planned(objects, 150_000)[0] == planned(objects, 150_000)[0]


def test_a_listing_that_grew_stays_within_the_budget() -> None:
    objects = refs("a", 400)
    grown = [*objects, *refs("a/new", 50, lambda n: 10_000), *refs("z", 400)]
    chosen, _, _ = planned(objects, 60_000, later=grown)
    assert sum(ref.size for ref in chosen) < 60_000 + 1_001
    larger = [ObjectRef("s3://b", ref.key, 9_000, "f", ref.modified) for ref in objects]
    chosen, _, _ = planned(objects, 60_000, later=larger)
    assert sum(ref.size for ref in chosen) < 60_000 + 9_000


def test_the_next_best_are_what_a_larger_budget_reads() -> None:
    rows: list[Row] = [("s3://b", "a", "txt", 90, 90 * 80.0, NOW), ("s3://b", "b", "txt", 90, 0.0, NOW)]
    objects = [*refs("a", 2_000), *refs("b", 2_000)]
    chosen, plan, _ = planned(objects, 100_000, rows)
    following = plan.next_best()
    assert len(following) == 10
    assert {one.ref.key.partition("/")[0] for one in following} == {"a"}
    assert not {one.ref.key for one in following} & {ref.key for ref in chosen}
    more, _, _ = planned(objects, 200_000, rows)
    assert {one.ref.key for one in following} <= {ref.key for ref in more}


def test_the_sample_of_a_stratum_is_its_lowest_hashes() -> None:
    objects = [*refs("a", 500), *refs("b", 500)]
    _, _, listing = planned(objects, 300_000)
    assert [s.population for s in listing.strata] == [500, 500]
    for number, stratum in enumerate(listing.strata):
        assert listing.numbers.count(number) == stratum.sampled
        assert stratum.weight == pytest.approx(stratum.population / stratum.sampled)
    taken = {mark & (2**64 - 1) for mark in listing.members}
    assert max(taken) < 2**63
