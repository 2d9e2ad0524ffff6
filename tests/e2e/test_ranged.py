"""Large objects of a bucket are fetched as far as they are read, and what is found in them is the same."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fixtures.share import Share
from piiscan.config import AwsConfig
from piiscan.crawl.pace import Pace
from piiscan.crawl.s3 import S3Source
from tests.e2e.northlake import Scanned, scan_all
from tests.e2e.test_versions import listed_in
from tests.support.cli import Cli
from tests.support.proxy import Fault, FaultProxy, Request, fault_proxy
from tests.support.s3 import READERS, Bucketeer
from tests.support.trees import mail, ssn

MB = 1 << 20


@pytest.fixture
def proxy(s3: Bucketeer) -> Iterator[FaultProxy]:
    with fault_proxy(s3.port) as made:
        yield made


def configured(cli: Cli, proxy: FaultProxy, text: str = "", *, least: int = MB) -> Cli:
    """The same commands on the server, objects over `least` bytes in ranges."""
    cli.env["AWS_ENDPOINT_URL_S3"] = proxy.url
    file = Path(cli.env["XDG_CONFIG_HOME"]) / "piiscan" / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"[aws]\nranged_from = {least}\n{text}")
    return cli


def noise(size: int, seed: int = 1) -> bytes:
    return Random(seed).randbytes(size)


def zipped(members: dict[str, bytes], *, locked: bool = False) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, data in members.items():
            packed.writestr(zipfile.ZipInfo(name), data)
    if not locked:
        return out.getvalue()
    flagged = bytearray(out.getvalue())
    for mark, at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):  # the flag of a password, in both places that have one
        found = flagged.find(mark)
        while found >= 0:
            flagged[found + at] |= 1
            found = flagged.find(mark, found + 4)
    return bytes(flagged)


def people(rows: int) -> bytes:
    """A Parquet file of many row groups, about 30 bytes a row."""
    random = Random(2)
    table = pa.table({"ssn": [ssn(n) for n in range(rows)], "token": [random.randbytes(16) for _ in range(rows)]})
    out = io.BytesIO()
    pq.write_table(table, out, row_group_size=20_000, compression="none", use_dictionary=False)
    return out.getvalue()


def test_what_is_found_in_the_share_is_the_same(
    built: Share, share: Path, scanned: Scanned, s3: Bucketeer, proxy: FaultProxy, tmp_path: Path, cache: Path
) -> None:
    s3.make("ranged-share", {str(p.relative_to(share)): p.read_bytes() for p in share.rglob("*") if p.is_file()})
    cli = configured(Cli(tmp_path / "ranged", cache), proxy, least=1)
    found = scan_all("s3://ranged-share", cli)

    def plain(rows: list[dict[str, Any]], *names: str) -> list[str]:
        return sorted(repr({k: v for k, v in row.items() if k not in ("source", "finding", *names)}) for row in rows)

    assert plain(found.findings) == plain(scanned.findings)
    # Of what is read in part it is known here how much was fetched.
    assert plain(found.coverage, "bytes_examined") == plain(scanned.coverage, "bytes_examined")
    assert any("range" in r.headers for r in proxy.requests)


def test_of_a_table_that_ends_at_a_limit_little_is_fetched(cli: Cli, s3: Bucketeer, proxy: FaultProxy) -> None:
    data = people(1_300_000)
    assert len(data) > 40 * MB
    s3.make("large-table", {"people.parquet": data})
    configured(cli, proxy, f"[limits]\nbytes_out = {2 * MB}\n")
    found = cli.scan("s3://large-table", codes=(4,))
    assert found["objects"]["partial"] == 1
    assert found["findings"]["by_rule"][0]["rule"] == "us.ssn"
    assert proxy.bytes["people.parquet"] < 8 * MB
    examined = cli.sql("SELECT bytes_examined AS n FROM objects")[0]["n"]
    assert 0 < examined <= proxy.bytes["people.parquet"]
    assert len(proxy.requests) < 12


def test_of_an_archive_whose_members_are_skipped_the_directory_is_fetched(
    cli: Cli, s3: Bucketeer, proxy: FaultProxy
) -> None:
    data = zipped({f"m{n}.bin": noise(2 * MB, n) for n in range(10)}, locked=True)
    s3.make("locked-zip", {"locked.zip": data})
    configured(cli, proxy)
    found = cli.scan("s3://locked-zip", codes=(4,))
    assert found["reasons"] == [{"reason": "INVALID_ENCRYPTION", "objects": 1}]
    assert proxy.bytes["locked.zip"] < 2.2 * MB
    assert len(proxy.reads()) == 2


def test_what_has_no_reader_is_fetched_as_far_as_it_is_searched(cli: Cli, s3: Bucketeer, proxy: FaultProxy) -> None:
    data = b"\0\1\2\3" * 50 + f"SSN: {ssn(4)}\0".encode() + bytes(20 * MB)
    s3.make("no-reader", {"image.raw": data})
    configured(cli, proxy, f"[limits]\nstrings_bytes = {MB}\n")
    found = cli.scan("s3://no-reader", codes=(4,))
    assert found["findings"]["total"] == 1
    assert proxy.bytes["image.raw"] < 9.2 * MB
    assert cli.sql("SELECT bytes_examined AS n FROM objects") == [{"n": MB}]


def members(rows: int = 60_000) -> dict[str, bytes]:
    return {
        "first.txt": f"SSN: {ssn(1)}\n".encode(),
        "dull.txt": b"nothing to see here\n" * 150_000,
        "middle.csv": ("id,email\n" + "\n".join(f"{n},{mail(n)}" for n in range(rows))).encode(),
        "more.txt": b"nor is there here\n" * 150_000,
        "last.txt": f"SSN: {ssn(2)}\n".encode(),
    }


@pytest.mark.parametrize("fault", [Fault.SLOW_DOWN, Fault.RESET, Fault.CUT, Fault.SHORT, Fault.FLIP, Fault.CHANGED])
def test_faults_in_the_middle_cost_no_finding(cli: Cli, s3: Bucketeer, proxy: FaultProxy, fault: Fault) -> None:
    """Of three objects the first, the second and the third request meets a fault."""
    if "middle-faults" not in [b["Name"] for b in s3.client.list_buckets()["Buckets"]]:
        s3.make("middle-faults", {f"{n}.zip": zipped({**members(20_000), "own.txt": b"%d" % n}) for n in range(3)})
    proxy.schedule = lambda r: fault if r.method == "GET" and r.key == f"{r.nth}.zip" else None
    found = cli.scan("s3://middle-faults", env=dict(configured(cli, proxy).env))
    assert proxy.faults[fault] == 3
    assert found["objects"]["scanned"] == 3
    rows = cli.sql("SELECT object, rule, count FROM v_findings ORDER BY ALL")
    expected = [
        (f"{n}.zip", rule, count) for n in range(3) for rule, count in (("generic.email", 20_000), ("us.ssn", 2))
    ]
    assert [tuple(row.values()) for row in rows] == expected


def test_an_object_that_is_gone_half_way_is_partly_read(cli: Cli, s3: Bucketeer, proxy: FaultProxy) -> None:
    s3.make("half-gone", {"a.zip": zipped(members())})
    proxy.schedule = lambda r: Fault.GONE if r.key and r.method == "GET" and r.nth > 2 else None
    found = cli.scan("s3://half-gone", env=dict(configured(cli, proxy).env), codes=(4,))
    assert found["reasons"] == [{"reason": "SOURCE_OBJECT_NO_LONGER_AVAILABLE", "objects": 1}]
    proxy.schedule = lambda r: None
    assert cli.scan("s3://half-gone")["objects"]["scanned"] == 1


def test_text_that_its_name_hides_is_read_from_first_to_last(cli: Cli, s3: Bucketeer, proxy: FaultProxy) -> None:
    data = f"SSN: {ssn(3)}\n".encode() + b"nothing to see\n" * 200_000
    s3.make("hidden-text", {"a.dat": data, "b.txt": data})
    configured(cli, proxy)
    assert cli.scan("s3://hidden-text")["objects"]["scanned"] == 2
    ranges = [(r.key, r.headers.get("range", "")) for r in proxy.requests if r.key]
    assert sorted(ranges) == [("a.dat", ""), ("a.dat", f"bytes=0-{MB - 1}"), ("b.txt", "")]


def test_places_in_large_objects_are_shown(cli: Cli, s3: Bucketeer, proxy: FaultProxy) -> None:
    s3.make("shown-large", {"a.zip": zipped(members())})
    configured(cli, proxy)
    cli.scan("s3://shown-large")
    (row,) = cli.sql("SELECT finding FROM v_findings WHERE rule = 'us.ssn'")
    assert cli.good("show", row["finding"]).text.count("SSN: [") == 2


def test_a_database_by_its_path_is_fetched_whole(cli: Cli, s3: Bucketeer, proxy: FaultProxy, tmp_path: Path) -> None:
    import duckdb

    path = tmp_path / "made.duckdb"
    with duckdb.connect(str(path)) as made:
        made.execute("CREATE TABLE t AS SELECT 'person' || range || '@mail1.example.org' AS email FROM range(200000)")
    data = path.read_bytes()
    s3.make("large-database", {"a.duckdb": data})
    configured(cli, proxy)
    found = cli.scan("s3://large-database")
    assert found["findings"]["by_rule"][0]["matches"] == 200_000
    assert proxy.bytes["a.duckdb"] == len(data)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("more", [[], ["--versions"], ["--from-inventory"]], ids=["listed", "versions", "inventory"])
def test_who_reads_pays_for_every_request(
    cli: Cli, s3: Bucketeer, proxy: FaultProxy, reader: str, more: list[str]
) -> None:
    if "paid-for" not in [b["Name"] for b in s3.client.list_buckets()["Buckets"]]:
        s3.make("paid-for", {"a.zip": zipped(members()), "b.txt": b"nothing\n", "c.txt": b"to see\n"})
        s3.client.put_object(Bucket="paid-for", Key="d.txt", Body=b"here\n", ServerSideEncryption="aws:kms")
    configured(cli, proxy, f'reader = "{reader}"\n')

    def refused(request: Request) -> Fault | None:
        return None if request.headers.get("x-amz-request-payer") == "requester" else Fault.DENIED

    proxy.schedule = refused
    where = [listed_in(s3, "paid-for")] if more == ["--from-inventory"] else []
    found = cli.scan("s3://paid-for", "--request-payer", *more, *where)
    assert found["objects"]["scanned"] == 4
    assert proxy.faults == {}
    assert {r.method for r in proxy.requests} == {"GET", "HEAD"}


class Meter(Pace):
    """A pace that lets everything through and adds it up."""

    def __init__(self) -> None:
        super().__init__(0)
        self.units: list[float] = []

    def __call__(self, units: float = 1.0) -> None:
        self.units.append(units)


def test_ranges_keep_to_the_paces(
    s3: Bucketeer, proxy: FaultProxy, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "NO_PROXY": "*"}.items():
        monkeypatch.setenv(name, value)
    s3.make("paced-large", {"a.zip": zipped(members())})
    requests, sizes = Meter(), Meter()
    source = S3Source("s3://paced-large", "", AwsConfig(endpoint_url=proxy.url), paces=(requests, sizes))
    (ref,) = source.crawl()
    with source._reader.ranged(ref, str(tmp_path)) as raw:
        assert raw.fileno() >= 0
        raw.verify()
    assert sum(sizes.units) == ref.size
    assert len(requests.units) == len(proxy.requests) == 6
