"""What every section is made of: text that is safe, numbers, severities, bars, tables."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from html import escape

from piiscan.report.escape import encodable, printable
from piiscan.report.names import cut

_SLASH = re.compile(r"(?<![:/])/(?=[^/])")
SEVERITIES = ("critical", "high", "medium", "low")
LONGEST = 1_000
"""Characters of a name that are shown."""


def text(value: str) -> str:
    """Text as HTML: nothing in it is markup, steers the page, or turns its direction."""
    return escape(encodable(printable(cut(value, LONGEST))))


def broken(value: str) -> str:
    """A path as HTML, with room to break behind its slashes.

    >>> broken("file:///a/b")
    'file:///a/<wbr>b'
    """
    return _SLASH.sub("/<wbr>", text(value))


def code(value: str) -> str:
    """Text as it is written in a program."""
    return f"<code>{text(value)}</code>"


def number(value: int, one: str = "", several: str = "") -> str:
    """A number with its noun.

    >>> number(1200), number(1, "object"), number(2, "object"), number(2, "is", "are")
    ('1,200', '1 object', '2 objects', '2 are')
    """
    noun = (one if value == 1 else several or f"{one}s") if one else ""
    return f"{value:,} {noun}".rstrip()


def size(count: int) -> str:
    """Bytes for people.

    >>> size(999), size(1635798), size(50_999_500_000)
    ('999 B', '1.6 MB', '51 GB')
    """
    value, units = float(count), ["B", "kB", "MB", "GB", "TB", "PB"]
    while value >= 999.5 and len(units) > 1:
        value, units = value / 1000, units[1:]
    return f"{value:.1f} {units[0]}" if value < 9.95 and units[0] != "B" else f"{value:.0f} {units[0]}"


def percent(part: int, whole: int) -> str:
    """A share, never rounded to all or nothing when it is not.

    >>> percent(1, 3), percent(9999, 10000), percent(1, 10000), percent(0, 5), percent(5, 5), percent(0, 0)
    ('33 %', '> 99 %', '< 1 %', '0 %', '100 %', '0 %')
    """
    share = 100 * part / whole if whole else 0.0
    if 0 < share < 1:
        return "< 1 %"
    return "> 99 %" if 99 < share < 100 else f"{share:.0f} %"


def moment(when: datetime | None) -> str:
    """A time of the store.

    >>> moment(datetime(2026, 11, 3, 7, 5))
    '3 November 2026, 07:05 UTC'
    """
    return f"{when.day} {when:%B %Y, %H:%M} UTC" if when else "not ended"


def severity(level: int) -> str:
    """A severity, 1 to 4, with its mark; 0: none."""
    if not level:
        return '<span class="none">none</span>'
    name = SEVERITIES[4 - level]
    return f'<span class="severity {name}">{name}</span>'


def bar(parts: Sequence[tuple[str, int]], whole: int) -> str:
    """A bar whose parts (class, number) fill it as far as they are a share of the whole; for eyes only.

    A drawing, as the policy of the page permits no widths in its HTML.
    """
    out, at = [], 0.0
    for name, count in parts:
        if count and whole:
            width = max(100 * count / whole, 0.5)
            out.append(f'<rect class="{name}" x="{at:.4g}" width="{width:.4g}" height="6"/>')
            at += width
    return f'<svg class="bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">{"".join(out)}</svg>'


def barred(parts: Sequence[tuple[str, int]], whole: int, count: int) -> Cell:
    """A cell with a bar and a number."""
    return Cell(f'{bar(parts, whole)}<span class="figure">{count:,}</span>', count, "n barred")


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell whose order is not that of its text."""

    html: str
    key: int | float | str
    kind: str = "n"
    """Its class: `n` for numbers."""


def table(
    name: str, columns: Sequence[str], rows: Iterable[Sequence[str | int | Cell]], *, page: int = 0, kind: str = ""
) -> Iterator[str]:
    """A table of HTML cells, of numbers and of `Cell`; with `page` rows at a time, where scripts run.

    A `-` before a column's name: its cells are numbers; a `~`: its cells have no order.
    """
    names = [column.lstrip("-~") for column in columns]
    kinds = {"-": ' class="n"', "~": ' class="plain"'}
    heads = "".join(f'<th scope="col"{kinds.get(c[0], "")}>{name}</th>' for c, name in zip(columns, names, strict=True))
    paged = f' data-page="{page}"' if page else ""
    shape = f' class="{kind}"' if kind else ""
    yield f'<div class="table"><table{shape}{paged}><caption>{text(name)}</caption><thead><tr>{heads}</tr></thead>'
    yield "<tbody>\n"
    for row in rows:
        yield "<tr>" + "".join(_cell(name, cell) for name, cell in zip(names, row, strict=True)) + "</tr>\n"
    yield "</tbody></table></div>\n"


def _cell(name: str, cell: str | int | Cell) -> str:
    if isinstance(cell, int):
        return f'<td class="n" data-name="{name}">{cell:,}</td>'
    if isinstance(cell, Cell):
        shape = f' class="{cell.kind}"' if cell.kind else ""
        return f'<td{shape} data-name="{name}" data-key="{escape(encodable(str(cell.key)))}">{cell.html}</td>'
    return f'<td data-name="{name}">{cell}</td>'


def some(shown: int, count: int, what: str, rest: str) -> str:
    """A sentence on what a list leaves out; empty when it is whole."""
    if shown >= count:
        return ""
    return f'<p class="rest">{shown:,} of {count:,} {what}. The rest: {code(rest)}</p>\n'
