"""Log lines say names and codes, each in its field, and nothing of what was read."""

from __future__ import annotations

import json
import logging
import re
import sys
from pathlib import Path
from typing import Any

import pytest

from piiscan.logs import JsonFormatter, LogFormatter
from tests.support.cli import Cli
from tests.support.trees import documents, mail, ssn, write


@pytest.fixture
def cli(tmp_path: Path, cache: Path) -> Cli:
    return Cli(tmp_path / "work", cache)


def record(text: str, *args: object, name: str = "piiscan.scan", **more: Any) -> logging.LogRecord:
    made = logging.LogRecord(name, logging.WARNING, "somewhere.py", 7, text, args, None)
    made.__dict__.update(more)
    return made


def test_a_hostile_name_stays_in_its_field() -> None:
    name = "file:///srv/a b\nlevel=ERROR \x1b[31m"
    line = LogFormatter("level=%(levelname)s %(message)s").format(record("event=source_failed source=%s", name))
    assert "\n" not in line
    assert "\x1b" not in line
    assert line.startswith('level=WARNING event=source_failed source="file:///srv/a b')
    assert line.endswith('"')


def test_json_has_the_fields_as_they_are() -> None:
    name = 'a b="c"\n\x1b\udcff{'
    line = JsonFormatter().format(record("event=died source=%s code=%d level=%s part=%d/%d", name, -9, "x", 1, 2))
    assert "\n" not in line
    assert line.isascii()
    found = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", found.pop("time"))
    assert list(found.items()) == [
        ("level", "warning"),
        ("logger", "piiscan.scan"),
        ("event", "died"),
        ("source", name),
        ("code", -9),
        ("level_", "x"),
        ("part", "1/2"),
    ]


@pytest.mark.parametrize("formatter", [JsonFormatter(), LogFormatter("level=%(levelname)s %(message)s")])
def test_messages_of_libraries_and_errors_are_left_out(formatter: logging.Formatter) -> None:
    said = record("body: %s", "219-10-1001", name="botocore.endpoint")
    assert "219" not in formatter.format(said)
    assert "somewhere:7" in formatter.format(said)
    value = "-".join(("219", "10", "1001"))
    try:
        raise ValueError(value)
    except ValueError:
        broken = record("event=broken", exc_info=sys.exc_info())
    line = formatter.format(broken)
    assert "219" not in line
    assert "ValueError" in line
    assert "\n" not in line.replace("\n trace=", " trace=")


def test_every_line_of_ours_has_an_event_and_fields() -> None:
    calls = re.compile(r'log\.(?:debug|info|warning|error|exception)\(\s*"([^"]*)"')
    seen = 0
    for path in Path(__file__).parents[1].joinpath("piiscan").rglob("*.py"):
        for text in calls.findall(path.read_text("utf-8")):
            assert re.fullmatch(r"event=\w+(?: \w+=\S+)*", text), (path.name, text)
            seen += 1
    assert seen > 15


@pytest.mark.parametrize("form", ["json", "text"])
def test_a_scan_logs_nothing_that_it_read(cli: Cli, form: str) -> None:
    tree = write(cli.root / "tree", documents(60))
    (tree / "broken.zip").write_bytes(b"PK\x03\x04 SSN: " + ssn(3).encode() * 40)
    (tree / "broken.pdf").write_bytes(b"%PDF-1.4\n(SSN: " + ssn(3).encode() + b")\n" * 40)
    (tree / "secret.json").write_bytes(b'{"ssn": "' + ssn(4).encode() + b'", broken')
    done = cli.run("--log-level", "debug", "--log-format", form, "scan", "tree", "--quiet", "--workers", "2")
    assert done.code in (0, 4)
    said = done.said
    assert "event" in said
    for number in range(600):
        assert ssn(number) not in said
        assert mail(number) not in said
    for line in said.splitlines():
        if form == "json":
            assert list(json.loads(line))[:4] == ["time", "level", "logger", "event"]
        else:
            assert re.match(r"level=\w+ logger=[\w.]+ event=\w+", line)


def test_processes_that_are_started_log_alike(cli: Cli) -> None:
    write(cli.root / "tree", documents(3))
    cli.good("job", "add", "now", "tree", "--schedule", "once", "--no-ner", "--workers", "1")
    options = ("--log-format", "json", "--log-level", "info")
    with cli.start(*options, "serve", "--quiet", "--listen", "none") as server:
        assert server.stderr is not None
        events: list[dict[str, Any]] = []
        try:
            while not events or events[-1]["event"] != "job_ended":
                events.append(json.loads(server.stderr.readline()))
        finally:
            server.terminate()
            server.communicate()
    assert events[0] | {"time": ""} == {
        "time": "", "level": "info", "logger": "piiscan.jobs.serve", "event": "job_begins", "job": "now",
    }  # fmt: skip
    assert events[-1]["code"] == 0


def test_an_error_is_a_line_of_the_same_form(cli: Cli) -> None:
    done = cli.run("--log-format", "json", "sql", "SELECT 1")
    (line,) = done.said.splitlines()
    found = json.loads(line)
    assert (done.code, found["event"], found["exit_code"]) == (5, "failed", 5)
    assert "no such database" in found["message"]
    done = cli.run("--log-format", "yaml", "sql", "SELECT 1")
    assert done.code == 2
    assert done.said == "piiscan: --log-format: 'yaml' is none of text, json\n"
    assert cli.run("sql", "SELECT 1", env={"PIISCAN_LOG_FORMAT": "json"}).said.startswith('{"time"')
