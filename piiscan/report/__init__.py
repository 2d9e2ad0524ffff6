"""Room 9, what is shown: one file a format, each one function over findings."""

from __future__ import annotations

from importlib import import_module
from typing import Any

FORMATS = ("table", "jsonl", "csv", "html")
"""Every format of `piiscan report`; each is a module here with `render(findings) -> chunks of text`."""


def renderer(name: str) -> Any:
    """The `render` function of a format."""
    return import_module(f"piiscan.report.{name}").render
