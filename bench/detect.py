"""piiscan beside other programs on the same bytes: `python -m bench.detect [--small] [--peers A,B] [KIND ...] [start]`.

For each kind of text (`prose`, `code`, `logs`, `csv`) and each peer (see `bench/peers.py`): CPU seconds, user and
system, of all its processes on two sizes of the same file, pinned to one core. The line through both gives the slope in
MB a second and the start-up. Beside it the findings, since a fast program that looks for little is no rival, and what
the first run costs when all caches are empty. Where a peer would take hours it gets a part of the bytes, cut off at a
line's end; the table says which part. The rounds go through all peers in turn, so that a noisy minute hits all of them.

`start` measures `piiscan check -`, caches warm and cold. A peer that is missing has its line too, with what to do.
On a loaded machine nothing is measured (exit code 3), unless `--anyway`, which marks all figures. JSON lines go to
`bench/results/detect.jsonl`; `--json` prints them in place of the tables.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.corpus import KINDS, build
from bench.peers import PEERS, Failed, Found, Peer, cpu, locate, run, surroundings
from bench.tables import LEGEND, START_BARS, Row, Verdict, table, verdicts

FOLDER = Path(__file__).parent
START = "start"
TEXT = b"Please write to ada@mail7.example.org about the invoice.\n"
FIRST = 64 << 10
"""Bytes that a peer reads in its first run, with empty caches."""


OWN = 2
"""Load that a measurement itself makes on its one core: the peer, and a second process or thread of it."""


def too_busy(load: float, cores: int, own: int = 0) -> bool:
    """Whether others keep the machine busy, apart from a load of `own`, the measurement itself."""
    return load - own > cores / 4 + 0.5


@contextmanager
def one_core() -> Iterator[None]:
    """Keep this process and its children on one core, where the system can: threads then gain a peer nothing."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(cores)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


def cut(file: Path, size: int, folder: Path) -> Path:
    """A copy of the first `size` bytes of a file, up to the end of a line; made once."""
    copy = folder / f"{file.stem}-{size}{file.suffix}"
    if not copy.exists():
        with file.open("rb") as stream:
            head = stream.read(size)
        copy.write_bytes(head[: head.rfind(b"\n") + 1] or head)
    return copy


def samples(kind: str, small: bool) -> tuple[Path, Path]:
    """The two files of a kind, read once, so that nobody waits for the disk."""
    found = tuple(build(kind, size << 20, FOLDER / "corpus") for size in ((16, 48) if small else (64, 256)))
    for file in found:
        with file.open("rb") as stream:
            while stream.read(1 << 20):
                pass
    return found[0], found[1]


def measure(
    peers: Sequence[Peer], there: dict[str, Found], files: tuple[Path, Path], rounds: int, home: Path
) -> list[Row]:
    """A row for each peer over one kind, those that are missing or fail among them."""
    spent: dict[str, list[list[float]]] = {peer.name: [[], []] for peer in peers}
    first: dict[str, float] = {}
    findings: dict[str, int] = {}
    broken: dict[str, str] = {p.name: f"not installed: {p.install}" for p in peers if p.name not in there}
    parts = {
        peer.name: [cut(f, f.stat().st_size // peer.share, home) if peer.share > 1 else f for f in files]
        for peer in peers
    }
    for turn in range(rounds):
        for peer in (p for p in peers if p.name not in broken):
            found, place = there[peer.name], home / f"{peer.name}-{files[0].suffix[1:]}"
            try:
                if turn == 0:
                    first[peer.name], _ = run(peer, found, cut(files[0], FIRST, home), place, runs=1)
                for which, file in enumerate(parts[peer.name]):
                    seconds, matches = run(peer, found, file, place)
                    spent[peer.name][which].append(seconds)
                    if which == 0:
                        findings[peer.name] = matches
            except Failed as err:
                broken[peer.name] = f"failed: {err}"
    rows = []
    for peer in peers:
        version = there[peer.name].version if peer.name in there else ""
        if peer.name in broken:
            rows.append(Row(peer.name, version=version, note=broken[peer.name]))
            continue
        small, large = (file.stat().st_size for file in parts[peer.name])
        quick, slow = (statistics.median(times) for times in spent[peer.name])
        rows.append(
            Row(
                peer.name, version, rival=peer.rival, share=peer.share, sizes=(small, large), cpu=(quick, slow),
                first=first[peer.name], findings=findings[peer.name],
            )
        )  # fmt: skip
    return rows


def check(options: Sequence[str], home: Path) -> float:
    """CPU seconds of one `piiscan check -`."""
    (home / "cache").mkdir(parents=True, exist_ok=True)
    before = cpu()
    command = [sys.executable, "-m", "piiscan", "check", "-", "--pack", "all", *options]
    subprocess.run(
        command, input=TEXT, stdout=subprocess.DEVNULL, env=surroundings(home), cwd=FOLDER.parent, check=True
    )
    return cpu() - before


def start(rounds: int, home: Path) -> list[Verdict]:
    """CPU seconds from nothing to the matches of one line, with and without names, beside the bars."""
    out = []
    for words in ("check - --pack all --no-ner", "check - --pack all"):
        options = words.split()[4:]
        cold = [check(options, Path(tempfile.mkdtemp(dir=home))) for _ in range(rounds)]
        place = home / "warm"
        check(options, place)
        warm = [check(options, place) for _ in range(5)]
        for state, times in (("warm", warm), ("cold", cold)):
            seconds = statistics.median(times)
            out.append(Verdict(START, f"{words}, caches {state}, CPU s", seconds, START_BARS[state], most=True))
    return out


def command_line() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m bench.detect", description=__doc__)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of {', '.join((*KINDS, START))}; none: all")
    parser.add_argument("--small", action="store_true", help="16 and 48 MB instead of 64 and 256, for a try")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, of which the median counts (3)")
    parser.add_argument("--peers", default=",".join(PEERS), help=f"of {','.join(PEERS)}; a ratio needs both its sides")
    parser.add_argument("--python", default=sys.executable, help="interpreter that the peers are installed for")
    parser.add_argument("--anyway", action="store_true", help="on a loaded machine too; marks the figures")
    parser.add_argument("--json", action="store_true", help="print the JSON lines instead of the tables")
    parser.add_argument("--results", type=Path, default=FOLDER / "results", help="folder for detect.jsonl")
    return parser


def report(
    kind: str, rows: list[Row], judged: list[Verdict], rounds: int, marks: list[str], args: argparse.Namespace
) -> None:
    """Print one kind and add it to the results."""
    common = {"bench": "detect", "kind": kind, "rounds": rounds, "marks": marks, "at": int(time.time())}
    lines = [json.dumps(common | entry) for entry in [r.line(rows) for r in rows] + [v.line() for v in judged]]
    args.results.mkdir(parents=True, exist_ok=True)
    with (args.results / "detect.jsonl").open("a", encoding="utf-8") as out:
        out.writelines(line + "\n" for line in lines)
    if not args.json:
        lines = [table(kind, rows, rounds) if rows else f"{kind}: one core", *(v.text(marks) for v in judged), ""]
    print("\n".join(lines), flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure the kinds that were asked for; 2 for a wrong option, 3 when the machine is loaded."""
    parser = command_line()
    args = parser.parse_args(argv)
    kinds, names = args.kinds or [*KINDS, START], [name for name in args.peers.split(",") if name]
    if unknown := [name for name in kinds if name not in (*KINDS, START)]:
        parser.error(f"no kind {unknown[0]!r}: choose of {', '.join((*KINDS, START))}")
    if unknown := [name for name in names if name not in PEERS]:
        parser.error(f"no peer {unknown[0]!r}: choose of {', '.join(PEERS)}")
    python = shutil.which(args.python)
    if python is None or args.rounds < 1:
        parser.error("--rounds: 1 or more" if python else f"--python {args.python}: no such program")
    load, cores = os.getloadavg()[0], os.cpu_count() or 1
    if too_busy(load, cores) and not args.anyway:
        print(
            f"load average {load:.2f} on {cores} cores: figures would say nothing; wait until it is below "
            f"{cores / 4 + 0.5:g}, or give --anyway, which marks them",
            file=sys.stderr,
        )
        return 3
    marks = [f"load {load:.2f} before"] * too_busy(load, cores)
    peers = [peer for name, peer in PEERS.items() if name in names]
    there = {peer.name: found for peer in peers if kinds != [START] and (found := locate(peer, python))}
    if not args.json:
        print(LEGEND)
    with one_core(), tempfile.TemporaryDirectory(prefix="piiscan-detect-") as folder:
        for kind in dict.fromkeys(kinds):
            rows: list[Row] = []
            if kind == START:
                judged = start(args.rounds, Path(folder))
            else:
                rows = measure(peers, there, samples(kind, args.small), args.rounds, Path(folder))
                judged = verdicts(kind, rows)
            now = os.getloadavg()[0]
            noted = marks + [f"load {now:.2f} after"] * too_busy(now, cores, own=OWN)
            report(kind, rows, judged, args.rounds, noted + ["small sizes"] * bool(args.small and rows), args)
    return 0


if __name__ == "__main__":
    sys.exit(main())
