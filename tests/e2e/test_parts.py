"""Large texts are read in parts: the rows are those of one reading from the first byte to the last."""

from __future__ import annotations

import json
import random
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.test_kill import KILL, clean
from tests.support.cli import Cli, hooked
from tests.support.proxy import Fault, FaultProxy, Request, fault_proxy
from tests.support.s3 import READERS, Bucketeer, read_by
from tests.support.trees import mail, ssn

KEY = "7c" * 32
STATE = (
    "SELECT key, size, media_type, outcome, reason, bytes_examined, risk, reasons FROM objects",
    "SELECT finding, rule, severity, confidence, count, distinct_values, distinct_exact, test_data FROM findings",
    "SELECT finding, rule, seq, char_start, char_length, place, masked, confidence, fingerprint FROM occurrences",
    "SELECT fingerprint, rule, count FROM value_index",
    "SELECT oid, entry, rule, count FROM allowed",
)


def lines(seed: int, size: int) -> bytes:
    """A log of about so many bytes: long and short lines of several scripts, ends of all kinds."""
    rng, out = random.Random(seed), bytearray()
    while len(out) < size:
        number, kind = len(out), rng.random()
        if kind < 0.15:
            text = f"His SSN: {ssn(rng.randrange(900))} is on file with {mail(rng.randrange(300))}"
        elif kind < 0.3:
            text = f"Zürich – naïve café 身份证号码 {number} überall 😀"
        elif kind < 0.31:
            text = "x" * rng.randrange(3_000)
        else:
            text = f"{number} INFO request took {rng.randrange(999)} ms"
        out += text.encode() + rng.choice((b"\n", b"\n", b"\r\n", b"\n\n", b"\r"))
    return bytes(out)


PEM = b"-----BEGIN RSA PRIVATE KEY-----\n" + b"MIIEpAIBAAKCAQEA7bq0Zp\n" * 40 + b"-----END RSA PRIVATE KEY-----\n"
FILES: dict[str, Callable[[], bytes]] = {
    "plain.log": lambda: lines(1, 600_000),
    "marked.txt": lambda: b"\xef\xbb\xbf" + lines(2, 300_000),
    "damaged.log": lambda: lines(3, 200_000) + b"\xff\xfe broken \xc3\n" + lines(4, 200_000),
    "keys.txt": lambda: (PEM + lines(5, 3_000)) * 80,
    "one.log": lambda: b"SSN: " + ssn(7).encode() + b" " + b"y" * 2_500_000 + b"\n" + lines(6, 300_000),
    "ended": lambda: lines(7, 250_000) + b"no end of line, SSN: " + ssn(8).encode(),
    "table.txt": lambda: b"id,ssn\n" + b"".join(f"{n},{ssn(n)}\n".encode() for n in range(20_000)),
    "latin.txt": lambda: "Straße und Größe, überall schöne Häuser\n".encode("latin-1") * 6_000,
}


@pytest.fixture
def tree(cli: Cli) -> Path:
    folder = cli.root / "tree"
    folder.mkdir()
    for name, made in FILES.items():
        (folder / name).write_bytes(made())
    (cli.root / "key").write_text(KEY)
    (cli.root / "key").chmod(0o600)
    return folder


def command(cli: Cli, target: object, database: str, part_bytes: int, workers: int) -> list[object]:
    config = cli.root / f"{database}.toml"
    config.write_text(f"part_bytes = {part_bytes}\n")
    return [target, "--db", f"{database}.duckdb", "--config", config, "--key-file", "key", "--workers", workers]


def state(cli: Cli, database: str) -> list[list[tuple[Any, ...]]]:
    import duckdb

    con = duckdb.connect(str(cli.root / f"{database}.duckdb"), read_only=True)
    try:
        return [con.execute(f"{query} ORDER BY ALL").fetchall() for query in STATE]
    finally:
        con.close()


def test_parts_give_the_rows_of_the_whole(cli: Cli, tree: Path) -> None:
    cli.scan(*command(cli, tree, "whole", 0, 1))
    whole = state(cli, "whole")
    assert {row[3] for row in whole[0]} == {"scanned"}
    assert len(whole[2]) > 5_000
    for part_bytes, workers in ((50_000, 2), (120_001, 1)):
        name = f"parts{part_bytes}"
        summary = cli.scan(*command(cli, tree, name, part_bytes, workers))
        assert summary["objects"]["scanned"] == len(FILES)
        assert state(cli, name) == whole


def record(number: int) -> bytes:
    row = {"id": number, "ssn": ssn(number), "contact": {"mail": mail(number % 700), "note": "naïve 😀"}}
    return json.dumps(row, ensure_ascii=number % 2 == 0).encode() + b"\n"


def unordered(rows: list[list[tuple[Any, ...]]]) -> list[Any]:
    """The rows without the order in which values were met: columns come out one after another, for so many records."""
    places = sorted(row[:2] + row[3:] for row in rows[2])
    return [*rows[:2], places, *rows[3:]]


@pytest.mark.parametrize("broken", [False, True])
def test_json_lines_in_parts(cli: Cli, broken: bool) -> None:
    folder = cli.root / "tree"
    folder.mkdir()
    lines = [record(n) for n in range(900)]
    if broken:
        lines[100] = b'{"ssn": "' + ssn(950).encode() + b'", cut\n\n'
        lines[800:803] = [b"SSN: " + ssn(960 + n).encode() + b"\r\n" for n in range(3)]
    (folder / "people.jsonl").write_bytes(b"".join(lines))
    (cli.root / "key").write_text(KEY)
    (cli.root / "key").chmod(0o600)
    cli.scan(*command(cli, folder, "whole", 0, 1), codes=(4 * broken,))
    whole = state(cli, "whole")
    assert whole[0][0][2] == "application/x-ndjson"
    assert whole[0][0][4] == ("MALFORMED_FILE: 4 lines are no JSON: read as plain text" if broken else "")
    assert len(whole[2]) > 1_700
    for workers in (1, 2):
        cli.scan(*command(cli, folder, f"parts{workers}", 20_000, workers), codes=(4 * broken,))
        assert unordered(state(cli, f"parts{workers}")) == unordered(whole)
    assert state(cli, "parts1") == state(cli, "parts2")


def test_names_are_the_same_with_one_worker_and_with_two(cli: Cli, tree: Path) -> None:
    for workers in (1, 2):
        cli.good("scan", *command(cli, tree / "plain.log", f"names{workers}", 50_000, workers), "--quiet")
    assert state(cli, "names1") == state(cli, "names2")


@pytest.mark.parametrize(("stage", "nth"), [("spool", 3)])
def test_killed_and_resumed(cli: Cli, tree: Path, stage: str, nth: int) -> None:
    cli.scan(*command(cli, tree, "piiscan", 50_000, 2), "--db", "whole.duckdb")
    env = hooked(cli.root / "hook", KILL) | {"TEST_KILL": f"{stage}:{nth}:parent:"}
    done = cli.run("scan", *command(cli, tree, "piiscan", 50_000, 2), "--no-ner", env=env)
    assert done.code == -signal.SIGKILL
    assert cli.scan(*command(cli, tree, "piiscan", 50_000, 2))["resumed"]
    assert state(cli, "piiscan") == state(cli, "whole")
    clean(cli)


@pytest.fixture
def proxy(s3: Bucketeer) -> Iterator[FaultProxy]:
    with fault_proxy(s3.port) as made:
        yield made


@pytest.mark.parametrize("reader", READERS[1:])
def test_in_a_bucket_through_faults(cli: Cli, s3: Bucketeer, proxy: FaultProxy, reader: str) -> None:
    cli.env["AWS_ENDPOINT_URL_S3"] = proxy.url
    read_by(cli, reader)
    (cli.root / "key").write_text(KEY)
    (cli.root / "key").chmod(0o600)
    bucket = f"parts-{reader}"
    s3.make(bucket, {name: FILES[name]() for name in ("plain.log", "one.log", "latin.txt")})
    cli.scan(*command(cli, f"s3://{bucket}", "whole", 0, 1))
    proxy.forget()
    cli.scan(*command(cli, f"s3://{bucket}", "parts", 100_000, 2))
    assert state(cli, "parts") == state(cli, "whole")
    assert proxy.reads().count("plain.log") > 6

    def broken(request: Request) -> Fault | None:
        return Fault.CUT if request.key == "plain.log" and request.number % 3 == 0 else None

    proxy.schedule = broken
    cli.scan(*command(cli, f"s3://{bucket}", "cut", 100_000, 2))
    assert state(cli, "cut") == state(cli, "whole")


def test_an_object_that_is_overwritten_meanwhile_is_read_as_it_is_now(
    cli: Cli, s3: Bucketeer, proxy: FaultProxy
) -> None:
    cli.env["AWS_ENDPOINT_URL_S3"] = proxy.url
    (cli.root / "key").write_text(KEY)
    (cli.root / "key").chmod(0o600)
    s3.make("moved", {"a.log": lines(9, 500_000)})
    fresh = lines(10, 400_000)
    turned = False

    def overwrite(request: Request) -> None:
        nonlocal turned
        if request.method == "GET" and request.key == "a.log" and request.nth > 5 and not turned:
            turned = True
            s3.put("moved", "a.log", fresh)

    proxy.before = overwrite
    cli.scan(*command(cli, "s3://moved", "moved", 50_000, 2))
    cli.scan(*command(cli, "s3://moved", "whole", 0, 1))
    assert turned
    assert state(cli, "moved") == state(cli, "whole")
