"""What a format is told beside the findings: the run, the sources, what was not read whole, and the user's options."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from piiscan.report.rows import stream, triage
from piiscan.report.summary import HARMLESS

NO_ACCOUNT = "000000000000"
"""The AWS account of exports that name one, when none is given."""
NO_REGION = "us-east-1"
"""Their region, when neither the source nor the user names one."""

_SOURCES = """
SELECT o.source, count(*) FILTER (o.outcome <> 'scanned' AND NOT list_contains($harmless, split_part(o.reason, ':', 1)))
FROM objects o WHERE {which} GROUP BY o.source ORDER BY o.source
"""
_TALLIES = """
SELECT o.source, count(*) FILTER ({counted}), count(*) FILTER (NOT ({counted}))
FROM findings f JOIN objects o ON o.oid = f.oid AND o.run = f.run{triage} WHERE {which} GROUP BY o.source
"""
_UNREAD = """
SELECT o.source, o.key, o.outcome, o.reason FROM objects o
WHERE {which} AND o.outcome <> 'scanned' AND NOT list_contains($harmless, split_part(o.reason, ':', 1))
ORDER BY o.source, o.key
"""


@dataclass(frozen=True, slots=True)
class Tally:
    """How much there is of one source."""

    findings: int = 0
    """Those that count, see `rows.findings`."""
    uncounted: int = 0
    unread: int = 0
    """Objects that were not read whole."""


@dataclass(frozen=True, slots=True)
class Unread:
    """An object that was not read whole."""

    source: str
    key: str
    outcome: str
    reason: str
    """A code and a sentence behind a colon."""

    @property
    def code(self) -> str:
        """The code alone."""
        return self.reason.partition(":")[0] or self.outcome.upper()


def _nothing() -> Iterator[Unread]:
    return iter(())


def _silent(message: str) -> None:
    """Nobody is told."""


@dataclass(frozen=True, slots=True)
class Context:
    """Of one export."""

    version: str = "0"
    """Of this program."""
    run: int = 0
    """The run that is shown, or the newest one; 0: there was none."""
    started: datetime | None = None
    ended: datetime | None = None
    """UTC, without a time zone, as in the store."""
    sources: Mapping[str, Tally] = field(default_factory=dict)
    """By name, in their order."""
    unread: Callable[[], Iterator[Unread]] = _nothing
    """In the order of the findings."""
    account: str = NO_ACCOUNT
    region: str = ""
    base: str = ""
    """Directory that paths are relative to, where a source is it or lies below; else they are to their source."""
    limit: int = 0
    """Most findings of a format that has a cap; 0: the format's own."""
    warn: Callable[[str], None] = _silent
    """Tells the user a sentence."""

    def total(self) -> Tally:
        """All sources together."""
        every = self.sources.values()
        return Tally(sum(t.findings for t in every), sum(t.uncounted for t in every), sum(t.unread for t in every))


def of_database(con: Any, run: int | None, **options: Any) -> Context:
    """The context of an open database; `options` are the user's fields of `Context`."""
    which = "o.superseded IS NULL" if run is None else f"o.run = {int(run)}"
    those = {"harmless": list(HARMLESS)}
    unread = _rows(con, _SOURCES.format(which=which), those)
    found = {row[0]: row[1:] for row in _rows(con, _TALLIES.format(which=which.replace("o.", "f."), **triage(con)), {})}
    newest = "SELECT run, started, ended FROM runs WHERE run = coalesce($run, (SELECT max(run) FROM runs))"
    known = _rows(con, newest, {"run": run}) or [(0, None, None)]

    def objects() -> Iterator[Unread]:
        for row in stream(con.cursor(), _UNREAD.format(which=which), those):
            yield Unread(*row)

    base = options.pop("base", "")
    return Context(
        run=known[0][0],
        started=known[0][1],
        ended=known[0][2],
        sources={
            source: Tally(real, others, count)
            for source, count in unread
            for real, others in [found.get(source, (0, 0))]
        },
        unread=objects,
        base=os.path.realpath(base) if base else "",
        **options,
    )


def _rows(con: Any, sql: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    return list(con.execute(sql, values).fetchall() if values else con.execute(sql).fetchall())
