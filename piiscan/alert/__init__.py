"""Room 9, who is told: alert rules are SQL over the views; their new rows go to sinks, by way of an outbox.

The SQL runs on a locked-down copy of the database. What a rule finds new is written to the outbox together with the
mark that it was told, so that a kill loses neither; the sender (`alert/outbox.py`) delivers it at least once.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from piiscan.alert.outbox import deliver, now_utc
from piiscan.alert.sinks import make_sink
from piiscan.config import AlertConfig, Config
from piiscan.errors import ConfigError
from piiscan.report.answers import plain
from piiscan.store import outbox
from piiscan.store.ingest import DuckStore
from piiscan.store.outbox import Told
from piiscan.store.query import rows
from piiscan.store.snapshot import publish

ROWS = 100
"""Rows that one message carries; the rest are counted."""
SECONDS = 60.0
MEMORY = "1GB"


@dataclass(frozen=True, slots=True)
class Due:
    """The rows of one alert rule that one sink is to be told of now."""

    rule: AlertConfig
    sink: str
    rows: tuple[dict[str, Any], ...]
    marks: tuple[Told, ...]


def evaluate(database: Path, rule: AlertConfig) -> list[dict[str, Any]]:
    """All rows that an alert rule finds now. Raises: ConfigError, StoreError."""
    try:
        names, found, _ = rows(database, rule.sql, SECONDS, MEMORY)
    except ConfigError as err:
        raise ConfigError(f"alert {rule.name!r}: {err}") from None
    missing = [column for column in rule.key if column not in names]
    if missing:
        raise ConfigError(f"alert {rule.name!r}: key: its rows have no column {missing[0]!r}")
    return [{n: plain(v) for n, v in zip(names, row, strict=True)} for row in found]


def row_key(rule: AlertConfig, sink: str, row: dict[str, Any]) -> str:
    """A digest that names a row of a rule on its way to a sink: of its key columns, or of all.

    Source: BLAKE2b, RFC 7693.
    """
    return _digest([rule.name, sink, {name: row[name] for name in rule.key} if rule.key else row])


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True, ensure_ascii=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def mark(rule: AlertConfig, sink: str, row: dict[str, Any], told: Told | None, now: datetime) -> Told | None:
    """The mark of a row that is to be told of now; None when it was, and is not to be told of again yet."""
    levels = {n: v for n, v in row.items() if isinstance(v, int | float) and not isinstance(v, bool)}
    fresh = Told(row_key(rule, sink, row), json.dumps(levels), _digest(row), now, told.times + 1 if told else 1)
    if told is None:
        return fresh
    if rule.renotify == "on_change":
        return fresh if told.content not in ("", fresh.content) else None
    if rule.renotify == "on_increase":
        before = json.loads(told.levels)
        return fresh if any(value > before.get(name, value) for name, value in levels.items()) else None
    if rule.renotify:
        return fresh if now - told.when >= rule.renotify_after() else None
    return None


def due(store: DuckStore, rules: Sequence[AlertConfig], database: Path, now: datetime) -> list[Due]:
    """What is to be told now, by rule and sink: a sink that works is not told again because another one does not."""
    out = []
    for rule in rules:
        found = evaluate(database, rule)
        for sink in dict.fromkeys(rule.sinks):
            told = outbox.told(store, rule.name, sink)
            fresh: dict[str, tuple[dict[str, Any], Told]] = {}
            for row in found:
                marked = mark(rule, sink, row, told.get(row_key(rule, sink, row)), now)
                if marked is not None:
                    fresh.setdefault(marked.row_key, (row, marked))
            if fresh:
                shown, marks = zip(*fresh.values(), strict=True)
                out.append(Due(rule, sink, shown, marks))
    return out


def message(item: Due, run: int, now: datetime) -> dict[str, Any]:
    """One alert as it is sent: the rule, how many rows, the first of them; masked by construction."""
    named = sorted(f"{one.row_key} {one.times} {one.content if one.times > 1 else ''}" for one in item.marks)
    return {
        "alert": item.rule.name,
        "severity": item.rule.severity,
        "run": run,
        "at": now.replace(tzinfo=UTC).isoformat(timespec="seconds"),
        "count": len(item.rows),
        "rows": list(item.rows[:ROWS]),
        "id": hashlib.blake2b("\n".join(named).encode(), digest_size=16).hexdigest(),
    }


def enqueue(store: DuckStore, items: Sequence[Due], run: int, now: datetime) -> None:
    """Write what is to be told into the outbox, each message in one transaction with its marks. Raises: StoreError."""
    for item in items:
        said = message(item, run, now)
        head = (said["id"], item.rule.severity, run, said["count"], json.dumps(said, ensure_ascii=False), now)
        outbox.enqueue(store, head, item.rule.name, item.sink, item.marks)


def run_alerts(store: DuckStore, config: Config, run: int, *, patient: bool = False) -> dict[str, Any]:
    """Evaluate all rules on a fresh copy, put what is new into the outbox, and send what is due.

    Unless it is `patient`, what a sink did not take before is tried again now, whatever its pause.
    Gives back how many messages were sent, how many were not, and whether one asks for a failing exit code.
    Raises: ConfigError for wrong SQL or a sink that is not configured, StoreError.
    """
    sinks = {s.name: make_sink(s, config.aws) for s in config.sinks}
    for rule in config.alerts:
        if rule.renotify not in ("", "on_change", "on_increase"):
            rule.renotify_after()
        unknown = [name for name in rule.sinks if name not in sinks]
        if unknown:
            raise ConfigError(f"alert {rule.name!r}: no sink {unknown[0]!r} is configured")
    now = now_utc()
    enqueue(store, due(store, config.alerts, publish(store), now), run, now)
    done = deliver(store, sinks, patient=patient)
    return {"rules": len(config.alerts), "sent": done.sent, "failed": done.failed, "exit_code": done.fails_command}
