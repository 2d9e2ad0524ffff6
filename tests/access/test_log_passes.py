"""Records out of the bytes of logs: the compiled library and Python find the same, whatever is in them."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from piiscan.passes import native_passes
from piiscan.passes.logs import Field, LogPasses, NativeLogs, Numbering, Records, log_passes
from piiscan.passes.logs_plain import PlainLogs
from tests.access.make import line, record, trail

NATIVE = native_passes()
BOTH: list[LogPasses] = [PlainLogs()] if NATIVE is None else [PlainLogs(), NativeLogs(NATIVE)]
each = pytest.mark.parametrize("passes", BOTH, ids=lambda p: type(p).__name__)


def array(*texts: bytes) -> bytearray:
    """The inside of the array of a CloudTrail file."""
    return bytearray(b",".join(texts) + b"]}")


def packed(one: dict[str, object]) -> bytes:
    return json.dumps(one, separators=(",", ":")).encode()


@each
def test_a_record_is_read_field_by_field(passes: LogPasses) -> None:
    text = bytearray(trail([record(key='a "quoted" é.csv', sent=1.048576e8)]))
    found = passes.trail(text, text.index(b"[") + 1, lost=False, last=True, most=10)
    assert (len(found), found.broken, found.state) == (1, 0, 1)
    assert found.numbers.tolist() == [[1788256800, 104857600, 0]]
    assert found.raw(0, Field.BUCKET) == b"customers"
    assert found.escaped(0, Field.KEY)
    assert found.raw(0, Field.MANAGEMENT) == b"false"
    assert found.raw(0, Field.BUCKET_ARN) == b"arn:aws:s3:::customers"
    assert found.raw(0, Field.ERROR) == b""


@each
def test_a_record_that_is_not_whole_waits_for_more(passes: LogPasses) -> None:
    whole = array(packed(record()), packed(record()))
    for cut in range(1, len(whole) - 2, 97):
        part = bytearray(whole[:cut])
        found = passes.trail(part, 0, lost=False, last=False, most=10)
        rest = passes.trail(whole, found.behind, lost=False, last=True, most=10)
        assert len(found) + len(rest) == 2
        assert found.broken == rest.broken == 0


@each
@pytest.mark.parametrize(
    "broken",
    [
        b'{"eventVersion":"1.11",,}',
        b'{"eventVersion":1.11 2}',
        b"nonsense",
        b'{"eventVersion"}',
        b'{"a":}',
        b"\0\0",
        b"{,}",
    ],
)
def test_a_broken_record_costs_itself_only(passes: LogPasses, broken: bytes) -> None:
    text = array(packed(record(request="one")), broken, packed(record(request="two")))
    found = passes.trail(text, 0, lost=False, last=True, most=10)
    assert [found.raw(row, Field.REQUEST) for row in range(len(found))] == [b"one", b"two"]
    assert found.broken == 1


@each
def test_what_is_of_no_interest_may_be_of_any_depth(passes: LogPasses) -> None:
    deep = b'{"eventVersion":"1","x":' + b'[{"a":' * 200_000 + b"1" + b"}]" * 200_000 + b',"requestID":"deep"}'
    found = passes.trail(array(deep), 0, lost=False, last=True, most=10)
    assert found.raw(0, Field.REQUEST) == b"deep"


@each
def test_names_are_the_same_in_each_process_and_groups_are_told_apart(passes: LogPasses) -> None:
    text = array(*(packed(record(request="SAME", key=key)) for key in ("a", "a", "b")))
    found = passes.trail(text, 0, lost=False, last=True, most=10)
    what, who, how, names = found.hashes.T.tolist()
    assert what[0] == what[1] != what[2]
    assert len(set(who)) == len(set(how)) == len(set(names)) == 1
    assert names[0] == PlainLogs().trail(text, 0, lost=False, last=True, most=1).hashes[0, 3]


@each
def test_lines(passes: LogPasses) -> None:
    text = bytearray(
        line(uri='GET /a"b" HTTP/1.1')
        + line("REST.PUT.OBJECT", sent="-", size="77")
        + b"\n"
        + b"not a line at all\n"
        + line(rest='9 8 "-" "an agent with a " quote" - - - new fields that nobody knows')
        + line(status="-", error="-", sent="-", size="-", rest="- -").replace(b'"GET /a.csv HTTP/1.1"', b"-")
    )
    found = passes.lines(text, 0, last=True, most=10)
    assert (len(found), found.broken, found.behind) == (4, 1, len(text))
    assert found.numbers[:, 1].tolist() == [100, 0, 100, 0]
    assert found.numbers[1, 2] == 77
    assert found.raw(0, Field.TYPE) == b"200"
    assert found.raw(3, Field.TYPE) == b""


@each
def test_keys_get_numbers_as_they_are_met(passes: LogPasses) -> None:
    import numpy as np

    known = Numbering()
    rng = np.random.default_rng(1)
    for _ in range(4):
        keys = rng.integers(0, 1 << 63, 3000).astype(np.uint64)
        keys[1000:2000] = keys[:1000]
        before = known.count
        numbers, fresh = passes.numbered(keys, known)
        assert known.count - before == len(fresh) == len(set(keys.tolist()))
        assert (numbers[fresh] == np.arange(before, known.count)).all()
        assert (numbers[1000:2000] == numbers[:1000]).all()


def told(found: Records) -> tuple[object, ...]:
    return (
        found.spans.tolist(),
        found.numbers.tolist(),
        found.hashes[:, 3].tolist(),
        found.behind,
        found.broken,
        found.state,
    )


_SPOILS = st.lists(
    st.tuples(st.integers(0, 3000), st.sampled_from(list(b'"\\{}[],: \n\r-09eE./+\x00\xff')), st.integers(0, 2)),
    max_size=6,
)


def spoiled(text: bytes, spoils: list[tuple[int, int, int]]) -> bytearray:
    out = bytearray(text)
    for place, sign, how in spoils:
        at = place % max(len(out), 1)
        if how == 0:
            out[at : at + 1] = bytes([sign])
        elif how == 1:
            out.insert(at, sign)
        else:
            del out[at : at + 1]
    return out


@pytest.mark.skipif(NATIVE is None, reason="no compiled library to compare with")
@settings(max_examples=150, deadline=None)
@given(spoils=_SPOILS, cut=st.integers(0, 3000), last=st.booleans(), lost=st.booleans())
def test_both_find_the_same_in_spoiled_files(
    spoils: list[tuple[int, int, int]], cut: int, last: bool, lost: bool
) -> None:
    whole = array(packed(record(request="R1")), packed(record(request="R2", key="b")))
    text = spoiled(bytes(whole[:-cut] if cut else whole), spoils)
    first, second = (p.trail(text, 0, lost=lost, last=last, most=5) for p in BOTH)
    assert told(first) == told(second)
    lines = spoiled((line(request="R1") + line(request="R2", uri='GET /"x" y'))[: 3000 - cut], spoils)
    first, second = (p.lines(lines, 0, last=last, most=5) for p in BOTH)
    assert told(first) == told(second)


def test_the_variable_leaves_the_library_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIISCAN_NO_NATIVE", "1")
    log_passes.cache_clear()
    try:
        assert isinstance(log_passes(), PlainLogs)
    finally:
        log_passes.cache_clear()
    assert re.fullmatch("PlainLogs|NativeLogs", type(log_passes()).__name__)
