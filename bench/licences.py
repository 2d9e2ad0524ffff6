"""`python -m bench.licences`: the licence of every distribution that piiscan is installed with, and who may stay.

Walks what is installed from the base dependencies and from each extra of pyproject.toml. Exit code 1 when a licence is
not in `bench/licences.toml`, cannot be read, or an exception there is no longer needed.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
ALLOWED = Path(__file__).with_name("licences.toml")


@dataclass(frozen=True)
class Policy:
    """What `licences.toml` says."""

    allow: frozenset[str]
    allow_in_extras: frozenset[str]
    spelling: Mapping[str, str]
    exceptions: Mapping[str, str]
    """Distribution to licence."""

    @classmethod
    def read(cls, path: Path) -> Policy:
        """The policy in a file. Raises: KeyError for an exception without its reason."""
        data = tomllib.loads(path.read_text("utf-8"))
        for entry in data["exception"]:
            if not entry["reason"]:
                raise KeyError(f"{entry['name']}: no reason")
        return cls(
            frozenset(data["allow"]),
            frozenset(data["allow_in_extras"]),
            data["spelling"],
            {canonicalize_name(entry["name"]): entry["licence"] for entry in data["exception"]},
        )


def closure(requirements: Sequence[str]) -> dict[str, Distribution]:
    """The distributions that these requirements bring here, by name. Raises: PackageNotFoundError."""
    found: dict[str, Distribution] = {}
    seen: dict[str, set[str]] = {}
    todo = [(Requirement(text), {""}) for text in requirements]
    while todo:
        requirement, extras = todo.pop()
        if requirement.marker and not any(requirement.marker.evaluate({"extra": extra}) for extra in extras):
            continue
        name = canonicalize_name(requirement.name)
        fresh = ({""} | requirement.extras) - seen.get(name, set())
        if not fresh:
            continue
        seen.setdefault(name, set()).update(fresh)
        found[name] = distribution(name)
        todo += [(Requirement(text), fresh) for text in found[name].requires or ()]
    return found


def licence_of(name: str, about: Distribution, policy: Policy) -> str:
    """The licence of a distribution as an SPDX expression; as it says it, where that cannot be read."""
    if name in policy.exceptions:
        return policy.exceptions[name]
    return stated(about, policy)


def stated(about: Distribution, policy: Policy) -> str:
    """What the metadata say: the expression, else the free text, else the classifiers."""
    data: Any = about.metadata
    if expression := data.get("License-Expression"):
        return str(expression)
    text = " ".join((data.get("License") or "").split())
    if text and valid(policy.spelling.get(text, text)):
        return policy.spelling.get(text, text)
    classifiers = [c.split(" :: ")[-1] for c in data.get_all("Classifier") or () if c.startswith("License ::")]
    return " AND ".join(policy.spelling.get(c, c) for c in classifiers) or text or "nothing"


def valid(expression: str) -> bool:
    """Whether a text has the form of an SPDX expression.

    >>> valid("MIT OR (Apache-2.0 AND ISC)"), valid("see the file")
    (True, False)
    """
    try:
        allowed(expression, frozenset())
    except ValueError:
        return False
    return True


def allowed(expression: str, names: frozenset[str]) -> bool:
    """Whether `names` are enough for an SPDX expression: one side of each OR, both of each AND.

    Raises: ValueError when it is no expression.

    >>> allowed("MIT OR GPL-3.0-only", frozenset({"MIT"})), allowed("MIT AND GPL-3.0-only", frozenset({"MIT"}))
    (True, False)
    """
    words = re.findall(r"[()]|[^\s()]+", expression)

    def either() -> bool:
        found = both()
        while words and words[0] == "OR":
            words.pop(0)
            found = both() or found
        return found

    def both() -> bool:
        found = one()
        while words and words[0] == "AND":
            words.pop(0)
            found = one() and found
        return found

    def one() -> bool:
        if not words:
            raise ValueError(expression)
        word = words.pop(0)
        if word == "(":
            found = either()
            if not words or words.pop(0) != ")":
                raise ValueError(expression)
            return found
        if not re.fullmatch(r"[A-Za-z0-9][\w.+-]*", word) or word in ("AND", "OR", "WITH"):
            raise ValueError(expression)
        return word in names

    found = either()
    if words:
        raise ValueError(expression)
    return found


def problems(part: str, found: Mapping[str, Distribution], policy: Policy) -> Iterator[str]:
    """What of a part of the installation is not allowed."""
    names = policy.allow if part == "base" else policy.allow | policy.allow_in_extras
    for name, about in sorted(found.items()):
        licence = licence_of(name, about, policy)
        try:
            good = allowed(licence, names)
        except ValueError:
            good = False
        if not good:
            yield f"{name} {about.version} ({part}): {licence} is not allowed"
        if name in policy.exceptions and valid(stated(about, policy)):
            yield f"{name}: the exception is not needed, it says {stated(about, policy)}"


def main() -> int:
    """Print the table and what is wrong; the exit status."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    parts = {"base": project["dependencies"], **project["optional-dependencies"]}
    policy = Policy.read(ALLOWED)
    wrong: list[str] = []
    unused = set(policy.exceptions)
    base: dict[str, Distribution] = {}
    for part, requirements in parts.items():
        try:
            found = closure(requirements)
        except PackageNotFoundError as err:
            wrong.append(f"{err.name} ({part}) is not installed: run make licences in a complete environment")
            continue
        if part == "base":
            base = found
        new = found if part == "base" else {name: about for name, about in found.items() if name not in base}
        print(f"{part}: {len(found)} distributions{f', {len(new)} of them not in base' if part != 'base' else ''}")
        for name, about in sorted(new.items()):
            print(f"  {name:<32} {about.version:<16} {licence_of(name, about, policy)}")
        unused -= set(found)
        wrong += problems(part, new, policy)
    wrong += [f"{name}: there is an exception for it, but it is not installed" for name in sorted(unused)]
    for line in wrong:
        sys.stderr.write(f"licences: {line}\n")
    print("licences: all allowed" if not wrong else f"licences: {len(wrong)} not allowed")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
