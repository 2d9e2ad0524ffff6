"""Findings as CSV, a row per finding with its first place. Source: RFC 4180."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from typing import Any

from piiscan.report.escape import csv_cell
from piiscan.report.rows import describe

COLUMNS = (
    "finding", "object", "source", "media_type", "rule", "name", "macie", "category", "severity", "confidence", "count",
    "distinct", "test_data",
)  # fmt: skip


def render(findings: Iterable[dict[str, Any]], *, raw_csv: bool = False) -> Iterator[str]:
    """A header and a row per finding; cells that a spreadsheet would run are disarmed unless `raw_csv`."""
    yield _line([*COLUMNS, "first_place", "first_masked"], raw_csv)
    for finding in findings:
        first = finding["occurrences"][0] if finding["occurrences"] else None
        place = describe(first["place"]) if first else ""
        masked = first["masked"] if first else ""
        yield _line([*(finding[c] for c in COLUMNS), place, masked], raw_csv)


def _line(cells: list[Any], raw: bool) -> str:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow([csv_cell(c, raw=raw) for c in cells])
    return out.getvalue()
