"""The second run over a bucket: `python -m bench.again [--objects N] [--rclone FILE]`.

CPU seconds, user and system, of all processes of piiscan as a share of the first run's: with nothing changed; with one
object in a hundred changed, known by a listing and known by an inventory; with one selective rule added, and of that
run the share of the bytes that it read. After the last the findings must be those of a full scan. The texts are drawn
from 20,000 made-up words as often as words of a language are (Zipf), one in 200 has a word of the new rule without a
number, one in 2,000 has both. JSON lines go to `bench/results/again.jsonl`.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import random
import shutil
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path

from bench.buckets import findings, scan, served

SIZE = 4_096
WORDS = 20_000
RULE = """
id       = "custom.loyalty"
name     = "Loyalty card"
category = "custom"
summary  = "A number of a loyalty card."
[severity]
steps = { 1 = "low" }
[match]
before  = '[^\\w]'
pattern = '\\d{4}-\\d{6}'
after   = '[^\\w]'
[context]
keywords = ["loyalty card", "loyalty number"]
required = true
[confidence]
match   = 0.2
context = 0.8
[[example]]
text = "loyalty card 1234-567890"
find = ["1234-567890"]
[[example]]
text = "Loyalty number: 2234-567890"
find = ["2234-567890"]
[[negative]]
text    = "loyalty card 1234-56789"
stopped = "match"
[[negative]]
text    = "part 1234-567890"
stopped = "context"
"""


def texts(count: int, seed: int = 7) -> Iterator[str]:
    """`count` texts of four kilobytes."""
    rng = random.Random(seed)
    syllables = [a + b for a in "bcdfghjklmnprstvwz" for b in ("a", "e", "i", "o", "u", "an", "er", "il", "on")]
    words = ["".join(rng.choices(syllables, k=rng.randint(1, 4))) for _ in range(WORDS)]
    weights = list(accumulate(1 / (rank + 2) for rank in range(WORDS)))
    for number in range(count):
        text = " ".join(rng.choices(words, cum_weights=weights, k=SIZE // 5))[: SIZE - 120]
        if number % 20 == 0:
            text += f"\nwrite to person{number}@mail{number % 7}.example.org\n"
        if number % 200 == 0:
            text += " the loyalty card"
        if number % 2_000 == 0:
            text += f" {1000 + number % 9000}-{100000 + number}"
        yield text.ljust(SIZE)


def fill(folder: Path, count: int) -> list[Path]:
    """The texts as files."""
    out = []
    for number, text in enumerate(texts(count)):
        path = folder / f"p{number % 200:03d}" / f"n{number:06d}.txt"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        out.append(path)
    return out


def inventory(root: Path) -> str:
    """An inventory of the bucket `many`, in the bucket `inventories`; its manifest's URL."""
    folder = root / "inventories" / "many" / "all"
    (folder / "data").mkdir(parents=True, exist_ok=True)
    rows = []
    for path in sorted((root / "many").rglob("*.txt")):
        key, data = path.relative_to(root / "many").as_posix(), path.read_bytes()
        moment = datetime.fromtimestamp(path.stat().st_mtime, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        sum_ = hashlib.md5(data, usedforsecurity=False).hexdigest()
        rows.append(f'"many","{key}","{len(data)}","{moment}","{sum_}","STANDARD"\n')
    data = gzip.compress("".join(rows).encode())
    (folder / "data" / "part.csv.gz").write_bytes(data)
    manifest = {
        "sourceBucket": "many",
        "destinationBucket": "arn:aws:s3:::inventories",
        "version": "2016-11-30",
        "creationTimestamp": str(int(datetime.now(UTC).timestamp() * 1000)),
        "fileFormat": "CSV",
        "fileSchema": "Bucket, Key, Size, LastModifiedDate, ETag, StorageClass",
        "files": [
            {
                "key": "many/all/data/part.csv.gz",
                "size": len(data),
                "MD5checksum": hashlib.md5(data, usedforsecurity=False).hexdigest(),
            }
        ],
    }
    (folder / "manifest.json").write_text(json.dumps(manifest))
    return "s3://inventories/many/all/manifest.json"


def change(paths: list[Path], seed: int) -> None:
    """One file in a hundred, changed."""
    for path in random.Random(seed).sample(paths, len(paths) // 100):
        path.write_text(path.read_text()[:-8] + f" {seed} abc\n")


def read_bytes(home: Path, name: str) -> int:
    """Bytes that the last run of a database examined."""
    import duckdb

    with duckdb.connect(str(home / f"{name}.duckdb"), read_only=True) as con:
        row = con.execute(
            "SELECT coalesce(sum(bytes_examined), 0) FROM objects WHERE run = (SELECT max(run) FROM runs)"
        ).fetchone()
    assert row is not None
    return int(row[0])


def measured(env: dict[str, str], home: Path, paths: list[Path]) -> dict[str, object]:
    """The figures, in the order in which they are made."""
    first = scan(env, home, "auto", "x")
    size = read_bytes(home, "x")
    out: dict[str, object] = {"first_s": round(first, 2), "none_changed": share(scan(env, home, "auto", "x"), first)}
    change(paths, 1)
    out["hundredth_listed"] = share(scan(env, home, "auto", "x"), first)
    change(paths, 2)
    url = inventory(home / "data")
    out["hundredth_inventory"] = share(scan(env, home, "auto", "x", "--from-inventory", url), first)
    rules = home / "rules" / "custom"
    rules.mkdir(parents=True)
    (rules / "loyalty.toml").write_text(RULE)
    more = ("--rules", str(home / "rules"))
    out["rule_added"] = share(scan(env, home, "auto", "x", *more), first)
    out["rule_added_bytes"] = share(read_bytes(home, "x"), size)
    scan(env, home, "auto", "whole", *more)
    out["same"] = current(home, "x") == findings(home, "whole")
    out["mb_database"] = round((home / "x.duckdb").stat().st_size / 1e6, 1)
    return out


def current(home: Path, name: str) -> list[tuple[object, ...]]:
    """The findings of the newest state."""
    import duckdb

    with duckdb.connect(str(home / f"{name}.duckdb"), read_only=True) as con:
        columns = "finding, rule, count, distinct_values, confidence"
        return con.execute(f"SELECT {columns} FROM findings WHERE superseded IS NULL ORDER BY ALL").fetchall()


def share(part: float, whole: float) -> float:
    """A part, in percent of the whole."""
    return round(100 * part / whole, 2)


def main() -> int:
    """Fill, serve, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--objects", type=int, default=20_000)
    parser.add_argument("--rclone", default=shutil.which("rclone") or "rclone", help="the program, 1.65 or later")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        home = Path(temporary)
        paths = fill(home / "data" / "many", args.objects)
        (home / "data" / "inventories").mkdir()  # the server lists its root once
        key = home / "key"
        key.touch(mode=0o600)
        key.write_text("5a" * 32)
        with served(args.rclone, home / "data") as env:
            out = {"objects": args.objects, "load": os.getloadavg()[0], **measured(env, home, paths)}
    print(json.dumps(out))
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    with (results / "again.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps(out) + "\n")
    return 0 if out["same"] else 1


if __name__ == "__main__":
    sys.exit(main())
