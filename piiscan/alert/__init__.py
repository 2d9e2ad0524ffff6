"""Room 9, who is told: alert rules are SQL over the views; their new rows go to sinks, by way of an outbox.

The SQL runs on a locked-down copy of the database. What a rule finds new is written to the outbox together with the
mark that it was told, so that a kill loses neither; the sender (`alert/outbox.py`) delivers it at least once. Rules are
evaluated at the end of a run, while it goes on (`alert/group.py`), or when their time has come (`jobs/alerts.py`).
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

from piiscan.alert.outbox import Delivered, deliver, now_utc
from piiscan.alert.sinks import make_sink
from piiscan.config import AT_RUNS, AlertConfig, Config
from piiscan.errors import ConfigError, PiiscanError
from piiscan.ports import Sink
from piiscan.report.answers import plain
from piiscan.store import outbox
from piiscan.store.ingest import DuckStore
from piiscan.store.outbox import Told
from piiscan.store.query import rows
from piiscan.store.snapshot import publish

log = logging.getLogger(__name__)

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
    return as_rows(rule, names, found)


def as_rows(rule: AlertConfig, names: Sequence[str], found: Sequence[tuple[Any, ...]]) -> list[dict[str, Any]]:
    """The rows of a rule's answer as they are told of. Raises: ConfigError when they lack a column of its key."""
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
    return [item for rule in rules for item in fresh(store, rule, evaluate(database, rule), now)]


def fresh(store: DuckStore, rule: AlertConfig, found: Sequence[dict[str, Any]], now: datetime) -> list[Due]:
    """Of the rows that a rule found, what each of its sinks is to be told of now."""
    out = []
    for sink in dict.fromkeys(rule.sinks):
        told = outbox.told(store, rule.name, sink)
        new: dict[str, tuple[dict[str, Any], Told]] = {}
        for row in found:
            marked = mark(rule, sink, row, told.get(row_key(rule, sink, row)), now)
            if marked is not None:
                new.setdefault(marked.row_key, (row, marked))
        if new:
            shown, marks = zip(*new.values(), strict=True)
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


def checked(config: Config) -> dict[str, Sink]:
    """The sinks by name, once all rules and sinks are known to be whole. Raises: ConfigError."""
    sinks = {s.name: make_sink(s, config.aws) for s in config.sinks}
    check_rules(config)
    return sinks


def check_rules(config: Config) -> None:
    """See that rules are whole, without making sinks, which may fetch secrets. Raises: ConfigError."""
    names = {sink.name for sink in config.sinks}
    for rule in config.alerts:
        if rule.renotify not in ("", "on_change", "on_increase"):
            rule.renotify_after()
        unknown = [name for name in rule.sinks if name not in names]
        if unknown:
            raise ConfigError(f"alert {rule.name!r}: no sink {unknown[0]!r} is configured")


def of_runs(config: Config) -> list[AlertConfig]:
    """The rules that are evaluated at the end of a run."""
    return [rule for rule in config.alerts if not set(AT_RUNS).isdisjoint(rule.when)]


def tell(store: DuckStore, rule: AlertConfig, found: Sequence[dict[str, Any]], run: int, now: datetime) -> int:
    """Put what is new of a rule's rows into the outbox, note the evaluation; how many messages. Raises: StoreError."""
    items = fresh(store, rule, found, now)
    enqueue(store, items, run, now)
    outbox.note_evaluation(store, rule.name, now)
    return len(items)


def failed(store: DuckStore, rule: AlertConfig, err: PiiscanError, now: datetime) -> None:
    """Note that a rule could not be evaluated; `piiscan alert test` says what is wrong with it. Raises: StoreError."""
    log.error("event=alert_not_evaluated alert=%s error=%s", rule.name, type(err).__name__)
    outbox.note_evaluation(store, rule.name, now, type(err).__name__)


def run_alerts(
    store: DuckStore, config: Config, run: int, rules: Sequence[AlertConfig] | None = None
) -> dict[str, Any]:
    """Evaluate rules (default: all) on a fresh copy, put what is new into the outbox, and send all that waits.

    What a sink did not take before is tried again now, whatever its pause. Gives back how many messages were sent, how
    many were not, and whether one asks for a failing exit code.
    Raises: ConfigError for wrong SQL or a sink that is not configured, StoreError.
    """
    sinks = checked(config)
    wanted = config.alerts if rules is None else rules
    now = now_utc()
    items = due(store, wanted, publish(store), now)
    enqueue(store, items, run, now)
    for rule in wanted:
        outbox.note_evaluation(store, rule.name, now)
    return _told(store, len(wanted), deliver(store, sinks, patient=False))


def run_timed(store: DuckStore, config: Config, run: int, rules: Sequence[AlertConfig]) -> dict[str, Any]:
    """As `run_alerts`, by a schedule: a rule that fails keeps no other back, and sinks are left their pauses.

    `failed` counts rules as well. Raises: ConfigError for a sink that is not configured, StoreError.
    """
    sinks = checked(config)
    now = now_utc()
    copy = publish(store) if rules else store.path
    wrong = 0
    for rule in rules:
        try:
            found = evaluate(copy, rule)
        except PiiscanError as err:
            failed(store, rule, err, now)
            wrong += 1
        else:
            tell(store, rule, found, run, now)
    done = deliver(store, sinks, patient=True)
    done.failed += wrong
    return _told(store, len(rules), done)


def _told(store: DuckStore, rules: int, done: Delivered) -> dict[str, Any]:
    counts = outbox.counts(store)
    log.info(
        "event=alerts evaluated=%d sent=%d failed=%d pending=%d dead=%d", rules, done.sent, done.failed,
        counts.get("due", 0), counts.get("dead", 0),
    )  # fmt: skip
    return {"rules": rules, "sent": done.sent, "failed": done.failed, "exit_code": done.fails_command}
