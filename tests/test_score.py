"""An object's risk: 0 to 100, more for more, nothing for published samples, and a reason for every term."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piiscan.model import Finding, RuleId, Severity
from piiscan.score import REASONS, WEIGHTS, points, score
from tests.support.made import finding, rule

NAMES = {RuleId("us.ssn"): rule("us.ssn")}
FINDINGS = st.builds(
    lambda severity, confidence, values, sample: finding(
        values=values, severity=severity, confidence=confidence, test_data=sample
    ),
    st.sampled_from(Severity),
    st.floats(0, 1),
    st.integers(1, 50),
    st.booleans(),
)


def of(severity: Severity, *, confidence: float = 1.0, values: int = 1, sample: bool = False) -> Finding:
    return finding(severity=severity, confidence=confidence, values=values, test_data=sample)


@pytest.mark.parametrize("severity", Severity, ids=lambda s: s.label)
def test_one_certain_value_is_worth_its_severity(severity: Severity) -> None:
    assert points(of(severity)) == WEIGHTS[severity]
    assert points(of(severity, confidence=0.5)) == WEIGHTS[severity] / 2
    assert score([of(severity)], NAMES).value == WEIGHTS[severity]


def test_distinct_values_count_and_copies_do_not() -> None:
    one = finding(values=1)
    assert points(one) < points(finding(values=10)) < points(finding(values=100))
    many = finding(places=[p.place for p in one.occurrences] * 500, values=1)
    assert points(many) == points(one)
    assert points(of(Severity.LOW, values=10_000)) == points(of(Severity.LOW, values=20_000)) == 2 * 4


@given(st.lists(FINDINGS, max_size=14))
def test_a_score_stays_within_its_bounds(findings: Sequence[Finding]) -> None:
    risk = score(findings, NAMES)
    telling = [f for f in findings if points(f) > 0]
    assert 0 <= risk.value <= 100
    assert (risk.value == 0) == (not telling)
    assert len(risk.reasons) == min(len(telling), REASONS)
    assert score(list(reversed(findings)), NAMES).value == risk.value
    if findings:
        assert score(findings[1:], NAMES).value <= risk.value


def test_samples_are_worth_nothing() -> None:
    assert score([of(Severity.CRITICAL, values=30, sample=True)], NAMES) == score([], NAMES)
    assert score([], NAMES).value == 0


def test_the_least_finding_still_shows() -> None:
    risk = score([of(Severity.LOW, confidence=0.01)], NAMES)
    assert (risk.value, len(risk.reasons)) == (1, 1)


def test_reasons_name_the_rules_largest_first() -> None:
    low = finding("xx.none", severity=Severity.LOW, confidence=0.5)
    high = finding("us.ssn", severity=Severity.HIGH, values=2)
    assert score([low, high], NAMES).reasons == (
        "41 points: 2 distinct values of Us.Ssn (high, confidence 0.95)",
        "2 points: 1 distinct value of xx.none (low, confidence 0.50)",
    )
