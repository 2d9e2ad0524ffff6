"""Findings as one SARIF log for GitHub's code scanning and others: a rule per identifier, a result per finding.

Source: OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0"; the caps: GitHub, "SARIF results
exceed one or more limits" and "SARIF results file is too large".
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from typing import Any

from piiscan.report.context import Context, Unread
from piiscan.report.names import amount, below, cut, dumped, object_uri, regulations, shown, source_uri, stamp, uri_path
from piiscan.report.rows import describe
from piiscan.report.worst import Worst

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
SHOWN = 5_000
"""Results of a run that GitHub keeps, out of those that it takes."""
TAKEN = 25_000
"""Results of a run from which on GitHub refuses the file."""
PACKED = 10_000_000
"""Bytes of the file behind gzip from which on GitHub refuses it."""
HELD = 100_000_000
"""Bytes of results that are held at the most."""
UNSEEN = 250_000
"""Of these bytes, those that are left for what the packer holds back while the file is measured."""
PLACES = 10
"""Locations of a result; GitHub shows 100."""
TAGS = 10
"""Tags of a rule that GitHub shows, out of 20 that it takes."""
NOTIFICATIONS = 1_000
"""Objects that were not read whole and are named one by one."""

_LEVEL = {"low": "note", "medium": "warning", "high": "error", "critical": "error"}
_SCORE = {"low": "2.0", "medium": "5.5", "high": "8.0", "critical": "9.5"}
"""Of GitHub's ranges: over 9.0 is critical, from 7.0 high, from 4.0 medium."""
_SOURCE_ROOT = "%SRCROOT%"


def render(findings: Iterable[dict[str, Any]], *, context: Context) -> Iterator[str]:
    """The log, in pieces. Findings that do not count (`rows.findings`) are left out and numbered."""
    roots = _Roots(context)
    limit = min(context.limit or SHOWN, TAKEN)
    worst = Worst(limit, HELD)
    rules: dict[str, dict[str, Any]] = {}
    left_out = {"testDataFindingsLeftOut": 0, "suppressedFindingsLeftOut": 0}
    for finding in findings:
        if not finding["more"]["counted"]:
            left_out["testDataFindingsLeftOut" if finding["test_data"] else "suppressedFindingsLeftOut"] += 1
            continue
        _rule(rules, finding)
        worst.add(finding, lambda: dumped(_result(finding, roots)), finding["rule"])  # noqa: B023 - called at once
    invocation = _invocation(context, roots)
    _fit(worst, dumped([invocation, list(rules.values())]))
    said = worst.cut(f"at most {limit:,} results and {PACKED // 1_000_000} MB packed go into one SARIF file")
    if said:
        context.warn(said)
        message = {"level": "warning", "message": {"text": said}, "descriptor": {"id": "RESULTS_LEFT_OUT"}}
        invocation["toolExecutionNotifications"].insert(0, message)
    kept = worst.in_order()
    used = {one.facts for one in kept}
    described = [rule for name, rule in sorted(rules.items()) if name in used]
    driver = {"name": "piiscan", "version": context.version, "semanticVersion": context.version, "rules": described}
    yield f'{{"$schema":"{SCHEMA}","version":"2.1.0","runs":[{{"tool":{dumped({"driver": driver})},\n'
    yield f'"automationDetails":{{"id":"piiscan/"}},"columnKind":"unicodeCodePoints",{roots.bases()}'
    yield f'"invocations":[{dumped(invocation)}],\n'
    yield f'"properties":{dumped({**left_out, "run": context.run})},\n"results":['
    for number, one in enumerate(kept):
        yield (",\n" if number else "\n") + one.text.decode()
    yield "]}]}\n"


class _Roots:
    """Which URI stands for what: relative to the base, else to the source; whole for a bucket."""

    def __init__(self, context: Context) -> None:
        self._base = context.base
        folders = [s for s in context.sources if s.startswith("file:") and below(s, context.base) is None]
        self._ids = {source: f"SOURCE{n}" for n, source in enumerate(folders, 1)}
        self._rooted = any(below(s, context.base) is not None for s in context.sources)

    def bases(self) -> str:
        """The member of the run that tells what relative URIs are relative to."""
        found = {_SOURCE_ROOT: {"uri": source_uri("file://" + self._base)}} if self._rooted else {}
        found |= {name: {"uri": source_uri(source)} for source, name in self._ids.items()}
        return f'"originalUriBaseIds":{dumped(found)},' if found else ""

    def artifact(self, source: str, key: str) -> dict[str, Any]:
        """Where an object is."""
        if source in self._ids:
            return {"uri": uri_path(key), "uriBaseId": self._ids[source]}
        if (way := below(source, self._base)) is not None:
            return {"uri": uri_path(way + key), "uriBaseId": _SOURCE_ROOT}
        return {"uri": object_uri(source, key)}


def _rule(rules: dict[str, dict[str, Any]], finding: dict[str, Any]) -> None:
    """Describe the finding's rule; of its findings the worst severity and the best confidence count."""
    name, severity, confidence = finding["rule"], finding["severity"], finding["confidence"]
    known = rules.get(name)
    if known is None:
        title = text(finding["name"])
        labels = [finding["category"], *regulations(finding["more"]["tags"])]
        managed = f" Macie's managed data identifier for it is {finding['macie']}." if finding["macie"] else ""
        rules[name] = known = {
            "id": name,
            "shortDescription": {"text": title},
            "fullDescription": {"text": f"{title}, found in data at rest. Category: {finding['category']}.{managed}"},
            "help": {"text": f"What the rule looks for, and what a finding means: piiscan rules show {name}"},
            "defaultConfiguration": {"level": _LEVEL[severity]},
            "properties": {
                "tags": list(dict.fromkeys(["security", *(cut(label, 60) for label in labels)]))[:TAGS],
                "security-severity": _SCORE[severity],
                "precision": _precision(confidence),
            },
        }
    properties = known["properties"]
    if float(_SCORE[severity]) > float(properties["security-severity"]):
        properties["security-severity"] = _SCORE[severity]
        known["defaultConfiguration"]["level"] = _LEVEL[severity]
    order = ("low", "medium", "high", "very-high")
    properties["precision"] = max(properties["precision"], _precision(confidence), key=order.index)


def _precision(confidence: float) -> str:
    return (
        "very-high" if confidence >= 0.9 else "high" if confidence >= 0.75 else "medium" if confidence >= 0.5 else "low"
    )


def _result(finding: dict[str, Any], roots: _Roots) -> dict[str, Any]:
    artifact = roots.artifact(finding["source"], finding["object"])
    occurrences = finding["occurrences"]
    more = finding["count"] - min(len(occurrences), PLACES)
    first = f", such as {text(occurrences[0]['masked'], 100)}" if occurrences else ""
    rest = f" {more:,} more {'place is' if more == 1 else 'places are'} not listed." if occurrences and more > 0 else ""
    return {
        "ruleId": finding["rule"],
        "level": _LEVEL[finding["severity"]],
        "kind": "fail",
        "message": {"text": f"{text(finding['name'])}: {amount(finding)}{first}.{rest}"},
        "locations": [_location(artifact, o) for o in occurrences[:PLACES]]
        or [{"physicalLocation": {"artifactLocation": artifact}}],
        "partialFingerprints": {
            "piiscanFinding/v1": finding["finding"],
            # The one name that GitHub goes by; an object has one result a rule, wherever its lines move.
            "primaryLocationLineHash": finding["finding"],
        },
        "rank": round(finding["confidence"] * 100, 2),
        "properties": {
            "severity": finding["severity"],
            "category": finding["category"],
            "confidence": finding["confidence"],
            "count": finding["count"],
            "distinct": finding["distinct"],
            "mediaType": finding["media_type"],
        },
    }


def _location(artifact: dict[str, Any], occurrence: dict[str, Any]) -> dict[str, Any]:
    """One place. The lines of a member of a container are not those of the container."""
    place = occurrence["place"]
    physical: dict[str, Any] = {"artifactLocation": artifact}
    if place.get("line") and not place.get("member"):
        region = {"startLine": place["line"]}
        physical["region"] = region | ({"startColumn": place["column"]} if place.get("column") else {})
    said = describe(place)
    masked = text(occurrence["masked"], 100)
    return {"physicalLocation": physical, "message": {"text": f"{text(said, 300)}: {masked}" if said else masked}}


def _invocation(context: Context, roots: _Roots) -> dict[str, Any]:
    notifications: list[dict[str, Any]] = []
    whole = context.total().unread
    for number, unread in enumerate(context.unread()):
        if number == NOTIFICATIONS:
            said = f"{whole - NOTIFICATIONS:,} more objects were not read whole; piiscan coverage lists them."
            notifications.append(
                {"level": "warning", "message": {"text": said}, "descriptor": {"id": "NOT_READ_WHOLE"}}
            )
            break
        notifications.append(_notification(unread, roots))
    return {
        "executionSuccessful": not whole,
        **({"startTimeUtc": stamp(context.started)} if context.started else {}),
        **({"endTimeUtc": stamp(context.ended)} if context.ended else {}),
        "toolExecutionNotifications": notifications,
    }


def _notification(unread: Unread, roots: _Roots) -> dict[str, Any]:
    return {
        "level": "error" if unread.outcome == "failed" else "warning",
        "message": {"text": f"Not read whole ({unread.outcome}): {text(unread.reason) or 'no reason is known'}"},
        "descriptor": {"id": text(unread.code, 100)},
        "locations": [{"physicalLocation": {"artifactLocation": roots.artifact(unread.source, unread.key)}}],
    }


def _fit(worst: Worst, besides: str) -> None:
    """Leave out what would make the packed file, with what is in it besides, too large for GitHub."""
    packer = zlib.compressobj(6)
    size = len(packer.compress(besides.encode()))
    for number, kept in enumerate(worst.worst_first()):
        size += len(packer.compress(kept.text))
        if size > PACKED - UNSEEN:
            worst.keep(number)
            return


def text(value: str, most: int = 500) -> str:
    """Text of a message; what looks like a link in it is taken apart. Source: SARIF 2.1.0, section 3.11.6."""
    return shown(value, most).replace("](", "] (")
