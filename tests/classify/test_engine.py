"""The engine against the plain reference of what a rule means, on every example and negative of the catalogue."""

from __future__ import annotations

import pytest

from piiscan.catalogue import load_rules
from piiscan.classify.stack import Stack
from piiscan.model import Rule
from piiscan.passes import NumpyPasses, passes
from piiscan.selftest import reference_matches

RULES = load_rules()


def found(stack: Stack, text: str, column: str) -> list[tuple[int, int, float]]:
    return sorted((m.start, m.end, round(m.confidence, 3)) for m in stack.classify(text, column=column))


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
@pytest.mark.parametrize("threshold", [0.0001, 0.5])
def test_engine_finds_what_the_reference_finds(rule: Rule, threshold: float, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the lower threshold every pattern runs by itself; at the usual one many wait for their keyword.

    The lower one runs without hyperscan, which takes longer to compile two thousand databases than all else here; that
    both find the same is tested below.
    """
    if threshold < 0.5:
        monkeypatch.setenv("PIISCAN_NO_HYPERSCAN", "1")
    stack = Stack([rule], threshold=threshold, cache=False)
    for example in rule.examples:
        matches = reference_matches(rule, example.text, example.column)
        expected = sorted((s, e, round(c, 3)) for s, e, c in matches if c >= threshold)
        assert found(stack, example.text, example.column) == expected
        # The same in the middle of other text, where windows and neighbours could hide it.
        fillers = ("lorem ipsum \n", "日本語 façade\n") if threshold == 0.5 else ("lorem ipsum \n",)
        for filler in fillers if not example.column else ():
            shift = 4_000
            before = filler + "x " * 1_990
            text = before + "\n" * (shift - len(before)) + example.text + "\n" + filler + "dolor " * 900
            moved = [(s + shift, e + shift, c) for s, e, c in expected]
            if "keys" in rule.id:  # a key block that is cut in its example reads on into what follows
                assert [m[0] for m in found(stack, text, "")] == [m[0] for m in moved]
            else:
                assert found(stack, text, "") == moved
    for negative in rule.negatives:
        assert [m for m in found(stack, negative.text, negative.column) if m[2] >= 0.5] == []


def test_all_rules_together_find_each_example_somehow() -> None:
    """With the whole catalogue loaded, an example's place is reported, by its rule or by one that beats it."""
    stack = Stack(RULES, cache=False)
    missed = []
    for rule in RULES:
        for number, example in enumerate(rule.examples):
            together = stack.classify(example.text, column=example.column)
            for start, end, confidence in reference_matches(rule, example.text, example.column):
                if confidence >= 0.5 and not any(o.start < end and start < o.end for o in together):
                    missed.append(f"{rule.id}/example-{number}")
    assert missed == []


@pytest.mark.parametrize("column", ["", "notes"])
def test_fallback_without_hyperscan_finds_the_same(column: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = " ; ".join(e.text for rule in RULES[::7] for e in rule.examples if not e.column)
    fast = Stack(RULES, cache=False).classify(text, column=column)
    monkeypatch.setenv("PIISCAN_NO_HYPERSCAN", "1")
    slow = Stack(RULES, cache=False).classify(text, column=column)
    assert [(m.rule, m.start, m.end, m.confidence) for m in fast] == [
        (m.rule, m.start, m.end, m.confidence) for m in slow
    ]
    assert len(fast) > 50


@pytest.mark.parametrize("column", ["", "notes"])
def test_fallback_without_the_compiled_passes_finds_the_same(column: str, monkeypatch: pytest.MonkeyPatch) -> None:
    text = " ; ".join(e.text for rule in RULES[::7] for e in rule.examples if not e.column)
    fast = Stack(RULES, cache=False).classify(text, column=column)
    monkeypatch.setenv("PIISCAN_NO_NATIVE", "1")
    passes.cache_clear()
    try:
        assert isinstance(passes(), NumpyPasses)
        assert Stack(RULES, cache=False).classify(text, column=column) == fast
    finally:
        passes.cache_clear()
