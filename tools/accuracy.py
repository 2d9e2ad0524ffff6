"""A labelled corpus made out of the catalogue itself, and what the catalogue scores on it.

`python -m tools.accuracy` writes `docs/accuracy.md`, `eval/baseline.json` and `classifiers/measured.json`. A test holds
the catalogue against the baseline, so that no rule gets worse unseen; the figures by rule go with the catalogue, and
`piiscan rules show` prints them. `--corpus FILE` writes the corpus for `piiscan eval`.

Every rule's values are drawn anew and stand alone, after each of some keywords, in a column, and in letters in seven
languages; the same values with a broken checksum, and the numbers of everyday life, are the negatives.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from piiscan.catalogue import load_rules
from piiscan.classify.checksum import checker
from piiscan.classify.stack import Stack
from piiscan.evaluation import Case, Labels, evaluate
from piiscan.model import Rule
from tools.values import made

ROOT = Path(__file__).parent.parent
BASELINE = ROOT / "eval" / "baseline.json"
MEASURED = ROOT / "classifiers" / "measured.json"
PAGE = ROOT / "docs" / "accuracy.md"
SEED = 20_261_124

LETTERS = (
    "Dear Ms Lindqvist,\n\nthank you for your call. As agreed we have changed the record: {}.\n\nKind regards",
    "Sehr geehrter Herr Brandt,\n\nwie besprochen haben wir Ihre Angaben geändert: {}.\n\nMit freundlichen Grüßen",
    "Madame, Monsieur,\n\nnous avons bien reçu votre demande ; voici ce qui est noté : {}.\n\nCordialement",
    "Estimado cliente:\n\nHemos actualizado sus datos; quedan así: {}.\n\nUn saludo",
    "Gentile cliente,\n\nabbiamo aggiornato i suoi dati come segue: {}.\n\nCordiali saluti",
    "Szanowni Państwo,\n\nzmieniliśmy dane w systemie: {}.\n\nZ poważaniem",
    "Prezado cliente,\n\natualizamos o seu cadastro: {}.\n\nAtenciosamente",
)
EVERYDAY = (
    "Order {n8} was shipped on 2026-03-14 with tracking number {n12}; the parcel weighs 1.250 kg.",
    "build 4.{n3}.{n4} of commit {h40} took {n4} ms, see https://ci.example.org/jobs/{n7}",
    '{{"id": {n10}, "ts": 17{n8}, "price": {n3}.{n2}, "sku": "{h8}", "size": [{n4}, {n4}]}}',
    "Invoice no {n7}, item {n6}-{n3}, total EUR {n4}.{n2}, due in 30 days.",
    "2026-11-24T10:{n2}:07.{n3}Z INFO [worker-{n2}] request {h8}-{h4}-4{h3}-8{h3}-{h12} done in {n3}ms",
    "{n5},{n5},{n4},{n6}\n{n5},{n4},{n5},{n6}\n{n4},{n5},{n5},{n6}",
)


def corpus(rules: Sequence[Rule]) -> Iterator[Case]:
    """The cases of all rules; a rule's own draws follow from its id, so that new rules change no others."""
    for rule in rules:
        rng = random.Random(f"{SEED} {rule.id}")
        values = [made(rule, rng) for _ in range(2)]
        words = [word for word in rule.context.keywords if not rule.context.gap or word.isascii()]
        chosen = rng.sample(words, min(4, len(words)))
        if not rule.context.required:
            yield _case(rule, values[0], values[0], "bare")
            yield _case(rule, f"It was noted down as {values[1]} and filed.", values[1], "prose")
        for word in chosen:
            value = rng.choice(values)
            yield _case(rule, f"{word}: {value}\n", value, "ctx")
            yield _case(rule, rng.choice(LETTERS).format(f"{word}: {value}"), value, "doc")
        column = rng.choice(rule.context.columns or tuple(words) or ("value",))
        if not any(sign in value for value in values for sign in ',"\n\r'):
            spans = []
            text = f"row,{column}\n"
            for number, value in enumerate(values, 1):
                text += f"{number},"
                spans.append((len(text), len(text) + len(value), rule.id))
                text += value + "\n"
            yield Case(text, True, rule.id, rule.category.value, "csv", _country(rule), tuple(spans))
        yield from _broken(rule, values[0], chosen, rng)
    rng = random.Random(SEED)
    for _ in range(400):
        yield Case(_filled(rng.choice(EVERYDAY), rng), False, "NONE", "NONE", "everyday", "")


def _case(rule: Rule, text: str, value: str, variant: str) -> Case:
    at = text.index(value)
    return Case(text, True, rule.id, rule.category.value, variant, _country(rule), ((at, at + len(value), rule.id),))


def _country(rule: Rule) -> str:
    folder = rule.id.split(".")[0]
    return folder.upper() if len(folder) == 2 else ""


def _broken(rule: Rule, value: str, words: Sequence[str], rng: random.Random) -> Iterator[Case]:
    """The value with one digit changed so that the rule's required checksum fails, behind a keyword."""
    if rule.checksum is None or not rule.checksum.required:
        return
    holds = checker(rule.checksum)
    places = [i for i, char in enumerate(value) if char.isdecimal()]
    for _ in range(50 if places else 0):
        at = rng.choice(places)
        other = value[:at] + rng.choice("0123456789") + value[at + 1 :]
        if other != value and not holds(other):
            text = f"{words[0] if words else 'number'}: {other}\n"
            at = text.index(other)
            span = ((at, at + len(other), rule.id),)
            yield Case(text, False, rule.id, rule.category.value, "broken", _country(rule), negspans=span)
            return


def _filled(template: str, rng: random.Random) -> str:
    names = {f"n{size}" for size in range(2, 13)} | {f"h{size}" for size in (3, 4, 8, 12, 40)}
    values = {
        name: "".join(rng.choices("0123456789" if name[0] == "n" else "0123456789abcdef", k=int(name[1:])))
        for name in sorted(names)
    }
    return template.format(**values)


def labels(rules: Sequence[Rule]) -> Labels:
    """Each rule is its own label; rules with one Macie identifier answer for each other."""
    same: dict[str, set[str]] = defaultdict(set)
    for rule in rules:
        same[rule.macie or rule.id].add(rule.id)
    return Labels(
        {rule.id: frozenset(same[rule.macie or rule.id]) for rule in rules},
        {rule.id: rule.category.value for rule in rules},
    )


def scores(rules: Sequence[Rule]) -> dict[str, Any]:
    """What the catalogue scores on its own corpus, as `piiscan eval --json` prints it."""
    return evaluate(corpus(rules), labels(rules), Stack(rules)).to_json()


def baseline(found: dict[str, Any]) -> dict[str, Any]:
    """The part of the scores that must not get worse."""
    rules = {rule: [row["recall"], row["wrong"]] for rule, row in found["rules"].items()}
    return {"rules": rules, "clean_findings": found["clean"]["findings"]}


def measured(found: dict[str, Any]) -> dict[str, Any]:
    """What `piiscan rules show` says of each rule: recall as [found, of] by variant, and precision."""
    recall: dict[str, dict[str, list[int]]] = defaultdict(dict)
    for key, row in found["labels"].items():
        rule, _, variant = key.partition("/")
        recall[rule][variant] = [row["exact"], row["of"]]
    rows = found["rules"]
    rules = {rule: {"precision": rows.get(rule, {}).get("precision"), "recall": recall[rule]} for rule in recall}
    return {"cases": found["cases"], "rules": rules}


def page(found: dict[str, Any], rules: Sequence[Rule]) -> str:
    """The scores as a page of documentation."""
    lines = [
        "# Accuracy",
        "",
        "<!-- Written by `python -m tools.accuracy`. -->",
        "",
        f"What the catalogue of {len(rules)} rules scores on the corpus that `tools/accuracy.py` makes out of it:",
        "every rule's values drawn anew, alone, in a sentence, after keywords, in a column and in letters in seven",
        "languages; and, as negatives, values with a broken checksum and numbers of everyday life. It shows that no",
        "rule is deaf and that none got worse; how well the rules meet the world is for corpora of others to say:",
        "`piiscan eval CORPUS.jsonl --labels eval/labels.toml --pack all`.",
        "",
        "## Recall",
        "",
        "| category | variant | exact | any of the category | of |",
        "|---|---|---|---|---|",
    ]
    for key, row in found["recall"].items():
        family, variant = key.split("/")
        shares = f"{row['exact_share']:.1%} | {row['family_share']:.1%}"
        lines.append(f"| {family} | {variant} | {shares} | {row['of']:,} |")
    lines += ["", "## False alarms", "", "| negatives | exact | any of the category | of |", "|---|---|---|---|"]
    for key, row in found["negatives"].items():
        name = "numbers of everyday life" if key == "NONE" else f"{key}, checksum broken"
        lines.append(f"| {name} | {row['exact_share']:.1%} | {row['family_share']:.1%} | {row['of']:,} |")
    weak = [(row["recall"], rule) for rule, row in found["rules"].items() if row["recall"] is not None]
    lines += ["", "## Rules below 90 %", "", "| rule | recall |", "|---|---|"]
    lines += [f"| `{rule}` | {recall:.0%} |" for recall, rule in sorted(weak) if recall < 0.9] or ["| none | |"]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Write the page and the baseline, or the corpus."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, metavar="FILE", help="write the corpus as JSON lines and end")
    args = parser.parse_args()
    rules = load_rules()
    if args.corpus is not None:
        with args.corpus.open("w", encoding="utf-8") as out:
            for case in corpus(rules):
                out.write(json.dumps(_line(case), ensure_ascii=False) + "\n")
        return 0
    found = scores(rules)
    BASELINE.write_text(json.dumps(baseline(found), indent=1, sort_keys=True) + "\n", encoding="utf-8")
    by_rule = [f"  {json.dumps(rule)}: {json.dumps(row)}" for rule, row in sorted(measured(found)["rules"].items())]
    lines = [f'{{"cases": {found["cases"]}, "rules": {{', ",\n".join(by_rule), "}}"]
    MEASURED.write_text("\n".join(lines) + "\n", encoding="utf-8")
    PAGE.write_text(page(found, rules), encoding="utf-8")
    for key, row in found["recall"].items():
        print(f"{key:<24}{row['exact_share']:.3f} of {row['of']}")
    return 0


def _line(case: Case) -> dict[str, Any]:
    return {
        "text": case.text,
        "polarity": "pos" if case.positive else "neg",
        "label": case.label,
        "family": case.family,
        "variant": case.variant,
        "country": case.country,
        "spans": [list(span) for span in case.spans],
        "negspans": [list(span) for span in case.negspans],
    }


if __name__ == "__main__":
    sys.exit(main())
