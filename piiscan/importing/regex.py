"""A pattern in Go's (RE2) or Perl's syntax as a tree in which letter case and flags are spelt out.

Python's own parser does the reading, after the spellings that it lacks are replaced.

Source: RE2, "Syntax" (github.com/google/re2/wiki/Syntax); Go, package regexp/syntax.
"""

from __future__ import annotations

import re
import re._constants as op  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


class Refused(ValueError):
    """A pattern, or a rule, that cannot be said in ours; the message is the reason and quotes nothing of it."""


@dataclass(frozen=True, slots=True)
class Chars:
    """One character out of a set."""

    codes: frozenset[int]
    """Those of ASCII."""
    other: bool = False
    """Whether all beyond ASCII belong to it, too."""


@dataclass(frozen=True, slots=True)
class Seq:
    """One node after the other."""

    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Alt:
    """One of several nodes."""

    branches: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Repeat:
    """A node several times."""

    node: Node
    least: int
    most: int | None
    """None: without end."""
    lazy: bool = False


@dataclass(frozen=True, slots=True)
class Group:
    """What a group captures."""

    number: int
    node: Node


@dataclass(frozen=True, slots=True)
class Edge:
    """A place between characters: "begin", "end", "word" (a boundary of words) or "inside" (none)."""

    kind: str


Node = Chars | Seq | Alt | Repeat | Group | Edge

WORD = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
DIGITS = frozenset(b"0123456789")
SPACE = frozenset(b" \t\n\r\f\v")
ASCII = frozenset(range(128))
LETTERS = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")

_POSIX = {
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "ascii": r"\x00-\x7f", "blank": r"\t ", "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9", "graph": "!-~", "lower": "a-z", "print": " -~", "punct": r"!-/:-@\[-`{-~", "space": r"\t-\r ",
    "upper": "A-Z", "word": r"0-9A-Za-z_", "xdigit": "0-9A-Fa-f",
}  # fmt: skip
_FLAGS = re.compile(r"\(\?([a-zA-Z]*)(?:-([a-zA-Z]*))?([:)])")
_TIMES = re.compile(r"\{\d+(?:,\d*)?\}")
_CLASSES = {
    op.CATEGORY_DIGIT: DIGITS, op.CATEGORY_NOT_DIGIT: ASCII - DIGITS,
    op.CATEGORY_WORD: WORD, op.CATEGORY_NOT_WORD: ASCII - WORD,
    op.CATEGORY_SPACE: SPACE, op.CATEGORY_NOT_SPACE: ASCII - SPACE,
}  # fmt: skip
_NEGATED = frozenset({op.CATEGORY_NOT_DIGIT, op.CATEGORY_NOT_WORD, op.CATEGORY_NOT_SPACE})
_EDGES = {
    op.AT_BEGINNING: "begin", op.AT_BEGINNING_STRING: "begin", op.AT_END: "end", op.AT_END_STRING: "end",
    op.AT_BOUNDARY: "word", op.AT_NON_BOUNDARY: "inside",
}  # fmt: skip


def parse(text: str) -> Node:
    """The tree of a pattern. Raises: Refused."""
    if not text.isascii():
        raise Refused("the pattern is not ASCII")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = parser.parse(spelt(text), re.ASCII)
    except (re.error, OverflowError, RecursionError) as err:
        raise Refused(f"no regular expression: {str(err).split(':')[0]}") from None
    flags = tree.state.flags
    return _seq(tree, bool(flags & re.IGNORECASE), bool(flags & re.DOTALL))


def spelt(text: str) -> str:
    """The pattern as Python reads it: flags as groups, classes and escapes of Go written out. Raises: Refused."""
    out: list[str] = []
    open_: list[list[str]] = [[]]
    """For each open group the flag groups that stand for flags set inside it."""
    i = 0
    while i < len(text):
        char = text[i]
        if char == "\\":
            piece, i = _escape(text, i)
            out.append(piece)
        elif char == "[":
            piece, i = _bracket(text, i)
            out.append(piece)
        elif char == "(":
            i = _open(text, i, out, open_)
        elif char in "|)":
            if char == ")" and len(open_) == 1:
                raise Refused("no regular expression: unbalanced parenthesis")
            within = open_[-1] if char == "|" else open_.pop()
            out.append(")" * len(within) + char + ("".join(within) if char == "|" else ""))
            i += 1
        elif char == "{" and not _TIMES.match(text, i):
            out.append(r"\{")
            i += 1
        else:
            out.append(char)
            i += 1
    return "".join(out) + ")" * len(open_[0])


def _open(text: str, i: int, out: list[str], open_: list[list[str]]) -> int:
    """Take an opening parenthesis over; where the text goes on."""
    found = _FLAGS.match(text, i)
    if found is None:
        start = "(?P<" if text.startswith("(?<", i) and text[i + 3 : i + 4] not in ("=", "!") else ""
        out.append(start or "(")
        open_.append([])
        return i + (3 if start else 1)
    on, off = found[1], found[2] or ""
    if set(on + off) - set("ims"):
        raise Refused(f"the flag {sorted(set(on + off) - set('ims'))[0]!r} is not known")
    on, off = on.replace("m", ""), off.replace("m", "")  # it concerns ^ and $ only, which become guards
    head = f"(?{on}{'-' + off if off else ''}:"
    out.append(head)
    if found[3] == ":":
        open_.append([])
    else:
        open_[-1].append(head)
    return found.end()


def _escape(text: str, i: int) -> tuple[str, int]:
    """A backslash and what it stands for, and where the text goes on."""
    following = text[i + 1 : i + 2]
    if not following:
        raise Refused("no regular expression: bad escape at the end")
    if following in "pPX":
        raise Refused("classes of Unicode (\\p) are not supported")
    if following in "CGKRg":
        raise Refused(f"\\{following} is not supported")
    if following == "z":
        return r"\Z", i + 2
    if following == "Q":
        end = text.find(r"\E", i)
        end = len(text) if end < 0 else end
        return re.escape(text[i + 2 : end]), end + 2
    if text.startswith("x{", i + 1) and "}" in text[i:]:
        end = text.index("}", i)
        code = int(text[i + 3 : end], 16) if re.fullmatch("[0-9A-Fa-f]+", text[i + 3 : end]) else 128
        if code > 127:
            raise Refused("the pattern is not ASCII")
        return f"\\x{code:02x}", end + 1
    if following == "h":
        return r"[\t ]", i + 2
    return text[i : i + 2], i + 2


def _bracket(text: str, i: int) -> tuple[str, int]:
    """A class with those of POSIX written out, and where the text goes on."""
    out, i = ["["], i + 1
    if text.startswith("^", i):
        out, i = ["[^"], i + 1
    first = True
    while i < len(text) and (first or text[i] != "]"):
        if text.startswith("[:", i) and ":]" in text[i:]:
            end = text.index(":]", i)
            name = text[i + 2 : end]
            if name.lstrip("^") not in _POSIX or name.startswith("^"):
                raise Refused("a class in [: :] that is not known, or negated")
            out.append(_POSIX[name])
            i = end + 2
        elif text[i] == "\\":
            piece, i = _escape(text, i)
            out.append(piece[1:-1] if piece.startswith("[") else piece)
        else:
            out.append("\\" + text[i] if text[i] in "[]&~|" else text[i])
            i += 1
        first = False
    if i >= len(text):
        raise Refused("no regular expression: a class without its end")
    return "".join(out) + "]", i + 1


def _seq(items: Iterable[Any], fold: bool, all_: bool) -> Node:
    nodes = [_node(kind, value, fold, all_) for kind, value in items]
    return nodes[0] if len(nodes) == 1 else Seq(tuple(nodes))


def _node(kind: Any, value: Any, fold: bool, all_: bool) -> Node:
    if kind is op.LITERAL:
        return Chars(folded(frozenset({value})) if fold else frozenset({value}))
    if kind is op.NOT_LITERAL:
        return Chars(ASCII - (folded(frozenset({value})) if fold else {value}), True)
    if kind is op.ANY:
        return Chars(ASCII if all_ else ASCII - {10}, True)
    if kind is op.IN:
        return _class(value, fold)
    if kind in (op.MAX_REPEAT, op.MIN_REPEAT):
        least, most, inner = value
        limit = None if most is op.MAXREPEAT else int(most)
        return Repeat(_seq(inner, fold, all_), int(least), limit, kind is op.MIN_REPEAT)
    if kind is op.SUBPATTERN:
        number, add, drop, inner = value
        fold = bool(add & re.IGNORECASE) or (fold and not drop & re.IGNORECASE)
        all_ = bool(add & re.DOTALL) or (all_ and not drop & re.DOTALL)
        node = _seq(inner, fold, all_)
        return node if number is None else Group(int(number), node)
    if kind is op.BRANCH:
        return Alt(tuple(_seq(branch, fold, all_) for branch in value[1]))
    if kind is op.AT:
        return Edge(_EDGES[value])
    if kind in (op.ASSERT, op.ASSERT_NOT):
        raise Refused("look-around is not supported")
    raise Refused("a back-reference, conditional, atomic group or possessive repeat is not supported")


def _class(items: Sequence[Any], fold: bool) -> Chars:
    codes: set[int] = set()
    other = negated = False
    for kind, value in items:
        if kind is op.NEGATE:
            negated = True
        elif kind is op.LITERAL:
            codes.add(value)
        elif kind is op.RANGE:
            codes.update(range(value[0], min(value[1], 127) + 1))
            other = other or value[1] > 127
        else:
            codes |= _CLASSES[value]
            other = other or value in _NEGATED
    found = folded(frozenset(codes)) if fold else frozenset(codes)
    return Chars(ASCII - found, not other) if negated else Chars(found, other)


def folded(codes: frozenset[int]) -> frozenset[int]:
    """The codes with the other case of every letter."""
    return codes | {code ^ 32 for code in codes if code in LETTERS}
