"""JSON in both forms: paths, records, literal numbers, and what is broken."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from piiscan.extract import ColumnSegment, Job, TextSegment, segments
from piiscan.model import Segment

MAIL = "ana@example.org"
JSON, LINES = "application/json", "application/x-ndjson"


def read(text: str, media_type: str = JSON) -> tuple[list[Segment], list[str]]:
    job = Job(name="x", media_type=media_type, charset="utf-8")
    return list(segments(io.BytesIO(text.encode()), job)), [n.partition(":")[0] for n in job.budget.notes]


def values(found: list[Segment]) -> list[tuple[int, str, str]]:
    """(record, exact path, value)."""
    out = []
    for segment in found:
        if isinstance(segment, ColumnSegment):
            assert segment.axis == "record"
            for i, value in enumerate(segment.values):
                place = segment.place_of(i)
                out.append((place.record or 0, place.path or "", value))
    return out


def test_lines_are_records_with_paths() -> None:
    found, notes = read(
        f'{{"id": 1, "user": {{"mail": ["{MAIL}", "b"]}}}}\n\n{{"id": 22, "ok": true, "n": null}}\n', LINES
    )
    assert values(found) == [
        (0, "$.id", "1"),
        (1, "$.id", "22"),
        (0, "$.user.mail[0]", MAIL),
        (0, "$.user.mail[1]", "b"),
    ]
    mail = found[1]
    assert isinstance(mail, ColumnSegment)
    assert (mail.header, mail.path) == ("mail", "$.user.mail[*]")
    assert [found[0].place_of(i).line for i in range(2)] == [1, 3]
    assert notes == []


def test_numbers_keep_their_digits_and_keys_their_duplicates() -> None:
    found, _ = read('{"n": 4111111111111111.10, "n": 12345678901234567890, "a b": "x", "it\'s": 1}')
    assert values(found) == [
        (0, "$.n", "4111111111111111.10"),
        (0, "$.n", "12345678901234567890"),
        (0, "$['a b']", "x"),
        (0, "$['it\\'s']", "1"),
    ]


def test_elements_of_a_top_level_array_are_records() -> None:
    found, _ = read('[{"a": "x"}, {"a": ["y", "z"]}]')
    assert values(found) == [(0, "$[0].a", "x"), (1, "$[1].a[0]", "y"), (1, "$[1].a[1]", "z")]


def test_keys_that_hold_data_are_text() -> None:
    found, _ = read(f'{{"{MAIL}": 1, "plain": 2}}')
    texts = [s for s in found if isinstance(s, TextSegment)]
    assert [s.text for s in texts] == [MAIL]
    assert texts[0].place_of(0).path == f"$['{MAIL}']"


def test_a_broken_line_is_text_with_its_line() -> None:
    found, notes = read(f'{{"a": 1}}\n{{"broken": "{MAIL}"\n{{"a": 2}}\n', LINES)
    (text,) = [s for s in found if isinstance(s, TextSegment)]
    assert (text.place_of(3).line, text.place_of(3).record) == (2, 1)
    assert values(found) == [(0, "$.a", "1"), (2, "$.a", "2")]
    assert notes == ["MALFORMED_FILE"]


def test_a_giant_line_is_windows() -> None:
    found, notes = read('{"a": 1}\n{"x": "' + "y" * (18 << 20) + MAIL + '"}\n{"a": 2}\n', LINES)
    texts = [s for s in found if isinstance(s, TextSegment)]
    assert MAIL in texts[-1].text
    assert texts[-1].place_of(0).line == 2
    assert values(found) == [(0, "$.a", "1"), (2, "$.a", "2")]
    assert notes == []


@pytest.mark.parametrize("opening", ['[{"a":', '{"rows":[{"a":'])
def test_a_document_larger_than_the_buffer(opening: str) -> None:
    count = 60_000
    body = ",".join(f'{{"id":"{n:06}","v":[{n},"q"],"t":"some text"}}' for n in range(count))
    shut = "]" if opening[0] == "[" else "]}"
    found, notes = read(opening[:-5] + body + shut)
    assert notes == []
    ids = [(record, path, value) for record, path, value in values(found) if path.endswith(".id")]
    stem = "$" if opening[0] == "[" else "$.rows"
    assert ids == [(n if opening[0] == "[" else 0, f"{stem}[{n}].id", f"{n:06}") for n in range(count)]


def test_a_giant_string_in_a_document() -> None:
    found, notes = read('{"a": "' + "é\\n\\ud83d\\ude00" * 400_000 + MAIL + '", "b": 5}')
    texts = [s for s in found if isinstance(s, TextSegment)]
    assert "".join(t.text[slice(*(t.core or (0, 0)))] for t in texts) == "é\n😀" * 400_000 + MAIL
    assert texts[0].place_of(0).path == "$.a"
    assert values(found) == [(0, "$.b", "5")]
    assert notes == []


def test_too_deep_is_read_as_text() -> None:
    deep = '{"a":' * 5000 + f'"{MAIL}"' + "}" * 5000
    found, notes = read(deep)
    assert any(MAIL in s.text for s in found if isinstance(s, TextSegment))
    assert notes == ["JSON_NESTING_LEVEL_OVER_LIMIT"]
    found, notes = read("[" * 300 + f'"{MAIL}"' + "]" * 300)
    assert any(MAIL in s.text for s in found if isinstance(s, TextSegment))
    assert notes == ["JSON_NESTING_LEVEL_OVER_LIMIT"]


def test_what_follows_a_fault_is_read_as_text_with_its_line() -> None:
    found, notes = read(f'{{"a": "x",\n "b" oops\n {MAIL}')
    (text,) = [s for s in found if isinstance(s, TextSegment)]
    assert text.place_of(text.text.index(MAIL)).line == 3
    assert values(found) == [(0, "$.a", "x")]
    assert notes == ["MALFORMED_FILE"]


def test_documents_one_after_the_other_are_records() -> None:
    found, notes = read('{"a": 1}\n{\n"a": 2}')
    assert values(found) == [(0, "$.a", "1"), (1, "$.a", "2")]
    assert notes == []


def test_many_rare_paths_share_a_segment() -> None:
    found, _ = read(json.dumps({f"k{n}": {"ssn": f"v{n}"} for n in range(1500)}))
    assert len(found) == 3
    assert all(isinstance(s, TextSegment) for s in found)
    first = found[0]
    assert isinstance(first, TextSegment)
    assert first.text.startswith("ssn: v0\nssn: v1\n")
    assert first.place_of(first.text.index("v7")).path == "$.k7.ssn"


TREE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4),
    max_leaves=12,
)


def leaves(value: Any) -> list[str]:
    if isinstance(value, dict):
        return [leaf for inner in value.values() for leaf in leaves(inner)]
    if isinstance(value, list):
        return [leaf for inner in value for leaf in leaves(inner)]
    return [str(value)] if value not in (None, "") and not isinstance(value, bool) else []


@settings(max_examples=150, deadline=None)
@given(TREE, st.sampled_from([1, 3, 1 << 20]), st.booleans())
def test_every_leaf_comes_out_once(tree: Any, whole: int, indent: bool) -> None:
    from piiscan.extract import tokens

    text = json.dumps(tree, ensure_ascii=indent, indent=1 if indent else None)
    before, tokens.WHOLE = tokens.WHOLE, whole
    try:
        found, notes = read(text)
    finally:
        tokens.WHOLE = before
    assert notes == []
    assert sorted(value for *_, value in values(found)) == sorted(leaves(tree))


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet='a"\\\né😀', max_size=40), st.booleans(), st.integers(1, 9))
def test_a_long_string_in_any_pieces(text: str, ascii_only: bool, chunk: int) -> None:
    from piiscan.extract import tokens
    from piiscan.extract.paths import Collector
    from piiscan.extract.records import DECODER
    from piiscan.model import NOWHERE

    source = '{"k": ' + json.dumps(text, ensure_ascii=ascii_only) + ', "z": 1}'
    document = tokens.Document(
        iter([source[i : i + chunk] for i in range(0, len(source), chunk)]), Collector(NOWHERE, 9), DECODER
    )
    while '"k": "' not in document._buffer:
        document._fill()
    document._at = document._buffer.index('"k": "') + 6
    assert "".join(document._long_string()) == text
