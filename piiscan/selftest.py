"""Runs the examples of a rule, and a plain reference of what a rule means to hold the engine against.

The reference is slow and obvious: `re` over the whole text, then guards, checksum and words around each match. The
engine finds its candidates by other ways and must come to the same matches for one rule alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from piiscan.classify.checksum import checker
from piiscan.classify.confidence import worth
from piiscan.classify.context import tokens
from piiscan.model import Rule

Found = tuple[int, int, float]
"""Start, end (characters, half-open) and confidence of a match."""
Classify = Callable[[Rule, str, str], Sequence[Found]]
"""(rule, text, header or "") to the matches of that rule alone."""

THRESHOLD = 0.5
"""Confidence from which on a match is reported by default."""
_CLOSE = 0.01


def check_rule(rule: Rule, classify: Classify) -> list[str]:
    """What is wrong with a rule by its own examples; empty when all of them hold. No value of an example is quoted."""
    problems: list[str] = []
    for i, example in enumerate(rule.examples):
        found = classify(rule, example.text, example.column)
        spans = sorted(example.text[start:end] for start, end, _ in found)
        if spans != sorted(example.find):
            problems.append(f"{rule.id}/example-{i}: finds {len(spans)} other than the {len(example.find)} it names")
        elif example.confidence is not None:
            wrong = [c for _, _, c in found if abs(c - example.confidence) > _CLOSE]
            if wrong:
                problems.append(f"{rule.id}/example-{i}: confidence {wrong[0]:.2f}, not {example.confidence:.2f}")
    for i, negative in enumerate(rule.negatives):
        if classify(rule, negative.text, negative.column):
            problems.append(f"{rule.id}/negative-{i}: finds something")
        stage = stopped_at(rule, negative.text, negative.column)
        if stage != negative.stopped:
            problems.append(f"{rule.id}/negative-{i}: stopped at {stage or 'no stage'}, not {negative.stopped}")
    return problems


def stopped_at(rule: Rule, text: str, column: str = "") -> str:
    """The last stage that some match of the pattern reached and failed: match, checksum, context; empty: it passed."""
    spans = pattern_spans(rule, text)
    if not spans:
        return "match"
    if reference_matches(rule, text, column):
        return ""
    if rule.checksum is None or any(_holds(rule, text[start:end]) for start, end in spans):
        return "context"
    return "checksum"


def reference_matches(rule: Rule, text: str, column: str = "") -> list[Found]:
    """The matches of one rule in one text (a table's value when `column` is its header), by the plainest means."""
    spans = pattern_spans(rule, text)
    header = bool(column) and speaks_for(rule, column)
    out = []
    for i, (start, end) in enumerate(spans):
        following = spans[i + 1][0] if i + 1 < len(spans) else len(text) + 1000
        keyword = keyword_near(rule, text, start, end, following)
        confidence = worth(rule, rule.checksum is not None and _holds(rule, text[start:end]), keyword, header)
        if not header and _negative_before(rule, text, start):
            confidence = confidence / 2 if keyword else 0.0
        if confidence >= THRESHOLD:
            out.append((start, end, confidence))
    return out


def pattern_spans(rule: Rule, text: str) -> list[tuple[int, int]]:
    """Where pattern and guards match, left to right, the longest from each start, not overlapping."""
    body, before, after = _compiled(rule.match.pattern, rule.match.before, rule.match.after, rule.match.ignore_case)
    spans, at = [], 0
    while found := body.search(text, at):
        start, end = found.span()
        if start == 0 or before.match(text, start - 1):
            while end > start and not (end == len(text) or after.match(text, end)):
                shorter = body.match(text, start, end - 1)
                end = shorter.end() if shorter else start
            if end > start:
                spans.append((start, end))
                at = end
                continue
        at = start + 1
    return spans


@lru_cache(maxsize=1024)
def _compiled(pattern: str, before: str, after: str, ignore_case: bool) -> tuple[re.Pattern[str], ...]:
    flags = re.ASCII | (re.IGNORECASE if ignore_case else 0)
    anything = r"[\s\S]"
    return (
        re.compile(pattern, flags),
        re.compile(before or anything, re.ASCII),
        re.compile(after or anything, re.ASCII),
    )


def _holds(rule: Rule, value: str) -> bool:
    return rule.checksum is None or checker(rule.checksum)(value)


def keyword_near(rule: Rule, text: str, start: int, end: int, following: int) -> bool:
    """Whether a keyword stands whole in the window: before the match, or behind it and not close before the next."""
    window = rule.context.window
    for begin, stop in keyword_spans(rule.context.keywords, text):
        if rule.context.distance:
            if stop <= start and end - stop <= rule.context.distance:
                return True
            continue
        near = stop <= start and start - stop <= window
        if near and (not rule.context.gap or re.fullmatch(rule.context.gap, text[stop:start])):
            return True
        if not rule.context.gap and begin >= end and begin - end <= window and not 0 <= following - stop <= window:
            return True
    return False


def keyword_spans(keywords: Iterable[str], text: str) -> list[tuple[int, int]]:
    """Where the keywords stand in the text as whole tokens, any case, a space in one also as nothing, `_` or `-`."""
    return [found.span() for keyword in keywords for found in _token(keyword).finditer(text)]


@lru_cache(maxsize=8192)
def _token(keyword: str) -> re.Pattern[str]:
    body = "[ _-]?".join(re.escape(word) for word in keyword.split(" "))
    before = r"(?<![^\W_])" if keyword[0].isalnum() else ""
    after = r"(?![^\W_])" if keyword[-1].isalnum() else ""
    return re.compile(before + body + after, re.IGNORECASE)


def speaks_for(rule: Rule, header: str) -> bool:
    """Whether a header is one of the rule's column names or holds one of its keywords as whole words."""
    words = tokens(header)
    joined = "".join(words)
    if any("".join(tokens(column)) == joined for column in rule.context.columns):
        return True
    for keyword in rule.context.keywords:
        phrase = tokens(keyword)
        if not phrase or (len(phrase) == 1 and re.search(r"[^\w.'’-]", keyword)):
            continue
        if "".join(phrase) in (joined, *words):
            return True
        if any(words[i : i + len(phrase)] == phrase for i in range(len(words))):
            return True
    return False


def _negative_before(rule: Rule, text: str, start: int) -> bool:
    before = text[max(start - rule.context.window, 0) : start].rsplit("\n", 1)[-1]
    return bool(keyword_spans(rule.context.negative, before))
