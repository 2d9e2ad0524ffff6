"""The score of a bucket's posture, 0 to 100, and of an account's: 100 is best.

Each check that fails leaves a part of what is left, by its severity; one that is not known takes half as much, so that
what cannot be seen is never as good as what passes. The formula is in `docs/posture.md`.

Source: own formula, in the manner of the risk's.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

from piiscan.model import Severity
from piiscan.posture.check import Outcome, Verdict, catalogue

TAKES: Mapping[Severity, float] = {
    Severity.CRITICAL: 0.6,
    Severity.HIGH: 0.35,
    Severity.MEDIUM: 0.1,
    Severity.LOW: 0.03,
}
"""The part of what is left that one failing check takes away."""
UNKNOWN_TAKES = 0.5
"""How much of that one takes that is not known."""


def severity_of(check_id: str, verdict: Verdict) -> Severity:
    """How bad a verdict is: its own severity, or its check's."""
    return verdict.severity or catalogue()[check_id].severity


def bucket_score(verdicts: Mapping[str, Verdict]) -> int | None:
    """The score out of the verdicts by check; None when nothing at all could be judged."""
    left, judged = 1.0, False
    for name, verdict in verdicts.items():
        judged = judged or verdict.outcome in (Outcome.PASS, Outcome.FAIL)
        if catalogue()[name].part_of:
            continue
        takes = TAKES[severity_of(name, verdict)]
        if verdict.outcome is Outcome.FAIL:
            left *= 1 - takes
        elif verdict.outcome is Outcome.UNKNOWN:
            left *= 1 - takes * UNKNOWN_TAKES
    return math.floor(100 * left + 0.5) if judged else None


def account_score(scores: Iterable[int | None]) -> int | None:
    """Half of it the mean of its buckets' scores, half the lowest: one open bucket among a thousand shows.

    >>> account_score([100, 100, 40]), account_score([None])
    (60, None)
    """
    given: Sequence[int] = [score for score in scores if score is not None]
    if not given:
        return None
    return math.floor((sum(given) / len(given) + min(given)) / 2 + 0.5)
