"""A command that is killed while it tells of something: nothing is lost, and what comes twice has one id."""

from __future__ import annotations

import json
import signal
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from tests.e2e.test_kill import KILL
from tests.support.cli import Cli, hooked
from tests.support.trees import ssn

Came = list[tuple[str, bytes]]


@pytest.fixture
def receiver() -> Iterator[tuple[str, Came]]:
    """A web server that refuses each third request, and what it took: idempotency key and body."""
    came: Came = []
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append(body)
            if len(asked) % 3 == 0:
                self.send_response(503)
            else:
                came.append((self.headers["Idempotency-Key"], body))
                self.send_response(204)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", came
    server.shutdown()
    server.server_close()


def test_killed_at_each_moment(cli: Cli, receiver: tuple[str, Came]) -> None:
    url, came = receiver
    folder = cli.root / "tree"
    folder.mkdir()
    for n in range(3):
        (folder / f"{n}.txt").write_text(f"SSN: {ssn(n)}\n")
    sql = "SELECT object, rule FROM v_findings WHERE object = '{}.txt'"
    rules = "".join(f'[[alerts]]\nname = "{n}"\nsinks = ["hook"]\nsql = "{sql.format(n)}"\n' for n in range(3))
    (cli.root / "c.toml").write_text(f'{rules}[[sinks]]\nname = "hook"\nkind = "webhook"\nurl = "{url}"\n')
    cli.scan(folder)
    killed = 0
    for stage in ("alert:1", "alerted:1", "alert:2", "alerted:1", "alerted:1"):
        env = hooked(cli.root / "hook", KILL) | {"TEST_KILL": f"{stage}:self:"}
        done = cli.run("alert", "run", "--config", "c.toml", env=env)
        killed += done.code == -signal.SIGKILL
    assert killed >= 3
    for _ in range(3):
        done = cli.run("alert", "run", "--config", "c.toml")
    assert done.code == 0
    assert cli.run("alert", "outbox", "--json").lines() == []
    bodies: dict[str, set[bytes]] = {}
    for key, body in came:
        bodies.setdefault(key, set()).add(body)
    assert all(len(same) == 1 for same in bodies.values())
    told = [json.loads(next(iter(same))) for same in bodies.values()]
    assert sorted(alert["alert"] for alert in told) == ["0", "1", "2"]
    assert len(came) > 3  # something came twice
    everything = b"".join(body for _, body in came)
    assert not any(ssn(n).encode() in everything for n in range(3))
    rows = cli.run("alert", "outbox", "--all", "--json").lines()
    assert {row["state"] for row in rows} == {"sent"}
