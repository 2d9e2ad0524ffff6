"""`piiscan risk show|set|rescore|bucket`: the weights of the risk, and what people decide about buckets by hand."""

from __future__ import annotations

from typing import Annotated

import typer

from piiscan.cli.options import Db, database, writing


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="The weights of the risk (docs/risk.md), and sensitivity by hand.", no_args_is_help=True)
    group.command("show")(show)
    group.command("set")(set_)
    group.command("rescore")(rescore_)
    group.command("bucket")(bucket)
    app.add_typer(group, name="risk")


def show(db: Db = "") -> int:
    """Print the weights in force."""
    from piiscan.store.snapshot import open_newest, say_age

    con, age = open_newest(database(db))
    say_age(age)
    rows = con.execute("SELECT term, weight, meaning FROM risk_weights ORDER BY rowid").fetchall()
    con.close()
    for term, weight, meaning in rows:
        print(f"{term:<22} {weight:>8g}  {meaning}")
    return 0


def set_(
    term: Annotated[str, typer.Argument(metavar="TERM", help="As `piiscan risk show` names it.")],
    weight: Annotated[float, typer.Argument(metavar="WEIGHT")],
    db: Db = "",
) -> int:
    """Change a weight, and score all objects anew."""
    from piiscan.errors import ConfigError
    from piiscan.store.risk import rescore, set_weight

    if not 0 <= weight <= 1e9:
        raise ConfigError(f"{weight:g}: a weight is 0 or more")
    with writing(database(db)) as store:
        set_weight(store, term, weight)
        number = rescore(store)
    print(f"{term} is {weight:g} now; {number:,} objects scored anew")
    return 0


def rescore_(db: Db = "") -> int:
    """Score all objects anew, after the table of weights was changed with other tools."""
    from piiscan.store.risk import rescore

    with writing(database(db)) as store:
        number = rescore(store)
    print(f"{number:,} objects scored anew")
    return 0


def bucket(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="s3://bucket or file:///directory.")],
    sensitivity: Annotated[str, typer.Argument(metavar="N|auto", help="1 to 100; auto: by the formula again.")],
    reason: Annotated[str, typer.Option("--reason", help="Why; kept with it.")] = "",
    db: Db = "",
) -> int:
    """Set a bucket's sensitivity by hand, as 100 for what must count as sensitive whatever is found."""
    from piiscan.errors import ConfigError
    from piiscan.store.risk import set_sensitivity

    if sensitivity != "auto" and not (sensitivity.isdecimal() and 1 <= int(sensitivity) <= 100):
        raise ConfigError(f"{sensitivity!r}: a sensitivity is 1 to 100, or auto")
    with writing(database(db)) as store:
        set_sensitivity(store, source, None if sensitivity == "auto" else int(sensitivity), reason)
    return 0
