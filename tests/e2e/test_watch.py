"""`piiscan watch`: every event leads to one look at its object, and no message is lost before its result is kept."""

from __future__ import annotations

import json
import random
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.support.cli import Cli, hooked
from tests.support.proxy import fault_proxy
from tests.support.s3 import Bucketeer
from tests.support.trees import ssn
from tests.watch.test_events import bridge, sns
from tests.watch.test_events import s3 as record


class Line:
    """A queue, and the bucket whose events it gets."""

    def __init__(self, server: Bucketeer, name: str) -> None:
        session = boto3.Session("testing", "testing", region_name="us-east-1")
        self.server, self.bucket = server, server.make(name)
        self.sqs = session.client("sqs", endpoint_url=server.url)
        self.url: str = self.sqs.create_queue(QueueName=name)["QueueUrl"]

    def notify(self) -> None:
        """Have S3 itself send the events of the bucket."""
        answer = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=["QueueArn"])
        told = {"QueueArn": answer["Attributes"]["QueueArn"], "Events": ["s3:ObjectCreated:*", "s3:ObjectRemoved:*"]}
        self.server.client.put_bucket_notification_configuration(
            Bucket=self.bucket, NotificationConfiguration={"QueueConfigurations": [told]}
        )

    def send(self, *bodies: str) -> None:
        for at in range(0, len(bodies), 10):
            entries = [{"Id": str(n), "MessageBody": body} for n, body in enumerate(bodies[at : at + 10])]
            self.sqs.send_message_batch(QueueUrl=self.url, Entries=entries)

    def left(self) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        found = self.sqs.get_queue_attributes(QueueUrl=self.url, AttributeNames=names)["Attributes"]
        return sum(int(found[name]) for name in names)

    def event(self, key: str) -> str:
        return json.dumps({"Records": [record(key, self.bucket)]})


@pytest.fixture
def line(cli: Cli, s3: Bucketeer, request: pytest.FixtureRequest) -> Line:
    cli.env["AWS_ENDPOINT_URL"] = s3.url
    return Line(s3, f"line{abs(hash(request.node.name)) % 10**9}")


def once(cli: Cli, line: Line, *more: object, codes: tuple[int, ...] = (0,), **options: Any) -> str:
    return cli.good("watch", "--sqs", line.url, "--once", "--no-ner", *more, codes=codes, **options).said


def objects(cli: Cli) -> dict[str, str]:
    return {row["object"]: row["outcome"] for row in cli.sql("SELECT object, outcome FROM v_objects")}


def test_what_s3_tells_a_queue(cli: Cli, line: Line) -> None:
    line.server.put(line.bucket, "before.txt", b"nobody tells of it")
    line.notify()
    text = f"SSN: {ssn(1)}\n".encode()
    for key in ("a b/ü+%.txt", "x.txt", "y.txt"):
        line.server.put(line.bucket, key, text)
    once(cli, line)
    assert objects(cli) == {"a b/ü+%.txt": "scanned", "x.txt": "scanned", "y.txt": "scanned"}
    assert len(cli.sql("SELECT * FROM v_findings")) == 3
    assert line.left() == 0

    line.server.put(line.bucket, "x.txt", b"nothing in it any more")
    line.server.client.delete_object(Bucket=line.bucket, Key="y.txt")
    assert "1 gone" in once(cli, line)
    assert [row["object"] for row in cli.sql("SELECT object FROM v_findings")] == ["a b/ü+%.txt"]
    assert set(objects(cli)) == {"a b/ü+%.txt", "x.txt"}


def test_wrapped_doubled_and_in_any_order(cli: Cli, line: Line) -> None:
    keys = [f"d{n % 5}/n{n:03d}.txt" for n in range(60)]
    for n, key in enumerate(keys):
        line.server.put(line.bucket, key, f"SSN: {ssn(n)}\n".encode())
    forms: list[Callable[[str], str]] = [
        line.event,
        lambda key: sns(line.event(key)),
        lambda key: bridge(key).replace("bkt", line.bucket),
    ]
    bodies = [form(key) for key in keys for form in forms]
    random.Random(5).shuffle(bodies)
    with fault_proxy(line.server.port) as proxy:
        line.send(*bodies, json.dumps({"Event": "s3:TestEvent", "Bucket": line.bucket}))
        once(cli, line, "--endpoint-url", proxy.url)
        assert sorted(proxy.reads()).count(keys[0]) >= 1
        read = [r.key for r in proxy.requests if r.method == "GET" and r.key]
    assert sorted(read) == sorted(keys), "each object is read once"
    assert len(cli.sql("SELECT * FROM v_findings")) == 60
    assert line.left() == 0


def test_what_is_no_event_is_left_and_said(cli: Cli, line: Line) -> None:
    line.server.put(line.bucket, "a.txt", f"SSN: {ssn(1)}\n".encode())
    line.send("hello", line.event("a.txt"), '{"Records": []}')
    said = once(cli, line, codes=(4,))
    assert "2 messages are no events of S3" in said
    assert objects(cli) == {"a.txt": "scanned"}
    assert line.left() == 2


def test_an_object_that_may_not_be_read_or_is_not_there(cli: Cli, line: Line) -> None:
    line.send(line.event("never.txt"), json.dumps({"Records": [record("a.txt", "no-such-bucket-at-all")]}))
    once(cli, line)
    assert objects(cli) == {}
    assert line.left() == 0


def test_a_message_outlives_a_kill(cli: Cli, line: Line) -> None:
    for n in range(5):
        line.server.put(line.bucket, f"{n}.txt", f"SSN: {ssn(n)}\n".encode())
        line.send(line.event(f"{n}.txt"))
    code = "import os, piiscan.watch.sqs as q\nq.LEAST_HIDDEN = 1\nq.Queue.delete = lambda *a: os.kill(os.getpid(), 9)"
    killed = cli.run("watch", "--sqs", line.url, "--once", "--no-ner", env=hooked(cli.root / "hook", code))
    assert killed.code == -signal.SIGKILL
    assert len(cli.sql("SELECT * FROM v_findings")) == 5, "committed before anything is deleted"
    assert line.left() == 5
    deadline = time.monotonic() + 60
    while line.left() and time.monotonic() < deadline:
        once(cli, line)
    assert line.left() == 0
    assert len(cli.sql("SELECT * FROM v_findings")) == 5
    assert cli.sql("SELECT max(run) AS runs FROM v_objects") == [{"runs": 1}], "nothing was read twice"


def test_messages_stay_hidden_while_they_are_worked_on(cli: Cli, line: Line) -> None:
    line.server.put(line.bucket, "a.txt", f"SSN: {ssn(1)}\n".encode())
    line.send(line.event("a.txt"))
    slow = (
        "import time, piiscan.watch.sqs as q, piiscan.watch.loop as l\nq.LEAST_HIDDEN = 5\nrun = l._run\n"
        "def held(*a):\n    time.sleep(8)\n    return run(*a)\nl._run = held\n"
    )
    with cli.start("watch", "--sqs", line.url, "--once", "--no-ner", env=hooked(cli.root / "hook", slow)) as process:
        seen = 0
        while process.poll() is None:
            seen += len(line.sqs.receive_message(QueueUrl=line.url, VisibilityTimeout=0).get("Messages", []))
            if not cli.root.joinpath("piiscan.duckdb").exists():
                seen = 0  # it has not taken the message yet
            time.sleep(0.2)
        process.communicate()
    assert (process.returncode, seen) == (0, 0)


@pytest.mark.parametrize(
    ("args", "code", "says"),
    [
        ((), 2, "either a directory or --sqs"),
        (("tree", "--sqs", "http://127.0.0.1:9/1/q"), 2, "either a directory or --sqs"),
        (("--sqs", "http://127.0.0.1:9/1/q", "--once"), 3, "cannot be reached"),
        (("nowhere", "--once"), 3, "no such file or directory"),
    ],
)
def test_what_cannot_be_watched(cli: Cli, args: tuple[str, ...], code: int, says: str) -> None:
    cli.env["AWS_MAX_ATTEMPTS"] = "1"
    done = cli.run("watch", *args, "--no-ner")
    assert done.code == code
    assert says in done.said
    assert len(done.said.splitlines()) == 1


def test_a_directory_that_changes(cli: Cli) -> None:
    tree = cli.root / "tree"
    tree.mkdir()
    (tree / "a.txt").write_text(f"SSN: {ssn(1)}\n")

    def settled(expected: int, said: list[bytes]) -> None:
        assert process.stderr is not None
        while len(said) < expected:
            said.append(process.stderr.readline())
            assert said[-1], "it ended"

    lines: list[bytes] = []
    with cli.start("watch", tree, "--every", "0.2", "--no-ner") as process:
        try:
            settled(1, lines)
            (tree / "b.txt").write_text(f"SSN: {ssn(2)}\n")
            settled(2, lines)
            (tree / "a.txt").unlink()
            settled(3, lines)
            process.send_signal(signal.SIGTERM)
            process.communicate()
        finally:
            process.kill()
    assert process.returncode == 0
    assert b"1 objects, 1 matches, 0 gone" in lines[0]
    assert b"1 objects, 1 matches, 0 gone" in lines[1]
    assert b"0 objects, 0 matches, 1 gone" in lines[2]
    assert [Path(row["object"]).name for row in cli.sql("SELECT object FROM v_findings")] == ["b.txt"]
