"""The page of the posture says what the program does."""

from __future__ import annotations

import re
from pathlib import Path

from piiscan.model import Severity
from piiscan.posture.check import catalogue
from piiscan.posture.exposure import STEPS
from piiscan.posture.score import TAKES

PAGE = (Path(__file__).parents[2] / "docs" / "posture.md").read_text("utf-8")


def section(heading: str) -> str:
    return PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def test_it_lists_the_checks() -> None:
    found = [tuple(cell.strip(" `") for cell in row.split("|")[1:-1]) for row in section("The checks").splitlines()[6:]]
    wanted = [
        (check.id, check.severity.label, check.title, (check.macie or "").rpartition("/")[2], check.part_of)
        for check in sorted(catalogue().values(), key=lambda check: (-check.severity, check.id))
    ]
    assert [row for row in found if len(row) == 5] == wanted


def test_it_tells_the_formula() -> None:
    row = next(line for line in section("The score").splitlines() if line.startswith("| takes"))
    assert [float(cell) for cell in row.split("|")[2:-1]] == [TAKES[severity] for severity in sorted(Severity)[::-1]]


def test_it_tells_the_steps_of_exposure() -> None:
    steps = [float(found) for found in re.findall(r"\| ([\d.]+) \|$", section("Exposure"), re.MULTILINE)]
    assert steps == sorted(set(STEPS.values()))
