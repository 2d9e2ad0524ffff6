"""`piiscan explain ID`: why something is a finding, and what it is worth."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from piiscan.cli.options import Db, Rules, database


def explain(finding_id: Annotated[str, typer.Argument(metavar="ID")], db: Db = "", rules: Rules = None) -> int:
    """Say why a finding was reported: its rule's stages, its confidence, its part in the object's risk."""
    from pathlib import Path

    from piiscan.catalogue import load_rules
    from piiscan.classify import address_stage, ner
    from piiscan.report.escape import printable
    from piiscan.report.rows import describe
    from piiscan.store.lookup import evidence, finding, occurrences
    from piiscan.store.snapshot import open_newest, say_age

    con, age = open_newest(database(db))
    say_age(age)
    found = finding(con, finding_id)
    places = occurrences(con, found["finding"], 3)
    heard = evidence(con, found)
    con.close()
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
    print("\n".join(out))
    return 0


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
