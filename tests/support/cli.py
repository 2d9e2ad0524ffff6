"""The command line as a user runs it: a process of its own, with a home of its own and no way out to the network."""

from __future__ import annotations

import atexit
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from tests.support.warm import Warm

SECONDS = 240.0

_KEPT = ("PATH", "PYTHONPATH", "TMPDIR", "SYSTEMROOT")


@dataclass(frozen=True)
class Done:
    """How a command ended, and all that it said."""

    code: int
    out: bytes = field(repr=False)
    err: bytes = field(repr=False)

    @property
    def text(self) -> str:
        return self.out.decode("utf-8")

    @property
    def said(self) -> str:
        return self.err.decode("utf-8")

    def json(self) -> dict[str, Any]:
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


class Cli:
    """Commands in one folder; the cache of compiled rules may be shared, everything else is private to it.

    One worker reads, which is enough for a few files and starts twice as fast as two; tests that mean several say so.
    """

    def __init__(self, root: Path, cache: Path) -> None:
        self.root = root
        root.mkdir(parents=True, exist_ok=True)
        self.env = {name: os.environ[name] for name in _KEPT if name in os.environ} | {
            "HOME": str(root / "home"),
            "XDG_STATE_HOME": str(root / "state"),
            "XDG_CONFIG_HOME": str(root / "config"),
            "XDG_DATA_HOME": str(root / "data"),
            "XDG_CACHE_HOME": str(cache),
            "LC_ALL": "C.UTF-8",
            "COLUMNS": "160",
            "PIISCAN_WORKERS": "1",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "NO_PROXY": "*",
        }

    def command(self, *args: object) -> list[str]:
        return [sys.executable, "-m", "piiscan", *(str(arg) for arg in args)]

    def start(
        self, *args: object, env: Mapping[str, str | None] | None = None, **options: Any
    ) -> subprocess.Popen[bytes]:
        """The command, running. A variable that is None in `env` is taken away."""
        merged = {**self.env, **(env or {})}
        given = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
        return subprocess.Popen(
            self.command(*args),
            cwd=self.root,
            env={name: value for name, value in merged.items() if value is not None},
            **given,
        )

    def run(
        self,
        *args: object,
        env: Mapping[str, str | None] | None = None,
        stdin: bytes | None = None,
        seconds: float = SECONDS,
        **options: Any,
    ) -> Done:
        """The command, ended."""
        merged = {name: value for name, value in {**self.env, **(env or {})}.items() if value is not None}
        if not options and stdin is None and _plain(merged) and _warm().free():
            return Done(*_warm().run([str(arg) for arg in args], str(self.root), merged, seconds))
        if stdin is not None:
            options["stdin"] = subprocess.PIPE
        with self.start(*args, env=env, **options) as process:
            try:
                out, err = process.communicate(stdin, timeout=seconds)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                raise
        return Done(process.returncode, out or b"", err or b"")

    def good(self, *args: object, codes: tuple[int, ...] = (0,), **options: Any) -> Done:
        """The command, which must end with one of `codes`."""
        done = self.run(*args, **options)
        assert done.code in codes, (done.code, done.said)
        return done

    def scan(
        self, *args: object, codes: tuple[int, ...] = (0,), env: Mapping[str, str | None] | None = None
    ) -> dict[str, Any]:
        """The summary of a scan without the language model."""
        return self.good("scan", *args, "--no-ner", "--json", codes=codes, env=env).json()

    def sql(self, query: str, *, db: object = "piiscan.duckdb") -> list[dict[str, Any]]:
        """Rows of a query."""
        return self.good("sql", query, "--json", "--db", db).lines()


def _plain(env: Mapping[str, str]) -> bool:
    """Whether a process that has imported piiscan already may stand for one that would import it now."""
    return env.get("LC_ALL") == "C.UTF-8" and not any(name.startswith(("PYTHON", "LD_", "PIISCAN_NO_")) for name in env)


@cache
def _warm() -> Warm:
    warm = Warm()
    atexit.register(warm.close)
    return warm


TABLES = {
    "runs": "run, status, targets, identity, settings, catalogue, tool_version, listed, unchanged",
    "objects": "oid, run, source, key, media_type, size, etag, modified, version, catalogue, outcome, reason, "
    "bytes_examined, risk, reasons, superseded",
    "findings": "finding, oid, run, rule, category, severity, confidence, count, distinct_values, distinct_exact, "
    "test_data, superseded",
    "occurrences": "finding, oid, run, rule, seq, char_start, char_length, place, masked, confidence, fingerprint",
    "value_index": "fingerprint, oid, run, rule, count",
    "unread": "oid, run, seq, reason",
    "evidence": "oid, run, rule, seq, said",
    "sketches": "oid, run, words, digits, signs, contested",
    "meta": "name, value",
}
"""All columns but the times at which a row was made."""


def dump(database: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of a database that is not about when it was made, in one order."""
    import duckdb

    con = duckdb.connect(str(database), read_only=True)
    try:
        return {
            table: con.execute(f"SELECT {columns} FROM {table} ORDER BY ALL").fetchall()
            for table, columns in TABLES.items()
        }
    finally:
        con.close()


def hooked(folder: Path, code: str) -> dict[str, str]:
    """An environment in which every Python process of the command runs `code` as it starts."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sitecustomize.py").write_text(code)
    return {"PYTHONPATH": os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])}
