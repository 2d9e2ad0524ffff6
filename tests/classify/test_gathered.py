"""Small texts read together: the same matches as one by one, in their order, and nothing lost before an error."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from piiscan.classify.build import build_stack
from piiscan.classify.encoded import gathered, readings
from piiscan.classify.stack import Stack
from piiscan.config import Config
from piiscan.errors import Malformed
from piiscan.model import ColumnSegment, MatchBatch, Place, Segment, TextSegment

SSN = "219-09-9999"


@pytest.fixture(scope="module")
def stack() -> Stack:
    return build_stack(Config(ner=False))


def inner(text: str, name: str = "a.txt") -> TextSegment:
    return TextSegment(text, None, (0,), (Place(member=(name,)),), core=(0, len(text)))


def texts() -> list[Segment]:
    hidden = base64.b64encode(f"his social security number is {SSN}".encode()).decode()
    numbers = " ".join(f"{n:03d}-{n % 90 + 10}-{n % 9000 + 1000}" for n in range(200, 260))
    return [
        inner("nothing"),
        inner(f"SSN: {SSN}", "b.txt"),
        inner("the keyword alone, at the end: SSN"),
        inner(f"{SSN} without a word of its own"),
        inner(f"data: {hidden}", "c.txt"),
        inner("mañana: ana.prueba@example.org"),
        ColumnSegment("ssn", "", (SSN, "219-10-1234"), (1, 2)),
        inner(numbers),
        inner("card 4111 1111 1111 1111 and 5500005555555559"),
        TextSegment(f"the object itself, SSN {SSN}", 0),
        inner("x" * 20_000 + f" SSN {SSN}"),
        inner(""),
        inner("iban DE89 3704 0044 0532 0130 00"),
    ]


def rows(found: Iterator[tuple[Segment, MatchBatch]]) -> list[tuple[object, ...]]:
    out = []
    for segment, batch in found:
        for i in range(len(batch.rule)):
            place = segment.place_of(int(batch.start[i]) if batch.item is None else int(batch.item[i]))
            out.append(
                (
                    place,
                    int(batch.rule[i]),
                    int(batch.start[i]),
                    int(batch.end[i]),
                    round(float(batch.confidence[i]), 4),
                )
            )
    return sorted(out, key=repr)


def test_together_and_one_by_one(stack: Stack) -> None:
    one, many = stack.open(None, "application/zip"), stack.open(None, "application/zip")  # type: ignore[arg-type]
    alone = rows(pair for segment in texts() for pair in readings(one, segment))
    assert rows(gathered(many, texts())) == alone
    assert len(alone) > 8


def test_many_small_texts_keep_their_order_and_places(stack: Stack) -> None:
    session = stack.open(None, "application/zip")  # type: ignore[arg-type]
    given = [inner(f"SSN: {219 + n // 9000:03d}-{n % 90 + 10}-{n % 9000 + 1000}", f"{n}.txt") for n in range(3_000)]
    found = list(gathered(session, given))
    assert [segment for segment, _ in found] == given
    assert all(len(batch) for _, batch in found)


def test_what_came_before_an_error_is_read(stack: Stack) -> None:
    session = stack.open(None, "application/zip")  # type: ignore[arg-type]

    def broken() -> Iterator[Segment]:
        yield inner(f"SSN: {SSN}")
        yield inner(f"SSN: {SSN}", "b.txt")
        raise Malformed("it breaks off here")

    seen: list[int] = []

    def read() -> None:
        for _, batch in gathered(session, broken()):
            seen.append(len(batch))

    with pytest.raises(Malformed):
        read()
    assert seen == [1, 1]
