"""Findings as a SAST report of GitLab: one document.

Source: GitLab, security report schemas 15.0.6, `sast-report-format.json`: any GitLab from 16.2 on takes that version.
The caps: GitLab refuses reports of more than 100,000 vulnerabilities, and by default artifacts of more than 100 MB.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from piiscan.report.context import Context
from piiscan.report.names import amount, cut, dumped, relative, shown, stamp
from piiscan.report.rows import describe
from piiscan.report.worst import Worst

VERSION = "15.0.6"
LIMIT = 100_000
"""Vulnerabilities of a report."""
SIZE = 95_000_000
"""Bytes of them together."""
NAME, DESCRIPTION = 255, 10_000
"""Characters; a description might be a hundred times as long."""
PLACES = 10
"""Places that a description lists."""

_ABOUT = {"id": "piiscan", "name": "piiscan", "vendor": {"name": "piiscan"}}


def render(findings: Iterable[dict[str, Any]], *, context: Context) -> Iterator[str]:
    """The document, in pieces. Findings that do not count (`rows.findings`) are left out."""
    limit = min(context.limit or LIMIT, LIMIT)
    worst = Worst(limit, SIZE)
    for finding in findings:
        if finding["more"]["counted"]:
            worst.add(finding, lambda: dumped(_vulnerability(finding, context)))  # noqa: B023 - called at once
    said = worst.cut(f"at most {limit:,} vulnerabilities and {SIZE // 1_000_000} MB go into one report")
    messages = []
    if said:
        context.warn(said)
        messages.append({"level": "warn", "value": said})
    if unread := context.total().unread:
        messages.append({"level": "warn", "value": f"{unread:,} objects were not read whole; see piiscan coverage"})
    about = {**_ABOUT, "version": context.version}
    scan = {
        "analyzer": about,
        "scanner": about,
        "type": "sast",
        "start_time": stamp(context.started)[:19],
        "end_time": stamp(context.ended or context.started)[:19],
        "status": "success",
        **({"messages": messages} if messages else {}),
    }
    yield f'{{"version":"{VERSION}","scan":{dumped(scan)},\n"vulnerabilities":['
    for number, kept in enumerate(worst.in_order()):
        yield (",\n" if number else "\n") + kept.text.decode()
    yield "]}\n"


def _vulnerability(finding: dict[str, Any], context: Context) -> dict[str, Any]:
    occurrences = finding["occurrences"]
    location: dict[str, Any] = {"file": relative(finding["source"], finding["object"], context.base)}
    first = occurrences[0]["place"] if occurrences else {}
    if first.get("line") and not first.get("member"):
        location |= {"start_line": first["line"], "end_line": first["line"]}
    name = shown(finding["name"])
    lines = [f"{name} ({finding['rule']}): {amount(finding)}."]
    lines += [f"- {_code(describe(o['place']) or 'somewhere')}: {_code(o['masked'])}" for o in occurrences[:PLACES]]
    left = finding["count"] - min(len(occurrences), PLACES)
    if left > 0 and occurrences:
        lines.append(f"- and {left:,} more")
    identifiers = [{"type": "piiscan_rule_id", "name": f"piiscan {finding['rule']}", "value": finding["rule"]}]
    if finding["macie"]:
        identifiers.append({"type": "macie", "name": f"Macie {finding['macie']}", "value": finding["macie"]})
    return {
        "id": str(uuid.UUID(finding["finding"])),
        "category": "sast",
        "name": cut(name, NAME),
        "description": cut("\n".join(lines), DESCRIPTION),
        "severity": finding["severity"].capitalize(),
        "location": location,
        "identifiers": identifiers,
    }


def _code(text: str) -> str:
    """Text as it is, for a description that is read as Markdown."""
    return "`" + shown(text, 300).replace("`", "'") + "`"
