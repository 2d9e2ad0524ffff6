"""Findings as one self-contained page: masked only, no scripts, nothing loaded from anywhere."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Any

from piiscan.report.escape import encodable, printable
from piiscan.report.rows import describe
from piiscan.sampling.results import NO_SAMPLE, percent

ROWS = 5_000
"""Findings that the page lists one by one; the rest are in its totals."""

_ORDER = ("critical", "high", "medium", "low")

_STYLE = """
:root{color-scheme:light dark;--ink:#1c2430;--paper:#fff;--soft:#5b6878;--line:#d9dfe7;--band:#f4f6f9;
--critical:#8b1032;--high:#b3261e;--medium:#9a6200;--low:#3d6b8f}
@media(prefers-color-scheme:dark){:root{--ink:#e6eaf0;--paper:#12161c;--soft:#9aa7b6;--line:#2c3540;--band:#1a2028;
--critical:#ff8aa5;--high:#ff9a90;--medium:#f2c063;--low:#8fc1e8}}
*{box-sizing:border-box}body{margin:0 auto;max-width:72rem;padding:1.5rem 1rem 4rem;background:var(--paper);
color:var(--ink);font:15px/1.5 system-ui,sans-serif}h1{font-size:1.5rem;margin:0 0 .25rem}h2{font-size:1.1rem;
margin:2rem 0 .5rem}p{color:var(--soft);margin:.25rem 0}table{border-collapse:collapse;width:100%;font-size:.9rem}
th,td{padding:.35rem .6rem;border-bottom:1px solid var(--line);text-align:left;vertical-align:top;
overflow-wrap:anywhere}th{background:var(--band)}.n{text-align:right;font-variant-numeric:tabular-nums;
overflow-wrap:normal}code{font:.85em ui-monospace,monospace}.critical{color:var(--critical)}.high{color:var(--high)}
.medium{color:var(--medium)}.low,.sample{color:var(--low)}.tiles{display:flex;flex-wrap:wrap;gap:.75rem;margin:1rem 0}
.tiles div{flex:1 1 8rem;border:1px solid var(--line);border-radius:.5rem;padding:.6rem .9rem}
.tiles b{display:block;font-size:1.4rem;color:var(--ink)}.tiles span{color:var(--soft)}
@media(max-width:40rem){thead{display:none}table,tbody,tr,td{display:block;width:100%}tr{border:1px solid var(--line);
border-radius:.5rem;margin:.5rem 0;padding:.25rem}td{border:0;padding:.15rem .5rem}
td[data-name]::before{content:attr(data-name) ": ";color:var(--soft)}.n{text-align:left}}
@media print{body{max-width:none;padding:0}tr{break-inside:avoid}}
"""


def render(
    findings: Iterable[dict[str, Any]], *, raw_csv: bool = False, samples: Sequence[dict[str, Any]] = ()
) -> Iterator[str]:
    """The page, in pieces; `samples` as of `sampling.results.estimates`."""
    listed: list[dict[str, Any]] = []
    severities: Counter[str] = Counter()
    rules: dict[str, list[Any]] = {}
    objects: Counter[str] = Counter()
    published = total = 0
    for finding in findings:
        total += 1
        if len(listed) < ROWS:
            listed.append(finding)
        if finding["test_data"]:
            published += 1
            continue
        severities[finding["severity"]] += 1
        entry = rules.setdefault(finding["rule"], [finding["name"], finding["severity"], 0, 0])
        entry[2] += 1
        entry[3] += finding["count"]
        objects[f"{finding['source']}/{finding['object']}"] += finding["distinct"]
    digest = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    yield (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'\">"
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer"><title>piiscan report</title>'
        f"<style>{_STYLE}</style></head><body>\n"
    )
    yield f"<h1>piiscan report</h1><p>Made {datetime.now(UTC):%d %B %Y, %H:%M} UTC. Values are masked.</p>\n"
    yield '<div class="tiles">' + "".join(
        f'<div><b class="{s}">{severities[s]:,}</b><span>{s} findings</span></div>' for s in _ORDER
    )
    yield f"<div><b>{len(objects):,}</b><span>objects with findings</span></div></div>\n"
    if published:
        more = "finding holds" if published == 1 else "findings hold"
        yield f"<p>{published:,} more {more} published sample values only, and do not count.</p>\n"
    yield from _types(rules)
    yield from _samples(samples)
    yield from _objects(objects)
    yield from _list(listed, total)
    yield "</body></html>\n"


def _types(rules: dict[str, list[Any]]) -> Iterator[str]:
    yield "<h2>By type</h2>\n" + _head(("Type", "Rule", "Severity", "Objects", "Matches"))
    for rule, (name, severity, findings, matches) in sorted(rules.items(), key=lambda r: (-r[1][2], r[0])):
        yield _row(
            ("Type", _text(name)),
            ("Rule", f"<code>{_text(rule)}</code>"),
            ("Severity", f'<span class="{severity}">{severity}</span>'),
            ("Objects", findings),
            ("Matches", matches),
        )
    yield "</tbody></table>\n"


def _samples(targets: Sequence[dict[str, Any]]) -> Iterator[str]:
    """What a sampled run says of all objects."""
    for target in targets:
        where = target["source"] + ("/" + target["prefix"] if target["prefix"] else "")
        yield "<h2>Estimates from a sample</h2>\n"
        yield f"<p>{_text(where)}: {target['sampled']:,} of {target['population']:,} objects were drawn"
        for count, what in ((target["unread"], "of them could not be read"), (target["unsampled"], NO_SAMPLE)):
            yield f"; {count:,} {what}" if count else ""
        yield ".</p>\n" + _head(("Objects that hold", "Found in", "Of all", "95 % interval"))
        for row in target["estimates"]:
            if row["kind"] == "rule":
                continue
            none = f"at most {percent(row['at_most'], up=True)} (95 %)"
            yield _row(
                ("Objects that hold", "high or critical" if row["kind"] == "risk" else _text(row["what"])),
                ("Found in", row["found"]),
                ("Of all", percent(row["share"]) if row["found"] else none),
                ("95 % interval", f"{percent(row['low'])} to {percent(row['high'])}"),
            )
        yield "</tbody></table>\n"


def _objects(objects: Counter[str]) -> Iterator[str]:
    yield "<h2>Objects with the most distinct values</h2>\n" + _head(("Object", "Distinct values"))
    for name, distinct in objects.most_common(20):
        yield _row(("Object", _text(name)), ("Distinct values", distinct))
    yield "</tbody></table>\n"


def _list(findings: list[dict[str, Any]], total: int) -> Iterator[str]:
    yield "<h2>Findings</h2>\n"
    if total > len(findings):
        yield f"<p>The first {len(findings):,} of {total:,}; all of them are in the JSON lines and CSV formats.</p>\n"
    yield _head(("Severity", "Rule", "Object", "Matches", "First place", "Masked"))
    for finding in findings:
        first: dict[str, Any] = finding["occurrences"][0] if finding["occurrences"] else {"place": {}, "masked": ""}
        severity = "sample" if finding["test_data"] else finding["severity"]
        yield _row(
            ("Severity", f'<span class="{severity}">{severity}</span>'),
            ("Rule", f"<code>{_text(finding['rule'])}</code>"),
            ("Object", _text(f"{finding['source']}/{finding['object']}")),
            ("Matches", finding["count"]),
            ("First place", _text(describe(first["place"]))),
            ("Masked", f"<code>{_text(first['masked'])}</code>"),
        )
    yield "</tbody></table>\n"


def _head(names: tuple[str, ...]) -> str:
    return "<table><thead><tr>" + "".join(f"<th>{n}</th>" for n in names) + "</tr></thead><tbody>\n"


def _row(*cells: tuple[str, str | int]) -> str:
    out = []
    for name, cell in cells:
        if isinstance(cell, int):
            out.append(f'<td class="n" data-name="{name}">{cell:,}</td>')
        else:
            out.append(f'<td data-name="{name}">{cell}</td>')
    return "<tr>" + "".join(out) + "</tr>\n"


def _text(value: str) -> str:
    return escape(encodable(printable(value)))
