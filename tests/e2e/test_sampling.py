"""Scans that read a part, from the command line: what they say of the whole, and what a scan would cost."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.cli import Cli
from tests.support.s3 import Bucketeer
from tests.support.trees import plain, write

OPTIONS = ("--no-ner", "--workers", "1")


@pytest.fixture
def tree(cli: Cli) -> Path:
    quiet = ((f"quiet/q{n}.log", b"nothing to see here\n" * 20) for n in range(300))
    write(cli.root / "tree", plain(60))
    return write(cli.root / "tree", quiet)


def test_a_sample_says_how_many_of_all(cli: Cli, tree: Path) -> None:
    done = cli.good("scan", "tree", "--sample", "25", "--db", "a.duckdb", *OPTIONS)
    assert "Sample of file://" in done.said
    assert "of 360 objects" in done.said
    assert "none found, at most" in done.said
    summary = cli.scan("tree", "--sample", "25", "--full", "--db", "b.duckdb")
    (target,) = summary["samples"]
    assert target["population"] == 360
    assert 60 <= target["sampled"] == summary["objects"]["scanned"] <= 130
    assert (target["unread"], target["unsampled"], target["level"]) == (0, 0, 0.95)
    rows = {(row["kind"], row["what"]): row for row in target["estimates"]}
    pii, cards = rows["category", "pii"], rows["category", "financial"]
    assert pii["low"] <= 60 / 360 <= pii["high"]
    assert pii["low"] < pii["share"] < pii["high"]
    assert cards["found"] == cards["low"] == 0
    assert 0 < cards["at_most"] < cards["high"] < 0.06
    drawn = cli.sql("SELECT sum(population) AS n, sum(sampled) AS drawn, min(weight) AS w FROM v_strata", db="b.duckdb")
    assert (drawn[0]["n"], drawn[0]["drawn"]) == (360, target["sampled"])
    assert drawn[0]["w"] >= 1
    first, second = (
        cli.sql("SELECT object FROM v_objects ORDER BY object", db=f"{name}.duckdb") for name in ("a", "b")
    )
    assert first == second
    page = cli.good("report", "--format", "html", "--db", "b.duckdb").text
    assert "Estimates from a sample" in page
    assert f"{target['sampled']:,} of 360 objects were drawn" in page
    assert "at most" in page


def test_a_run_that_reads_all_says_nothing_of_samples(cli: Cli, tree: Path) -> None:
    assert "Sample" not in cli.good("scan", "tree", *OPTIONS).said
    assert "samples" not in cli.scan("tree", "--full")
    assert "Estimates" not in cli.good("report", "--format", "html").text


def test_a_budget_is_spent_on_the_best_and_the_next_best_are_named(cli: Cli, tree: Path) -> None:
    first = cli.scan("tree", "--budget", "12KB")
    assert 12_000 <= first["bytes"] < 12_400
    assert len(first["next_best"]) == 10
    would = cli.good("scan", "tree", "--budget", "12KB", "--dry-run", "--json", *OPTIONS).lines()
    said = would.pop()["summary"]
    assert said["objects"] == len(would)
    assert said["unchanged"] == first["objects"]["scanned"]
    before = {row["object"] for row in cli.sql("SELECT object FROM v_objects")}
    second = cli.scan("tree", "--budget", "12KB")
    after = {row["object"] for row in cli.sql("SELECT object FROM v_objects")}
    assert {row["object"] for row in would} == after - before
    assert second["objects"]["unchanged"] == len(before)
    assert "Next best objects" in cli.good("scan", "tree", "--budget", "1000", *OPTIONS).said
    assert "samples" not in cli.scan("tree")


def test_wrong_sizes_and_both_at_once(cli: Cli, tree: Path) -> None:
    for wrong in ("much", "0", "-3GB", "5 XB"):
        assert cli.run("scan", "tree", f"--budget={wrong}").code == 2
    both = cli.run("scan", "tree", "--budget", "1MB", "--sample", "5")
    assert (both.code, "one of them" in both.said) == (2, True)
    assert cli.run("scan", "tree", "--dry-run", "--prices", "none.toml").code == 2


def test_what_a_scan_of_a_bucket_would_cost(cli: Cli, s3: Bucketeer) -> None:
    bucket = s3.make("priced", {f"a/{n}.txt": b"x" * 1_000 for n in range(20)})
    for n in range(5):
        s3.put(bucket, f"cold/{n}.txt", b"y" * 2_000, StorageClass="GLACIER_IR")
    s3.put(bucket, "gone/deep.txt", b"z" * 10_000, StorageClass="DEEP_ARCHIVE")
    cli.env["AWS_ENDPOINT_URL_S3"] = s3.url
    said = cli.good("scan", f"s3://{bucket}", "--dry-run", "--json", *OPTIONS).lines()[-1]["summary"]
    price = said["price"]
    assert (said["objects"], said["listed"], said["bytes"]) == (25, 26, 30_000)
    assert price["requests"]["get"] == 25
    assert price["requests"]["list"] >= 1
    assert price["by_class"] == {
        "GLACIER_IR": {"requests": 5, "bytes": 10_000},
        "STANDARD": {"requests": 20, "bytes": 20_000},
    }
    assert price["dollars"]["get"] == pytest.approx(5 * 0.01 / 1_000 + 20 * 0.0004 / 1_000)
    assert price["dollars"]["retrieval"] == pytest.approx(10_000 * 0.03 / 1e9)
    text = cli.good("scan", f"s3://{bucket}", "--dry-run", *OPTIONS).said
    assert "list prices of us-east-1 as of 2026-" in text
    assert "time: " in text


def test_a_job_that_discovers(cli: Cli, s3: Bucketeer) -> None:
    names = [s3.make(f"found-{n}", {f"d{i % 3}/{i}.txt": b"nothing\n" * 100 for i in range(12)}) for n in ("a", "b")]
    cli.env["AWS_ENDPOINT_URL_S3"] = s3.url
    cli.good("job", "add", "sweep", "s3://found-*", "--discover", "9KB", "--schedule", "daily 02:00", *OPTIONS)
    assert cli.run("job", "add", "two", "s3://found-*", "--discover", "9KB", "--budget", "9KB").code == 2
    for _ in range(3):
        cli.good("job", "run", "sweep", "--quiet")
    shown = cli.good("job", "show", "sweep", "--json").json()
    assert (shown["kind"], shown["settings"]["budget"]) == ("discovery", 9_000)
    for name in names:
        rows = [row for row in shown["coverage"] if row["source"] == f"s3://{name}"]
        shares = [row["objects_share"] for row in rows]
        assert len(rows) == 3
        assert shares == sorted(shares)
        assert 0 < shares[0] < shares[-1] == 1.0
    text = cli.good("job", "show", "sweep").text
    assert f"ever read of s3://{names[0]}" in text
    assert "12 of 12 objects (100.0 %), 100.0 % of the bytes" in text
