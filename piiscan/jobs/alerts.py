"""Alert rules with times of their own: which are due, and when a server must look again.

What is remembered of a rule is up to when its times are dealt with. So a restart neither repeats an evaluation nor
loses one, and several that were missed are made up by one. A rule that is seen for the first time, or whose times have
changed, begins at that moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from piiscan.config import AT_RUNS, AlertConfig
from piiscan.errors import ConfigError
from piiscan.jobs.schedule import Schedule, read_schedule
from piiscan.jobs.store import aware, naive
from piiscan.store import outbox
from piiscan.store.ingest import DuckStore

NEW = datetime(1970, 1, 1, tzinfo=UTC)
"""Since when a rule waits that nothing is remembered of."""
_MADE = datetime(2026, 1, 1, tzinfo=UTC)
"""Any moment: no schedule here depends on when it was made."""


@dataclass(frozen=True, slots=True)
class Timed:
    """An alert rule and its times."""

    rule: AlertConfig
    schedules: tuple[Schedule, ...]

    @property
    def text(self) -> str:
        """Times and zone, as they are remembered."""
        return "; ".join([*(schedule.text for schedule in self.schedules), self.rule.time_zone])

    def next_after(self, moment: datetime) -> datetime:
        """The first of its times later than a moment."""
        return min(found for schedule in self.schedules if (found := schedule.next_after(moment)) is not None)

    def since(self, known: outbox.Evaluated | None) -> datetime:
        """From when on it is to be evaluated, or to be remembered (`NEW`)."""
        if known is None or known.schedule != self.text or (until := aware(known.until)) is None:
            return NEW
        return self.next_after(until)


def timed(rules: Iterable[AlertConfig]) -> list[Timed]:
    """The rules that have times. Raises: ConfigError for what is none, or an unknown time zone."""
    out = []
    for rule in rules:
        schedules = tuple(_schedule(rule, text) for text in rule.when if text not in AT_RUNS)
        if schedules:
            out.append(Timed(rule, schedules))
    return out


def _schedule(rule: AlertConfig, text: str) -> Schedule:
    try:
        found = read_schedule(text, rule.time_zone, _MADE)
    except ConfigError as err:
        raise ConfigError(f"alert {rule.name!r}: when: {err}") from None
    if not found.cron:
        raise ConfigError(f"alert {rule.name!r}: when: {text!r} is none of run, group and times that come again")
    return found


def claim(store: DuckStore, rules: Sequence[Timed], now: datetime) -> list[Timed]:
    """The rules whose time has come; those that are new are remembered, to begin now. Raises: StoreError."""
    known = outbox.evaluations(store.query)
    out = []
    for one in rules:
        since = one.since(known.get(one.rule.name))
        if since == NEW:
            finish(store, [one], now)
        elif since <= now:
            out.append(one)
    return out


def finish(store: DuckStore, rules: Iterable[Timed], now: datetime) -> None:
    """What the times of rules say up to now is dealt with. Raises: StoreError."""
    until = naive(now)
    assert until is not None
    for one in rules:
        outbox.note_until(store, one.rule.name, one.text, until)


def waiting_since(rules: Sequence[Timed], sinks: Sequence[str]) -> Callable[[outbox.Query, int], datetime | None]:
    """Says of a database and its schema since when something waits: a rule, or a message for one of the sinks."""

    def since(query: Callable[..., Any], schema: int) -> datetime | None:
        if schema < outbox.EVALUATIONS_SINCE:
            return NEW if rules else None
        known = outbox.evaluations(query) if rules else {}
        found = [one.since(known.get(one.rule.name)) for one in rules]
        message = aware(outbox.next_try(query, sinks)) if sinks else None
        return min([*found, *([message] if message is not None else [])], default=None)

    return since
