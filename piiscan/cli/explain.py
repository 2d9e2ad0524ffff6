"""`piiscan explain ID|OBJECT`: why something is a finding, and what it is worth; how an object's risk is made up."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from piiscan.cli.options import Db, Rules, database


def explain(
    wanted: Annotated[str, typer.Argument(metavar="ID|OBJECT", help="A finding's id, or an object's key.")],
    db: Db = "",
    rules: Rules = None,
) -> int:
    """Say why a finding was reported, or term by term what an object's risk is made of."""
    from piiscan.errors import ConfigError
    from piiscan.store.lookup import finding, looks_like_id, named
    from piiscan.store.snapshot import open_newest, say_age

    con, age = open_newest(database(db))
    say_age(age)
    try:
        if not looks_like_id(wanted):
            print("\n".join(_object(con, named(con, wanted))))
            return 0
        try:
            found = finding(con, wanted)
        except ConfigError:
            # A key may look like an id.
            found = {}
            one = _maybe(con, wanted)
            if one is None:
                raise
        print("\n".join(_finding(con, found, rules) if found else _object(con, one or {})))
        return 0
    finally:
        con.close()


def _maybe(con: Any, wanted: str) -> dict[str, Any] | None:
    from piiscan.errors import ConfigError
    from piiscan.store.lookup import named

    try:
        return named(con, wanted)
    except ConfigError:
        return None


def _object(con: Any, one: Mapping[str, Any]) -> list[str]:
    """An object's risk, a line for each term of the formula of `docs/risk.md`."""
    from piiscan.report.escape import printable

    terms = con.execute(
        "SELECT term, name, severity, confidence, number, weight, spread, points FROM v_risk_terms "
        "WHERE source = ? AND object = ? ORDER BY points DESC, term",
        [one["source"], one["object"]],
    ).fetchall()
    exposure = one["exposure"]
    factor = con.execute("SELECT weight FROM risk_weights WHERE term = 'exposure'").fetchone()[0]
    out = [
        f"{printable(one['source'])}/{printable(one['object'])}",
        f"outcome      {one['outcome']} {printable(one['reason'])}".rstrip(),
        f"sensitivity  {one['sensitivity']}: what it holds",
        "exposure     " + ("unknown: counts as none" if exposure is None else f"{exposure:g} of 1"),
        f"risk         {one['risk']} = 100 x (1 - left ^ (1 + {factor:g} x {exposure or 0:g}))",
        f"people       about {one['people'] or 0:,}",
    ]
    left = 1.0
    for term, name, severity, confidence, number, weight, spread, points in terms:
        left *= 1 - points / 100
        what = f"{printable(name)}, {severity}" if severity else f"{name} together in rows, records or pages"
        out.append(
            f"  {points:5.1f} points: {printable(term)} ({what}): weight {weight:g} x confidence {confidence:.2f} x "
            f"spread {spread:.2f} of {number:,}; left {left:.4f}"
        )
    return out


def _finding(con: Any, found: Mapping[str, Any], rules: Sequence[str] | None) -> list[str]:
    """Why a finding was reported: its rule's stages, its confidence, its part in the object's risk."""
    from pathlib import Path

    from piiscan.catalogue import load_rules
    from piiscan.classify import address_stage, ner
    from piiscan.report.escape import printable
    from piiscan.report.rows import describe
    from piiscan.store.lookup import evidence, occurrences

    places = occurrences(con, found["finding"], 3)
    heard = evidence(con, found)
    known = (*load_rules(None, [Path(p) for p in rules or ()]), *ner.RULES, address_stage.RULE)
    rule = next((rule for rule in known if rule.id == found["rule"]), None)
    out = [
        f"{found['finding']}  {found['rule']}: {found['name']}",
        f"object      {printable(found['source'])}/{printable(found['object'])} ({found['media_type']})",
        f"count       {found['count']:,}, {found['distinct_values']:,} distinct"
        + ("; all of them published samples" if found["test_data"] else ""),
        f"severity    {found['severity']}",
        f"confidence  {found['confidence']:.2f}: " + _reason(rule, found, places),
    ]
    out += [f"evidence    {printable(said)}" for said in heard]
    if rule is not None:
        if rule.match.pattern:
            out.append(f"pattern     {rule.match.pattern}")
        if rule.checksum is not None:
            out.append(f"checksum    {rule.checksum.kind}")
        if rule.context.keywords:
            out.append(f"keywords    {', '.join(rule.context.keywords[:12])} (within {rule.context.window} characters)")
        out += [f"source      {r}" for r in rule.references]
    for place in places:
        out.append(f"place       {printable(describe(place['place']))}  {printable(place['masked'])}")
    out.append(f"risk        {found['risk']} for the object")
    out += [f"            {printable(reason)}" for reason in json.loads(found["reasons"])]
    return out


def _reason(rule: object, found: Mapping[str, Any], places: Sequence[Mapping[str, Any]]) -> str:
    """What the confidence of a finding rests on."""
    from piiscan.classify import fields
    from piiscan.exact import confidence

    sure = found["confidence"]
    if found["rule"].startswith("exact."):
        return confidence.say(sure)
    # A column's cells are judged together; only its long texts are read as text.
    if found["rule"].startswith("ner.") and not {"row", "record"}.isdisjoint(places[0]["place"] if places else ()):
        return fields.say(sure)
    return _stage(rule, sure)


def _stage(rule: object, confidence: float) -> str:
    """Which stage the best match of a finding reached, from the rule's own scale."""
    from piiscan.model import Rule

    if not isinstance(rule, Rule):
        return "its rule is not in this catalogue any more"
    scale = rule.confidence
    stages = {
        "the column's name or the path speaks for it": scale.column,
        "a keyword stands near": scale.context,
        "the checksum holds": scale.checksum if rule.checksum is not None else -1.0,
        "the pattern alone": scale.match,
    }
    best = min(stages, key=lambda s: abs(stages[s] - confidence))
    return best if abs(stages[best] - confidence) < 0.005 else "between the stages (words speak against it)"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("explain")(explain)
