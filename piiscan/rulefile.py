"""One rule's file: the keys that it may have, what is refused, and the rule that it amounts to.

A rule file is data that strangers contribute, so a file is refused for every key that is not known and for every
pattern that a linear engine could not run. What a pattern may be is in `pattern.py`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import tomli

from piiscan import pattern
from piiscan.errors import CatalogueError
from piiscan.importing import macie
from piiscan.importing.regex import Refused
from piiscan.model import (
    Category,
    ChecksumSpec,
    ConfidenceSpec,
    ContextSpec,
    Example,
    MaskSpec,
    MatchSpec,
    Negative,
    Rule,
    RuleId,
    Severity,
)

Table = Mapping[str, Any]

SHAPES = frozenset({"", "email", "ipv4", "iban", "digits", "hex_groups", "wallet", "opaque", "anywhere"})
"""Dense kernels that a rule may ask for."""

STAGES = ("match", "checksum", "context")
"""What can stop a negative, in the order in which the stages run."""

_DROP = str.maketrans("", "", " -./\u00a0\u2010\u2011\u2013")

KEYS: Mapping[str, Mapping[str, type]] = {
    "": {
        "id": str,
        "name": str,
        "category": str,
        "macie": str,
        "tags": list,
        "summary": str,
        "references": list,
        "origin": str,
        "severity": dict,
        "match": dict,
        "checksum": dict,
        "context": dict,
        "mask": dict,
        "confidence": dict,
        "test_data": dict,
        "example": list,
        "negative": list,
    },
    "severity": {"steps": dict, "least": int},
    "match": {
        "before": str,
        "pattern": str,
        "after": str,
        "anchor": str,
        "anchors": list,
        "anchor_at": list,
        "ignore_case": bool,
        "shape": str,
    },
    "context": {
        "window": int,
        "gap": str,
        "keywords": list,
        "required": bool,
        "columns": list,
        "negative": list,
        "distance": int,
    },
    "mask": {"keep_start": int, "keep_end": int},
    "confidence": {"match": float, "checksum": float, "context": float, "column": float},
    "test_data": {"values": list, "digests": list},
    "example": {"text": str, "find": list, "confidence": float, "column": str},
    "negative": {"text": str, "stopped": str, "why": str, "column": str},
    "pack": {"name": str, "summary": str, "rules": list, "exclude": list},
}


def compact(value: str) -> str:
    """`value` in upper case without separators, the form that checksums and sample lists work on.

    >>> compact("es91 2100-0418")
    'ES9121000418'
    """
    return value.translate(_DROP).upper()


Failure = Callable[[str, str], CatalogueError]


def failure(path: Path) -> Failure:
    """What makes the error of a file out of a key and a problem."""
    return lambda key, problem: CatalogueError(f"{path}: {key}: {problem}")


def read(path: Path) -> Table:
    """The table of a file, as it stands. Raises: CatalogueError."""
    if path.suffix == ".json":
        return _read_macie(path)
    try:
        with path.open("rb") as stream:
            return tomli.load(stream)
    except (OSError, tomli.TOMLDecodeError, UnicodeDecodeError) as err:
        raise CatalogueError(f"{path}: {err}") from err


def _read_macie(path: Path) -> Table:
    """The table of a rule that a custom data identifier of Macie amounts to."""
    try:
        data = json.loads(path.read_bytes())
    except (OSError, ValueError) as err:
        raise CatalogueError(f"{path}: no JSON ({err})") from None
    try:
        return macie.table_of(data).table
    except Refused as err:
        raise CatalogueError(f"{path}: {err}") from None


def known(table: Table, name: str, fail: Failure) -> None:
    """Refuses keys that the schema lacks and values of another type."""
    for key, value in table.items():
        full = f"{name}.{key}" if name and name != "pack" else key
        want = KEYS[name].get(key)
        if want is None:
            raise fail(full, f"unknown key (known here: {', '.join(KEYS[name])})")
        right = isinstance(value, want) or (want is float and isinstance(value, int))
        if not right or (want in (int, float) and isinstance(value, bool)):
            raise fail(full, f"must be {want.__name__}, not {type(value).__name__}")


def strings(table: Table, key: str, fail: Failure, name: str = "") -> tuple[str, ...]:
    """A list of different strings that are not empty. Raises: CatalogueError."""
    values = table.get(key, [])
    full = f"{name}.{key}" if name else key
    if not all(isinstance(value, str) for value in values):
        raise fail(full, "must be a list of strings")
    if any(not value.strip() for value in values):
        raise fail(full, "has an empty string")
    if len(set(values)) != len(values):
        raise fail(full, "names the same thing twice")
    return tuple(values)


def checked(path: Path, proven: bool = False) -> Table:
    """The table of a rule file that holds to the schema; anchors `proven` before are taken as they are.

    Raises: CatalogueError.
    """
    table, fail = read(path), failure(path)
    known(table, "", fail)
    for key in ("id", "name", "category", "severity", "match"):
        if key not in table:
            raise fail(key, "missing")
    if path.suffix != ".json" and table["id"] != f"{path.parent.name}.{path.stem}":
        raise fail("id", f"must be the folder and the file's name, {path.parent.name}.{path.stem}")
    if table["category"] not in {str(category) for category in Category}:
        raise fail("category", f"must be one of {', '.join(Category)}")
    for name in ("severity", "match", "context", "mask", "confidence", "test_data"):
        known(table.get(name, {}), name, fail)
    for key in ("tags", "references"):
        strings(table, key, fail)
    _check_severity(table["severity"], fail)
    _check_match(table["match"], fail, proven)
    _check_stages(table, fail)
    _check_samples(table, fail)
    return table


def _check_severity(table: Table, fail: Failure) -> None:
    steps = table.get("steps")
    if not steps:
        raise fail("severity.steps", "missing or empty")
    names = {severity.label for severity in Severity}
    for count, severity in steps.items():
        if not count.isdecimal() or int(count) < 1 or severity not in names:
            raise fail(
                "severity.steps", f"{count} = {severity!r}: a count from 1 and one of {', '.join(sorted(names))}"
            )
    pairs = [(int(count), Severity[severity.upper()]) for count, severity in steps.items()]
    counts, levels = [count for count, _ in pairs], [level for _, level in pairs]
    if table.get("least", 1) < 1:
        raise fail("severity.least", "must be 1 or more")
    if counts != sorted(set(counts)) or levels != sorted(levels):
        raise fail("severity.steps", "must ascend, counts and severities")


def _check_match(table: Table, fail: Failure, proven: bool) -> None:
    if not table.get("pattern"):
        raise fail("match.pattern", "missing or empty")
    try:
        pattern.check(table["pattern"])
    except ValueError as err:
        raise fail("match.pattern", str(err)) from err
    for key in ("before", "after"):
        try:
            pattern.check_class(table.get(key, ""))
        except ValueError as err:
            raise fail(f"match.{key}", str(err)) from err
    if table.get("shape", "") not in SHAPES:
        raise fail("match.shape", f"must be one of {', '.join(sorted(SHAPES - {''}))}")
    if "anchor" in table and "anchors" in table:
        raise fail("match.anchor", "anchors is there too")
    anchors = _anchors(table)
    at = table.get("anchor_at", [0, 0])
    if len(at) != 2 or not all(isinstance(n, int) for n in at) or not 0 <= at[0] <= at[1]:
        raise fail("match.anchor_at", "must be the least and the most characters before the anchor")
    if "anchor_at" in table and not anchors:
        raise fail("match.anchor_at", "no anchor")
    if proven:
        return
    try:
        pattern.check_anchors(table["pattern"], anchors, (at[0], at[1]), table.get("ignore_case", False))
    except ValueError as err:
        raise fail("match.anchors", str(err)) from err


def _anchors(table: Table) -> tuple[str, ...]:
    return (table["anchor"],) if "anchor" in table else tuple(table.get("anchors", ()))


def _check_stages(table: Table, fail: Failure) -> None:
    checksum = table.get("checksum", {})
    if "checksum" in table and not isinstance(checksum.get("kind"), str):
        raise fail("checksum.kind", "missing")
    if not isinstance(checksum.get("required", True), bool):
        raise fail("checksum.required", "must be bool")
    if checksum.get("kind") == "screened":
        _check_screen(checksum, fail)
    context = table.get("context", {})
    for key in ("keywords", "columns", "negative"):
        strings(context, key, fail, "context")
    if context.get("required") and not (context.get("keywords") or context.get("columns")):
        raise fail("context.required", "no keywords and no columns")
    if not 0 <= context.get("window", 30) <= 300:
        raise fail("context.window", "must be 0 to 300 characters")
    if not 0 <= context.get("distance", 0) <= 300:
        raise fail("context.distance", "must be 0 to 300 characters")
    if context.get("gap"):
        try:
            pattern.check(context["gap"], behind=True)
        except ValueError as err:
            raise fail("context.gap", str(err)) from err
    for key, value in table.get("confidence", {}).items():
        if not 0 <= value <= 1:
            raise fail(f"confidence.{key}", "must be 0 to 1")
    for key, value in table.get("mask", {}).items():
        if not 0 <= value <= 12:
            raise fail(f"mask.{key}", "must be 0 to 12 characters")


def _check_screen(table: Table, fail: Failure) -> None:
    """Refuses parameters of the kind `screened` that would make its check fail for every value."""
    for key in ("words", "fillers", "patterns"):
        strings(table, key, fail, "checksum")
    try:
        pattern.check_search(table.get("patterns", []))
    except ValueError as err:
        raise fail("checksum.patterns", str(err)) from err
    if isinstance(table.get("bits", 0), bool) or not isinstance(table.get("bits", 0), int | float):
        raise fail("checksum.bits", "must be a number")


def _check_samples(table: Table, fail: Failure) -> None:
    data = table.get("test_data", {})
    for key in ("values", "digests"):
        strings(data, key, fail, "test_data")
    for value in data.get("digests", ()):
        if len(value) != 64 or value.strip("0123456789abcdef"):
            raise fail("test_data.digests", "must be SHA-256 in lower-case hexadecimal")
    for name in ("example", "negative"):
        entries = table.get(name, [])
        if len(entries) < 2 and not table.get("origin"):
            raise fail(name, f"needs two or more, has {len(entries)}")
        for i, entry in enumerate(entries):
            if not isinstance(entry, dict):
                raise fail(name, "must be tables")
            known(entry, name, fail)
            need = ("text", "find") if name == "example" else ("text", "stopped")
            for key in need:
                if not entry.get(key):
                    raise fail(f"{name}[{i}].{key}", "missing or empty")
            if name == "negative" and entry["stopped"] not in STAGES:
                raise fail(f"{name}[{i}].stopped", f"must be one of {', '.join(STAGES)}")
            for value in entry.get("find", ()):
                if value not in entry["text"]:
                    raise fail(f"{name}[{i}].find", "is not in the text")


def build(table: Table) -> Rule:
    """The rule of a checked table."""
    match, context, data = table["match"], table.get("context", {}), table.get("test_data", {})
    checksum = dict(table.get("checksum", {}))
    samples = {compact(value) for value in data.get("values", ())} | {f"sha256:{x}" for x in data.get("digests", ())}
    return Rule(
        id=RuleId(table["id"]),
        name=table["name"],
        category=Category(table["category"]),
        severity=tuple((int(n), Severity[level.upper()]) for n, level in table["severity"]["steps"].items()),
        match=MatchSpec(
            pattern=match["pattern"],
            before=match.get("before", ""),
            after=match.get("after", ""),
            anchors=_anchors(match),
            anchor_at=tuple(match.get("anchor_at", (0, 0))),
            ignore_case=match.get("ignore_case", False),
            shape=match.get("shape", ""),
        ),
        checksum=ChecksumSpec(checksum.pop("kind"), required=checksum.pop("required", True), params=checksum)
        if checksum
        else None,
        context=ContextSpec(
            window=context.get("window", 30),
            gap=context.get("gap", ""),
            keywords=tuple(context.get("keywords", ())),
            required=context.get("required", False),
            columns=tuple(context.get("columns", ())),
            negative=tuple(context.get("negative", ())),
            distance=context.get("distance", 0),
        ),
        confidence=ConfidenceSpec(**{key: float(value) for key, value in table.get("confidence", {}).items()}),
        mask=MaskSpec(**table.get("mask", {})),
        macie=table.get("macie"),
        tags=tuple(table.get("tags", ())),
        summary=table.get("summary", "").strip(),
        references=tuple(table.get("references", ())),
        test_values=frozenset(samples),
        examples=tuple(
            Example(e["text"], tuple(e["find"]), e.get("confidence"), e.get("column", ""))
            for e in table.get("example", ())
        ),
        negatives=tuple(
            Negative(n["text"], n["stopped"], n.get("why", ""), n.get("column", "")) for n in table.get("negative", ())
        ),
        least=table["severity"].get("least", 1),
        origin=table.get("origin", ""),
    )
