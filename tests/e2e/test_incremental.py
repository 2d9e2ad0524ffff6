"""What was read and has not changed is not read again; what has changed is, and what is gone is closed."""

from __future__ import annotations

import os
import resource
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import Cli
from tests.support.trees import documents, plain, ssn, write

RULE = """
id       = "custom.badge"
name     = "Badge"
category = "custom"
summary  = "A badge."

[severity]
steps = { 1 = "low" }

[match]
before  = '[^\\w]'
pattern = 'BDG-\\d{6}'
after   = '[^\\w]'

[confidence]
match = 0.9

[[example]]
text = "BDG-123456"
find = ["BDG-123456"]

[[example]]
text = "see BDG-654321"
find = ["BDG-654321"]

[[negative]]
text    = "BDG-12345"
stopped = "match"

[[negative]]
text    = "BDG-1234567"
stopped = "match"
"""


@pytest.fixture
def tree(cli: Cli) -> Path:
    return write(cli.root / "tree", documents(42))


def read(summary: dict[str, Any]) -> int:
    """Objects that a run examined."""
    return sum(summary["objects"][o] for o in ("scanned", "partial", "skipped", "failed"))


def test_the_second_run_reads_nothing(cli: Cli, tree: Path) -> None:
    first = cli.scan(tree)
    assert (read(first), first["objects"]["unchanged"]) == (42, 0)
    second = cli.scan(tree)
    assert (read(second), second["objects"]["unchanged"], second["bytes"], second["gone"]) == (0, 42, 0, 0)
    assert second["findings"] == first["findings"]
    assert second["run"] == 2


def test_changed_added_and_deleted(cli: Cli, tree: Path) -> None:
    cli.scan(tree)
    before = {r["finding"]: r["first_seen"] for r in cli.sql("SELECT finding, first_seen FROM v_findings")}
    (tree / "d0/note0.txt").write_text(f"SSN: {ssn(70)} and {ssn(71)}\n")
    (tree / "d6/note6.txt").unlink()
    (tree / "new.txt").write_text(f"SSN: {ssn(72)}\n")
    second = cli.scan(tree)
    assert read(second) == 2
    assert (second["objects"]["unchanged"], second["gone"]) == (40, 1)

    now = {
        (r["object"], r["rule"]): r
        for r in cli.sql("SELECT finding, object, rule, count, first_seen, run FROM v_findings")
    }
    assert now["d0/note0.txt", "us.ssn"]["count"] == 2
    assert now["d0/note0.txt", "us.ssn"]["first_seen"] == before[now["d0/note0.txt", "us.ssn"]["finding"]]
    assert ("d0/note0.txt", "generic.email") not in now
    assert now["new.txt", "us.ssn"]["run"] == 2
    assert not any(key.startswith("d6/note6") for key, _ in now)
    # Closed, not forgotten: the first run still knows what it saw.
    lines = cli.good("report", "--run", 1, "--format", "jsonl").lines()
    assert any(line["object"] == "d6/note6.txt" for line in lines)
    assert cli.good("db", "check").code == 0

    (tree / "d6/note6.txt").write_text(f"SSN: {ssn(6)} is back\n")
    third = cli.scan(tree)
    assert (read(third), third["gone"]) == (1, 0)
    assert any(r["object"] == "d6/note6.txt" for r in cli.sql("SELECT object FROM v_findings"))


def test_a_change_of_the_same_size_and_time_is_noticed(cli: Cli, tree: Path) -> None:
    path = tree / "d0/note0.txt"
    cli.scan(tree)
    status, text = path.stat(), path.read_text()
    path.write_text(text.replace("His", "Her"))
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert path.stat().st_size == status.st_size
    assert read(cli.scan(tree)) == 1


def test_full_reads_all_again_and_doubles_nothing(cli: Cli, tree: Path) -> None:
    first = cli.scan(tree)
    second = cli.scan(tree, "--full")
    assert (read(second), second["objects"]["unchanged"]) == (42, 0)
    assert second["findings"] == first["findings"]
    assert cli.good("db", "check").code == 0


@pytest.mark.parametrize("option", [("--threshold", "0.3"), ("--pack", "own.toml"), ("--rules", "rules")])
def test_other_rules_read_again_what_they_might_find_more_in(cli: Cli, tree: Path, option: tuple[str, str]) -> None:
    (cli.root / "own.toml").write_text('name = "own"\nsummary = "One rule."\nrules = ["us.ssn"]\n')
    (cli.root / "rules" / "custom").mkdir(parents=True)
    (cli.root / "rules" / "custom" / "badge.toml").write_text(RULE)
    (tree / "badge.txt").write_text("badge BDG-123456 lost\n")
    cli.scan(tree)
    other = cli.scan(tree, *option)
    assert {"--threshold": read(other) == 43, "--pack": 0 < read(other) <= 43, "--rules": 0 < read(other) < 43}[
        option[0]
    ]
    assert read(other) + other["objects"]["unchanged"] == 43
    rules = {r["rule"] for r in other["findings"]["by_rule"]}
    assert ("custom.badge" in rules) == (option[0] == "--rules")
    if option[0] == "--pack":
        assert rules == {"us.ssn"}
    assert read(cli.scan(tree, *option)) == 0


def test_what_a_run_leaves_out_is_not_gone(cli: Cli, tree: Path) -> None:
    cli.scan(tree)
    some = cli.scan(tree, "--include", "*.txt", "--full")
    assert some["objects"]["left_out"] > 0
    assert some["gone"] == 0
    assert read(cli.scan(tree, "--max-objects", 5, "--full")) == 5
    assert cli.sql("SELECT count(*) AS n FROM v_objects") == [{"n": 42}]


def test_a_folder_that_can_no_longer_be_listed_closes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one process, since root can list everything: the refusal is the system call's."""
    from piiscan.config import Config
    from piiscan.scan import Run
    from piiscan.store.ingest import DuckStore

    for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / name))
    tree = write(tmp_path / "tree", plain(14))
    store = DuckStore(tmp_path / "a.duckdb")
    config = Config(ner=False, workers=1)
    assert Run([str(tree)], config, store).execute().gone == 0
    real = os.scandir

    def refusing(path: Any = ".") -> Any:
        if str(path).endswith("/d3"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    with monkeypatch.context() as patched:
        patched.setattr(os, "scandir", refusing)
        result = Run([str(tree)], config, store).execute()
    assert result.gone == 0
    rows = dict(store.query("SELECT object, reason FROM v_objects WHERE starts_with(object, 'd3')"))
    assert sorted(rows) == ["d3", "d3/note10.txt", "d3/note3.txt"]
    assert rows["d3"].startswith("PERMISSION_DENIED")
    assert Run([str(tree)], config, store).execute().gone == 1
    store.close()


def cpu_per_unchanged_file(cli: Cli, root: Path, count: int) -> tuple[float, float]:
    """Milliseconds of processor time that a run costs for each of `count` unchanged files, above a run over one.

    And the same for the wall clock's sake: seconds of the whole second run.
    """
    import time

    write(root / "many", plain(count))
    write(root / "one", plain(1))
    for name in ("many", "one"):
        cli.scan(root / name, "--db", f"{name}.duckdb")

    def spent(name: str) -> float:
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        summary = cli.scan(root / name, "--db", f"{name}.duckdb")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        assert read(summary) == 0
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    begin = time.monotonic()
    many = min(spent("many") for _ in range(3))
    seconds = (time.monotonic() - begin) / 3
    one = min(spent("one") for _ in range(3))
    return 1_000 * (many - one) / count, seconds


def test_an_unchanged_file_costs_little(cli: Cli) -> None:
    milliseconds, _ = cpu_per_unchanged_file(cli, cli.root / "trees", 2_000)
    assert milliseconds < 0.4  # 0.2 over 10,000 files is the bar: `make soak BARS=incremental`
