"""What is kept of a value: a mask that tells little, a keyed fingerprint, exact counts, and places that are right."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from piiscan.catalogue import load_rules
from piiscan.cells import Cells, Coded
from piiscan.locate import Locator
from piiscan.model import (
    Category,
    ColumnSegment,
    MaskSpec,
    MatchBatch,
    MatchSpec,
    Place,
    Rule,
    Segment,
    Severity,
    TextSegment,
)
from piiscan.redact import Redactor, all_normalised, fingerprinter, mask, mask_for, normalised
from tests.support.made import rule

KEY = bytes(range(32))
NUMBER = rule()
SECRET = rule("test.secret", Category.CREDENTIALS, mask=MaskSpec(4, 4))
MAILBOX = rule("test.mail", match=MatchSpec("x", shape="email"), mask=MaskSpec(1, 0))
VALUES = st.text(max_size=80) | st.text("0123456789 -./", max_size=30) | st.text("aé字\u0939\u093f🙂-", max_size=40)


def batch(spans: list[tuple[int, int, int]], confidence: float = 0.9, item: list[int] | None = None) -> MatchBatch:
    """(rule, start, end) as the classifiers give them."""
    return MatchBatch(
        np.array([s[0] for s in spans], np.int32),
        np.array([s[1] for s in spans], np.int64),
        np.array([s[2] for s in spans], np.int64),
        np.full(len(spans), confidence, np.float32),
        None if item is None else np.array(item, np.int64),
    )


def found(text: str, *values: str) -> list[tuple[int, int, int]]:
    """The spans of values that stand in a text in this order."""
    spans, at = [], 0
    for value in values:
        start = text.index(value, at)
        at = start + len(value)
        spans.append((0, start, at))
    return spans


def redactor(*rules: Rule, **options: Any) -> Redactor:
    return Redactor(rules or (NUMBER,), fingerprinter(KEY), **options)


def is_sign(character: str) -> bool:
    return character.isascii() and character.isprintable() and not character.isalnum()


@given(VALUES, st.integers(0, 40), st.integers(0, 40))
def test_a_mask_shows_half_at_most_and_never_a_whole_value(value: str, start: int, end: int) -> None:
    masked = mask(value, start, end)
    telling = sum(not is_sign(c) for c in value)
    shown = sum(not is_sign(c) and c != "…" for c in masked)
    assert 2 * shown <= telling
    assert masked != value or set(value) <= {"*"}
    assert len(masked) <= max(len(value), 1)


@given(VALUES, st.integers(0, 4), st.integers(0, 4))
def test_a_secret_shows_its_kept_ends_only(value: str, start: int, end: int) -> None:
    masked = mask_for(rule("test.secret", Category.CREDENTIALS, mask=MaskSpec(start, end)), value)
    head, _, tail = masked.partition("*" * 8)
    head_size, tail_size = min(start, len(value) // 4), min(end, len(value) // 4)
    assert masked == value[:head_size] + "*" * 8 + value[len(value) - tail_size :]
    assert 2 * (head_size + tail_size) <= len(value)
    if "*" not in value:
        assert (len(head), len(tail)) == (head_size, tail_size)


def test_signs_between_the_ends_of_a_secret_do_not_show() -> None:
    assert mask_for(SECRET, "abcd-efgh_ijkl/mnop+qrst=") == "abcd********rst="
    assert mask_for(rule("test.key", Category.CREDENTIALS), "-----BEGIN KEY-----\nabc") == "********"


@pytest.mark.parametrize("rule", [r for r in load_rules() if r.examples], ids=lambda r: r.id)
def test_no_example_of_the_catalogue_shows_in_its_mask(rule: Rule) -> None:
    for example in rule.examples:
        for value in example.find:
            masked = mask_for(rule, value)
            assert value not in masked
            telling = sum(not is_sign(c) for c in value)
            assert 2 * sum(not is_sign(c) and c != "…" for c in masked) <= telling or masked == "*" * len(masked)


@pytest.mark.parametrize(
    ("of", "spellings"),
    [
        (NUMBER, ("DE44 5001 0517", "de44-5001-0517", "DE4450010517", "DE44.5001/0517", "DE44\u00a05001\u20110517")),
        (MAILBOX, ("Ann.Lee@Example.org", "ann.lee@example.ORG")),
    ],
    ids=["number", "mailbox"],
)
def test_spellings_of_one_value_have_one_fingerprint(of: Rule, spellings: tuple[str, ...]) -> None:
    fingerprint = fingerprinter(KEY)
    assert len({fingerprint(normalised(of, s)) for s in spellings}) == 1


def test_what_tells_values_apart_stays_in_the_fingerprint() -> None:
    fingerprint = fingerprinter(KEY)
    for of, first, second in (
        (MAILBOX, "ann.lee@example.org", "annlee@example.org"),
        (SECRET, "Abc-def", "abc-def"),
        (SECRET, "abc-def", "abcdef"),
        (NUMBER, "219-09-9998", "219-09-9997"),
    ):
        assert fingerprint(normalised(of, first)) != fingerprint(normalised(of, second))


@given(st.text(max_size=40))
def test_a_fingerprint_needs_the_key(value: str) -> None:
    data = value.encode("utf-8", "surrogatepass")
    mine = fingerprinter(KEY)(value)
    assert len(mine) == 16
    assert mine == fingerprinter(KEY)(value)
    assert mine != fingerprinter(KEY[::-1])(value)
    for size in (16, 32, 64):
        assert mine != hashlib.blake2b(data, digest_size=size).digest()[:16]
    assert mine != hashlib.blake2b(KEY + data, digest_size=16).digest()


@given(st.lists(VALUES, max_size=120), st.sampled_from([NUMBER, SECRET, MAILBOX]))
def test_many_values_are_normalised_as_one_is(values: list[str], of: Rule) -> None:
    assert all_normalised(of, values) == [normalised(of, value) for value in values]
    many = values * 50
    assert all_normalised(of, many) == [normalised(of, value) for value in many]


@given(st.lists(st.integers(0, 12), max_size=80), st.integers(1, 5))
def test_counts_are_exact_in_all_segments_together(numbers: list[int], pieces: int) -> None:
    collected = redactor()
    for part in range(pieces):
        # The same number with and without separators, in turns.
        values = [f"219-09-99{n:02d}" if n % 2 else f"21909 99{n:02d}" for n in numbers[part::pieces]]
        text = " ; ".join(values)
        collected.add(TextSegment(text, 0), batch(found(text, *values)))
    if not numbers:
        assert collected.findings() == ()
        return
    (finding,) = collected.findings()
    assert (finding.count, finding.distinct, finding.distinct_exact) == (len(numbers), len(set(numbers)), True)
    assert sorted(finding.values.values()) == sorted(numbers.count(n) for n in set(numbers))


def test_beyond_the_cap_distinct_is_not_exact() -> None:
    def distinct(count: int) -> tuple[int, int, bool]:
        collected = redactor(max_values=3)
        values = [f"21909{n:04d}" for n in range(count)] * 2
        text = " ".join(values)
        collected.add(TextSegment(text, 0), batch(found(text, *values)))
        (finding,) = collected.findings()
        return finding.count, finding.distinct, finding.distinct_exact

    assert distinct(3) == (6, 3, True)
    assert distinct(4) == (8, 3, False)


def test_the_first_occurrences_are_kept_in_the_order_of_the_text() -> None:
    second = rule("test.other")
    collected = redactor(NUMBER, second, kept=3)
    text = "1111 2222 3333 4444 5555 6666"
    spans = [(n % 2, 5 * n, 5 * n + 4) for n in range(6)]
    collected.add(TextSegment(text, 100, line=1), batch(spans))
    collected.add(TextSegment(text, 200, line=2), batch(spans))
    numbers, others = sorted(collected.findings(), key=lambda f: f.rule, reverse=False)
    assert [o.offset for o in numbers.occurrences] == [100, 110, 120]
    assert [o.offset for o in others.occurrences] == [105, 115, 125]
    assert [o.place.column for o in others.occurrences] == [6, 16, 26]
    assert (numbers.count, others.count) == (6, 6)
    assert all(o.length == 4 and o.masked.count("*") == 4 for o in numbers.occurrences)


def test_occurrences_reach_over_segments() -> None:
    collected = redactor(kept=3)
    for n in range(4):
        collected.add(TextSegment("1111 2222", 100 * n, line=n + 1), batch([(0, 0, 4), (0, 5, 9)]))
    (finding,) = collected.findings()
    assert [o.offset for o in finding.occurrences] == [0, 5, 100]


def test_the_severity_follows_the_count_and_the_confidence_is_the_best() -> None:
    collected = redactor(rule(severity=((1, Severity.LOW), (3, Severity.CRITICAL))))
    collected.add(TextSegment("1 2", 0), batch([(0, 0, 1), (0, 2, 3)], 0.6))
    assert collected.findings()[0].severity is Severity.LOW
    collected.add(TextSegment("3", 4), batch([(0, 0, 1)], 0.8))
    (finding,) = collected.findings()
    assert (finding.severity, finding.confidence) == (Severity.CRITICAL, 0.8)


@pytest.mark.parametrize(
    ("values", "sample"),
    [
        (("078-05-1120",), True),
        (("078-05-1120", "078 05 1120", "078051120"), True),
        (("078-05-1120", "219-09-9998"), False),
        (("219-09-9998",), False),
    ],
    ids=["sample", "spellings", "one-of-two", "none"],
)
@pytest.mark.parametrize("segments", [1, 2])
def test_only_samples_make_test_data(values: tuple[str, ...], sample: bool, segments: int) -> None:
    collected = redactor(rule(test_values=frozenset({"078051120"})))
    for part in range(segments):
        text = " ; ".join(values[part::segments])
        collected.add(TextSegment(text, 0), batch(found(text, *values[part::segments])))
    assert [f.test_data for f in collected.findings()] == [sample]


def test_a_sample_secret_may_be_known_by_its_digest() -> None:
    digest = "sha256:" + hashlib.sha256(b"EXAMPLE-KEY").hexdigest()
    secret = rule("test.secret", Category.CREDENTIALS, test_values=frozenset({digest}))
    collected = redactor(secret)
    collected.add(TextSegment("EXAMPLE-KEY"), batch([(0, 0, 11)]))
    assert collected.findings()[0].test_data
    collected.add(TextSegment("ANOTHER-KEY"), batch([(0, 0, 11)]))
    assert not collected.findings()[0].test_data


def test_columns_give_row_and_name() -> None:
    values = ["219-09-9998", "none", "see 219-09-9997"]
    segment = ColumnSegment("ssn", "", values, [1, 2, 7], lines=[2, 3, 9])
    collected = redactor()
    collected.add(segment, batch([(0, 0, 11), (0, 4, 15)], item=[0, 2]))
    (finding,) = collected.findings()
    assert [o.place.to_json() for o in finding.occurrences] == [
        {"line": 2, "row": 1, "column_name": "ssn"},
        {"line": 9, "row": 7, "column_name": "ssn"},
    ]
    assert [(o.offset, o.length) for o in finding.occurrences] == [(None, None)] * 2
    assert finding.distinct == 2


def test_no_value_is_in_what_is_kept() -> None:
    collected = redactor(NUMBER)
    collected.add(TextSegment("219-09-9998", 0), batch([(0, 0, 11)]))
    kept = repr(collected.findings())
    assert "9998" not in kept
    assert "219" not in kept


@given(
    st.text("ab\r\n\u2028é", max_size=60),
    st.integers(1, 50),
    st.integers(1, 9),
    st.lists(st.integers(0, 60), max_size=5),
    st.data(),
)
def test_places_are_those_of_the_segment(
    text: str, line: int, column: int, starts: list[int], data: st.DataObject
) -> None:
    cuts = sorted({0, *(s for s in starts if s < len(text))}) if starts else []
    places = tuple(Place(page=n + 1) for n in range(len(cuts)))
    segment: Segment = TextSegment(text, 0, tuple(cuts), places, line=line, column=column)
    locate = Locator(segment)
    offsets = data.draw(st.lists(st.integers(0, len(text)), max_size=20))
    for offset in sorted(offsets) if data.draw(st.booleans()) else offsets:
        assert locate(offset) == segment.place_of(offset)


@given(st.text("ab\r\n", max_size=30), st.integers(0, 30))
def test_lines_end_at_lf_crlf_and_cr(text: str, offset: int) -> None:
    offset = min(offset, len(text))
    place = Locator(TextSegment(text, 0, line=1))(offset)
    # Counted by hand: a CR counts unless its LF follows, which counts instead.
    line, column = 1, 1
    for n in range(offset):
        column += 1
        if text[n] == "\n" or (text[n] == "\r" and text[n + 1 : n + 2] != "\n"):
            line, column = line + 1, 1
    assert (place.line, place.column) == (line, column)


@given(st.text("ab\n\rc é日😀", max_size=60))
def test_places_counted_in_bytes_are_those_counted_in_characters(text: str) -> None:
    slow = Locator(TextSegment(text, 0, line=1))
    fast = Locator(TextSegment(text, 0, line=1, utf8=text.encode()))
    offsets = [*range(len(text)), *range(0, len(text), 7)]
    assert [fast(at) for at in offsets] == [slow(at) for at in offsets]


def test_beyond_the_cap_known_values_and_samples_are_still_counted() -> None:
    sample = rule("test.sample", test_values=frozenset({"7777"}))
    collected = redactor(sample, max_values=2)
    for text in ("1111 2222", "3333 1111 7777", "7777 2222"):
        values = text.split()
        collected.add(TextSegment(text, 0), batch(found(text, *values)))
    (finding,) = collected.findings()
    assert (finding.count, finding.distinct, finding.distinct_exact, finding.test_data) == (7, 2, False, False)
    assert sorted(finding.values.values()) == [2, 2]
    only = redactor(sample, max_values=0)
    only.add(TextSegment("7777", 0), batch([(0, 0, 4)]))
    assert only.findings()[0].test_data


def test_cells_of_an_array_are_redacted_as_any_others() -> None:
    values = ["12-34", "no", "12 34", "x 5678"]
    hits = batch([(0, 0, 5), (0, 0, 5), (0, 2, 6)], item=[0, 2, 3])
    out = []
    for cells in (values, Cells.of(values)):
        collected = redactor()
        collected.add(ColumnSegment("n", "", cells, [1, 2, 3, 4]), hits)
        out.append(collected.findings())
    assert out[0] == out[1]
    assert (out[0][0].count, out[0][0].distinct) == (3, 2)


@given(
    st.lists(st.sampled_from(["12-34", "1234", "x 5678", "5678 5678", "é 5678", "Ann@x.org"]), min_size=1, max_size=6),
    st.sampled_from([NUMBER, SECRET, MAILBOX, rule("test.sample", test_values=frozenset({"5678"}))]),
    st.booleans(),
    st.data(),
)
def test_cells_that_are_there_once_are_redacted_as_any_others(
    distinct: list[str], of: Rule, whole: bool, data: st.DataObject
) -> None:
    codes = data.draw(st.lists(st.integers(0, len(distinct) - 1), min_size=1, max_size=30))
    spans, item = [], []
    for index, code in enumerate(codes):
        value = distinct[code]
        for start, end in [(0, len(value))] if whole else [(m.start(), m.end()) for m in re.finditer(r"\d+", value)]:
            spans.append((0, start, end))
            item.append(index)
    values = [distinct[code] for code in codes]
    out = []
    for cells in (values, Cells.of(values), Coded(Cells.of(distinct), np.array(codes))):
        collected = redactor(of, kept=3)
        for _ in range(2):
            collected.add(ColumnSegment("n", "", cells, range(len(values))), batch(spans, item=item))
        out.append(collected.findings())
    assert out[0] == out[1] == out[2]
