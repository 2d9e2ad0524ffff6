"""A source of many keys, sampled: `python -m bench.endless [--keys N] [--percent P]`.

A source in this process yields N keys, which are listed, put into strata, and drawn from; the drawn ones are read (4 KB
of text each, some 40). CPU seconds, peak memory, and the memory at a tenth of the way beside that at the end: it must
not grow with the listing. JSON lines go to `bench/results/endless.jsonl`.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from bench.again import texts
from piiscan.config import load_config
from piiscan.engine.worker import Worker
from piiscan.model import ObjectRef
from piiscan.ports import Event, Shard, ShardFile, Task
from piiscan.scan import Run
from piiscan.spool import write_shard
from piiscan.store.ingest import DuckStore

NAME = "s3://endless"
START = datetime(2025, 1, 1, tzinfo=UTC)
SUFFIXES = ("json.gz", "csv", "txt", "parquet", "log", "pdf", "txt", "jpg")


def resident() -> int:
    """Megabytes that this process has in memory now (proc(5), statm)."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() >> 20


class Endless:
    """A source of `count` objects."""

    name = NAME

    def __init__(self, count: int) -> None:
        self._count = count
        self._texts = [text.encode() for text in texts(200)]
        self.at_a_tenth = 0

    def crawl(self) -> Iterator[ObjectRef]:
        """See `ports.Source`."""
        for number in range(self._count):
            if number == self._count // 10:
                self.at_a_tenth = resident()
            size = 4_096 if number % 10 else 40_960
            key = f"team-{number % 37}/year={2020 + number % 6}/part-{number:09d}.{SUFFIXES[number % 8]}"
            yield ObjectRef(NAME, key, size, f"{number:032x}", START + timedelta(minutes=number % 500_000))

    def open(self, ref: ObjectRef) -> BinaryIO:
        """See `ports.Source`."""
        text = self._texts[int.from_bytes(hashlib.blake2b(ref.key.encode(), digest_size=2).digest(), "big") % 200]
        return io.BytesIO((text * (ref.size // len(text) + 1))[: ref.size])

    def refresh(self, ref: ObjectRef) -> ObjectRef:
        """See `ports.Source`."""
        return ref


class InProcess:
    """Shards read in this process."""

    def __init__(self, source: Endless) -> None:
        self._source = source

    def run(self, shards: Iterable[Shard], task: Task, told: Callable[[Event], None]) -> Iterator[ShardFile]:
        """See `ports.Engine`."""
        worker = Worker(task)
        worker._sources[NAME] = self._source
        for shard in shards:
            reports = (worker.report(ref) for ref in shard.refs)
            yield write_shard(Path(task.spool), shard.run, shard.number, reports, task.catalogue)
            for _ in shard.refs:
                told(Event("scanned", 0, 0))
        worker.close()


def main() -> int:
    """List, draw, read, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--percent", type=float, default=0.01)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        os.environ["XDG_STATE_HOME"] = temporary
        config = load_config({"ner": False, "sample": args.percent})
        store, source = DuckStore(home / "x.duckdb"), Endless(args.keys)
        begun = time.process_time()
        result = Run([], config, store, engine=InProcess(source), sources=[source]).execute()
        seconds = time.process_time() - begun
        at_end = resident()
        read = store.query("SELECT count(*) FROM objects")[0][0]
        store.close()
    out = {
        "keys": args.keys,
        "load": os.getloadavg()[0],
        "listed": result.progress.tally.listed,
        "read": read,
        "cpu_s": round(seconds, 1),
        "us_key": round(1e6 * seconds / args.keys, 2),
        "mb_at_a_tenth": source.at_a_tenth,
        "mb_at_end": at_end,
        "mb_peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
    }
    print(json.dumps(out))
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    with (results / "endless.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps(out) + "\n")
    return 0 if out["listed"] == args.keys else 1


if __name__ == "__main__":
    sys.exit(main())
