"""What `piiscan buckets posture` prints for people: failing checks, what is not known, what changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from piiscan.assess import Account

MOST = 20
"""Buckets that are named of those for which a check says the same; of the others the number is told."""
CHANGES = ("new", "worse", "better", "fixed")


@dataclass(frozen=True, slots=True)
class Shown:
    """What is printed: verdicts as they are stored, worst first."""

    account: Account
    rows: Sequence[Mapping[str, Any]]
    checks: Sequence[str]
    before: int | None
    """The run before; None: this is the first."""
    only_new: bool


def print_posture(shown: Shown) -> None:
    """Print it."""
    _failing(shown)
    if not shown.only_new:
        _unknown(shown)
        _changes(shown)
    _sum(shown)


def _failing(shown: Shown) -> None:
    from piiscan.report.escape import printable

    failing = [row for row in shown.rows if row["verdict"] == "fail"]
    for (severity, check), found in groupby(failing, key=lambda row: (row["severity"], row["check"])):
        rows = list(found)
        macie = f", Macie's {rows[0]['macie'].rpartition('/')[2]}" if rows[0]["macie"] else ""
        print(f"{severity}  {rows[0]['title']} ({check}{macie})")
        alike: dict[tuple[str, str], list[str]] = {}
        for row in rows:
            alike.setdefault((row["change"], row["evidence"]), []).append(printable(row["bucket"]))
        for (change, evidence), names in alike.items():
            named = ", ".join(names[:MOST]) + (f" and {len(names) - MOST:,} more" if len(names) > MOST else "")
            print(f"    {named}{f' [{change}]' if change != 'still' else ''}: {printable(evidence)}")
        print(f"    -> {rows[0]['fix']}")


def _unknown(shown: Shown) -> None:
    from piiscan.assess import missing
    from piiscan.report.escape import printable

    found = list(missing(shown.account, shown.checks))
    if not found:
        return
    print("not known, since this could not be read:")
    for piece, buckets, checks in found:
        s = "" if buckets == 1 else "s"
        print(f"    {printable(str(piece))}: {buckets:,} bucket{s}; {', '.join(checks)}")


def _changes(shown: Shown) -> None:
    from piiscan.report.escape import printable

    if shown.before is None:
        return
    changed = [row for row in shown.rows if row["change"] in CHANGES]
    print(f"since run {shown.before}:" + ("" if changed else " nothing changed"))
    for row in sorted(changed, key=lambda row: CHANGES.index(row["change"])):
        print(f"    {row['change']:<6}  {row['severity']:<8}  {row['check']}: {printable(row['bucket'])}")


def _sum(shown: Shown) -> None:
    account = shown.account
    failing = [row["severity"] for row in shown.rows if row["verdict"] == "fail"]
    counts = [f"{failing.count(name)} {name}" for name in ("critical", "high", "medium", "low")]
    unknown = sum(row["verdict"] == "unknown" for row in shown.rows)
    score = "?" if account.score is None else account.score
    print(
        f"account {account.state.number or '(not known)'}: {len(account.buckets):,} buckets, score {score} of 100; "
        f"failing: {', '.join(counts)}; not known: {unknown:,}"
    )
