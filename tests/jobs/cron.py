"""A reference for schedules: Debian's cron, minute by minute, as its daemon goes through a year.

At each minute of real time the daemon looks at the clock on the wall. When the wall went on by a minute, both kinds of
jobs are matched against it. When it went ahead, jobs of the wall are matched against the minute it shows, and jobs of a
time of the day against each minute that it left out and that one. When it went back, only jobs of the wall are matched,
until the wall is past what it had shown. Source: cron(8), "Local time changes of less than three hours".
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
_RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
_NAMES: tuple[str, ...] = ("", "", "", "janfebmaraprmayjunjulaugsepoctnovdec", "sunmontuewedthufrisat")


def wall(zone: str, year: int) -> list[tuple[datetime, datetime]]:
    """Each minute of a year, UTC, with what the clock of a zone shows."""
    info, at, out = ZoneInfo(zone), datetime(year, 1, 1, tzinfo=UTC), []
    while at.year == year:
        out.append((at, at.astimezone(info).replace(tzinfo=None)))
        at += MINUTE
    return out


def _number(text: str, names: str, low: int) -> int:
    return int(text) if text.isdigit() else names.index(text.lower()) // 3 + low


def _field(text: str, index: int) -> set[int]:
    low, high = _RANGES[index]
    found: set[int] = set()
    for part in text.split(","):
        span, _, step = part.partition("/")
        if span == "*":
            first, last = low, high
        else:
            begin, _, end = span.partition("-")
            first = _number(begin, _NAMES[index], low)
            last = _number(end, _NAMES[index], low) if end else first
        found.update(range(first, last + 1, int(step or 1)))
    return {n % 7 for n in found} if index == 4 else found


def fires(expression: str, minutes: Iterable[tuple[datetime, datetime]]) -> list[datetime]:
    """The minutes at which cron starts a job of this expression; several starts within one are one."""
    text = expression.split()
    minute, hour, day, month, weekday = (_field(t, i) for i, t in enumerate(text))
    both = text[2].startswith("*") or text[4].startswith("*")
    of_the_wall = text[0].startswith("*") or text[1].startswith("*")

    def on_day(shown: datetime) -> bool:
        if shown.month not in month:
            return False
        days = shown.day in day, (shown.weekday() + 1) % 7 in weekday
        return all(days) if both else any(days)

    out: list[datetime] = []
    latest: datetime | None = None
    for at, shown in minutes:
        if of_the_wall or latest is None or latest < shown <= latest + MINUTE:
            now = shown.minute in minute and shown.hour in hour and on_day(shown)
        else:
            now, missed = False, latest + MINUTE
            while missed <= shown:
                now = now or (missed.minute in minute and missed.hour in hour and on_day(missed))
                missed += MINUTE
        if now:
            out.append(at)
        if latest is None or shown > latest:
            latest = shown
    return out
