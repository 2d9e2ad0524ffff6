"""The bars at full size: `python -m bench.soak [--again] [--small] [BAR ...]`, each a target of its own.

A bar appends one JSON line to `bench/results/<bar>.jsonl`; one that has a line for the commit that is checked out is
left out, so a soak that was broken off goes on where it was. `--small` is for a try: a tenth or less of everything.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import exact, hostile
from bench.events import events
from tests.e2e import test_alert_kill, test_faults, test_hostile_tree, test_incremental, test_kill, test_kill_serve
from tests.engine import test_mutations
from tests.support.cli import Cli, dump
from tests.support.s3 import READERS, read_by, s3_server
from tests.support.trees import documents, mail, plain, ssn, write

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "bench" / "results"
DRAWN = RESULTS / "look-alikes-drawn.txt"
CACHE = ROOT / ".cache" / "soak"
HOURS = 4 * 3_600.0

Figures = dict[str, Any]


def commit() -> str:
    """The commit that is checked out, from git's own files; `unknown` outside a repository."""
    folder = ROOT / ".git"
    try:
        head = (folder / "HEAD").read_text().strip()
        if not head.startswith("ref: "):
            return head
        name = head[5:]
        if (folder / name).exists():
            return (folder / name).read_text().strip()
        packed = (folder / "packed-refs").read_text().splitlines()
        return next(line.split()[0] for line in packed if line.endswith(" " + name))
    except (OSError, StopIteration):
        return "unknown"


@contextmanager
def place() -> Iterator[Cli]:
    """A command line in a folder that is gone afterwards."""
    root = Path(tempfile.mkdtemp(prefix="piiscan-soak-", dir=os.environ.get("TMPDIR")))
    try:
        yield Cli(root / "work", CACHE)
    finally:
        subprocess.run(["rm", "-rf", str(root)], check=False)


# Bar 4: real files.


def everyday_files() -> list[tuple[Path, Path]]:
    """(root, file) of all regular files of this machine that a test may take for everyday ones."""
    roots = [sysconfig.get_path("purelib"), str(Path(sysconfig.get_path("stdlib")) / "test"), "/usr/share"]
    found = []
    for root in map(Path, roots):
        for folder, _, names in os.walk(root):
            found += [(root, Path(folder, name)) for name in names]
    return found


def draw_tree(target: Path, count: int) -> int:
    """`count` files drawn by a hash of their names, linked or copied below `target`; how many there are."""
    chosen = sorted(everyday_files(), key=lambda item: hashlib.blake2b(os.fsencode(item[1])).digest())
    made = 0
    for root, file in chosen:
        if made == count:
            break
        if not file.is_file() or file.is_symlink() or file.stat().st_size > 64 << 20:
            continue
        copy = target / hashlib.blake2b(os.fsencode(root), digest_size=4).hexdigest() / file.relative_to(root)
        copy.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(file, copy)
        except OSError:
            shutil.copyfile(file, copy)
        made += 1
    return made


def real_files(small: bool) -> Figures:
    """No crash, one outcome each, and the counts add up."""
    with place() as cli:
        made = draw_tree(cli.root / "tree", 1_000 if small else 20_000)
        hostile = os.environ.get("PIISCAN_HOSTILE", "")
        targets = [str(cli.root / "tree"), *([hostile] if hostile else [])]
        begin = time.monotonic()
        done = cli.run("scan", *targets, "--no-ner", "--json", seconds=HOURS)
        seconds = time.monotonic() - begin
        summary = done.json()
        rows = cli.good("coverage", "--json").lines()
        reasons = {entry["reason"]: entry["objects"] for entry in summary["reasons"]}
        per_object = {(row["source"], row["object"]) for row in rows}
        ok = (
            done.code in (0, 4)
            and "Traceback" not in done.said
            and summary["listed"] == sum(summary["objects"].values()) == len(rows) == len(per_object)
            and summary["listed"] >= made
            and cli.run("db", "check").code == 0
            and not {"WORKER_DIED", "INTERNAL_ERROR"} & set(reasons)
        )
        return {
            "files": made,
            "hostile": bool(hostile),
            "listed": summary["listed"],
            "objects": summary["objects"],
            "reasons": reasons,
            "bytes": summary["bytes"],
            "seconds": round(seconds, 1),
            "said": done.said[-500:],
            "ok": ok,
        }


# Bar 5: kill -9.


def kill(small: bool) -> Figures:
    """Killed at every named stage and at random moments, and started again: the same rows."""
    with place() as cli:
        tree = write(cli.root / "kill" / "tree", documents(60))
        write(tree / "many", plain(700))
        first = Cli(cli.root / "unbroken", CACHE)
        begin = time.monotonic()
        first.scan(*test_kill.command(tree, first))
        seconds = time.monotonic() - begin
        unbroken = dump(first.root / "piiscan.duckdb")
        wrong: list[str] = []
        for stage, nth in test_kill.POINTS:
            try:
                test_kill.test_killed_at_a_stage_and_resumed(
                    Cli(cli.root / f"{stage}-{nth}", CACHE), tree, unbroken, stage, nth
                )
            except AssertionError:
                wrong.append(f"{stage}:{nth}")
        rng = random.Random(20)
        moments = 3 if small else 20
        came = 0
        for number in range(moments):
            try:
                at_random = Cli(cli.root / "random", CACHE)
                came += test_kill.kill_sometime(at_random, tree, rng, seconds, unbroken)
            except AssertionError:
                wrong.append(f"moment {number}")
        points = len(test_kill.POINTS)
        return {"stages": points, "moments": moments, "killed": came, "wrong": wrong, "ok": not wrong and came > 0}


def kill_serve(small: bool) -> Figures:
    """A job of `serve` of which the server, the scan and workers are killed at random moments: the same rows."""
    count, rounds, moments = (1_000, 1, 5) if small else (20_000, 3, 10)
    with place() as cli:
        tree = write(cli.root / "tree", plain(count))
        begin = time.monotonic()
        whole = test_kill_serve.unbroken(Cli(cli.root / "whole", CACHE), tree)
        seconds = time.monotonic() - begin
        rng, came, wrong = random.Random(30), Counter[str](), []
        for number in range(rounds):
            broken = test_kill_serve.with_job(Cli(cli.root / f"broken-{number}", CACHE), tree)
            came.update(test_kill_serve.killed(broken, rng, moments, lambda: rng.uniform(0.2, seconds / 4)))
            if test_kill_serve.outcome(broken) != "done" or test_kill_serve.rows(broken) != whole:
                wrong.append(number)
        return {"objects": count, "killed": dict(came), "wrong": wrong, "ok": not wrong and came.total() > 0}


def kill_alerts(small: bool) -> Figures:
    """Scans and alert runs killed at named stages and random moments, three requests in ten refused or cut off: every
    row of every rule reaches every sink, and what comes twice comes under one idempotency key."""
    moments = test_alert_kill.moments(4 if small else 20, 60)
    rng = random.Random(61)

    def answer(number: int) -> str:
        return rng.choice(("refuse", "hang up")) if rng.random() < 0.3 else "take"

    with place() as cli, test_alert_kill.receiving(answer) as (url, came):
        found = test_alert_kill.told_through_kills(cli, url, came, moments)
    ok = {name: found[name] for name in test_alert_kill.WANTED} == test_alert_kill.WANTED
    return {"moments": len(moments), "failures_percent": 30, **found, "ok": ok and found["killed"] >= len(moments) / 2}


# Bar 6: unchanged files.


def incremental(small: bool) -> Figures:
    """Processor time for each unchanged file."""
    count = 1_000 if small else 10_000
    with place() as cli:
        milliseconds, seconds = test_incremental.cpu_per_unchanged_file(cli, cli.root / "trees", count)
    return {
        "files": count,
        "cpu_ms_per_file": round(milliseconds, 4),
        "run_seconds": round(seconds, 2),
        "limit_ms": 0.2,
        "ok": milliseconds < 0.2,
    }


# Bar 7: memory.


def resident(pid: int) -> int:
    """Bytes of proportional set size of a process and of all below it."""
    total = 0
    for one in (pid, *test_kill.children(pid)):
        try:
            text = Path(f"/proc/{one}/smaps_rollup").read_text()
        except OSError:
            continue
        total += next((int(line.split()[1]) << 10 for line in text.splitlines() if line.startswith("Pss:")), 0)
    return total


def peak(cli: Cli, *args: object) -> tuple[int, Figures]:
    """The most memory that a scan held at one time, looked at every 50 ms, and its summary."""
    with cli.start("scan", *args, "--json", "--workers", 1, stderr=subprocess.DEVNULL) as process:
        most = 0
        while process.poll() is None:
            most = max(most, resident(process.pid))
            time.sleep(0.05)
        out, _ = process.communicate()
    return most, json.loads(out)


def big_text(path: Path, size: int) -> None:
    """Log lines with a value now and then, and prose with names, so that the language model has work to do."""
    rng = random.Random(7)
    lines = [
        f"2024-05-{n % 28 + 1:02d} 12:00:{n % 60:02d} INFO request {rng.getrandbits(64):x} took {n} ms\n"
        if n % 50
        else f"2024-05-01 WARN user {mail(n)} SSN: {ssn(n)} refused\n"
        for n in range(20_000)
    ]
    people = [f"{a} {b}" for a in ("Margaret", "John", "Alice", "Peter") for b in ("Thompson", "Walker", "Fisher")]
    prose = [
        f"Yesterday {people[n % 12]} wrote to {people[n % 11]} in London about the meeting on Monday, and said that "
        "it would take place in the old building near the river as it always had.\n"
        for n in range(20_000)
    ]
    block = ("".join(lines) + "".join(prose)).encode()
    with path.open("wb") as out:
        while out.tell() < size:
            out.write(block[: size - out.tell()])


def big_zeros(path: Path, size: int) -> None:
    """A gzip of zeros."""
    block = bytes(1 << 20)
    with gzip.open(path, "wb", compresslevel=1) as out:
        for _ in range(size >> 20):
            out.write(block)


def memory(small: bool) -> Figures:
    """The most memory of all processes of a scan with one worker."""
    size = 256 << 20 if small else 4 << 30
    limits = {"no-ner": 400 << 20, "ner": 1_300 << 20}
    figures: Figures = {"bytes": size}
    ok = True
    with place() as cli:
        (cli.root / "text").mkdir()
        (cli.root / "zeros").mkdir()
        big_text(cli.root / "text" / "big.txt", size)
        big_zeros(cli.root / "zeros" / "big.gz", size)
        for name in ("text", "zeros"):
            for mode, limit in limits.items():
                options = ("--no-ner",) if mode == "no-ner" else ()
                db = cli.root / f"{name}-{mode}.duckdb"
                most, summary = peak(cli, cli.root / name, "--db", db, *options)
                figures[f"{name}_{mode}_mib"] = round(most / 2**20, 1)
                figures[f"{name}_{mode}_outcome"] = {k: v for k, v in summary["objects"].items() if v}
                figures[f"{name}_{mode}_seconds"] = summary["seconds"]
                if mode == "ner" and name == "text":
                    names = cli.sql("SELECT count(*) AS n FROM v_findings WHERE rule = 'ner.person'", db=db)[0]["n"]
                    figures["names_found"] = bool(names)
                    ok = ok and bool(names)  # else the model was not even loaded
                ok = ok and most < limit
    return {**figures, "limits_mib": {k: v >> 20 for k, v in limits.items()}, "ok": ok}


# Bar 10: a bad line.


def s3_faults(small: bool) -> Figures:
    """5,000 objects, faults in two requests of a hundred, by each reader: one outcome each, the same findings."""
    count = 500 if small else 5_000
    figures: Figures = {"objects": count, "ok": True}
    with s3_server() as server:
        server.make("soak", dict(documents(count)))
        for reader in READERS:
            with place() as cli:
                try:
                    met = test_faults.compare(read_by(cli, reader), server, "soak", count, 0.02)
                except AssertionError as err:
                    return {**figures, "reader": reader, "wrong": str(err)[:500], "ok": False}
            figures[reader] = met
            figures["ok"] = figures["ok"] and met["requests"] < 1.3 * met["needed"]
    return figures


# Bar 3: look-alikes.

CONTACT = (
    "generic.email", "generic.phone", "generic.phone_us", "generic.phone_national", "generic.phone_layout",
    "generic.ipv4", "generic.ipv6", "generic.mac_address",
)  # fmt: skip
"""Kinds that software and its documentation really hold; everything else there is a look-alike."""


def look_alikes(small: bool) -> Figures:
    """Findings where there should be none, for each megabyte read; fifty of them for people to look at."""
    targets = [sysconfig.get_path("purelib"), "/usr/share/doc"]
    # The catalogue's own examples are planted values.
    options = ["--exclude", "piiscan/**", *(["--max-objects", "1000"] if small else [])]
    kinds = f"category IN ('credentials', 'financial', 'phi', 'pii') AND rule NOT IN {CONTACT} AND NOT test_data"
    with place() as cli:
        done = cli.good("scan", *targets, "--no-ner", "--json", *options, codes=(0, 4), seconds=HOURS)
        megabytes = done.json()["bytes"] / 1e6
        total = cli.sql(
            f"SELECT count(*) AS findings, coalesce(sum(count), 0)::BIGINT AS matches FROM v_findings WHERE {kinds}"
        )[0]
        by_rule = cli.sql(
            f"SELECT rule, sum(count)::BIGINT AS n FROM v_findings WHERE {kinds} GROUP BY 1 ORDER BY 2 DESC LIMIT 15"
        )
        rows = cli.sql(
            "SELECT o.object, o.place, o.rule, o.masked FROM v_occurrences o SEMI JOIN "
            f"(SELECT finding FROM v_findings WHERE {kinds}) f ON o.finding = f.finding ORDER BY ALL"
        )
    drawn = random.Random(50).sample(rows, min(50, len(rows)))
    DRAWN.write_text("".join(f"{r['rule']}\t{r['masked']}\t{r['object']}\t{r['place']}\n" for r in drawn))
    return {
        "megabytes": round(megabytes, 1),
        **total,
        "findings_per_mb": round(total["findings"] / max(megabytes, 1e-9), 4),
        "matches_per_mb": round(total["matches"] / max(megabytes, 1e-9), 4),
        "by_rule": {r["rule"]: r["n"] for r in by_rule},
        "ok": None,
    }


# Exact data match.


def exact_match(small: bool) -> Figures:
    """Ten million values: memory and time of the build, cost of a scan, planted values found, strangers not."""
    return exact.measure(small)


# Hostile text.


def hostile_text(small: bool) -> Figures:
    """Each rule alone, and all of them, over texts made to be slow: growth by doubling, seconds a megabyte."""
    return hostile.some(small)


def hostile_files(small: bool) -> Figures:
    """The hostile tree as one scan: every object as its manifest says, under ten minutes, no process over 1.5 GB."""
    with place() as cli:
        found = test_hostile_tree.judged(cli, cli.root / "apart" / "hostile", small=small)
        good = not (found["wrong"] or found["leaks"] or found["written"]) and found["code"] == 4
        return {**found, "ok": good and found["seconds"] < 600 and found["peak_mb"] < 1_500}


# Mutations.


def mutations(small: bool) -> Figures:
    """Files of the fixture share with flipped bits, cut off or spliced, through the parser child: nothing but object
    errors, no hang, and the process that asks lives."""
    with tempfile.TemporaryDirectory(prefix="piiscan-soak-") as folder:
        return test_mutations.counted(Path(folder), 400 if small else 20_000)


# Events of a bucket.


def bucket_events(small: bool) -> Figures:
    """1,000 objects by their events, some doubled, in another order: each read once, the median within 5 seconds."""
    with place() as cli:
        return events(cli, 100 if small else 1_000)


BARS: dict[str, Callable[[bool], Figures]] = {
    "real-files": real_files,
    "kill": kill,
    "kill-serve": kill_serve,
    "kill-alerts": kill_alerts,
    "incremental": incremental,
    "memory": memory,
    "s3-faults": s3_faults,
    "events": bucket_events,
    "look-alikes": look_alikes,
    "exact": exact_match,
    "hostile": hostile_text,
    "hostile-files": hostile_files,
    "mutations": mutations,
}


def done_already(bar: str, at: str, small: bool) -> bool:
    """Whether a bar has its line for this commit."""
    try:
        lines = (RESULTS / f"{bar}.jsonl").read_text().splitlines()
    except FileNotFoundError:
        return False
    return any(line["commit"] == at and line["small"] == small for line in map(json.loads, lines))


def main() -> int:
    """Run the bars that are asked for; 1 when one does not hold."""
    options = argparse.ArgumentParser(prog="python -m bench.soak", description=__doc__)
    options.add_argument("bars", nargs="*", metavar="BAR", help=f"of {', '.join(BARS)}; none: all")
    options.add_argument("--again", action="store_true", help="also the bars that have a line for this commit")
    options.add_argument("--small", action="store_true", help="a tenth of everything or less")
    given = options.parse_args()
    unknown = set(given.bars) - set(BARS)
    if unknown:
        options.error(f"no bar {sorted(unknown)[0]!r}")
    RESULTS.mkdir(parents=True, exist_ok=True)
    at, failed = commit(), False
    for bar in given.bars or BARS:
        if not given.again and done_already(bar, at, given.small):
            print(f"{bar}: done for {at[:12]}")
            continue
        figures = BARS[bar](given.small)
        line = json.dumps({"bar": bar, "commit": at, "small": given.small, **figures})
        with (RESULTS / f"{bar}.jsonl").open("a") as out:
            out.write(line + "\n")
        print(line, flush=True)
        failed = failed or figures["ok"] is False
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
