"""Options that several commands share."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

Db = Annotated[str, typer.Option("--db", metavar="FILE", help="Database (default: PIISCAN_DB or ./piiscan.duckdb).")]
ConfigFile = Annotated[str, typer.Option("--config", metavar="FILE", help="Configuration file (TOML).")]
MetricsFile = Annotated[
    str, typer.Option("--metrics-file", metavar="FILE", help="Write metrics for Prometheus there at the end.")
]
Pack = Annotated[list[str] | None, typer.Option("--pack", metavar="NAME", help="Pack of rules; may be repeated.")]
Rules = Annotated[list[str] | None, typer.Option("--rules", metavar="DIR", help="Folder with own rules.")]
Allow = Annotated[list[str] | None, typer.Option("--allow", metavar="FILE", help="Allow list; may be repeated.")]
Exact = Annotated[
    list[str] | None, typer.Option("--exact", metavar="FILE", help="Set of exact values; may be repeated.")
]
Threshold = Annotated[float | None, typer.Option("--threshold", metavar="X", help="Least confidence, 0 to 1.")]
NoNer = Annotated[bool, typer.Option("--no-ner", help="Do not look for names with the language model.")]
Ner = Annotated[
    str | None, typer.Option("--ner", metavar="MODEL", help="What finds names: `spacy:PACKAGE` for a spaCy pipeline.")
]
Passwords = Annotated[
    str | None, typer.Option("--passwords", metavar="FILE", help="Passwords to try on encrypted files, one a line.")
]
Ocr = Annotated[bool, typer.Option("--ocr", help="Look for text in pictures, too (with the tesseract program).")]


def database(flag: str, configured: str = "") -> Path:
    """The database that is meant: flag, configuration, PIISCAN_DB, or piiscan.duckdb here."""
    return Path(flag or configured or os.environ.get("PIISCAN_DB") or "piiscan.duckdb")


@contextmanager
def writing(path: Path, key_file: str = "") -> Iterator[Any]:
    """The store of a database that is there already, open for writing meanwhile. Raises: StoreError."""
    from piiscan.errors import StoreError
    from piiscan.store.ingest import DuckStore

    if not path.exists():
        raise StoreError(f"{path}: no such database; run a scan first")
    store = DuckStore(path, key_file=Path(key_file) if key_file else None)
    try:
        yield store
    finally:
        store.close()


def given(**flags: Any) -> dict[str, Any]:
    """The flags that were set: None and empty lists mean that the configuration decides."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in flags.items() if v is not None and v != []}
