"""`piiscan secrets ls|rotate`: what vaults hold, where its values lie, a rotation of what lies elsewhere."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from piiscan.cli.options import ConfigFile, Db, database

_LISTED = """
SELECT secret AS name, vault, kind, rotation, rotated, changed, used, age_days, looked_for, why_not, objects,
       public_objects, told, advice FROM v_secrets WHERE gone IS NULL
UNION ALL
SELECT parameter, source, kind, NULL, NULL, modified, NULL, date_diff('day', modified, now() AT TIME ZONE 'UTC'), NULL,
       NULL, NULL, NULL, NULL, list_filter([advice], lambda x: x IS NOT NULL)
FROM v_parameters WHERE gone IS NULL AND kind <> 'SecureString' AND credentials > 0
ORDER BY public_objects DESC NULLS LAST, objects DESC NULLS LAST, vault, name
"""

FIRST_SCHEMA = 16
"""Of the database, in which vaults are."""

app = typer.Typer(help="Secrets of Secrets Manager and Parameter Store.", no_args_is_help=True)


@app.command("ls")
def ls(
    db: Db = "",
    json_: Annotated[bool, typer.Option("--json", help="As JSON lines.")] = False,
    all_: Annotated[bool, typer.Option("--all", help="Those of which nothing is to be said, too.")] = False,
) -> int:
    """List the secrets that the last scans met: how old, who rotates them, where their values lie."""
    import json

    from piiscan.errors import StoreError
    from piiscan.report.escape import printable
    from piiscan.store.duck import schema_version
    from piiscan.store.snapshot import open_newest, say_age

    con, age = open_newest(database(db))
    try:
        say_age(age)
        if schema_version(con) < FIRST_SCHEMA:
            raise StoreError(f"{database(db)}: made by an earlier piiscan; the next scan brings it up to date")
        result = con.execute(_LISTED)
        names = [column[0] for column in result.description]
        found = [dict(zip(names, row, strict=True)) for row in result.fetchall()]
    finally:
        con.close()
    for row in found:
        if not row["advice"] and not all_ and not json_:
            continue
        if json_:
            print(json.dumps(row, default=str, ensure_ascii=False))
            continue
        print(f"{printable(row['name'])}  ({row['kind']}, {row['age_days']} days, {printable(row['vault'])})")
        for line in [*filter(None, [row["told"]]), *row["advice"], *_why_not(row)]:
            print(f"    {printable(line)}")
    return 0


@app.command("rotate")
def rotate(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name or ARN of a secret of Secrets Manager.")],
    confirm: Annotated[bool, typer.Option("--confirm", help="Do it; without, say only what would be done.")] = False,
    profile: Annotated[str, typer.Option("--profile", help="AWS profile.")] = "",
    region: Annotated[str, typer.Option("--region", help="AWS region.")] = "",
    config_file: ConfigFile = "",
) -> int:
    """Ask Secrets Manager to rotate a secret by the function that it is set up with."""
    from dataclasses import replace

    from piiscan.aws import ServiceError
    from piiscan.config import load_config
    from piiscan.errors import ConfigError, SourceError
    from piiscan.report.escape import printable
    from piiscan.vaults import SECRETS_MANAGER, client_of, secrets, source_of

    aws = load_config({}, config_file=config_file or None).aws
    aws = replace(aws, profile=profile or aws.profile, region=region or aws.region)
    if name.startswith("arn:") and name.count(":") >= 6:
        aws = replace(aws, region=name.split(":")[3])
    vault = source_of(SECRETS_MANAGER, aws)
    if not confirm:
        raise ConfigError(f"{vault}/{name}: nothing was done; pass --confirm to have it rotated")
    try:
        version = secrets.rotate(client_of(vault, aws), name)
    except ServiceError as err:
        raise SourceError(f"{vault}/{name}: not rotated (secretsmanager:RotateSecret: {err})") from None
    print(f"{printable(vault)}/{printable(name)}: rotation begun, version {printable(version)}")
    print(
        "The next scan with --match-live looks for the new value; the old one still works until the rotation has ended."
    )
    return 0


def _why_not(row: dict[str, Any]) -> list[str]:
    return [f"not looked for: {row['why_not']}"] if row["why_not"] else []


def register(main: typer.Typer) -> None:
    """Add the commands."""
    main.add_typer(app, name="secrets")
