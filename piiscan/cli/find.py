"""`piiscan find VALUE`: which objects hold one value, as for the request of somebody to know what is kept of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from piiscan.cli.options import Db, database


def find(
    value: Annotated[
        str,
        typer.Argument(
            metavar="VALUE",
            help="The value; - or nothing: read from standard input, so that no list of "
            "processes and no history of the shell has it.",
        ),
    ] = "-",
    db: Db = "",
    key_file: Annotated[str, typer.Option("--key-file", metavar="FILE", help="Key of the database.")] = "",
    old_key_file: Annotated[
        list[str] | None,
        typer.Option(
            "--old-key-file", metavar="FILE", help="An earlier key, for what was not read since; may be repeated."
        ),
    ] = None,
    json_: Annotated[bool, typer.Option("--json", help="JSON lines; the last one says what is not complete.")] = False,
) -> int:
    """Say which objects hold a value, by its keyed fingerprint; nothing is read again, and the value is not printed.

    Exit code 4 when some objects could hold it without its being known.
    """
    from piiscan.errors import ConfigError
    from piiscan.redact import fingerprinter, forms
    from piiscan.references import store_key
    from piiscan.report.escape import encodable, printable
    from piiscan.report.rows import describe
    from piiscan.store.rotation import former_keys
    from piiscan.store.snapshot import open_newest, say_age
    from piiscan.store.values import holders, incomplete

    wanted = asked() if value == "-" else value
    if not wanted.strip():
        raise ConfigError("find: there is no value to look for")
    con, age = open_newest(database(db))
    say_age(age)
    try:
        expected = con.execute("SELECT value FROM meta WHERE name = 'key_id'").fetchall()
        key = store_key(str(expected[0][0]) if expected else "", Path(key_file) if key_file else None)
        old = _earlier(former_keys(con), old_key_file or [])
        found = holders(
            con, [mark(form) for mark in map(fingerprinter, (key, *old.values())) for form in forms(wanted)]
        )
        missing = incomplete(con, name=not any(c.isdigit() or c == "@" for c in wanted), keys=old)
    finally:
        con.close()
    for row in found:
        if json_:
            print(encodable(json.dumps(row, ensure_ascii=False)))
            continue
        print(f"{printable(row['source'])}/{printable(row['object'])}  {row['count']:,} x {row['rule']}: {row['name']}")
        for one in row["places"]:
            print(f"    {printable(describe(one['place']))}  {printable(one['masked'])}")
    told: list[dict[str, Any]] = [{"objects": one.objects, "why": one.why} for one in missing]
    if json_:
        print(json.dumps({"found": len(found), "complete": not told, "incomplete": told}))
    else:
        sys.stderr.write(f"{len({(r['source'], r['object']) for r in found}):,} objects hold it\n")
        for one in missing:
            sys.stderr.write(f"not known of {one.objects:,} objects, which {one.why}\n")
    return 4 if told else 0


def _earlier(wanted: Collection[str], given: Sequence[str]) -> dict[str, bytes]:
    """The earlier keys at hand by their ids: those in files that were named, and those that lie where keys are kept.

    Raises: ConfigError.
    """
    from piiscan.keys import key_id, read_key, state_dir
    from piiscan.references import is_reference, store_key

    found = {}
    for file in given:
        key = store_key("", Path(file)) if is_reference(file) else read_key(Path(file))
        found[key_id(key)] = key
    for name in wanted:
        kept = state_dir() / "keys" / f"{name}.key"
        if name not in found and kept.exists():
            found[name] = read_key(kept)
    return found


def asked() -> str:
    """The value from standard input; a terminal does not show it."""
    if sys.stdin.isatty():
        import getpass

        return getpass.getpass("value: ")
    return sys.stdin.readline()


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("find")(find)
