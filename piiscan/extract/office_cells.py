"""Cells of a spreadsheet: references, numbers as their reader sees them, strings of many runs.

Source: ECMA-376 part 1, sections 18.3.1.4 (cells), 18.8.30 (number formats).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from piiscan.extract.office import Package, local

DATE_IDS = frozenset({*range(14, 18), 22, *range(27, 37), *range(50, 59)})
"""Numbers of the built-in formats that show a date."""
_HEADER_CODE = re.compile(r'&(?:"[^"]*"|K(?:[0-9A-Fa-f]{6}|\d\d[+-]\d{3})|\d{1,3}|[A-Za-z&])')
_SECTIONS = frozenset({"&L", "&C", "&R"})
_NOT_FORMAT = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.|_.|\*.')


@dataclass(slots=True)
class Value:
    """A filled cell."""

    column: int
    ref: str
    text: str
    is_text: bool


@dataclass(slots=True)
class Block:
    """Many rows of a table, as columns."""

    numbers: list[int]
    """Of the rows."""
    digits: Sequence[str]
    """The same, as they stand in references."""
    columns: dict[int, tuple[str, list[str]]]
    """Letters and texts of each column, "" where a cell is empty."""

    @property
    def cells(self) -> int:
        """How many are filled."""
        return sum(len(texts) - texts.count("") for _, texts in self.columns.values())

    def rows(self) -> Iterator[tuple[int, list[str], list[str]]]:
        """Number, references and texts of the filled cells of each row in which there are some."""
        columns = sorted(self.columns.items())
        letters = [name for _, (name, _) in columns]
        texts = zip(*(values for _, (_, values) in columns), strict=True)
        for number, digits, row in zip(self.numbers, self.digits, texts, strict=True):
            if "" in row:
                some = [(name + digits, text) for name, text in zip(letters, row, strict=True) if text]
                if some:
                    yield number, [ref for ref, _ in some], [text for _, text in some]
            else:
                yield number, [name + digits for name in letters], list(row)


@dataclass(slots=True)
class Book:
    """What all sheets share."""

    package: Package
    strings: list[str] = field(default_factory=list)
    used: bytearray = field(default_factory=bytearray)
    dates: frozenset[int] = frozenset()
    """Cell formats that show a number as a date."""
    epoch: datetime = datetime(1899, 12, 30)
    cells: int = 0

    def number(self, stored: str, style: str) -> str:
        """A stored number as its reader sees it: dates in ISO form, no exponents for whole numbers."""
        if style.isdigit() and int(style) in self.dates:
            try:
                moment = self.epoch + timedelta(days=float(stored))
                return moment.date().isoformat() if float(stored).is_integer() else moment.isoformat(" ", "seconds")
            except (ValueError, OverflowError):
                return stored
        return fixed_point(stored)


def fixed_point(stored: str) -> str:
    """A number without its exponent, when it is a whole one of at most 20 digits.

    >>> fixed_point("4.1111111111111111E+15"), fixed_point("1.5E-3"), fixed_point("12")
    ('4111111111111111', '1.5E-3', '12')
    """
    if "E" not in stored and "e" not in stored:
        return stored
    try:
        number = float(stored)
    except ValueError:
        return stored
    return str(int(number)) if number.is_integer() and abs(number) < 1e20 else stored


def header_text(code: str) -> str:
    """A header or footer of a sheet without its codes; left, middle and right stand on lines of their own.

    >>> header_text('&L&"Arial,Bold"&12 Staff&CPage &P&R&KFF0000a && b')
    'Staff\\nPage \\na & b'
    """
    text = _HEADER_CODE.sub(lambda found: "\n" if found[0] in _SECTIONS else "&" if found[0] == "&&" else "", code)
    return "\n".join(line.lstrip() for line in text.split("\n") if line.strip())


@lru_cache(maxsize=1024)
def column_number(letters: str) -> int:
    """The number of a column from its letters.

    >>> column_number("A"), column_number("XFD")
    (1, 16384)
    """
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


@lru_cache(maxsize=1024)
def column_letters(number: int) -> str:
    """The letters of a column from its number.

    >>> column_letters(1), column_letters(16384)
    ('A', 'XFD')
    """
    letters = ""
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def rich_text(element: Any) -> str:
    """Text of a string item: its runs joined, phonetic runs left out."""
    parts: list[str] = []
    for child in element:
        name = local(child)
        if name == "t":
            parts.append(child.text or "")
        elif name == "r":
            parts.extend(t.text or "" for t in child if local(t) == "t")
    return "".join(parts)


def is_date_format(code: str) -> bool:
    """Whether a number format shows a day or a year.

    >>> is_date_format("dd/mm/yyyy"), is_date_format('0.00" days"'), is_date_format("[Red]0")
    (True, False, False)
    """
    code = _NOT_FORMAT.sub("", code).lower()
    return "y" in code or "d" in code


def date_styles(package: Package) -> frozenset[int]:
    """Indexes of cell formats (`s=` of a cell) that are dates."""
    info = package.find("xl/styles.xml")
    if info is None:
        return frozenset()
    dates = set(DATE_IDS)
    out: list[int] = []
    index = 0
    for element in package.items(info, "{*}numFmt", "{*}xf"):
        if local(element) == "numFmt":
            number = element.get("numFmtId") or ""
            if number.isdigit() and is_date_format(element.get("formatCode") or ""):
                dates.add(int(number))
        elif local(element.getparent()) == "cellXfs":
            number = element.get("numFmtId") or ""
            if number.isdigit() and int(number) in dates:
                out.append(index)
            index += 1
    return frozenset(out)


def read_cell(book: Book, element: Any) -> tuple[str, bool, str]:
    """Text of a cell, whether it was typed as text, and its formula when that holds literals."""
    kind = element.get("t") or "n"
    stored, inline, formula = "", "", ""
    for child in element:
        name = local(child)
        if name == "v":
            stored = child.text or ""
        elif name == "is":
            inline = rich_text(child)
        elif name == "f" and child.text and '"' in child.text:
            formula = child.text
    if kind == "s":
        index = int(stored) if stored.strip().isdigit() and len(stored) < 10 else -1
        if 0 <= index < len(book.strings):
            book.used[index] = 1
            return book.strings[index], True, formula
        return "", True, formula
    if kind == "inlineStr":
        return inline or stored, True, formula
    if kind == "b":
        return "TRUE" if stored == "1" else "FALSE" if stored else "", True, formula
    if kind in ("str", "e", "d"):
        return stored, kind == "str", formula
    return book.number(stored, element.get("s") or ""), False, formula
