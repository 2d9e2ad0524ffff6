"""A column name or a path speaks for the values below it, in whatever case and with whatever signs it is written."""

from __future__ import annotations

import pytest

from piiscan.classify.context import HeaderIndex, path_names, tokens
from piiscan.classify.plan import make_plan
from piiscan.classify.stack import Stack
from piiscan.model import ColumnSegment, ConfidenceSpec, ContextSpec, MatchSpec
from tests.support.made import rule

BADGE = rule(
    "test.badge",
    match=MatchSpec(r"\d{8}", before=r"[^\w]", after=r"[^\w]"),
    context=ContextSpec(
        keywords=("cid", "badge number", "社員番号"), columns=("badge", "badge_number", "EmployeeBadge"), required=True
    ),
    confidence=ConfidenceSpec(0.2, 0.2, 0.8, 0.9),
)
INDEX = HeaderIndex(make_plan([BADGE], cache=False))
STACK = Stack([BADGE], cache=False)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", ()),
        ("ssn", ("ssn",)),
        ("customerSSN", ("customer", "ssn")),
        ("SSNNumber", ("ssn", "number")),
        ("home_address-line 2", ("home", "address", "line", "2")),
        ("HTTPServerID", ("http", "server", "id")),
        ("__x__", ("x",)),
        ("社員番号", ("社員番号",)),
        ("Größe.cm", ("größe", "cm")),
    ],
)
def test_words_of_a_name(name: str, words: tuple[str, ...]) -> None:
    assert tokens(name) == words


@pytest.mark.parametrize(
    "header",
    [
        *("badge", "Badge", "BADGE", "badge_number", "badgeNumber", "BadgeNumber", "badge number", "Badge-Number:"),
        *("employee_badge", "employeeBadge", "EMPLOYEE BADGE", "badgenumber"),
        *("cid", "CID", "the_cid", "customerCid", "cid_old", "customerCID2 cid", "my badge number (new)", "社員番号"),
    ],
)
def test_a_header_that_speaks_for_a_rule(header: str) -> None:
    assert INDEX.speaks_for([header]) == {0}
    segment = ColumnSegment(header, "", ["12345678", "x"], [1, 2])
    batch = STACK.open(None, "").feed(segment)  # type: ignore[arg-type]
    assert batch.confidence.round(4).tolist() == pytest.approx([0.9], abs=1e-4)


@pytest.mark.parametrize(
    "header", ["", "acid_level", "acidLevel", "cidr", "badger", "old_badge", "number", "number badge", "id", "c_id_x"]
)
def test_a_header_that_does_not(header: str) -> None:
    assert INDEX.speaks_for([header]) == frozenset()
    segment = ColumnSegment(header, "", ["12345678"], [1])
    assert not len(STACK.open(None, "").feed(segment))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("", ()),
        ("$", ()),
        ("$.a.b", ("a", "b")),
        ("$.users[*].badge", ("users", "badge")),
        ("$.users[3].ids[0][1]", ("users", "ids")),
        ("$['a.b'].c[\"d e\"]", ("a.b", "c", "d e")),
        ("nested.list.element", ("nested", "list", "element")),
    ],
)
def test_names_of_a_path(path: str, names: tuple[str, ...]) -> None:
    assert path_names(path) == names


@pytest.mark.parametrize(
    ("header", "path", "speaks"),
    [
        ("value", "$.badge[*].value", True),
        ("value", "$.user['badge number'].value", True),
        ("value", "$.badger.value", False),
        ("value", "$.user.value", False),
    ],
)
def test_every_name_of_a_path_speaks(header: str, path: str, speaks: bool) -> None:
    segment = ColumnSegment(header, path, ["12345678"], [0], axis="record")
    assert bool(len(STACK.open(None, "").feed(segment))) is speaks  # type: ignore[arg-type]
