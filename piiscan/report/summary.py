"""The summary of a run: fits a screen, adds up, says what to type next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from piiscan.report.escape import printable
from piiscan.sampling.results import as_lines, estimates

if TYPE_CHECKING:
    from piiscan.sampling.plan import Next
    from piiscan.scan import RunResult
    from piiscan.store.ingest import DuckStore

HARMLESS = ("SYMBOLIC_LINK", "SPECIAL_FILE", "OWN_DATABASE", "SECURE_STRING")
"""Reasons of entries that hold nothing of their own, or were not to be read: they do not make a run incomplete."""

_SEVERITIES = ("critical", "high", "medium", "low")


def summarise(
    store: DuckStore, result: RunResult, path: Path, seconds: float, alerts: dict[str, Any] | None
) -> dict[str, Any]:
    """The summary as plain data: what this run read, and what is now known of its targets."""
    run, progress = result.run, result.progress
    here, values = _scope(result)
    outcomes = dict(store.query("SELECT outcome, count(*) FROM objects WHERE run = ? GROUP BY 1", [run]))
    # Of unchanged objects, too: what an earlier run could not read is still not read.
    reasons = store.query(
        "SELECT split_part(reason, ':', 1), count(*) FROM v_objects "  # noqa: S608
        f"WHERE {here} AND outcome <> 'scanned' "
        "GROUP BY 1 ORDER BY 2 DESC, 1",
        values,
    )
    found = store.query(
        "SELECT rule, any_value(name), severity, count(*), sum(count)::BIGINT FROM v_findings "  # noqa: S608
        f"WHERE counted AND {here} GROUP BY rule, severity",
        values,
    )
    samples = store.query(
        f"SELECT count(*), coalesce(sum(count), 0)::BIGINT FROM v_findings WHERE test_data AND {here}",  # noqa: S608
        values,
    )[0]
    triaged = store.query(
        "SELECT count(*) FILTER (suppressed_by IS NOT NULL), count(*) FILTER (suppressed_by IS NULL) FROM v_findings "  # noqa: S608
        f"WHERE NOT test_data AND NOT counted AND {here}",
        values,
    )[0]
    risky = store.query(
        f"SELECT source, object, risk FROM v_objects WHERE risk > 0 AND {here} "  # noqa: S608
        "ORDER BY risk DESC, source, object LIMIT 5",
        values,
    )
    by_severity: Counter[str] = Counter()
    by_rule: dict[str, dict[str, Any]] = {}
    for rule, name, severity, findings, matches in found:
        by_severity[severity] += findings
        entry = by_rule.setdefault(rule, {"rule": rule, "name": name, "objects": 0, "matches": 0})
        entry["objects"] += findings
        entry["matches"] += matches
    read = store.query("SELECT coalesce(sum(bytes_examined), 0)::BIGINT FROM objects WHERE run = ?", [run])[0][0]
    return {
        "run": run,
        "resumed": result.resumed,
        "status": result.status,
        "database": str(path),
        "seconds": round(seconds, 3),
        "listed": progress.tally.listed,
        "objects": {
            **{o: outcomes.get(o, 0) for o in ("scanned", "partial", "skipped", "failed")},
            "unchanged": progress.unchanged,
            "left_out": progress.tally.left_out,
        },
        "bytes": read - result.copies[1],
        "not_read_whole": sum(n for code, n in reasons if code not in HARMLESS),
        "reasons": [{"reason": code, "objects": n} for code, n in reasons],
        "findings": {
            "total": sum(by_severity.values()),
            "by_severity": {s: by_severity[s] for s in _SEVERITIES if by_severity[s]},
            "by_rule": sorted(by_rule.values(), key=lambda e: (-e["objects"], e["rule"])),
            "test_data": {"findings": samples[0], "matches": samples[1]},
            **({"suppressed": triaged[0]} if triaged[0] else {}),
            **({"set_aside": triaged[1]} if triaged[1] else {}),
        },
        "riskiest": [{"source": s, "object": o, "risk": r} for s, o, r in risky],
        "gone": result.gone,
        **({"live_secrets": dict(zip(("looked_for", "not"), result.live, strict=True))} if result.live else {}),
        **({"copies": {"objects": result.copies[0], "bytes": result.copies[1]}} if result.copies[0] else {}),
        **({"carried_over": progress.carried} if progress.carried else {}),
        "source_errors": list(result.source_errors),
        **_allowed(store, result, here, values),
        **_sampled(store, result),
        **({"alerts": alerts} if alerts is not None else {}),
    }


def _sampled(store: DuckStore, result: RunResult) -> dict[str, Any]:
    """What a run that read a part says of the whole, and what a larger budget would read next; else nothing."""
    found = estimates(store.query, result.run)
    following = next_best(result.next_best)
    return {**({"samples": found} if found else {}), **({"next_best": following} if following else {})}


def next_best(found: Sequence[Next]) -> list[dict[str, Any]]:
    """What a larger budget would read next, as plain data."""
    return [
        {"source": n.ref.source, "object": n.ref.key, "size": n.ref.size, "score": round(n.score, 2), "why": n.why}
        for n in found
    ]


def next_lines(following: list[dict[str, Any]]) -> list[str]:
    """What a larger budget would read next, for people."""
    lines = ["", "Next best objects, beyond the budget"] if following else []
    for entry in following:
        name = _short(printable(entry["source"] + "/" + entry["object"]), 60)
        lines.append(f"  {entry['size']:>14,}  {name}  ({entry['why']})")
    return lines


def _allowed(store: DuckStore, result: RunResult, here: str, values: list[str]) -> dict[str, Any]:
    """What the entries of the allow lists kept back in the targets; nothing when there are no lists."""
    lists = result.allow
    if not lists.entries and not lists.expired:
        return {}
    used = store.query(
        f"SELECT entry, sum(count)::BIGINT, count(DISTINCT (source, object)) FROM v_allowed WHERE {here} "  # noqa: S608
        "GROUP BY entry",
        values,
    )
    counts = {entry: (matches, objects) for entry, matches, objects in used}
    entries = []
    for entry in (*lists.entries, *lists.expired):
        matches, objects = counts.get(entry.name, (0, 0))
        row = {"entry": entry.name, "reason": entry.reason, "matches": matches, "objects": objects}
        entries.append({**row, "expired": entry in lists.expired})
    return {"allow_lists": {"matches": sum(e["matches"] for e in entries), "entries": entries}}


def _allow_lines(found: dict[str, Any]) -> list[str]:
    """One line for the matches, one each for the entries that did nothing."""
    entries = found["entries"]
    most = sorted((e for e in entries if e["matches"]), key=lambda e: -e["matches"])
    shown = ", ".join(f"{e['matches']:,} by {printable(e['entry'])}" for e in most[:3])
    more = f" and {len(most) - 3} more" if len(most) > 3 else ""
    lines = [f"  ({found['matches']:,} matches not reported, by allow lists{': ' if shown else ''}{shown}{more})"]
    for word, some in (
        ("never used", [e["entry"] for e in entries if not e["matches"] and not e["expired"]]),
        ("expired", [e["entry"] for e in entries if e["expired"]]),
    ):
        if some:
            named = ", ".join(printable(name) for name in some[:3])
            entry = "entry" if len(some) == 1 else "entries"
            lines.append(f"  ({len(some)} {entry} of allow lists {word}: {named}{', …' if len(some) > 3 else ''})")
    return lines


def _scope(result: RunResult) -> tuple[str, list[str]]:
    """A condition over `source` and `object` that holds for what the targets of the run mean, and its parameters."""
    parts, values = ["false"], []
    for target in result.targets:
        parts.append("(source = ? AND object = ?)" if target.single else "(source = ? AND starts_with(object, ?))")
        values += [target.source, target.prefix]
    return f"({' OR '.join(parts)})", values


def as_text(summary: dict[str, Any]) -> str:
    """The summary for people: at most about forty lines, for a terminal of 80 columns."""
    objects, findings = summary["objects"], summary["findings"]
    again = ", resumed" if summary["resumed"] else ""
    rate = summary["bytes"] / 1e6 / max(summary["seconds"], 1e-6)
    lines = [
        f"Run {summary['run']}{again}: {summary['listed']:,} objects listed, {summary['bytes'] / 1e6:,.1f} MB read in "
        f"{summary['seconds']:.1f} s ({rate:,.1f} MB/s)",
        "  " + ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in objects.items() if n),
    ]
    for entry in summary["reasons"][:5]:
        lines.append(f"    {entry['objects']:>7,}  {printable(entry['reason'])}")
    if copies := summary.get("copies"):
        lines.append(
            f"  {copies['objects']:,} objects are copies of others ({copies['bytes'] / 1e6:,.1f} MB): read once"
        )
    if summary.get("carried_over"):
        lines.append(f"  {summary['carried_over']:,} objects are as the changed rules would find them: not read again")
    if live := summary.get("live_secrets"):
        lines.append(
            f"  {live['looked_for']:,} live secrets looked for, {live['not']:,} not (piiscan secrets ls says why)"
        )
    if summary["gone"]:
        lines.append(f"  {summary['gone']:,} objects of earlier runs are gone; their findings are closed")
    by = findings["by_severity"]
    lines.append("")
    if findings["total"]:
        lines.append(f"Findings: {findings['total']:,} ({', '.join(f'{n:,} {s}' for s, n in by.items())})")
        for entry in findings["by_rule"][:12]:
            objects_ = f"{entry['objects']:,} object{'s' if entry['objects'] != 1 else ''}"
            lines.append(f"  {entry['matches']:>9,}  {entry['rule']:<34} {entry['name'][:40]:<40} in {objects_}")
        if len(findings["by_rule"]) > 12:
            lines.append(f"             and {len(findings['by_rule']) - 12} more types")
    else:
        lines.append("Findings: none")
    samples = findings["test_data"]
    if samples["findings"]:
        lines.append(
            f"  ({samples['matches']:,} published sample values in {samples['findings']:,} findings not counted)"
        )
    if findings.get("suppressed"):
        lines.append(f"  ({findings['suppressed']:,} findings suppressed: piiscan triage ls)")
    if findings.get("set_aside"):
        lines.append(f"  ({findings['set_aside']:,} findings called false positives, or accepted)")
    if "allow_lists" in summary:
        lines += _allow_lines(summary["allow_lists"])
    lines += as_lines(summary.get("samples", ()), printable)
    lines += next_lines(summary.get("next_best", [])[:5])
    if summary["riskiest"]:
        lines.append("")
        lines.append("Riskiest objects")
        for entry in summary["riskiest"]:
            lines.append(f"  {entry['risk']:>3}  {_short(printable(entry['source'] + '/' + entry['object']), 70)}")
    if "alerts" in summary:
        lines.append("")
        lines.append(f"Alerts: {summary['alerts']['sent']} sent, {summary['alerts']['failed']} not delivered")
    database = printable(summary["database"])
    lines += [
        "",
        f"Database: {database}",
        f"Next: piiscan report --db {database}",
        f'      piiscan sql "SELECT * FROM v_objects ORDER BY risk DESC LIMIT 20" --db {database}',  # noqa: S608 - a command to type
        "",
    ]
    return "\n".join(lines)


def _short(text: str, width: int) -> str:
    return text if len(text) <= width else "…" + text[-(width - 1) :]
