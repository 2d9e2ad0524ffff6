"""A bucket behind a bad line: every object ends in one outcome, and nothing is found more or less for it."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import Cli, dump
from tests.support.proxy import TRANSIENT, Fault, FaultProxy, Request, Schedule, fault_proxy
from tests.support.s3 import READERS, Bucketeer, read_by
from tests.support.trees import document, documents


@pytest.fixture(params=READERS)
def cli(cli: Cli, request: pytest.FixtureRequest) -> Cli:
    return read_by(cli, request.param)


PERMANENT = (Fault.GONE, Fault.DENIED)


def draw(*parts: object) -> float:
    """A number in [0, 1) that follows from the parts."""
    raw = hashlib.blake2b(repr(parts).encode(), digest_size=8).digest()
    return int.from_bytes(raw, "big") / 2**64


def fate(key: str, rate: float) -> Fault | None:
    """What is wrong with an object for good, for one in `1 / rate` of them."""
    chance = draw("fate", key)
    return PERMANENT[int(chance / rate * len(PERMANENT))] if chance < rate else None


def bad_line(rate: float) -> Schedule:
    """Faults of every kind; `rate` of the requests meet a passing one, as many objects one for good."""

    def schedule(request: Request) -> Fault | None:
        if request.key and request.method == "GET":
            lasting = fate(request.key, rate)
            if lasting is not None:
                return lasting
        chance = draw(request.method, request.key, request.query if not request.key else "", request.nth)
        if chance >= rate:
            return None
        fault = TRANSIENT[int(chance / rate * len(TRANSIENT))]
        if not request.key and fault in (Fault.FLIP, Fault.CHANGED, Fault.SHORT):
            return Fault.RESET  # S3 gives listings no checksum; what is cut is no XML
        return fault

    return schedule


def compare(cli: Cli, s3: Bucketeer, bucket: str, count: int, rate: float, *options: Any) -> dict[str, Any]:
    """Scan over a good and over a bad line, assert that they agree, and say what happened."""
    keys = [document(n)[0] for n in range(count)]
    key_file = cli.root / "store.key"
    with fault_proxy(s3.port) as good:
        cli.scan(f"s3://{bucket}", "--db", "good.duckdb", "--key-file", key_file, "--endpoint-url", good.url, *options)
        needed = len(good.requests)
    with fault_proxy(s3.port, bad_line(rate)) as bad:
        bad_run = ("--db", "bad.duckdb", "--key-file", key_file, "--endpoint-url", bad.url, *options)
        summary = cli.scan(f"s3://{bucket}", *bad_run, codes=(0, 4))
        faults, asked = dict(bad.faults), len(bad.requests)
        assert summary["listed"] == count == sum(summary["objects"].values())
        lost = {key for key in keys if fate(key, rate)}
        agree(cli.root, lost)
        rerun(cli, f"s3://{bucket}", bad, bad_run, lost, count)
    agree(cli.root, set())
    return {
        "objects": count,
        "needed": needed,
        "requests": asked,
        "faults": {str(k): v for k, v in faults.items()},
        "lost": len(lost),
    }


def agree(root: Path, lost: set[str]) -> None:
    """The findings of the bad run are those of the good one, for all objects but the lost."""
    good, bad = dump(root / "good.duckdb"), dump(root / "bad.duckdb")
    outcomes = {row[3]: (row[10], row[11].partition(":")[0]) for row in bad["objects"] if row[-1] is None}
    expected = {row[3]: (row[10], row[11].partition(":")[0]) for row in good["objects"]}
    assert {k: v for k, v in outcomes.items() if k not in lost} == {k: v for k, v in expected.items() if k not in lost}
    for key in lost:
        assert outcomes[key] in (("skipped", "SOURCE_OBJECT_NO_LONGER_AVAILABLE"), ("skipped", "PERMISSION_DENIED"))
    gone = {row[0] for row in good["objects"] if row[3] in lost}
    for table, oid, run in (("findings", 1, 2), ("occurrences", 1, 2), ("value_index", 1, 2)):
        wanted = [(*row[:run], *row[run + 1 :]) for row in good[table] if row[oid] not in gone]
        found = [(*row[:run], *row[run + 1 :]) for row in bad[table]]
        assert sorted(map(repr, found)) == sorted(map(repr, wanted)), table


def rerun(cli: Cli, target: str, proxy: FaultProxy, options: tuple[Any, ...], lost: set[str], count: int) -> None:
    """Once the line is good, the next run reads what was lost and nothing else."""
    proxy.schedule = lambda request: None
    proxy.forget()
    later = cli.scan(target, *options)
    assert set(proxy.reads()) == lost
    assert later["objects"]["unchanged"] == count - len(lost)


def test_a_bad_line_costs_no_finding(cli: Cli, s3: Bucketeer) -> None:
    s3.make("bad-line", dict(documents(200)))
    met = compare(cli, s3, "bad-line", 200, 0.05, "--workers", 2)
    assert len(met["faults"]) >= 7, met
    assert met["lost"] >= 4
    assert met["requests"] < 1.3 * met["needed"], met


@pytest.mark.parametrize("fault", TRANSIENT)
def test_each_fault_alone(cli: Cli, s3: Bucketeer, fault: Fault) -> None:
    bucket = f"one-{fault.value.replace('_', '-')}"
    s3.make(bucket, {"a.txt": b"x" * 3_000 + b" SSN: 219-10-1001\n"})

    def schedule(request: Request) -> Fault | None:
        return fault if request.key and request.method == "GET" and request.nth == 0 else None

    with fault_proxy(s3.port, schedule) as proxy:
        found = cli.scan(f"s3://{bucket}", "--endpoint-url", proxy.url)
        assert proxy.faults[fault] == 1
    assert found["objects"]["scanned"] == 1
    assert found["findings"]["by_rule"][0]["matches"] == 1


@pytest.mark.parametrize(
    ("fault", "reason"),
    [(Fault.FLIP, "CHECKSUM_MISMATCH"), (Fault.CUT, "READ_FAILED"), (Fault.SHORT, "READ_FAILED")],
)
def test_a_fault_that_never_ends_is_a_failure_with_a_reason(cli: Cli, s3: Bucketeer, fault: Fault, reason: str) -> None:
    bucket = f"ever-{fault.value.replace('_', '-')}"
    s3.make(bucket, {"a.txt": b"SSN: 219-10-1001\n", "b.txt": b"x"})

    def schedule(request: Request) -> Fault | None:
        return fault if request.key == "a.txt" and request.method == "GET" else None

    with fault_proxy(s3.port, schedule) as proxy:
        found = cli.scan(f"s3://{bucket}", "--endpoint-url", proxy.url, codes=(4,))
    assert found["reasons"] == [{"reason": reason, "objects": 1}]
    assert found["objects"]["scanned"] == 1
