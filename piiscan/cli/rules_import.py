"""`piiscan rules import`: rule files out of gitleaks' configuration or Macie's custom data identifiers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from piiscan.importing.gitleaks import Outcome
    from piiscan.importing.rule import Imported

FORMATS = ("gitleaks", "macie")


def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="TOML of gitleaks, or JSON of Macie.")],
    out: Annotated[Path, typer.Option("-o", "--output", metavar="DIR", help="Where to write the rule files.")] = Path(
        "rules"
    ),
    format_: Annotated[
        str,
        typer.Option("--format", metavar="FORMAT", help="gitleaks or macie; told from the file otherwise."),
    ] = "",
) -> int:
    """Make rule files of another program's rules; what cannot be said in one is refused or told."""
    from piiscan.errors import CatalogueError, ConfigError
    from piiscan.report.escape import printable

    if format_ not in ("", *FORMATS):
        raise ConfigError(f"--format: {format_!r} is none of {', '.join(FORMATS)}")
    written = refused = 0
    for outcome in _outcomes(file, format_):
        if outcome.reason:
            refused += 1
            print(f"refused   {printable(outcome.name)}: {printable(outcome.reason)}")
        for rule in outcome.rules:
            try:
                path = _write(rule, out, file)
            except CatalogueError as err:
                refused += 1
                print(f"refused   {printable(outcome.name)}: {printable(str(err))}")
                continue
            written += 1
            print(f"imported  {printable(outcome.name)}: {printable(str(path))}")
            for note in rule.notes:
                print(f"          {printable(note)}")
    print(f"{written} rule{'' if written == 1 else 's'} imported, {refused} refused")
    if not written:
        raise CatalogueError(f"{file}: no rule could be imported")
    print(f"Use them: piiscan scan TARGET --rules {printable(str(out))}")
    return 0


def _outcomes(file: Path, format_: str) -> Iterator[Outcome]:
    """What becomes of the rules of a file. Raises: CatalogueError when it is neither format."""
    import json
    import tomllib

    from piiscan.errors import CatalogueError
    from piiscan.importing import gitleaks, macie
    from piiscan.importing.gitleaks import Outcome
    from piiscan.importing.regex import Refused

    as_json = format_ == "macie" or (not format_ and file.suffix == ".json")
    try:
        text = file.read_text("utf-8")
        as_json = as_json or (not format_ and file.suffix != ".toml" and text.lstrip().startswith("{"))
        data: Any = json.loads(text) if as_json else tomllib.loads(text)
    except OSError as err:
        raise CatalogueError(f"{file}: {err.strerror}") from None
    except ValueError as err:
        raise CatalogueError(f"{file}: not {'JSON' if as_json else 'TOML'}: {err}") from None
    if as_json:
        for number, one in enumerate(data if isinstance(data, list) else [data], 1):
            name = str(one.get("name") or number) if isinstance(one, dict) else str(number)
            try:
                yield Outcome(name, (macie.table_of(one),))
            except Refused as err:
                yield Outcome(name, reason=str(err))
        return
    if not gitleaks.is_gitleaks(data):
        raise CatalogueError(f"{file}: neither gitleaks' [[rules]] nor a custom data identifier of Macie")
    for remark in gitleaks.remarks(data):
        print(f"note      {remark}")
    try:
        yield from gitleaks.outcomes(data)
    except Refused as err:
        raise CatalogueError(f"{file}: {err}") from None


def _write(rule: Imported, out: Path, source: Path) -> Path:
    """Writes the file of a rule that the catalogue and the engine take. Raises: CatalogueError."""
    import os
    import tempfile

    from piiscan.catalogue import load_rule
    from piiscan.classify.stack import Stack
    from piiscan.errors import CatalogueError
    from piiscan.importing.rule import as_toml

    folder, _, stem = rule.table["id"].partition(".")
    path: Path = out / folder / f"{stem}.toml"
    if path.exists() and load_rule(path).origin != rule.table["origin"]:
        raise CatalogueError(f"{path}: is there already, and was not imported from {rule.table['origin']}")
    comments = [f"Written by `piiscan rules import` from {source.name}.", *rule.notes]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent, prefix=".import-") as draft:
            made = Path(draft) / folder / path.name
            made.parent.mkdir()
            made.write_text(as_toml(rule.table, comments), encoding="utf-8")
            try:
                stack = Stack([load_rule(made)], cache=False)
            except CatalogueError as err:
                raise CatalogueError(str(err).removeprefix(f"{made}: ")) from None
            try_out(stack)
            os.replace(made, path)
    except OSError as err:
        raise CatalogueError(f"{path}: {err.strerror}") from None
    return path


def try_out(stack: Any) -> None:
    """Has the scanners made, which refuse what is too large for them. Raises: CatalogueError."""
    from piiscan.errors import CatalogueError

    try:
        stack.classify("nothing to see here, 0123456789")
    except Exception as err:  # whatever the scanners' library raises
        raise CatalogueError(f"the engine does not take it ({type(err).__name__})") from None


def register(group: typer.Typer) -> None:
    """Add the command to those of the rules."""
    group.command("import")(import_)
