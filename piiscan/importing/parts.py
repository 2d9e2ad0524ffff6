"""A pattern taken apart: guards of one character, the value, the words that lead to it and what may stand between.

Scanners of source code match an assignment as a whole and capture the secret in it; a rule of ours names the value and
says in `[context]` what stands before it. What is lost on the way is told in `notes`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from piiscan.importing.nodes import (
    bounded,
    caseless,
    class_of,
    digits,
    every,
    first,
    items_of,
    last,
    plain,
    seq,
    text_of,
    union,
    widths,
    words,
)
from piiscan.importing.regex import ASCII, LETTERS, WORD, Alt, Chars, Edge, Group, Node, Refused, Repeat, Seq
from piiscan.pattern import LEAST_ANCHOR, check, check_anchors

MOST_BRANCHES = 12
MOST_WORDS = 64
FURTHEST = 64
"""Characters of a match before its anchor."""
FEW_DIGITS = 5
"""Digits in every match from which on the engine looks near digits only."""
MOST_NAMED = 4
ENDINGS = (
    "key", "token", "secret", "api", "apikey", "apitoken", "apisecret", "accesskey", "accesstoken", "secretkey",
    "clientid", "clientsecret", "authtoken", "password",
)  # fmt: skip
"""What names in source code add to the name of a vendor without a sign between."""
WINDOW = 300
"""The widest window of a rule's context."""

NOT_WORD = Chars(ASCII - WORD, True)
LINE = Chars(frozenset(b"\r\n"))
"""What stands for ^ and $ in a guard: the text's own ends always pass."""


@dataclass(slots=True)
class Parts:
    """What a rule needs of a pattern, in our syntax."""

    pattern: str
    ignore_case: bool = False
    before: str = ""
    after: str = ""
    anchors: tuple[str, ...] = ()
    anchor_at: tuple[int, int] = (0, 0)
    keywords: tuple[str, ...] = ()
    """Of which one must stand before the value."""
    gap: str = ""
    window: int = 0
    anywhere: bool = False
    """Whether nothing in it narrows down where to look: no literal, few digits."""
    notes: list[str] = field(default_factory=list)

    def holds(self, word: str) -> bool:
        """Whether a text stands as it is in the pattern, so that a match may hold it."""
        return re.sub(r"\\(.)", r"\1", word.lower()) in re.sub(r"\\(.)", r"\1", self.pattern.lower())


def take_apart(node: Node, group: int = 0, *, whole: bool = False) -> list[Parts]:
    """The parts of a pattern, several where it is an alternative of whole forms; `group` is what captures the value.

    0 means the first group that captures, or the whole match; with `whole` groups mean nothing, and there is one form.
    Raises: Refused.
    """
    ways = [([], plain(node), [])] if whole else list(_ways(node, group))
    if not ways:
        raise Refused("the group that captures the value is repeated or missing")
    if len(ways) > MOST_BRANCHES:
        raise Refused(f"more than {MOST_BRANCHES} forms in one pattern")
    return [_parts(list(before), value, list(after)) for before, value, after in ways]


Way = tuple[Sequence[Node], Node, Sequence[Node]]


def _ways(node: Node, group: int) -> Iterator[Way]:
    """(what stands before, value, what stands after) for each form of a pattern."""
    if isinstance(node, Alt) and (group or _captures(node) or _edged(node)):
        for branch in node.branches:
            yield from _ways(branch, group)
        return
    way = _captured(node, group)
    if way is not None:
        yield from way
    elif not group and not _captures(node):
        yield [], node, []


def _captured(node: Node, group: int) -> list[Way] | None:
    """The forms of a node in which the group captures; None when it is not in there once and for all."""
    if isinstance(node, Group):
        return [([], node.node, [])] if group in (0, node.number) else _captured(node.node, group)
    if isinstance(node, Alt):
        out: list[Way] = []
        for branch in node.branches:
            found = _captured(branch, group)
            if found is None:
                if not group and not _captures(branch):
                    raise Refused("one form captures the value and another does not")
                if group and not _captures(branch):
                    continue
                return None
            out += found
        return out or None
    if isinstance(node, Seq):
        for i, item in enumerate(node.items):
            if not _captures(item):
                continue
            inner = _captured(item, group)
            if inner is not None:
                head, tail = node.items[:i], node.items[i + 1 :]
                return [((*head, *before), value, (*after, *tail)) for before, value, after in inner]
            if not group:
                return None
    return None


def _captures(node: Node) -> bool:
    if isinstance(node, Group):
        return True
    if isinstance(node, Repeat):
        return _captures(node.node)
    return isinstance(node, Seq | Alt) and any(
        _captures(part) for part in (node.items if isinstance(node, Seq) else node.branches)
    )


def _edged(node: Node) -> bool:
    """Whether an edge stands somewhere in a node."""
    if isinstance(node, Seq | Alt):
        return any(_edged(part) for part in (node.items if isinstance(node, Seq) else node.branches))
    return isinstance(node, Edge) or (isinstance(node, Repeat | Group) and _edged(node.node))


def _parts(before: list[Node], value: Node, after: list[Node]) -> Parts:
    notes: list[str] = []
    before = [item for node in before for item in items_of(node)]
    after = [item for node in after for item in items_of(node)]
    inner = _hoisted(items_of(value))
    while inner and _beside(inner[0]):
        before.append(inner.pop(0))
    while inner and _beside(inner[-1]):
        after.insert(0, inner.pop())
    if not inner:
        raise Refused("nothing is left that a value could be")
    body = plain(seq(inner))
    if _lazy(body):
        notes.append("the longest match is taken, not the shortest")
    if widths(body)[1] is None:
        notes.append("repeats without end were given one")
    body = bounded(body)
    ignore_case = caseless(body)
    text = text_of(body, ignore_case)
    try:
        check(text)
    except ValueError as err:
        raise Refused(f"the pattern {err}") from None
    parts = Parts(text, ignore_case, notes=notes)
    _anchors(parts, body)
    _lead(parts, before, body)
    parts.anywhere = not parts.anchors and digits(body) < FEW_DIGITS
    parts.after = _after(after, body, notes)
    return parts


def _hoisted(items: list[Node]) -> list[Node]:
    """The nodes of an alternative with the edges outside that all its forms begin or end with."""
    if not items or not isinstance(items[-1], Alt):
        return items
    forms = [items_of(branch) for branch in items[-1].branches]
    heads, tails = {form[0] for form in forms if form}, {form[-1] for form in forms if form}
    if not all(len(form) > 1 for form in forms):
        return items
    lead: list[Node] = []
    if len(items) == 1 and len(heads) == 1 and isinstance(head := heads.pop(), Edge):
        lead, forms = [head], [form[1:] for form in forms]
    trail: list[Node] = []
    if len(tails) == 1 and isinstance(tail := tails.pop(), Edge):
        trail, forms = [tail], [form[:-1] for form in forms]
    return [*lead, *items[:-1], Alt(tuple(seq(form) for form in forms)), *trail]


def _beside(node: Node) -> bool:
    """Whether a node at the end of a value belongs beside it: an edge, or one among other ways to end."""
    if isinstance(node, Alt):
        others = [branch for branch in node.branches if not isinstance(branch, Edge)]
        return len(others) < len(node.branches) and not any(map(_edged, others)) and _guard(node, NOT_WORD) is not None
    return isinstance(node, Edge)


def _lazy(node: Node) -> bool:
    if isinstance(node, Seq | Alt):
        return any(_lazy(part) for part in (node.items if isinstance(node, Seq) else node.branches))
    return isinstance(node, Repeat) and (node.lazy or _lazy(node.node))


def _anchors(parts: Parts, body: Node) -> None:
    """Finds the literals of which one stands in every match, as near to its begin as there are some."""
    items = items_of(body)
    for i in range(len(items)):
        least, most = widths(seq(items[:i]))
        if most is None or most > FURTHEST:
            return
        anchors = tuple(sorted({start for start, _ in _starts(items[i:], parts.ignore_case)}))
        if not anchors or min(map(len, anchors)) < LEAST_ANCHOR:
            continue
        with suppress(ValueError):  # too many ways to get there
            check_anchors(parts.pattern, anchors, (least, most), parts.ignore_case)
            parts.anchors, parts.anchor_at = anchors, (least, most)
            return


def _starts(items: Sequence[Node], ignore_case: bool) -> set[tuple[str, bool]]:
    """The texts that matches of some nodes begin with, and whether each is a match to its end; empty for too many."""
    found = {("", True)}
    for item in items:
        more = _begins(item, ignore_case)
        grown = {(a + b, whole) for a, open_ in found if open_ for b, whole in more}
        found = {(a, open_) for a, open_ in found if not open_} | grown
        if len(found) > MOST_WORDS:
            return set()
        if not any(open_ for _, open_ in found):
            break
    return found


def _begins(node: Node, ignore_case: bool) -> set[tuple[str, bool]]:
    if isinstance(node, Chars):
        texts = {chr(code).lower() if ignore_case else chr(code) for code in node.codes}
        return {("", False)} if node.other or len(texts) > 16 else {(text, True) for text in texts}
    if isinstance(node, Alt):
        return {start for branch in node.branches for start in _starts(items_of(branch), ignore_case)}
    if isinstance(node, Seq | Group):
        return _starts(items_of(node), ignore_case)
    if isinstance(node, Repeat) and node.least:
        found = _starts([node.node] * min(node.least, 8), ignore_case)
        return {(text, open_ and node.least == node.most and node.least <= 8) for text, open_ in found}
    return {("", False)}


def _lead(parts: Parts, before: list[Node], body: Node) -> None:
    """What stands before the value: a guard, or words that lead to it."""
    guard = _guard(before[-1], first(body)[0]) if before else None
    rest = before[:-1] if guard is not None else before
    if all(widths(item)[0] == 0 for item in rest):  # nothing, or what may as well be nothing
        if guard is not None:
            parts.before = class_of(guard)
        if any(widths(item)[1] != 0 for item in rest):
            parts.notes.append("what may stand before the value is not looked at")
        return
    at, end, found = _leading_words(before)
    gap = plain(seq(before[end:]))
    least, most = widths(gap)
    if any(widths(item)[0] for item in before[:at]):
        parts.notes.append("what must stand before the words that lead to the value is not looked at")
    parts.keywords = _named(found, gap)
    parts.window = min(WINDOW if most is None else most, WINDOW)
    if any(chars.other for chars in every(gap)):
        raise Refused("what stands between words and value can be anything")
    if least and not _edged(gap):
        parts.gap = text_of(_longest_first(bounded(gap)))
        try:
            check(parts.gap)
        except ValueError as err:
            raise Refused(f"what leads to the value {err}") from None
    parts.notes.append("the words that lead to the value count as whole words, some endings such as key allowed")


def _longest_first(node: Node) -> Node:
    """The node with the longest forms of every alternative first: a gap is tried once, from its keyword on."""
    if isinstance(node, Seq):
        return seq([_longest_first(item) for item in node.items])
    if isinstance(node, Alt):
        ordered = sorted(node.branches, key=lambda branch: -(widths(branch)[1] or 0))
        return Alt(tuple(_longest_first(branch) for branch in ordered))
    return Repeat(_longest_first(node.node), node.least, node.most) if isinstance(node, Repeat) else node


def _named(found: set[str], gap: Node) -> tuple[str, ...]:
    """The words, and names made of them (`acmeApiKey`) where more letters may follow them; most that were seen."""
    endings: tuple[str, ...] = ("",)
    if len(found) <= MOST_NAMED and first(gap)[0].codes & LETTERS:
        endings += ENDINGS
    return tuple(sorted(word + ending for word in found for ending in endings if not ending or word[-1:].isalnum()))


def _leading_words(before: Sequence[Node]) -> tuple[int, int, set[str]]:
    """Where the words begin and end among some nodes, and the words: as many nodes as mean few. Raises: Refused."""
    for at in range(len(before)):
        found, end = {""}, at
        while end < len(before):
            more = words(before[end], MOST_WORDS)
            if more is None or len(found) * len(more) > MOST_WORDS:
                break
            found, end = {a + b for a in found for b in more}, end + 1
        if all(re.search(r"[^\W_]{2}", word) for word in found):
            return at, end, found
    raise Refused("what stands before the value is neither one character nor a few words")


def _after(after: list[Node], body: Node, notes: list[str]) -> str:
    """The guard behind the value."""
    if not after:
        return ""
    guard = _guard(after[0], last(body)[0])
    if guard is None:
        guard, empty = first(seq(after))
        if empty:
            notes.append("what may stand behind the value is not looked at")
            return ""
        notes.append("of what stands behind the value the first character is looked at")
    elif len(after) > 1 and not isinstance(after[0], Edge):
        notes.append("of what stands behind the value the first character is looked at")
    return class_of(guard)


def _guard(node: Node, beside: Chars) -> Chars | None:
    """The characters that a node of one character, an edge, or an alternative of such ask for; None for others.

    `beside` is what the value begins or ends with: a boundary of words means the opposite of it.
    """
    if isinstance(node, Chars):
        return node
    if isinstance(node, Edge):
        if node.kind in ("begin", "end"):
            return LINE
        if node.kind == "inside":
            return None
        return NOT_WORD if beside.codes & WORD else Chars(WORD)
    if isinstance(node, Group):
        return _guard(node.node, beside)
    if isinstance(node, Alt):
        found = [_guard(branch, beside) for branch in node.branches]
        if any(guard is None for guard in found):
            found = [_guard(b, beside) or _short(b) for b in node.branches] if _edged(node) else []
        chosen = [guard for guard in found if guard is not None]
        if not chosen or len(chosen) < len(node.branches):
            return None
        if any(guard != LINE for guard in chosen):
            # The text's own ends pass every guard, and so need no mention beside other characters.
            chosen = [g for g, b in zip(chosen, node.branches, strict=True) if not isinstance(b, Edge) or g != LINE]
        return union(iter(chosen))
    return None


def _short(node: Node) -> Chars | None:
    """The first of the few characters of a branch such as `\\\\[nr]`."""
    least, most = widths(node)
    return first(node)[0] if least and most is not None and most <= 3 else None
