"""Sketches: they never say no of a rule that matches, and say no of most that do not."""

from __future__ import annotations

import random
import string

import pytest

from piiscan.catalogue import load_rules
from piiscan.classify.sketch import FULL, Question, Sketcher, Trait, keys_of, packed, unpacked
from piiscan.classify.stack import THRESHOLD, Stack
from piiscan.model import (
    Category,
    ColumnSegment,
    MatchSpec,
    ObjectRef,
    Rule,
    RuleId,
    Segment,
    Severity,
    Sketch,
    TextSegment,
)
from piiscan.passes import KEY_BITS, NumpyPasses, passes

REF = ObjectRef("file:///share", "a.txt", 1)


@pytest.fixture(scope="module")
def stack() -> Stack:
    return Stack(load_rules())


def sketch_of(stack: Stack, *segments: Segment) -> tuple[Sketch, set[str]]:
    """The sketch of an object, and the rules that match in it."""
    session = stack.open(REF, "text/plain")
    found: set[str] = set()
    for segment in segments:
        found |= {str(stack.rules[i].id) for i in session.feed(segment).rule.tolist()}
        for inner, batch in zip(session.hidden(), session.feed_all(session.hidden()), strict=True):
            assert inner.encoded is not None
            found |= {str(stack.rules[i].id) for i in batch.rule.tolist()}
    made = session.sketch
    assert made is not None
    return made, found


def test_no_rule_is_ruled_out_where_one_of_its_examples_stands(stack: Stack) -> None:
    asked = 0
    for rule in stack.rules:
        question = Question([Trait.of(rule, THRESHOLD)])
        for example in rule.examples:
            segment = (
                ColumnSegment(example.column, "", (example.text,), (1,))
                if example.column
                else TextSegment(example.text, 0)
            )
            sketch, found = sketch_of(stack, segment)
            if rule.id in found:
                asked += 1
                assert question.may_match(sketch), rule.id
    assert asked > 1.9 * len(stack.rules)


def test_columns_of_values_whose_check_digits_speak_for_them_are_not_ruled_out(stack: Stack) -> None:
    numbers = ["7992739871" + str(i) for i in range(10)]
    sketch, _ = sketch_of(stack, ColumnSegment("x", "", tuple(numbers), tuple(range(1, 11))))
    checked = next(rule for rule in stack.rules if rule.id == "us.npi")
    assert Question([Trait.of(checked, THRESHOLD)]).may_match(sketch)
    plain, _ = sketch_of(stack, ColumnSegment("x", "", ("red", "green"), (1, 2)))
    assert not Question([Trait.of(checked, THRESHOLD)]).may_match(plain)


def test_most_rules_are_ruled_out_in_a_text_that_has_nothing_of_them(stack: Stack) -> None:
    text = "The kettle whistled while the gardener sorted bulbs by colour. " * 40
    sketch, _ = sketch_of(stack, TextSegment(text, 0))
    asked = [Question([Trait.of(rule, THRESHOLD)]).may_match(sketch) for rule in stack.rules]
    assert sum(asked) < len(asked) / 20
    assert sketch.words is not None
    assert len(sketch.words) < 64


@pytest.mark.parametrize(
    ("text", "said", "silent"),
    [
        ("the PassPort-No. of", "passport no", "passport number"),
        ("user_passport=1", "passport", "pass"),
        ("Паспорт гражданина", "паспорт", "телефон"),
        ("他的身份证号码是", "身份证", "护照号码"),
        ("numéro fiscal", "numéro fiscal", "numéro de carte"),
        ("tax\u00a0id", "tax", "taxation"),
        ("“ssn”", "ssn", "sin"),
    ],
)
def test_words_are_found_as_keywords_are(text: str, said: str, silent: str) -> None:
    sketcher = Sketcher()
    sketcher.begin()
    sketcher.block(text.encode())
    sketch = sketcher.made(())
    ask = [Question([Trait((), False, (word,), (), False, 0, False)]).may_match(sketch) for word in (said, silent)]
    assert ask == [True, False]


def test_a_sketch_has_one_chance_in_dozens_of_a_false_yes() -> None:
    rng = random.Random(5)

    def word() -> str:
        return "".join(rng.choice(string.ascii_lowercase) for _ in range(8))

    sketcher = Sketcher()
    for size in (10, 300, 4_000):
        sketcher.begin()
        held = [word() for _ in range(size)]
        sketcher.block(" ".join(held).encode())
        sketch = sketcher.made(())
        assert sketch.words is not None
        assert len(sketch.words) <= 2.2 * size + 20  # a byte a key, two keys a word
        asked = [Question([Trait((), False, (w,), (), False, 0, False)]) for w in held[:50]]
        assert all(question.may_match(sketch) for question in asked)
        others = [Question([Trait((), False, (word(),), (), False, 0, False)]) for _ in range(1_000)]
        assert sum(question.may_match(sketch) for question in others) < 40
        inside = Question([Trait((word(),), False, (), (), False, 0, False)])
        assert inside.may_match(sketch)  # an anchor that may stand within a word


def test_too_many_words_are_not_told_apart() -> None:
    sketcher = Sketcher()
    sketcher.begin()
    rng = random.Random(6)
    for _ in range(40):
        sketcher.block(" ".join("".join(rng.choices(string.ascii_lowercase, k=7)) for _ in range(4_000)).encode())
    sketch = sketcher.made(())
    assert sketch.words is None
    assert Question([Trait(("nowhere",), True, (), (), False, 0, False)]).may_match(sketch)


def test_packing_keeps_every_key() -> None:
    rng = random.Random(7)
    for count in (0, 1, 2, 100, 3_000, FULL):
        seen = bytearray(1 << KEY_BITS - 3)
        keys = sorted(rng.sample(range(1 << KEY_BITS), count))
        for key in keys:
            seen[key >> 3] |= 1 << (key & 7)
        words = packed(seen)
        assert words is not None
        held, dropped = unpacked(words)
        assert held.tolist() == sorted({key >> dropped for key in keys})


def test_both_passes_have_the_same_keys() -> None:
    rng = random.Random(8)
    pieces = ["a", "Z", "9", "_", " ", "\n", "é", "身", "–", "x1", "AKIA", "1234567890" * 6, "word", "Passport", "ÿÿ"]
    for turn in range(400):
        block = "".join(rng.choice(pieces) for _ in range(rng.randint(0, 150))).encode()[turn % 3 :]
        ours, plain = bytearray(1 << KEY_BITS - 3), bytearray(1 << KEY_BITS - 3)
        assert passes().keys(block, ours) == NumpyPasses().keys(block, plain)
        assert ours == plain
        for dropped in (0, 3, 9):
            assert passes().gaps(ours, dropped) == NumpyPasses().gaps(plain, dropped)


def test_an_anchor_that_a_letter_may_precede_is_only_looked_for_behind_its_first_sign() -> None:
    assert keys_of("token-abcdef", left=False, right=False) == keys_of("abcdef", left=True, right=False)
    assert keys_of("eyJ", left=True, right=False)
    assert not keys_of("eyJ", left=False, right=False)


def test_rules_that_share_characters_are_noted(stack: Stack) -> None:
    both = [
        Rule(
            RuleId(f"custom.{name}"), name, Category.CUSTOM, ((1, Severity.LOW),), MatchSpec(pattern, anchors=("BDG",))
        )
        for name, pattern in (("short", "BDG-[0-9]{4}"), ("long", "BDG-[0-9]{4}-[0-9]{2}"))
    ]
    own = Stack(both, threshold=0.0)
    sketch, found = sketch_of(own, TextSegment("see BDG-1234-56 there", 0))
    assert found == {"custom.long"}
    assert sketch.contested == ("custom.long", "custom.short")
    alone, _ = sketch_of(own, TextSegment("see BDG-1234 there", 0))
    assert alone.contested == ()
