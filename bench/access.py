"""Access logs of 90 days taken in, and what is found in them: `python -m bench.access [--events N] [--seed S]`.

Makes the logs of `bench.access_logs` once (kept in the folder), marks objects of some buckets as sensitive, takes all
in with the command's own code, and prints as JSON: events per second of processor time (of all threads), the
floor (gunzip and a count of lines) beside it, the largest memory, the size of the database, how many of the planted
anomalies were found, and false alarms a day. Bar: 36 of 40, under 1 a day, over 150,000 a second, under 1 GB.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
import zlib
from concurrent.futures import ProcessPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.access_logs import DAYS, SENSITIVE, START, World, bucket_name, key_of, world
from bench.access_write import write_day


def make(folder: Path, events: int, seed: int, workers: int) -> dict[str, Any]:
    """The logs, made unless they are there; records, requests, seconds."""
    note = folder / f"made-{events}-{seed}.json"
    if note.exists():
        return dict(json.loads(note.read_text()))
    begun = time.perf_counter()
    with ProcessPoolExecutor(workers) as pool:
        counts = list(pool.map(_day, [(str(folder / "logs"), day, seed, events) for day in range(DAYS)]))
    made = {"records": sum(c[0] for c in counts), "requests": sum(c[1] for c in counts)}
    made["seconds"] = round(time.perf_counter() - begun)
    note.write_text(json.dumps(made))
    return made


def _day(what: tuple[str, int, int, int]) -> tuple[int, int]:
    folder, day, seed, events = what
    return write_day(Path(folder), world(seed, events), day, seed)


def mark_sensitive(database: Path, key: Path) -> None:
    """A database in which the first forty objects of some buckets hold something."""
    from piiscan.model import (
        Category,
        Finding,
        Fingerprint,
        ObjectRef,
        ObjectReport,
        Occurrence,
        Outcome,
        Place,
        RiskScore,
        RuleId,
        Severity,
    )  # fmt: skip
    from piiscan.spool import write_shard
    from piiscan.store.ingest import DuckStore

    store = DuckStore(database, key_file=key)
    try:
        for bucket in SENSITIVE:
            source = f"s3://{bucket_name(bucket)}"
            reports = []
            for place in range(40):
                mark = Fingerprint(place.to_bytes(16, "big"))
                one = Occurrence(Place(line=1, column=1), "***-**-**98", mark, 0.95, 0, 11)
                found = Finding(
                    RuleId("us.ssn"), Category.PII, Severity.HIGH, 0.95, 1, 1, occurrences=(one,), test_data=False,
                    values={mark: 1},
                )  # fmt: skip
                ref = ObjectRef(source, key_of(place), 100, "e", None, "")
                risk = RiskScore(40, ("40 points",))
                reports.append(ObjectReport(ref, "text/csv", Outcome.SCANNED, "", (found,), risk, 100))
            run = store.begin([source], source, {}, "catalogue").run
            store.load(run, [write_shard(database.parent / "spool", run, 0, reports, "catalogue")])
            store.end(run, "done", len(reports), 0)
    finally:
        store.close()


def floor(folder: Path) -> float:
    """Seconds of processor time to inflate all files and count their lines."""
    begun = time.process_time()
    lines = 0
    for path in sorted(folder.rglob("*.gz")):
        inflater = zlib.decompressobj(31)
        with path.open("rb") as stream:
            while chunk := stream.read(1 << 16):
                lines += inflater.decompress(chunk).count(b"\n")
    return time.process_time() - begun


def judged(database: Path, made: World) -> dict[str, Any]:
    """Which of the planted anomalies were found, and what else was said."""
    import duckdb

    con = duckdb.connect(str(database), read_only=True)
    rows = con.execute(
        "SELECT kind, also, bucket, principal, began, ended, explanation FROM v_access_anomalies ORDER BY began"
    ).fetchall()
    con.close()
    matched: set[int] = set()
    missed = []
    for one in made.planted:
        day = (START + timedelta(days=one.day)).date()
        hits = {
            at
            for at, (kind, also, bucket, principal, began, until, _) in enumerate(rows)
            if bucket == bucket_name(one.bucket) and principal == one.actor.principal() and began <= day <= until
            and one.kind in (kind, *also)
        }  # fmt: skip
        matched |= hits
        if not hits:
            missed.append((one.kind, one.actor.name, bucket_name(one.bucket), str(day), one.count))
    false = [(r[0], r[2], r[3], str(r[4]), r[6]) for at, r in enumerate(rows) if at not in matched]
    found = len(made.planted) - len(missed)
    return {"planted": len(made.planted), "found": found, "false_a_day": round(len(false) / DAYS, 3), "missed": missed,
            "false": false}  # fmt: skip


def ingest(database: Path, key: Path, logs: Path) -> dict[str, Any]:
    """The logs taken in, and how fast."""
    from piiscan.access.ingest import Ingest, settle
    from piiscan.access.refresh import refresh
    from piiscan.config import Config
    from piiscan.store.access import AccessStore
    from piiscan.store.ingest import DuckStore

    begun, wall = time.process_time(), time.perf_counter()
    store = DuckStore(database, key_file=key)
    access = AccessStore(store)
    done = Ingest(access, Config()).take([str(logs)])
    settle(access)
    summed = time.process_time()
    found = len(refresh(store))
    store.close()
    ended = time.process_time()
    return {
        "records": done.records, "twice": done.doubles, "broken": done.broken, "anomalies": found,
        "cpu_seconds": round(ended - begun, 1), "of_anomalies": round(ended - summed, 1),
        "wall_seconds": round(time.perf_counter() - wall, 1),
        "records_per_cpu_second": round(done.records / (ended - begun)),
        "peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "database_mb": round(database.stat().st_size / 1e6, 1),
    }  # fmt: skip


def main() -> int:
    """Make, take in, judge."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/piiscan-access"))
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--no-floor", action="store_true")
    given = parser.parse_args()
    folder: Path = given.folder
    folder.mkdir(parents=True, exist_ok=True)
    out: dict[str, Any] = {"events": given.events, "seed": given.seed, "load": [round(x, 2) for x in os.getloadavg()]}
    out["made"] = make(folder, given.events, given.seed, given.workers)
    out["log_mb"] = round(sum(path.stat().st_size for path in (folder / "logs").rglob("*.gz")) / 1e6)
    database, key = folder / "access.duckdb", folder / "key"
    for old in folder.glob("access.duckdb*"):
        old.unlink()
    mark_sensitive(database, key)
    out |= ingest(database, key, folder / "logs")
    if not given.no_floor:
        seconds = floor(folder / "logs")
        out["floor_cpu_seconds"] = round(seconds, 1)
        out["times_the_floor"] = round(out["cpu_seconds"] / seconds, 2)
    out |= judged(database, world(given.seed, given.events))
    json.dump(out, sys.stdout, indent=1)
    print()
    good = out["found"] >= 36 and out["false_a_day"] < 1
    return 0 if good and out["records_per_cpu_second"] > 150_000 and out["peak_mb"] < 1000 else 1


if __name__ == "__main__":
    sys.exit(main())
