"""Alert rules fire once a row and sink; what was not delivered is tried again; nothing leaves for where it must not."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from piiscan.alert import ROWS, run_alerts
from piiscan.alert.sinks import make_sink
from piiscan.config import AlertConfig, Config, SinkConfig
from piiscan.errors import ConfigError
from piiscan.model import ObjectReport
from piiscan.store.ingest import DuckStore
from tests.support.cli import Cli
from tests.support.made import add_run, database, finding, ref, report
from tests.support.trees import ssn

SECRET = "tell-nobody"


@dataclass
class Receiver:
    """A web server on this machine: what came, and what it answers."""

    url: str
    status: int = 200
    raw: bytes = b""
    """Sent as it is instead of an answer."""
    came: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)

    @property
    def alerts(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, _, body in self.came]

    def sink(self, name: str = "hook", secret: str = "") -> SinkConfig:
        return SinkConfig(name, "webhook", url=self.url, secret=secret)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.came.append((self.path, {k.lower(): v for k, v in self.headers.items()}, body))
            if made.raw:
                self.wfile.write(made.raw)
                return
            self.send_response(made.status)
            if made.status in (301, 302, 303, 307, 308):
                self.send_header("Location", made.url + "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_POST

        def log_message(self, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Receiver(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[DuckStore]:
    made = DuckStore(tmp_path / "a.duckdb", key_file=tmp_path / "k")
    yield made
    made.close()


def scan(store: DuckStore, *keys: str, etag: str = "e1") -> None:
    """A run that finds a number in each of these objects."""
    reports: Sequence[ObjectReport] = [report(ref(key, etag=etag), [finding()]) for key in keys]
    add_run(store, store.path.parent, reports)


BY_OBJECT = "SELECT object, rule FROM v_findings ORDER BY object"


def config(*sinks: SinkConfig, sql: str = BY_OBJECT) -> Config:
    return Config(alerts=(AlertConfig("mine", sql, "high", tuple(s.name for s in sinks)),), sinks=sinks)


def file_sink(folder: Path, name: str = "file") -> SinkConfig:
    return SinkConfig(name, "jsonl", path=str(folder / f"{name}.jsonl"))


def lines(sink: SinkConfig) -> list[dict[str, Any]]:
    path = Path(sink.path)
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()] if path.exists() else []


def told(alerts: Sequence[dict[str, Any]]) -> list[list[str]]:
    return [[row["object"] for row in alert["rows"]] for alert in alerts]


def test_a_rule_fires_once_a_row(store: DuckStore, tmp_path: Path) -> None:
    sink = file_sink(tmp_path)
    scan(store, "a.txt", "b.txt")
    assert run_alerts(store, config(sink), 1) == {"rules": 1, "sent": 1, "failed": 0, "exit_code": False}
    for _ in range(2):
        assert run_alerts(store, config(sink), 1)["sent"] == 0
    scan(store, "c.txt")
    scan(store, "b.txt", etag="e2")
    assert run_alerts(store, config(sink), 3)["sent"] == 1
    assert told(lines(sink)) == [["a.txt", "b.txt"], ["c.txt"]]
    first, second = lines(sink)
    assert list(first) == ["alert", "severity", "run", "at", "count", "rows", "id"]
    assert (first["alert"], first["severity"], first["run"], first["count"]) == ("mine", "high", 1, 2)
    assert first["rows"][0] == {"object": "a.txt", "rule": "us.ssn"}
    assert first["id"] != second["id"]


def test_a_row_that_has_changed_is_a_new_one(store: DuckStore, tmp_path: Path) -> None:
    sink = file_sink(tmp_path)
    chosen = config(sink, sql="SELECT object, run FROM v_findings")
    scan(store, "a.txt")
    run_alerts(store, chosen, 1)
    scan(store, "a.txt", etag="e2")
    run_alerts(store, chosen, 2)
    assert [alert["rows"] for alert in lines(sink)] == [[{"object": "a.txt", "run": n}] for n in (1, 2)]


def test_equal_rows_are_one(store: DuckStore, tmp_path: Path) -> None:
    sink = file_sink(tmp_path)
    scan(store, "a.txt", "b.txt", "c.txt")
    for _ in range(2):
        run_alerts(store, config(sink, sql="SELECT rule FROM v_findings"), 1)
    assert [alert["rows"] for alert in lines(sink)] == [[{"rule": "us.ssn"}]]


def test_rules_do_not_share_their_marks(store: DuckStore, tmp_path: Path) -> None:
    sink = file_sink(tmp_path)
    scan(store, "a.txt")
    rules = tuple(AlertConfig(name, BY_OBJECT, sinks=("file",)) for name in ("one", "two"))
    for _ in range(2):
        run_alerts(store, Config(alerts=rules, sinks=(sink,)), 1)
    assert [alert["alert"] for alert in lines(sink)] == ["one", "two"]


def test_many_rows_are_counted_and_the_first_shown(store: DuckStore, tmp_path: Path) -> None:
    sink = file_sink(tmp_path)
    scan(store, *(f"{n:03d}.txt" for n in range(ROWS + 5)))
    run_alerts(store, config(sink), 1)
    (alert,) = lines(sink)
    assert (alert["count"], len(alert["rows"])) == (ROWS + 5, ROWS)
    assert run_alerts(store, config(sink), 1)["sent"] == 0


def test_no_rows_no_alert(store: DuckStore, tmp_path: Path) -> None:
    sink = file_sink(tmp_path)
    scan(store, "a.txt")
    assert run_alerts(store, config(sink, sql="SELECT 1 WHERE false"), 1)["sent"] == 0
    assert lines(sink) == []


def test_what_was_not_delivered_is_tried_again(store: DuckStore, receiver: Receiver) -> None:
    chosen = config(receiver.sink())
    scan(store, "a.txt", "b.txt")
    receiver.status = 503
    for _ in range(2):
        assert run_alerts(store, chosen, 1) == {"rules": 1, "sent": 0, "failed": 1, "exit_code": False}
    receiver.status = 204
    assert run_alerts(store, chosen, 1)["sent"] == 1
    assert run_alerts(store, chosen, 1)["sent"] == 0
    assert told(receiver.alerts) == [["a.txt", "b.txt"]] * 3
    assert len({headers["idempotency-key"] for _, headers, _ in receiver.came}) == 1


def test_a_sink_that_works_is_not_told_again_because_another_fails(
    store: DuckStore, receiver: Receiver, tmp_path: Path
) -> None:
    sink = file_sink(tmp_path)
    chosen = config(sink, receiver.sink())
    scan(store, "a.txt")
    receiver.status = 500
    assert run_alerts(store, chosen, 1) == {"rules": 1, "sent": 1, "failed": 1, "exit_code": False}
    receiver.status = 200
    assert run_alerts(store, chosen, 1) == {"rules": 1, "sent": 1, "failed": 0, "exit_code": False}
    assert told(lines(sink)) == [["a.txt"]]
    assert told(receiver.alerts) == [["a.txt"]] * 2


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308, 400, 404, 500])
def test_anything_but_success_is_a_failure_and_no_redirect_is_followed(
    store: DuckStore, receiver: Receiver, status: int
) -> None:
    scan(store, "a.txt")
    receiver.status = status
    assert run_alerts(store, config(receiver.sink()), 1)["failed"] == 1
    assert [path for path, _, _ in receiver.came] == ["/"] or [path for path, _, _ in receiver.came] == [""]


def test_what_does_not_speak_http_is_a_failure(store: DuckStore, receiver: Receiver) -> None:
    scan(store, "a.txt")
    receiver.raw = b"SSH-2.0-nothing\r\n"
    assert run_alerts(store, config(receiver.sink()), 1)["failed"] == 1


def test_nobody_there_is_a_failure(store: DuckStore, receiver: Receiver, tmp_path: Path) -> None:
    scan(store, "a.txt")
    gone = SinkConfig("hook", "webhook", url="http://127.0.0.1:1/")
    folder = SinkConfig("file", "jsonl", path=str(tmp_path / "no/such/folder.jsonl"))
    assert run_alerts(store, config(gone, folder), 1)["failed"] == 2


@pytest.mark.parametrize("reference", ["env", "file"])
def test_a_webhook_is_signed(
    store: DuckStore, receiver: Receiver, reference: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_SECRET", SECRET)
    (tmp_path / "secret").write_text(SECRET + "\n")
    secret = {"env": "env:HOOK_SECRET", "file": f"file:{tmp_path / 'secret'}"}[reference]
    scan(store, "sur\udc80rogate é.txt")
    run_alerts(store, config(receiver.sink(secret=secret)), 1)
    ((_, headers, body),) = receiver.came
    stamp = headers["x-piiscan-timestamp"]
    wanted = hmac.new(SECRET.encode(), f"{stamp}.".encode() + body, hashlib.sha256).hexdigest()
    assert headers["x-piiscan-signature"] == f"sha256={wanted}"
    assert abs(int(stamp) - time.time()) < 60
    assert headers["idempotency-key"] == json.loads(body)["id"]
    assert headers["content-type"] == "application/json"
    assert SECRET not in body.decode() + repr(headers)
    assert json.loads(body)["rows"][0]["object"] == "sur\\udc80rogate é.txt"


def test_a_proxy_is_not_asked(store: DuckStore, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    monkeypatch.delenv("no_proxy", raising=False)
    scan(store, "a.txt")
    assert run_alerts(store, config(receiver.sink()), 1)["sent"] == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/hook",
        "http://127.0.0.1.example.org/",
        "http://127.0.0.1@example.org/",
        "http://10.0.0.1/",
        "http://0.0.0.0/",
        "http://[2001:db8::1]/",
        "http://[::1",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "127.0.0.1/hook",
        "",
    ],
)
def test_plain_http_goes_to_this_machine_only(url: str) -> None:
    with pytest.raises(ConfigError, match="sink 'hook': "):
        make_sink(SinkConfig("hook", "webhook", url=url))


@pytest.mark.parametrize(
    "url", ["https://example.org/hook", "http://localhost:1/", "http://[::1]:1/", "http://127.8.9.1/"]
)
def test_where_alerts_may_go(url: str) -> None:
    make_sink(SinkConfig("hook", "webhook", url=url))


@pytest.mark.parametrize(
    ("reference", "said"),
    [
        (SECRET, "give the secret by reference"),
        ("env:PIISCAN_NO_SUCH_SECRET", "PIISCAN_NO_SUCH_SECRET is not set"),
        ("file:/no/such/secret", "/no/such/secret: No such file"),
        ("file:{folder}/empty", "empty is empty"),
        ("file:{folder}/binary", "binary: not text"),
    ],
    ids=["in-clear", "env", "file", "empty", "binary"],
)
def test_a_secret_is_given_by_reference(reference: str, said: str, receiver: Receiver, tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=said) as caught:
        make_sink(receiver.sink(secret=reference.format(folder=tmp_path)))
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    ("sink", "said"),
    [
        (SinkConfig("s", "pager"), "'pager' is none of jsonl, webhook, exit-code"),
        (SinkConfig("s", "jsonl"), "path is wanted"),
    ],
    ids=["kind", "path"],
)
def test_a_sink_that_is_not_whole(store: DuckStore, sink: SinkConfig, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        run_alerts(store, config(sink), 1)


def test_an_unknown_sink_is_named_before_anything_is_sent(store: DuckStore, tmp_path: Path) -> None:
    sink = file_sink(tmp_path)
    scan(store, "a.txt")
    rules = (AlertConfig("good", BY_OBJECT, sinks=("file",)), AlertConfig("bad", BY_OBJECT, sinks=("pager",)))
    with pytest.raises(ConfigError, match="alert 'bad': no sink 'pager' is configured"):
        run_alerts(store, Config(alerts=rules, sinks=(sink,)), 1)
    assert lines(sink) == []


@pytest.mark.parametrize(
    "wrong", ["SELECT nothing FROM v_findings", "SELEC", "DELETE FROM findings", "SELECT 1; SELECT 2", ""]
)
def test_wrong_sql_names_the_rule_before_anything_is_sent(store: DuckStore, tmp_path: Path, wrong: str) -> None:
    sink = file_sink(tmp_path)
    scan(store, "a.txt")
    rules = (AlertConfig("good", BY_OBJECT, sinks=("file",)), AlertConfig("bad", wrong, sinks=("file",)))
    with pytest.raises(ConfigError, match=r"alert 'bad': sql: "):
        run_alerts(store, Config(alerts=rules, sinks=(sink,)), 1)
    assert lines(sink) == []
    assert store.query("SELECT count(*) FROM v_findings") == [(1,)]


def test_a_file_of_alerts_is_private_and_every_line_is_json(store: DuckStore, tmp_path: Path) -> None:
    sink = file_sink(tmp_path)
    scan(store, "new\nline \x1b[31m \u2028 é.txt", "sur\udc80rogate.txt")
    run_alerts(store, config(sink), 1)
    scan(store, "c.txt")
    run_alerts(store, config(sink), 2)
    path = Path(sink.path)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_bytes().count(b"\n") == 2
    first, second = (json.loads(line) for line in path.read_bytes().splitlines())
    assert [r["object"] for r in first["rows"]] == ["new\nline \x1b[31m \u2028 é.txt", "sur\\udc80rogate.txt"]
    assert second["count"] == 1


def test_an_exit_code_sink_asks_once(store: DuckStore) -> None:
    chosen = config(SinkConfig("stop", "exit-code"))
    scan(store, "a.txt")
    assert [run_alerts(store, chosen, 1)["exit_code"] for _ in range(2)] == [True, False]


# The commands.

TOML = """
[[alerts]]
name = "all"
sql = "SELECT object, rule FROM v_findings ORDER BY object"
severity = "critical"
sinks = [{sinks}]

[[sinks]]
name = "file"
kind = "jsonl"
path = "alerts.jsonl"

[[sinks]]
name = "stop"
kind = "exit-code"

[[sinks]]
name = "hook"
kind = "webhook"
url = "http://127.0.0.1:1/"
"""


@pytest.fixture
def cli(tmp_path: Path, cache: Path) -> Cli:
    made = Cli(tmp_path / "work", cache)
    database(made.root, [report("a.txt", [finding()]), report("b.txt", [finding()])], name="piiscan.duckdb")
    return made


def configured(cli: Cli, *sinks: str) -> tuple[str, ...]:
    (cli.root / "alerts.toml").write_text(TOML.format(sinks=", ".join(f'"{s}"' for s in sinks)))
    return "--config", "alerts.toml"


def test_alert_ls(cli: Cli) -> None:
    done = cli.good("alert", "ls", *configured(cli, "file", "stop"))
    assert done.text.split() == [
        *("all", "critical", "run", "->", "file,", "stop:"),
        *("SELECT", "object,", "rule", "FROM", "v_findings", "ORDER", "BY", "object"),
    ]


def test_alert_test_sends_and_marks_nothing(cli: Cli) -> None:
    for _ in range(2):
        done = cli.good("alert", "test", "all", *configured(cli, "file", "stop"))
        assert done.lines() == [{"object": key, "rule": "us.ssn"} for key in ("a.txt", "b.txt")]
    assert not (cli.root / "alerts.jsonl").exists()
    done = cli.run("alert", "test", "none", "--config", "alerts.toml")
    assert (done.code, done.said) == (2, "piiscan: no alert rule 'none' (see `piiscan alert ls`)\n")


def test_alert_run(cli: Cli) -> None:
    key = ("--key-file", "made.key")
    flags = (*configured(cli, "file", "stop"), *key)
    first = cli.good("alert", "run", *flags, codes=(1,))
    assert first.json() == {"rules": 1, "sent": 2, "failed": 0, "exit_code": True}
    assert cli.good("alert", "run", *flags).json() == {"rules": 1, "sent": 0, "failed": 0, "exit_code": False}
    assert len((cli.root / "alerts.jsonl").read_text().splitlines()) == 1
    failed = cli.good("alert", "run", *configured(cli, "hook"), *key, codes=(3,))
    assert failed.json()["failed"] == 1
    assert "event=alert_not_delivered alert=all sink=hook" in failed.said
    wrong = cli.run("alert", "run", *configured(cli, "pager"), *key)
    assert (wrong.code, wrong.said) == (2, "piiscan: alert 'all': no sink 'pager' is configured\n")


def test_a_rule_with_wrong_sql_ends_commands_with_2(cli: Cli) -> None:
    configured(cli, "file")
    path = cli.root / "alerts.toml"
    path.write_text(path.read_text().replace("v_findings", "v_nothing"))
    for command in (("run", "--key-file", "made.key"), ("test", "all")):
        done = cli.run("alert", *command, "--config", "alerts.toml")
        assert done.code == 2
        assert done.said.startswith("piiscan: alert 'all': sql: ")
        assert len(done.said.splitlines()) == 1


def test_a_scan_runs_the_alerts(cli: Cli) -> None:
    tree = cli.root / "tree"
    tree.mkdir()
    (tree / "c.txt").write_text(f"SSN: {ssn(3)}\n")
    flags = ("--db", "new.duckdb", "--alert", *configured(cli, "file", "stop"))
    assert cli.scan(tree, *flags, codes=(1,))["run"] == 1
    (line,) = (cli.root / "alerts.jsonl").read_text().splitlines()
    assert json.loads(line)["rows"] == [{"object": "c.txt", "rule": "us.ssn"}]
    assert ssn(3) not in line
