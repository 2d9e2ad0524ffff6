"""The grammar of SQL dumps: heads of statements, identifiers, literals, and the cells of `COPY`."""

from __future__ import annotations

import re
from dataclasses import dataclass

_NAME = r'(?:`(?:[^`]|``){1,200}`|"(?:[^"]|""){1,200}"|\[(?:[^\]]|\]\]){1,200}\]|[^\W\d][\w$#@]{0,200})'
_TABLE = rf"(?P<table>{_NAME}(?:\s*\.\s*{_NAME}){{0,2}})"
_COLUMNS = rf"(?P<columns>\(\s*{_NAME}(?:\s*,\s*{_NAME})*\s*\))?"

START = re.compile(r"^[ \t]*(?:INSERT|REPLACE|COPY|CREATE|INTO)\s", re.I | re.M)
"""Where a statement may begin that is of interest."""
INSERT = re.compile(
    rf"[ \t]*(?:(?:INSERT|REPLACE)\s+(?:(?:LOW_PRIORITY|DELAYED|HIGH_PRIORITY|IGNORE|ALL|FIRST|OR\s+\w+)\s+)*"
    rf"(?:INTO\s+)?|INTO\s+){_TABLE}\s*{_COLUMNS}\s*(?:OVERRIDING\s+\w+\s+VALUE\s+)?VALUES?\s*(?=\()",
    re.I,
)
COPY = re.compile(rf"[ \t]*COPY\s+{_TABLE}\s*{_COLUMNS}\s*FROM\s+stdin\s*;?[ \t]*\n", re.I)
CREATE = re.compile(
    rf"[ \t]*CREATE\s+(?:(?:GLOBAL|LOCAL|TEMP|TEMPORARY|UNLOGGED|FOREIGN)\s+)*TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?{_TABLE}"
    r"\s*\(",
    re.I,
)
_EACH = re.compile(_NAME)
_WORDS = "primary key unique constraint foreign check index fulltext spatial exclude like period partition"
_CONSTRAINT = frozenset(_WORDS.split())
_PLAIN = r"'[^']*+(?:''[^']*+)*+'"
_SLASHED = r"'[^'\\]*+(?:(?:\\.|'')[^'\\]*+)*+'"
_OTHER = r"`[^`]*`|/\*(?:[^*]|\*(?!/))*+\*/|--[^\n]*\n|[^'\"`(),/-]++|[(),/-]"
_QUOTED = re.compile(rf"\s*(N|E|_\w+\s*)?({_PLAIN})\s*([,)])", re.I)
_ESCAPED = re.compile(rf"\s*(N|E|_\w+\s*)?({_SLASHED})\s*([,)])", re.I | re.S)
_BARE = re.compile(r"\s*([^\s,()'\"`]*)\s*([,)])")
_WORD = r"[^\s,()'\"`]++"
_ITEM = re.compile(rf"[Nn]?{_PLAIN}|{_WORD}")
_ITEM_ESCAPED = re.compile(rf"[Nn]?{_SLASHED}|{_WORD}", re.S)
_ROW = re.compile(rf"\(\s*+(?:[Nn]?{_PLAIN}|{_WORD})(?:\s*+,\s*+(?:[Nn]?{_PLAIN}|{_WORD}))*+\s*+\)")
_ROW_ESCAPED = re.compile(rf"\(\s*+(?:[Nn]?{_SLASHED}|{_WORD})(?:\s*+,\s*+(?:[Nn]?{_SLASHED}|{_WORD}))*+\s*+\)", re.S)
_HEX = re.compile(r"(?:0x|(?:_binary\s+)?x')((?:[0-9a-f]{2})*)'?\Z", re.I)
_PART = re.compile(rf"{_PLAIN}|\"[^\"]*+(?:\"\"[^\"]*+)*+\"|{_OTHER}", re.S)
_PART_ESCAPED = re.compile(rf"{_SLASHED}|\"[^\"\\]*+(?:(?:\\.|\"\")[^\"\\]*+)*+\"|{_OTHER}", re.S)
_PIECE = re.compile(rf"({_PLAIN})|n?chr\((\d{{1,5}})\)", re.I)
_JOINED = re.compile(rf"(?:{_PLAIN}|n?chr\(\d{{1,5}}\))(?:\s*\|\|\s*(?:{_PLAIN}|n?chr\(\d{{1,5}}\)))*", re.I)
_MYSQL = re.compile(r"\\(.)|''", re.S)
_CONTROLS = {"0": "\0", "b": "\b", "n": "\n", "r": "\r", "t": "\t", "Z": "\x1a", "'": "'", '"': '"', "\\": "\\"}
_COPY = re.compile(r"\\(?:([0-7]{1,3})|x([0-9a-fA-F]{1,2})|(.))", re.S)
_COPY_CONTROLS = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a row."""

    data: str | bytes | None
    """None for NULL."""
    end: int
    """Where the comma or bracket behind it stands."""
    stop: str


def value_at(text: str, at: int, escapes: bool) -> Value | None:
    """The value that begins at `at`; None when it does not end in this text, or is none.

    `escapes`: a backslash in a string is an escape, as in MySQL. An expression comes as it is written.

    >>> value_at("'O''Hara', 1)", 0, False)
    Value(data="O'Hara", end=9, stop=',')
    >>> value_at(r"'C:\\\\', 1)", 0, False).data, value_at("0x616e61)", 0, False).data
    ('C:\\\\\\\\', b'ana')
    """
    # PostgreSQL marks the strings that have escapes.
    escapes = escapes or text[at : at + 8].lstrip()[:2] in ("E'", "e'")
    found = (_ESCAPED if escapes else _QUOTED).match(text, at)
    if found is not None:
        body = found[2][1:-1]
        if escapes and "\\" in body:
            body = _MYSQL.sub(_unescaped, body)
        elif "''" in body:
            body = body.replace("''", "'")
        return Value(body, found.end() - 1, found[3])
    found = _BARE.match(text, at)
    if found is not None:
        word = found[1]
        if word[:2].lower() == "0x" and (digits := _HEX.match(word)):
            return Value(bytes.fromhex(digits[1]), found.end() - 1, found[2])
        return Value(None if word.upper() in ("NULL", "") else word, found.end() - 1, found[2])
    return _expression(text, at, escapes)


def tuple_at(text: str, at: int, escapes: bool) -> tuple[list[object], int] | None:
    """The values of a row that begins with the bracket at `at`, and its end; None unless all are plain literals.

    >>> tuple_at("(1,'a, b',NULL),", 0, False)
    (['1', 'a, b', None], 15)
    """
    found = (_ROW_ESCAPED if escapes else _ROW).match(text, at)
    if found is None:
        return None
    row: list[object] = []
    for raw in (_ITEM_ESCAPED if escapes else _ITEM).findall(text, at + 1, found.end() - 1):
        first = raw[0]
        if first == "'" or raw[-1] == "'":
            body = raw[1:-1] if first == "'" else raw[2:-1]
            if escapes and "\\" in body:
                body = _MYSQL.sub(_unescaped, body)
            elif "''" in body:
                body = body.replace("''", "'")
            row.append(body)
        elif first in "nN" and raw.upper() == "NULL":
            row.append(None)
        elif raw[:2] in ("0x", "0X") and (digits := _HEX.match(raw)):
            row.append(bytes.fromhex(digits[1]))
        else:
            row.append(raw)
    return row, found.end()


def _expression(text: str, at: int, escapes: bool) -> Value | None:
    depth, place = 0, at
    pattern = _PART_ESCAPED if escapes else _PART
    while found := pattern.match(text, place):
        part = found[0]
        if part == "(":
            depth += 1
        elif part in (",", ")") and depth == 0:
            raw = text[at:place].strip()
            digits = _HEX.match(raw)
            if "||" in raw and _JOINED.fullmatch(raw):
                raw = "".join(_piece(found) for found in _PIECE.finditer(raw))
            return Value(bytes.fromhex(digits[1]) if digits else raw, place, part)
        elif part == ")":
            depth -= 1
        place = found.end()
    return None


def _piece(found: re.Match[str]) -> str:
    """One part of a concatenation."""
    return chr(int(found[2]) & 0xFFFF) if found[2] else found[1][1:-1].replace("''", "'")


def _unescaped(found: re.Match[str]) -> str:
    return _CONTROLS.get(found[1], found[1]) if found[1] else "'"


def plain_name(name: str) -> str:
    """A table's name without quotes, its schema before a dot.

    >>> plain_name("`shop`.`users`"), plain_name("[dbo].[Album]"), plain_name('public."a b"')
    ('shop.users', 'dbo.Album', 'public.a b')
    """
    return ".".join(identifiers(name))


def identifiers(text: str) -> tuple[str, ...]:
    """The names in a list, without their quotes.

    >>> identifiers("(`id`, [full name], mail)")
    ('id', 'full name', 'mail')
    """
    return tuple(_bare(found[0]) for found in _EACH.finditer(text))


def _bare(name: str) -> str:
    if name[0] in '`"':
        return name[1:-1].replace(name[0] * 2, name[0])
    return name[1:-1].replace("]]", "]") if name[0] == "[" else name


def created_columns(text: str) -> tuple[str, ...]:
    """The columns of a `CREATE TABLE`, whose opening bracket stands before `text`; () when its end is not in it.

    >>> created_columns('`id` int(11) NOT NULL, "full name" text DEFAULT \\'a,b\\', PRIMARY KEY (`id`));')
    ('id', 'full name')
    """
    names: list[str] = []
    depth, place, fresh = 0, 0, True
    while found := _PART_ESCAPED.match(text, place):
        part = found[0]
        place = found.end()
        if part == "(":
            depth += 1
        elif part == ")":
            depth -= 1
            if depth < 0:
                return tuple(names)
        elif part == "," and depth == 0:
            fresh = True
        elif fresh and depth == 0 and not part.isspace() and not part.startswith(("--", "/*", "-", "/")):
            fresh = False
            name = _EACH.match(part.lstrip())
            if name and (name[0][0] in '`"[' or name[0].lower() not in _CONSTRAINT):
                names.append(_bare(name[0]))
    return ()


def copy_cells(line: str) -> list[object]:
    """The cells of one line of a `COPY`: None for NULL, bytes for a `bytea`.

    Source: PostgreSQL, COPY, "Text Format"; "Binary Data Types", hex format.

    >>> copy_cells("1\\tC:" + chr(92) * 2 + "x\\t" + chr(92) + "N")
    ['1', 'C:\\\\x', None]
    """
    cells: list[object] = []
    for cell in line.split("\t"):
        if "\\" not in cell:
            cells.append(cell)
        elif cell == "\\N":
            cells.append(None)
        elif cell.startswith("\\\\x") and len(cell) % 2:
            try:
                cells.append(bytes.fromhex(cell[3:]))
            except ValueError:
                cells.append(cell)
        else:
            cells.append(_COPY.sub(_copy_char, cell))
    return cells


def _copy_char(found: re.Match[str]) -> str:
    if found[1]:
        return chr(int(found[1], 8) & 0xFF)
    if found[2]:
        return chr(int(found[2], 16))
    return _COPY_CONTROLS.get(found[3], found[3])
