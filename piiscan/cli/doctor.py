"""`piiscan doctor`: whether this installation can do its work, and what is missing."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable

import typer

Check = Callable[[], tuple[bool, str]]


def _python() -> tuple[bool, str]:
    return sys.version_info >= (3, 11), f"Python {sys.version.split()[0]}"


def _distribution() -> tuple[bool, str]:
    """Our import name belongs to another project's distribution on the public index: say so when that one is there."""
    from importlib.metadata import packages_distributions

    owners = sorted(set(packages_distributions().get("piiscan", [])))
    others = [o for o in owners if o.lower() != "piiscan-oss"]
    if others:
        return (
            False,
            f"the distribution {others[0]!r} also provides 'piiscan': uninstall it, then install this one again",
        )
    return True, "the import 'piiscan' is ours"


def _version(name: str) -> Check:
    def check() -> tuple[bool, str]:
        from importlib.metadata import PackageNotFoundError, version

        try:
            return True, f"{name} {version(name)}"
        except PackageNotFoundError:
            return False, f"{name} is not installed"

    return check


def _hyperscan() -> tuple[bool, str]:
    from piiscan.classify.hyper import have_hyperscan

    if have_hyperscan():
        return True, "hyperscan scans"
    return False, "hyperscan is not installed: the slow fallback finds the same"


def _passes() -> tuple[bool, str]:
    from piiscan.passes import NativePasses, passes

    if isinstance(passes(), NativePasses):
        return True, "the compiled library reads bytes"
    return True, "numpy reads bytes: no C compiler was there at installation; slower, and finds the same"


def _names() -> tuple[bool, str]:
    from piiscan.classify.ner import predict
    from piiscan.ner.lexer import native_library

    predict([])
    how = "the compiled library splits text" if native_library() is not None else "Python splits text: slower"
    return True, f"the model that finds names is whole; {how}"


def _rules() -> tuple[bool, str]:
    from piiscan.catalogue import load_rules

    return True, f"{len(load_rules())} rules"


def _keys() -> tuple[bool, str]:
    from piiscan.keys import state_dir

    folder = state_dir() / "keys"
    if not folder.exists():
        return True, "no keys yet: made with the first database"
    loose = [p.name for p in folder.glob("*.key") if p.stat().st_mode & 0o077]
    if loose:
        return False, f"{len(loose)} key file(s) readable by others: run chmod 600 on {folder}/*.key"
    return True, f"{len(list(folder.glob('*.key')))} key(s), private"


def _sandbox() -> tuple[bool, str]:

    from piiscan.engine.sandbox import ParserChild
    from piiscan.extract import Job

    with tempfile.TemporaryDirectory(prefix="piiscan-") as scratch, tempfile.TemporaryFile() as file:
        file.write(b"<a>ok</a>")
        file.seek(0)
        child = ParserChild(scratch)
        try:
            found = list(child.segments(file.fileno(), Job("a.xml", "application/xml", 9), 20.0))
            active = ", ".join(child.isolation) or "process only"
        finally:
            child.close()
    return bool(found), f"parser child works ({active})"


def _credentials() -> tuple[bool, str]:
    from piiscan.aws import have_credentials

    return True, "AWS credentials found" if have_credentials() else "no AWS credentials: buckets only unsigned"


CHECKS: tuple[tuple[str, Check], ...] = (
    ("python", _python),
    ("import name", _distribution),
    ("duckdb", _version("duckdb")),
    ("pyarrow", _version("pyarrow")),
    ("spacy", _version("spacy")),
    ("presidio", _version("presidio-analyzer")),
    ("pypdfium2", _version("pypdfium2")),
    ("engine", _hyperscan),
    ("passes", _passes),
    ("names", _names),
    ("rules", _rules),
    ("keys", _keys),
    ("sandbox", _sandbox),
    ("aws", _credentials),
)


def doctor() -> int:
    """Check this installation; exit 2 when something is wrong."""
    from piiscan.errors import PiiscanError
    from piiscan.report.escape import printable

    bad = 0
    for name, check in CHECKS:
        try:
            good, text = check()
        except (PiiscanError, OSError, ImportError) as err:
            good, text = False, str(err) or type(err).__name__
        bad += not good
        print(f"{'ok ' if good else 'BAD'}  {name:<12} {printable(text)}")
    print(f"{os.cpu_count() or 1} cores")
    return 2 if bad else 0


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("doctor")(doctor)
