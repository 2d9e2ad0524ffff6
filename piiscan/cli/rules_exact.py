"""`piiscan rules exact FILE.csv`: a set of your own customers' values, to be found wherever they are."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from piiscan.exact.build import Report


def exact(
    file: Annotated[str, typer.Argument(metavar="FILE.csv[.gz]", help="Table in UTF-8 with a line of column names.")],
    columns: Annotated[str, typer.Option("--columns", metavar="A,B,...", help="Columns whose values to look for.")],
    evidence: Annotated[
        str, typer.Option("--evidence", metavar="A,B,...", help="Columns that count beside another field only.")
    ] = "",
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="Of the set (default: the file's name).")] = "",
    out: Annotated[str, typer.Option("-o", "--out", metavar="FILE", help="The set (default: NAME.exact).")] = "",
    severity: Annotated[str, typer.Option("--severity", help="low, medium, high or critical.")] = "high",
    key_file: Annotated[
        str, typer.Option("--key-file", metavar="FILE", help="Key of the set; made when it is missing.")
    ] = "",
) -> int:
    """Make a keyed set of values of your own out of a table; the set tells none of them."""
    from piiscan.errors import ConfigError
    from piiscan.exact.build import build, stem_of
    from piiscan.exact.table import check
    from piiscan.keys import key_for_new_store

    if severity not in ("low", "medium", "high", "critical"):
        raise ConfigError(f"--severity: {severity!r} is none of low, medium, high, critical")
    source = Path(file)
    name = name or stem_of(source.name.split(".")[0])
    target = Path(out or f"{name}.exact")
    if not source.is_file():
        raise ConfigError(f"{source}: no such file")
    if target.exists() and source.samefile(target):
        raise ConfigError(f"{target}: the set would be written over its table")
    wanted, supporting = _names(columns), _names(evidence)
    check(source, [*wanted, *supporting])  # before a key is made
    key = key_for_new_store(Path(key_file) if key_file else None)
    report = build(source, target, wanted, key, name=name, evidence=supporting, severity=severity)
    sys.stderr.write(_text(report, source))
    print(target)
    return 0


def _names(text: str) -> list[str]:
    """The column names of an option."""
    return [part.strip() for part in text.split(",") if part.strip()]


def _text(report: Report, source: Path) -> str:
    """What became of the values, in counts."""
    odd = f", {report.odd_rows:,} left out for their number of fields" if report.odd_rows else ""
    lines = [f"{source}: {report.rows:,} rows{odd}"]
    for column, counts in report.columns.items():
        lines.append(f"  {column}: {counts['different']:,} different values kept{_left_out(counts)}")
    return "\n".join(lines) + "\n"


def _left_out(counts: Mapping[str, int]) -> str:
    reasons = [f"{n:,} {reason}" for reason, n in counts.items() if n and reason not in ("kept", "different")]
    return "; left out: " + ", ".join(reasons) if reasons else ""


def register(group: typer.Typer) -> None:
    """Add the command to those of the catalogue."""
    group.command("exact")(exact)
