from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from piiscan import catalogue
from piiscan.cli.main import app
from piiscan.cli.rules_show import accuracy, measured
from tools.accuracy import BASELINE

FIGURES = {"cases": 1234, "rules": {"xx.id": {"precision": 0.98765, "recall": {"csv": [1, 2], "bare": [0, 1]}}}}


def test_figures_in_words() -> None:
    assert accuracy("xx.id", FIGURES) == [
        "recall      alone 0 of 1, in a column 1 of 2",
        "precision   98.8%",
        "measured    on 1,234 generated cases of all rules, see docs/accuracy.md",
    ]


def test_a_precision_that_nothing_showed() -> None:
    found = accuracy("xx.id", {"cases": 1, "rules": {"xx.id": {"precision": None, "recall": {"csv": [0, 2]}}}})
    assert found[1] == "precision   not measured"


@pytest.mark.parametrize("known", [{}, {"cases": 1, "rules": {}}])
def test_not_measured(known: dict[str, object]) -> None:
    assert accuracy("xx.id", known) == ["measured    not measured"]


@pytest.mark.parametrize("content", [None, b"", b"{", b"[1]", b"\xff"])
def test_figures_that_cannot_be_read_are_none(tmp_path: Path, content: bytes | None) -> None:
    if content is not None:
        (tmp_path / "measured.json").write_bytes(content)
    assert measured(tmp_path) == {}


def test_the_figures_that_travel_are_those_of_the_baseline() -> None:
    known = measured(catalogue.default_folder())
    assert set(known["rules"]) >= set(json.loads(BASELINE.read_text("utf-8"))["rules"])
    assert all(found <= of for row in known["rules"].values() for found, of in row["recall"].values())


def test_the_command_says_how_well_a_rule_does() -> None:
    done = CliRunner().invoke(app, ["rules", "show", "us.ssn"])
    assert done.exit_code == 0, done.output
    for word in ("source      https://", "recall      ", "after a keyword", "precision   ", "generated cases"):
        assert word in done.output


def test_a_rule_of_ones_own_is_not_measured(tmp_path: Path) -> None:
    """Also one that replaces ours: the figures are not its own."""
    folder = catalogue.default_folder() / "rules" / "us"
    own = tmp_path / "us" / "ssn.toml"
    own.parent.mkdir()
    own.write_text((folder / "ssn.toml").read_text("utf-8"), "utf-8")
    done = CliRunner().invoke(app, ["rules", "show", "us.ssn", "--rules", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert "not measured" in done.output
    assert "recall " not in done.output
