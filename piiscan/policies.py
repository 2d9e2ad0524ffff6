"""Policy packs that are in force on this machine, as the configuration takes them in (docs/policy-packs.md).

A pack lies in `BASE/NAME/FOLDER`, and `BASE/NAME/current` is a link to the folder in force: one rename changes all of
it, and a scan that has begun keeps the folder that it began with.
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

from piiscan.errors import ConfigError

VARIABLE = "PIISCAN_POLICY_DIR"
"""The environment variable that names the base folder."""
CURRENT = "current"
MANIFEST = "manifest.json"
LISTS = ("packs", "rules", "allow", "include", "exclude", "alerts")
"""Settings that are lists: packs and the machine's own configuration add to each other."""

C = TypeVar("C")
"""A configuration: a frozen dataclass of settings, some of them such dataclasses again."""


@dataclass(frozen=True, slots=True)
class PolicyConfig:
    """Who may sign what this machine takes."""

    trust: tuple[str, ...] = ()
    """Public keys, `ed25519:` and 64 hexadecimal digits, or files of one."""


@dataclass(frozen=True, slots=True)
class Policy:
    """A pack in force."""

    name: str
    version: int
    folder: Path
    """Where its files lie; a folder that is never changed."""
    locked: tuple[str, ...]
    """Settings that hold whatever the machine's own configuration says."""
    settings: Mapping[str, Any]
    """Keys of the configuration; its rules, allow lists and alert rules among them."""
    packs: Mapping[str, str]
    """Its packs of rules: name and file."""


def base_folder() -> Path:
    """Where packs are applied: `PIISCAN_POLICY_DIR`, or `$XDG_CONFIG_HOME/piiscan/policy`."""
    config = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(os.environ.get(VARIABLE) or Path(config) / "piiscan" / "policy")


def in_force(base: Path | None = None, *, leave_out: str = "") -> tuple[Policy, ...]:
    """The packs of this machine, by name, or those of `base`. Raises: ConfigError for one that cannot be read."""
    base = base if base is not None else base_folder()
    try:
        names = sorted(entry.name for entry in os.scandir(base) if entry.is_dir() and not entry.name.startswith("."))
    except FileNotFoundError:
        return ()
    except OSError as err:
        raise ConfigError(f"{base}: the policy packs cannot be read ({err.strerror})") from None
    folders = [folder_in_force(base, name) for name in names if name != leave_out]
    return tuple(read_folder(folder) for folder in folders if folder is not None)


def folder_in_force(base: Path, name: str) -> Path | None:
    """The folder that the link of a pack leads to; None when none was applied."""
    link = base / name / CURRENT
    return Path(os.path.realpath(link)) if os.path.lexists(link) else None


def read_folder(folder: Path) -> Policy:
    """The pack in a folder. Raises: ConfigError."""
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        files = sorted(manifest["files"])
        settings = _toml(folder, "settings.toml", files)
        if rules := [name for name in files if name.startswith("rules/")]:
            settings["rules"] = [str(folder / rules[0].partition("/")[0])]
        if allow := [str(folder / name) for name in files if is_allow_list(name)]:
            settings["allow"] = allow
        if alerts := _toml(folder, "alerts.toml", files):
            settings["alerts"] = alerts["alerts"]
        packs = {Path(name).stem: str(folder / name) for name in files if name.startswith("packs/")}
        return Policy(
            str(manifest["name"]), int(manifest["version"]), folder, tuple(manifest["locked"]), settings, packs
        )
    except (OSError, ValueError, KeyError, TypeError) as err:
        raise ConfigError(
            f"{folder}: the policy pack cannot be read ({type(err).__name__}); apply it again, see "
            "`piiscan policy pack drift`"
        ) from None


def _toml(folder: Path, name: str, files: Sequence[str]) -> dict[str, Any]:
    return tomllib.loads((folder / name).read_text("utf-8")) if name in files else {}


def is_allow_list(name: str) -> bool:
    """Whether a file of a pack is an allow list; those of `allow/words/` are what lists name by `text_file`.

    >>> is_allow_list("allow/hosts.txt"), is_allow_list("allow/words/hosts.txt")
    (True, False)
    """
    return name.startswith("allow/") and name.count("/") == 1


def flat(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings by dotted key.

    >>> flat({"threshold": 0.4, "limits": {"depth": 3}})
    {'threshold': 0.4, 'limits.depth': 3}
    """
    out: dict[str, Any] = {}
    for key, value in settings.items():
        if isinstance(value, Mapping):
            out |= {f"{key}.{inner}": found for inner, found in flat(value).items()}
        else:
            out[key] = value
    return out


def value_of(config: object, key: str) -> Any:
    """The setting of a dotted key."""
    for part in key.split("."):
        config = getattr(config, part)
    return config


def _with(config: C, key: str, value: Any) -> C:
    head, _, rest = key.partition(".")
    new = _with(getattr(config, head), rest, value) if rest else value
    return replace(config, **{head: new})  # type: ignore[type-var]


def is_locked(key: str, locked: Iterable[str]) -> bool:
    """Whether a dotted key, or the table that it is in, is among those that are locked."""
    return bool({key, key.partition(".")[0]} & set(locked))


def laid_over(config: C, floors: Sequence[tuple[Policy, C]], given: Mapping[str, Mapping[str, Any]]) -> C:
    """The configuration with the packs' lists added, and what they lock as they say.

    `floors`: each pack, and the configuration that its settings alone make. `given`: settings of the environment and
    the command line, by where they stand. Raises: ConfigError when one of those goes against a lock.
    """
    named = {key for policy, _ in floors for key in (*flat(policy.settings), *(set(policy.locked) & set(LISTS)))}
    for key in sorted(named):
        owners = [(policy, floor) for policy, floor in floors if key in flat(policy.settings)]
        locking = [policy for policy, _ in floors if is_locked(key, policy.locked)]
        here = value_of(config, key)
        if isinstance(here, tuple):
            said: Any = tuple(dict.fromkeys(item for _, floor in owners for item in value_of(floor, key)))
            names = {item.name for item in said} if key == "alerts" else set()
            own = () if locking else tuple(i for i in here if i not in said and getattr(i, "name", None) not in names)
            made: Any = own + said if key == "rules" else said + own  # of rules with one id the last one counts
        else:
            said = value_of(owners[-1][1], key)
            made = said if locking else here
        if locking:
            _refuse(key, said, locking[0], given)
        config = _with(config, key, made)
    own_packs = {name: file for policy, _ in floors for name, file in policy.packs.items()}
    if own_packs:
        config = _with(config, "packs", tuple(own_packs.get(name, name) for name in value_of(config, "packs")))
    return config


def _refuse(key: str, said: Any, by: Policy, given: Mapping[str, Mapping[str, Any]]) -> None:
    for where, settings in given.items():
        found = flat(settings).get(key)
        if found is None or found == said or (isinstance(found, list | tuple) and set(found) <= set(said)):
            continue
        raise ConfigError(f"{where}: {key} is locked by the policy pack {by.name!r} (version {by.version})")
