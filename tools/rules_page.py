"""`python -m tools.rules_page [--check]`: writes docs/rules.md from the dataclasses that the loader of rules fills.

The sentences are the docstrings of the fields in `piiscan/model.py`; `SAID` holds those for keys that a file spells
otherwise than its dataclass. The table of counts in README.md is written, too. `--check` only names what differs.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, fields
from inspect import getsource
from pathlib import Path
from typing import Any

from piiscan import catalogue, model, rulefile
from piiscan.classify.checksum import KINDS, RAW_KINDS

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "rules.md"
README = ROOT / "README.md"
COUNTS = ("<!-- counts: written by tools/rules_page.py -->", "<!-- /counts -->")

TABLES: Mapping[str, tuple[str, type | None, str]] = {
    "": ("The file itself", model.Rule, "What stands before the first table."),
    "severity": ("`[severity]`", None, "How bad it is, by how many there are in one object."),
    "match": ("`[match]`", model.MatchSpec, "What a value looks like."),
    "checksum": ("`[checksum]`", model.ChecksumSpec, "The arithmetic that a value must hold. May be left out."),
    "context": ("`[context]`", model.ContextSpec, "Words around a value. May be left out."),
    "mask": ("`[mask]`", model.MaskSpec, "What a report may show. Left out: nothing but separators."),
    "confidence": ("`[confidence]`", model.ConfidenceSpec, "The last stage that holds decides; scans report from 0.5."),
    "test_data": ("`[test_data]`", None, "Published samples. A match of one is reported as `test_data`, without risk."),
    "example": ("`[[example]]`, two or more", model.Example, "A text, and what must be found in it."),
    "negative": ("`[[negative]]`, two or more", model.Negative, "A text in which nothing must be found, and why."),
}
NEEDED = {
    "": ("id", "name", "category", "severity", "match", "example", "negative"),
    "severity": ("steps",),
    "match": ("pattern",),
    "checksum": ("kind",),
    "example": ("text", "find"),
    "negative": ("text", "stopped"),
}
SAID = {
    "id": "`folder.name`: the file's place below `rules/`.",
    "name": "What it is called, in a few words.",
    "category": f"One of {', '.join(model.Category)}.",
    "macie": "The managed data identifier of Amazon Macie that finds the same.",
    "tags": "Words to select by, such as a country or a law.",
    "summary": "Who gives it out, to whom, and what its loss means.",
    "references": "Where the form and the check digits are described.",
    "severity": "Table, see below.",
    "match": "Table, see below.",
    "checksum": "Table, see below.",
    "context": "Table, see below.",
    "mask": "Table, see below.",
    "confidence": "Table, see below.",
    "test_data": "Table, see below.",
    "example": "List of tables, see below.",
    "negative": "List of tables, see below.",
    "origin": "What program an imported rule came from, such as `gitleaks`; such a rule needs no examples.",
    "severity.least": "Fewer in one object are no finding.",
    "severity.steps": 'Least count and severity, both ascending: `{ 1 = "low", 100 = "high" }`.',
    "match.pattern": "The value and nothing else: ASCII, no look-around, no capture group, every repeat with an end.",
    "match.anchor": "A literal that stands in every match; what makes a rule cheap.",
    "match.anchor_at": "Least and most characters of the match before its anchor.",
    "match.ignore_case": "Letters of the pattern stand for both cases.",
    "checksum.kind": "One of the kinds below.",
    "context.keywords": "Whole words, any case; a space in one also stands for nothing, `_` and `-`.",
    "context.negative": "Words that speak against a value when they stand before it.",
    "mask.keep_start": "Characters shown at the start.",
    "mask.keep_end": "Characters shown at the end.",
    "confidence.match": "The pattern and its neighbours hold.",
    "confidence.checksum": "The checksum holds, too.",
    "confidence.context": "A keyword is near.",
    "confidence.column": "The name of the column speaks for it.",
    "test_data.values": "The samples; separators do not matter.",
    "test_data.digests": "SHA-256 in hexadecimal of samples that must not be repeated in a file.",
    "example.text": "The text.",
    "example.find": "What the rule finds in it, in any order.",
    "example.confidence": "What the match must be worth.",
    "negative.text": "The text.",
    "negative.why": "The reason, for people.",
    "negative.column": "Header, when `text` is the value of a table column.",
}
TYPES = {str: "text", list: "list", dict: "table", bool: "true or false", int: "whole number", float: "number"}


def keys(table: str) -> Mapping[str, type]:
    """The keys of a table as the loader knows them."""
    return rulefile.KEYS.get(table, {"kind": str, "required": bool})


def sentences() -> dict[str, dict[str, str]]:
    """For each dataclass of the model the docstrings of its fields, on one line each."""
    out: dict[str, dict[str, str]] = {}
    for node in ast.parse(getsource(model)).body:
        if not isinstance(node, ast.ClassDef):
            continue
        out[node.name] = found = {}
        for field, text in zip(node.body, node.body[1:], strict=False):
            if (
                isinstance(field, ast.AnnAssign)
                and isinstance(field.target, ast.Name)
                and isinstance(text, ast.Expr)
                and isinstance(text.value, ast.Constant)
            ):
                found[field.target.id] = " ".join(str(text.value.value).split())
    return out


def meaning(table: str, key: str) -> str:
    """The sentence of a key. Raises: KeyError when nobody wrote one."""
    full = f"{table}.{key}" if table else key
    if full in SAID:
        return SAID[full]
    of = TABLES[table][1]
    assert of is not None, full
    return sentences()[of.__name__][key]


def _default(table: str, key: str) -> str:
    if key in NEEDED.get(table, ()):
        return "must be given"
    of = TABLES[table][1]
    for field in fields(of) if of is not None else ():
        value: Any = field.default
        if field.name == key and value is not MISSING and value not in ("", (), None) and table:
            return (
                f"`{str(value).lower() if isinstance(value, bool) else list(value) if key == 'anchor_at' else value}`"
            )
    return ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _table(name: str) -> Iterator[str]:
    title, _, about = TABLES[name]
    yield f"## {title}\n\n{about}\n\n| key | type | left out | meaning |\n|---|---|---|---|\n"
    for key, kind in keys(name).items():
        yield f"| `{key}` | {TYPES[kind]} | {_default(name, key)} | {_cell(meaning(name, key))} |\n"
    if name == "checksum":
        yield "| anything else | | | A parameter of the kind. |\n"
    yield "\n"


def page() -> str:
    """The whole page."""
    head = (
        "# Rule files\n\n"
        "<!-- Written by `python -m tools.rules_page` out of piiscan/model.py and piiscan/rulefile.py. -->\n\n"
        "One rule is one TOML file, `rules/<folder>/<name>.toml`, with its examples beside it. A key that is not\n"
        "named here is refused, with the file and the key. How to choose them:\n"
        "[classifiers/README.md](../classifiers/README.md).\n\n"
    )
    kinds = [
        "## Kinds of checksum\n\n"
        "Values come in upper case without separators, but as they stand where *raw* is said.\n\n"
        "| kind | holds when |\n|---|---|\n"
    ]
    for kind in sorted(KINDS):
        first = " ".join((KINDS[kind].__doc__ or "").split("\n\n")[0].split())
        kinds.append(f"| `{kind}` | {_cell(first)}{' *raw*' if kind in RAW_KINDS else ''} |\n")
    return head + "".join(part for name in TABLES for part in _table(name)) + "".join(kinds)


def counts() -> str:
    """How many rules there are by category, as a table for the README."""
    every = catalogue.load_rules()
    rules = catalogue.select(every, [catalogue.load_pack("all")])
    by = Counter(rule.category for rule in rules)
    lines = [f"{len(rules)} rules. As `piiscan rules list --pack all` lists them, without those for names:\n"]
    lines += ["| category | rules |", "|---|---|"]
    lines += [f"| {category} | {by[category]} |" for category in model.Category if by[category]]
    macie = len({rule.macie for rule in rules if rule.macie})
    lines.append(f"\nThey answer for {macie} of Macie's managed data identifiers.")
    lines.append(f"`--pack special` adds {len(every) - len(rules)} for special categories of data (GDPR Art. 9).")
    return "\n".join(lines)


def readme() -> str:
    """README.md with the counts of today."""
    before, _, rest = README.read_text("utf-8").partition(COUNTS[0])
    _, _, after = rest.partition(COUNTS[1])
    return f"{before}{COUNTS[0]}\n{counts()}\n{COUNTS[1]}{after}"


def main(check: bool) -> int:
    """Writes both, or with `check` names those that differ; the exit status."""
    wanted = {PAGE: page(), README: readme()}
    differ = [path for path, text in wanted.items() if not path.is_file() or path.read_text("utf-8") != text]
    for path in differ:
        if check:
            print(f"{path.name}: not as tools/rules_page.py writes it")
        else:
            path.write_text(wanted[path], "utf-8")
    return 1 if check and differ else 0


if __name__ == "__main__":
    raise SystemExit(main("--check" in sys.argv[1:]))
