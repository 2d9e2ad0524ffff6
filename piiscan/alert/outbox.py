"""The sender: takes messages out of the outbox, tries again with growing pauses, gives up after a day.

Each message goes out at least once. A kill between the delivery and its mark sends it again under the same id, which
is the idempotency key that sinks hand on.

Source of the pauses: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015 (full jitter).
"""

from __future__ import annotations

import json
import logging
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from piiscan import stages
from piiscan.alert.sinks import Refused
from piiscan.ports import Sink
from piiscan.store import outbox
from piiscan.store.ingest import DuckStore

log = logging.getLogger(__name__)

FIRST = 30.0
"""Seconds of the first pause at the most; doubled with each try."""
LONGEST = 6 * 3600.0
GIVE_UP = 24 * 3600.0
"""Seconds after which a message is dead."""


@dataclass(slots=True)
class Delivered:
    """How a round of the sender went."""

    sent: int = 0
    failed: int = 0
    dead: int = 0
    fails_command: bool = False
    """A sink that was told wants the command to fail."""


def now_utc() -> datetime:
    """UTC, naive, as the store keeps times."""
    return datetime.now(UTC).replace(tzinfo=None)


def pause(attempts: int, draw: Callable[[], float] = random.random) -> float:
    """Seconds until the next try, after so many: anything from none to `FIRST` doubled each time, `LONGEST` at most.

    >>> pause(0, lambda: 1.0), pause(3, lambda: 0.5), pause(99, lambda: 1.0)
    (30.0, 120.0, 21600.0)
    """
    return draw() * min(FIRST * float(2 ** min(attempts, 20)), LONGEST)


def deliver(store: DuckStore, sinks: Mapping[str, Sink], *, patient: bool, now: datetime | None = None) -> Delivered:
    """Send what is due, or unless `patient` all that waits; what is for a sink that is not configured goes on waiting.

    Raises: StoreError.
    """
    moment = now or now_utc()
    done = Delivered()
    for message in outbox.due(store, moment if patient else None):
        sink = sinks.get(message.sink)
        if sink is not None:
            settle(store, message, sink, attempt(sink, message), moment, done)
    return done


def attempt(sink: Sink, message: outbox.Message) -> OSError | None:
    """Try a message once: None when the sink took it, else why not. It touches no store, so any thread may call it."""
    stages.reached("alert")
    try:
        sink.send(json.loads(message.payload))
    except OSError as err:
        return err
    stages.reached("alerted")
    return None


def settle(
    store: DuckStore, message: outbox.Message, sink: Sink, err: OSError | None, moment: datetime, done: Delivered
) -> None:
    """Write down what became of a try: sent, to be tried again after a pause, or dead. Raises: StoreError."""
    if err is None:
        outbox.sent(store, message.id, now_utc())
        done.sent += 1
        done.fails_command = done.fails_command or bool(getattr(sink, "fails_command", False))
        return
    wait = max(pause(message.attempts), float(getattr(err, "retry_after", None) or 0))
    again = moment + timedelta(seconds=wait)
    never = isinstance(err, Refused) or (again - message.created).total_seconds() > GIVE_UP
    outbox.failed(store, message.id, type(err).__name__, None if never else again)
    done.failed += 1
    done.dead += never
    log.error(
        "event=alert_not_delivered alert=%s sink=%s error=%s dead=%s", message.alert, message.sink, type(err).__name__,
        never,
    )  # fmt: skip
