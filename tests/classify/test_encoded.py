"""Text that stands in a file as Base64, hexadecimal digits or percent escapes."""

from __future__ import annotations

import base64
import random
import textwrap
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piiscan.catalogue import load_rules
from piiscan.classify.encoded import hidden_in, readings
from piiscan.classify.plan import OPAQUE
from piiscan.classify.session import StackSession
from piiscan.classify.stack import Stack
from piiscan.model import Place, TextSegment
from piiscan.passes import passes

SECRET = "her social security number is 536-90-4399, filed on 3 May"
RULES = [rule for rule in load_rules() if rule.id in ("us.ssn", "generic.email")]
STACK = Stack(RULES, cache=False)


def found(text: str) -> list[tuple[str, int, int, str]]:
    return [(m.rule, m.start, m.end, m.value) for m in STACK.classify(text)]


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


ENCODINGS = {
    "base64": b64(SECRET),
    "base64 without padding": b64(SECRET).rstrip("="),
    "base64 for addresses": base64.urlsafe_b64encode((SECRET + " \u00fb\u00ff\u00fe").encode()).decode(),
    "base64 of utf-16": base64.b64encode(SECRET.encode("utf-16-le")).decode(),
    "base64 in base64": b64("see " + b64(SECRET) + " there"),
    "hex": SECRET.encode().hex(),
    "HEX": SECRET.encode().hex().upper(),
    "percent": quote(SECRET, safe=""),
}


@pytest.mark.parametrize("name", sorted(ENCODINGS))
@pytest.mark.parametrize("around", ["{}", "secret: {}\n", '{{"füße": "{}"}}', "a b c " * 900 + "{} d e f"])
def test_what_is_encoded_is_found_at_the_place_of_its_encoding(name: str, around: str) -> None:
    text = around.format(ENCODINGS[name])
    start = text.index(ENCODINGS[name])
    matches = found(text)
    assert [(rule, value) for rule, _, _, value in matches] == [("us.ssn", "536-90-4399")]
    assert start <= matches[0][1] < matches[0][2] <= start + len(ENCODINGS[name]) + 1


@pytest.mark.parametrize("width", [60, 64, 76])
@pytest.mark.parametrize("indent", ["", "    "])
def test_lines_of_one_base64_text_are_read_together(width: int, indent: str) -> None:
    lines = textwrap.wrap(b64("x" * 50 + SECRET + "y" * 50), width)
    assert [value for _, _, _, value in found("data:\n" + "\n".join(indent + line for line in lines) + "\nend\n")] == [
        "536-90-4399"
    ]


def test_a_third_layer_is_left_alone() -> None:
    assert len(found(b64("a " + b64("b " + SECRET)))) == 1
    assert found(b64("a " + b64("b " + b64("c " + SECRET)))) == []


@pytest.mark.parametrize(
    "text",
    [
        base64.b64encode(random.Random(1).randbytes(600)).decode(),
        "/srv/www/releases/20190304/assets/img",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "100% of 50% is 50%, %s and %d",
    ],
)
def test_what_is_no_text_is_not_decoded(text: str) -> None:
    block = text.encode()
    assert list(hidden_in(block, passes().sweep(block, OPAQUE).strings)) == []


@given(st.binary(max_size=300))
def test_any_bytes_are_read_without_an_error(block: bytes) -> None:
    for hidden in hidden_in(block, passes().sweep(block, OPAQUE).strings):
        assert 0 <= hidden.start < hidden.end <= len(block)


def test_the_decoded_segment_keeps_its_place_and_belongs_to_one_window() -> None:
    text = "first line\nkey = " + b64(SECRET) + "\n"
    at = text.index(b64(SECRET))
    for core, expected in (((0, len(text)), 1), ((0, at), 0), ((at, len(text)), 1)):
        segment = TextSegment(text, 0, (0,), (Place(page=3, part="body"),), core=core, line=1)
        inner = [part for part, _ in readings(StackSession(STACK), segment)][1:]
        assert len(inner) == expected
        for part in inner:
            assert isinstance(part, TextSegment)
            assert part.encoded == (at, at + len(b64(SECRET)))
            assert part.place_of(0) == Place(page=3, part="body/base64", line=2, column=7)
            assert part.offset is None


def test_a_text_of_many_encoded_pieces_is_read_within_bounds() -> None:
    piece = b64(SECRET)
    batches = readings(StackSession(STACK), TextSegment("\n".join([piece] * 500), 0))
    assert sum(len(batch) for _, batch in batches) == 500
