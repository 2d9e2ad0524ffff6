"""What the files of a policy pack say, each refused for any key that has no place in it."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from piiscan.config import AlertConfig, Config, merge
from piiscan.errors import ConfigError
from piiscan.jobs.alerts import timed
from piiscan.jobs.schedule import read_schedule
from piiscan.model import Severity
from piiscan.policies import flat, is_locked
from piiscan.policypack.pack import PolicyPack

SETTINGS = frozenset({
    "threshold", "packs", "include", "exclude", "ner", "ner_max_bytes", "inline_ignore", "sample", "budget",
    "max_objects", "max_bytes", "max_object_bytes", "max_values", "part_bytes", "deadline", "decrypt", "match_live",
    "limits", "posture",
})  # fmt: skip
"""Keys of the configuration that say what is found; what names files, addresses or secrets stays with the machine."""
AWS = frozenset({
    "region", "role_arn", "roles", "org", "max_rps", "max_mbps", "bucket_tags", "inventory", "versions",
    "request_payer",
})  # fmt: skip
"""Keys of `[aws]` that a job may have beside them."""
WITHOUT_SETTING = frozenset({"rules", "allow", "alerts"})
"""What can be locked without a setting: the machine then has none of its own."""
_JOB = {
    "name": str, "targets": list, "schedule": str, "time_zone": str, "full": bool, "fail_on": str, "alert": bool,
    "discover": bool, "settings": dict,
}  # fmt: skip
_OPTIONS = ("full", "fail_on", "alert", "discover")
_WORDS = re.compile(r"words/[A-Za-z0-9][\w.-]{0,99}\.txt", re.ASCII)


@dataclass(frozen=True, slots=True)
class PackJob:
    """A job as the store takes it."""

    name: str
    targets: tuple[str, ...]
    schedule: str
    zone: str
    settings: dict[str, Any]
    options: dict[str, Any]

    @property
    def content(self) -> tuple[Any, ...]:
        """Schedule, zone, targets, settings and options."""
        return self.schedule, self.zone, list(self.targets), self.settings, self.options


@dataclass(frozen=True, slots=True)
class Parts:
    """What a pack sets."""

    settings: dict[str, Any] = field(default_factory=dict)
    """Keys of the configuration."""
    alerts: tuple[AlertConfig, ...] = ()
    jobs: tuple[PackJob, ...] = ()
    weights: dict[str, float] = field(default_factory=dict)
    """Of the risk, by term."""


def read_parts(pack: PolicyPack) -> Parts:
    """What the files of a pack say, rules and lists aside. Raises: ConfigError naming file and key."""
    settings = _toml(pack, "settings.toml")
    _only(settings, SETTINGS, "settings.toml")
    _by_name(settings, "settings.toml")
    merge(Config(), settings, "settings.toml")
    for key in pack.locked:
        if key not in WITHOUT_SETTING and not any(is_locked(name, [key]) for name in flat(settings)):
            raise ConfigError(f"pack.toml: locked: {key!r} is nothing that settings.toml sets")
    for name in pack.files:
        if name.startswith("allow/") and name.endswith(".toml"):
            _check_words(pack, name)
    return Parts(settings, _alerts(pack), _jobs(pack, settings), _weights(pack))


def _toml(pack: PolicyPack, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(pack.files.get(name, ""))
    except tomllib.TOMLDecodeError as err:
        raise ConfigError(f"{name}: not valid TOML: {err}") from None


def _only(table: Mapping[str, Any], known: frozenset[str], where: str) -> None:
    if unknown := sorted(set(table) - known):
        raise ConfigError(f"{where}: {unknown[0]!r} is no key of a policy pack (there are {', '.join(sorted(known))})")


def _by_name(settings: Mapping[str, Any], where: str) -> None:
    for name in settings.get("packs", ()):
        if "/" in str(name) or str(name).endswith(".toml"):
            raise ConfigError(f"{where}: packs: {name!r} is a file: name it without folder and `.toml`")


def _check_words(pack: PolicyPack, name: str) -> None:
    """See that a list reads no file of the machine. `allow.lists` says what else is wrong with it."""
    try:
        tables = tomllib.loads(pack.files[name]).get("allow", ())
    except tomllib.TOMLDecodeError:
        return
    for table in tables if isinstance(tables, list) else ():
        words = table.get("text_file", "") if isinstance(table, dict) else ""
        if words and not (isinstance(words, str) and _WORDS.fullmatch(words) and f"allow/{words}" in pack.files):
            raise ConfigError(f"{name}: text_file: no file of the pack's own folder `allow/words/`")


def _alerts(pack: PolicyPack) -> tuple[AlertConfig, ...]:
    table = _toml(pack, "alerts.toml")
    if "sinks" in table:
        raise ConfigError("alerts.toml: sinks: sinks stay in each machine's configuration; rules name them")
    _only(table, frozenset({"alerts"}), "alerts.toml")
    if "alerts.toml" in pack.files and not table:
        raise ConfigError("alerts.toml: no [[alerts]] in it")
    found = merge(Config(), table, "alerts.toml").alerts
    if len({rule.name for rule in found}) != len(found):
        raise ConfigError("alerts.toml: two rules have one name")
    for rule in found:
        if rule.severity not in {severity.label for severity in Severity}:
            raise ConfigError(f"alerts.toml: {rule.name!r}: severity is low, medium, high or critical")
        if rule.renotify not in ("", "on_change", "on_increase"):
            rule.renotify_after()
    timed(found)
    return found


def _jobs(pack: PolicyPack, settings: Mapping[str, Any]) -> tuple[PackJob, ...]:
    table = _toml(pack, "jobs.toml")
    _only(table, frozenset({"jobs"}), "jobs.toml")
    tables = table.get("jobs", [])
    if not isinstance(tables, list) or not all(isinstance(job, dict) for job in tables):
        raise ConfigError("jobs.toml: [[jobs]] are wanted")
    found = tuple(_job(pack, job, settings, f"jobs.toml: job {number}") for number, job in enumerate(tables, 1))
    if len({job.name for job in found}) != len(found):
        raise ConfigError("jobs.toml: two jobs have one name")
    return found


def _job(pack: PolicyPack, table: Mapping[str, Any], floor: Mapping[str, Any], where: str) -> PackJob:
    _only(table, frozenset(_JOB), where)
    for key, value in table.items():
        if not isinstance(value, _JOB[key]):
            raise ConfigError(f"{where}: {key}: {_JOB[key].__name__} is wanted")
    targets = table.get("targets", [])
    if not table.get("name") or not targets:
        raise ConfigError(f"{where}: name and targets are wanted")
    if not all(isinstance(target, str) and ("://" in target or target.startswith("/")) for target in targets):
        raise ConfigError(f"{where}: targets: whole paths and buckets are wanted: it may run anywhere")
    if table.get("fail_on", "") not in {"", *(severity.label for severity in Severity)}:
        raise ConfigError(f"{where}: fail_on is low, medium, high or critical")
    settings, where = dict(table.get("settings", {})), f"{where}: settings"
    _only(settings, SETTINGS | {"aws"}, where)
    merge(Config(), settings, where)
    _only(settings.get("aws", {}), AWS, f"{where}: aws")
    _by_name(settings, where)
    if table.get("discover") and not settings.get("budget"):
        raise ConfigError(f"{where}: budget: a job that discovers has one, in bytes")
    given, held = flat(settings), flat(floor)
    for key in given:
        more = bool(set(given[key]) - set(held.get(key, ()))) if isinstance(given[key], list) else True
        if is_locked(key, pack.locked) and given[key] != held.get(key) and more:
            raise ConfigError(f"{where}: {key}: the pack itself locks it at another value")
    job = PackJob(
        str(table["name"]), tuple(targets), table.get("schedule", ""), table.get("time_zone", "UTC"), settings,
        {key: table[key] for key in _OPTIONS if table.get(key)} | {"policy": pack.name},
    )  # fmt: skip
    read_schedule(job.schedule, job.zone, datetime.now(UTC))
    return job


def _weights(pack: PolicyPack) -> dict[str, float]:
    found = flat(_toml(pack, "weights.toml"))
    for term, weight in found.items():
        if isinstance(weight, bool) or not isinstance(weight, int | float) or not 0 <= weight <= 1e9:
            raise ConfigError(f"weights.toml: {term}: a weight is a number from 0")
    return {term: float(weight) for term, weight in found.items()}
