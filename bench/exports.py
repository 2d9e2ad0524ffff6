"""Every export of a large store: `python -m bench.exports [--scale X | --db FILE] [FORMAT ...]`.

Of the store of `bench.store` (at scale 1: 2 million findings, 10 million occurrences), or of a database that is named:
CPU seconds, peak memory and bytes of `piiscan report` in each format; 10,000 lines drawn of those that have lines are
held against what the format says of one. Bar 5: all of them right, peak memory below 500 MB.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench.report import made
from piiscan.report import FORMATS
from tests.report import tables
from tests.report.shapes import aws, wrong

DRAWN = 10_000
MOST_MB = 500
SEED = 8
KEYS = [
    "finding", "object", "source", "media_type", "rule", "name", "macie", "category", "severity", "confidence", "count",
    "distinct", "test_data", "occurrences",
]  # fmt: skip
"""Of a line of `jsonl`, in this order; it may have more between them."""


def checks() -> dict[str, Callable[[Any], list[str]]]:
    """What is wrong with one line, by format."""
    asff, macie = aws("securityhub", "AwsSecurityFinding"), aws("macie2", "Finding")
    return {
        "ocsf": lambda line: list(tables.problems(line, "data_security_finding", tables.OCSF)),
        "asff": lambda line: wrong(line, asff),
        "macie": lambda line: wrong(line, macie),
        "jsonl": lambda line: [] if [key for key in line if key in KEYS] == KEYS else ["keys"],
    }


def written(database: Path, name: str, target: Path) -> dict[str, Any]:
    """One export, and what it cost; a process of its own, whose peak is the largest child's that ended until then."""
    code = "import resource,subprocess,sys;subprocess.run(sys.argv[1:],check=True);"
    code += "u=resource.getrusage(resource.RUSAGE_CHILDREN);print(u.ru_utime+u.ru_stime,u.ru_maxrss)"
    command = [sys.executable, "-m", "piiscan", "report", "--format", name, "-o", target, "--db", database]
    if name == "asff":
        command += ["--account", "123456789012", "--region", "eu-west-1"]
    done = subprocess.run([sys.executable, "-c", code, *map(str, command)], check=True, capture_output=True, text=True)
    spent, peak = done.stdout.split()[-2:]
    return {"cpu_s": round(float(spent), 1), "mb": int(peak) // 1024, "bytes": target.stat().st_size}


def drawn(path: Path) -> Iterator[str]:
    """Lines drawn of a file, each as likely as any other (Vitter 1985, algorithm R)."""
    rng, kept = random.Random(SEED), list[str]()
    with path.open(encoding="utf-8", newline="\n") as lines:
        for number, line in enumerate(lines):
            if number < DRAWN:
                kept.append(line)
            elif (place := rng.randrange(number + 1)) < DRAWN:
                kept[place] = line
    return iter(kept)


def right(name: str, path: Path) -> dict[str, int]:
    """How many lines were looked at, and how many are wrong."""
    if name == "csv":
        with path.open(encoding="utf-8", newline="") as file:
            rows = csv.reader(file)
            width = len(next(rows))
            some = [len(row) for _, row in zip(range(DRAWN), rows, strict=False)]
        return {"lines": len(some), "wrong": sum(size != width for size in some)}
    check = checks().get(name)
    if check is None:
        return {}
    found = [bool(check(json.loads(line))) for line in drawn(path)]
    return {"lines": len(found), "wrong": sum(found)}


def main() -> int:
    """Print a JSON line a format; 1 when one does not hold."""
    parser = argparse.ArgumentParser(prog="python -m bench.exports", description=__doc__.splitlines()[0])
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--db", type=Path)
    parser.add_argument("formats", nargs="*", default=[name for name in FORMATS if name != "table"])
    args = parser.parse_args()
    good = True
    with tempfile.TemporaryDirectory(prefix="piiscan-exports-") as scratch:
        folder = Path(scratch)
        database = args.db or made(folder, args.scale)
        for name in args.formats:
            target = folder / f"out.{name}"
            line = {"format": name, "load": round(os.getloadavg()[0], 1), **written(database, name, target)}
            line |= right(name, target)
            target.unlink()
            good &= line["mb"] < MOST_MB and not line.get("wrong")
            print(json.dumps(line), flush=True)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
