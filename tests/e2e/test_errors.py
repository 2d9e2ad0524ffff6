"""What goes wrong is said in one sentence, with the exit code that CONTRACT names, and costs nothing that was kept."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.e2e.test_incremental import RULE
from tests.support.cli import Cli, Done, hooked
from tests.support.trees import documents, plain, ssn, write


@pytest.fixture
def tree(cli: Cli) -> Path:
    return write(cli.root / "tree", plain(3))


def sentence(done: Done, code: int) -> str:
    """The one line that a failed command said."""
    assert done.code == code, (done.code, done.said)
    lines = done.said.splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("piiscan: ")
    assert len(lines[0]) < 400
    return lines[0]


def scan(cli: Cli, *args: object) -> Done:
    return cli.run("scan", *args, "--no-ner", "--quiet")


@pytest.mark.parametrize("target", ["nowhere", "tree/note.txt/below", "", "n" * 300])
def test_no_such_target(cli: Cli, tree: Path, target: str) -> None:
    assert sentence(scan(cli, target), 3)


def test_one_missing_target_beside_a_good_one(cli: Cli, tree: Path) -> None:
    assert "nowhere" in sentence(scan(cli, "nowhere", "tree"), 3)
    assert cli.sql("SELECT count(*) AS n FROM v_findings") == [{"n": 3}]


def test_a_locked_database(cli: Cli, tree: Path) -> None:
    import duckdb

    cli.scan(tree)
    con = duckdb.connect(str(cli.root / "piiscan.duckdb"))
    try:
        said = sentence(scan(cli, "tree"), 5)
    finally:
        con.close()
    assert f"process {os.getpid()}" in said
    assert "another --db" in said


def test_a_newer_schema(cli: Cli, tree: Path) -> None:
    import duckdb

    cli.scan(tree)
    with duckdb.connect(str(cli.root / "piiscan.duckdb")) as con:
        con.execute("INSERT INTO schema_version VALUES (999, now()::TIMESTAMP, '99.0')")
    before = (cli.root / "piiscan.duckdb").read_bytes()
    for command in (("scan", "tree", "--no-ner", "--quiet"), ("sql", "SELECT 1"), ("report",)):
        assert "newer piiscan" in sentence(cli.run(*command), 5)
    assert (cli.root / "piiscan.duckdb").read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"no database at all\n" * 500, b"\0" * 20_000, b"SQLite format 3\0" * 300])
def test_what_is_not_a_database(cli: Cli, tree: Path, content: bytes) -> None:
    path = cli.root / "piiscan.duckdb"
    path.write_bytes(content)
    for command in (("sql", "SELECT 1"), ("report",), ("scan", "tree", "--no-ner", "--quiet")):
        assert "piiscan.duckdb" in sentence(cli.run(*command), 5)
    assert path.read_bytes() == content


def test_a_database_of_somebody_else(cli: Cli, tree: Path) -> None:
    import duckdb

    with duckdb.connect(str(cli.root / "piiscan.duckdb")) as con:
        con.execute("CREATE TABLE theirs (a INTEGER)")
    for command in (("scan", "tree", "--no-ner", "--quiet"), ("sql", "SELECT 1")):
        assert "not one of piiscan's" in sentence(cli.run(*command), 5)


def test_no_database_yet(cli: Cli) -> None:
    for command in (("sql", "SELECT 1"), ("report",), ("coverage",), ("explain", "a" * 32), ("db", "check")):
        assert "no such database" in sentence(cli.run(*command), 5)
    assert not (cli.root / "piiscan.duckdb").exists()


def test_a_damaged_log_is_repaired_on_request(cli: Cli, tree: Path) -> None:
    # Killed before the run's end, and without a snapshot that would have written the log back.
    code = (
        "import os, piiscan.store.ingest as i, piiscan.store.snapshot as s\n"
        "s.Publisher.maybe = lambda *a: None\ni.DuckStore.end = lambda *a: os.kill(os.getpid(), 9)"
    )
    cli.run("scan", "tree", "--no-ner", "--quiet", env=hooked(cli.root / "hook", code))
    wal = cli.root / "piiscan.duckdb.wal"
    data = wal.read_bytes()
    # One bit of a row: a damaged length would look like a log that broke off, which is no damage.
    inside = data.index(b"note1.txt")
    wal.write_bytes(data[:inside] + bytes([data[inside] ^ 1]) + data[inside + 1 :])
    assert "db repair" in sentence(scan(cli, "tree"), 5)
    assert "db repair" in sentence(cli.run("sql", "SELECT 1"), 5)
    assert wal.exists()
    said = cli.good("db", "repair").text
    assert "opens again" in said
    assert list(cli.root.glob("piiscan.duckdb.wal.damaged-*"))
    assert cli.scan(tree)["findings"]["total"] == 3
    assert cli.good("db", "check").code == 0


def test_a_rule_file_with_an_unknown_key(cli: Cli, tree: Path) -> None:
    folder = cli.root / "rules" / "custom"
    folder.mkdir(parents=True)
    (folder / "badge.toml").write_text(RULE.replace("[confidence]", "[confidence]\nsurprise = 1"))
    said = sentence(scan(cli, "tree", "--rules", "rules"), 2)
    assert "badge.toml" in said
    assert "surprise" in said
    assert not (cli.root / "piiscan.duckdb").exists() or cli.run("sql", "SELECT 1 FROM v_runs").code == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("surprise = 1\n", "surprise"),
        ("[store]\nsurprise = 1\n", "store.surprise"),
        ("workers = 'two'\n", "workers"),
        ("include = '*.txt'\n", "include"),
        ("[[alerts]]\nname = 'a'\n", "alerts"),
        ("workers = \n", "TOML"),
    ],
)
def test_a_wrong_configuration_names_file_and_key(cli: Cli, tree: Path, text: str, says: str) -> None:
    (cli.root / "mine.toml").write_text(text)
    said = sentence(scan(cli, "tree", "--config", "mine.toml"), 2)
    assert "mine.toml" in said
    assert says in said


@pytest.mark.parametrize("key", ["sinks", "alerts", "db", "key_file", "rules", "presidio", "aws"])
def test_the_folder_that_is_scanned_may_not_steer_the_scan(cli: Cli, tree: Path, key: str) -> None:
    values = {
        "sinks": "[[sinks]]\nname = 'x'\nkind = 'jsonl'\npath = 'out'\n",
        "alerts": "[[alerts]]\nname = 'x'\nsql = 'SELECT 1'\n",
        "aws": "[aws]\nendpoint_url = 'http://127.0.0.1:9'\n",
        "rules": "rules = ['.']\n",
        "presidio": "presidio = ['x.yaml']\n",
    }
    (cli.root / "piiscan.toml").write_text(values.get(key, f"{key} = 'x'\n"))
    said = sentence(scan(cli, "tree"), 2)
    assert "piiscan.toml" in said
    assert repr(key) in said
    (cli.root / "piiscan.toml").write_text("exclude = ['*1.txt']\n")
    assert cli.scan("tree")["objects"]["left_out"] == 1


@pytest.mark.parametrize(
    "args",
    [
        ("--surprise",),
        ("--fail-on", "bad"),
        ("--sample", "0"),
        ("--threshold", "2"),
        ("--workers", "-1"),
        ("--max-objects", "-1"),
        ("--max-bytes", "-1"),
        ("--pack", "nowhere"),
        ("--rules", "nowhere"),
        ("--config", "nowhere.toml"),
        ("--workers", "many"),
    ],
)
def test_wrong_options(cli: Cli, tree: Path, args: tuple[str, ...]) -> None:
    done = scan(cli, "tree", *args)
    assert done.code == 2, (done.code, done.said)
    assert "Traceback" not in done.said
    assert done.said


def test_a_lost_key_is_never_replaced(cli: Cli, tree: Path) -> None:
    cli.scan(tree)
    folder = cli.root / "state" / "piiscan" / "keys"
    (key,) = folder.iterdir()
    kept = key.read_text()
    key.unlink()
    for target in ("tree", "tree/d0"):
        said = sentence(scan(cli, target), 2)
        assert key.name in said
        assert "backup" in said
    assert list(folder.iterdir()) == []
    # What was found can still be read.
    assert cli.sql("SELECT count(*) AS n FROM v_findings") == [{"n": 3}]

    key.touch(mode=0o600)
    key.write_text("00" * 32)
    assert "not the key" in sentence(scan(cli, "tree"), 2)
    key.write_text("short")
    sentence(scan(cli, "tree"), 2)
    key.write_text(kept)
    key.chmod(0o644)
    assert "chmod 600" in sentence(scan(cli, "tree"), 2)
    key.chmod(0o600)
    assert cli.scan("tree")["objects"]["unchanged"] == 3


@pytest.fixture
def small_disk(cli: Cli) -> Iterator[Path]:
    folder = cli.root / "disk"
    folder.mkdir()
    made = shutil.which("mount") and os.geteuid() == 0
    if (
        not made
        or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)], capture_output=True
        ).returncode
    ):
        pytest.skip("no file system can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(path: Path) -> None:
    """Write into a file until the disk is full."""
    with path.open("wb", buffering=0) as out, suppress(OSError):
        while True:
            out.write(b"\0" * 65_536)


def test_a_full_disk_loses_nothing_that_was_committed(cli: Cli, tree: Path, small_disk: Path) -> None:
    db = small_disk / "a.duckdb"
    cli.scan(tree, "--db", db)
    write(tree, documents(120))
    fill(small_disk / "ballast")
    said = sentence(scan(cli, "tree", "--db", db), 5)
    assert "space" in said
    (small_disk / "ballast").unlink()
    assert cli.sql("SELECT count(*) AS n FROM v_objects WHERE run = 1", db=db) == [{"n": 3}]
    assert cli.good("db", "check", "--db", db).code == 0
    later = cli.scan(tree, "--db", db)
    assert sum(later["objects"].values()) == later["listed"] > 100
    assert cli.good("db", "check", "--db", db).code == 0


def test_a_file_that_may_not_grow(cli: Cli, tree: Path) -> None:
    cli.scan(tree)
    write(tree, documents(120))
    size = (cli.root / "piiscan.duckdb").stat().st_size
    done = cli.run(
        "scan", "tree", "--no-ner", "--quiet",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size)),
    )  # fmt: skip
    assert sentence(done, 5)
    assert cli.sql("SELECT count(*) AS n FROM v_objects WHERE run = 1") == [{"n": 3}]
    assert cli.scan(tree)["status"] == "done"
    assert cli.good("db", "check").code == 0


@pytest.mark.parametrize(
    "command", [("report", "--format", "jsonl"), ("coverage",), ("sql", "SELECT * FROM v_objects")]
)
def test_a_reader_that_goes_away(cli: Cli, command: tuple[str, ...]) -> None:
    cli.scan(write(cli.root / "tree", plain(900)))
    with cli.start(*command) as process:
        assert process.stdout is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.stderr is not None
        said = process.stderr.read()
    assert process.returncode == 141
    assert said == b""


def test_standard_input(cli: Cli) -> None:
    text = f"SSN: {ssn(1)}\n".encode()
    done = cli.good("scan", "-", "--no-ner", "--json", stdin=text)
    assert done.json()["findings"]["total"] == 1
    (line,) = cli.good("report", "--format", "jsonl").lines()
    assert (line["object"], line["source"]) == ("-", "stdin:")
    assert not list(cli.root.glob(".piiscan-stdin*"))
    said = sentence(cli.run("show", line["finding"]), 3)
    assert "standard input" in said
    again = cli.good("scan", "-", "--no-ner", "--json", stdin=b"nothing\n").json()
    assert again["findings"]["total"] == 0


def test_a_killed_scan_of_standard_input_leaves_its_copy_no_longer_than_to_the_next(cli: Cli) -> None:
    code = "import os, piiscan.store.ingest as i\ni.DuckStore.begin = lambda *a: os.kill(os.getpid(), 9)"
    cli.run("scan", "-", "--no-ner", stdin=b"SSN 1", env=hooked(cli.root / "hook", code))
    cli.good("scan", "-", "--no-ner", "--quiet", stdin=b"nothing\n")
    assert not list(cli.root.glob(".piiscan-stdin*"))


def test_fail_on_and_its_exit_code(cli: Cli, tree: Path) -> None:
    assert scan(cli, "tree", "--fail-on", "high").code == 1
    assert scan(cli, "tree", "--fail-on", "critical").code == 0
    (tree / "only").mkdir()
    (tree / "only" / "sample.txt").write_text("SSN: 078-05-1120\n")
    assert scan(cli, "tree/only", "--fail-on", "low", "--db", "b.duckdb").code == 0
