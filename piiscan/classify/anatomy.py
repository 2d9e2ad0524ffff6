"""What the matches of a pattern look like, read off the parsed pattern: widths, digits, letters, signs.

The plan sorts rules by these facts; nothing here runs a pattern.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from re import _constants as sre
from typing import Any

from piiscan.pattern import parsed

SEPARATORS = frozenset(b" -./()+")
"""What may stand between the digits of a number that people write."""

OPAQUE_SIGNS = frozenset(b"_-+/.~=")
"""What keys and tokens hold beside letters and digits."""


@dataclass(frozen=True, slots=True)
class Anatomy:
    """What every match of one pattern has; counts are the least over all matches, widths are characters."""

    least: int
    most: int
    digits: int
    capitals: int
    letters: int
    group: int
    """Digits in the longest stretch of digits and separators."""
    run: int
    """Digits in the longest stretch of nothing else."""
    leading: bool
    """A letter can stand before the first digit."""
    plain: bool
    """Nothing but letters, digits and separators can be in it."""
    opaque: bool
    """No blank can be in it, letters and digits can: a key, a token, a hash."""
    tail: int
    """Characters of the longest match from the first on that can be a letter; 0 without letters."""
    head: int
    """Most characters before the first digit of a match."""


@lru_cache(maxsize=4096)
def anatomy_of(pattern: str) -> Anatomy:
    """The anatomy of one pattern."""
    least, most, digits = shape_of(pattern)
    signs = signs_of(pattern)
    return Anatomy(
        least=least,
        most=most,
        digits=digits,
        capitals=capitals_of(pattern),
        letters=letters_of(pattern),
        group=group_of(pattern),
        run=run_of(pattern),
        leading=may_begin_with_letter(pattern),
        plain=signs is not None and signs <= SEPARATORS,
        opaque=opaque_of(pattern),
        tail=tail_of(pattern),
        head=head_of(pattern),
    )


def shape_of(pattern: str) -> tuple[int, int, int]:
    """(least width, most width, least digits) over all matches of a pattern, in characters.

    >>> shape_of(r"\\d{3}-\\d{2}-?\\d{4}")
    (10, 11, 9)
    >>> shape_of("[A-Z]{2}(?:12|345)")
    (4, 5, 2)
    """
    tree = parsed(pattern)
    least, most = tree.getwidth()
    return int(least), int(most), _count(tree, 48, 57)


def signs_of(pattern: str) -> frozenset[int] | None:
    """The characters beside letters and digits that a match can hold; None when a class or dot leaves it open."""
    found: set[int] = set()
    return frozenset(found) if _signs(parsed(pattern), found) else None


def _signs(items: Any, found: set[int]) -> bool:
    for op, arg in items:
        if op is sre.LITERAL:
            if not chr(arg).isalnum():
                found.add(arg)
        elif op is sre.IN:
            for kind, value in arg:
                if kind is sre.LITERAL:
                    found.update(() if chr(value).isalnum() else (value,))
                elif kind is sre.RANGE:
                    found.update(c for c in range(value[0], min(value[1], 255) + 1) if not chr(c).isalnum())
                elif not (kind is sre.CATEGORY and value is sre.CATEGORY_DIGIT):
                    return False
        elif op in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            if not _signs(arg[2], found):
                return False
        elif op is sre.SUBPATTERN:
            if not _signs(arg[3], found):
                return False
        elif op is sre.BRANCH:
            if not all(_signs(branch, found) for branch in arg[1]):
                return False
        else:
            return False
    return True


def capitals_of(pattern: str) -> int:
    """Least number of capital letters in a match.

    >>> capitals_of(r"[A-Z]{2}\\d{6}[A-Z0-9]"), capitals_of(r"[A-Za-z]\\d{7}")
    (2, 0)
    """
    return _count(parsed(pattern), 65, 90)


def group_of(pattern: str) -> int:
    """Least number of digits in the longest stretch of digits and separators of a match.

    >>> group_of(r"[A-Z]\\d{3}-\\d{4}"), group_of(r"\\d{2}[A-Z]\\d{3}")
    (7, 3)
    """
    return _group(parsed(pattern), SEPARATORS)


def run_of(pattern: str) -> int:
    """Least number of digits in the longest stretch of nothing but digits of a match.

    >>> run_of(r"[A-Z]\\d{3}-\\d{4}"), run_of(r"\\d{13,19}=\\d{7}")
    (4, 13)
    """
    return _group(parsed(pattern), frozenset())


def _group(items: Any, between: frozenset[int]) -> int:
    best = current = 0
    for op, arg in items:
        inner = [(op, arg)]
        signs: set[int] = set()
        if _signs(inner, signs) and signs <= between and not _holds_letters(inner):
            current += _count(inner, 48, 57)
            best = max(best, current)
            continue
        current = 0
        if op is sre.BRANCH:
            best = max(best, min(_group(branch, between) for branch in arg[1]))
        elif op is sre.SUBPATTERN:
            best = max(best, _group(arg[3], between))
    return best


def may_begin_with_letter(pattern: str) -> bool:
    """Whether a letter can stand before the first digit of a match."""
    for op, arg in parsed(pattern):
        if _holds_letters([(op, arg)]):
            return True
        if _count([(op, arg)], 48, 57):
            return False
    return False


def tail_of(pattern: str) -> int:
    """Most characters from the first that can be a letter to the end of a match; 0 when there is none.

    >>> tail_of(r"\\d{8}[A-Z]"), tail_of(r"\\d{5}[0-9A-Z]{11}\\d{2}"), tail_of(r"\\d{9}")
    (1, 13, 0)
    """
    return _tail(parsed(pattern))


def _tail(items: Any) -> int:
    rest = [(op, arg) for op, arg in items]
    for position, (op, arg) in enumerate(rest):
        if not _holds_letters([(op, arg)]):
            continue
        behind = sum(_width(item) for item in rest[position + 1 :])
        if op is sre.BRANCH:
            return max(_tail(branch) for branch in arg[1]) + behind
        return _width((op, arg)) + behind
    return 0


def head_of(pattern: str) -> int:
    """Most characters before the first digit of a match; all of them when there need not be one.

    >>> head_of(r"[A-Z]{1,2}\\d[A-Z]"), head_of(r"(?:GIR|[A-Z]\\d) ?\\d"), head_of("[a-z]{3}")
    (2, 4, 3)
    """
    return _head(parsed(pattern))


def _head(items: Any) -> int:
    total = 0
    for op, arg in items:
        if not _count([(op, arg)], 48, 57):
            total += _width((op, arg))
        elif op in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            return total + _head(arg[2])
        elif op is sre.SUBPATTERN:
            return total + _head(arg[3])
        elif op is sre.BRANCH:
            return total + max(_head(branch) for branch in arg[1])
        else:
            return total
    return total


def _width(item: Any) -> int:
    """Most characters of one parsed element."""
    op, arg = item
    if op in (sre.MAX_REPEAT, sre.MIN_REPEAT):
        return int(arg[1]) * sum(_width(inner) for inner in arg[2])
    if op is sre.SUBPATTERN:
        return sum(_width(inner) for inner in arg[3])
    if op is sre.BRANCH:
        return max(sum(_width(inner) for inner in branch) for branch in arg[1])
    return 1


def begins_with(pattern: str, code: int) -> bool:
    """Whether a match of a pattern can begin with a byte; True where that is not easily told.

    >>> begins_with('["\\']?[:=] ?', ord(":")), begins_with('["\\']?[:=] ?', ord("a"))
    (True, False)
    """
    return _first(parsed(pattern), code)[0]


def _first(items: Any, code: int) -> tuple[bool, bool]:
    """Whether a parsed pattern can begin with a byte, and whether it can be empty."""
    for op, arg in items:
        if op is sre.LITERAL:
            hit, empty = arg == code, False
        elif op is sre.IN:
            hit, empty = _in_class(arg, code), False
        elif op in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            hit, empty = _first(arg[2], code)
            empty = empty or arg[0] == 0
        elif op is sre.SUBPATTERN:
            hit, empty = _first(arg[3], code)
        elif op is sre.BRANCH:
            ways = [_first(branch, code) for branch in arg[1]]
            hit, empty = any(way[0] for way in ways), any(way[1] for way in ways)
        elif op is sre.ASSERT:
            hit, empty = False, True
        else:
            return True, False
        if hit or not empty:
            return hit, False
    return False, True


def _in_class(items: Any, code: int) -> bool:
    refused = items[0][0] is sre.NEGATE
    for op, arg in items:
        if op is sre.LITERAL and arg == code:
            return not refused
        if op is sre.RANGE and arg[0] <= code <= arg[1]:
            return not refused
        if op is sre.CATEGORY:
            classes = {sre.CATEGORY_SPACE: rb"\s", sre.CATEGORY_DIGIT: rb"\d", sre.CATEGORY_WORD: rb"\w"}
            if arg not in classes or re.match(classes[arg], bytes([code])):
                return not refused
    return bool(refused)


def opaque_of(pattern: str) -> bool:
    """Whether matches hold no blank, and may hold both letters and digits: a key, a token, a hash.

    >>> opaque_of("[a-f0-9]{32}"), opaque_of("[A-Z]{16}"), opaque_of(r"[A-Za-z0-9 ]{20}")
    (True, False, False)
    """
    tree = parsed(pattern)
    signs = signs_of(pattern)
    return signs is not None and signs <= OPAQUE_SIGNS and _holds_letters(tree) and _holds_digits(tree)


def _holds_digits(items: Any) -> bool:
    """Whether any match of a parsed pattern can hold a digit."""
    return _holds(items, str.isdigit, lambda chars: any(_in_class(chars, code) for code in b"0123456789"))


def _holds_letters(items: Any) -> bool:
    """Whether any match of a parsed pattern can hold a letter."""
    return _holds(items, str.isalpha, _names_letters)


def _names_letters(chars: Any) -> bool:
    return any(
        (k is sre.LITERAL and chr(v).isalpha()) or (k is sre.RANGE and (v[0] <= 90 or v[1] >= 97) and v[1] >= 65)
        for k, v in chars
    )


def _holds(items: Any, literal: Callable[[str], bool], among: Callable[[Any], bool]) -> bool:
    """Whether some element of a parsed pattern is a wanted literal, or a class with a wanted character."""
    for op, arg in items:
        if op is sre.LITERAL and literal(chr(arg)):
            return True
        if op is sre.IN and among(arg):
            return True
        if op in (sre.MAX_REPEAT, sre.MIN_REPEAT) and _holds(arg[2], literal, among):
            return True
        if op is sre.SUBPATTERN and _holds(arg[3], literal, among):
            return True
        if op is sre.BRANCH and any(_holds(branch, literal, among) for branch in arg[1]):
            return True
    return False


def _within(items: Any, low: int, high: int) -> bool:
    """Whether a class holds nothing outside a range of code points."""
    for op, arg in items:
        if op is sre.RANGE and low <= arg[0] and arg[1] <= high:
            continue
        if op is sre.LITERAL and low <= arg <= high:
            continue
        if op is sre.CATEGORY and arg is sre.CATEGORY_DIGIT and (low, high) == (48, 57):
            continue
        return False
    return True


def _count(items: Any, low: int, high: int) -> int:
    """Least number of characters of a range in a match of a parsed pattern."""
    total = 0
    for op, arg in items:
        if op is sre.LITERAL:
            total += low <= arg <= high
        elif op is sre.IN:
            total += _within(arg, low, high)
        elif op in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            total += arg[0] * _count(arg[2], low, high)
        elif op is sre.SUBPATTERN:
            total += _count(arg[3], low, high)
        elif op is sre.BRANCH:
            total += min(_count(branch, low, high) for branch in arg[1])
    return total


def letters_of(pattern: str) -> int:
    """Least number of letters in a match."""
    tree = parsed(pattern)
    return _count(tree, 65, 90) + _count(tree, 97, 122)
