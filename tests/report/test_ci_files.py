"""The pre-commit hook and the GitHub Action: their files are sound, and the options in them exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml  # type: ignore[import-untyped]

from piiscan.cli.main import app

ROOT = Path(__file__).resolve().parents[2]


def options(command: str) -> set[str]:
    """The options of a command."""
    commands: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    return {name for parameter in commands[command].params for name in parameter.opts}


def test_the_hook_names_a_command_and_options_that_exist() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    program, command, *rest = shlex.split(hook["entry"])
    assert (program, command) == ("piiscan", "scan")
    assert {word for word in rest if word.startswith("--")} <= options("scan")
    assert (hook["require_serial"], hook["language"], hook["types"]) == (True, "python", ["text"])


@pytest.fixture(scope="module")
def action() -> dict[str, Any]:
    found = yaml.safe_load((ROOT / "action.yml").read_text())
    assert isinstance(found, dict)
    return found


def test_the_action_runs_commands_with_options_that_exist(action: dict[str, Any]) -> None:
    script = "\n".join(step["run"] for step in action["runs"]["steps"] if "run" in step)
    used = re.findall(r"\bpiiscan (scan|report|sql) ([^\n|]*)", script)
    assert {command for command, _ in used} == {"scan", "report", "sql"}
    for command, rest in used:
        assert set(re.findall(r"--[a-z][a-z-]*", rest)) <= options(command)
    assert set(re.findall(r"\(?(--(?:exclude|fail-on))\b", script)) <= options("scan")


def test_no_input_is_text_of_a_script(action: dict[str, Any]) -> None:
    """An expression in a script would be run as code."""
    for step in action["runs"]["steps"]:
        assert "${{" not in step.get("run", "")
        assert "run" not in step or step["shell"] == "bash"
        for value in [*step.get("env", {}).values(), *step.get("with", {}).values()]:
            for name in re.findall(r"inputs\.([\w-]+)", str(value)):
                assert name in action["inputs"]
    assert action["runs"]["using"] == "composite"
