"""Escaping for each medium: what a stranger named a file must not steer a terminal, a spreadsheet or a page."""

from __future__ import annotations

import unicodedata
from typing import Any

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def printable(text: str) -> str:
    """Text for a terminal or a log: control, format and surrogate characters as backslash escapes.

    >>> printable("a" + chr(27) + "[31m" + chr(10))
    'a\\\\x1b[31m\\\\n'
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if _shows(c) else _escaped(c) for c in text)


def _shows(character: str) -> bool:
    return character == " " or (character.isprintable() and unicodedata.category(character) not in ("Cf", "Zl", "Zp"))


def _escaped(character: str) -> str:
    return {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character) or character.encode(
        "unicode_escape", "backslashreplace"
    ).decode("ascii")


def encodable(text: str) -> str:
    """Text that UTF-8 can hold: lone surrogates as escapes, everything else as it is."""
    return text.encode("utf-8", "backslashreplace").decode()


def csv_cell(value: object, *, raw: bool = False) -> str:
    """A CSV cell that no spreadsheet takes for a formula; `raw` leaves it as it is.

    Source: OWASP, "CSV Injection".

    >>> csv_cell("=1+1"), csv_cell(12), csv_cell("-", raw=True)
    ("'=1+1", '12', '-')
    """
    if value is None:
        return ""
    text = encodable(str(value))
    if raw or not isinstance(value, str):
        return text
    return "'" + text if text.startswith(_FORMULA) else text


def rich_text(text: str) -> Any:
    """Text for rich's tables as it stands: a plain string would be read for markup and emoji codes."""
    from rich.text import Text

    return Text(printable(text))


def log_field(text: str) -> str:
    """A value of a `key=value` log line: quoted when it holds spaces, quotes or an equals sign."""
    shown = printable(text)
    if any(c in shown for c in ' "='):
        return '"' + shown.replace("\\", "\\\\").replace('"', '\\"') + '"'
    return shown
