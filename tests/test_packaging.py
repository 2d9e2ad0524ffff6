"""What an installation holds and loads, and what no file of the repository may say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import typer.main

from piiscan.cli.main import app

ROOT = Path(__file__).resolve().parents[1]
CATALOGUE = "piiscan/_catalogue/"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names of the files in a wheel built here and now, without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl")
    assert built.name.startswith("piiscan_oss-")
    with zipfile.ZipFile(built) as archive:
        return archive.namelist()


def test_the_wheel_carries_the_catalogue(wheel: list[str]) -> None:
    packed = {name.removeprefix(CATALOGUE) for name in wheel if name.startswith(CATALOGUE)}
    folder = ROOT / "classifiers"
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert packed == there
    assert not any(name.endswith(".py") for name in packed)


def test_the_wheel_carries_what_is_not_python(wheel: list[str]) -> None:
    folder = ROOT / "piiscan"
    wanted = {
        path.relative_to(ROOT).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in (".pyc",) and "__pycache__" not in path.parts
    }
    assert wanted <= set(wheel)
    assert {"piiscan/py.typed", "piiscan/store/views.sql", "piiscan/store/migrations/0001_initial.sql"} <= wanted


def test_the_wheel_holds_nothing_else(wheel: list[str]) -> None:
    tops = {name.split("/")[0] for name in wheel}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"piiscan"}
    assert any(name.endswith("licenses/LICENSE") for name in wheel)
    assert any(name.endswith("licenses/NOTICE") for name in wheel)


def texts() -> list[Path]:
    """The text files of the repository: those that git knows or would add, else all that a build does not make."""
    git = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=False,
    )
    if git.returncode == 0:
        found = [ROOT / os.fsdecode(name) for name in git.stdout.split(b"\0") if name]
    else:
        made = {".git", ".venv", "demo-out", "dist", "build", "__pycache__", ".cache"}
        found = [
            path
            for path in ROOT.rglob("*")
            if not made & set(path.relative_to(ROOT).parts)
            and not re.match(r"\..*_cache$|\.hypothesis", path.parts[-2])
        ]
    return [path for path in found if path.is_file() and b"\0" not in path.read_bytes()[:8192]]


# Put together from pieces, so that this file does not hold what it looks for.
FORBIDDEN = {
    "an install by the name that belongs to a stranger": r"pip3? +install +(?:-\S+ +)*[\"']?piis" + r"can(?![\w-])",
    "a path of one machine": r"(?<![\w.~$}])/(?:wo" + r"rk|ro" + r"ot|home/[a-z]+)/[\w.]",
    "a package registry": r"(?:pypi\.o" + r"rg|pythonhost" + r"ed\.org|registry\.npm" + r"js|crates\.i" + r"o/api)",
}

DATA = {"a package registry": ("classifiers", "fixtures")}
"""Folders whose files may: a rule cites the page of its issuer, a made-up lock file is a look-alike."""


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_says(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])
    hits = []
    for path in texts():
        if path.relative_to(ROOT).parts[0] in DATA.get(what, ()):
            continue
        for number, line in enumerate(path.read_text("utf-8", "replace").splitlines(), 1):
            if pattern.search(line):
                hits.append(f"{path.relative_to(ROOT)}:{number}")
    assert hits == []


def test_the_search_finds_what_it_looks_for() -> None:
    install = re.compile(FORBIDDEN["an install by the name that belongs to a stranger"])
    name = "piis" + "can"
    assert install.search(f"pip install {name}")
    assert install.search(f"pip install -U '{name}'")
    assert not install.search(f"pip install {name}-oss")
    path = re.compile(FORBIDDEN["a path of one machine"])
    assert path.search("see /wo" + "rk/main")
    assert path.search("file:///ro" + "ot/x")
    assert not path.search("net/wo" + "rk/x")


HEAVY = ("boto3", "botocore", "spacy", "thinc", "presidio_analyzer", "pdfminer", "pypdfium2", "lxml", "hyperscan")
"""Libraries that take long to load and that only scans need."""
_LOADED = """
import sys
from piiscan.cli.main import run
sys.argv = ["piiscan", *sys.argv[1:]]
try:
    run()
finally:
    names = {name.split(".")[0] for name in sys.modules}
    sys.stderr.write("\\nloaded " + " ".join(sorted(names)) + "\\n")
"""


def loaded(*args: str) -> set[str]:
    """The top-level modules that a command had loaded when it ended well."""
    done = subprocess.run([sys.executable, "-c", _LOADED, *args], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return set(done.stderr.rpartition("loaded ")[2].split())


def test_help_loads_nothing_heavy() -> None:
    assert not loaded("--help") & {*HEAVY, "duckdb", "pyarrow", "numpy"}


def test_sql_loads_nothing_heavy(tmp_path: Path) -> None:
    from piiscan.store.ingest import DuckStore

    DuckStore(tmp_path / "empty.duckdb", key_file=tmp_path / "key").close()
    found = loaded("sql", "SELECT count(*) FROM v_findings", "--db", str(tmp_path / "empty.duckdb"))
    assert "duckdb" in found
    assert not found & {*HEAVY, "pyarrow"}


def _commands() -> list[str]:
    top = typer.main.get_command(app)
    out = [""]
    for name, command in getattr(top, "commands", {}).items():
        out += [name, *(f"{name} {inner}" for inner in getattr(command, "commands", {}))]
    return out


@pytest.mark.parametrize("command", _commands())
def test_every_command_has_help(command: str) -> None:
    from typer.testing import CliRunner

    result = CliRunner().invoke(app, [*command.split(), "--help"])
    assert result.exit_code == 0, result.exception
    assert "Usage:" in result.output
