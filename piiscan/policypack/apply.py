"""A policy pack put in force: verified, tried, then set on this machine and in each database, wholly or not at all.

All that can be refused is refused before anything is changed. This machine comes first, since jobs go by its rules;
what is broken off between two places is completed by the same command.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from piiscan import stages
from piiscan.errors import ConfigError
from piiscan.jobs.store import JobStore, naive, open_jobs
from piiscan.policies import flat, in_force, is_allow_list
from piiscan.policypack import install
from piiscan.policypack.check import check_pack
from piiscan.policypack.drift import files_drift
from piiscan.policypack.pack import PolicyPack, read_pack
from piiscan.policypack.parts import Parts
from piiscan.policypack.signing import verify
from piiscan.store import policypacks
from piiscan.store.duck import schema_version
from piiscan.store.policypacks import AppliedPack, Query
from piiscan.store.snapshot import open_newest

NOTHING, NEW, REPAIR = "nothing to do", "applied", "put right"
"""What becomes of a place; the last: the same pack, but something there was other than it says."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a place."""

    place: str
    """A database, or the folder of this machine's packs."""
    state: str


@dataclass(frozen=True, slots=True)
class Verified:
    """A pack that may be applied."""

    pack: PolicyPack
    key: str
    """Id of the trusted key that signed it."""
    parts: Parts


def verified(data: bytes, where: str, trusted: Mapping[str, bytes], now: datetime) -> Verified:
    """The pack in a file's bytes: signed by somebody trusted, in its time, and tried. Raises: ConfigError."""
    pack = read_pack(data, where)
    key = verify(pack, trusted)
    if pack.expired(now):
        raise ConfigError(f"{pack.label}: expired: its last day was {pack.expires.isoformat()}")
    return Verified(pack, key, check_pack(pack))


def apply_pack(
    found: Verified, base: Path, stores: Sequence[Path], now: datetime, *, allow: Sequence[str] = (), dry: bool = False
) -> list[Outcome]:
    """Put a pack in force; what became of each place, this machine's folder first. Dry: what would.

    `allow`: the machine's own allow lists. Raises: ConfigError when it is refused, and nothing has been changed then;
    StoreError.
    """
    stores = list(dict.fromkeys(path.resolve() for path in stores))
    planned = [_machine(found, base, allow), *(_closed(found, path) for path in stores)]
    if not dry:
        with ExitStack() as held:
            held.enter_context(install.one_at_a_time(base))
            opened: list[JobStore] = []
            for path in stores:
                opened.append(open_jobs(path))
                held.callback(opened[-1].close)
            planned = [_machine(found, base, allow), *(_in_store(found, store.query, store.path) for store in opened)]
            if planned[0] != NOTHING:
                install.put(base, found.pack, found.key, now)
            for store, state in zip(opened, planned[1:], strict=True):
                if state != NOTHING:
                    _set(store, found, now)
    return [Outcome(str(place), state) for place, state in zip([base, *stores], planned, strict=True)]


def _compared(pack: PolicyPack, version: int, digest: str, place: Path) -> bool:
    """Whether this very pack is in force there; False: an older one. Raises: ConfigError for a newer or another one."""
    if version > pack.version:
        raise ConfigError(f"{pack.label}: older than version {version}, which is applied to {place}")
    if version == pack.version and digest != pack.digest:
        raise ConfigError(f"{pack.label}: another pack of this version is applied to {place}; give it a new version")
    return version == pack.version


def _machine(found: Verified, base: Path, allow: Sequence[str]) -> str:
    """What is to be done on this machine. Raises: ConfigError."""
    pack = found.pack
    here = install.installed(base, pack.name)
    others = in_force(base, leave_out=pack.name)
    lists = {Path(path).name: path for path in allow}
    for other in others:
        lists |= {Path(path).name: path for path in other.settings.get("allow", ())}
        mine = {key for key, value in flat(found.parts.settings).items() if not isinstance(value, list)}
        both = mine & set(flat(other.settings))
        if both:
            raise ConfigError(f"{pack.label}: {min(both)} is set by the policy pack {other.name!r} already")
    for name in filter(is_allow_list, pack.files):
        if (taken := lists.get(Path(name).name)) is not None:
            raise ConfigError(f"{pack.label}: {name}: there is an allow list of this name here, {taken}; rename one")
    if here is None or not _compared(pack, here.pack.version, here.pack.digest, base):
        return NEW
    return REPAIR if files_drift(here) else NOTHING


def _closed(found: Verified, path: Path) -> str:
    """What is to be done in a database, which is not changed. Raises: ConfigError, StoreError."""
    if not path.exists():
        return NEW
    con, _ = open_newest(path)
    try:
        if schema_version(con) < policypacks.FIRST_SCHEMA:
            return NEW
        return _in_store(found, lambda sql, values=(): con.execute(sql, list(values)).fetchall(), path)
    finally:
        con.close()


def _in_store(found: Verified, query: Query, path: Path) -> str:
    """What is to be done in a database. Raises: ConfigError."""
    pack = found.pack
    owners = policypacks.owners(query)
    there = {str(row[0]) for row in query("SELECT name FROM jobs")}
    for job in found.parts.jobs:
        owner = owners.get(job.name)
        if owner not in (None, pack.name):
            raise ConfigError(f"{pack.label}: the job {job.name!r} is one of the policy pack {owner!r} in {path}")
        if owner is None and job.name in there:
            raise ConfigError(f"{pack.label}: {path} has a job {job.name!r} that was made by hand; remove one of them")
    try:
        policypacks.check_weights(query, pack.name, found.parts.weights)
    except ConfigError as err:
        raise ConfigError(f"{pack.label}: {path}: {err}") from None
    before = policypacks.applied(query).get(pack.name)
    if before is None or not _compared(pack, before.version, before.digest, path):
        return NEW
    return REPAIR if policypacks.drifted(query, pack.name) else NOTHING


def _set(store: JobStore, found: Verified, now: datetime) -> None:
    """Jobs, weights and the record of a pack, in one transaction; a job that it has no more is removed.

    Raises: StoreError.
    """
    pack, parts = found.pack, found.parts
    wanted = {job.name for job in parts.jobs}
    applied = naive(now.replace(microsecond=0))
    assert applied is not None
    with store.transaction():
        there = set(store.names())
        for name, owner in policypacks.owners(store.query).items():
            if owner == pack.name and name in there - wanted:
                store.remove(name, now)
        for job in parts.jobs:
            store.add(
                job.name, job.targets, job.schedule, job.zone, job.settings, job.options, now, replace=job.name in there
            )
            store.resume(job.name, now)
        stages.reached("policy")
        policypacks.set_weights(store.query, pack.name, parts.weights)
        stages.reached("policy")
        policypacks.note(
            store.query,
            AppliedPack(pack.name, pack.version, pack.description, pack.digest, found.key, applied, pack.expires),
            {job.name: policypacks.content(job.content) for job in parts.jobs},
        )
        stages.reached("policy")
    stages.reached("policy")
