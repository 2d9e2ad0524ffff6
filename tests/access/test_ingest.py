"""Log files into the store: of all shapes, once, and as if nothing had happened after a kill."""

from __future__ import annotations

import gzip
import io
import json
import os
import signal
import subprocess
import sys
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from piiscan.access.reading import Reading, records
from tests.access.make import CANONICAL, OURS, ROLE, THEIRS, line, record, rows, store, take, trail, write
from tests.support.made import add_run, finding, report
from tests.support.s3 import s3_server


def test_a_mix_of_files(tmp_path: Path) -> None:
    files = {
        "t/one.json.gz": trail([record(), record(key="b")]),
        "t/two.json": b"\xef\xbb\xbf" + trail([record()]),
        "t/both.json.gz": trail([record()]) + b"\n" + trail([record()]),
        "t/none.json.gz": trail([]),
        "l/plain": line() + line("REST.PUT.OBJECT"),
        "l/packed.gz": line(),
        "digest.json.gz": json.dumps({"awsAccountId": OURS, "digestStartTime": "2026-09-01T00:00:00Z"}).encode(),
        "other.txt": b"hello\n",
        "other.json": b'{"a": 1}',
        "zero": b"",
        "nul": b"\0" * 5000,
    }
    with store(tmp_path) as into:
        done = take(into, write(tmp_path / "logs", files))
        assert rows(into, "object, action, requests") == [
            ("a.csv", "GetObject", 6),
            ("a.csv", "PutObject", 1),
            ("b", "GetObject", 1),
        ]
    assert done.whole()
    assert done.records == 8
    assert done.files == {"trail": 4, "lines": 2, "digest": 1, "other": 3}


def test_a_request_counts_once_whatever_tells_of_it(tmp_path: Path) -> None:
    records = [record(request="R1"), record(key="b", request="R2"), record(request="")]
    lines = line(request="R1") + line(key="b", request="R2") + line(request="R3")
    delete = line("REST.POST.MULTI_OBJECT_DELETE", "-", request="D", time="01/Sep/2026:23:59:59 +0000")
    batch = [line("BATCH.DELETE.OBJECT", key, request="D", status="204") for key in ("x", "y")]
    logs = write(tmp_path / "logs", {"t.json": trail(records), "again.json.gz": trail(records)})
    with store(tmp_path) as into:
        done = take(into, logs, logs)
        assert (done.records, done.doubles, done.known) == (6, 3, 2)
        write(tmp_path / "logs", {"l": lines + lines + delete + b"".join(batch) * 2})
        done = take(into, logs)
        assert (done.records, done.doubles) == (11, 7)
        assert rows(into, "object, action, requests") == [
            ("", "DeleteObjects", 1), ("a.csv", "GetObject", 3), ("b", "GetObject", 1), ("x", "DeleteObject", 1),
            ("y", "DeleteObject", 1),
        ]  # fmt: skip
        assert sum(row[0] for row in rows(into, "requests", "v_access_days")) == 7


def test_the_event_names_a_record_without_a_request(tmp_path: Path) -> None:
    old = record()
    del old["requestID"]
    nameless = record()
    del nameless["requestID"], nameless["eventID"]
    with store(tmp_path) as into:
        done = take(into, write(tmp_path / "logs", {"t.json": trail([old, old, nameless, nameless])}))
    assert done.doubles == 1


def test_what_was_taken_is_not_read_again(tmp_path: Path) -> None:
    logs = write(tmp_path / "logs", {"a.gz": line(), "b.json": trail([record()])})
    with store(tmp_path) as into:
        assert take(into, logs).records == 2
        again = take(into, logs)
        assert (again.records, again.known) == (0, 2)
        write(tmp_path / "logs", {"a.gz": line() + line()})
        changed = take(into, logs)
        assert (changed.records, changed.known, sum(changed.files.values())) == (2, 1, 1)
        assert len(rows(into, "path", "v_access_logs")) == 2


def test_sums_do_not_depend_on_how_often_it_was_called(tmp_path: Path) -> None:
    days = [line(key=f"k{n % 7}", time=f"{n % 28 + 1:02d}/Sep/2026:10:00:00 +0000") for n in range(400)]
    whole = write(tmp_path / "whole", {"l": b"".join(days)})
    columns = "object, principal, action, first_seen, last_seen, requests, bytes"
    with store(tmp_path / "one") as into:
        take(into, whole)
        expected, of_days = rows(into, columns), rows(into, "* EXCLUDE (source)", "v_access_days")
    with store(tmp_path / "many") as into:
        for n in range(10):
            take(into, write(tmp_path / "parts", {f"{n}.gz": b"".join(days[n::10])}))
        assert rows(into, columns) == expected
        assert rows(into, "* EXCLUDE (source)", "v_access_days") == of_days
        assert into.query("SELECT count(*) FROM access_requests") == [(len(expected),)]
        assert into.query("SELECT count(*) FROM access_days") == [(len(of_days),)]
        assert into.query("SELECT max(n) FROM (SELECT count(*) AS n FROM access_seen GROUP BY day)")[0][0] <= 8


@pytest.mark.parametrize(
    ("name", "data", "taken", "broken", "note"),
    [
        ("cut.json.gz", gzip.compress(trail([record(key=f"{n}") for n in range(2000)]))[:-3000], 1, 1, "TRUNCATED"),
        ("cut.gz", gzip.compress(b"".join(line(key=f"{n}") for n in range(5000)))[:-2000], 1, 0, "TRUNCATED"),
        ("flip.gz", gzip.compress(line() * 50)[:-8] + b"\0" * 8, 50, 0, "MALFORMED_FILE"),
        ("open.json", trail([record()])[:-2], 1, 0, "TRUNCATED"),
        ("open2.json", trail([record(), record()])[:-200], 1, 1, "TRUNCATED"),
        ("bad.json", trail([record()])[:-2] + b',{"eventVersion":},' + trail([record()])[12:], 2, 1, ""),
        ("bad", line() + b"nonsense\n" + b"\xff\xfe\0\n" + line(), 2, 2, ""),
        ("time", line() + line(time="99/Foo/2026:10:00:00 +0000"), 1, 1, ""),
        ("notime.json", trail([record(), record(time="yesterday")]), 2, 1, ""),
    ],
)
def test_broken_files_cost_what_is_broken(
    tmp_path: Path, name: str, data: bytes, taken: int, broken: int, note: str
) -> None:
    with store(tmp_path) as into:
        done = take(into, write(tmp_path / "logs", {name: data, "good": line()}))
        assert done.broken >= broken if note == "TRUNCATED" else done.broken == broken
        assert done.records >= taken + 1
        assert not done.whole()
        assert [text.split(":")[0] for _, text in done.notes] == ([note] if note else [])
        assert rows(into, "note <> ''", "v_access_logs", f"path LIKE '%/{name}'") in ([(bool(note),)], [])


class Repeated(io.RawIOBase):
    """A stream that begins with something and repeats something else."""

    def __init__(self, head: bytes, body: bytes, size: int, tail: bytes = b"") -> None:
        self._left, self._body, self._held, self._tail = size, body, head, tail

    def read(self, size: int = -1) -> bytes:
        while len(self._held) < size and self._left > 0:
            self._held += self._body
            self._left -= len(self._body)
        if self._left <= 0 and self._tail:
            self._held, self._tail = self._held + self._tail, b""
        out, self._held = self._held[:size], self._held[size:]
        return out


@pytest.mark.parametrize("kind", ["line", "record", "packed", "lost"])
def test_what_never_ends_takes_no_memory(kind: str) -> None:
    """A line, a record, packed zeros, garbage: 120 MB of each."""
    size, good = 120_000_000, trail([record()])[:-2]
    whole: dict[str, Callable[[], Any]] = {
        "line": lambda: Repeated(line(), b"x" * 1_000_000, size, b"\n" + line()),
        "record": lambda: Repeated(good + b',{"eventVersion":"', b"x" * 1_000_000, size, b'"},' + good[12:] + b"]}"),
        "packed": lambda: io.BytesIO(
            gzip.compress(line()) + gzip.compress(b"\0" * size, 9) + gzip.compress(b"\n" + line())
        ),
        "lost": lambda: Repeated(good + b",", b"{[ \0" * 250_000, size, good[12:] + b"]}"),
    }
    stream, reading = whole[kind](), Reading()
    tracemalloc.start()
    try:
        assert sum(len(some) for some in records(stream, reading)) == 2
        assert tracemalloc.get_traced_memory()[1] < 60e6
    finally:
        tracemalloc.stop()
    assert reading.records == 2
    assert reading.broken == 1


def test_countries_come_from_the_users_file_only(tmp_path: Path) -> None:
    from piiscan.access.countries import read_countries
    from piiscan.errors import ConfigError

    path = tmp_path / "c.csv"
    path.write_text("network,country\n192.0.0.0/16,AA\n192.0.2.0/24,BB\n2001:db8::/32,CC\n192.0.2.128/25,DD\n")
    found = read_countries(path)
    asked = ("192.0.2.7", "192.0.3.1", "192.0.2.200", "2001:db8::1", "8.8.8.8", "s3.amazonaws.com")
    assert [found.of(ip) for ip in asked] == ["BB", "AA", "DD", "CC", None, None]
    path.write_text("192.0.2.0/99,AA\n")
    with pytest.raises(ConfigError, match="line 1"):
        read_countries(path)


def test_joined_with_what_was_found(tmp_path: Path) -> None:
    """The scanner's object and the log's are one."""
    from dataclasses import replace

    source = "s3://customers"
    with store(tmp_path) as into:
        held = report("a b.csv", [finding()])
        held = replace(held, ref=replace(held.ref, source=source))
        stale = replace(report("old.csv", [finding()]), ref=replace(held.ref, key="old.csv"))
        clean = replace(report("clean.csv"), ref=replace(held.ref, key="clean.csv"))
        add_run(into, tmp_path, [held, stale, clean])
        theirs = {"type": "AWSAccount", "principalId": "AIDATHEIRS", "accountId": THEIRS}
        text = trail([
            record(key="a b.csv", time="2026-08-01T10:00:00Z"), record(key="clean.csv"),
            record(key="a b.csv", user=ROLE, time="2026-08-20T10:00:00Z"), record(key="a b.csv", user=theirs),
            record(key="a b.csv", user={"accountId": "anonymous"}, error="AccessDenied", time="2026-10-01T10:00:00Z"),
        ])  # fmt: skip
        take(into, write(tmp_path / "logs", {"t.json": text}))
        assert rows(into, "object, kind, outside, requests", "v_sensitive_access") == [
            ("a b.csv", "account", True, 1), ("a b.csv", "role", False, 1), ("a b.csv", "user", False, 1),
        ]  # fmt: skip
        assert rows(into, "object, kind, earlier_readers", "v_first_readers") == [
            ("a b.csv", "account", 2), ("a b.csv", "role", 1),
        ]  # fmt: skip
        assert rows(into, "account, objects, sensitive_objects", "v_outside_readers") == [(THEIRS, 1, 1)]
        assert rows(into, "object, days, never_read, logs_since::VARCHAR", "v_stale_sensitive") == [
            ("a b.csv", 30, False, "2026-08-01"), ("old.csv", 61, True, "2026-08-01"),
        ]  # fmt: skip
        assert rows(into, "owner, requests, reads, readers, denied", "v_access_buckets") == [(OURS, 5, 4, 3, 1)]


_KILLED = """
import os, signal, sys
from pathlib import Path
from piiscan import stages
from piiscan.access import ingest
from tests.access.make import store, take
ingest.GROUP_FILES = 3
left = [int(sys.argv[2])]
def reached(stage):
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getpid(), signal.SIGKILL)
stages.reached = reached
with store(Path(sys.argv[1])) as into:
    take(into, Path(sys.argv[1]) / "logs")
"""


@pytest.mark.parametrize("when", [1, 3])
def test_a_kill_loses_and_doubles_nothing(tmp_path: Path, when: int) -> None:
    files = {f"{n}.gz": b"".join(line(key=f"k{m}") for m in range(20)) for n in range(12)}
    logs = write(tmp_path / "logs", files)
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", _KILLED, str(tmp_path), str(when)], cwd=root, env=os.environ, capture_output=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    with store(tmp_path) as into:
        again = take(into, logs)
        assert again.known == 3 * (when - 1)
        assert again.records == 240 - 20 * again.known
        assert again.doubles == 0
        assert rows(into, "sum(requests)::BIGINT, count(*)") == [(240, 20)]
        assert rows(into, "sum(requests)::BIGINT", "v_access_days") == [(240,)]


def test_files_are_committed_as_they_fill_a_batch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What waits for a commit is bounded, though a batch is full in the middle of a file."""
    reached: list[str] = []
    monkeypatch.setattr("piiscan.access.gather.MOST", 25)
    monkeypatch.setattr("piiscan.stages.reached", reached.append)
    files = {f"{n}.gz": b"".join(line(key=f"k{m}") for m in range(20)) for n in range(10)}
    with store(tmp_path) as into:
        take(into, write(tmp_path / "logs", files))
        assert rows(into, "sum(requests)::BIGINT, count(*)") == [(200, 20)]
    assert reached.count("commit") == 5


def test_many_objects_and_actors_are_forgotten_and_known_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("piiscan.access.gather.KEPT", 10)
    files = {f"{n}": b"".join(line(key=f"k{m}") for m in range(n, n + 15)) for n in range(8)}
    with store(tmp_path) as into:
        take(into, write(tmp_path / "logs", files))
        assert rows(into, "sum(requests)::BIGINT, count(*)") == [(120, 22)]
        assert into.query("SELECT count(*), count(DISTINCT oid) FROM access_objects") == [(22, 22)]


def test_a_bucket_of_logs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from piiscan.config import AwsConfig, Config

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    with s3_server() as server, store(tmp_path) as into:
        prefix = f"AWSLogs/{OURS}/CloudTrail/eu-west-1/2026/09/01/"
        server.make(
            "trail", {f"{prefix}{n}.json.gz": gzip.compress(trail([record()])) for n in range(5)} | {"x": b"no"}
        )
        server.make("logs", {f"access/{n}": line() for n in range(3)})
        config = Config(aws=AwsConfig(endpoint_url=server.url, region="us-east-1"))
        done = take(into, "s3://trail/AWSLogs/", "s3://logs/access/", "s3://missing/", config=config)
        assert (done.records, done.files) == (8, {"trail": 5, "lines": 3})
        assert done.source_errors == ["s3://missing: no such bucket"]
        again = take(into, "s3://trail", "s3://logs", config=config)
        assert (again.known, again.records, again.others) == (8, 0, ["s3://trail/x"])
        assert rows(into, "requests") == [(8,)]


def test_a_file_that_could_not_be_fetched_whole_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading breaks off behind the first part, as a bucket's answer may; the second time it does not."""
    from piiscan.crawl.local import BoundedFile
    from piiscan.errors import ReadFailed

    logs = write(tmp_path / "logs", {"l": b"".join(line(key=f"k{n}") for n in range(5000))})
    whole = BoundedFile.readinto

    def broken(self: BoundedFile, buffer: memoryview) -> int:
        if self.tell() > 300_000:
            raise ReadFailed("reading broke off")
        return whole(self, buffer)

    with store(tmp_path) as into:
        monkeypatch.setattr(BoundedFile, "readinto", broken)
        first = take(into, logs)
        monkeypatch.setattr(BoundedFile, "readinto", whole)
        second = take(into, logs)
        assert 0 < first.records < 5000
        assert not first.whole()
        assert (second.records, second.doubles) == (5000, first.records)
        assert rows(into, "sum(requests)::BIGINT, count(*)") == [(5000, 5000)]


def test_canonical_owners_give_way_to_numbers(tmp_path: Path) -> None:
    with store(tmp_path) as into:
        take(into, write(tmp_path / "logs", {"l": line()}))
        assert rows(into, "owner", "v_access_buckets") == [(CANONICAL,)]
        take(into, write(tmp_path / "more", {"t.json": trail([record()]), "u": line()}))
        assert rows(into, "owner", "v_access_buckets") == [(OURS,)]
        take(into, write(tmp_path / "last", {"l": line()}))
        assert rows(into, "owner", "v_access_buckets") == [(OURS,)]
