"""The sections of the page on what was found: each gives its HTML in pieces."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from piiscan.report.page.parts import (
    SEVERITIES,
    Cell,
    barred,
    broken,
    code,
    moment,
    number,
    severity,
    size,
    some,
    table,
    text,
)
from piiscan.report.page.words import CATEGORIES, STANDINGS
from piiscan.report.rows import describe

if TYPE_CHECKING:
    from piiscan.store.facts import Facts, Folder, Found, Risky

CSV = "piiscan report --format csv"
RISKY = 'piiscan sql "FROM v_objects WHERE risk > 0 ORDER BY risk DESC" --csv'


def _csv(facts: Facts) -> str:
    return f"{CSV} --run {facts.run.run}" if facts.only and facts.run else CSV


def section(name: str, title: str, *more: str) -> str:
    """The begin of a section."""
    return f'<section id="{name}" aria-labelledby="{name}-title"><h2 id="{name}-title">{title}</h2>\n{"".join(more)}'


def glance(facts: Facts) -> Iterator[str]:
    """The numbers that are asked for first."""
    total = facts.total
    unread = total.objects - total.scanned
    yield '<section id="glance" aria-label="At a glance"><ul class="tiles">\n'
    for name, count in zip(SEVERITIES, facts.severities, strict=True):
        noun = "finding" if count == 1 else "findings"
        yield f'<li class="{name if count else "zero"}"><b>{count:,}</b> <span>{name} {noun}</span></li>\n'
    yield f"<li><b>{total.holding:,}</b> <span>of {number(total.objects, 'object')} with findings</span></li>\n"
    yield f'<li class="{"unread" if unread else "zero"}"><b>{unread:,}</b> <span>not read whole</span></li>\n'
    if facts.never:
        yield f'<li class="unread"><b>{facts.never:,}</b> <span>listed, never read</span></li>\n'
    if facts.changes:
        run = facts.run.run if facts.run else 0
        yield f"<li><b>{sum(facts.changes['new']):,}</b> <span>new in run {run}</span></li>\n"
    yield "</ul>\n"
    told = [
        f"{number(count, 'finding')} {words[count != 1]}"
        for standing, words in STANDINGS.items()
        if (count := facts.standing.get(standing, 0))
    ]
    if facts.allowed:
        told.append(
            f"{number(facts.allowed, 'match', 'matches')} {'is' if facts.allowed == 1 else 'are'} on allow lists"
        )
    if told:
        yield f'<p class="note">Not counted here: {"; ".join(told)}.</p>\n'
    if facts.only and facts.run:
        yield f'<p class="note">This is what run {facts.run.run} examined, not all that is known.</p>\n'
    yield "</section>\n"


def where(facts: Facts) -> Iterator[str]:
    """Risk by source and folder: the map, and the same as a table."""
    yield section("where", "Where the risk is")
    if not facts.folders:
        yield "<p>No object holds findings.</p></section>\n"
        return
    yield (
        "<p>Area: the risks of all objects, added. Colour and number: the highest of them.</p>"
        f"{_chart('map', 'Map of the risk by source and folder')}"
        f'<p class="readout" id="map-readout" aria-live="off">{_legend()}</p>\n'
    )
    yield from table(
        "Risk by source and folder",
        ("Folder", "-Highest risk", "Worst finding", "-Objects with findings", "-Findings", "-Matches", "-Risk, added"),
        (
            (
                place(facts, f.source, f.prefix or "in no folder"),
                Cell(risk(f.risk), f.risk),
                Cell(severity(f.worst), f.worst, ""),
                Cell(f"{f.holding:,} <small>of {f.objects:,}</small>", f.holding),
                f.findings,
                f.matches,
                f.points,
            )
            for f in facts.folders
        ),
        page=10,
    )
    yield some(len(facts.folders), facts.folder_count, "folders with findings", "piiscan tree --depth 2")
    yield "</section>\n"


def _chart(name: str, says: str) -> str:
    """Where the script draws; who cannot see it is told of the table, which says the same."""
    shape = "chart" if name == "map" else "chart low"
    return f'<div class="{shape}" id="{name}" role="img" aria-label="{says}; the table below says the same"></div>'


def _lines() -> str:
    return " ".join(f'<span class="line {name}">{name}</span>' for name in SEVERITIES)


def _legend() -> str:
    names = ("90 or more", "70 to 89", "40 to 69", "below 40")
    shown = " ".join(f'<span class="severity {s}">{name}</span>' for s, name in zip(SEVERITIES, names, strict=True))
    return f"Highest risk: {shown}"


def place(facts: Facts, source: str, name: str) -> str:
    """What a thing is called: below its source, where there is more than one."""
    lead = f'<span class="source">{broken(source)}</span> ' if facts.source_count > 1 else ""
    return f'{lead}<span class="object">{broken(name)}</span>'


def risk(value: int) -> str:
    """A risk in the colour of the severity that it is like."""
    return (
        f'<b class="risk {SEVERITIES[0 if value >= 90 else 1 if value >= 70 else 2 if value >= 40 else 3]}">{value}</b>'
    )


def what(facts: Facts) -> Iterator[str]:
    """Types of data, and the regulations that they fall under."""
    yield section("what", "What was found")
    if not facts.kinds:
        yield "<p>No findings.</p></section>\n"
        return
    most = max(kind.objects for kind in facts.kinds)
    yield from table(
        "Findings by type",
        ("Type", "Severity", "Category", "-Objects", "-Matches", "~Regulations"),
        (
            (
                f"{text(k.name)} {code(k.rule)}" if k.name != k.rule else code(k.rule),
                Cell(severity(k.severity), k.severity, ""),
                CATEGORIES.get(k.category, text(k.category)),
                barred([(SEVERITIES[4 - k.severity], k.objects)], most, k.objects),
                k.matches,
                " ".join(f'<span class="tag">{text(r)}</span>' for r in k.regulations) or '<span class="none">–</span>',
            )
            for k in facts.kinds
        ),
        page=15,
    )
    yield some(len(facts.kinds), facts.kind_count, "types", _csv(facts))
    if facts.laws:
        yield "<h3>By regulation</h3><p>A finding may fall under several, and under none.</p>\n"
        yield from table(
            "Findings by regulation",
            ("Regulation", "-Objects", "-Findings", "-Matches"),
            (
                (
                    f'{text(law.title)} <span class="tag">{text(law.regulation)}</span>',
                    barred([("plain", law.objects)], facts.total.objects, law.objects),
                    law.findings,
                    law.matches,
                )
                for law in facts.laws
            ),
        )
    yield "</section>\n"


def trend(facts: Facts) -> Iterator[str]:
    """The state at the end of each run."""
    yield section("trend", "Over the runs")
    if len(facts.points) < 2:
        yield "<p>There was one run: a trend needs a second one.</p></section>\n" if facts.points else "</section>\n"
        return
    yield (
        "<p>All that was known at the end of each run, without what is not counted today.</p>"
        f'<div class="pair"><figure><figcaption>Findings by severity: {_lines()}</figcaption>'
        f"{_chart('trend-findings', 'Findings by severity at the end of each run')}</figure>\n"
        "<figure><figcaption>Risk of all objects, added</figcaption>"
        f"{_chart('trend-risk', 'Risk of all objects, added, at the end of each run')}</figure></div>\n"
    )
    yield from table(
        "The state at the end of each run",
        (
            "Run",
            "Started",
            *(f"-{name.title()}" for name in SEVERITIES),
            "-Objects",
            "-Objects at risk",
            "-Risk, added",
        ),
        (
            (
                Cell(str(p.run), p.run, ""),
                Cell(moment(p.started), p.started.isoformat(), ""),
                *p.findings,
                p.objects,
                p.risky,
                p.points,
            )
            for p in reversed(facts.points)
        ),
        page=10,
    )
    yield some(len(facts.points), facts.runs, "runs", "piiscan sql 'FROM v_runs'")
    yield "</section>\n"


def riskiest(facts: Facts) -> Iterator[str]:
    """The objects with the highest risk: why, and where to look."""
    yield section("objects", "Riskiest objects")
    if not facts.risky:
        yield "<p>No object has a risk.</p></section>\n"
        return
    yield from table(
        "Riskiest objects",
        ("-Risk", "Object", "-People, about", "~Findings and their first places"),
        (
            (
                Cell(risk(o.risk), o.risk),
                place(facts, o.source, o.object),
                Cell(f"{o.people:,}" if o.people else "–", o.people),
                _why(o),
            )
            for o in facts.risky
        ),
        page=10,
        kind="tall",
    )
    yield some(len(facts.risky), facts.risky_count, "objects at risk", RISKY)
    yield "</section>\n"


def _why(of: Risky) -> str:
    """What stands together in an object, and its worst findings with a place each."""
    together = [text(reason.partition(" points: ")[2]) for reason in of.reasons if " distinct value" not in reason]
    items = [f'<li class="together">{sentence}</li>' for sentence in together]
    items += [f"<li>{_first(found)}</li>" for found in of.findings]
    rest = of.count - len(of.findings)
    if rest > 0:
        items.append(f'<li class="more">and {number(rest, "more finding")}</li>')
    return f"<ul>{''.join(items)}</ul>" if items else '<span class="none">–</span>'


def _first(found: Found) -> str:
    """A finding with its first place."""
    name, masked = found.places[0] if found.places else ({}, "")
    said = f"{text(describe(name))} {code(masked)}".strip() if found.places else ""
    level = SEVERITIES[4 - found.severity]
    return (
        f'<span class="severity {level}"><span class="said">{level}: </span>{text(found.name)}</span> '
        f'<span class="none">{number(found.count, "match", "matches")}{": " if said else ""}{said}</span>'
    )


def listed(facts: Facts, found: tuple[Found, ...], name: str, page: int) -> Iterator[str]:
    """Findings, a row each, with their first place."""
    yield from table(
        name,
        ("Severity", "Type", "Object", "-Matches", "-Confidence", "~First place"),
        (
            (
                Cell(severity(f.severity), f.severity, ""),
                f'<span title="{text(f.rule)}">{text(f.name)}</span>',
                place(facts, f.source, f.object),
                f.count,
                Cell(f"{f.confidence:.2f}", round(f.confidence, 4)),
                f"{text(describe(f.places[0][0]))} {code(f.places[0][1])}" if f.places else "–",
            )
            for f in found
        ),
        page=page,
    )


def fresh(facts: Facts) -> Iterator[str]:
    """What the run found new, changed and gone."""
    yield section("new", "New since the run before")
    if not facts.changes:
        yield "<p>There was no run before: all of it is new.</p></section>\n"
        return
    run = facts.run
    yield f"<p>What run {run.run}, of {moment(run.started)}, found other than the state before it.</p>\n" if run else ""
    yield from table(
        "Changes",
        ("Findings", *(f"-{name.title()}" for name in SEVERITIES)),
        ((change.title(), *counts) for change, counts in facts.changes.items()),
    )
    count = sum(facts.changes["new"])
    if facts.new:
        yield "<h3>New findings</h3>\n"
        yield from listed(facts, facts.new, "New findings", 10)
        rest = f"piiscan sql \"FROM v_deltas WHERE run = {run.run if run else 0} AND change = 'new'\""
        yield some(len(facts.new), count, "new findings", rest)
    yield "</section>\n"


def findings(facts: Facts) -> Iterator[str]:
    """The worst findings, one by one."""
    yield section("findings", "Findings")
    if not facts.found:
        yield "<p>No findings.</p></section>\n"
        return
    yield from listed(facts, facts.found, "Findings, the worst first", 25)
    yield some(len(facts.found), sum(facts.severities), "findings", _csv(facts))
    yield "</section>\n"


def sources(folders: tuple[Folder, ...]) -> Iterator[str]:
    """Each source, and how much of it was read."""
    yield from table(
        "Sources",
        ("Source", "-Objects", "-Read whole", "-In part", "-Not read", "-Size", "-Read, bytes", "-Highest risk"),
        (
            (
                broken(f.source),
                f.objects,
                barred(
                    [("whole", f.scanned), ("part", f.partly), ("not", f.objects - f.scanned - f.partly)],
                    *(f.objects, f.scanned),
                ),
                f.partly,
                f.objects - f.scanned - f.partly,
                Cell(size(f.size), f.size),
                Cell(size(f.examined), f.examined),
                Cell(risk(f.risk), f.risk),
            )
            for f in folders
        ),
        page=10,
    )
