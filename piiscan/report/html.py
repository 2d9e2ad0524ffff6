"""The report as one self-contained page: masked only, under a strict policy, nothing loaded from anywhere.

All of it is HTML that reads without scripts; the page's own script draws charts out of one block of JSON, and pages,
sorts and filters the tables.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from html import escape
from typing import TYPE_CHECKING, Any

from piiscan.report.escape import encodable, printable
from piiscan.report.names import cut
from piiscan.report.page import policy, scripts, style
from piiscan.report.page.coverage import coverage, estimates, methods, scanned
from piiscan.report.page.parts import moment, number, text
from piiscan.report.page.sections import findings, fresh, glance, riskiest, trend, what, where

if TYPE_CHECKING:
    from piiscan.store.facts import Facts, Region

CONTENTS = (
    ("scanned", "Scanned"),
    ("where", "Where"),
    ("what", "What"),
    ("trend", "Trend"),
    ("objects", "Objects"),
    ("new", "New"),
    ("findings", "Findings"),
    ("coverage", "Not read"),
    ("methods", "Methods"),
)
NAME = 80
"""Characters of a folder's name in the map."""


def render(facts: Facts, *, version: str = "", samples: Sequence[dict[str, Any]] = ()) -> Iterator[str]:
    """The page, in pieces; `samples` as of `sampling.results.estimates`, `version` of this program."""
    yield (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(policy(), quote=False)}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="referrer" content="no-referrer"><meta name="color-scheme" content="light dark">'
        f"<title>piiscan report</title><style>{style()}</style></head><body>\n"
        '<a class="skip" href="#main">To the report</a>\n'
    )
    yield from _header(facts)
    yield '<main id="main">\n'
    for part in (glance, scanned, where, what, trend, riskiest, fresh, findings, coverage):
        yield from part(facts)
    yield from estimates(samples)
    yield from methods(facts, version)
    yield "</main>\n<footer><p>Made by piiscan. Charts by Apache ECharts (Apache License 2.0).</p></footer>\n"
    yield f'<script type="application/json" id="data">{_data(facts)}</script>\n'
    yield "".join(f"<script>{code}</script>\n" for code in scripts())
    yield "</body></html>\n"


def _header(facts: Facts) -> Iterator[str]:
    names = [text(folder.source) for folder in facts.sources[:3]]
    rest = f" and {number(facts.source_count - 3, 'more source')}" if facts.source_count > 3 else ""
    run = facts.run
    state = f"{'Run' if facts.only else 'State after run'} {run.run} of {moment(run.started)}. " if run else ""
    yield (
        f'<header><h1>Sensitive data report</h1><p class="of">{", ".join(names) or "No sources yet"}{rest}</p>'
        f"<p>{state}Made {moment(datetime.now(UTC))}. Values are masked.</p>\n"
    )
    links = "".join(f'<li><a href="#{name}">{title}</a></li>' for name, title in CONTENTS)
    yield f'<nav aria-label="Sections"><ul>{links}</ul></nav></header>\n'


def _data(facts: Facts) -> str:
    """What the charts draw, as JSON that no parser of HTML takes for markup."""
    points = facts.points if len(facts.points) > 1 else ()
    data = {
        "map": _map(facts),
        "trend": {
            "runs": [p.run for p in points],
            "dates": [f"{p.started:%Y-%m-%d}" for p in points],
            "findings": [[p.findings[level] for p in points] for level in range(4)],
            "points": [p.points for p in points],
        },
    }
    plain = json.dumps(data, ensure_ascii=True, separators=(",", ":"))
    return plain.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _map(facts: Facts) -> list[dict[str, Any]]:
    """Areas in areas: folders of the one source, or sources with their folders where these say most of it."""
    by: dict[str | None, list[Region]] = {}
    for region in facts.regions:
        by.setdefault(region.source, []).append(region)
    if len(by) == 1:
        return _grouped(next(iter(by.values())))
    out = []
    for source, regions in by.items():
        whole = _sum(regions)
        rest = sum(region.points for region in regions if region.prefix is None)
        inner = [_node(_name(region), [region]) for region in regions] if rest * 2 < whole[0] and source else []
        out.append({**_node("other sources" if source is None else source, regions), "c": inner})
    return sorted(out, key=lambda node: -int(node["v"]))


def _grouped(regions: list[Region]) -> list[dict[str, Any]]:
    """The folders of one source, those below the same first one together."""
    by: dict[str | None, list[Region]] = {}
    for region in regions:
        by.setdefault(region.prefix and region.prefix.partition("/")[0], []).append(region)
    out = []
    for first, inner in by.items():
        nodes = [_node((r.prefix or "").partition("/")[2] or "in the folder itself", [r]) for r in inner]
        name = f"{first}/" if first and len(inner) > 1 else _name(inner[0])
        out.append({**_node(name, inner), "c": nodes if len(inner) > 1 else []})
    return out


def _name(region: Region) -> str:
    return "other folders" if region.prefix is None else region.prefix or "in no folder"


def _sum(regions: list[Region]) -> tuple[int, int, int, int]:
    return (
        sum(region.points for region in regions),
        max(region.risk for region in regions),
        sum(region.holding for region in regions),
        sum(region.findings for region in regions),
    )


def _node(name: str, regions: list[Region]) -> dict[str, Any]:
    """Name, area, highest risk, objects with findings, findings."""
    points, risk, holding, findings = _sum(regions)
    return {"n": cut(encodable(printable(name)), NAME), "v": points, "r": risk, "h": holding, "f": findings}
