"""When a job fires: cron expressions and four plain forms, in a time zone, with Debian cron's rules for clock changes.

Those rules: a job whose minute or hour begins with `*` runs by the clock on the wall, so it fires in both passes of an
hour that comes twice and not in one that is left out. Any other job is for a time of the day: it fires once in the hour
that comes twice, at the first pass, and at the end of a gap when its time is in the gap. Source: cron(8) and the
source of Debian's cron 3.0pl1; the expressions are read by cronsim (BSD-3-Clause), in local time without a zone.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

from piiscan.errors import ConfigError

FORMS = "`M H DOM MON DOW` (cron), `once [DATE HH:MM]`, `daily HH:MM`, `weekly DAY HH:MM`, `monthly N|last HH:MM`"
MARGIN = timedelta(hours=4)
"""More than any clock change: how much earlier the local times begin that may give an instant after the one asked."""
MINUTE = timedelta(minutes=1)
LONGEST = 200
_ONE_WITH_STEP = re.compile(r"(?<![\w-])(\w+)-\1/0*[1-9]\d*(?!\w)", re.ASCII)
"""`4-4/2`: cronsim 2.8 reads it as `4-23/2`, cron as `4`."""
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)", re.ASCII)
_DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_FULL = ("SUNDAY", "MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY")


@dataclass(frozen=True, slots=True)
class Schedule:
    """The moments at which a job fires. Moments are aware and to the minute; those given back are UTC."""

    text: str
    """As it was given; empty: only by hand."""
    zone: str
    cron: str = ""
    """The five fields; empty when it fires once or never."""
    at: datetime | None = None
    """Of `once`: when."""

    def next_after(self, moment: datetime) -> datetime | None:
        """The first fire later than a moment; None when there is none."""
        if not self.cron:
            return self.at if self.at is not None and self.at > moment else None
        return next(self._fires(moment), None)

    def due_between(self, a: datetime, b: datetime) -> Iterator[datetime]:
        """The fires later than `a` and not later than `b`, ascending."""
        if not self.cron:
            if self.at is not None and a < self.at <= b:
                yield self.at
            return
        for fire in self._fires(a):
            if fire > b:
                return
            yield fire

    def _fires(self, after: datetime) -> Iterator[datetime]:
        zone = ZoneInfo(self.zone)
        after = after.astimezone(UTC)
        begin = after.astimezone(zone).replace(tzinfo=None) - MARGIN
        minute, hour = self.cron.split()[:2]
        instants = _by_the_wall if minute.startswith("*") or hour.startswith("*") else _by_the_day
        for fire in instants(CronSim(self.cron, begin), zone):
            if fire > after:
                yield fire
                after = fire


def _by_the_day(times: Iterator[datetime], zone: ZoneInfo) -> Iterator[datetime]:
    """Instants of local times, each once: of two passes the first, for a time in a gap the gap's end."""
    for time in times:
        instant = time.replace(tzinfo=zone).astimezone(UTC)
        if _there(time, instant, zone):
            yield instant
        else:
            while not _there(time := time + MINUTE, instant := time.replace(tzinfo=zone).astimezone(UTC), zone):
                pass
            yield instant


def _by_the_wall(times: Iterator[datetime], zone: ZoneInfo) -> Iterator[datetime]:
    """Instants at which the clock shows one of the local times, ascending: two, one or none for each."""
    second: list[datetime] = []
    """Of times that come twice: the later instants, which may lie behind those of times that follow."""
    for time in times:
        instant = time.replace(tzinfo=zone).astimezone(UTC)
        if not _there(time, instant, zone):
            continue
        while second and second[0] < instant:
            yield second.pop(0)
        yield instant
        again = time.replace(tzinfo=zone, fold=1).astimezone(UTC)
        if again != instant:
            second.append(again)
    yield from second


def _there(time: datetime, instant: datetime, zone: ZoneInfo) -> bool:
    """Whether the clock shows a local time at all: not in a gap."""
    return instant.astimezone(zone).replace(tzinfo=None) == time


def read_schedule(text: str, zone: str, made: datetime) -> Schedule:
    """The schedule that `text` means in a time zone (an IANA name such as `Europe/Berlin`).

    `made` is when it was given: the moment of a bare `once`. Raises: ConfigError.

    >>> read_schedule("weekly mon 2:05", "UTC", datetime.now(UTC)).cron
    '5 2 * * 1'
    """
    try:
        info = ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        raise ConfigError(f"{zone!r} is not a time zone that is known here, such as UTC or Europe/Berlin") from None
    words = text.split()
    if not words:
        return Schedule("", zone)
    if words[0].lower() == "once":
        return Schedule(text, zone, at=_once(text, words[1:], info, made))
    cron = _plain(text, words) if words[0].lower() in ("daily", "weekly", "monthly") else text
    fields = cron.split()
    if len(text) > LONGEST or len(fields) != 5:
        raise ConfigError(f"{text[:60]!r} is not a schedule; one of {FORMS} is wanted")
    try:
        found = Schedule(text, zone, _ONE_WITH_STEP.sub(r"\1", " ".join(fields)))
        if next(CronSim(found.cron, made.replace(tzinfo=None)), None) is None:
            raise ConfigError(f"the schedule {text!r} never fires")
    except CronSimError as err:
        raise ConfigError(f"{text!r} is not a schedule ({str(err).lower()}); one of {FORMS} is wanted") from None
    return found


def _once(text: str, words: list[str], zone: ZoneInfo, made: datetime) -> datetime:
    if not words:
        return made.astimezone(UTC)
    try:
        wanted = datetime.strptime(" ".join(words).replace("T", " "), "%Y-%m-%d %H:%M")
    except ValueError:
        raise ConfigError(
            f"{text[:60]!r}: after `once` a local time is wanted, as in `once 2030-01-31 02:00`"
        ) from None
    return next(_by_the_day(iter([wanted]), zone))


def _plain(text: str, words: list[str]) -> str:
    """The cron fields of `daily`, `weekly` and `monthly`. Raises: ConfigError."""
    kind = words[0].lower()
    form = {"daily": "daily HH:MM", "weekly": "weekly DAY HH:MM", "monthly": "monthly N|last HH:MM"}[kind]
    wrong = ConfigError(f"{text[:60]!r} is not a schedule; `{form}` is wanted")
    time = _TIME.fullmatch(words[-1])
    if time is None or len(words) != len(form.split()):
        raise wrong
    at = f"{int(time[2])} {int(time[1])}"
    if kind == "daily":
        return f"{at} * * *"
    which = words[1].upper()
    if kind == "weekly":
        for names in (_DAYS, _FULL):
            if which in names:
                return f"{at} * * {names.index(which)}"
        raise wrong
    if which == "LAST":
        return f"{at} L * *"
    if not re.fullmatch(r"[1-9]|[12]\d|3[01]", which, re.ASCII):
        raise wrong
    return f"{at} {which} * *"
