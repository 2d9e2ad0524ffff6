"""Rows of a question as a table, CSV, JSON lines or Markdown."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from piiscan.report.escape import csv_cell, encodable, printable, rich_text

FORMS = ("table", "csv", "json", "md")


def plain(value: Any) -> Any:
    """A value of a row as JSON can hold it: times as ISO 8601, bytes as hexadecimal digits."""
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, bytes | bytearray):
        return bytes(value).hex()
    if isinstance(value, dict):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def render(
    columns: Sequence[str], found: Sequence[Sequence[Any]], form: str, *, raw_csv: bool = False
) -> Iterator[str]:
    """The rows in one of `FORMS`, in pieces."""
    rows = [[plain(v) for v in row] for row in found]
    if form == "json":
        for row in rows:
            yield encodable(json.dumps(dict(zip(columns, row, strict=True)), ensure_ascii=False)) + "\n"
    elif form == "csv":
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow([csv_cell(c, raw=raw_csv) for c in columns])
        writer.writerows([csv_cell(v, raw=raw_csv) for v in row] for row in rows)
        yield out.getvalue()
    elif form == "md":
        yield _markdown(columns)
        yield "|" + " --- |" * len(columns) + "\n"
        for row in rows:
            yield _markdown(row)
    else:
        yield _table(columns, rows)


def _markdown(cells: Sequence[Any]) -> str:
    shown = ("" if cell is None else printable(str(cell)).replace("\\", "\\\\").replace("|", "\\|") for cell in cells)
    return f"| {' | '.join(shown)} |\n"


def _table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in columns:
        table.add_column(rich_text(name), overflow="fold")
    for row in rows:
        table.add_row(*("" if v is None else rich_text(str(v)) for v in row))
    out = io.StringIO()
    width = max(shutil.get_terminal_size((160, 40)).columns, 80)
    Console(file=out, width=width, highlight=False).print(table)
    return out.getvalue()
