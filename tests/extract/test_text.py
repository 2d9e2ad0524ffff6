"""Windows over text: every character in one core, and the way back to line, column and offset."""

from __future__ import annotations

import io
import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from piiscan.extract import Job, TextSegment, segments
from piiscan.extract.text import Lines, decoded, windows
from piiscan.extract.utf8 import Stretch, utf8_windows
from piiscan.model import NOWHERE, Place

TEXT = st.text(alphabet="ab\r\n\u2028é😀", max_size=60)


def read(data: bytes, name: str = "a.txt", member: tuple[str, ...] = ()) -> list[TextSegment]:
    found = list(segments(io.BytesIO(data), Job(name=name, member=member)))
    assert all(isinstance(segment, TextSegment) for segment in found)
    return [segment for segment in found if isinstance(segment, TextSegment)]


def naive(text: str, offset: int) -> tuple[int, int]:
    line, begin = 1, 0
    for found in re.finditer(r"\r\n|\r|\n", text):
        if found.end() > offset:
            break
        line, begin = line + 1, found.end()
    return line, offset - begin + 1


PIECES = [b"a", b"b\n", b"\r\n", b"\r", "é".encode(), "日".encode(), "😀".encode(), b" "]
BROKEN = [*PIECES, b"\xff", b"\xc3", b"\xf0\x9f", b"\x80"]


@settings(max_examples=500, deadline=None)
@given(
    st.lists(st.sampled_from(PIECES), max_size=80) | st.lists(st.sampled_from(BROKEN), max_size=80),
    st.booleans(),
    st.integers(4, 40),
    st.integers(3, 9),
)
def test_windows_cut_in_bytes_are_those_of_the_decoded_text(
    pieces: list[bytes], mark: bool, core: int, margin: int
) -> None:
    data = b"\xef\xbb\xbf" * mark + b"".join(pieces)
    job = Job(name="a.txt", media_type="text/plain", charset="utf-8")
    text = "".join(decoded(io.BytesIO(data), job))
    whole = ""
    for window in utf8_windows(io.BytesIO(data), job, core=core, margin=margin):
        assert window.core is not None
        assert window.offset is not None
        assert text[window.offset :].startswith(window.text)
        assert window.utf8 is None or window.utf8 == window.text.encode()
        whole += window.text[slice(*window.core)]
        for at in range(*window.core):
            place = window.place_of(at)
            assert (place.line, place.column) == naive(text, window.offset + at)
    assert whole == text


@settings(max_examples=300, deadline=None)
@given(TEXT, st.integers(1, 9), st.integers(0, 7), st.integers(1, 5))
def test_cores_are_the_text_and_places_are_right(text: str, core: int, margin: int, chunk: int) -> None:
    chunks = [text[i : i + chunk] for i in range(0, len(text), chunk)]
    whole = ""
    for window in windows(chunks, NOWHERE, core=core, margin=margin):
        assert window.core is not None
        assert window.offset is not None
        begin, end = window.core
        for at in range(begin, end):
            assert text[window.offset + at] == window.text[at]
            # Between the two characters of a CRLF there is no place.
            if text[window.offset + at - 1 : window.offset + at + 1] != "\r\n" or not window.offset + at:
                place = window.place_of(at)
                assert (place.line, place.column) == naive(text, window.offset + at)
        after = min(end + margin, len(text) - window.offset)
        assert len(window.text) >= after
        assert begin >= min(margin, window.offset + begin)
        whole += window.text[begin:end]
    assert whole == text


@settings(max_examples=200, deadline=None)
@given(TEXT, st.integers(1, 6), st.integers(1, 9))
def test_blocks_and_long_lines_are_the_text(text: str, chunk: int, size: int) -> None:
    lines = Lines(iter([text[i : i + chunk] for i in range(0, len(text), chunk)]), block=size, giant=3 * size)
    whole = ""
    while True:
        assert lines.line == naive(text, len(whole))[0] or text[len(whole) - 1 : len(whole) + 1] == "\r\n"
        block = lines.block()
        if block is None:
            break
        whole += block or "".join(lines.rest_of_line())
    assert whole == text


@pytest.mark.parametrize("codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be", "utf-32"])
def test_every_encoding_gives_the_text_without_its_mark(codec: str) -> None:
    text = "Zoë wrote\r\nto ana@example.org\n" * 3
    (window,) = read(text.encode(codec))
    assert window.text == text
    assert window.offset == 0


def test_bytes_that_do_not_decode_cost_a_character_each() -> None:
    (window,) = read("é ".encode() * 90 + b"\xff then " + "é ".encode() * 90)
    assert window.text == "é " * 90 + "\ufffd then " + "é " * 90


def test_a_charset_unknown_to_python_is_found_out() -> None:
    assert "".join(decoded(io.BytesIO("é".encode()), Job(name="x", charset="no-such"))) == "é"


def test_long_text_comes_in_windows_with_context() -> None:
    text = "0123456789abcde\n" * 400_000
    found = read(text.encode())
    assert len(found) == 4
    assert "".join(w.text[slice(*(w.core or (0, 0)))] for w in found) == text
    assert found[1].offset == (2 << 20) - 8192
    assert found[1].line == ((2 << 20) - 8192) // 16 + 1


def test_a_member_has_lines_but_no_offset() -> None:
    (window,) = read(b"one\ntwo ana@example.org\n", member=("in.txt",))
    assert window.offset is None
    assert window.place_of(8) == Place(line=2, column=5, member=("in.txt",))


@pytest.mark.parametrize(
    ("name", "prose"), [("a.txt", True), ("a", True), ("a.py", False), (".env", False), ("x.log", False)]
)
def test_code_is_no_prose(name: str, prose: bool) -> None:
    assert [window.prose for window in read(b"plain words here\n", name)] == [prose]


def test_an_endless_hole_ends_the_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("piiscan.extract.utf8._HOLE", 2 << 20)
    job = Job(name="a.log", charset="utf-8")
    text = "".join(decoded(io.BytesIO(b"line\n" + bytes(9 << 20)), job))
    assert text.startswith("line\n")
    assert len(text) < 5 << 20
    assert [note.partition(":")[0] for note in job.budget.notes] == ["FILE_EXCEEDS_SIZE_LIMIT"]


@given(TEXT, TEXT, TEXT, st.integers(1, 7))
def test_a_stretch_has_the_windows_of_its_lines(before: str, text: str, after: str, core: int) -> None:
    lead, inside, behind = (f"{part}\n".encode() for part in (before, text, after))
    stretch = Stretch(len(lead), len(inside))
    job = Job("a.txt", "text/plain", charset="utf-8")
    stream = io.BytesIO(lead + inside + behind)
    found = list(utf8_windows(stream, job, core=core, margin=3, stretch=stretch))
    cores = [w.text[slice(*w.core)] for w in found if w.core is not None]
    assert "".join(cores) == inside.decode()
    starts = [w.offset + w.core[0] for w in found if w.core is not None and w.offset is not None]
    assert starts == [len("".join(cores[:i])) for i in range(len(cores))]
    assert (stretch.characters, stretch.lines) == (len(inside.decode()), len(re.findall("\r\n|\r|\n", inside.decode())))
    for window in found:
        assert window.core is not None
        whole = inside.decode()
        first = window.place_of(window.core[0])
        at = window.core[0] + (window.offset or 0)
        assert first.line == 1 + len(re.findall("\r\n|\r|\n", whole[:at])) - (whole[at - 1 : at + 1] == "\r\n")


@pytest.mark.parametrize("behind", [b"\x82\x82 ana\n", b"\xf0\x9f", b""])
def test_a_stretch_ends_before_bytes_of_no_character(behind: bytes) -> None:
    inside = b"one\n\xf0\x9f\x98\x80\n"
    job, stretch = Job("a.txt", "text/plain", charset="utf-8"), Stretch(2, len(inside))
    windows = utf8_windows(io.BytesIO(b"a\n" + inside + behind), job, core=1, margin=3, stretch=stretch)
    found = list(itertools.islice(windows, 20))  # it once never ended
    assert "".join(w.text[slice(*w.core)] for w in found if w.core is not None) == inside.decode()
