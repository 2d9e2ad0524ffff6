"""Findings as a table for a terminal."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterable, Iterator
from typing import Any

from piiscan.report.escape import rich_text
from piiscan.report.rows import describe

_STYLE = {"low": "dim", "medium": "yellow", "high": "red", "critical": "bold red"}


def render(findings: Iterable[dict[str, Any]], *, raw_csv: bool = False) -> Iterator[str]:
    """The findings, a line each, the first place beside them."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column("severity")
    table.add_column("rule", no_wrap=True)
    table.add_column("count", justify="right")
    table.add_column("distinct", justify="right")
    table.add_column("object", overflow="fold", ratio=3)
    table.add_column("first place", overflow="fold", ratio=3)
    table.add_column("masked", overflow="fold", ratio=2)
    number = 0
    for finding in findings:
        number += 1
        first = finding["occurrences"][0] if finding["occurrences"] else None
        severity = finding["severity"]
        style = "dim" if finding["test_data"] else _STYLE[severity]
        table.add_row(
            f"[{style}]{'sample' if finding['test_data'] else severity}[/{style}]",
            rich_text(finding["rule"]),
            f"{finding['count']:,}",
            f"{finding['distinct']:,}",
            rich_text(f"{finding['source']}/{finding['object']}"),
            rich_text(describe(first["place"])) if first else "",
            rich_text(first["masked"]) if first else "",
        )
    if not number:
        yield "no findings\n"
        return
    out = io.StringIO()
    width = max(shutil.get_terminal_size((140, 40)).columns, 80)
    Console(file=out, width=width, highlight=False, soft_wrap=False).print(table)
    yield out.getvalue()
