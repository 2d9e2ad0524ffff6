"""The rows of a sheet by patterns: one for any plain cell, and one for a whole row, made from the first rows.

Source: ECMA-376 part 1, sections 18.3.1.73 (rows), 18.3.1.4 (cells), 18.3.1.53 (inline strings).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from piiscan.errors import LimitReached
from piiscan.extract.office import Package, parsed
from piiscan.extract.office_cells import Block, Book, Value, column_number, rich_text
from piiscan.extract.office_columns import ROW_CELLS
from piiscan.extract.office_scan import ATTRIBUTES, Quick, unescape
from piiscan.extract.office_zip import Entry

Literals = list[tuple[str, str]]
"""Texts in formulas, each with the cell that it stands in."""
_ROW = re.compile(r'\s*<row r="([1-9][0-9]{0,7})"((?: [A-Za-z][\w.]*(?::[A-Za-z]\w*)?="[^"<&]*")*)(/?)>')
_PREFIX = re.compile(r" (\w+):")
_F_ATTRIBUTES = ATTRIBUTES.replace("<&", "<&>")
_FORMULA = rf"<f{_F_ATTRIBUTES}(?:/>|>([^<]*)</f>)"
_INLINE = r'<is><t(?: xml:space="preserve"|)>'
_CELL = re.compile(
    rf'<c r="([A-Z]{{1,3}})([0-9]{{1,8}})"((?: [a-z]+="\w*")*)(?:/>|>(?:{_FORMULA})?'
    rf"(?:<v>([^<]*)</v>|<v/>|({_INLINE})([^<]*)</t></is>|<is><t/></is>)?</c>)"
)
_PAIR = re.compile(r' ([a-z]+)="(\w*)"')
_KNOWN = {"s", "t", "cm", "vm", "ph"}
LITERAL = re.compile(r'"([^"]{5,})"')
_LEARN = 100
"""Rows from which the pattern of a row is made; fewer are not worth its compilation."""
_SLOTS = 100
"""Most kinds of cells that it may have."""
_PATTERNS = 4
"""Most patterns made for one sheet."""
_KNOWN_TEXTS = 50_000
_BLOCK = 1024
"""Rows of one block."""

Slot = tuple[int, str, str, str]
"""Column, its letters, attributes of a cell, and "v", "is" or "": how its value is written."""


class RowReader:
    """Reads the rows of one sheet until something unusual comes."""

    def __init__(self, book: Book, quick: Quick) -> None:
        self._book, self._quick = book, quick
        self._kinds: dict[str, tuple[str, str] | None] = {}
        self._prefixes = set(re.findall(r"xmlns:(\w+)=", quick.head.decode("utf-8", "replace"))) | {"xml"}
        self._slots: dict[Slot, None] = {}
        self._known: dict[tuple[str, str], dict[str, str]] = {}
        """What is shown for a stored value, for each type and style."""
        self._seen = self._made = 0
        self.last = 0
        """Number of the last row that was read."""
        self._whole: Callable[[str], Any] | None = None
        self._order: list[Slot] = []

    def rows(self) -> Iterator[tuple[int, list[Value]] | Block | Literals]:
        """Rows with their filled cells, blocks of such, and before a row the texts in its formulas."""
        for chunk in self._quick.chunks():
            parts = chunk.split("</row>")
            matched: list[tuple[str, ...]] = []
            for index, part in enumerate(parts):
                if self._whole is not None:
                    found = self._whole(part)
                    if found is not None:
                        matched.append(found.groups(""))
                        if len(matched) == _BLOCK:
                            yield self._block(matched)
                            matched = []
                        continue
                if matched:
                    yield self._block(matched)
                    matched = []
                last = index == len(parts) - 1
                literals: Literals = []
                read = self._row(part, last, literals)
                if read is None:
                    self._quick.give_back("</row>".join(parts[index:]))
                    return
                if literals:
                    yield literals
                yield from read
                if read:
                    self._learn()
            if matched:
                yield self._block(matched)

    def _row(self, part: str, last: bool, literals: Literals) -> list[tuple[int, list[Value]]] | None:
        """The row that ends at one `</row>` (empty ones may stand before it); None of what is not plain."""
        out: list[tuple[int, list[Value]]] = []
        at = 0
        while True:
            found = _ROW.match(part, at)
            if found is None or not self._is_plain(found[2]):
                return out if last and not part[at:].strip() else None
            at = found.end()
            if not found[3]:
                break
            self.last = int(found[1])
        if last:
            return None
        number, values, count = int(found[1]), list[Value](), 0
        slots = []
        for cell in _CELL.finditer(part, at):
            letters, digits, attributes, formula, stored, inline, text = cell.groups()
            kind = self._kind(attributes)
            if cell.start() != at or kind is None or digits != found[1]:
                return None
            at = cell.end()
            column = column_number(letters)
            shown, is_text = self._value(kind, stored or "", text or "", inline is not None)
            if formula and (formula := unescape(formula)) and '"' in formula:
                literals += [(t, letters + digits) for t in LITERAL.findall(formula) if t not in shown]
                count += not shown
            elif self._made < _PATTERNS and (inline is None or kind[0] == "inlineStr"):
                slots.append((column, letters, attributes, "is" if inline else "" if stored is None else "v"))
            if shown:
                count += 1
                values.append(Value(column, letters + digits, shown, is_text))
                if len(values) >= ROW_CELLS:
                    out.append((number, values))
                    values = []
        if part[at:].strip():
            return None
        self.last = number
        self._count(count)
        self._slots.update(dict.fromkeys(slots))
        if values:
            out.append((number, values))
        return out

    def _count(self, cells: int) -> None:
        self._book.cells += cells
        limit = self._book.package.job.limits.cells
        if self._book.cells > limit:
            raise LimitReached(f"more than {limit} cells")

    def _is_plain(self, attributes: str) -> bool:
        """Whether a row's attributes are well-formed."""
        return all(prefix in self._prefixes for prefix in _PREFIX.findall(attributes)) if ":" in attributes else True

    def _kind(self, attributes: str) -> tuple[str, str] | None:
        """Type and style of a cell; None where its attributes are not the usual ones."""
        if attributes not in self._kinds:
            pairs = _PAIR.findall(attributes)
            values = dict(pairs)
            plain = len(values) == len(pairs) and values.keys() <= _KNOWN
            self._kinds[attributes] = (values.get("t") or "n", values.get("s", "")) if plain else None
        return self._kinds[attributes]

    def _value(self, kind: tuple[str, str], stored: str, inline: str, is_inline: bool) -> tuple[str, bool]:
        """As `read_cell` has it."""
        form, style = kind
        book = self._book
        if form == "s":
            index = int(stored) if stored.strip().isdigit() and len(stored) < 10 else -1
            if 0 <= index < len(book.strings):
                book.used[index] = 1
                return book.strings[index], True
            return "", True
        if form == "inlineStr":
            return unescape(inline if is_inline and inline else stored), True
        stored = unescape(stored)
        if form == "b":
            return "TRUE" if stored == "1" else "FALSE" if stored else "", True
        if form in ("str", "e", "d"):
            return stored, form == "str"
        return book.number(stored, style), False

    def _learn(self) -> None:
        """Makes the pattern of a row, when enough rows were seen, or again when many did not match it."""
        self._seen += 1
        if self._seen < _LEARN or self._made >= _PATTERNS or len(self._slots) > _SLOTS:
            return
        self._seen = 0
        self._made += 1
        self._order = sorted(self._slots, key=lambda slot: slot[0])
        prefixes = "|".join(sorted(re.escape(prefix) for prefix in self._prefixes))
        pattern = rf'\s*<row r="([1-9][0-9]{{0,6}})"(?: (?:(?:{prefixes}):)?[A-Za-z]\w*="[^"<&]*")*>'
        for _, letters, attributes, form in self._order:
            if form == "is":
                content = f">{_INLINE}([^<]*)</t></is></c>"
            elif form == "v":
                value = "[0-9]{1,9}" if (self._kind(attributes) or "")[0] == "s" else "[^<]*"
                content = f'>(?:<f{_F_ATTRIBUTES}(?:/>|>[^<"&]*</f>)|)<v>({value})</v></c>'
            else:
                content = "()(?:/>|></c>)"
            pattern += rf'(?:<c r="{letters}\1"{re.escape(attributes)}{content}|)'
        self._whole = re.compile(pattern).fullmatch

    def _block(self, matched: Sequence[tuple[str, ...]]) -> Block:
        """Rows that all matched, turned to columns."""
        numbers, *texts = zip(*matched, strict=True)
        columns: dict[int, tuple[str, list[str]]] = {}
        for (column, letters, attributes, form), values in zip(self._order, texts, strict=True):
            if not form:
                continue
            shown = self._shown(self._kind(attributes) or ("n", ""), list(values))
            before = columns.get(column)
            if before is not None:
                shown = [a or b for a, b in zip(before[1], shown, strict=True)]
            columns[column] = letters, shown
        block = Block(list(map(int, numbers)), numbers, columns)
        self._count(block.cells)
        self.last = block.numbers[-1]
        return block

    def _shown(self, kind: tuple[str, str], values: list[str]) -> list[str]:
        """The texts of a column's cells of one kind, "" where there is none."""
        form, style = kind
        if form in ("inlineStr", "str", "e", "d"):
            if "&" not in "".join(values):
                return values
        elif form not in ("s", "b") and not (style.isdigit() and int(style) in self._book.dates):
            joined = "".join(values)
            if "&" not in joined and "E" not in joined and "e" not in joined:
                return values
        # Many cells of a column are alike.
        known = self._known.setdefault(kind, {})
        if len(known) > _KNOWN_TEXTS:
            known.clear()
        known.update({new: self._value(kind, new, new, True)[0] for new in set(values).difference(known)})
        return list(map(known.__getitem__, values))


_ITEM = re.compile(r'<si><t(?: xml:space="preserve")?>([^<]*)</t></si>')
_RUN = rf'<r>(?:<rPr>(?:<[A-Za-z]\w*{ATTRIBUTES}/>)*</rPr>)?<t(?: xml:space="preserve")?>[^<]*</t></r>'
_RICH = re.compile(rf"\s*<si>(?:{_RUN})*</si>")
_TEXT = re.compile(r"<t[^<>]*>([^<]*)</t>")


def shared_strings(package: Package, info: Entry) -> list[str]:
    """The texts that cells of all sheets refer to by their index."""
    out: list[str] = []
    with package.blocks(info) as blocks:
        quick = Quick(blocks, b"<si>", b"</si>", b"</sst>", inclusive=False)
        for chunk in quick.chunks():
            plain = _ITEM.findall(chunk)
            if 4 * len(plain) == chunk.count("<"):
                out += map(unescape, plain) if "&" in chunk else plain
                continue
            parts = chunk.split("</si>")
            for index, part in enumerate(parts[:-1]):
                item = part + "</si>"
                found = _ITEM.fullmatch(item.lstrip())
                if found is None and not _RICH.fullmatch(item):
                    quick.give_back("</si>".join(parts[index:]))
                    break
                out.append(unescape(found[1] if found else "".join(_TEXT.findall(item))))
            else:
                if parts[-1].strip():
                    quick.give_back(parts[-1])
                    break
                continue
            break
        tail = quick.tail()
        if tail is None or parsed(tail) is None:
            for _, element in package.elements(info, ("end",), ["{*}si"], source=quick.rest()):
                out.append(rich_text(element))
                element.clear()
                while element.getprevious() is not None:
                    del element.getparent()[0]
    return out
