"""One large text read in parts by two workers, by one, and whole: `python -m bench.large [--megabytes N]`.

The text is a log of requests in which one line in fifty holds a synthetic national number and an e-mail address.
Printed: seconds and CPU seconds of each scan, how many times faster two workers are than one, and whether all three
stored the same findings, places, offsets and values. Bar 12: the same, and 1.6 times faster on a quiet machine.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

STATE = (
    "SELECT rule, severity, confidence, count, distinct_values, distinct_exact FROM findings",
    "SELECT rule, seq, char_start, char_length, place, masked, confidence, fingerprint FROM occurrences",
    "SELECT rule, fingerprint, count FROM value_index",
    "SELECT outcome, reason, bytes_examined, risk, people FROM objects",
)
BLOCK = 64 << 20


def write(path: Path, size: int) -> None:
    """A log of so many bytes, no two lines of which are the same."""
    rng, number = random.Random(12), 0
    with path.open("wb") as out:
        while out.tell() < size:
            lines = []
            for _ in range(20_000):
                number += 1
                said = f"{number} INFO GET /items/{rng.randrange(10**6)} took {rng.randrange(999)} ms"
                if number % 50 == 0:
                    mail = f"user{rng.randrange(10**6)}@corp.example.org"
                    said += f" for {mail}, SSN: 219-{rng.randrange(10, 99)}-{rng.randrange(1000, 9999)}"
                lines.append(said)
            out.write(("\n".join(lines) + "\n").encode())
        out.truncate(size)


def scan(folder: Path, name: str, workers: int, part_bytes: int) -> tuple[float, float, str]:
    """Seconds, CPU seconds, and a digest of what one scan stored."""
    import duckdb

    config, database = folder / f"{name}.toml", folder / f"{name}.duckdb"
    config.write_text(f"part_bytes = {part_bytes}\n")
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    command = [sys.executable, "-m", "piiscan", "scan", folder / "large.log", "--db", database, "--config", config]
    command += ["--key-file", folder / "key", "--workers", workers, "--no-ner", "--quiet"]
    subprocess.run(list(map(str, command)), check=True)
    seconds, after = time.monotonic() - begin, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    digest = hashlib.blake2b(digest_size=16)
    with duckdb.connect(str(database), read_only=True) as con:
        for query in STATE:
            for row in con.execute(f"{query} ORDER BY ALL").fetchall():
                digest.update(repr(row).encode())
    return seconds, cpu, digest.hexdigest()


def main() -> int:
    """Print the three scans and what they have in common."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=4096)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        write(folder / "large.log", args.megabytes << 20)
        (folder / "key").write_text("5a" * 32)
        (folder / "key").chmod(0o600)
        found = {}
        for name, workers, part_bytes in (("two", 2, BLOCK), ("one", 1, BLOCK), ("whole", 1, 0)):
            found[name] = scan(folder, name, workers, part_bytes)
            seconds, cpu, _ = found[name]
            print(f"{name:6} {seconds:7.1f} s  {cpu:7.1f} s CPU  {args.megabytes / seconds:6.1f} MB/s", flush=True)
    line = {
        "megabytes": args.megabytes,
        "load": round(os.getloadavg()[0], 1),
        "two_over_one": round(found["one"][0] / found["two"][0], 2),
        "two_over_whole": round(found["whole"][0] / found["two"][0], 2),
        "same": len({digest for _, _, digest in found.values()}) == 1,
    }
    print(json.dumps(line))
    return 0 if line["same"] else 1


if __name__ == "__main__":
    raise SystemExit(main())
