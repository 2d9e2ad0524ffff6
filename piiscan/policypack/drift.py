"""What on this machine and in these databases is other than the policy packs that were applied to them say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from piiscan.config import Config, load_config
from piiscan.errors import ConfigError
from piiscan.policies import MANIFEST, base_folder, flat, read_folder, value_of
from piiscan.policypack import install
from piiscan.policypack.install import APPLIED, SIGNED, Installed
from piiscan.policypack.signing import verify
from piiscan.store import policypacks
from piiscan.store.duck import schema_version
from piiscan.store.policypacks import AppliedPack
from piiscan.store.snapshot import open_newest


@dataclass(frozen=True, slots=True)
class Drift:
    """One thing that is other than a pack says."""

    place: str
    """A database, or the folder of this machine's packs."""
    pack: str
    kind: str
    """`file`, `signature`, `setting`, `sink`, `configuration`, `job`, `weight`, `expired`, `version` or `missing`."""
    item: str
    """Which file, setting, job, weight or pack."""
    said: str
    """What is wrong with it, in words."""


def drift_of(
    base: Path, stores: Sequence[Path], trusted: Mapping[str, bytes], now: datetime, config_file: str | None = None
) -> list[Drift]:
    """All that has drifted, this machine first. `trusted`: when there are keys, signatures are held against them.

    Raises: StoreError for a database that cannot be read.
    """
    out: list[Drift] = []
    versions: dict[str, dict[str, tuple[int, str]]] = {}
    try:
        config: Config | None = load_config({}, config_file=config_file)
    except ConfigError as err:
        config = None
        out.append(Drift(str(base), "", "configuration", "configuration", str(err)))
    for name in install.names(base):
        try:
            here = install.installed(base, name)
        except ConfigError as err:
            out.append(Drift(str(base), name, "file", name, str(err)))
            continue
        if here is not None:
            versions.setdefault(name, {})[str(base)] = (here.pack.version, here.pack.digest)
            out += _of_machine(here, str(base), trusted, now, config)
    for path in stores:
        found, drifted = _of_store(path)
        out += drifted
        for name, pack in found.items():
            versions.setdefault(name, {})[str(path)] = (pack.version, pack.digest)
    places = [str(base), *map(str, stores)]
    return out + [item for name in sorted(versions) for item in _of_versions(name, versions[name], places)]


def files_drift(here: Installed) -> list[tuple[str, str]]:
    """Files that are other than they were signed, and what is wrong with each."""
    expected = {name: text.encode() for name, text in here.pack.files.items()} | {MANIFEST: here.pack.manifest}
    found = {path.relative_to(here.folder).as_posix(): path for path in here.folder.rglob("*") if not path.is_dir()}
    out = []
    for name in sorted(set(expected) | set(found) - {SIGNED, APPLIED}):
        if name not in found:
            out.append((name, "missing"))
        elif name not in expected:
            out.append((name, "not of the pack"))
        elif found[name].is_symlink() or _bytes(found[name]) != expected[name]:
            out.append((name, "changed"))
    return out


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError:
        return None


def _of_machine(
    here: Installed, place: str, trusted: Mapping[str, bytes], now: datetime, config: Config | None
) -> Iterator[Drift]:
    pack = here.pack
    for name, said in files_drift(here):
        yield Drift(place, pack.name, "file", name, said)
    if trusted:
        try:
            verify(pack, trusted)
        except ConfigError as err:
            yield Drift(place, pack.name, "signature", SIGNED, str(err))
    if pack.expired(now):
        yield Drift(place, pack.name, "expired", pack.name, f"since the end of {pack.expires.isoformat()}")
    if config is not None and place == str(base_folder()):  # another folder is read by no scan
        yield from _of_configuration(here, place, config)


def _of_configuration(here: Installed, place: str, config: Config) -> Iterator[Drift]:
    """What the machine's own configuration has in place of the pack's: single values, and sinks that it lacks."""
    name = here.pack.name
    try:
        settings = read_folder(here.folder).settings
    except ConfigError as err:
        yield Drift(place, name, "configuration", "configuration", str(err))
        return
    for key, wanted in sorted(flat(settings).items()):
        found = value_of(config, key)
        if not isinstance(found, tuple) and found != wanted:
            yield Drift(place, name, "setting", key, f"{_shown(found)} here, {_shown(wanted)} in the pack")
    sinks = {sink.name for sink in config.sinks}
    for rule in settings.get("alerts", ()):
        for sink in rule.get("sinks", ()):
            if sink not in sinks:
                yield Drift(place, name, "sink", sink, f"not configured here; the alert rule {rule['name']!r} wants it")


def _shown(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _of_store(path: Path) -> tuple[dict[str, AppliedPack], list[Drift]]:
    con, _ = open_newest(path)
    try:
        if schema_version(con) < policypacks.FIRST_SCHEMA:
            return {}, []

        def query(sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
            return list(con.execute(sql, list(values)).fetchall())

        rows = query("SELECT pack, kind, item, field, expected, found FROM v_policy_drift ORDER BY ALL")
        drifted = [Drift(str(path), pack, kind, item, _told(*told)) for pack, kind, item, *told in rows]
        return policypacks.applied(query), drifted
    finally:
        con.close()


def _told(field: str, expected: str, found: str) -> str:
    if field == "missing":
        return "removed by hand"
    if field == "expires":
        return f"since the end of {expected}"
    return f"{field}: {found} here, {expected} in the pack"


def _of_versions(name: str, found: Mapping[str, tuple[int, str]], places: Sequence[str]) -> Iterator[Drift]:
    newest = max(version for version, _ in found.values())
    digests = {digest for version, digest in found.values() if version == newest}
    for place in places:
        if place not in found:
            yield Drift(place, name, "missing", name, f"not applied; version {newest} is elsewhere")
        elif found[place][0] < newest:
            yield Drift(place, name, "version", name, f"version {found[place][0]}; version {newest} is elsewhere")
        elif len(digests) > 1:
            yield Drift(place, name, "version", name, f"version {newest} is not the same pack everywhere")
