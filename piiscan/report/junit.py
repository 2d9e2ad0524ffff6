"""Findings as a JUnit report: a suite a source, a failed case a finding, an error an object that was not read whole.

Source: the schema of Jenkins's xUnit plugin, `junit-10.xsd`. A case holds one failure: readers of more show the first.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from html import escape
from itertools import groupby
from typing import Any

from piiscan.report.context import Context, Tally, Unread
from piiscan.report.names import amount, relative, shown, stamp
from piiscan.report.rows import describe

PLACES = 10
"""Places that a failure lists."""

_Entry = tuple[tuple[str, str, int], dict[str, Any] | Unread]


def render(findings: Iterable[dict[str, Any]], *, context: Context) -> Iterator[str]:
    """The report, in pieces; a source with nothing to tell passes.

    Findings that do not count (`rows.findings`) are left out.
    """
    total = context.total()
    tests = sum(_tests(tally) for tally in context.sources.values())
    yield '<?xml version="1.0" encoding="UTF-8"?>\n'
    yield f'<testsuites name="piiscan" tests="{tests}" failures="{total.findings}" errors="{total.unread}">\n'
    waiting = list(context.sources)
    entries: Iterator[_Entry] = heapq.merge(_findings(findings), _unread(context), key=lambda entry: entry[0])
    for source, group in groupby(entries, key=lambda entry: entry[0][0]):
        while waiting and waiting[0] <= source:
            if (other := waiting.pop(0)) < source:
                yield from _suite(other, iter(()), context)
        yield from _suite(source, (entry for _, entry in group), context)
    for source in waiting:
        yield from _suite(source, iter(()), context)
    yield "</testsuites>\n"


def _findings(findings: Iterable[dict[str, Any]]) -> Iterator[_Entry]:
    for finding in findings:
        if finding["more"]["counted"]:
            yield (finding["source"], finding["object"], 0), finding


def _unread(context: Context) -> Iterator[_Entry]:
    for unread in context.unread():
        yield (unread.source, unread.key, 1), unread


def _tests(tally: Tally) -> int:
    return tally.findings + tally.unread or 1


def _suite(source: str, entries: Iterator[dict[str, Any] | Unread], context: Context) -> Iterator[str]:
    tally = context.sources.get(source, Tally())
    began = f' timestamp="{stamp(context.started)[:19]}"' if context.started else ""
    name = _attribute(source)
    yield (
        f'<testsuite name="{name}" tests="{_tests(tally)}" failures="{tally.findings}" errors="{tally.unread}" '
        f'skipped="0" time="0"{began}>\n'
    )
    if not tally.findings + tally.unread:
        yield f'<testcase classname="{name}" name="no findings" time="0"/>\n'
    for entry in entries:
        yield _error(entry, context) if isinstance(entry, Unread) else _failure(entry, context)
    yield "</testsuite>\n"


def _case(source: str, key: str, name: str, context: Context, inner: str) -> str:
    path = _attribute(relative(source, key, context.base))
    return (
        f'<testcase classname="{_attribute(key)}" name="{_attribute(name)}" file="{path}" time="0">{inner}</testcase>\n'
    )


def _failure(finding: dict[str, Any], context: Context) -> str:
    said = f"{finding['severity']}: {finding['name']}, {amount(finding)}"
    occurrences = finding["occurrences"][:PLACES]
    lines = [shown(f"{describe(o['place'])}: {o['masked']}".removeprefix(": "), 300) for o in occurrences]
    left = finding["count"] - len(occurrences)
    if left > 0 and occurrences:
        lines.append(f"and {left:,} more")
    lines.append(f"finding {finding['finding']}; why: piiscan explain {finding['finding']}")
    body = escape("\n".join(lines))
    inner = f'<failure type="{_attribute(finding["severity"])}" message="{_attribute(said)}">{body}</failure>'
    return _case(finding["source"], finding["object"], f"{finding['rule']}: {finding['name']}", context, inner)


def _error(unread: Unread, context: Context) -> str:
    said = _attribute(unread.reason or unread.outcome)
    inner = f'<error type="{_attribute(unread.code)}" message="{said}">{said}</error>'
    return _case(unread.source, unread.key, f"not read whole ({unread.outcome})", context, inner)


def _attribute(value: str) -> str:
    """Text for XML: control characters, of which it has none, are shown as escapes. Source: XML 1.0, section 2.2."""
    return escape(shown(value, 8_000))
