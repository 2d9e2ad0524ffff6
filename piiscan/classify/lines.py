"""Full names in code, logs and fields: only where two words stand like a name, and only with more certainty.

In text that is no prose nearly all words with a capital are types, products and headings. So the model reads lines in
which two such words follow one another, with a handicap, and a name that is on no list needs a larger one. Who is
named as the author of a file, or cited, is no finding of the default threshold: every source file would be one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from piiscan.classify.hyper import Expression, make_scanner
from piiscan.classify.keywords import ToChars

Spans = list[tuple[int, int, str]]
Predict = Callable[[Sequence[str], float], list[Spans]]
"""Spans of names in texts; the number is what a label must be better by."""

REPORTED, CREDITED = 0.5, 0.35
"""Confidence of a name in a line, and of one that is named as an author or cited."""
LISTED, CUED = 0.0, 0.5
"""What no name at all is given as an advantage, in units of the model's scores, where a word of the name is on a list
of names, and where only a word before it speaks for one."""
_AROUND = 160
"""Characters of a line that are read to either side."""
_MOST = 2_000
"""Lines of one text that are read."""

_UPPER = r"(?:[A-Z]|\xc3[\x80-\x9e])"
_LOWER = r"(?:[a-z'-]|[\xc3-\xd1][\x80-\xbf])"
_JOINT = Expression(f"{_UPPER}{_LOWER}{{1,20}},? (?:[A-Z]\\.? )?{_UPPER}{_LOWER}")
_WORD = r"[^\W\d_a-z][^\W\d_]*(?:['’-][^\W\d_]+)*"
_PAIR = re.compile(rf"(?=(?<![\w.@/\\$-])({_WORD}),? (?:[^\W\d_a-z]\.? )?({_WORD}))")
_CUE = re.compile(
    r"(?i)(?:name|user|customer|patient|client|employee|owner|contact|assignee|assigned[ _]to|manager|member|student|"
    r"person|recipient|sender|caller|payee|holder|guest|tenant|dear|hello|hi|mr|mrs|ms|dr|for|to|by|from|of|todo|ask)"
    r"[\"']?\s?[:=>(.,]?\s?[\"']?$|[=:(,>]\s?[\"']$|\w=$"
)
"""What stands before a name in a field, a call or a message."""
_NAME = re.compile(r"[^\W\d_a-z][\w'’-]*(?:,? (?:[^\W\d_][\w'’-]*\.?|de la|van der)){1,4}")
_CAMEL = re.compile(r"(?!Mc|Mac|Fitz|De|Di|Du|La|Le|Lo|Van|Von|O['’])\w*[^\W\d_A-Z][A-Z]")
_CODE_BEHIND = re.compile(r"\s*(?:[(*&]|::|\.\w|->|=[^=\s])|[\w@/\\]")
_CODE_BEFORE = re.compile(r"[\w@/\\$.]$|::$")
_CREDIT = re.compile(
    r"(?i)\b(?:authors?|copyright\w*|written by|maintain\w*|contribut\w*|signed-off|co-authored|patch(?:es)? by|"
    r"thanks|courtesy|licen[cs]e\w*|credit(?:s|ed)?|inspired|based on|modified|implement\w*|algorithms?|ported|et al|"
    r"vol|pp|proc|press|journal|university|invented|proposed|described by|due to|theorem|paper|isbn|doi|arxiv|wiley|"
    r"springer)\b|__author__|\([cC]\)|©|^\W*\[\d+\]|^\W*\.\. \[|^\W*\d\.\s|,\s*(?:19|20)\d\d\b|\((?:19|20)\d\d\)"
)
"""Words of author lines, licences and citations, and the shapes of entries in a bibliography."""
_COMMENT = re.compile(r"\s*(?:#|//|/?\*|\.\.|--|;|%|c  |dnl |@|\"{3}|'{3})")
_ABOUT = re.compile(
    r"(?i)\b(?:todo|fixme|ask|call|phone|customer|user|patient|client|employee|ticket|account|order|invoice|reported|"
    r"contact(?!s?:))\b"
)
"""Words of a comment that speaks about a person, and not of who wrote the code."""


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    text: str


class NamesInLines:
    """Names in texts that are no prose."""

    def __init__(self, predict: Predict, lists: Callable[[Sequence[str]], npt.NDArray[np.int64]], common: int) -> None:
        """`lists` says on which lists words in small letters are; the bits of `common` are lists that name nobody."""
        self._predict, self._lists, self._common = predict, lists, common
        self._scanner = make_scanner((_JOINT,))

    def __call__(
        self, text: str, block: bytes, low: int = 0, high: int | None = None
    ) -> tuple[list[tuple[int, int, float]], int]:
        """(start, end, confidence) of the names in `text[low:high]`, and how many characters the model has read.

        `block` is the UTF-8 of the whole text.
        """
        found: list[tuple[int, int, float]] = []
        read = 0
        lines = self._lines(text, block, low, len(text) if high is None else high)
        for handicap, chosen in zip((LISTED, CUED), self._worth_reading(lines), strict=True):
            read += sum(len(line.text) for line in chosen)
            for line, spans in zip(chosen, self._predict([line.text for line in chosen], handicap), strict=True):
                for start, end in _full_names(line.text, spans):
                    worth = CREDITED if _credited(line.text, start, end) else REPORTED
                    found.append((line.start + start, line.start + end, worth))
        return sorted(found), read

    def _worth_reading(self, lines: Sequence[_Line]) -> tuple[list[_Line], list[_Line]]:
        """The lines with a name of a list, and those in which only a word before it speaks for one."""
        listed: list[_Line] = []
        cued: list[_Line] = []
        pairs = [(line, match) for line in lines for match in _PAIR.finditer(line.text) if _mixed(match)]
        words = [word.lower() for _, match in pairs for word in match.groups()]
        bits = self._lists(words).reshape(-1, 2)
        named = ((bits > 0) & (bits & self._common == 0)).any(axis=1)
        for (line, match), known in zip(pairs, named.tolist(), strict=True):
            into = listed if known else cued
            if (not into or into[-1] is not line) and (known or _CUE.search(line.text[: match.start()])):
                into.append(line)
        return listed, [line for line in cued if line not in listed]

    def _lines(self, text: str, block: bytes, low: int, high: int) -> list[_Line]:
        ends = self._scanner.scan(block)[1]
        if not len(ends):
            return []
        if len(block) != len(text):
            ends = ToChars(block)(ends)
        out: list[_Line] = []
        edge = -1
        for at in ends[(ends > low) & (ends <= high)].tolist():
            if at <= edge:
                continue
            begin = max(text.rfind("\n", max(at - _AROUND, 0), at) + 1, edge, at - _AROUND, 0)
            stop = text.find("\n", at, at + _AROUND)
            edge = stop if stop >= 0 else min(len(text), at + _AROUND)
            out.append(_Line(begin, text[begin:edge]))
            if len(out) == _MOST:
                break
        return out


def _mixed(match: re.Match[str]) -> bool:
    """Whether both words have small letters: what is all capitals is a constant, a heading or an abbreviation."""
    return not match[1].isupper() and not match[2].isupper()


def _full_names(line: str, spans: Spans) -> list[tuple[int, int]]:
    """The spans of persons that are two words or more with small letters, and no piece of code."""
    out = []
    for start, end, label in spans:
        name = line[start:end]
        if label != "PERSON" or not _NAME.fullmatch(name) or _CODE_BEFORE.search(line[:start]):
            continue
        words = [word for word in re.split(r"[ ,.]+", name) if len(word) > 1]
        if len(words) < 2 or max(map(len, words)) < 4 or _CODE_BEHIND.match(line, end):
            continue
        if not any(word.isupper() or _CAMEL.match(word) for word in words):
            out.append((start, end))
    return out


def _credited(line: str, start: int, end: int) -> bool:
    """Whether a name in a line is an author's or a cited one."""
    if _CREDIT.search(line):
        return True
    return bool(_COMMENT.match(line)) and not _ABOUT.search(line[:start] + line[end:])
