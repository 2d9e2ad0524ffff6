"""A column checked at once says what its cells say one by one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from piiscan.catalogue import load_rules
from piiscan.cells import Cells, Coded
from piiscan.classify import column
from piiscan.classify.column import LEAST
from piiscan.classify.stack import Stack
from piiscan.model import ColumnSegment, Place
from tests.support.made import whole_stack
from tests.support.trees import mail, ssn

RULES = load_rules()
STACK = whole_stack()
HEADERS = ("", "ssn", "customerSSN", "email", "card_number", "iban", "notes", "order_no", "phone", "passport")
WHOLE = sorted(
    {value for rule in RULES for e in rule.examples for value in e.find if value == e.text and len(value) < 60}
)
"""Examples that are whole cells."""
NUMBERS = st.one_of(
    st.integers(0, 4000).map(ssn),
    st.integers(0, 4000).map(lambda n: ssn(n).replace("-", "")),
    st.integers(0, 4000).map(lambda n: ssn(n).replace("-", " ")),
)
MAILS = st.integers(0, 4000).map(mail)
CARDS = st.sampled_from(["4111111111111111", "5500 0055 5555 5559", "378282246310005", "4111111111111112"])
OTHERS = st.one_of(
    st.just(""),
    st.text(max_size=12),
    st.text("0123456789-. \n", max_size=20),
    st.sampled_from(WHOLE),
    st.sampled_from(["é 字 🙂", "\n", "n/a", " ", "\udc80", "SSN:"]),
    NUMBERS.map(lambda v: f"SSN: {v}, verified"),
    NUMBERS.map(lambda v: f"{v}\n"),
    NUMBERS.map(lambda v: f"é\nSSN {v}\n"),
    MAILS.map(lambda v: f"<{v}>;é"),
)


@st.composite
def tables(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A header and cells, of which most are of one kind."""
    size = draw(st.integers(LEAST, 60))
    kind = draw(st.sampled_from([NUMBERS, MAILS, CARDS, st.sampled_from(WHOLE), OTHERS]))
    if kind is OTHERS or draw(st.booleans()):
        one = draw(kind)
        kind = st.just(one) if draw(st.booleans()) else kind
    cells = draw(st.lists(st.one_of(kind, kind, kind, OTHERS), min_size=size, max_size=size))
    return draw(st.sampled_from(HEADERS)), cells


Row = tuple[int, str, int, int, float]


def found(
    parts: Sequence[ColumnSegment], *, stack: Stack = STACK, one_by_one: bool = False
) -> tuple[list[list[Row]], int]:
    """Matches of every part (cell, rule, start, end, confidence), and how many came from the whole column at once."""
    with mock.patch.object(column, "LEAST", 1 << 60 if one_by_one else LEAST):
        session = stack.open(None, "")  # type: ignore[arg-type]
        out, fast = [], 0
        for part in parts:
            at_once, _ = session._verdicts.whole_cells(part, stack.headers.speaks_for((part.header,)))
            fast += len(at_once)
            batch = session.feed(part)
            assert not len(batch) or batch.item is not None
            rows = [
                (int(batch.item[i]), str(stack.rules[batch.rule[i]].id), int(batch.start[i]), int(batch.end[i]),
                 round(float(batch.confidence[i]), 4))
                for i in range(len(batch)) if batch.item is not None
            ]  # fmt: skip
            assert [row[0] for row in rows] == sorted(row[0] for row in rows)
            out.append(sorted(rows))
    return out, fast


def segment(header: str, cells: Sequence[str]) -> ColumnSegment:
    return ColumnSegment(header, "", list(cells), range(1, len(cells) + 1))


@given(tables())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_at_once_is_as_one_by_one(table: tuple[str, list[str]]) -> None:
    parts = [segment(*table)]
    slow, none = found(parts, one_by_one=True)
    assert none == 0
    assert found(parts)[0] == slow
    for rows in slow:
        for cell, _, start, end, _ in rows:
            assert 0 <= start < end <= len(table[1][cell])


@pytest.mark.parametrize(
    ("header", "cells", "rule"),
    [
        ("ssn", [ssn(n) for n in range(40)], "us.ssn"),
        ("ssn", [ssn(n).replace("-", "") for n in range(40)], "us.ssn"),
        ("", [mail(n) for n in range(40)], "generic.email"),
        ("pan", ["4111111111111111", "378282246310005"] * 20, "generic.credit_card"),
    ],
    ids=["ssn", "ssn-bare", "mail", "card"],
)
@pytest.mark.parametrize("other", ["", "n/a", "é 字", "two\nlines", "SSN: 219-09-9998"], ids=ascii)
def test_a_column_of_one_kind_goes_at_once(header: str, cells: list[str], rule: str, other: str) -> None:
    parts = [segment(header, [*cells[:30], other, *cells[30:], other])]
    (rows,), fast = found(parts)
    assert fast == len(cells)
    assert sum(row[1] == rule for row in rows) >= len(cells)
    assert [rows] == found(parts, one_by_one=True)[0]


def test_a_verdict_holds_for_later_and_shorter_parts_of_a_column() -> None:
    cells = [ssn(n) for n in range(50)]
    parts = [segment("ssn", cells[:40]), segment("ssn", cells[40:45]), segment("ssn", ["n/a"] * 30), segment("x", [])]
    rows, fast = found(parts)
    assert (fast, list(map(len, rows))) == (45, [40, 5, 0, 0])
    assert rows == found(parts, one_by_one=True)[0]


def test_columns_of_one_name_in_two_sheets_have_two_verdicts() -> None:
    first = ColumnSegment("card number", "", [mail(n) for n in range(30)], range(1, 31), Place(sheet="a"))
    second = ColumnSegment("card number", "", ["4111111111111111"] * 30, range(1, 31), Place(sheet="b"))
    rows, fast = found([first, second])
    assert fast == 60
    assert [{row[1] for row in part} for part in rows] == [{"generic.email"}, {"generic.credit_card"}]


def test_a_short_column_goes_cell_by_cell() -> None:
    parts = [segment("ssn", [ssn(n) for n in range(LEAST - 1)])]
    rows, fast = found(parts)
    assert (fast, len(rows[0])) == (0, LEAST - 1)


def test_a_match_never_crosses_a_cell() -> None:
    halves = [ssn(1)[:6], ssn(1)[6:]] * 15
    assert found([segment("", halves)])[0] == [[]]
    assert found([segment("", ["SSN:", ssn(2)] * 15)])[0] == [[]], "a keyword of the cell before spoke"
    rows = found([segment("", ["SSN: " + ssn(2), "x"] * 15)])[0][0]
    assert [row[0] for row in rows] == list(range(0, 30, 2))


@given(tables(), st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_values_that_stand_there_once_have_the_matches_of_all_their_cells(
    table: tuple[str, list[str]], data: st.DataObject
) -> None:
    header, distinct = table[0], [cell.encode("utf-8", "replace").decode() for cell in table[1]]
    # Cells that speak for their neighbours depend on who these are.
    distinct = [cell for cell in distinct if "SSN" not in cell] or ["x"]
    codes = data.draw(st.lists(st.integers(0, len(distinct) - 1), min_size=1, max_size=150))
    coded = ColumnSegment(header, "", Coded(Cells.of(distinct), np.array(codes)), range(1, len(codes) + 1))
    spelt = segment(header, [distinct[code] for code in codes])
    assert found([coded])[0] == found([spelt])[0]
    assert found([coded, spelt])[0] == found([spelt, coded])[0]


def test_a_value_is_read_once_however_often_it_stands_there() -> None:
    cells = [f"{mail(n)} or {ssn(n)}" for n in range(50)]
    codes = np.arange(20_000) * 7 % 50
    coded = ColumnSegment("notes", "", Coded(Cells.of(cells), codes), range(20_000))
    session = STACK.open(None, "")  # type: ignore[arg-type]
    read: list[int] = []
    examine = STACK.examine

    def counted(block: bytes, *rest: Any, **options: Any) -> Any:
        read.append(len(block))
        return examine(block, *rest, **options)

    with mock.patch.object(STACK, "examine", counted):
        batch = session.feed(coded)
    assert sum(read) < 2 * 60 * 50 + 60 * column.SAMPLE
    assert batch.item is not None
    assert np.unique(batch.item).tolist() == list(range(20_000))
