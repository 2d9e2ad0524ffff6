"""`piiscan check`: matches in one text; nothing is stored."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from piiscan.cli.options import Allow, ConfigFile, Exact, Ner, NoNer, Pack, Rules, Threshold, given


def check(
    file: Annotated[str, typer.Argument(metavar="[FILE|-]", help="A text file, or - for standard input.")] = "-",
    show_values: Annotated[bool, typer.Option("--show-values", help="Print the values in clear.")] = False,
    pack: Pack = None,
    rules: Rules = None,
    allow: Allow = None,
    exact: Exact = None,
    threshold: Threshold = None,
    no_ner: NoNer = False,
    ner: Ner = None,
    column: Annotated[
        str, typer.Option("--column", metavar="NAME", help="Take the text for a value of this column.")
    ] = "",
    config_file: ConfigFile = "",
) -> int:
    """Print the matches of one text as JSON lines."""
    from piiscan.allow import load_allow
    from piiscan.classify.build import build_stack
    from piiscan.config import load_config
    from piiscan.errors import SourceError
    from piiscan.identify import identify
    from piiscan.model import ObjectRef
    from piiscan.redact import mask_for
    from piiscan.report.escape import encodable

    flags = given(
        packs=pack,
        rules=rules,
        allow=allow,
        exact=exact,
        threshold=threshold,
        ner=False if no_ner else None,
        ner_model=ner,
    )
    config = load_config(flags, config_file=config_file or None)
    lists = load_allow(config.allow)
    try:
        data = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as err:
        raise SourceError(f"{file}: {err.strerror}") from None
    import io

    text = data.decode(identify(io.BytesIO(data), "").charset or "utf-8", "replace").removeprefix("\ufeff")
    stack = build_stack(config)
    by_id = {rule.id: rule for rule in stack.rules}
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    sieve = lists.open(ObjectRef("", file, len(data)), stack.rules)
    for match in sieve.matches(stack.classify(text, column=column), column):
        rule = by_id[match.rule]
        row: dict[str, object] = {
            "rule": match.rule,
            "macie": rule.macie,
            "category": rule.category.value,
            "start": match.start,
            "end": match.end,
            "confidence": match.confidence,
            "masked": mask_for(rule, match.value),
        }
        if show_values:
            row["value"] = match.value
        sys.stdout.write(encodable(json.dumps(row, ensure_ascii=False)) + "\n")
    return 0


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check")(check)
