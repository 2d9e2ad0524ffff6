"""Extraction beside other programs on the same files.

    python -m bench.extract [--python PY] [--times N] FOLDER [KIND ...]

For PDF, DOCX, XLSX and PPTX: CPU seconds, user and system, of all processes for reading all files of the folder once
and N times more; the difference is what another pass costs, without any start-up. Ours is what a scan does: the parser
child with all its fences, places, annotations and metadata included. Peers run as they come, in one process for all
files where they can (`pdftotext` is a process a file, as it is used). Beside it the words of three letters or more that
each found, since a fast reader that reads little is no rival; words that only the peer has are counted too.

`--python` is the interpreter that kreuzberg, iscc-tika, python-docx, openpyxl and python-pptx are installed for; what
is not there has its line too. JSON lines go to `bench/results/extract.jsonl`.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

ENDINGS = {
    "pdf": (".pdf",),
    "docx": (".docx", ".docm"),
    "xlsx": (".xlsx", ".xlsm"),
    "pptx": (".pptx", ".pptm", ".ppsx"),
}
WORD = re.compile(r"[^\W_]{3,}")

OURS = """
import sys, tempfile
from piiscan.engine.sandbox import ParserChild
from piiscan.errors import ObjectError
from piiscan.extract import Budget, Job
from piiscan.model import TextSegment
times, out, *files = sys.argv[1:]
with tempfile.TemporaryDirectory() as scratch, ParserChild(scratch) as child, open(out, "w") as words:
    for turn in range(int(times)):
        for file in files:
            with open(file, "rb") as stream:
                size = stream.seek(0, 2)
                stream.seek(0)
                try:
                    for found in child.segments(stream.fileno(), Job(file, "", size, Budget(bytes_in=size)), 60.0):
                        if not turn:
                            text = found.text if isinstance(found, TextSegment) else "\\n".join(map(str, found.values))
                            words.write(text + "\\n")
                except ObjectError:
                    pass
"""
LIBRARY = """
import sys
{setup}
times, out, *files = sys.argv[1:]
with open(out, "w", errors="replace") as words:
    for turn in range(int(times)):
        for file in files:
            try:
                text = read(file)
            except Exception:
                continue
            if not turn:
                words.write(text + "\\n")
"""
LIBRARIES = {
    "kreuzberg": "from kreuzberg import extract_file_sync\ndef read(f): return extract_file_sync(f).content",
    "iscc-tika": "import iscc_tika\ne = iscc_tika.Extractor()\ndef read(f): return e.extract_file_to_string(f)[0]",
    "python-docx": "import docx\ndef read(f):\n d = docx.Document(f)\n"
    " return '\\n'.join([p.text for p in d.paragraphs] + [c.text for t in d.tables for r in t.rows for c in r.cells])",
    "openpyxl": "import openpyxl\ndef read(f): return '\\n'.join(str(c) "
    "for s in openpyxl.load_workbook(f, read_only=True) "
    "for r in s.iter_rows(values_only=True) for c in r if c is not None)",
    "python-pptx": "import pptx\ndef read(f): return '\\n'.join(h.text for s in pptx.Presentation(f).slides "
    "for h in s.shapes if h.has_text_frame)",
}
RIVALS = {
    "pdf": ("pdftotext", "kreuzberg", "iscc-tika"),
    "docx": ("kreuzberg", "python-docx", "iscc-tika"),
    "xlsx": ("kreuzberg", "openpyxl", "iscc-tika"),
    "pptx": ("kreuzberg", "python-pptx", "iscc-tika"),
}
BARS = {"pdftotext": 1.5, "kreuzberg": 0.2, "python-docx": 5.0, "openpyxl": 5.0, "python-pptx": 5.0}
"""How many times as fast as each we want to be."""


def spent(command: Sequence[str]) -> float:
    """CPU seconds of a command and all its children; infinite where it failed."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used if done.returncode == 0 else float("inf")


def command(name: str, python: str, files: Sequence[str], times: int, out: str) -> list[str]:
    """The command that reads all files so often; the words of the first pass go to `out`."""
    if name == "piiscan":
        return [sys.executable, "-c", OURS, str(times), out, *files]
    if name == "pdftotext":
        each = 'for f; do pdftotext "$f" - >>$out 2>/dev/null; done'
        script = f"out=$1; n=$2; shift 2; for i in $(seq $n); do {each}; done; true"
        return ["bash", "-c", script, "-", out, str(times), *files]
    return [python, "-c", LIBRARY.format(setup=LIBRARIES[name]), str(times), out, *files]


def measured(name: str, python: str, files: Sequence[str], times: int, rounds: int) -> tuple[float, set[str]]:
    """CPU seconds of one pass over all files, and the words found."""
    with tempfile.TemporaryDirectory() as folder:
        out = str(Path(folder, "words"))
        Path(out).touch()
        least = [float("inf")] * 2
        for _ in range(rounds):
            for place, count in enumerate((1, 1 + times)):
                least[place] = min(least[place], spent(command(name, python, files, count, out)))
        words = set(WORD.findall(Path(out).read_text(encoding="utf-8", errors="replace").lower()))
    return (least[1] - least[0]) / times, words


def pages(files: Sequence[str]) -> int:
    """Pages of all PDFs that open."""
    import pypdfium2 as pdfium

    count = 0
    for file in files:
        try:
            count += len(pdfium.PdfDocument(file))
        except pdfium.PdfiumError:
            continue
    return count


def main() -> int:
    """Measure the kinds that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"of {', '.join(ENDINGS)}; none: all")
    parser.add_argument("--python", default=sys.executable)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    results = Path(__file__).parent / "results"
    results.mkdir(exist_ok=True)
    load = os.getloadavg()[0]
    print(f"load average {load:.2f}{' (too high: figures are no evidence)' if load > 1.5 else ''}")
    print(
        f"{'kind':<5} {'reader':<12} {'files':>5} {'ms a file':>10} {'piiscan x':>10} {'wanted':>7} "
        f"{'words':>8} {'only here':>10}"
    )
    for kind in args.kinds or ENDINGS:
        files = sorted(str(p) for p in args.folder.rglob("*") if p.suffix.lower() in ENDINGS[kind] and p.is_file())
        if not files:
            print(f"{kind:<5} no files")
            continue
        own, words = measured("piiscan", args.python, files, args.times, args.rounds)
        for name in ("piiscan", *RIVALS[kind]):
            if name == "pdftotext" and shutil.which(name) is None:
                print(f"{kind:<5} {name:<12} is not installed (poppler-utils)")
                continue
            each, theirs = (
                (own, words) if name == "piiscan" else measured(name, args.python, files, args.times, args.rounds)
            )
            if each == float("inf") or each != each:
                print(f"{kind:<5} {name:<12} does not run; is it installed for --python?")
                continue
            ratio, bar = each / own, BARS.get(name)
            line = {
                "bench": "extract",
                "kind": kind,
                "reader": name,
                "files": len(files),
                "ms_a_file": round(each / len(files) * 1e3, 3),
            }
            line |= {
                "ratio": round(ratio, 3),
                "bar": bar,
                "words": len(theirs),
                "only_here": len(theirs - words),
                "load": round(load, 2),
            }
            if kind == "pdf":
                line["pages_s"] = round(pages(files) / each, 1)
            print(
                f"{kind:<5} {name:<12} {len(files):>5} {each / len(files) * 1e3:>10.2f} {ratio:>10.2f} {bar or '':>7} "
                f"{len(theirs):>8,} {len(theirs - words):>10,}"
                + (f"  {line['pages_s']} pages/s" if kind == "pdf" else ""),
                flush=True,
            )
            with (results / "extract.jsonl").open("a", encoding="utf-8") as out:
                out.write(json.dumps(line) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
