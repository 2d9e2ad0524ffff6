"""Room 9, who is told: alert rules are SQL over the views; their new rows go to sinks.

The SQL runs on a locked-down copy of the database. A row that was delivered is marked and never alerts again; one that
could not be delivered is tried again at the next run.
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from piiscan.alert.sinks import make_sink
from piiscan.config import AlertConfig, Config
from piiscan.errors import ConfigError
from piiscan.report.answers import plain
from piiscan.store.ingest import DuckStore
from piiscan.store.query import rows
from piiscan.store.snapshot import publish

log = logging.getLogger(__name__)

ROWS = 100
"""Rows that one message carries; the rest are counted."""
SECONDS = 60.0
MEMORY = "1GB"


@dataclass(frozen=True, slots=True)
class Due:
    """The rows of one alert rule that one sink was not told of."""

    rule: AlertConfig
    sink: str
    rows: tuple[dict[str, Any], ...]
    keys: tuple[str, ...]


def evaluate(database: Path, rule: AlertConfig) -> list[dict[str, Any]]:
    """All rows that an alert rule finds now. Raises: ConfigError, StoreError."""
    try:
        names, found, _ = rows(database, rule.sql, SECONDS, MEMORY)
    except ConfigError as err:
        raise ConfigError(f"alert {rule.name!r}: {err}") from None
    return [{n: plain(v) for n, v in zip(names, row, strict=True)} for row in found]


def row_key(rule: AlertConfig, sink: str, row: dict[str, Any]) -> str:
    """A digest that names a row of a rule on its way to a sink. Source: BLAKE2b, RFC 7693."""
    text = json.dumps([rule.name, sink, row], sort_keys=True, ensure_ascii=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def due(store: DuckStore, rules: Sequence[AlertConfig], database: Path) -> list[Due]:
    """What was not told yet, by rule and sink: a sink that works is not told again because another one does not."""
    out = []
    for rule in rules:
        told = {r[0] for r in store.query("SELECT row_key FROM alert_marks WHERE alert = ?", [rule.name])}
        found = evaluate(database, rule)
        for sink in dict.fromkeys(rule.sinks):
            fresh = {key: row for row in found if (key := row_key(rule, sink, row)) not in told}
            if fresh:
                out.append(Due(rule, sink, tuple(fresh.values()), tuple(fresh)))
    return out


def message(item: Due, run: int) -> dict[str, Any]:
    """One alert as it is sent: the rule, how many rows, the first of them; masked by construction."""
    identity = hashlib.blake2b("\n".join(sorted(item.keys)).encode(), digest_size=16).hexdigest()
    return {
        "alert": item.rule.name,
        "severity": item.rule.severity,
        "run": run,
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "count": len(item.rows),
        "rows": list(item.rows[:ROWS]),
        "id": identity,
    }


def run_alerts(store: DuckStore, config: Config, run: int) -> dict[str, Any]:
    """Evaluate all rules on a fresh copy, deliver what is new, mark what arrived.

    Gives back how many alerts were sent, how many were not, and whether one asks for a failing exit code.
    Raises: ConfigError for wrong SQL or a sink that is not configured, StoreError.
    """
    sinks = {s.name: make_sink(s) for s in config.sinks}
    for rule in config.alerts:
        unknown = [name for name in rule.sinks if name not in sinks]
        if unknown:
            raise ConfigError(f"alert {rule.name!r}: no sink {unknown[0]!r} is configured")
    copy = publish(store)
    sent = failed = 0
    code = False
    for item in due(store, config.alerts, copy):
        sink = sinks[item.sink]
        try:
            sink.send(message(item, run))
        except OSError as err:
            failed += 1
            log.error(
                "event=alert_not_delivered alert=%s sink=%s error=%s", item.rule.name, item.sink, type(err).__name__
            )
            continue
        sent += 1
        code = code or bool(getattr(sink, "fails_command", False))
        now = datetime.now(UTC).replace(tzinfo=None)
        store.mark_alerts([(item.rule.name, key, now) for key in item.keys])
    return {"rules": len(config.alerts), "sent": sent, "failed": failed, "exit_code": code}
