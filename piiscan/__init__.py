"""piiscan: finds sensitive data in S3 buckets and directory trees, and keeps what it found in DuckDB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from piiscan.config import Config
    from piiscan.model import Match, ObjectReport
    from piiscan.scanner import Scanner

__all__ = ["Config", "Match", "ObjectReport", "Scanner", "__version__"]

_HOMES = {"Scanner": "scanner", "Config": "config", "Match": "model", "ObjectReport": "model"}


def __getattr__(name: str) -> Any:
    """Load the public names at first use: `piiscan --help` must not pay for the engine."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'piiscan' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"piiscan.{home}"), name)
