"""`piiscan doctor`: each right is tried as a scan would use it, and what is wrong is said with what to do."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import time

import pytest

from tests.e2e.test_least_privilege import POLICY, enforced, user, without
from tests.support.cli import Cli, Done
from tests.support.proxy import fault_proxy
from tests.support.s3 import Bucketeer, s3_server
from tests.support.trees import documents


@pytest.fixture(scope="module")
def guarded() -> Iterator[Bucketeer]:
    with s3_server() as server:
        server.make("kept", dict(documents(30)))
        server.make("empty")
        server.make("secret", {"a.txt": b"x" * 10, "b.txt": b"y" * 10})
        server.put("secret", "c.txt", b"z" * 10, ServerSideEncryption="aws:kms")
        yield server


def read(done: Done) -> dict[str, list[tuple[str, str]]]:
    """State and sentence of each check, by name."""
    out: dict[str, list[tuple[str, str]]] = {}
    for line in done.text.splitlines()[:-1]:
        out.setdefault(line[5:25].strip(), []).append((line[:3].strip(), line[26:]))
    return out


def doctor(cli: Cli, *args: object, bad: tuple[str, ...] = ()) -> dict[str, list[tuple[str, str]]]:
    """The checks, of which exactly these are BAD."""
    found = read(cli.good("doctor", *args, codes=(2,) if bad else (0,)))
    assert {state for lines in found.values() for state, _ in lines} <= {"ok", "BAD", "--"}
    assert tuple(name for name, lines in found.items() if any(state == "BAD" for state, _ in lines)) == bad
    return found


def test_the_shipped_policy_passes(cli: Cli, guarded: Bucketeer) -> None:
    cli.env |= user(guarded, "whole", POLICY)
    with fault_proxy(guarded.port) as proxy, enforced(guarded):
        cli.env |= {"AWS_ENDPOINT_URL_S3": proxy.url, "AWS_ENDPOINT_URL": guarded.url}
        found = doctor(cli, "s3://kept/d1/", "s3://empty", "s3://secret")
        assert {request.method for request in proxy.requests} <= {"GET", "HEAD"}
    assert found["credentials"] == [("ok", "found (env)")]
    ((state, who),) = found["identity"]
    assert who.endswith(":user/whole") or state == "--"
    assert found["region"] == [("ok", "us-east-1")]
    assert found["clock"][0][0] == found["endpoint"][0][0] == found["s3:ListAllMyBuckets"][0][0] == "ok"
    assert [state for state, _ in found["s3:ListBucket"]] == ["ok"] * 3
    assert [state for state, _ in found["s3:GetBucketTagging"]] == ["ok"] * 3
    assert [state for state, _ in found["s3:GetObject"]] == ["ok", "--", "ok"]
    assert [state for state, _ in found["kms:Decrypt"]] == ["--", "ok"]
    assert found["sandbox"][0][0] == "ok"
    assert "note" not in str(found), "no key of an object"


@pytest.mark.parametrize(
    ("action", "bad"),
    [
        ("s3:ListBucket", ("s3:ListBucket",)),
        ("s3:GetObject", ("s3:GetObject",)),
        ("s3:ListAllMyBuckets", ()),
        ("s3:GetBucketTagging", ()),
    ],
)
def test_a_right_that_is_lacking_is_named(cli: Cli, guarded: Bucketeer, action: str, bad: tuple[str, ...]) -> None:
    cli.env |= user(guarded, action.replace(":", "-"), without(action))
    cli.env |= {"AWS_ENDPOINT_URL": guarded.url}
    with enforced(guarded):
        found = doctor(cli, "s3://kept", bad=bad)
    ((state, said),) = found[action]
    assert state == ("BAD" if bad else "--")
    assert "not allowed" in said
    assert ("iam-policy.json" in said) == bool(bad)


def test_credentials_that_are_refused(cli: Cli, guarded: Bucketeer) -> None:
    cli.env |= {"AWS_ENDPOINT_URL_S3": guarded.url, "AWS_ACCESS_KEY_ID": "AKIAINVENTEDINVENTED"}
    with enforced(guarded):
        found = doctor(cli, "s3://kept", bad=("credentials",))
    assert found["identity"][0][0] == "--", "AWS itself is not asked about somebody else's credentials"
    assert "refuses them" in found["credentials"][1][1]
    assert "AKIA" not in str(found)


def test_a_bucket_that_is_not_there(cli: Cli, guarded: Bucketeer) -> None:
    cli.env["AWS_ENDPOINT_URL"] = guarded.url
    found = doctor(cli, "s3://kept", "s3://no-such-bucket-at-all", bad=("s3:ListBucket",))
    assert [state for state, _ in found["s3:ListBucket"]] == ["ok", "BAD"]


def test_an_endpoint_that_does_not_answer(cli: Cli) -> None:
    cli.env["AWS_ENDPOINT_URL_S3"] = "http://127.0.0.1:9"
    found = doctor(cli, "s3://kept", bad=("endpoint",))
    assert "--endpoint-url" in found["endpoint"][0][1]


def test_without_credentials(cli: Cli) -> None:
    env = {"AWS_ACCESS_KEY_ID": None, "AWS_SECRET_ACCESS_KEY": None}
    done = cli.good("doctor", env=env)
    assert read(done)["credentials"][0][0] == "--"
    done = cli.good("doctor", "s3://kept", env=env, codes=(2,))
    assert read(done)["credentials"][0][0] == "BAD"


@pytest.mark.parametrize("target", ["tree", "s3://", "s3://logs-*"])
def test_what_is_no_bucket(cli: Cli, target: str) -> None:
    done = cli.run("doctor", target)
    assert (done.code, done.out) == (2, b"")
    assert "s3://BUCKET" in done.said


@contextmanager
def store(status: int, body: str, *, ahead: float = 0.0) -> Iterator[str]:
    """A store that answers one thing, with a clock of its own; listings of buckets are always allowed."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            listing = "<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>"
            keys = "<ListBucketResult><Contents><Key>k</Key><Size>3</Size></Contents></ListBucketResult>"
            path, _, query = self.path.partition("?")
            if path == "/" and status != 403:
                code, text = 200, listing
            elif "list-type" in query:
                code, text = 200, keys
            else:
                code, text = status, body
            self.send_response_only(code)
            self.send_header("Date", formatdate(time() + ahead, usegmt=True))
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def error(code: str, message: str) -> str:
    return f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"


@pytest.mark.parametrize(
    ("ahead", "state", "says"),
    [(0, "ok", "agrees"), (-300, "--", "ahead of"), (300, "--", "behind"), (1000, "BAD", "15 minutes")],
)
def test_clocks(cli: Cli, ahead: float, state: str, says: str) -> None:
    with store(404, error("NoSuchTagSet", ""), ahead=ahead) as url:
        done = cli.run("doctor", "--endpoint-url", url)
    assert done.code == (2 if state == "BAD" else 0)
    ((found, said),) = read(done)["clock"]
    assert found == state
    assert says in said


def test_a_store_that_refuses_the_clock(cli: Cli) -> None:
    with store(403, error("RequestTimeTooSkewed", "too far"), ahead=4000) as url:
        found = doctor(cli, "s3://kept", "--endpoint-url", url, bad=("clock",))
    assert "s3:ListBucket" not in found


def test_a_key_that_may_not_be_used(cli: Cli) -> None:
    refused = error("AccessDenied", "User is not authorized to perform: kms:Decrypt on the resource")
    with store(400, refused) as url:
        found = doctor(cli, "s3://kept", "--endpoint-url", url, bad=("kms:Decrypt",))
    assert "kms:Decrypt" in found["kms:Decrypt"][0][1]


def test_the_place_of_the_database(cli: Cli) -> None:
    (cli.root / "tree").mkdir()
    cli.env["AWS_ENDPOINT_URL"] = "http://127.0.0.1:9"
    cli.scan("tree")
    found = doctor(cli)
    assert found["endpoint"][0][0] == "--", "no bucket was named"
    assert found["database"][0][0] == "ok"
    assert "free" in found["disk"][0][1]
    assert doctor(cli, "--db", "deep/er/none.duckdb")["database"][0][0] == "--"
    (cli.root / "broken.duckdb").write_bytes(b"not a database" * 1000)
    assert "not a readable database" in doctor(cli, "--db", "broken.duckdb", bad=("database",))["database"][0][1]
    if os.geteuid() != 0:
        closed = cli.root / "closed"
        closed.mkdir(mode=0o500)
        assert "cannot be written" in doctor(cli, "--db", "closed/x.duckdb", bad=("disk",))["disk"][0][1]
