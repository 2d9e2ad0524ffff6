"""How long after its event an object is scanned: `python -m bench.soak events`.

A thousand objects, each with its event and two hundred of them with a second one, sent in another order than the
objects came, while `piiscan watch` waits for the queue (moto's S3 and SQS). The time of an event is from its sending to
the end of the run that committed its object.
"""

from __future__ import annotations

import json
import random
import signal
import statistics
import subprocess
import time
from datetime import UTC, datetime
from typing import Any

from tests.e2e.test_watch import Line
from tests.support.cli import Cli
from tests.support.proxy import fault_proxy
from tests.support.s3 import s3_server
from tests.support.trees import ssn

RATE = 40
"""Events a second."""


def events(cli: Cli, count: int) -> dict[str, Any]:
    """Send, wait until the queue is empty, and look up when each object was committed."""
    import duckdb

    keys = [f"d{n % 20}/n{n:04d}.txt" for n in range(count)]
    with s3_server() as server, fault_proxy(server.port) as proxy:
        line = Line(server, "events")
        for n, key in enumerate(keys):
            server.put(line.bucket, key, f"SSN: {ssn(n)}\n".encode())
        cli.env |= {"AWS_ENDPOINT_URL": server.url, "AWS_ENDPOINT_URL_S3": proxy.url}
        told = keys + keys[: count // 5]
        random.Random(3).shuffle(told)
        sent: dict[str, float] = {}
        with cli.start("watch", "--sqs", line.url, "--no-ner", "--quiet", stderr=subprocess.DEVNULL) as process:
            begun = time.time()
            for n, key in enumerate(told):
                time.sleep(max(0.0, begun + n / RATE - time.time()))
                line.send(line.event(key))
                sent.setdefault(key, time.time())
            while line.left():
                time.sleep(0.5)
            process.send_signal(signal.SIGTERM)
            process.wait()
        read = [request.key for request in proxy.requests if request.method == "GET" and request.key]
    with duckdb.connect(str(cli.root / "piiscan.duckdb"), read_only=True) as con:
        rows = con.execute("SELECT o.key, r.ended FROM objects o JOIN runs r USING (run)").fetchall()
    waited = sorted(ended.replace(tzinfo=UTC).timestamp() - sent[key] for key, ended in rows)
    assert isinstance(rows[0][1], datetime)
    figures = {
        "events": len(told),
        "objects": len(rows),
        "read": len(read),
        "median_s": round(statistics.median(waited), 2),
        "slowest_s": round(waited[-1], 2),
    }
    return {**figures, "ok": len(rows) == count == len(read) and figures["median_s"] < 5}


if __name__ == "__main__":
    from bench.soak import place

    with place() as made:
        print(json.dumps(events(made, 1_000)))
