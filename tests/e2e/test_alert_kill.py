"""A command that is killed while it tells of something: nothing is lost, and what comes twice has one id."""

from __future__ import annotations

import json
import random
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.e2e.test_kill import KILL
from tests.support.cli import Cli, hooked
from tests.support.trees import ssn

Came = list[tuple[str, str, bytes]]
"""What a server took: path, idempotency key, body."""
SINKS = ("/one", "/two")
RULES = {
    "all": "SELECT object, rule FROM v_findings",
    "even": "SELECT object, rule FROM v_findings WHERE list_contains(['0', '2', '4', '6', '8'], object[-5])",
}


@contextmanager
def receiving(answer: Callable[[int], str]) -> Iterator[tuple[str, Came]]:
    """A web server and what it took; `answer` says of each request: `take`, `refuse`, or `hang up` once it is taken."""
    came: Came = []
    lock, asked = threading.Lock(), 0

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            nonlocal asked
            body = self.rfile.read(int(self.headers["Content-Length"]))
            with lock:
                said, asked = answer(asked), asked + 1
                if said != "refuse":
                    came.append((self.path, self.headers["Idempotency-Key"], body))
            if said == "hang up":
                self.close_connection = True
                return
            self.send_response(503 if said == "refuse" else 204)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", came
    finally:
        server.shutdown()
        server.server_close()


def _killed(cli: Cli, command: Sequence[object], moment: str) -> bool:
    """Run a command that is killed at a stage (`alert:2`: the second time) or some seconds after it began."""
    stage, _, number = moment.partition(":")
    if stage == "after":
        with cli.start(*command) as process:
            time.sleep(float(number))
            process.kill()
            process.communicate()
        return process.returncode == -signal.SIGKILL
    env = hooked(cli.root / "hook", KILL) | {"TEST_KILL": f"{moment}:self:"}
    return cli.run(*command, env=env).code == -signal.SIGKILL


def told_through_kills(cli: Cli, url: str, came: Came, moments: Sequence[tuple[str, str]]) -> dict[str, Any]:
    """Commands that are killed: `scan` after a file more, or `alert`; then all that waits is sent. What came of it."""
    folder = cli.root / "tree"
    folder.mkdir()
    names = [f"{n}.txt" for n in range(3 + sum(command == "scan" for command, _ in moments))]
    files = iter(enumerate(names))
    sinks = ", ".join(f'"hook{path}"' for path in SINKS)
    config = [f'[[alerts]]\nname = "{n}"\nsinks = [{sinks}]\nsql = "{sql}"\n' for n, sql in RULES.items()]
    config += [f'[[sinks]]\nname = "hook{path}"\nkind = "webhook"\nurl = "{url}{path}"\n' for path in SINKS]
    (cli.root / "c.toml").write_text("\n".join(config))

    def write_one() -> None:
        number, name = next(files)
        (folder / name).write_text(f"SSN: {ssn(number)}\n")

    for _ in range(3):
        write_one()
    cli.scan(folder)
    killed = 0
    for command, moment in moments:
        if command == "scan":
            write_one()
            args: tuple[object, ...] = ("scan", folder, "--no-ner", "--quiet", "--alert", "--config", "c.toml")
        else:
            args = ("alert", "run", "--config", "c.toml")
        killed += _killed(cli, args, moment)
    cli.scan(folder)
    for _ in range(20):
        done = cli.run("alert", "run", "--config", "c.toml")
        if not cli.run("alert", "outbox", "--json").lines():
            break
    assert done.code == 0
    bodies: dict[tuple[str, str], set[bytes]] = {}
    for path, key, body in came:
        bodies.setdefault((path, key), set()).add(body)
    lost, twice = 0, 0
    for path in SINKS:
        for rule in RULES:
            messages = [json.loads(next(iter(same))) for (to, _), same in bodies.items() if to == path]
            told = [row["object"] for message in messages if message["alert"] == rule for row in message["rows"]]
            wanted = {name for name in names if rule == "all" or name[-5] in "02468"}
            lost += len(wanted - set(told))
            twice += len(told) - len(set(told))
    everything = b"".join(body for _, _, body in came)
    return {
        "killed": killed,
        "messages": len(bodies),
        "came": len(came),
        "rows_lost": lost,
        "rows_under_two_keys": twice,
        "keys_with_two_bodies": sum(len(same) > 1 for same in bodies.values()),
        "values_in_clear": sum(ssn(n).encode() in everything for n in range(len(names))),
        "states": sorted({row["state"] for row in cli.run("alert", "outbox", "--all", "--json").lines()}),
    }


WANTED = {
    "rows_lost": 0,
    "rows_under_two_keys": 0,
    "keys_with_two_bodies": 0,
    "values_in_clear": 0,
    "states": ["sent"],
}
"""What must come of it, however often it is killed."""


def moments(count: int, seed: int) -> list[tuple[str, str]]:
    """Commands and the moments at which they are killed."""
    rng = random.Random(seed)
    stages = ["alert:1", "alert:2", "alerted:1", "alerted:2", "commit:1", "ingest:1", "snapshot:1", "snapshot:2"]
    out = []
    for number in range(count):
        stage = f"after:{rng.uniform(0.8, 3.0):.2f}" if number % 4 == 3 else rng.choice(stages)
        out.append(("alert" if stage.startswith("alert") and rng.random() < 0.4 else "scan", stage))
    return out


def test_killed_at_each_moment(cli: Cli) -> None:
    answers = ("take", "take", "refuse", "take", "hang up", "refuse")
    stages = ("alert:1", "alerted:1", "alert:2", "alerted:1", "alerted:1")
    with receiving(lambda n: answers[n % len(answers)]) as (url, came):
        found = told_through_kills(cli, url, came, [("alert", stage) for stage in stages])
    assert {name: found[name] for name in WANTED} == WANTED
    assert found["killed"] >= 3
    assert found["came"] > found["messages"] >= len(SINKS) * len(RULES)  # something came twice
