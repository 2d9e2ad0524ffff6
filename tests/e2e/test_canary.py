"""No value that was found is anywhere in clear: not in the database, its log, a spool, an output, an alert, a trace."""

from __future__ import annotations

import contextlib
import csv
import gzip
import io
import json
import os
import pty
import signal
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fixtures.writers.pdf import pdf_bytes, pdf_objects
from piiscan.report import FORMATS as REPORTS
from tests.e2e.test_kill import KILL
from tests.extract.make import cell, docx, paragraph, xlsx, zipped
from tests.support.cli import Cli, hooked
from tests.support.made import database, finding, report
from tests.support.trees import write

_ZSTD_FRAME = b"\x28\xb5\x2f\xfd"
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def luhn(text: str) -> str:
    """`text` with the digit that ISO/IEC 7812 adds."""
    total = 0
    for index, char in enumerate(reversed(text)):
        number = int(char) * (2 if index % 2 == 0 else 1)
        total += number - 9 if number > 9 else number
    return text + str(-total % 10)


def iban(country: str, account: str) -> str:
    """The account with the check digits that ISO 13616 adds."""
    digits = "".join(str(int(char, 36)) for char in f"{account}{country}00")
    return f"{country}{98 - int(digits) % 97:02d}{account}"


def github(body: str) -> str:
    """A token: thirty characters and the CRC-32 of them, in base 62."""
    number, tail = zlib.crc32(body.encode()), ""
    while number:
        number, rest = divmod(number, 62)
        tail = _BASE62[rest] + tail
    return "gh" + "p_" + body + tail.rjust(6, "0")


def spaced(text: str) -> str:
    return " ".join(text[i : i + 4] for i in range(0, len(text), 4))


def canaries(name: str) -> dict[str, str]:
    """One value a type, not found in any other format."""
    seed = zlib.crc32(name.encode()) % 10_000_000
    return {
        "card": spaced(luhn(f"45391{seed:07d}482")),
        "ssn": f"{219 + seed % 300}-{10 + seed % 89:02d}-{1000 + seed % 8999:04d}",
        "mail": f"canary.{name}{seed}@nest{seed}.example.org",
        "iban": spaced(iban("GB", f"WEST{seed:07d}{seed % 10_000_000:07d}")),
        "token": github(f"Qz{seed:07d}WvKpXr{name.title()[:4]:x<4}Jd93LmTnBcY")[:40],
    }


FORMATS = ("text", "csv", "json", "pdf", "zip", "docx", "xlsx", "latin", "wide")
SECRETS = {name: canaries(name) for name in FORMATS}


def lines(values: dict[str, str]) -> list[str]:
    return [
        f"credit card {values['card']} on file",
        f"SSN: {values['ssn']}",
        f"write to {values['mail']}",
        f"IBAN {values['iban']}",
        f"github token {values['token']}",
    ]


def files() -> Iterator[tuple[str, bytes]]:
    text = {name: "\n".join(lines(values)) + "\n" for name, values in SECRETS.items()}
    yield "text.txt", text["text"].encode()
    out = io.StringIO()
    columns = SECRETS["csv"]
    writer = csv.writer(out)
    writer.writerow(["credit_card", "ssn", "email", "iban", "github_token"])
    writer.writerows([list(columns.values())] * 3)
    yield "table.csv", out.getvalue().encode()
    yield "records.json", json.dumps([SECRETS["json"]]).encode()
    yield "page.pdf", pdf_bytes(pdf_objects([lines(SECRETS["pdf"])]))
    yield "packed.zip", zipped({"inner/a.txt": text["zip"]})
    yield "word.docx", docx("".join(paragraph(line) for line in lines(SECRETS["docx"])))
    rows = "".join(f"<row>{cell(f'A{n}', line)}</row>" for n, line in enumerate(lines(SECRETS["xlsx"]), 1))
    yield "book.xlsx", xlsx({"Sheet": rows})
    yield "latin.txt", ("señor\n" + text["latin"]).encode("latin-1")
    yield "wide.txt", text["wide"].encode("utf-16")


ALERTS = """
[[alerts]]
name = "all"
sql = "SELECT * FROM v_findings"
sinks = ["file"]

[[alerts]]
name = "places"
sql = "SELECT * FROM v_occurrences"
sinks = ["file"]

[[sinks]]
name = "file"
kind = "jsonl"
path = "alerts.jsonl"
"""


def forms(value: str) -> set[bytes]:
    """How a value might be written."""
    bare = "".join(c for c in value if c not in " -")
    texts = {form for text in (value, bare) for form in (text, text.upper(), text.lower())}
    return {text.encode(code) for text in texts for code in ("utf-8", "utf-16-le", "utf-16-be")}


NEEDLES = {needle: f"{name}/{kind}" for name, v in SECRETS.items() for kind, x in v.items() for needle in forms(x)}


def assert_clean(data: bytes, where: str) -> None:
    """No canary, in any form, named without telling it."""
    found = sorted({label for needle, label in NEEDLES.items() if needle in data})
    assert not found, f"{where} tells {', '.join(found)}"


def unpacked(path: Path) -> bytes:
    """All that a file holds: its bytes, and its cells where those are packed."""
    data = path.read_bytes()
    out = [data]
    if data[:4] == b"PAR1" == data[-4:] and len(data) > 8:
        import pyarrow.parquet as pq

        out.append(repr(pq.read_table(path).to_pylist()).encode())
    elif data[:4] == b"PAR1":
        out.extend(zstd_frames(data))  # its writer was killed before the end: there is no list of its pages
    elif data[:2] == b"\x1f\x8b":
        out.append(gzip.decompress(data))
    elif data[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(path) as archive:
            out.extend(map(archive.read, archive.namelist()))
    elif data[8:12] == b"DUCK":
        import duckdb

        with duckdb.connect(str(path), read_only=True) as con:
            for (table,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall():
                out.append(repr(con.execute(f"SELECT * FROM {table}").fetchall()).encode())
    return b"\n".join(out)


def zstd_frames(data: bytes) -> Iterator[bytes]:
    """What is packed in `data`, found by the magic number of a frame (RFC 8878, 3.1.1), each as far as it is there."""
    import pyarrow as pa

    at = data.find(_ZSTD_FRAME)
    while at >= 0:
        held = bytearray()
        with contextlib.suppress(OSError), pa.input_stream(pa.BufferReader(data[at:]), compression="zstd") as frame:
            while part := frame.read(1):  # a longer read that ends in an error gives nothing
                held += part
        yield bytes(held)
        at = data.find(_ZSTD_FRAME, at + 1)


def assert_all_clean(cli: Cli, cache: Path) -> int:
    """No canary in any file that the commands left; how many there are."""
    seen = 0
    for root in (cli.root, cache):
        for path in root.rglob("*"):
            if path.is_file() and cli.root / "tree" not in path.parents:
                assert_clean(unpacked(path), path.name)
                seen += 1
            assert_clean(os.fsencode(path), "a path")
    return seen


@pytest.fixture
def tree(cli: Cli) -> Path:
    (cli.root / "alerts.toml").write_text(ALERTS)
    return write(cli.root / "tree", files())


def checked(cli: Cli, *args: object, codes: tuple[int, ...] = (0,), **options: Any) -> bytes:
    """What a command said, after a look at it."""
    done = cli.run(*args, **options)
    assert_clean(done.out, f"{args[0]}: stdout")
    assert_clean(done.err, f"{args[0]}: stderr")
    assert done.code in codes, (args, done.code, done.said)
    return done.out


def test_the_look_would_see_a_leak(tmp_path: Path) -> None:
    for label, value in (("text/card", SECRETS["text"]["card"]), ("pdf/token", SECRETS["pdf"]["token"])):
        for leak in (value.encode(), value.replace(" ", "").encode(), value.upper().encode("utf-16-le")):
            with pytest.raises(AssertionError, match=label):
                assert_clean(b"x" + leak + b"y", "here")
    import duckdb
    import pyarrow as pa
    import pyarrow.parquet as pq

    column = [*(f"nothing {n}" for n in range(9_000)), SECRETS["csv"]["mail"]]
    pq.write_table(pa.table({"v": column}), whole := tmp_path / "a.parquet", compression="zstd", write_statistics=False)
    (cut := tmp_path / "a.tmp").write_bytes(whole.read_bytes()[:-100])
    assert_clean(cut.read_bytes(), "the draft, packed")
    for path in (whole, cut):
        with pytest.raises(AssertionError, match="csv/mail"):
            assert_clean(unpacked(path), "the spool")
    with duckdb.connect(str(tmp_path / "a.duckdb")) as con:
        con.execute("CREATE TABLE t AS SELECT ? AS v", [SECRETS["csv"]["mail"]])
        log = tmp_path / "a.duckdb.wal"
        with pytest.raises(AssertionError, match="csv/mail"):
            assert_clean(unpacked(log), "the log")
    with pytest.raises(AssertionError):
        assert_clean(unpacked(tmp_path / "a.duckdb"), "the database")
    for packed in (gzip.compress(SECRETS["csv"]["mail"].encode()), zipped({"a": SECRETS["csv"]["mail"]})):
        (tmp_path / "packed").write_bytes(packed)
        with pytest.raises(AssertionError, match="csv/mail"):
            assert_clean(unpacked(tmp_path / "packed"), "an export")


def test_everything_that_is_written_and_said(cli: Cli, cache: Path, tree: Path) -> None:
    checked(cli, "--verbose", "scan", "tree", "--no-ner", "--alert", "--config", "alerts.toml")
    found = cli.sql("SELECT object, rule, finding FROM v_findings")
    missing = {f[0] for f in files()} - {row["object"] for row in found}
    assert not missing, missing
    assert len(found) >= 4 * len(FORMATS), sorted((r["object"], r["rule"]) for r in found)
    for format_ in REPORTS:
        checked(cli, "report", "--format", format_, "-o", f"out.{format_}")
    for format_ in ("table", "jsonl", "html"):
        checked(cli, "report", "--format", format_)
    secret = SECRETS["text"]
    checked(cli, "find", "--json", stdin=f"{secret['card']}\n".encode())
    checked(cli, "triage", "suppress", "--value", "--reason", "known", stdin=f"{secret['card']}\n".encode())
    checked(cli, "triage", "set", found[0]["finding"], "false_positive", "--reason", "no")
    checked(cli, "triage", "baseline", "--reason", "today")
    for command in ("diff", "tree", "top column", "triage audit", "triage propose --least 1", "alert outbox --all"):
        checked(cli, *command.split(), codes=(0, 2) if command == "diff" else (0,))
    checked(cli, "explain", found[0]["object"])
    views = [row["name"] for row in cli.sql("SELECT view_name AS name FROM duckdb_views() WHERE view_name[:2] = 'v_'")]
    assert len(views) > 15
    every = "".join(f"SELECT * FROM {view};\n" for view in views).encode()
    for form in ("--csv", "--json", "--md"):
        checked(cli, "sql", form, stdin=every)
    checked(cli, "sql", "SELECT * FROM v_occurrences", "--parquet", "out.parquet")
    checked(cli, "coverage")
    checked(cli, "coverage", "--json")
    for row in {row["object"]: row for row in found}.values():
        checked(cli, "explain", row["finding"])
        shown = checked(cli, "show", row["finding"], "--context", 200)
        assert b"*" in shown
    checked(cli, "check", "tree/text.txt", "--no-ner")
    checked(cli, "db", "info")
    checked(cli, "db", "backup", "kept.bak")
    checked(cli, "db", "rotate-key")
    checked(cli, "find", "--json", stdin=f"{secret['card']}\n".encode())  # under both keys
    loud = ("--log-level", "debug", "--log-format", "json")
    again = ("scan", "tree", "--no-ner", "--json", "--fail-on", "low", "--metrics-file", "m.prom")
    checked(cli, *loud, *again)  # all is read under the new key, and all of it is in the baseline
    assert not any(row["unverified"] for row in cli.sql("SELECT unverified FROM v_suppressions WHERE baseline"))
    assert cli.good("alert", "outbox", "--all", "--json").lines()
    checked(cli, "scan", "tree", "--dry-run")
    assert (cli.root / "alerts.jsonl").stat().st_size > 1_000
    assert assert_all_clean(cli, cache) > 10


@pytest.mark.parametrize("stage", ["spool:1", "ingest:1", "commit:1", "snapshot:2", "extract:3"])
def test_what_a_killed_scan_leaves(cli: Cli, cache: Path, tree: Path, stage: str) -> None:
    whom = "parent" if stage.startswith(("spool", "extract")) else "self"
    env = hooked(cli.root / "hook", KILL) | {"TEST_KILL": f"{stage}:{whom}:"}
    checked(cli, "--verbose", "scan", "tree", "--no-ner", env=env, codes=(-signal.SIGKILL,))
    assert_all_clean(cli, cache)


def test_what_a_scan_killed_before_its_log_was_written_back_leaves(cli: Cli, cache: Path, tree: Path) -> None:
    code = "import os, piiscan.store.ingest as i\ni.DuckStore.end = lambda *a: os.kill(os.getpid(), 9)"
    checked(cli, "scan", "tree", "--no-ner", env=hooked(cli.root / "hook", code), codes=(-signal.SIGKILL,))
    assert (cli.root / "piiscan.duckdb.wal").stat().st_size > 10_000
    assert_all_clean(cli, cache)


RAISES = """
import piiscan.redact as redact
def mask_for(rule, value):
    try:
        {}[value]
    except KeyError as err:
        raise ValueError(f"cannot mask {value!r}") from err
redact.mask_for = mask_for
"""


def test_a_traceback_tells_no_value(cli: Cli, cache: Path, tree: Path) -> None:
    env = hooked(cli.root / "hook", RAISES) | {"PIISCAN_DEBUG": "1"}
    checked(cli, "--verbose", "scan", "tree", "--no-ner", env=env, codes=(4,))
    (row, *_) = cli.sql("SELECT reason FROM v_objects WHERE object = 'text.txt'")
    assert row["reason"].startswith("INTERNAL_ERROR")
    done = cli.run("check", "tree/text.txt", "--no-ner", env=env)
    assert_clean(done.err + done.out, "check")
    assert done.code == 2
    assert "Traceback" in done.said
    assert "KeyError" in done.said
    assert "in mask_for" in done.said
    assert_all_clean(cli, cache)


FAULT = """
import piiscan.redact as redact
def forms(value):
    raise ValueError(f"no form of {value!r}")
redact.forms = forms
"""


def test_a_fault_in_a_command_that_was_given_a_value(cli: Cli, tree: Path) -> None:
    database(cli.root, [report("a.txt", [finding()])], name="piiscan.duckdb")
    env = hooked(cli.root / "hook", FAULT) | {"PIISCAN_DEBUG": "1"}
    card = f"{SECRETS['text']['card']}\n".encode()
    for command in (("find",), ("triage", "suppress", "--value", "--reason", "x")):
        said = checked(cli, *command, "--key-file", "made.key", stdin=card, env=env, codes=(2,))
        assert said == b""


def test_progress_on_a_terminal_tells_no_value(cli: Cli, tree: Path) -> None:
    ours, theirs = pty.openpty()
    with cli.start("--verbose", "scan", "tree", "--no-ner", stderr=theirs) as process:
        os.close(theirs)
        shown = b""
        try:
            while part := os.read(ours, 4_096):
                shown += part
        except OSError:
            pass  # how a terminal ends on Linux
        process.communicate()
    os.close(ours)
    assert b"objects" in shown
    assert_clean(shown, "the terminal")


def test_a_match_shows_no_value() -> None:
    from piiscan.model import Match, RuleId

    assert "canary" not in repr(Match(RuleId("generic.email"), 0, 6, "canary@example.org", 0.9))
