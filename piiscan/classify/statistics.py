"""What the values of a column say together, which no single one can: whether a check digit holds by rule or by chance.

Of nine-digit numbers at random one in eleven holds a check digit modulo 11. A column in which about so many do is no
column of identifiers, whatever its header says; one in which all do is, even below a header that says nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import sqrt

from piiscan.classify.alone import Alone
from piiscan.classify.context import tokens

FEWEST = 8
"""Distinct values from which on a column speaks for itself."""
JUDGED = 20
"""Values that fit a rule's pattern from which on their check digits can speak against it."""
NEARLY_ALL = 0.95
"""Part of the values that must hold; the others are misprints."""
IMPROBABLE = 1e-6
"""Probability below which the check digits of a column do not hold by chance."""
DEVIATIONS = 3.0
"""Standard deviations above the mean up to which a count is chance (one in 740 columns is not)."""
CONFIDENCE = 0.7
"""What a value is worth whose column holds and whose header says nothing."""
DIGITS = 6
"""Digits without which a value is too small to be an identifier of its own."""
NUMBERED = frozenset(
    {
        "isbn",
        "issn",
        "ean",
        "ean13",
        "gtin",
        "upc",
        "barcode",
        "sku",
        "asin",
        "doi",
        "lot",
        "serial",
        "timestamp",
        "epoch",
    }
)
"""Header words of numbers with check digits that name no person and no account."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a column's values say beside what each of them says."""

    granted: int = -1
    """The rule that its values hold though nothing names it; -1 for none."""
    refused: frozenset[int] = frozenset()
    """Rules whose check digits hold in it as often as chance would have it."""


SILENT = Evidence()


def evidence_of(
    values: Sequence[str], header: str, alone: Alone, spoken_for: frozenset[int], found: Iterable[int]
) -> Evidence:
    """The evidence of a sample of a column's values.

    `spoken_for` are the rules that its header names, `found` those that matched some of its values.
    """
    distinct = list(dict.fromkeys(value.strip() for value in values))
    refused = frozenset(rule for rule in spoken_for.union(found) if rule in alone and _by_chance(distinct, rule, alone))
    if spoken_for - refused or len(distinct) < FEWEST or not NUMBERED.isdisjoint(tokens(header)):
        return Evidence(-1, refused)
    return Evidence(_granted(distinct, alone, refused), refused)


def are_numbers(values: Sequence[str]) -> bool:
    """Whether the first distinct values are all long enough to be identifiers."""
    first = list(dict.fromkeys(value.strip() for value in values[: 4 * FEWEST]))[:FEWEST]
    return all(sum(map(str.isdecimal, value)) >= DIGITS for value in first)


def _by_chance(distinct: Sequence[str], rule: int, alone: Alone) -> bool:
    """Whether so few of the values that fit a rule's pattern hold its checksum that chance explains them."""
    fitting = [(value, holds) for value in distinct for fits, holds in (alone.reads(rule, value),) if fits]
    held = sum(holds for _, holds in fitting)
    if len(fitting) < JUDGED or held > len(fitting) / 2:
        return False
    drawn = fitting[:JUDGED]
    mean = len(fitting) * sum(alone.chance_beside(rule, value) for value, _ in drawn) / len(drawn)
    return held <= mean + DEVIATIONS * sqrt(max(mean, 0.25))


def _granted(distinct: Sequence[str], alone: Alone, refused: frozenset[int]) -> int:
    """The rule that nearly all values hold and that chance explains least, or -1."""
    if not are_numbers(distinct):
        return -1
    first = {rule for value in distinct[:2] for rule in alone.readings(value)} - refused
    best = (IMPROBABLE, -1)
    for rule in sorted(first):
        held = sum(alone.reads(rule, value)[1] for value in distinct)
        if held < NEARLY_ALL * len(distinct) or not alone.guards(rule, distinct[0]):
            continue
        chance = max(alone.chance(rule, value) for value in distinct[:FEWEST])
        best = min(best, (chance ** len(distinct), rule))
    return best[1]
