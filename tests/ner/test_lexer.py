"""Words by the compiled library and by a pattern: the same numbers, places and descriptions."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from piiscan.ner.lexer import Lexed, Lexer, NativeLexer, PlainLexer, native_library
from piiscan.ner.words import EMPTY, SAME, described, hashed

LIBRARY = native_library()
REST = 3


def both() -> list[Lexer]:
    return [PlainLexer()] if LIBRARY is None else [PlainLexer(), NativeLexer(LIBRARY)]


each = pytest.mark.parametrize("kind", range(len(both())), ids=[type(found).__name__ for found in both()])

# Letters of many scripts, those whose other case is two letters or depends on the letters around, signs, blanks.
_CHARS = st.one_of(
    st.sampled_from("aZ09²½٣ΣσςİıßŉDžéÑжЖ李アه_.'’-@ \t\n\r\x1c\u00a0\u2028\u3000"),
    st.characters(codec="utf-8"),
    st.characters(),
)
texts = st.lists(st.text(_CHARS, max_size=40), max_size=6)


def words_of(lexed: Lexed, given: list[str]) -> list[str]:
    return [
        given[owner][begin:end]
        for number, owner, begin, end in zip(lexed.numbers, lexed.owner, lexed.begins, lexed.ends, strict=True)
        if number
    ]


@pytest.mark.skipif(shutil.which("cc") is None, reason="no C compiler: Python does this work here")
def test_the_library_is_there_where_a_compiler_is() -> None:
    assert LIBRARY is not None


@each
@given(texts)
def test_the_words_of_a_text_are_the_text(kind: int, given: list[str]) -> None:
    lexer = both()[kind]
    lexed = lexer.read(given, REST)
    assert "".join(words_of(lexed, given)) == "".join(given)
    assert int((lexed.numbers == 0).sum()) == REST * (len(given) + 1)
    assert lexer.known == len(set(words_of(lexed, given))) + 1


@pytest.mark.skipif(LIBRARY is None, reason="no compiled library: there is nothing to compare")
@given(texts, texts)
def test_both_find_the_same(first: list[str], second: list[str]) -> None:
    plain, native = both()
    for some in (first, second):
        expected, found = plain.read(some, REST), native.read(some, REST)
        for field in ("numbers", "begins", "ends", "owner"):
            assert getattr(expected, field).tolist() == getattr(found, field).tolist(), field
        assert expected.fresh.codes.tolist() == found.fresh.codes.tolist()
        assert expected.fresh.flags.tolist() == found.fresh.flags.tolist()
        assert plain.known == native.known


@each
def test_a_word_keeps_its_number_until_all_are_forgotten(kind: int) -> None:
    lexer = both()[kind]
    first = lexer.read(["one two one"], 1)
    assert first.numbers.tolist() == [0, 1, 2, 3, 2, 1, 0]
    again = lexer.read(["two three"], 1)
    assert again.numbers.tolist() == [0, 3, 2, 4, 0]
    assert len(again.fresh.flags) == 1
    lexer.forget()
    assert lexer.read(["three"], 1).numbers.tolist() == [0, 1, 0]


@each
def test_more_words_than_the_table_began_with(kind: int) -> None:
    lexer = both()[kind]
    many = [" ".join(f"{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}{chr(97 + n // 676)}" for n in range(17_576))] * 8
    numbers = lexer.read(many, 1).numbers
    assert lexer.known == 17_576 + 2
    assert np.array_equal(lexer.read(many, 1).numbers, numbers)


def test_a_description_says_what_the_word_is() -> None:
    told = described(["Ada", "ada", " ", "1984"])
    assert told.codes[0, 2] == told.codes[1, 0] == hashed("ada")
    assert [bool(flags & SAME) for flags in told.flags] == [False, True, True, True]
    assert [bool(flags & EMPTY) for flags in told.flags] == [False, False, True, False]
    assert told.codes[3, 3] == hashed("0000")
