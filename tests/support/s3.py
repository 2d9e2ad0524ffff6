"""A bucket to scan: moto's HTTP server in a process of its own, on a port that the system gives."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.support.cli import Cli

_SERVER = """
import logging, sys
from werkzeug.serving import make_server
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = make_server("127.0.0.1", 0, DomainDispatcherApplication(create_backend_app), threaded=True)
print(server.port, flush=True)
server.serve_forever()
"""


READERS = ("boto3", "obstore")
"""What may read the objects of a bucket (`aws.reader`)."""


def read_by(cli: Cli, reader: str) -> Cli:
    """The same commands, their objects read by one of `READERS`."""
    file = Path(cli.env["XDG_CONFIG_HOME"]) / "piiscan" / "config.toml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f'[aws]\nreader = "{reader}"\n')
    return cli


class Bucketeer:
    """The server's address, and a client to fill buckets with."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self.client = client(self.url)

    def make(self, bucket: str, objects: Mapping[str, bytes] | None = None) -> str:
        """A bucket with these objects; its name."""
        self.client.create_bucket(Bucket=bucket)
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda item: self.put(bucket, *item), (objects or {}).items()))
        return bucket

    def put(self, bucket: str, key: str, body: bytes, **more: Any) -> None:
        """One object, with a stored CRC-32 as the AWS tools make it."""
        self.client.put_object(Bucket=bucket, Key=key, Body=body, ChecksumAlgorithm="CRC32", **more)


def client(url: str) -> Any:
    """An S3 client for a server of a test."""
    import boto3
    from botocore.config import Config

    return boto3.client(
        "s3",
        endpoint_url=url,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(proxies={}, max_pool_connections=8, retries={"max_attempts": 1}),
    )


@contextmanager
def s3_server() -> Iterator[Bucketeer]:
    """A running server, ended with the block."""
    env = {k: v for k, v in os.environ.items() if "proxy" not in k.lower()}
    with subprocess.Popen(
        [sys.executable, "-c", _SERVER],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**env, "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"},
    ) as process:
        try:
            assert process.stdout is not None
            yield Bucketeer(int(process.stdout.readline()))
        finally:
            process.kill()
