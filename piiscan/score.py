"""Room 7, how bad it is: an object's findings into one number from 0 to 100, with its reasons.

Each finding is worth its severity's weight, scaled by its confidence and by the logarithm of its distinct values (a
thousand copies of one number are one leak, a thousand numbers are a thousand). Terms add up like independent chances,
so that many small findings approach but never pass 100.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from piiscan.model import Finding, RiskScore, Rule, RuleId, Severity

WEIGHTS: Mapping[Severity, int] = {
    Severity.LOW: 4,
    Severity.MEDIUM: 15,
    Severity.HIGH: 40,
    Severity.CRITICAL: 70,
}
"""Points of one certain finding with one distinct value."""

FULL_AT = 10_000
"""Distinct values from which on a finding counts twice its weight."""

REASONS = 10
"""Terms that are spelled out."""


def points(finding: Finding) -> float:
    """The points of one finding; 0 for published samples.

    Source: own formula; `severity weight x confidence x (1 + log10(distinct) / log10(10,000))`, at most 95.
    """
    if finding.test_data:
        return 0.0
    spread = 1 + min(math.log10(max(finding.distinct, 1)) / math.log10(FULL_AT), 1.0)
    return min(WEIGHTS[finding.severity] * finding.confidence * spread, 95.0)


def score(findings: Sequence[Finding], names: Mapping[RuleId, Rule]) -> RiskScore:
    """The risk of an object: `100 x (1 - product(1 - points/100))`, and a sentence a term, largest first."""
    terms = sorted(((points(f), f) for f in findings), key=lambda t: (-t[0], t[1].rule))
    left = 1.0
    reasons: list[str] = []
    for worth, finding in terms:
        if worth <= 0:
            continue
        left *= 1 - worth / 100
        if len(reasons) < REASONS:
            rule = names.get(finding.rule)
            name = rule.name if rule is not None else finding.rule
            plural = "" if finding.distinct == 1 else "s"
            reasons.append(
                f"{worth:.0f} points: {finding.distinct} distinct value{plural} of {name} ({finding.severity.label}, "
                f"confidence {finding.confidence:.2f})"
            )
    value = round(100 * (1 - left))
    return RiskScore(max(value, 1) if reasons else 0, tuple(reasons))
