"""Room 9, what is shown: one file a format, each one function over findings."""

from __future__ import annotations

from importlib import import_module
from typing import Any

FORMATS = (
    "table", "jsonl", "csv", "html", "sarif", "ocsf", "asff", "macie", "junit", "gitlab", "parquet",
)  # fmt: skip
"""Every format of `piiscan report`; each is a module here with `render(findings) -> chunks` of text, or of bytes."""

DETAILED = FORMATS[4:]
"""Those that take findings with their `more` (see `rows.findings`) and a `context` (see `context.Context`)."""

BINARY = ("parquet",)
"""Those whose chunks are bytes."""


def renderer(name: str) -> Any:
    """The `render` function of a format."""
    return import_module(f"piiscan.report.{name}").render
