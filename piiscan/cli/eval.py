"""`piiscan eval`: how right the catalogue is on a labelled corpus."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from piiscan.cli.options import Allow, ConfigFile, Ner, NoNer, Pack, Rules, Threshold, given


def evaluate(
    corpus: Annotated[list[Path], typer.Argument(metavar="CORPUS.jsonl[.gz]...", help="Labelled cases, one a line.")],
    labels: Annotated[Path, typer.Option("--labels", metavar="MAP.toml", help="Which rules answer for which label.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print all figures as one JSON object.")] = False,
    by: Annotated[
        str, typer.Option("--by", metavar="TABLE", help="Also print a table: labels, countries, rules.")
    ] = "",
    pack: Pack = None,
    rules: Rules = None,
    allow: Allow = None,
    threshold: Threshold = None,
    no_ner: NoNer = False,
    ner: Ner = None,
    config_file: ConfigFile = "",
) -> int:
    """Recall, false positives and precision by family, variant, label, country and rule."""
    from piiscan.allow import load_allow
    from piiscan.classify.build import build_stack
    from piiscan.config import load_config
    from piiscan.evaluation import evaluate as score
    from piiscan.evaluation import load_labels, read_cases

    flags = given(
        packs=pack, rules=rules, allow=allow, threshold=threshold, ner=False if no_ner else None, ner_model=ner
    )
    config = load_config(flags, config_file=config_file or None)
    lists = load_allow(config.allow)
    known = load_labels(labels)
    cases = [case for path in corpus for case in read_cases(path)]
    scores = score(cases, known, build_stack(config), lists).to_json()
    if as_json:
        sys.stdout.write(json.dumps(scores, ensure_ascii=False) + "\n")
    else:
        sys.stdout.write("\n".join(_tables(scores, by)) + "\n")
    return 0


def _tables(scores: dict[str, Any], by: str) -> list[str]:
    lines = [f"{scores['cases']:,} cases, {scores['unread']} of them unreadable", ""]
    lines += _shares("Recall (family/variant)", scores["recall"])
    lines += _shares("False alarms on negatives", scores["negatives"])
    lines += _shares("Right inside documents", scores["documents"])
    clean = scores["clean"]
    if clean["per_mb"] is not None:
        lines.append(f"Text with nothing to find: {clean['findings']} findings in {clean['bytes']:,} bytes")
    if by == "rules":
        lines += ["", f"{'Rule':<34}{'recall':>8}{'precision':>11}{'found':>8}{'missed':>8}{'wrong':>7}"]
        for rule, row in scores["rules"].items():
            shares = ["-" if row[key] is None else f"{row[key]:.3f}" for key in ("recall", "precision")]
            lines.append(f"{rule:<34}{shares[0]:>8}{shares[1]:>11}{row['found']:>8}{row['missed']:>8}{row['wrong']:>7}")
    elif by:
        if by not in scores:
            raise typer.BadParameter(f"--by {by}: labels, countries or rules is wanted")
        lines += ["", *_shares(by.capitalize(), scores[by])]
    return lines


def _shares(title: str, table: dict[str, Any]) -> list[str]:
    lines = [f"{title:<34}{'exact':>8}{'family':>8}{'of':>8}"]
    for key, row in table.items():
        lines.append(f"  {key:<32}{row['exact_share']:>8.3f}{row['family_share']:>8.3f}{row['of']:>8,}")
    return [*lines, ""]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("eval")(evaluate)
