"""What can be told of a pattern's tree: its widths, first and last characters, the words it means, and its text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from piiscan.importing.regex import (
    ASCII,
    DIGITS,
    LETTERS,
    SPACE,
    WORD,
    Alt,
    Chars,
    Edge,
    Group,
    Node,
    Refused,
    Repeat,
    Seq,
    folded,
)

LONGEST_RUN = 1000
"""Where a repeat without end is ended, for one character out of a set."""
LONGEST_LOOSE = 200
"""The same for anything else: a group, or nearly any character."""
LOOSE = 90
"""Characters of ASCII from which on a set means nearly any."""

NOTHING = Seq(())


def seq(items: Sequence[Node]) -> Node:
    """Some nodes as one, nested sequences opened."""
    flat: list[Node] = []
    for item in items:
        flat += item.items if isinstance(item, Seq) else [item]
    return flat[0] if len(flat) == 1 else Seq(tuple(flat))


def items_of(node: Node) -> list[Node]:
    """A node as a list of nodes one after the other; groups that capture are opened, too."""
    if isinstance(node, Group):
        return items_of(node.node)
    if isinstance(node, Seq):
        return [inner for item in node.items for inner in items_of(item)]
    return [node]


def plain(node: Node) -> Node:
    """The node without groups that capture."""
    if isinstance(node, Group):
        return plain(node.node)
    if isinstance(node, Seq):
        return seq([plain(item) for item in node.items])
    if isinstance(node, Alt):
        return Alt(tuple(plain(branch) for branch in node.branches))
    return replace(node, node=plain(node.node)) if isinstance(node, Repeat) else node


def widths(node: Node) -> tuple[int, int | None]:
    """Characters of the shortest and of the longest match; None: without end."""
    if isinstance(node, Chars):
        return 1, 1
    if isinstance(node, Edge):
        return 0, 0
    if isinstance(node, Group):
        return widths(node.node)
    if isinstance(node, Repeat):
        least, most = widths(node.node)
        return least * node.least, None if most is None or node.most is None else most * node.most
    inner = [widths(part) for part in (node.items if isinstance(node, Seq) else node.branches)]
    mosts = [most for _, most in inner if most is not None]
    ended = len(mosts) == len(inner)
    if isinstance(node, Seq):
        return sum(least for least, _ in inner), sum(mosts) if ended else None
    return min(least for least, _ in inner), max(mosts) if ended else None


def first(node: Node) -> tuple[Chars, bool]:
    """What a match begins with, and whether it can be empty."""
    return _outer(node, last=False)


def last(node: Node) -> tuple[Chars, bool]:
    """What a match ends with, and whether it can be empty."""
    return _outer(node, last=True)


def _outer(node: Node, *, last: bool) -> tuple[Chars, bool]:
    if isinstance(node, Chars):
        return node, False
    if isinstance(node, Edge):
        return Chars(frozenset()), True
    if isinstance(node, Group):
        return _outer(node.node, last=last)
    if isinstance(node, Repeat):
        chars, empty = _outer(node.node, last=last)
        return chars, empty or node.least == 0
    codes: frozenset[int] = frozenset()
    other = False
    if isinstance(node, Alt):
        found = [_outer(branch, last=last) for branch in node.branches]
        return union(chars for chars, _ in found), any(empty for _, empty in found)
    for item in reversed(node.items) if last else node.items:
        chars, empty = _outer(item, last=last)
        codes, other = codes | chars.codes, other or chars.other
        if not empty:
            return Chars(codes, other), False
    return Chars(codes, other), True


def union(sets: Iterator[Chars]) -> Chars:
    """The characters of all sets."""
    found = list(sets)
    return Chars(frozenset().union(*(chars.codes for chars in found)), any(chars.other for chars in found))


def words(node: Node, most: int) -> set[str] | None:
    """All texts that a node matches, in lower case; None when there are more than `most`, or blanks in them."""
    if isinstance(node, Chars):
        if node.other or node.codes & SPACE or len(node.codes) > most:
            return None
        return {chr(code).lower() for code in node.codes}
    if isinstance(node, Edge):
        return {""} if node.kind in ("word", "begin") else None
    if isinstance(node, Group):
        return words(node.node, most)
    if isinstance(node, Alt):
        found: set[str] = set()
        for branch in node.branches:
            more = words(branch, most)
            if more is None:
                return None
            found |= more
        return found if len(found) <= most else None
    if isinstance(node, Repeat):
        if node.most is None or node.most > 8:
            return None
        times = [_product([node.node] * count, most) for count in range(node.least, node.most + 1)]
        joined = {text for some in times if some is not None for text in some}
        return joined if None not in times and len(joined) <= most else None
    return _product(node.items, most)


def _product(nodes: Sequence[Node], most: int) -> set[str] | None:
    found = {""}
    for node in nodes:
        more = words(node, most)
        if more is None or len(found) * len(more) > most:
            return None
        found = {a + b for a in found for b in more}
    return found


def bounded(node: Node) -> Node:
    """The node with an end to every repeat."""
    if isinstance(node, Group):
        return bounded(node.node)
    if isinstance(node, Seq):
        return seq([bounded(item) for item in node.items])
    if isinstance(node, Alt):
        return Alt(tuple(bounded(branch) for branch in node.branches))
    if not isinstance(node, Repeat):
        return node
    most = node.most
    if most is None:
        narrow = isinstance(node.node, Chars) and not node.node.other and len(node.node.codes) < LOOSE
        most = max(LONGEST_RUN if narrow else LONGEST_LOOSE, node.least)
    return Repeat(bounded(node.node), node.least, most)


def digits(node: Node) -> int:
    """Digits that every match holds at least."""
    if isinstance(node, Chars):
        return int(bool(node.codes) and node.codes <= DIGITS and not node.other)
    if isinstance(node, Seq):
        return sum(digits(item) for item in node.items)
    if isinstance(node, Alt):
        return min(digits(branch) for branch in node.branches)
    if isinstance(node, Repeat):
        return node.least * digits(node.node)
    return digits(node.node) if isinstance(node, Group) else 0


def caseless(node: Node) -> bool:
    """Whether the node means letters, and both cases of each: `ignore_case` says it shorter."""
    sets = [chars for chars in every(node) if chars.codes & LETTERS]
    return bool(sets) and all(folded(chars.codes) == chars.codes for chars in sets)


def every(node: Node) -> Iterator[Chars]:
    """All sets of characters in a node."""
    if isinstance(node, Chars):
        yield node
    elif isinstance(node, Seq | Alt):
        for part in node.items if isinstance(node, Seq) else node.branches:
            yield from every(part)
    elif isinstance(node, Repeat | Group):
        yield from every(node.node)


_SPELT = {10: r"\n", 9: r"\t", 13: r"\r", 12: r"\f", 11: r"\v"}
_SIGNS = frozenset(b"\\^$.|?*+()[]{}")
_IN_CLASS = frozenset(b"\\^[]-&~|")


def text_of(node: Node, ignore_case: bool = False) -> str:
    """The node as a pattern of ours; under `ignore_case` letters in lower case. Raises: Refused."""
    if isinstance(node, Chars):
        return class_of(node, ignore_case)
    if isinstance(node, Seq):
        return "".join(
            f"(?:{text_of(item, ignore_case)})" if isinstance(item, Alt) else text_of(item, ignore_case)
            for item in node.items
        )
    if isinstance(node, Alt):
        return "|".join(text_of(branch, ignore_case) for branch in node.branches)
    if isinstance(node, Group):
        return text_of(node.node, ignore_case)
    if isinstance(node, Repeat):
        inner = text_of(node.node, ignore_case)
        one = inner if isinstance(node.node, Chars) else f"(?:{inner})"
        return one + _times(node.least, node.most)
    raise Refused("^, $ or a boundary of words inside the pattern")


def _times(least: int, most: int | None) -> str:
    if (least, most) == (1, 1):
        return ""
    if (least, most) == (0, 1):
        return "?"
    return f"{{{least}}}" if least == most else f"{{{least},{'' if most is None else most}}}"


def class_of(chars: Chars, ignore_case: bool = False) -> str:
    """A set of characters as a pattern. Raises: Refused."""
    codes = chars.codes
    if ignore_case:
        codes = frozenset(code for code in codes if not 65 <= code <= 90)
    if not codes:
        raise Refused("characters beyond ASCII alone")
    if chars.other:
        left = ASCII - chars.codes
        return f"[^{_ranges(left)}]" if left else r"[\s\S]"
    if len(codes) == 1:
        return _spelt(next(iter(codes)), _SIGNS)
    for name, known in ((r"\d", DIGITS), (r"\w", WORD), (r"\s", SPACE)):
        if codes == known:
            return name
    return f"[{_ranges(codes)}]"


def _ranges(codes: frozenset[int]) -> str:
    """The members of a class, `\\w` and `\\s` where they are whole."""
    out = ""
    for name, known in ((r"\w", WORD), (r"\d", DIGITS), (r"\s", SPACE)):
        if known <= codes:
            out, codes = out + name, codes - known
    ordered = sorted(codes)
    i = 0
    while i < len(ordered):
        j = i
        while j + 1 < len(ordered) and ordered[j + 1] == ordered[j] + 1:
            j += 1
        low, high = _spelt(ordered[i], _IN_CLASS), _spelt(ordered[j], _IN_CLASS)
        out += low if i == j else low + high if j == i + 1 else f"{low}-{high}"
        i = j + 1
    return out


def _spelt(code: int, signs: frozenset[int]) -> str:
    if code in _SPELT:
        return _SPELT[code]
    if not 32 <= code < 127:
        return f"\\x{code:02x}"
    return ("\\" if code in signs else "") + chr(code)
