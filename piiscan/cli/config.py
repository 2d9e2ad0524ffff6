"""`piiscan config show`: the configuration in force."""

from __future__ import annotations

import json

import typer

from piiscan.cli.options import ConfigFile


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="The configuration in force.", no_args_is_help=True)

    @group.command("show")
    def show(config_file: ConfigFile = "") -> int:
        """Print all settings as JSON, after files and environment."""
        from piiscan.config import load_config

        print(json.dumps(load_config({}, config_file=config_file or None).to_json(), indent=2, ensure_ascii=False))
        return 0

    app.add_typer(group, name="config")
