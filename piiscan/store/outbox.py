"""Messages on their way to sinks, as rows: written in one transaction with what they tell of, then taken one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from piiscan.store.ingest import DuckStore

Query = Callable[..., Sequence[tuple[Any, ...]]]
"""Asks a database, writing or reading."""
EVALUATIONS_SINCE = 13
"""The schema that brought the table of evaluations."""


@dataclass(frozen=True, slots=True)
class Told:
    """A row of a rule that a sink was told of."""

    row_key: str
    levels: str
    """JSON: its numbers."""
    content: str
    """Digest of all of it."""
    when: datetime
    times: int


@dataclass(frozen=True, slots=True)
class Message:
    """A message that waits."""

    id: str
    alert: str
    sink: str
    payload: str
    attempts: int
    created: datetime


def told(store: DuckStore, alert: str, sink: str) -> dict[str, Told]:
    """What a sink was told of by a rule, by key; rows of before sinks were kept apart have none."""
    rows = store.query(
        "SELECT row_key, levels, content, told, times FROM alert_rows WHERE alert = ? AND sink IN (?, '')",
        [alert, sink],
    )
    return {row[0]: Told(*row) for row in rows}


def enqueue(store: DuckStore, message: Sequence[Any], alert: str, sink: str, rows: Iterable[Told]) -> None:
    """A message and the rows that it tells of, both or neither. Raises: StoreError.

    `message`: id, severity, run, number of rows, payload, now.
    """
    identity, severity, run, count, payload, now = message
    fresh = list(rows)
    columns = {
        "row_key": [row.row_key for row in fresh],
        "levels": [row.levels for row in fresh],
        "content": [row.content for row in fresh],
        "told": [row.when for row in fresh],
        "times": [row.times for row in fresh],
    }
    with store.transaction(), store.lent("fresh_rows", columns):
        store.query(
            "DELETE FROM alert_rows WHERE alert = ? AND sink IN (?, '') "
            "AND row_key IN (SELECT row_key FROM fresh_rows)",
            [alert, sink],
        )
        store.query(
            "INSERT INTO alert_rows SELECT ?, ?, row_key, levels, content, told, times FROM fresh_rows", [alert, sink]
        )
        store.query(
            "INSERT INTO outbox SELECT $id, $alert, $sink, $severity, $run, $rows, $payload, 'due', 0, $now, '', $now, "
            "NULL WHERE NOT EXISTS (SELECT 1 FROM outbox WHERE id = $id)",
            {
                "id": identity, "alert": alert, "sink": sink, "severity": severity, "run": run, "rows": count,
                "payload": payload, "now": now,
            },
        )  # fmt: skip


def due(store: DuckStore, now: datetime | None) -> list[Message]:
    """The messages whose time has come, or all that wait, the oldest first."""
    rows = store.query(
        "SELECT id, alert, sink, payload, attempts, created FROM outbox WHERE state = 'due' "
        "AND (? IS NULL OR next_try <= ?) ORDER BY created, rowid",
        [now, now],
    )
    return [Message(*row) for row in rows]


def sent(store: DuckStore, identity: str, now: datetime) -> None:
    """A sink has taken a message."""
    store.query(
        "UPDATE outbox SET state = 'sent', attempts = attempts + 1, sent = ?, error = '' WHERE id = ?", [now, identity]
    )


def failed(store: DuckStore, identity: str, error: str, next_try: datetime | None) -> None:
    """A sink has not taken a message: when to try again, or never."""
    store.query(
        "UPDATE outbox SET state = CASE WHEN ? THEN 'dead' ELSE 'due' END, attempts = attempts + 1, error = ?, "
        "next_try = coalesce(?, next_try) WHERE id = ?",
        [next_try is None, error, next_try, identity],
    )


def retry(store: DuckStore, identity: str, now: datetime) -> int:
    """Make messages due now: those whose id begins so, the dead among them; all for an empty one. How many."""
    which = "state <> 'sent' AND starts_with(id, ?)"
    count = int(store.query(f"SELECT count(*) FROM outbox WHERE {which}", [identity])[0][0])  # noqa: S608
    store.query(
        f"UPDATE outbox SET state = 'due', attempts = 0, created = ?, next_try = ? WHERE {which}",  # noqa: S608
        [now, now, identity],
    )
    return count


def counts(store: DuckStore) -> dict[str, int]:
    """How many messages are in each state."""
    return {state: int(number) for state, number in store.query("SELECT state, count(*) FROM outbox GROUP BY state")}


@dataclass(frozen=True, slots=True)
class Evaluated:
    """What is remembered of the evaluations of a rule; times are UTC without a zone."""

    schedule: str
    until: datetime | None
    """What its schedule says up to then is dealt with."""
    last: datetime | None
    times: int
    error: str


def evaluations(query: Query) -> dict[str, Evaluated]:
    """What is remembered of the rules, by name."""
    rows = query("SELECT alert, schedule, until, evaluated, times, error FROM alert_evaluations ORDER BY alert")
    return {str(row[0]): Evaluated(*row[1:]) for row in rows}


def note_evaluation(store: DuckStore, alert: str, now: datetime, error: str = "") -> None:
    """A rule was evaluated. Raises: StoreError."""
    _remembered(store, alert)
    store.query(
        "UPDATE alert_evaluations SET evaluated = ?, times = times + 1, error = ? WHERE alert = ?",
        [now, error[:400], alert],
    )


def note_until(store: DuckStore, alert: str, schedule: str, until: datetime) -> None:
    """What the schedule of a rule says up to then is dealt with. Raises: StoreError."""
    _remembered(store, alert)
    store.query("UPDATE alert_evaluations SET schedule = ?, until = ? WHERE alert = ?", [schedule, until, alert])


def _remembered(store: DuckStore, alert: str) -> None:
    store.query(
        "INSERT INTO alert_evaluations SELECT $1, '', NULL, NULL, 0, '' "
        "WHERE NOT EXISTS (SELECT 1 FROM alert_evaluations WHERE alert = $1)",
        [alert],
    )


def next_try(query: Query, sinks: Iterable[str]) -> datetime | None:
    """When the next message for one of these sinks is to be tried; None when none waits."""
    found: datetime | None = query(
        "SELECT min(next_try) FROM outbox WHERE state = 'due' AND list_contains(?::VARCHAR[], sink)", [list(sinks)]
    )[0][0]
    return found
