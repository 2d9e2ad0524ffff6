"""The Grafana dashboard over a snapshot, out of a list of questions: `python -m tools.grafana`.

Data source: MotherDuck's DuckDB plugin, which reads a file; give it the path of `piiscan.duckdb.snapshot`, which is
replaced as a whole at the end of a run and now and then meanwhile. Source: Grafana, "Dashboard JSON model".
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).parents[1] / "deploy" / "grafana" / "piiscan.json"
SOURCE = {"type": "motherduck-duckdb-datasource", "uid": "${datasource}"}
PANELS: tuple[tuple[str, str, int, int, str], ...] = (
    ("Objects", "stat", 4, 4, "SELECT count(*) AS objects FROM v_objects"),
    ("Sensitive buckets", "stat", 4, 4, "SELECT count(*) AS buckets FROM v_buckets WHERE sensitivity > 50"),
    ("Findings that count", "stat", 4, 4, "SELECT count(*) AS findings FROM v_findings WHERE counted"),
    ("Critical or high", "stat", 4, 4,
     "SELECT count(*) AS findings FROM v_findings WHERE counted AND severity IN ('critical', 'high')"),
    ("Read whole", "gauge", 4, 4,
     "SELECT sum(objects) FILTER (outcome = 'scanned') / nullif(sum(objects), 0) AS share FROM v_coverage"),
    ("Newest run", "stat", 4, 4, "SELECT max(ended) AS ended FROM v_runs WHERE status = 'done'"),
    ("New and gone by run", "barchart", 12, 8,
     "SELECT run::VARCHAR AS run, count(*) FILTER (change = 'new') AS new, count(*) FILTER (change = 'gone') AS gone "
     "FROM v_deltas GROUP BY run ORDER BY min(v_deltas.run)"),
    ("Types of data", "barchart", 12, 8,
     "SELECT rule, count(*) AS objects FROM v_findings WHERE counted GROUP BY rule ORDER BY objects DESC LIMIT 15"),
    ("Buckets", "table", 12, 9,
     "SELECT source, sensitivity, risk, objects_sensitive, objects FROM v_buckets ORDER BY sensitivity DESC, risk DESC "
     "LIMIT 50"),
    ("Riskiest objects", "table", 12, 9,
     "SELECT risk, people, source, object FROM v_objects WHERE risk > 0 ORDER BY risk DESC, people DESC LIMIT 50"),
    ("Laws and standards", "table", 12, 8,
     "SELECT regulation, sum(objects)::BIGINT AS objects, sum(matches)::BIGINT AS matches FROM v_regulations "
     "GROUP BY regulation ORDER BY objects DESC"),
    ("Not read whole", "table", 12, 8,
     "SELECT outcome, reason, objects, bytes FROM v_coverage WHERE outcome <> 'scanned' ORDER BY objects DESC"),
)  # fmt: skip
"""Title, kind of panel, width and height in cells of the grid of 24, and question."""


def dashboard() -> dict[str, Any]:
    """The dashboard as Grafana imports it."""
    panels: list[dict[str, Any]] = []
    x = y = tallest = 0
    for number, (title, kind, width, height, query) in enumerate(PANELS, 1):
        if x + width > 24:
            x, y, tallest = 0, y + tallest, 0
        unit = {"unit": "percentunit", "min": 0, "max": 1} if kind == "gauge" else {}
        panels.append(
            {
                "id": number,
                "title": title,
                "type": kind,
                "datasource": SOURCE,
                "gridPos": {"x": x, "y": y, "w": width, "h": height},
                "fieldConfig": {"defaults": unit, "overrides": []},
                "options": {"reduceOptions": {"values": True, "fields": "/.*/"}} if kind in ("stat", "gauge") else {},
                "targets": [{"refId": "A", "datasource": SOURCE, "rawSql": query, "format": "table"}],
            }
        )
        x, tallest = x + width, max(tallest, height)
    variable = {"name": "datasource", "type": "datasource", "query": SOURCE["type"], "label": "Database"}
    return {
        "title": "piiscan",
        "uid": "piiscan",
        "schemaVersion": 39,
        "tags": ["piiscan"],
        "time": {"from": "now-30d", "to": "now"},
        "refresh": "5m",
        "templating": {"list": [variable]},
        "panels": panels,
    }


def text() -> str:
    """The file as it is kept."""
    return json.dumps(dashboard(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
