"""`piiscan extract`: the segments that the classifiers see."""

from __future__ import annotations

import json
import sys
import tempfile
from typing import Annotated

import typer

from piiscan.cli.options import ConfigFile, Ocr, Passwords, given


def extract(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A file.")],
    in_process: Annotated[
        bool, typer.Option("--in-process", help="Without the parser child (to debug an extractor).")
    ] = False,
    ocr: Ocr = False,
    passwords: Passwords = None,
    config_file: ConfigFile = "",
) -> int:
    """Print the text of a file with its places, as JSON lines."""
    from piiscan.config import load_config
    from piiscan.crawl import open_source, parse_target
    from piiscan.engine.sandbox import ParserChild
    from piiscan.errors import ObjectError, SourceError
    from piiscan.extract import IN_PROCESS, Budget, Job, segments
    from piiscan.extract.show import lines
    from piiscan.identify import identify
    from piiscan.references import passwords as passwords_of
    from piiscan.report.escape import encodable, printable

    config = load_config(
        given(limits={"ocr": True} if ocr else None, passwords=passwords), config_file=config_file or None
    )
    target = parse_target(file)
    if not target.single:
        raise SourceError(f"{file}: a file is wanted")
    source = open_source(target, config)
    ref = next(iter(source.crawl()))
    sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
    budget = Budget(config.limits, bytes_in=ref.size)
    code = 0
    with tempfile.TemporaryDirectory(prefix="piiscan-") as scratch, source.open(ref) as stream:
        found = identify(stream, ref.key)
        words = passwords_of(config.passwords, config.aws)
        job = Job(ref.key, found.media_type, ref.size, budget, charset=found.charset, passwords=words)
        child = None if in_process or found.media_type in IN_PROCESS else ParserChild(scratch)
        try:
            chosen = segments(stream, job) if child is None else child.segments(stream.fileno(), job, 600.0)
            for segment in chosen:
                for text, place in lines(segment):
                    row = {"text": text, "place": place.to_json()}
                    sys.stdout.write(encodable(json.dumps(row, ensure_ascii=False)) + "\n")
        except ObjectError as err:
            sys.stderr.write(f"piiscan: {printable(file)}: {err.reason}: {printable(str(err))}\n")
            code = 4
        finally:
            if child is not None:
                child.close()
    for note in budget.notes:
        sys.stderr.write(f"piiscan: {printable(note)}\n")
        code = 4
    return code


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("extract")(extract)
