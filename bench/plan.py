"""Planning a run over an inventory: `python -m bench.plan [--objects N] [--rclone FILE]`.

An inventory of N objects in Parquet, of which the store knows nine tenths as they are: CPU seconds and peak memory of
the process that finds out which must be read, start-up and opening of the store included. `rclone serve s3` serves the
files. JSON lines go to `bench/results/plan.jsonl`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from bench.buckets import served
from piiscan.spool import object_id
from piiscan.store.duck import open_for_writing

FILE_ROWS = 250_000
PLAN = """
import json, os, resource, sys
from pathlib import Path
from piiscan.choice import Choice
from piiscan.config import load_config
from piiscan.crawl import Target, open_source
from piiscan.crawl.select import Tally
from piiscan.store.ingest import DuckStore
from piiscan.walk import Walk, Walked
config = load_config({"aws": {"inventory": sys.argv[1]}})
store = DuckStore(Path(sys.argv[2]), key_file=Path(sys.argv[3]))
run, walked = store.begin(["s3://many"], "plan", {}, "c").run, Walked()
choice = Choice(config, walked.tally, store.connection, run, "c", full=False)
walk = Walk(config, store, choice, lambda target: open_source(target, config), walked, run, "c", full=False)
count = sum(1 for _ in walk.refs([Target("s3://many")]))
gone = walk.close()
use = resource.getrusage(resource.RUSAGE_SELF)
print(json.dumps({"to_read": count, "gone": gone, "unchanged": walked.unchanged, "errors": walk.errors,
                  "cpu_s": round(use.ru_utime + use.ru_stime, 1), "mb": round(use.ru_maxrss / 1024)}))
"""


def key_of(number: int) -> str:
    """The key of an object."""
    return f"logs/{number % 1000:03d}/part-{number:09d}.json.gz"


def etag_of(number: int) -> str:
    """The ETag of an object: 32 digits, as an MD5 has."""
    return f"{number * 0x9E3779B97F4A7C15 % (1 << 64):016x}{number:016x}"


def parts(count: int) -> Iterator[range]:
    """The numbers of the objects, a file's at a time."""
    for begin in range(0, count, FILE_ROWS):
        yield range(begin, min(begin + FILE_ROWS, count))


def inventory(root: Path, count: int) -> str:
    """An inventory of the bucket `many` in the bucket `inventories`; its manifest's URL."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    folder = root / "inventories" / "many"
    (folder / "data").mkdir(parents=True)
    (root / "many").mkdir()
    files = []
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    for part in parts(count):
        table = pa.table(
            {
                "bucket": ["many"] * len(part),
                "key": [key_of(n) for n in part],
                "size": pa.array([1000 + n % 9000 for n in part], pa.int64()),
                "last_modified_date": pa.array([moment] * len(part), pa.timestamp("ms", tz="UTC")),
                "e_tag": [etag_of(n) for n in part],
                "storage_class": ["STANDARD"] * len(part),
            }
        )
        path = folder / "data" / f"{part.start:09d}.parquet"
        pq.write_table(table, path)
        data = path.read_bytes()
        sum_ = hashlib.md5(data, usedforsecurity=False).hexdigest()
        files.append({"key": f"many/data/{path.name}", "size": len(data), "MD5checksum": sum_})
    manifest = {
        "sourceBucket": "many",
        "destinationBucket": "arn:aws:s3:::inventories",
        "version": "2016-11-30",
        "creationTimestamp": str(int(datetime.now(UTC).timestamp() * 1000)),
        "fileFormat": "Parquet",
        "fileSchema": "message schema {}",
        "files": files,
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return "s3://inventories/many/manifest.json"


def database(path: Path, count: int) -> None:
    """A store that knows nine in ten of the objects."""
    import pyarrow as pa

    con = open_for_writing(path)
    con.execute(
        "INSERT INTO runs VALUES (1, now()::TIMESTAMP, now()::TIMESTAMP, 'done', '[]', 'i', '{}', 'c', '0', NULL, NULL)"
    )
    for part in parts(count):
        known = [n for n in part if n % 10]
        table = pa.table(
            {
                "oid": pa.array([object_id("s3://many", key_of(n)) for n in known], pa.int64()),
                "key": [key_of(n) for n in known],
                "size": pa.array([1000 + n % 9000 for n in known], pa.int64()),
                "etag": [etag_of(n) for n in known],
            }
        )
        con.register("known", table)
        con.execute(
            "INSERT INTO objects SELECT oid, 1, 's3://many', key, 'application/gzip', size, etag, "
            "TIMESTAMP '2026-01-01', '', 'c', 'scanned', '', size, 0, 0, '[]', NULL, false FROM known ORDER BY oid"
        )
        con.unregister("known")
    con.execute("CHECKPOINT")
    con.close()


def main() -> int:
    """Make, serve, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=1_000_000)
    parser.add_argument("--rclone", default=shutil.which("rclone") or "rclone", help="the program, 1.65 or later")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        url = inventory(home / "data", args.objects)
        database(home / "x.duckdb", args.objects)
        key = home / "key"
        key.touch(mode=0o600)
        key.write_text("5a" * 32)
        with served(args.rclone, home / "data") as env:
            command = [sys.executable, "-c", PLAN, url, str(home / "x.duckdb"), str(key)]
            env = {**env, "XDG_STATE_HOME": str(home)}
            done = subprocess.run(command, env=env, stdout=subprocess.PIPE, check=True)
    out = {"objects": args.objects, "load": os.getloadavg()[0], **json.loads(done.stdout)}
    print(json.dumps(out))
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    with (results / "plan.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps(out) + "\n")
    return 0 if out["to_read"] == -(-args.objects // 10) and not out["gone"] else 1


if __name__ == "__main__":
    sys.exit(main())
