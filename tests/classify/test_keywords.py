"""A keyword speaks for a match within its window, as a whole word, on either side; a negative one against it."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from piiscan.catalogue import load_rules
from piiscan.classify.stack import Stack
from piiscan.extract.text import windows
from piiscan.locate import Locator
from piiscan.model import ConfidenceSpec, ContextSpec, MatchBatch, MatchSpec, Place, Rule, TextSegment
from tests.support.made import rule, whole_stack

NUMBER = "12345678"


def badge(
    *, required: bool = True, pattern: str = r"\d{8}", keywords: Sequence[str] = ("badge",), **more: object
) -> Rule:
    return rule(
        "test.badge",
        match=MatchSpec(pattern, before=r"[^\w]", after=r"[^\w]"),
        context=ContextSpec(keywords=tuple(keywords), required=required, **more),  # type: ignore[arg-type]
        confidence=ConfidenceSpec(0.6, 0.6, 0.9, 0.95),
    )


# The dense stage finds eight digits itself; three digits are found from the keyword on.
KINDS = {
    "dense": (badge(), NUMBER),
    "keyworded": (badge(pattern=r"\d{3}"), "123"),
    "long-keyword": (badge(keywords=("identification",)), NUMBER),
}


def found(of: Rule, text: str, threshold: float = 0.5) -> list[tuple[str, float]]:
    stack = Stack([of], threshold=threshold, cache=False)
    return [(m.value, round(m.confidence, 2)) for m in stack.classify(text)]


@pytest.mark.parametrize("filler", [" ", ".", "é", "字", "🙂"], ids=["space", "dot", "latin", "han", "emoji"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_window_is_thirty_characters_and_includes_the_last(kind: str, filler: str) -> None:
    of, value = KINDS[kind]
    (word,) = of.context.keywords
    for gap, speaks in ((1, True), (2, True), (29, True), (30, True), (31, False), (60, False)):
        between = (" " + filler * (gap - 2) + " ")[:gap] if gap > 1 else " "
        assert len(between) == gap
        for text in (f"{word}{between}{value}", f"{value}{between}{word}"):
            for around in (text, f"é {text} 字", "\n" * 50 + text + "\n" * 50):
                assert found(of, around) == ([(value, 0.9)] if speaks else []), (gap, around.strip())


def test_a_window_may_be_another() -> None:
    of = badge(window=5)
    assert found(of, f"badge{'.' * 4} {NUMBER}") == [(NUMBER, 0.9)]
    assert found(of, f"badge{'.' * 5} {NUMBER}") == []


@pytest.mark.parametrize("word", ["cid", "CID", "Cid", "cid_level", "(cid)", "x-cid:", "#cid#"])
def test_a_keyword_is_a_whole_word(word: str) -> None:
    of = badge(keywords=("cid",))
    assert found(of, f"{word} {NUMBER}") == [(NUMBER, 0.9)]
    assert found(of, f"{NUMBER} {word}") == [(NUMBER, 0.9)]


@pytest.mark.parametrize("word", ["acid_level", "acid", "cids", "cid2", "2cid", "écid", "cidé", "cidr", "placid"])
def test_a_part_of_a_word_is_no_keyword(word: str) -> None:
    of = badge(keywords=("cid",))
    assert found(of, f"{word} {NUMBER}") == []
    assert found(of, f"{NUMBER} {word}") == []


@pytest.mark.parametrize("word", ["identifications", "reidentification", "identificationé"])
def test_a_part_of_a_longer_word_is_no_keyword(word: str) -> None:
    assert found(badge(keywords=("identification",)), f"{word} {NUMBER}") == []


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("社員番号", f"彼の社員番号は{NUMBER}です"),
        ("社員番号", f"社員番号{NUMBER}"),
        ("番号", f"社員番号:{NUMBER}"),
        ("เลขที่", f"ดูเลขที่นี้ {NUMBER}"),
    ],
    ids=["inside", "joined", "short", "thai"],
)
def test_scripts_without_spaces_need_none(word: str, text: str) -> None:
    assert found(badge(keywords=(word,)), text) == [(NUMBER, 0.9)]


@pytest.mark.parametrize("text", ["Straße {n}", "STRASSE {n}", "GRÖSSE {n}", "größe {n}", "Größe {n}"])
def test_keywords_beyond_ascii_have_edges_and_no_case(text: str) -> None:
    of = badge(keywords=("straße", "größe"))
    assert found(of, text.format(n=NUMBER)) == [(NUMBER, 0.9)]
    assert found(of, "x" + text.format(n=NUMBER)) == []


def test_a_keyword_of_the_next_number_is_not_one_of_the_number_before() -> None:
    of = badge()
    assert found(of, "order 11111111, badge 22222222") == [("22222222", 0.9)]
    assert found(of, "badge 11111111, order 33333333 badge 22222222") == [
        ("11111111", 0.9), ("33333333", 0.9), ("22222222", 0.9),
    ]  # fmt: skip
    assert found(of, "11111111 is the badge of ours, and nothing at all of 22222222") == [("11111111", 0.9)]


def test_a_keyword_speaks_for_all_numbers_behind_it() -> None:
    assert found(badge(), "badge 11111111 22222222 33333333 44444444 55555555") == [
        (f"{n}" * 8, 0.9) for n in (1, 2, 3, 4)
    ]


def test_without_a_required_keyword_a_match_is_worth_less() -> None:
    of = badge(required=False)
    assert found(of, f"see {NUMBER}") == [(NUMBER, 0.6)]
    assert found(of, f"badge {NUMBER}") == [(NUMBER, 0.9)]


@pytest.mark.parametrize(
    ("text", "worth"),
    [
        ("order {n}", None),
        ("order no. {n}", None),
        ("ORDER{gap30}{n}", None),
        ("ORDER{gap31}{n}", 0.6),
        ("{n} order", 0.6),
        ("order\n{n}", 0.6),
        ("reorder {n}", 0.6),
        ("orders {n}", 0.6),
        ("order of a badge {n}", 0.45),
        ("badge order {n}", 0.45),
        ("see {n}", 0.6),
    ],
)
def test_negative_words(text: str, worth: float | None) -> None:
    of = badge(required=False, negative=("order",))
    shown = text.format(n=NUMBER, gap30=" " * 30, gap31=" " * 31)
    assert found(of, shown, threshold=0.1) == ([] if worth is None else [(NUMBER, worth)])


def test_a_gap_says_what_may_stand_between() -> None:
    of = badge(gap=r'\s*[=:]\s*"?')
    assert found(of, f'badge = "{NUMBER}"') == [(NUMBER, 0.9)]
    assert found(of, f"badge {NUMBER}") == []
    assert found(of, f"{NUMBER} = badge") == []


# Windows over a long text.

RULES = load_rules()
STACK = whole_stack()
PIECES = sorted(
    {e.text for r in RULES for e in r.examples if not e.column and max(map(len, e.find)) < 120 and len(e.text) < 200}
)
MARGIN = 1_000
Found = tuple[str, int, int, float, int | None, int | None]


def cut(text: str, core: int) -> list[Found]:
    """What the windows of a text hold, in places of the text."""
    out = []
    session = STACK.open(None, "text/plain")  # type: ignore[arg-type]
    parts = list(windows(iter([text]), Place(), core=core, margin=MARGIN))
    for before, after in pairwise(parts):
        assert before.core is not None
        assert after.core is not None
        assert (before.offset or 0) + before.core[1] == (after.offset or 0) + after.core[0]
    for part in parts:
        out += matches(part, session.feed(part))
    return out


def matches(part: TextSegment, batch: MatchBatch) -> list[Found]:
    locate, offset = Locator(part), part.offset or 0
    rows = []
    for n in range(len(batch)):
        start, end = int(batch.start[n]), int(batch.end[n])
        place, worth = locate(start), round(float(batch.confidence[n]), 4)
        rows.append((str(STACK.rules[batch.rule[n]].id), offset + start, offset + end, worth, place.line, place.column))
    return rows


def whole(text: str) -> list[Found]:
    part = TextSegment(text, 0, line=1)
    return matches(part, STACK.open(None, "text/plain").feed(part))  # type: ignore[arg-type]


@given(
    st.lists(
        st.one_of(st.sampled_from(PIECES), st.text("aé 字\r\n.", max_size=40)), min_size=3, max_size=25
    ).map("\n".join),
    st.integers(1, 97),
)  # fmt: skip
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_match_that_windows_cut_is_found_once(text: str, core: int) -> None:
    assert cut(text, max(core, len(text) // 40)) == whole(text)


@pytest.mark.parametrize("core", [1, 3, 10, 11, 12])
def test_every_edge_inside_one_match(core: int) -> None:
    text = "\n" * 40 + "é SSN: 219-09-9998 and more\r\nSSN: 219-09-9997" + "\n" * 20
    assert cut(text, core) == whole(text)
    assert [row[:3] for row in whole(text)] == [("us.ssn", 47, 58), ("us.ssn", 74, 85)]
