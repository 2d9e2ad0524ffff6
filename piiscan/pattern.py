"""What a rule's pattern may be, so that any linear engine runs it: read from Python's own parse of it.

Source: `re._parser` of the standard library; the limits are those that Hyperscan and RE2 keep to.
"""

from __future__ import annotations

import re
import re._constants as op  # type: ignore[import-not-found]
import re._parser as parser  # type: ignore[import-not-found]
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Any

MOST_BYTES = 4096
MOST_REPEATS = 1000
MOST_WIDTH = 16_384
"""Characters of the longest match; segments overlap by this much."""
LEAST_ANCHOR = 3
_MOST_PREFIXES = 20_000

Chars = frozenset[int] | None
"""The characters that can stand in one place; None: too many to list."""

_REFUSED = {
    op.ASSERT: "look-around",
    op.ASSERT_NOT: "look-around",
    op.GROUPREF: "a back-reference",
    op.GROUPREF_EXISTS: "a conditional",
    op.AT: r"an anchor such as ^, $ or \b (use before and after)",
    op.ATOMIC_GROUP: "an atomic group",
    op.POSSESSIVE_REPEAT: "a possessive repeat",
}


def check(text: str, *, behind: bool = False) -> None:
    """Refuses a pattern that a linear engine could not run or that can match nothing.

    `behind` lets it look behind: what stands in a fixed place before is read in constant time.

    Raises: ValueError.
    """
    if not text.isascii():
        raise ValueError("is not ASCII (text is matched as bytes)")
    if len(text.encode()) > MOST_BYTES:
        raise ValueError(f"longer than {MOST_BYTES} bytes")
    tree = parsed(text)
    if tree.state.flags & ~re.UNICODE & ~re.ASCII:
        raise ValueError("sets flags (use ignore_case)")
    _walk(tree, behind)
    least, most = tree.getwidth()
    if least == 0:
        raise ValueError("can match nothing at all")
    if most > MOST_WIDTH:
        raise ValueError(f"can match {most} characters, more than {MOST_WIDTH}")


def check_class(text: str) -> None:
    """Refuses a guard that is not exactly one character class; the empty text is no guard.

    Raises: ValueError.
    """
    if not text:
        return
    tree = parsed(text)
    if len(tree) != 1 or tree[0][0] not in (op.IN, op.LITERAL, op.NOT_LITERAL, op.ANY):
        raise ValueError("must be one character class, such as [^\\w-]")


def check_search(texts: Sequence[str]) -> None:
    """Refuses patterns that RE2, which looks for them in single values, does not take: RE2 itself is linear.

    Raises: ValueError.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    for number, text in enumerate(texts, 1):
        if len(text.encode()) > MOST_BYTES:
            raise ValueError(f"number {number} is longer than {MOST_BYTES} bytes")
        try:
            pc.match_substring_regex(pa.array(["x"]), text)
        except pa.ArrowInvalid:
            raise ValueError(f"number {number} is no pattern of RE2") from None
    if texts:
        try:
            pc.match_substring_regex(pa.array(["x"]), "|".join(f"(?:{text})" for text in texts))
        except pa.ArrowInvalid:
            raise ValueError("are too large together") from None


def check_anchors(text: str, anchors: Sequence[str], at: tuple[int, int], ignore_case: bool) -> None:
    """Refuses anchors that are short or of which none stands in every match, `at[0]` to `at[1]` characters in.

    Raises: ValueError.
    """
    for anchor in anchors:
        if not isinstance(anchor, str) or len(anchor.encode()) < LEAST_ANCHOR:
            raise ValueError(f"an anchor has {LEAST_ANCHOR} bytes or more")
    if not anchors:
        return
    reach = at[1] + max(len(anchor) for anchor in anchors)
    wanted = [anchor.lower() if ignore_case else anchor for anchor in anchors]
    known = _Certain(ignore_case)
    for prefix in _prefixes(parsed(text), reach):
        certain = "".join(map(known.__getitem__, prefix))
        if not any(certain.find(anchor, at[0], at[1] + len(anchor)) >= 0 for anchor in wanted):
            raise ValueError("the pattern can match without any of them at anchor_at")


@lru_cache(maxsize=8192)
def parsed(text: str) -> Any:
    """The parse tree of a pattern as `re` itself makes it, which is not to be changed. Raises: ValueError."""
    try:
        return parser.parse(text, re.ASCII)
    except (re.error, OverflowError, RecursionError) as err:
        raise ValueError(f"no regular expression: {err}") from err


def _walk(items: Iterable[Any], behind: bool) -> None:
    for kind, value in items:
        if behind and kind is op.ASSERT and value[0] < 0:
            _walk(value[1], behind)
        elif kind in _REFUSED:
            raise ValueError(f"has {_REFUSED[kind]}")
        elif kind in (op.MAX_REPEAT, op.MIN_REPEAT):
            _, most, inner = value
            if most == op.MAXREPEAT:
                raise ValueError("has an unbounded repeat (*, + or {n,}: give the most)")
            if most > MOST_REPEATS:
                raise ValueError(f"repeats {most} times, more than {MOST_REPEATS}")
            _walk(inner, behind)
        elif kind is op.SUBPATTERN:
            if value[0] is not None:
                raise ValueError("has a capture group (use (?:...))")
            _walk(value[-1], behind)
        elif kind is op.BRANCH:
            for branch in value[1]:
                _walk(branch, behind)


def _prefixes(items: Iterable[Any], reach: int) -> set[tuple[Chars, ...]]:
    """The first `reach` places of every way to match, each as the characters that can stand there."""
    found: set[tuple[Chars, ...]] = {()}
    for item in items:
        if all(len(prefix) >= reach for prefix in found):
            break
        grown: set[tuple[Chars, ...]] = set()
        for prefix in found:
            if len(prefix) >= reach:
                grown.add(prefix)
            else:
                grown |= {prefix + more for more in _ways(item, reach - len(prefix))}
        if len(grown) > _MOST_PREFIXES:
            raise ValueError("too many ways to reach the anchor")
        found = grown
    return {prefix[:reach] for prefix in found}


def _ways(item: Any, reach: int) -> set[tuple[Chars, ...]]:
    kind, value = item
    if kind is op.LITERAL:
        return {(frozenset({value}),)}
    if kind is op.IN:
        chars = _listed(value)
        if not chars:
            return {(None,)}
        return {(frozenset({char}),) for char in chars} if len(chars) <= 10 else {(frozenset(chars),)}
    if kind is op.SUBPATTERN:
        return _prefixes(value[-1], reach)
    if kind is op.BRANCH:
        return {way for branch in value[1] for way in _prefixes(branch, reach)}
    if kind in (op.MAX_REPEAT, op.MIN_REPEAT):
        least, most, inner = value
        one = _prefixes(inner, reach)
        shortest = max(min(len(way) for way in one), 1)
        ways: set[tuple[Chars, ...]] = set()
        current: set[tuple[Chars, ...]] = {()}
        for count in range(min(most, reach // shortest + 1) + 1):
            if count >= least or count == reach // shortest + 1:
                ways |= current
            if len(current) * len(one) > _MOST_PREFIXES:
                raise ValueError("too many ways to reach the anchor")
            current = {(way + more)[:reach] for way in current for more in one}
        return ways
    return {(None,)}


def _listed(items: Iterable[Any]) -> set[int]:
    """The characters of a class; empty when it is negated or names a class of letters."""
    chars: set[int] = set()
    for kind, value in items:
        if kind is op.LITERAL:
            chars.add(value)
        elif kind is op.RANGE:
            chars.update(range(value[0], value[1] + 1))
        elif kind is op.CATEGORY and value is op.CATEGORY_DIGIT:
            chars.update(range(48, 58))
        else:
            return set()
    return chars


class _Certain(dict[Chars, str]):
    """The one character of a place, in lower case where that is all the same; NUL where there may be several."""

    def __init__(self, ignore_case: bool) -> None:
        super().__init__({None: "\0"})
        self._ignore_case = ignore_case

    def __missing__(self, chars: frozenset[int]) -> str:
        one = {chr(char).lower()[0] if self._ignore_case else chr(char) for char in chars}
        found = self[chars] = one.pop() if len(one) == 1 else "\0"
        return found
