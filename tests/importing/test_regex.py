"""Patterns of Go and Perl: read, taken apart, and written so that they mean the same."""

from __future__ import annotations

import re

import pytest

from piiscan import pattern
from piiscan.importing.nodes import text_of, widths, words
from piiscan.importing.parts import take_apart
from piiscan.importing.regex import Refused, parse, spelt

SAME = {
    "flags from the middle on": (r"ab(?i)cd|ef", ["abcd", "abCD", "EF"], ["ABcd", "Ab"]),
    "flags of a group": (r"(?i:ab)(?-i:c)", ["ABc", "abc"], ["abC"]),
    "flags switched off": (r"(?i)a(?-i)b", ["Ab", "ab"], ["aB"]),
    "classes of POSIX": (r"[[:alpha:]_][[:digit:][:upper:]]", ["a1", "_Z"], ["1a", "aa"]),
    "a brace that counts nothing": (r"a{x}\{{2}", ["a{x}{{"], ["a{x}{"]),
    "code points": (r"\x{41}\x42\x60", ["AB`"], ["ab`"]),
    "quoted text": (r"\Qa.b\E.", ["a.bx"], ["axbx"]),
    "names of groups": (r"(?P<one>a)(?<two>b)", ["ab"], ["a"]),
    "a bracket in a class": (r"[]a-c^-]{2}", ["]-", "^b"], ["[d"]),
    "a negated class": (r"[^\s\"'][^a-z]", ["xA", "é1"], [" A", "xa"]),
    "any character": (r"a.(?s).", ["a\t\n", "axx"], ["a\nx"]),
}


@pytest.mark.parametrize("case", SAME)
def test_it_means_the_same(case: str) -> None:
    source, held, failed = SAME[case]
    ours = re.compile(text_of(parse(source)))
    for text in held:
        assert ours.fullmatch(text), text
    for text in failed:
        assert not ours.fullmatch(text), text


REFUSED = {
    r"\pL+": "Unicode",
    "a(?=b)": "look-around",
    "(?<!a)b": "look-around",
    r"(a)\1": "back-reference",
    "a++": "possessive",
    "(?U)a+": "flag",
    "é": "ASCII",
    "a)": "parenthesis",
    "[a": "class",
    "[[:word": "class|regular",
    "[[:^alpha:]]": "negated",
    "a\\": "escape",
    r"\x{1F600}": "ASCII",
    r"\C": "not supported",
    "(" * 50 + "a": "regular expression",
}


@pytest.mark.parametrize("source", REFUSED)
def test_what_is_refused(source: str) -> None:
    with pytest.raises(Refused, match=REFUSED[source]):
        take_apart(parse(source))


def test_the_spelling_of_flags_goes_through_alternatives() -> None:
    assert spelt("a(?i)b|c") == "a(?i:b)|(?i:c)"
    assert spelt("((?i)a|b)c") == "((?i:a)|(?i:b))c"


def test_widths_and_words() -> None:
    node = parse(r"(?i)(?:ab|c{2,3})_?")
    assert widths(node) == (2, 4)
    assert words(node, 64) == {a + b for a in ("ab", "cc", "ccc") for b in ("", "_")}
    assert words(node, 3) is None
    assert widths(parse("a+b")) == (2, None)


TAIL = r"""(?:[\x60'"\s;]|\\[nr]|$)"""
LEAD = (
    r"""(?i)[\w.-]{0,50}?(?:initech|umbrella)(?:[ \t\w.-]{0,20})[\s'"]{0,3}"""
    r"""(?:=|>|:{1,3}=|\|\||:|=>|\?=|,)[\x60'"\s=]{0,5}"""
)


def test_a_boundary_of_words_becomes_a_guard() -> None:
    (parts,) = take_apart(parse(r"\bACM-[a-z]{8}\b"))
    assert (parts.pattern, parts.before, parts.after) == ("ACM-[a-z]{8}", r"[^\w]", r"[^\w]")
    assert parts.anchors == ("ACM-",)
    assert not parts.notes


def test_the_usual_tail_of_a_secret_becomes_a_guard() -> None:
    (parts,) = take_apart(parse(rf"\b(acm_(?i)[a-z0-9]{{12}}){TAIL}"))
    accepts = re.compile(parts.after, re.ASCII)
    assert {c for c in map(chr, range(128)) if accepts.fullmatch(c)} == set("`'\"; \t\n\r\f\v\\")
    assert parts.anchors == ("acm_",)
    assert not parts.ignore_case


def test_the_usual_lead_becomes_words_and_a_gap() -> None:
    (parts,) = take_apart(parse(f"{LEAD}([a-z0-9]{{20}}){TAIL}"))
    assert {"initech", "umbrella", "umbrellaapikey"} <= set(parts.keywords)
    assert (parts.pattern, parts.ignore_case) == (r"[\da-z]{20}", True)
    for gap in ("=", "_API_KEY = '", "_key: ", " => ", '" := `'):
        assert re.fullmatch(parts.gap, gap), gap
    for gap in ("", "_key", " + ", "=" * 9):
        assert not re.fullmatch(parts.gap, gap), gap
    pattern.check(parts.gap)


def test_forms_of_their_own_become_rules_of_their_own() -> None:
    first, second = take_apart(parse(rf"{LEAD}([a-z]{{20}}){TAIL}|\b(INI3[A-Z]{{9}})"))
    assert first.keywords
    assert (second.pattern, second.ignore_case, second.keywords) == ("ini3[a-z]{9}", True, ())


@pytest.mark.parametrize(
    ("source", "group", "value"),
    [
        (r"(id)=(\d{8})", 2, r"\d{8}"),
        (r"token=(?:(\d{8})|x)", 1, r"\d{8}"),
        (r"https://hooks\.acme\.test/in/([A-Z]{9})", 0, "[A-Z]{9}"),
        (r"(?:ab|cd)=([0-9]{9})", 0, r"\d{9}"),
    ],
)
def test_the_group_says_what_the_value_is(source: str, group: int, value: str) -> None:
    (parts,) = take_apart(parse(source), group)
    assert parts.pattern == value
    assert parts.keywords


@pytest.mark.parametrize(
    "source", ["(a|b)+", "(?:(x))?y", "foo\\bbar", "[a-z]{9}=(x{9})", "key.{0,20}=(x{9})", "a*", "(?:a)?"]
)
def test_what_cannot_be_taken_apart(source: str) -> None:
    with pytest.raises(Refused):
        take_apart(parse(source))


def test_repeats_get_an_end_and_the_gate_has_the_last_word() -> None:
    (parts,) = take_apart(parse(r"ab[a-z]+c*[^x]*"))
    assert parts.pattern == "ab[a-z]{1,1000}c{0,1000}[^x]{0,200}"
    assert "repeats without end were given one" in parts.notes
    with pytest.raises(Refused, match="repeats 2000 times"):
        take_apart(parse("ab.{0,1000}.{0,2000}"))
    with pytest.raises(Refused, match="more than 16384"):
        take_apart(parse("ab(?:.{0,1000}x){20}"))


def test_anchors_inside_and_of_several_forms() -> None:
    (parts,) = take_apart(parse(r"(?:https?://)?hooks\.acme\.test/[a-z]{8}"))
    assert (parts.anchors, parts.anchor_at) == (("hooks.acme.test/",), (0, 8))
    (parts,) = take_apart(parse(r"(?:AC[0-9][A-Z]{3}|ABCD|ABXY)[A-Z]{16}"))
    assert "ABCD" in parts.anchors
    pattern.check_anchors(parts.pattern, parts.anchors, parts.anchor_at, parts.ignore_case)
    (parts,) = take_apart(parse(r"[A-Z]{2}[a-z]{16}"))
    assert (parts.anchors, parts.anywhere) == ((), True)
