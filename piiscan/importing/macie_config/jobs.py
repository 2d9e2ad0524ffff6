"""Classification jobs: the schedule, reach and rules of each as a job of ours has them.

Source: Amazon Macie API reference, DescribeClassificationJob: no selector means the recommended identifiers; a month
without the day of a monthly job has no run.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from piiscan.importing.macie_config.entries import Entry
from piiscan.importing.macie_config.scope import Reach, reach
from piiscan.importing.macie_config.shape import JOB, fitted, unknown_keys
from piiscan.importing.regex import Refused

NAMED = frozenset({"NAME", "ADDRESS"})
"""What the recogniser of names finds, by itself or beside a rule."""
DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_OVER = {"COMPLETE": "it ran and is complete: nothing is left to do", "CANCELLED": "it was cancelled in Macie"}


@dataclass(frozen=True, slots=True)
class Plan:
    """A job as it is to be made."""

    name: str
    schedule: str
    paused: bool
    reach: Reach
    sample: int
    """Percent of the objects."""
    selector: str
    """ALL, EXCLUDE, INCLUDE, NONE or RECOMMENDED."""
    managed: tuple[str, ...]
    """Managed data identifiers that the selector speaks of."""
    identifiers: tuple[str, ...]
    """Custom ones, by Macie's id."""
    allow_lists: tuple[str, ...]
    """By Macie's id."""
    notes: tuple[str, ...]


def job_names(entries: Sequence[Entry]) -> dict[int, str]:
    """The name of the job for each entry, by its position; of jobs of one name the later ones have an id behind it.

    Jobs that ended make none, and take no name from others.
    """
    out: dict[int, str] = {}
    taken: set[str] = set()
    ended = [str(entry.data.get("jobStatus")) in _OVER for entry in entries]
    ages = [(ended[i], str(entry.data.get("createdAt", "")), entry.id, i) for i, entry in enumerate(entries)]
    for *_, number, i in sorted(ages):
        name = re.sub(r"[^A-Za-z0-9._-]+", "-", entries[i].name)[:64].strip("._-") or "macie"
        if name.lower() in taken:
            name = f"{name[:50]}-{re.sub('[^A-Za-z0-9]', '', number)[:8] or i}"
        taken.add(name.lower())
        out[i] = name
    return out


def plan(entry: Entry, name: str, at: str) -> Plan:
    """The job that an answer of DescribeClassificationJob amounts to; `at` is the time of the day, which Macie has none
    of. Raises: Refused, naming the key.
    """
    unknown: list[str] = []
    data = fitted(entry.data, JOB, unknown)
    if broken := [key for key in unknown if key.startswith(("s3JobDefinition", "scheduleFrequency"))]:
        raise Refused(f"{broken[0]}: not known here")
    status = data.get("jobStatus", "IDLE")
    if status in _OVER:
        raise Refused(_OVER[status])
    notes = unknown_keys(unknown)
    found = reach(data.get("s3JobDefinition", {}))
    notes += found.notes
    if status == "PAUSED":
        notes.append("Macie holds it back for its monthly quota, which there is none of here")
    if status == "RUNNING" and data.get("jobType") == "ONE_TIME":
        notes.append("Macie runs it now; here it is due at once, too")
    if status == "USER_PAUSED":
        notes.append(f"paused, as in Macie (`piiscan job resume {name}`)")
    if data.get("jobType") == "SCHEDULED" and data.get("initialRun") is False:
        notes.append("more is read than in Macie: the first run also reads what was there before")
    selector, managed = _selector(data)
    return Plan(
        name,
        _schedule(data, at),
        status == "USER_PAUSED",
        found,
        _sample(data),
        selector,
        managed,
        tuple(dict.fromkeys(data.get("customDataIdentifierIds", ()))),
        tuple(dict.fromkeys(data.get("allowListIds", ()))),
        tuple(notes),
    )


def _schedule(data: Mapping[str, Any], at: str) -> str:
    kind, often = data.get("jobType", ""), data.get("scheduleFrequency", {})
    if kind == "ONE_TIME" or (not kind and not often):
        return "once"
    if kind not in ("SCHEDULED", ""):
        raise Refused("jobType: neither ONE_TIME nor SCHEDULED")
    if "dailySchedule" in often:
        return f"daily {at}"
    day = often.get("weeklySchedule", {}).get("dayOfWeek")
    if day in DAYS:
        return f"weekly {day[:3].lower()} {at}"
    number = often.get("monthlySchedule", {}).get("dayOfMonth", 0)
    if 1 <= number <= 31:
        return f"monthly {number} {at}"
    raise Refused("scheduleFrequency: no day that is known")


def _sample(data: Mapping[str, Any]) -> int:
    percent = data.get("samplingPercentage", 100)
    if not 1 <= percent <= 100:
        raise Refused("samplingPercentage: must be 1 to 100")
    return int(percent)


def _selector(data: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    selector = data.get("managedDataIdentifierSelector", "RECOMMENDED")
    ids = tuple(dict.fromkeys(data.get("managedDataIdentifierIds", ())))
    if selector not in ("ALL", "EXCLUDE", "INCLUDE", "NONE", "RECOMMENDED"):
        raise Refused("managedDataIdentifierSelector: not known here")
    if selector in ("EXCLUDE", "INCLUDE") and not ids:
        raise Refused("managedDataIdentifierIds: missing, which the selector speaks of")
    return selector, ids if selector in ("EXCLUDE", "INCLUDE") else ()


def rules_of(found: Plan, managed: Mapping[str, Sequence[str]]) -> tuple[tuple[str, ...] | None, bool, list[str]]:
    """The rules of a job's own pack (None: the pack of what is recommended), whether names are looked for, and remarks.

    `managed`: the rules of ours by managed identifier.
    """
    if found.selector == "RECOMMENDED":
        return None, False, []
    named = set(found.managed)
    unknown = sorted(named - managed.keys() - NAMED)
    notes = [f"no rule of ours finds {', '.join(unknown)}"] if unknown and found.selector == "INCLUDE" else []
    chosen = {"ALL": set(managed), "NONE": set(), "INCLUDE": named, "EXCLUDE": set(managed) - named}[found.selector]
    names = {"ALL": NAMED, "NONE": frozenset(), "INCLUDE": NAMED & named, "EXCLUDE": NAMED - named}[found.selector]
    if len(names) == 1:
        notes.append("more is found than in Macie: names and addresses are looked for together")
    rules = sorted({rule for one in chosen for rule in managed.get(one, ())})
    return tuple(rules), bool(names), notes
