"""`piiscan rules list|show|check|test|new`: the catalogue."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from piiscan.cli import rules_exact, rules_import
from piiscan.cli.options import Pack, Rules
from piiscan.cli.rules_show import show


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="The catalogue of rules.", no_args_is_help=True)
    group.command("list")(list_)
    group.command("show")(show)
    group.command("check")(check)
    group.command("test")(test)
    group.command("new")(new)
    rules_exact.register(group)
    rules_import.register(group)
    app.add_typer(group, name="rules")


def list_(
    pack: Pack = None,
    rules: Rules = None,
    json_: Annotated[bool, typer.Option("--json", help="JSON lines.")] = False,
) -> int:
    """List the rules of the default pack, or of the named ones."""
    from piiscan.classify.build import all_rules
    from piiscan.cli.options import given
    from piiscan.config import load_config

    for rule in all_rules(load_config(given(packs=pack, rules=rules))):
        severity = rule.severity_at(1).label
        if json_:
            print(
                json.dumps(
                    {
                        "rule": rule.id,
                        "name": rule.name,
                        "macie": rule.macie,
                        "category": rule.category.value,
                        "severity": severity,
                        "tags": list(rule.tags),
                    },
                    ensure_ascii=False,
                )
            )
        else:
            print(f"{rule.id:<36} {rule.category.value:<12} {severity:<9} {rule.name}")
    return 0


def check(paths: Annotated[list[str] | None, typer.Argument(metavar="[FILE|DIR]...")] = None) -> int:
    """Check rules: keys, ids, patterns, and every example and negative through the real stack."""
    from piiscan.catalogue import default_folder, load_rule, load_rules, own_rules
    from piiscan.classify.stack import Stack
    from piiscan.errors import CatalogueError
    from piiscan.selftest import check_rule

    chosen = [Path(p) for p in paths] if paths else [default_folder()]
    found = []
    problems: list[str] = []
    for path in chosen:
        try:
            found += (
                [load_rule(path)]
                if path.is_file()
                else list(load_rules(path) if (path / "rules").is_dir() else own_rules([path]))
            )
        except CatalogueError as err:
            problems.append(str(err))
    for rule in found:
        stack = Stack([rule], cache=False)

        def classify(_: object, text: str, column: str, stack: Stack = stack) -> list[tuple[int, int, float]]:
            return [(m.start, m.end, m.confidence) for m in stack.classify(text, column=column)]

        problems += [f"{rule.id}: {p}" for p in check_rule(rule, classify)]
    for problem in problems:
        sys.stderr.write(f"piiscan: {problem}\n")
    print(f"{len(found)} rules checked, {len(problems)} problem{'s' if len(problems) != 1 else ''}")
    return 2 if problems else 0


def test(
    text: Annotated[str, typer.Argument(metavar="TEXT")],
    rule_id: Annotated[str, typer.Option("--rule", metavar="ID", help="Only this rule.")] = "",
    rules: Rules = None,
    column: Annotated[str, typer.Option("--column", metavar="NAME")] = "",
) -> int:
    """Try rules on a text, every confidence shown."""
    from piiscan.catalogue import load_rules
    from piiscan.classify.stack import Stack
    from piiscan.errors import CatalogueError
    from piiscan.redact import mask_for
    from piiscan.report.escape import printable

    chosen = [r for r in load_rules(None, [Path(p) for p in rules or ()]) if not rule_id or r.id == rule_id]
    if not chosen:
        raise CatalogueError(f"no rule {rule_id!r}")
    by_id = {r.id: r for r in chosen}
    for match in Stack(chosen, threshold=0.0).classify(text, column=column):
        masked = printable(mask_for(by_id[match.rule], match.value))
        print(f"{match.confidence:.2f}  {match.rule:<36} [{match.start}, {match.end})  {masked}")
    return 0


_TEMPLATE = '''id       = "{id}"
name     = ""
category = "pii"          # credentials, financial, pii, phi, business, custom
tags     = []
summary  = """
What it is, who gives it out, what its loss means.
"""
references = []

[severity]
steps = {{ 1 = "high" }}

[match]
before  = '[^\\w.,-]'
pattern = '\\d{{8}}'
after   = '[^\\w-]'

[context]
keywords = []
required = true

[confidence]
match   = 0.2
context = 0.9

[[example]]
text = ""
find = [""]
[[example]]
text = ""
find = [""]
[[negative]]
text    = ""
stopped = "match"
[[negative]]
text    = ""
stopped = "context"
'''


def new(
    rule_id: Annotated[str, typer.Argument(metavar="ID", help="folder.name, such as acme.badge")],
    rules: Annotated[str, typer.Option("--rules", metavar="DIR", help="Where to write it.")] = "rules",
) -> int:
    """Write the skeleton of a rule."""
    import re

    from piiscan.errors import CatalogueError

    if not re.fullmatch(r"[a-z][a-z0-9_]*\.[a-z][a-z0-9_]*", rule_id):
        raise CatalogueError(f"{rule_id!r}: an id is folder.name in lower case, such as acme.badge")
    folder, stem = rule_id.split(".")
    path = Path(rules) / folder / f"{stem}.toml"
    if path.exists():
        raise CatalogueError(f"{path}: is there already")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_TEMPLATE.format(id=rule_id), encoding="utf-8")
    print(f"{path}: fill it in, then run: piiscan rules check {path}")
    return 0
