"""One address out of two million: `python -m bench.find [--rows N]`.

A CSV of N rows, each with an address of its own, is scanned; then the one three quarters down is looked up as `find`
does it, without the start of a process; opening the database, a part of that start, is told apart: CPU and wall
milliseconds, the least of ten. Bar 3 of the store.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.speed import cpu
from piiscan.redact import fingerprinter, forms
from piiscan.store.snapshot import open_newest
from piiscan.store.values import holders, incomplete

KEY = "5a" * 32


def address(number: int) -> str:
    """An address that no other row has, at a reserved domain (RFC 2606)."""
    return f"reader{number * 7919 % 100_000_007}.n{number}@mail{number % 97}.example.org"


def fill(path: Path, rows: int) -> None:
    """The table."""
    with path.open("w", encoding="ascii") as out:
        out.write("id,email,plan\n")
        out.writelines(f"{number},{address(number)},{'free' if number % 3 else 'paid'}\n" for number in range(rows))


def main() -> int:
    """Make, scan, look up, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=2_000_000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch)
        data, key, db = home / "data", home / "key", home / "found.duckdb"
        data.mkdir()
        key.touch(mode=0o600)
        key.write_text(KEY)
        fill(data / "readers.csv", args.rows)
        command = [sys.executable, "-m", "piiscan", "scan", str(data), "--no-ner", "-q"]
        command += ["--key-file", str(key), "--db", str(db)]
        scan = cpu(lambda: subprocess.run(command, env={**os.environ, "XDG_STATE_HOME": scratch}, check=True))
        wanted = address(args.rows * 3 // 4)
        least = [float("inf"), float("inf")]
        opening = float("inf")
        for _ in range(10):
            before = time.process_time()
            con, _age = open_newest(db)
            begin = time.process_time(), time.perf_counter()
            opening = min(opening, begin[0] - before)
            fingerprint = fingerprinter(bytes.fromhex(KEY))
            found = holders(con, [fingerprint(form) for form in forms(wanted)])
            missing = incomplete(con, name=False)
            con.close()
            spent = time.process_time() - begin[0], time.perf_counter() - begin[1]
            least = [min(pair) for pair in zip(least, spent, strict=True)]
        line = {
            "rows": args.rows,
            "load": round(os.getloadavg()[0], 1),
            "scan_cpu_s": round(scan, 1),
            "store_mb": round(db.stat().st_size / 1e6, 1),
            "found": [(row["object"], row["rule"], row["count"]) for row in found],
            "complete": not missing,
            "open_ms_cpu": round(1000 * opening, 1),
            "find_ms_cpu": round(1000 * least[0], 1),
            "find_ms": round(1000 * least[1], 1),
        }
    print(json.dumps(line))
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    with (results / "find.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps(line) + "\n")
    return 0 if [row["object"] for row in found] == ["readers.csv"] else 1


if __name__ == "__main__":
    sys.exit(main())
