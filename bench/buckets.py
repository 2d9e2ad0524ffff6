"""A bucket of many small objects: `python -m bench.buckets [--objects N] [--rclone FILE] [READER ...]`.

`rclone serve s3` over a generated folder is the server (moto lists too slowly and answers in 5 ms of its own). For each
reader: CPU milliseconds, user and system, of all processes of piiscan an object, start-up taken off by a scan of few
objects; the findings of the readers are compared. Beside it CPU milliseconds a key of a listing alone, and the floor: a
GET of each object by obstore that throws the bytes away. JSON lines go to `bench/results/buckets.jsonl`.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.speed import cpu

SIZE = 4_096
FEW = 500
"""Objects of the scan whose time counts as start-up."""
TEXT = """the report was sent to all of them before friday and nobody read it until later in the week because of other
things that had to be done first so we ask everyone to look at the second part once more and to write back by tomorrow
if the figures of march do not agree with what the office has on file for the same customers"""

LIST = """
import sys
from piiscan.config import AwsConfig
from piiscan.crawl.s3 import S3Source
source = S3Source(sys.argv[1], "", AwsConfig())
print(sum(1 for _ in source.crawl()) if sys.argv[2] == "all" else next(source.crawl()).size)
"""
FLOOR = """
import sys
from concurrent.futures import ThreadPoolExecutor
import obstore
from piiscan.aws import s3_client
from piiscan.config import AwsConfig
from piiscan.crawl.s3 import S3Source
from piiscan.crawl.whole import WholeReader
source = S3Source(sys.argv[1], "", AwsConfig(reader="boto3"))
reader = WholeReader(source.name[5:], AwsConfig(), s3_client(AwsConfig()))
refs = [ref for _, ref in zip(range(int(sys.argv[2])), source.crawl())]
with ThreadPoolExecutor(16) as pool:
    print(sum(pool.map(lambda ref: len(obstore.get(reader._store, ref.key).bytes()), refs)))
"""


def fill(folder: Path, count: int) -> None:
    """`count` texts of four kilobytes, one in twenty with an address of an invented mailbox."""
    rng, words = random.Random(7), TEXT.split()
    for number in range(count):
        path = folder / f"p{number % 200:03d}" / f"n{number:06d}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        text = " ".join(rng.choice(words) for _ in range(SIZE // 5))[: SIZE - 60]
        if number % 20 == 0:
            text += f"\nwrite to person{number}@mail{number % 7}.example.org\n"
        path.write_text(text.ljust(SIZE))


@contextmanager
def served(rclone: str, root: Path) -> Iterator[dict[str, str]]:
    """The environment in which folders below `root` are buckets."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [rclone, "serve", "s3", str(root), "--addr", f"127.0.0.1:{port}", "--auth-key", "testing,testing"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL) as server:
        try:
            for _ in range(200):
                with socket.socket() as probe:
                    if probe.connect_ex(("127.0.0.1", port)) == 0:
                        break
                time.sleep(0.05)
            yield {
                **os.environ,
                "AWS_ENDPOINT_URL_S3": f"http://127.0.0.1:{port}",
                "AWS_ACCESS_KEY_ID": "testing",
                "AWS_SECRET_ACCESS_KEY": "testing",
                "AWS_DEFAULT_REGION": "us-east-1",
                "NO_PROXY": "*",
            }
        finally:
            server.kill()


def scan(env: dict[str, str], home: Path, reader: str, name: str, *more: str) -> float:
    """CPU seconds of a scan without names, into a database of that name."""
    command = [sys.executable, "-m", "piiscan", "scan", "s3://many", "--no-ner", "-q", "--reader", reader]
    command += ["--key-file", str(home / "key"), "--db", str(home / f"{name}.duckdb"), *more]
    return cpu(lambda: subprocess.run(command, env={**env, "XDG_STATE_HOME": str(home)}, check=True))


def findings(home: Path, name: str) -> list[tuple[object, ...]]:
    """All findings of a database, but for times and runs."""
    import duckdb

    with duckdb.connect(str(home / f"{name}.duckdb"), read_only=True) as con:
        columns = "finding, rule, count, distinct_values, confidence"
        return con.execute(f"SELECT {columns} FROM findings ORDER BY ALL").fetchall()


def timed(code: str, env: dict[str, str], *args: str) -> float:
    """CPU seconds of a script."""
    command = [sys.executable, "-c", code, *args]
    return cpu(lambda: subprocess.run(command, env=env, stdout=subprocess.DEVNULL, check=True))


def main() -> int:
    """Fill, serve, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=20_000)
    parser.add_argument("--rclone", default=shutil.which("rclone") or "rclone", help="the program, 1.65 or later")
    parser.add_argument("readers", nargs="*", default=["obstore", "boto3"])
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        fill(home / "data" / "many", args.objects)
        key = home / "key"
        key.touch(mode=0o600)
        key.write_text("5a" * 32)
        with served(args.rclone, home / "data") as env:
            out: dict[str, object] = {"objects": args.objects, "load": os.getloadavg()[0]}
            more = args.objects - FEW
            for reader in args.readers:
                start = scan(env, home, reader, f"{reader}-few", "--max-objects", str(FEW))
                out[f"{reader}_ms_object"] = round(1000 * (scan(env, home, reader, reader) - start) / more, 3)
                out[f"{reader}_start_s"] = round(start, 2)
            listing = timed(LIST, env, "s3://many", "all") - timed(LIST, env, "s3://many", "one")
            out["listing_ms_key"] = round(1000 * listing / args.objects, 4)
            gets = timed(FLOOR, env, "s3://many", str(more + FEW)) - timed(FLOOR, env, "s3://many", str(FEW))
            out["floor_ms_object"] = round(1000 * gets / more, 3)
            same = [findings(home, reader) for reader in args.readers]
            out["findings"], out["same"] = len(same[0]), all(found == same[0] for found in same)
    print(json.dumps(out))
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    with (results / "buckets.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps(out) + "\n")
    return 0 if out["same"] else 1


if __name__ == "__main__":
    sys.exit(main())
