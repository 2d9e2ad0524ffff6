from __future__ import annotations

import re

import pytest

from piiscan.cells import Cells
from piiscan.classify.stack import Stack
from piiscan.exact.match import ExactRecognizer
from piiscan.model import ColumnSegment, TextSegment
from tests.exact.conftest import Find, Matches, row


@pytest.fixture
def find(customers: ExactRecognizer) -> Find:
    def found(text: str) -> Matches:
        hits = customers.session()(TextSegment(text, 0))
        return [(customers.rules[rule].id.removeprefix("exact.customers_"), text[s:e], c) for rule, s, e, c in hits]

    return found


CODE, EMAIL, TAX, NAME, ADDRESS, *_ = row(7)
PLAIN = TAX.replace("-", "")


@pytest.mark.parametrize(
    ("column", "spelt", "around"),
    [
        ("email", EMAIL, "to {}, please"),
        ("email", EMAIL.upper(), "<{}>"),
        ("email", EMAIL.lower(), "the last word is {}."),
        ("email", EMAIL, "name='{}'"),
        ("email", EMAIL, "mailto:{}?subject=x"),
        ("email", EMAIL, "zero width \u200b{} before"),
        ("tax", TAX, "no. {}"),
        ("tax", PLAIN, "{},17"),
        ("tax", TAX.replace("-", " "), "12:00 {} 5"),
        ("tax", TAX.replace("-", "."), "({})"),
        ("tax", TAX.replace("-", "\u00a0"), "with hard blanks {}."),
        ("tax", TAX.replace("-", "\u2013"), "with dashes {}."),
        ("tax", "".join(chr(ord(c) + 0xFEE0) for c in PLAIN), "wide: {}"),
        ("tax", TAX, "号{}号"),
        ("name", NAME, "of {} only"),
        ("name", NAME.upper(), "{}"),
        ("name", "jose   farn7ly", "it is {}!"),
        ("name", "Jose\u0301 Farn7ly", "decomposed {}"),
        ("address", ADDRESS, "lives at {}"),
        ("address", ADDRESS.upper().replace(".", "").replace(",", ""), "lives at\n{}\n"),
        ("code", CODE, "ref {}"),
        ("code", CODE.lower().replace("-", "_"), "/files/{}.pdf"),
        ("code", CODE.replace("-", ""), "{}"),
    ],
)
def test_every_spelling_is_found_where_it_stands(find: Find, column: str, spelt: str, around: str) -> None:
    found = find(around.format(spelt))
    assert [(c, s) for c, s, _ in found] == [(column, spelt)]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@",
        f"x{PLAIN}",
        f"{PLAIN}a1",
        f"0.{PLAIN}",
        f"1{PLAIN}",
        f"{PLAIN}0",
        f"{PLAIN[:4]}\n{PLAIN[4:]}",
        f"a{EMAIL}",
        f"{EMAIL}.uk",
        EMAIL.replace(".", ""),
        f"{CODE}1",
        "José Farn7lyx",
        "somebody@example.org 000-12-3456",
        "1950-01-10 Ann born 1957-08-17",  # evidence alone
    ],
)
def test_other_values_are_not_found(find: Find, text: str) -> None:
    assert find(text) == []


def test_two_fields_of_one_row_are_sure_and_of_two_rows_are_not(find: Find) -> None:
    assert [c for *_, c in find(f"{row(8)[1]} has {row(8)[2]}")] == [0.99, 0.99]
    assert [c for *_, c in find(f"{row(8)[1]} has {row(9)[2]}")] == [0.95, 0.95]
    far = " " + "lorem ipsum, " * 30
    assert [c for *_, c in find(f"{row(8)[1]}{far}{row(8)[2]}")] == [0.95, 0.95]


def test_evidence_counts_beside_its_row_only(find: Find) -> None:
    ours = row(9)
    assert find(f"{ours[5]} ({ours[1]}), born {ours[6]}") == [
        ("first", ours[5], 0.99),
        ("email", ours[1], 0.99),
        ("born", ours[6], 0.99),
    ]
    other = "Bob" if ours[5] != "Bob" else "Ann"
    assert find(f"{other} ({ours[1]})") == [("email", ours[1], 0.95)]


@pytest.mark.parametrize("arrow", [False, True])
def test_columns_are_read_cell_by_cell(customers: ExactRecognizer, arrow: bool) -> None:
    session = customers.session()
    rows = [3, 4, 5, 6]
    columns = {
        "first": ["x", row(4)[5], row(5)[5], ""],
        "mail": [row(3)[1], f"é {row(4)[1]}", row(5)[1], "none"],
        "tax": ["1", row(4)[2], row(9)[2], row(3)[2]],
        "born": ["1990-01-01", row(4)[6], row(5)[6], row(3)[6]],
    }
    found = {}
    for header, values in columns.items():
        segment = ColumnSegment(header, "", Cells.of(values) if arrow else values, rows)
        found[header] = [
            (customers.rules[rule].id[16:], item, values[item][s:e], c)
            for rule, item, s, e, c in session.column(segment)
        ]
    assert found == {
        "first": [],
        "mail": [
            ("email", 0, row(3)[1], 0.95),
            ("email", 1, row(4)[1], 0.99),  # the first name stood in the column before
            ("email", 2, row(5)[1], 0.99),
        ],
        "tax": [
            ("tax", 1, row(4)[2], 0.99),
            ("tax", 2, row(9)[2], 0.95),
            ("tax", 3, row(3)[2], 0.95),
        ],
        "born": [("born", 1, row(4)[6], 0.99), ("born", 2, row(5)[6], 0.99), ("born", 3, row(3)[6], 0.99)],
    }
    # A new block of rows has nothing to do with the one before.
    assert session.column(ColumnSegment("born", "", [row(4)[6]], [44])) == []


def test_a_value_does_not_go_over_the_end_of_a_cell(customers: ExactRecognizer) -> None:
    values = ["José", "Farn7ly", TAX[:6], TAX[7:]]
    assert customers.session().column(ColumnSegment("x", "", values, [1, 2, 3, 4])) == []


def test_matches_stand_beside_those_of_rules(customers: ExactRecognizer) -> None:
    from piiscan.classify.build import chosen_rules
    from piiscan.config import Config

    mail = [rule for rule in chosen_rules(Config()) if rule.id == "generic.email"]
    stack = Stack(mail, recognizers=[customers], cache=False)
    text = f"é {EMAIL} and other@example.org"
    assert [(m.rule, m.start, m.value) for m in stack.classify(text)] == [
        ("generic.email", 2, EMAIL),
        ("exact.customers_email", 2, EMAIL),
        ("generic.email", 2 + len(EMAIL) + 5, "other@example.org"),
    ]
    assert [m.rule for m in stack.classify(EMAIL, column="mail")] == ["generic.email", "exact.customers_email"]
    assert [m.rule for m in Stack(mail, recognizers=[customers], cache=False, threshold=0.97).classify(text)] == []


def test_a_long_text_is_found_as_a_short_one_is(find: Find) -> None:
    lines = [f"{n} {row(n)[1].upper()} № {row(n)[2]} naïve — «{row(n)[3]}»\n" for n in range(300)]
    found = find("".join(lines))
    assert [s for c, s, _ in found if c == "tax"] == [row(n)[2] for n in range(300)]
    assert [s for c, s, _ in found if c == "email"] == [row(n)[1].upper() for n in range(300)]
    assert [s for c, s, _ in found if c == "name"] == [row(n)[3] for n in range(300)]


def test_no_repr_tells_a_value(customers: ExactRecognizer) -> None:
    places = customers.opened[0].find(f"{EMAIL} {TAX}".encode())
    assert len(places) == 2
    assert not re.search("ann|lee|" + PLAIN, repr(places) + repr(customers.opened))
