"""Traces reach a receiver of OTLP over HTTP, and tell nothing of what was read."""

from __future__ import annotations

import gzip
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.support.cli import Cli, hooked
from tests.support.trees import documents, plain, ssn, write


class Collector:
    """What came in, as the protocol's own classes read it."""

    def __init__(self, url: str) -> None:
        self.env = {"OTEL_EXPORTER_OTLP_ENDPOINT": url}
        self.paths: set[str] = set()
        self.bodies: list[bytes] = []

    @property
    def resources(self) -> list[Any]:
        return [found for body in self.bodies for found in ExportTraceServiceRequest.FromString(body).resource_spans]

    def spans(self, name: str = "") -> list[Any]:
        every = [s for resource in self.resources for scope in resource.scope_spans for s in scope.spans]
        return [one for one in every if not name or one.name == name]


def attributes(of: Any) -> dict[str, Any]:
    return {a.key: getattr(a.value, a.value.WhichOneof("value")) for a in of.attributes}


@pytest.fixture
def collector() -> Iterator[Collector]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.paths.add(self.path)
            made.bodies.append(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
            self.send_response(200)
            self.send_header("Content-Type", "application/x-protobuf")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made = Collector(f"http://127.0.0.1:{server.server_address[1]}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_spans_of_a_scan(cli: Cli, collector: Collector) -> None:
    tree = write(cli.root / "tree", documents(40))
    cli.scan("tree", "--workers", "2", env=collector.env)
    assert collector.paths == {"/v1/traces"}
    (run,) = collector.spans("run")
    assert attributes(run) == {
        "piiscan.run": 1, "piiscan.resumed": False, "piiscan.targets": 1, "piiscan.status": "done",
        "piiscan.objects": 40, "piiscan.bytes": attributes(run)["piiscan.bytes"],
        "piiscan.matches": attributes(run)["piiscan.matches"],
    }  # fmt: skip
    (listing,) = collector.spans("list")
    assert attributes(listing)["piiscan.objects"] == 40
    assert attributes(listing)["piiscan.source"] == f"file://{tree}"
    shards = collector.spans("shard")
    assert sum(attributes(shard)["piiscan.objects"] for shard in shards) == 40
    assert sum(attributes(ingest)["piiscan.files"] for ingest in collector.spans("ingest")) == len(shards)
    for one in collector.spans():
        assert one.trace_id == run.trace_id
        assert one.parent_span_id == (b"" if one is run or one.name == "run" else run.span_id)
        assert run.start_time_unix_nano <= one.start_time_unix_nano <= one.end_time_unix_nano <= run.end_time_unix_nano
        assert one.status.code == 0
        assert not one.events
    resource = attributes(collector.resources[0].resource)
    assert resource["service.name"] == "piiscan"
    raw = b"".join(collector.bodies)
    for name, _ in documents(40):
        assert name.encode() not in raw
    for number in range(400):
        assert ssn(number).encode() not in raw


def test_a_worker_that_dies_and_a_run_that_breaks(cli: Cli, collector: Collector) -> None:
    write(cli.root / "tree", plain(3))
    code = """
import os, piiscan.stages
def reached(at):
    if at == "fetch" and not os.path.exists("died"):
        open("died", "w").close()
        os._exit(9)
    if at == "commit":
        raise RuntimeError("219-10-1001")
piiscan.stages.reached = reached
"""
    done = cli.run("scan", "tree", "--no-ner", "--workers", "1", env=collector.env | hooked(cli.root / "hook", code))
    assert done.code == 2
    errors = {(one.name, one.status.message) for one in collector.spans() if one.status.code == 2}
    assert errors == {("shard", "WORKER_DIED"), ("ingest", "RuntimeError"), ("run", "RuntimeError")}
    assert attributes(collector.spans("run")[0])["error.type"] == "RuntimeError"
    assert b"219-10-1001" not in b"".join(collector.bodies)


def test_a_receiver_that_is_not_there_costs_no_scan(cli: Cli) -> None:
    write(cli.root / "tree", plain(3))
    env = {"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://127.0.0.1:9/v1/traces", "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
    assert cli.scan("tree", env=env)["objects"]["scanned"] == 3


@pytest.mark.parametrize("blocked", [False, True])
def test_nothing_is_loaded_unless_it_is_wanted(cli: Cli, collector: Collector, blocked: bool) -> None:
    """Not asked for; or asked for and not installed."""
    write(cli.root / "tree", plain(3))
    code = """
import atexit, sys
if "piiscan" in sys.orig_argv:
    if BLOCKED:
        sys.modules["opentelemetry"] = None
    atexit.register(lambda: sys.stderr.write(f"loaded={sys.modules.get('opentelemetry') is not None}"))
""".replace("BLOCKED", str(blocked))
    env = hooked(cli.root / "hook", code) | (collector.env if blocked else {})
    done = cli.good("scan", "tree", "--no-ner", "-q", env=env)
    assert done.said.endswith("loaded=False")
    assert "opentelemetry" not in done.said.removesuffix("loaded=False")
    assert collector.bodies == []
    assert sys.modules["opentelemetry"] is not None
