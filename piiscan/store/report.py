"""What the page of a report shows, added up in SQL: a function a section, each with its most rows.

The newest state, or with `run` what one run examined. Nothing here grows with the number of findings: totals are sums,
lists are the first of an order.
"""

from __future__ import annotations

import json
from typing import Any

from piiscan.errors import StoreError
from piiscan.store.duck import schema_version
from piiscan.store.facts import Facts, Folder, Found, Kind, Law, Missed, Point, Region, Risky, Run, Unread

FIRST_SCHEMA = 9
"""The first one with risk terms, columns and triage: what the page is made of."""
SOURCES, FOLDERS, TYPES, RISKIEST, FINDINGS, CHANGES, UNREAD, RUNS = 200, 250, 300, 100, 500, 200, 200, 60
"""The most rows of each list."""
MAPPED, REGIONS = 200, 240
"""Sources on the map, and regions of it, about."""
PLACES = 3
"""Places of a finding that are shown."""

_SAID = """
CREATE OR REPLACE TEMP TABLE page_said AS
SELECT finding, max(standing) AS standing FROM (
    SELECT finding, 'suppressed' AS standing FROM suppressed_now
    UNION ALL SELECT finding, state FROM finding_states WHERE state IN ('false_positive', 'accepted')
) GROUP BY finding
"""
_EVER = """
CREATE OR REPLACE TEMP VIEW page_ever AS
SELECT f.*, CASE WHEN f.test_data THEN 'sample' ELSE coalesce(s.standing, 'counted') END AS standing
FROM findings f LEFT JOIN page_said s ON s.finding = f.finding
"""
_STATE = """
CREATE OR REPLACE TEMP VIEW page_findings AS SELECT * FROM page_ever WHERE {which};
CREATE OR REPLACE TEMP VIEW page_objects AS SELECT * FROM objects WHERE {which}
"""
_FOLDERS = """
CREATE OR REPLACE TEMP TABLE page_folders AS
WITH found AS (
    SELECT oid, max(severity) AS worst, count(*) AS findings, sum(count) AS matches
    FROM page_findings WHERE standing = 'counted' GROUP BY oid
)
SELECT o.source, CASE WHEN contains(o.key, '/') THEN split_part(o.key, '/', 1) || '/' ELSE '' END AS one,
       CASE WHEN contains(ltrim(o.key[strpos(o.key, '/') + 1:], '/'), '/') AND contains(o.key, '/')
            THEN split_part(o.key, '/', 2) || '/' ELSE '' END AS two,
       count(*) AS objects, count(f.oid) AS holding, coalesce(sum(f.findings), 0) AS findings,
       coalesce(sum(f.matches), 0) AS matches, coalesce(max(f.worst), 0) AS worst, max(o.risk) AS risk,
       sum(o.risk) AS points, sum(o.size) AS size, sum(o.bytes_examined) AS examined,
       count(*) FILTER (o.outcome = 'scanned') AS scanned, count(*) FILTER (o.outcome = 'partial') AS partly
FROM page_objects o LEFT JOIN found f ON f.oid = o.oid
GROUP BY ALL
"""
_WORST = "ORDER BY f.severity DESC, f.confidence DESC, f.count DESC, f.finding"
_CHANGES = """
WITH later AS (
    SELECT finding, severity, count, distinct_values FROM page_ever WHERE run = {run} AND standing = 'counted'
),
before AS (
    SELECT finding, severity, count, distinct_values FROM page_ever WHERE superseded = {run} AND standing = 'counted'
)
SELECT CASE WHEN b.finding IS NULL THEN 'new' WHEN a.finding IS NULL THEN 'gone' ELSE 'changed' END AS change,
       coalesce(a.severity, b.severity) AS severity, count(*) AS findings
FROM later a FULL JOIN before b ON a.finding = b.finding
WHERE b.finding IS NULL OR a.finding IS NULL OR b.count <> a.count OR b.distinct_values <> a.distinct_values
   OR b.severity <> a.severity
GROUP BY ALL
"""
_MAP = """
WITH sources AS (
    SELECT source, row_number() OVER (ORDER BY sum(points) DESC, source) AS place FROM page_folders GROUP BY source
),
named AS (
    SELECT CASE WHEN s.place <= {most} THEN f.source END AS source, f.one || f.two AS prefix, sum(f.points) AS points,
           max(f.risk) AS risk, sum(f.holding) AS holding, sum(f.findings) AS findings
    FROM page_folders f JOIN sources s ON s.source = f.source WHERE f.points > 0 GROUP BY ALL
),
placed AS (SELECT *, row_number() OVER (PARTITION BY source ORDER BY points DESC, prefix) AS place FROM named)
SELECT source, CASE WHEN place <= {each} AND source IS NOT NULL THEN prefix END AS prefix,
       sum(points)::BIGINT AS points, max(risk), sum(holding)::BIGINT, sum(findings)::BIGINT
FROM placed GROUP BY ALL ORDER BY source NULLS LAST, points DESC, prefix
"""
_RUN = """
SELECT run, started, ended, status, targets, settings, catalogue, tool_version, coalesce(listed, 0),
       coalesce(unchanged, 0), (SELECT count(*) FROM objects o WHERE o.run = runs.run)
FROM runs WHERE run = $run
"""
_RISKY = """
SELECT oid, source, key, risk, coalesce(people, 0), reasons FROM page_objects WHERE risk > 0
ORDER BY risk DESC, people DESC NULLS LAST, source, key LIMIT {most}
"""
_FOUND = """
WITH chosen AS MATERIALIZED (
    SELECT f.oid, f.run, f.rule, f.severity, f.confidence, f.count, f.finding
    FROM page_findings f WHERE f.standing = 'counted' AND {which}
)
SELECT f.oid, f.run, o.source, o.key, f.rule, coalesce(r.name, f.rule), f.severity, f.confidence, f.count
FROM chosen f JOIN objects o ON o.oid = f.oid AND o.run = f.run LEFT JOIN rules r ON r.rule = f.rule
{order}
"""
_PLACES = """
SELECT oid, run, rule, place, masked FROM occurrences WHERE oid IN (SELECT unnest($oids::BIGINT[]))
QUALIFY row_number() OVER (PARTITION BY oid, run, rule ORDER BY seq) <= {most} ORDER BY seq
"""
_NEW = """f.run = {run}
AND NOT EXISTS (SELECT 1 FROM findings g WHERE g.finding = f.finding AND g.superseded = f.run) {order} LIMIT {most}"""
_AMONG = """f.oid IN (SELECT unnest($oids::BIGINT[])) QUALIFY row_number() OVER (
    PARTITION BY f.oid ORDER BY f.severity DESC, f.confidence DESC, f.count DESC, f.rule) <= {most}"""
_UNREAD = """
SELECT {what} AS what, {outcome} AS outcome, count(*) AS objects, sum(size)::BIGINT, sum(bytes_examined)::BIGINT
FROM page_objects WHERE {which} GROUP BY 1, 2 ORDER BY objects DESC, what, outcome LIMIT 100
"""
_MISSED = "outcome <> 'scanned' AND NOT list_contains($harmless, split_part(reason, ':', 1))"
_MOST_MISSED = """
WITH most AS MATERIALIZED (
    SELECT *, starts_with(reason, 'SOURCE_NOT_LISTED') AS unlisted FROM page_objects WHERE {which}
    ORDER BY unlisted DESC, size DESC, source, key LIMIT {most}
),
parts AS (SELECT oid, run, count(*) AS parts FROM unread WHERE oid IN (SELECT oid FROM most) GROUP BY ALL)
SELECT o.source, o.key, o.outcome, o.reason, o.size, coalesce(u.parts, 0)
FROM most o LEFT JOIN parts u ON u.oid = o.oid AND u.run = o.run
ORDER BY o.unlisted DESC, o.size DESC, o.source, o.key
"""
_NEVER = """
WITH newest AS (SELECT source, prefix, arg_max(objects, run) AS objects FROM bucket_coverage GROUP BY ALL),
widest AS (
    SELECT * FROM newest n WHERE NOT EXISTS (
        SELECT 1 FROM newest w WHERE w.source = n.source AND w.prefix <> n.prefix AND starts_with(n.prefix, w.prefix)
    )
),
known AS (
    SELECT w.source, w.prefix, count(*) AS objects FROM widest w
    JOIN objects o ON o.source = w.source AND starts_with(o.key, w.prefix) WHERE o.superseded IS NULL GROUP BY ALL
)
SELECT sum(greatest(w.objects - coalesce(k.objects, 0), 0))::BIGINT
FROM widest w LEFT JOIN known k ON k.source = w.source AND k.prefix = w.prefix
"""
_WEIGHTS = "SELECT term, weight, meaning FROM risk_weights ORDER BY rowid"
_NAMELESS = """
SELECT count(*) FROM page_objects WHERE outcome IN ('scanned', 'partial')
AND run IN (SELECT run FROM runs WHERE contains(settings, '"ner": false'))
"""


class Reader:
    """The questions to one open database."""

    def __init__(self, con: Any, run: int | None) -> None:
        if schema_version(con) < FIRST_SCHEMA:
            raise StoreError("the page needs a newer database: any scan into this one brings it up to date")
        self._con = con.cursor()
        self._only = run
        newest = "SELECT max(run) FROM runs WHERE status IN ('done', 'cancelled')"
        self.run: int | None = run or self.ask(newest)[0][0] or self.ask("SELECT max(run) FROM runs")[0][0]
        which = "superseded IS NULL" if run is None else f"run = {int(run)}"
        for statement in (_SAID, _EVER, _STATE.format(which=which), _FOLDERS):
            self._con.execute(statement)

    def ask(self, sql: str, values: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        """All rows of a question."""
        rows: list[tuple[Any, ...]] = (self._con.execute(sql, values) if values else self._con.execute(sql)).fetchall()
        return rows

    def number(self, sql: str) -> int:
        """The one number of a question."""
        return int(self.ask(sql)[0][0] or 0)

    def shown(self) -> Run | None:
        """The run that is shown, or the newest one that ended."""
        for row in self.ask(_RUN, {"run": self.run or 0}):
            begin, settings, end = row[:4], json.loads(row[5] or "{}"), row[6:]
            return Run(*(*begin, tuple(json.loads(row[4])), settings, *end))
        return None

    def history(self) -> list[Point]:
        """The state at the end of each run that ended: what came and went, added up run by run."""
        came = "SELECT run AS at, {what} FROM {rows} GROUP BY run"
        went = "SELECT superseded AS at, {what} FROM {rows} WHERE superseded IS NOT NULL GROUP BY superseded"
        by = ", ".join(f"count(*) FILTER (severity = {s})" for s in (4, 3, 2, 1))
        found = "(SELECT run, superseded, severity FROM page_ever WHERE standing = 'counted')"
        known = "count(*), count(*) FILTER (risk > 0), coalesce(sum(risk), 0)"
        moves = [
            (sign, at, numbers, kind)
            for kind, what, rows in ((0, by, found), (4, known, "objects"))
            for sign, sql in ((1, came), (-1, went))
            for at, *numbers in self.ask(sql.format(what=what, rows=rows))
        ]
        moves.sort(key=lambda move: move[1])
        out: list[Point] = []
        sums, at = [0] * 7, 0
        for run, started, version in self.ask(
            "SELECT run, started, tool_version FROM runs WHERE status IN ('done', 'cancelled') ORDER BY run"
        ):
            while at < len(moves) and moves[at][1] <= run:
                sign, _, numbers, first = moves[at]
                for place, number in enumerate(numbers, first):
                    sums[place] += sign * int(number)
                at += 1
            out.append(Point(run, started, version, (sums[0], sums[1], sums[2], sums[3]), *sums[4:]))
        return out

    def sources(self) -> list[Folder]:
        """The sources, the riskiest first."""
        sums = self._sums("source", "''")
        known: dict[str, int] = {}
        if self._only is None:
            known = dict(self.ask("SELECT source, sensitivity FROM v_buckets"))
        rows = self.ask(f"{sums} GROUP BY source ORDER BY risk DESC, points DESC, source LIMIT {SOURCES}")
        return [Folder(*(*row, known.get(row[0]))) for row in rows]

    def folders(self) -> list[Folder]:
        """The first two levels of folders, those with the most risk first."""
        sums = self._sums("source", "one || two")
        return [
            Folder(*row)
            for row in self.ask(
                f"{sums} WHERE holding > 0 GROUP BY source, one || two ORDER BY points DESC, findings DESC, source, "
                f"prefix LIMIT {FOLDERS}"
            )
        ]

    def regions(self, sources: int) -> list[Region]:
        """What is on the map, when there are so many sources."""
        each = REGIONS // max(min(sources, MAPPED), 1)
        return [Region(*row) for row in self.ask(_MAP.format(most=MAPPED, each=each))]

    def total(self) -> Folder:
        """Everything together."""
        return Folder(*self.ask(self._sums("''", "''"))[0])

    @staticmethod
    def _sums(source: str, prefix: str) -> str:
        added = ("objects", "holding", "findings", "matches")
        sums = ", ".join(f"coalesce(sum({name}), 0)::BIGINT AS {name}" for name in added)
        rest = ", ".join(
            f"coalesce(sum({name}), 0)::BIGINT AS {name}"
            for name in ("points", "size", "examined", "scanned", "partly")
        )
        worst = "coalesce(max(worst), 0)::INTEGER AS worst, coalesce(max(risk), 0)::INTEGER AS risk"
        return f"SELECT {source} AS source, {prefix} AS prefix, {sums}, {worst}, {rest} FROM page_folders"  # noqa: S608

    def kinds(self) -> list[Kind]:
        """The rules with findings that count, the worst first."""
        rows = self.ask(
            "SELECT f.rule, coalesce(any_value(r.name), f.rule), any_value(f.category), max(f.severity), count(*), "
            "sum(f.count)::BIGINT, any_value(g.regulations) FROM page_findings f LEFT JOIN rules r ON r.rule = f.rule "
            "LEFT JOIN rule_regulations g ON g.rule = f.rule WHERE f.standing = 'counted' GROUP BY f.rule "
            "ORDER BY 4 DESC, 5 DESC, 1"
        )
        return [Kind(*(*row[:6], tuple(row[6] or ()))) for row in rows]

    def laws(self) -> list[Law]:
        """The regulations that findings fall under, those with the most objects first."""
        rows = self.ask(
            "SELECT g.regulation, any_value(g.title), count(DISTINCT f.oid), sum(f.findings)::BIGINT, "
            "sum(f.matches)::BIGINT FROM (SELECT oid, rule, count(*) AS findings, sum(count) AS matches "
            "FROM page_findings WHERE standing = 'counted' GROUP BY oid, rule) f "
            "JOIN (SELECT rule, unnest(regulations) AS regulation FROM rule_regulations) r ON r.rule = f.rule "
            "JOIN regulations g ON g.regulation = r.regulation GROUP BY g.regulation ORDER BY 3 DESC, 1"
        )
        return [Law(*row) for row in rows]

    def risky(self) -> list[Risky]:
        """The objects with the highest risk, and their worst findings with places."""
        rows = self.ask(_RISKY.format(most=RISKIEST))
        oids = {"oids": [row[0] for row in rows]}
        found = self._found(_AMONG.format(most=PLACES), oids)
        counts: dict[int, int] = dict(
            self.ask(
                "SELECT oid, count(*) FROM page_findings WHERE standing = 'counted' AND oid IN "
                "(SELECT unnest($oids::BIGINT[])) GROUP BY oid",
                oids,
            )
        )
        by: dict[tuple[str, str], list[Found]] = {}
        for one in found:
            by.setdefault((one.source, one.object), []).append(one)
        return [
            Risky(
                *(source, key, risk, people, tuple(json.loads(reasons or "[]"))),
                *(counts.get(oid, 0), tuple(by.get((source, key), ()))),
            )
            for oid, source, key, risk, people, reasons in rows
        ]

    def found(self) -> list[Found]:
        """The worst findings that count."""
        return self._found(f"true {_WORST} LIMIT {FINDINGS}", {})

    def changes(self) -> dict[str, tuple[int, int, int, int]]:
        """How many findings the run found new, changed or gone, critical first; none of the first run."""
        if not self.run or not self.ask("SELECT run FROM runs WHERE run < $run LIMIT 1", {"run": self.run}):
            return {}
        out = {"new": [0] * 4, "changed": [0] * 4, "gone": [0] * 4}
        for change, severity, number in self.ask(_CHANGES.format(run=self.run)):
            out[change][4 - severity] = number
        return {change: (n[0], n[1], n[2], n[3]) for change, n in out.items()}

    def new(self) -> list[Found]:
        """The worst findings that the run found new."""
        return self._found(_NEW.format(run=self.run or 0, order=_WORST, most=CHANGES), {})

    def _found(self, which: str, values: dict[str, Any]) -> list[Found]:
        """Findings that count with their first places, the worst first."""
        rows = self.ask(_FOUND.format(which=which, order=_WORST), values)
        places: dict[tuple[int, int, str], list[tuple[dict[str, Any], str]]] = {}
        oids = sorted({row[0] for row in rows})
        for oid, run, rule, place, masked in self.ask(_PLACES.format(most=PLACES), {"oids": oids}) if oids else ():
            places.setdefault((oid, run, rule), []).append((json.loads(place), masked))
        return [Found(*(*row[2:], tuple(places.get((row[0], row[1], row[4]), ())))) for row in rows]

    def unread(self, by: str) -> list[Unread]:
        """How much of what was not read whole, by `reason` or `format`; all objects by `outcome`."""
        what, which = {
            "outcome": ("outcome", "true"),
            "reason": ("split_part(reason, ':', 1)", "outcome <> 'scanned'"),
            "format": ("coalesce(media_type, '')", "outcome <> 'scanned'"),
        }[by]
        outcome = "''" if by == "format" else "outcome"
        return [Unread(*row) for row in self.ask(_UNREAD.format(what=what, outcome=outcome, which=which))]

    def parts(self) -> list[tuple[str, int, int]]:
        """Parts that were not read, by code: how many, and of how many objects."""
        return [
            (code, parts, objects)
            for code, parts, objects in self.ask(
                "SELECT split_part(u.reason, ':', 1), count(*) AS parts, count(DISTINCT u.oid) FROM unread u "
                "JOIN page_objects o ON o.oid = u.oid AND o.run = u.run GROUP BY 1 ORDER BY parts DESC, 1 LIMIT 100"
            )
        ]

    def missed(self, harmless: tuple[str, ...]) -> tuple[list[Missed], int]:
        """The largest objects that were not read whole, behind sources that were not listed, and how many there are."""
        values = {"harmless": list(harmless)}
        rows = self.ask(_MOST_MISSED.format(which=_MISSED, most=UNREAD), values)
        count = self.ask(f"SELECT count(*) FROM page_objects WHERE {_MISSED}", values)[0][0]  # noqa: S608 - ours
        return [Missed(*row) for row in rows], int(count)


def facts(con: Any, run: int | None, harmless: tuple[str, ...]) -> Facts:
    """All that the page shows; `harmless` are reason codes of what holds nothing to find. Raises: StoreError."""
    ask = Reader(con, run)
    points, kinds = ask.history(), ask.kinds()
    source_count = ask.number("SELECT count(DISTINCT source) FROM page_folders")
    missed, missed_count = ask.missed(harmless)
    severities = dict(
        ask.ask("SELECT severity, count(*) FROM page_findings WHERE standing = 'counted' GROUP BY severity")
    )
    changes = ask.changes()
    return Facts(
        run=ask.shown(),
        only=run is not None,
        schema=schema_version(con),
        rules=ask.number("SELECT count(*) FROM rules"),
        weights=tuple((term, weight, meaning) for term, weight, meaning in ask.ask(_WEIGHTS)),
        points=tuple(points[-RUNS:]),
        runs=len(points),
        sources=tuple(ask.sources()),
        source_count=source_count,
        folders=tuple(ask.folders()),
        folder_count=ask.number(
            "SELECT count(*) FROM (SELECT DISTINCT source, one || two FROM page_folders WHERE holding > 0)"
        ),
        regions=tuple(ask.regions(source_count)),
        total=ask.total(),
        standing=dict(ask.ask("SELECT standing, count(*) FROM page_findings GROUP BY standing")),
        severities=(severities.get(4, 0), severities.get(3, 0), severities.get(2, 0), severities.get(1, 0)),
        kinds=tuple(kinds[:TYPES]),
        kind_count=len(kinds),
        laws=tuple(ask.laws()),
        risky=tuple(ask.risky()),
        risky_count=ask.number("SELECT count(*) FROM page_objects WHERE risk > 0"),
        found=tuple(ask.found()),
        changes=changes,
        new=tuple(ask.new()) if changes and any(changes["new"]) else (),
        outcomes=tuple(ask.unread("outcome")),
        reasons=tuple(ask.unread("reason")),
        formats=tuple(ask.unread("format")),
        parts=tuple(ask.parts()),
        missed=tuple(missed),
        missed_count=missed_count,
        never=ask.number(_NEVER) if run is None else 0,
        nameless=ask.number(_NAMELESS),
        allowed=ask.number("SELECT sum(a.count) FROM allowed a JOIN page_objects o ON o.oid = a.oid AND o.run = a.run"),
    )
