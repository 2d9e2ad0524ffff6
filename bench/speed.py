"""Scan speed beside ripgrep on the same files in the same run: `python -m bench.speed [--small] [kind ...]`.

CPU seconds (user and system) of all processes, on two sizes of each kind, so that start-up and slope come apart. The
floor is `rg -j1 --no-unicode --no-mmap -a -c` of one SSN pattern. Prints a line per kind and appends JSON lines to
`bench/results/speed.jsonl`. On a loaded machine the figures are marked as such.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.corpus import KINDS, build

FOLDER = Path(__file__).parent
FLOOR = ["rg", "-j1", "--no-unicode", "--no-mmap", "-a", "-c", r"\b\d{3}-\d{2}-\d{4}\b"]
BARS = {"prose": (0.04, 0.06), "code": (0.09, 0.13), "logs": (0.05, 0.08), "csv": (0.025, 0.04)}
"""Wanted share of the floor: whole scan, classification alone."""


def cpu(action: Callable[[], object]) -> float:
    """CPU seconds of the children that `action` starts and waits for."""
    before = os.times()
    action()
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def floor(path: Path) -> float:
    """CPU seconds of ripgrep over a file; run ten times, since it is fast."""

    def run() -> None:
        for _ in range(10):
            subprocess.run([*FLOOR, str(path)], stdout=subprocess.DEVNULL, check=False)

    return cpu(run) / 10


def scan(path: Path) -> float:
    """CPU seconds of a whole scan, one worker, no names, a database of its own."""
    with tempfile.TemporaryDirectory() as home:
        env = {**os.environ, "XDG_STATE_HOME": f"{home}/state"}
        command = [sys.executable, "-m", "piiscan", "scan", str(path), "--no-ner", "--workers", "1", "-q"]
        return cpu(lambda: subprocess.run([*command, "--db", f"{home}/b.duckdb"], env=env, check=True))


def classify(path: Path) -> float:
    """CPU seconds of the classifier stack alone over the segments of a file, in a process of its own."""
    code = (
        "import sys, time\n"
        "from piiscan.classify.build import build_stack\n"
        "from piiscan.config import Config\n"
        "from piiscan.engine.process import keep_memory\n"
        "from piiscan.extract import Job, segments\n"
        "from piiscan.identify import identify\n"
        "keep_memory()\n"
        "stack = build_stack(Config(ner=False))\n"
        "stream = open(sys.argv[1], 'rb')\n"
        "found = identify(stream, sys.argv[1])\n"
        "session, spent, hits = stack.open(None, found.media_type), 0.0, 0\n"
        "for segment in segments(stream, Job(sys.argv[1], found.media_type, charset=found.charset)):\n"
        "    begin = time.process_time()\n"
        "    hits += len(session.feed(segment))\n"
        "    spent += time.process_time() - begin\n"
        "print(spent, hits)\n"
    )
    out = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True).stdout
    return float(out.split()[0])


def slopes(small: Path, large: Path, rounds: int) -> list[float]:
    """MB per CPU second between two sizes of ripgrep, of a whole scan and of classification alone.

    They take turns, and of each the least that it took for a size counts: what a neighbour on the machine adds is only
    ever more.
    """
    measures = (floor, scan, classify)
    least = [[float("inf")] * 2 for _ in measures]
    for _ in range(rounds):
        for measure, best in zip(measures, least, strict=True):
            best[:] = map(min, best, (measure(small), measure(large)))
    size = (large.stat().st_size - small.stat().st_size) / 1e6
    return [size / max(long - short, 1e-9) for short, long in least]


def main() -> int:
    """Measure the kinds that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kinds", nargs="*", default=list(KINDS))
    parser.add_argument("--small", action="store_true", help="16 and 48 MB instead of 64 and 256")
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    if shutil.which("rg") is None:
        print("ripgrep (rg) is wanted for the floor", file=sys.stderr)
        return 2
    sizes = (16, 48) if args.small else (64, 256)
    load = os.getloadavg()[0]
    print(f"load average {load:.2f}{' (too high: figures are no evidence)' if load > 1.5 else ''}")
    print("kind    floor MB/s   scan MB/s  ratio (bar)      classify MB/s  ratio (bar)")
    for kind in args.kinds or KINDS:
        small, large = (build(kind, size << 20, FOLDER / "corpus") for size in sizes)
        base, whole, alone = slopes(small, large, args.rounds)
        bars = BARS[kind]
        print(
            f"{kind:<6} {base:>10,.0f} {whole:>11.1f} {whole / base:>7.3f} ({bars[0]:g}) {alone:>18.1f} "
            f"{alone / base:>7.3f} ({bars[1]:g})",
            flush=True,
        )
        line = {"bench": "speed", "kind": kind, "sizes_mb": sizes, "load": round(load, 2), "floor_mb_s": round(base, 1)}
        line |= {"scan_mb_s": round(whole, 2), "scan_ratio": round(whole / base, 4)}
        line |= {"classify_mb_s": round(alone, 2), "classify_ratio": round(alone / base, 4), "at": int(time.time())}
        results = FOLDER / "results"
        results.mkdir(exist_ok=True)
        with (results / "speed.jsonl").open("a", encoding="utf-8") as out:
            out.write(json.dumps(line) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
