"""What a sampled run says of all objects of its targets, out of the numbers that it kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from piiscan.model import Category, Severity
from piiscan.sampling.estimate import Estimate, Stratum, estimate

Query = Callable[[str, Sequence[Any]], Sequence[tuple[Any, ...]]]
ASKED = (
    ("risk", "high"),
    *(("severity", s.name.lower()) for s in sorted(Severity, reverse=True)),
    *(("category", c.value) for c in Category),
)
"""What is estimated, found or not: a finding of high or critical severity, each severity, each category."""
NO_SAMPLE = "objects are in strata without a sample: nothing is known of them"
ROOM = 200
"""Rules of a target that are estimated, those in most objects."""


def estimates(query: Query, run: int) -> list[dict[str, Any]]:
    """For each target of a sampled run: what was drawn, and the estimates; none when the run was not sampled.

    `unsampled` are objects of strata without a sample: the estimates are of the others. `unread` were drawn and could
    not be read, and are left out, as if they were like the others of their stratum.
    """
    out = []
    for source, prefix in query("SELECT DISTINCT source, prefix FROM strata WHERE run = ? ORDER BY ALL", [run]):
        place = [run, source, prefix]
        where = "WHERE run = ? AND source = ? AND prefix = ?"
        rows = query(
            f"SELECT stratum, population, bytes, sampled, read, weight FROM strata {where} ORDER BY stratum",  # noqa: S608
            place,
        )
        hits: dict[tuple[str, str], dict[int, int]] = defaultdict(dict)
        for kind, what, stratum, objects in query(
            f"SELECT kind, what, stratum, objects FROM strata_hits {where} ORDER BY ALL",  # noqa: S608
            place,
        ):
            hits[kind, what][stratum] = objects
        rules = sorted((key for key in hits if key[0] == "rule"), key=lambda key: (-sum(hits[key].values()), key))
        asked = (*ASKED, *rules[:ROOM])
        drawn = [row for row in rows if row[3]]
        out.append(
            {
                "source": source,
                "prefix": prefix,
                "population": sum(row[1] for row in rows),
                "bytes": sum(row[2] for row in rows),
                "sampled": sum(row[3] for row in rows),
                "unread": sum(row[3] - row[4] for row in rows),
                "unsampled": sum(row[1] for row in rows if not row[3]),
                "strata": len(rows),
                "level": 0.95,
                "estimates": [_row(*key, estimate(_strata(drawn, hits.get(key, {})))) for key in asked],
            }
        )
    return out


def _strata(rows: Sequence[tuple[Any, ...]], hits: dict[int, int]) -> list[Stratum]:
    out = []
    for number, population, _, sampled, read, weight in rows:
        # What could not be read makes each read one stand for more.
        more = sampled / read if read else 1.0
        out.append(Stratum(population, read, min(hits.get(number, 0), read), weight * more))
    return out


def _row(kind: str, what: str, found: Estimate) -> dict[str, Any]:
    return {
        "kind": kind,
        "what": what,
        "found": found.hits,
        "share": found.share,
        "low": found.low,
        "high": found.high,
        "at_most": found.at_most,
    }


def as_lines(found: Sequence[dict[str, Any]], show: Callable[[str], str]) -> list[str]:
    """The estimates for people: what was found with its interval, what was not with its bound."""
    lines = []
    for target in found:
        where = show(target["source"] + ("/" + target["prefix"] if target["prefix"] else ""))
        lines += ["", f"Sample of {where}: {target['sampled']:,} of {target['population']:,} objects"]
        for count, what in (
            (target["unread"], "of the sample could not be read and say nothing"),
            (target["unsampled"], NO_SAMPLE),
        ):
            if count:
                lines.append(f"  ({count:,} {what})")
        if target["sampled"] == target["unread"]:
            continue
        lines.append("  Objects that hold it, of all (95 % interval):")
        none: dict[str, list[str]] = defaultdict(list)
        for row in target["estimates"]:
            if row["kind"] == "rule":
                continue
            name = "high or critical" if row["kind"] == "risk" else row["what"]
            if row["found"]:
                lines.append(
                    f"    {name:<18} {percent(row['share']):>8}  ({percent(row['low'])} to {percent(row['high'])}), "
                    f"found in {row['found']:,}"
                )
            else:
                none[percent(row["at_most"], up=True)].append(name)
        lines += [f"    none found, at most {bound} (95 %): {', '.join(names)}" for bound, names in none.items()]
    return lines


def percent(share: float, *, up: bool = False) -> str:
    """A share with two digits that count; with `up` rounded up, as a bound must be.

    >>> percent(0.00298), percent(0.00298, up=True), percent(0.4567), percent(0.0), percent(0.998)
    ('0.3 %', '0.3 %', '46 %', '0 %', '99.8 %')
    """
    import math

    value = share * 100
    if value <= 0:
        return "0 %"
    digits = max(1 - math.floor(math.log10(value)), 0) if value < 99 else 2
    scaled = value * 10**digits
    rounded = (math.ceil(scaled - 1e-9) if up else round(scaled)) / 10**digits
    return f"{rounded:g} %"
