"""Named points of a run, so that tests can stop a process exactly there; `reached` does nothing by itself."""

from __future__ import annotations

STAGES = ("fetch", "extract", "spool", "ingest", "commit", "snapshot", "policy")


def reached(stage: str) -> None:
    """Called when a process is at `stage`; a test replaces this function before the run starts."""
