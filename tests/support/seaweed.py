"""An S3 of another make: SeaweedFS, all of its servers in one process on ports of loopback."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.support.programs import find
from tests.support.s3 import Bucketeer

_SERVERS = ("s3.port", "s3.port.grpc", "master.port", "master.port.grpc", "volume.port", "volume.port.grpc",
            "filer.port", "filer.port.grpc")  # fmt: skip
_IDENTITY = {
    "name": "tests",
    "credentials": [{"accessKey": "testing", "secretKey": "testing"}],
    "actions": ["Admin", "Read", "Write", "List", "Tagging"],
}
PATIENCE = 90.0
"""Seconds within which it is there."""


def _ports(count: int) -> list[int]:
    """So many ports that were free a moment ago, all of them different."""
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


@contextmanager
def seaweed(folder: Path) -> Iterator[Bucketeer]:
    """A running server that keeps its files in a folder, ended with the block."""
    ports = dict(zip(_SERVERS, _ports(len(_SERVERS)), strict=True))
    identities = folder / "identities.json"
    identities.write_text(json.dumps({"identities": [_IDENTITY]}))
    (folder / "data").mkdir()
    options = {
        "s3": "true",
        "dir": folder / "data",
        "ip": "127.0.0.1",
        "ip.bind": "127.0.0.1",
        "master.telemetry": "false",
        "master.volumeSizeLimitMB": 64,
        "volume.max": 300,
        "s3.config": identities,
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        **ports,
    }
    command = [find("weed"), "-logtostderr=true", "server", *(f"-{name}={value}" for name, value in options.items())]
    log = folder / "log"
    env = {k: v for k, v in os.environ.items() if "proxy" not in k.lower() and not k.startswith("AWS_")}
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out, env=env) as process:
        try:
            server = Bucketeer(ports["s3.port"])
            _await(server.url, process)
            yield server
        finally:
            process.kill()


def _await(url: str, process: subprocess.Popen[bytes]) -> None:
    """Until it answers anything at all. Raises: AssertionError."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end and process.poll() is None:
        try:
            urllib.request.urlopen(url, timeout=2).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.2)
    raise AssertionError("SeaweedFS did not answer")
