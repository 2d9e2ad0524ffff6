from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from tests.support.cli import Cli
from tests.support.proxy import Fault, FaultProxy, Request, fault_proxy
from tests.support.s3 import READERS, Bucketeer, read_by
from tests.support.trees import mail, plain, ssn

NO_CREDENTIALS = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
ODD_KEYS = (
    "new\nline.txt",
    "a+b c%2Fd&e=f.txt",
    "../../x.txt",
    "/leading//double.txt",
    "./dot/../dots.txt",
    "ünï/😀.txt",
    "tab\there.txt",
    "back\\slash\\xe9.txt",
    "q'uote\"<>.txt",
    "folder/",
)


@pytest.fixture
def proxy(s3: Bucketeer) -> Iterator[FaultProxy]:
    with fault_proxy(s3.port) as made:
        yield made


@pytest.fixture(params=READERS)
def cli(cli: Cli, proxy: FaultProxy, request: pytest.FixtureRequest) -> Cli:
    cli.env["AWS_ENDPOINT_URL_S3"] = proxy.url
    return read_by(cli, request.param)


def test_a_bucket_of_several_pages_is_read_once(cli: Cli, s3: Bucketeer, proxy: FaultProxy) -> None:
    objects = {f"k/{n:05d}.txt": f"nothing {n}\n".encode() for n in range(1_030)}
    objects["k/zz.txt"] = f"SSN: {ssn(1)}\n".encode()
    s3.make("pages", objects)
    first = cli.scan("s3://pages", "--workers", 2)
    assert first["listed"] == first["objects"]["scanned"] == 1_031
    assert first["findings"]["total"] == 1
    assert sorted(proxy.reads()) == sorted(objects)
    assert sum(r.method == "GET" and not r.key for r in proxy.requests) == 2

    proxy.forget()
    second = cli.scan("s3://pages", "--workers", 2)
    assert proxy.reads() == []
    assert second["objects"]["unchanged"] == 1_031
    assert second["findings"]["total"] == 1

    s3.put("pages", "k/00007.txt", f"write to {mail(3)}\n".encode())
    s3.client.delete_object(Bucket="pages", Key="k/zz.txt")
    third = cli.scan("s3://pages")
    assert proxy.reads() == ["k/00007.txt"]
    assert (third["objects"]["scanned"], third["gone"]) == (1, 1)
    assert [r["rule"] for r in third["findings"]["by_rule"]] == ["generic.email"]


def test_a_prefix_is_as_far_as_it_goes(cli: Cli, s3: Bucketeer, proxy: FaultProxy) -> None:
    s3.make("prefix", dict(plain(14)))
    found = cli.scan("s3://prefix/d1/", "s3://prefix/d1/note1", "--db", "a.duckdb")
    assert (found["listed"], found["objects"]["scanned"]) == (2, 2)
    assert sorted(proxy.reads()) == ["d1/note1.txt", "d1/note8.txt"]
    rest = cli.scan("s3://prefix", "--db", "a.duckdb")
    assert (rest["objects"]["scanned"], rest["objects"]["unchanged"], rest["gone"]) == (12, 2, 0)
    again = cli.scan("s3://prefix/d1/", "--db", "a.duckdb")
    assert again["gone"] == 0


def test_archived_objects_are_skipped_until_they_are_back(cli: Cli, s3: Bucketeer, proxy: FaultProxy) -> None:
    s3.make("frozen")
    text = f"SSN: {ssn(5)}\n".encode()
    s3.put("frozen", "cold.txt", text, StorageClass="GLACIER")
    s3.put("frozen", "colder.txt", text, StorageClass="DEEP_ARCHIVE")
    s3.put("frozen", "cool.txt", text, StorageClass="STANDARD_IA")
    first = cli.scan("s3://frozen", codes=(4,))
    assert first["objects"]["skipped"] == 2
    assert first["reasons"] == [{"reason": "INVALID_OBJECT_STATE", "objects": 2}]
    assert proxy.reads() == ["cool.txt"]
    reasons = [r["reason"] for r in cli.sql("SELECT reason FROM v_objects WHERE object = 'cold.txt'")]
    assert "GLACIER" in reasons[0]
    assert "restore" in reasons[0]

    # The same bytes, so the same ETag, in a class that can be read.
    s3.put("frozen", "cold.txt", text)
    second = cli.scan("s3://frozen", codes=(4,))
    assert (second["objects"]["scanned"], second["objects"]["unchanged"]) == (1, 2)


@pytest.mark.parametrize(
    ("target", "extra", "env", "says"),
    [
        ("s3://no-such-bucket", (), {}, "no such bucket"),
        ("s3://pages-x", ("--endpoint-url", "http://127.0.0.1:9"), {}, "cannot be reached"),
        ("s3://pages-x", ("--endpoint-url", "nonsense"), {}, "endpoint"),
        ("s3://pages-x", (), NO_CREDENTIALS, "no credentials found"),
        ("s3://", (), {}, "a bucket is wanted"),
        ("s3://not_a_Bucket/x", (), {}, "s3://not_a_Bucket"),
        ("gs://bucket", (), {}, "only paths, -, s3://, ssm: and secretsmanager: are known"),
    ],
)
def test_what_cannot_be_listed_is_one_sentence(
    cli: Cli, target: str, extra: tuple[str, ...], env: dict[str, str | None], says: str
) -> None:
    done = cli.run("scan", target, *extra, "--no-ner", "--quiet", env=env)
    assert done.code == 3
    assert says in done.said
    assert len(done.said.splitlines()) == 1
    assert done.said.startswith("piiscan: ")
    assert "Traceback" not in done.said


def test_an_unknown_profile_is_a_usage_error(cli: Cli) -> None:
    done = cli.run("scan", "s3://pages-x", "--profile", "nobody", "--no-ner", "--quiet")
    assert (done.code, len(done.said.splitlines())) == (2, 1)
    assert "nobody" in done.said


def test_one_bad_target_does_not_stop_the_others(cli: Cli, s3: Bucketeer) -> None:
    s3.make("beside", {"a.txt": f"SSN: {ssn(9)}\n".encode()})
    done = cli.run("scan", "s3://no-such-bucket", "s3://beside", "--no-ner", "--json")
    assert done.code == 3
    assert done.json()["findings"]["total"] == 1
    assert "no such bucket" in done.said


def test_public_buckets_need_no_credentials(cli: Cli, s3: Bucketeer, proxy: FaultProxy) -> None:
    s3.make("public")
    s3.put("public", "a.txt", f"SSN: {ssn(9)}\n".encode(), ACL="public-read")
    found = cli.scan("s3://public", "--no-sign-request", env=NO_CREDENTIALS)
    assert found["findings"]["total"] == 1
    assert not any("authorization" in r.headers for r in proxy.requests)


def test_keys_of_all_kinds(cli: Cli, s3: Bucketeer, proxy: FaultProxy) -> None:
    objects = {key: f"SSN: {ssn(n)}\n".encode() for n, key in enumerate(ODD_KEYS)}
    s3.make("odd", {key.replace("\n", "␊"): data for key, data in objects.items()})
    found = cli.scan("s3://odd")
    assert found["objects"]["scanned"] == len(ODD_KEYS)
    assert found["findings"]["total"] == len(ODD_KEYS)
    stored = {r["object"]: r["finding"] for r in cli.sql("SELECT object, finding FROM v_findings")}
    assert sorted(stored) == sorted(ODD_KEYS)
    for key in ("../../x.txt", "new\nline.txt", "back\\slash\\xe9.txt"):
        shown = cli.good("show", stored[key])
        assert "***" in shown.text
    assert cli.scan("s3://odd")["objects"]["unchanged"] == len(ODD_KEYS)


def test_an_object_overwritten_after_the_listing_is_read_as_it_is_now(
    cli: Cli, s3: Bucketeer, proxy: FaultProxy
) -> None:
    s3.make("moving", {"a.txt": b"nothing\n", "b.txt": b"nothing\n"})
    done: list[int] = []

    def overwrite(request: Request) -> None:
        if request.key == "a.txt" and request.method == "GET" and not done:
            done.append(1)
            s3.put("moving", "a.txt", f"SSN: {ssn(2)} and longer than before\n".encode())

    proxy.before = overwrite
    found = cli.scan("s3://moving")
    assert found["objects"]["scanned"] == 2
    assert found["findings"]["total"] == 1
    assert cli.scan("s3://moving")["objects"]["unchanged"] == 2


def test_an_object_that_is_overwritten_again_and_again_fails_and_is_tried_again(
    cli: Cli, s3: Bucketeer, proxy: FaultProxy
) -> None:
    s3.make("restless", {"a.txt": b"nothing\n"})
    proxy.schedule = lambda request: Fault.CHANGED if request.method == "GET" and request.key else None
    found = cli.scan("s3://restless", codes=(4,))
    assert found["reasons"] == [{"reason": "OBJECT_VERSION_MISMATCH", "objects": 1}]
    proxy.schedule = lambda request: None
    assert cli.scan("s3://restless")["objects"]["scanned"] == 1


def test_objects_that_vanish_or_are_refused_have_their_reason(cli: Cli, s3: Bucketeer, proxy: FaultProxy) -> None:
    s3.make("partly", dict(plain(3)))
    fates = {"d0/note0.txt": Fault.GONE, "d1/note1.txt": Fault.DENIED}
    proxy.schedule = lambda request: fates.get(request.key)
    found = cli.scan("s3://partly", codes=(4,))
    rows = {r["object"]: r["reason"].partition(":")[0] for r in cli.sql("SELECT object, reason FROM v_objects")}
    assert rows == {
        "d0/note0.txt": "SOURCE_OBJECT_NO_LONGER_AVAILABLE",
        "d1/note1.txt": "PERMISSION_DENIED",
        "d2/note2.txt": "",
    }
    assert found["objects"] == {"scanned": 1, "partial": 0, "skipped": 2, "failed": 0, "unchanged": 0, "left_out": 0}
    proxy.schedule = lambda request: None
    later = cli.scan("s3://partly")
    assert (later["objects"]["scanned"], later["objects"]["unchanged"]) == (2, 1)


def test_a_listing_that_breaks_off_closes_nothing(cli: Cli, s3: Bucketeer, proxy: FaultProxy) -> None:
    s3.make("broken-list", {f"{n:04d}": b"x" for n in range(30)})
    proxy.page = 20
    cli.scan("s3://broken-list")
    proxy.schedule = lambda request: Fault.DENIED if not request.key and "continuation-token" in request.query else None
    found = cli.good("scan", "s3://broken-list", "--no-ner", "--json", codes=(3,))
    assert found.json()["gone"] == 0
    assert cli.sql("SELECT count(*) AS n FROM v_objects") == [{"n": 30}]


def test_buckets_by_pattern_and_tag(cli: Cli, s3: Bucketeer, proxy: FaultProxy) -> None:
    texts = {
        name: {"d/a.txt": f"SSN: {ssn(n)}\n".encode(), "b.txt": b"x"} for n, name in enumerate(("one", "two", "six"))
    }
    prefix = f"many{len(s3.client.list_buckets()['Buckets'])}"
    for name, objects in texts.items():
        s3.make(f"{prefix}-{name}", objects)
    s3.client.put_bucket_tagging(
        Bucket=f"{prefix}-six", Tagging={"TagSet": [{"Key": "team", "Value": "data"}, {"Key": "env", "Value": "prod"}]}
    )
    all_three = cli.scan(f"s3://{prefix}-*", "--db", "a.duckdb")
    assert (all_three["listed"], all_three["findings"]["total"]) == (6, 3)
    assert {row["source"] for row in cli.sql("SELECT source FROM v_objects", db="a.duckdb")} == {
        f"s3://{prefix}-{name}" for name in texts
    }
    below = cli.scan(f"s3://{prefix}-[ot]*/d/", "--db", "b.duckdb")
    assert (below["listed"], below["objects"]["scanned"]) == (2, 2)
    for tag, listed in (("team=data", 2), ("env", 2)):
        assert cli.scan(f"s3://{prefix}-*", "--bucket-tag", tag, "--db", f"{listed}{tag}.duckdb")["listed"] == listed
    assert len(cli.good("scan", f"s3://{prefix}-*", "--dry-run").text.splitlines()) == 6
    none = cli.run("scan", f"s3://{prefix}-*", "--bucket-tag", "team=other", "--no-ner", "--quiet")
    assert (none.code, "is meant by that" in none.said) == (3, True)
    assert cli.run("scan", f"s3://{prefix}-*", "--bucket-tag", "=x", "--no-ner", "--quiet").code == 2

    proxy.schedule = lambda request: Fault.DENIED if request.bucket == f"{prefix}-two" else None
    done = cli.run("scan", f"s3://{prefix}-*", "--db", "c.duckdb", "--no-ner", "--quiet")
    assert done.code == 3
    assert f"{prefix}-two" in done.said
    rows = cli.sql("SELECT source, reason FROM v_objects WHERE outcome = 'skipped'", db="c.duckdb")
    assert [row["source"] for row in rows] == [f"s3://{prefix}-two"]
    assert rows[0]["reason"].startswith("SOURCE_NOT_LISTED: ")
    assert len(cli.sql("SELECT * FROM v_findings", db="c.duckdb")) == 2
    proxy.schedule = lambda request: None
    again = cli.scan(f"s3://{prefix}-*", "--db", "c.duckdb")
    assert (again["objects"]["scanned"], again["findings"]["total"]) == (2, 3)
    assert not cli.sql("SELECT * FROM v_objects WHERE outcome = 'skipped'", db="c.duckdb")


def test_no_more_requests_than_asked_for(cli: Cli, s3: Bucketeer, proxy: FaultProxy) -> None:
    bucket = f"paced{len(s3.client.list_buckets()['Buckets'])}"
    s3.make(bucket, dict(plain(30)))
    times: list[float] = []
    proxy.before = lambda request: times.append(time.monotonic()) if request.key else None
    assert cli.scan(f"s3://{bucket}", "--workers", 1, "--max-rps", 20)["objects"]["scanned"] == 30
    assert len(times) == 30
    # One worker and the conductor: ten a second each, but for a quarter of a second's worth at once.
    assert times[-1] - times[0] >= (30 - 1 - 3) / 10 * 0.9
