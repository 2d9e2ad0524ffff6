"""A job keeps every option of `scan` that it takes."""

from __future__ import annotations

import inspect
from typing import Any

from piiscan.cli import job
from piiscan.cli.scan import scan, settings_of


class Asked(dict[str, Any]):
    """Remembers which keys were read."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.read: set[str] = set()

    def __getitem__(self, key: str) -> Any:
        self.read.add(key)
        return super().__getitem__(key)


def test_no_option_is_taken_and_forgotten() -> None:
    own = {"name", "targets", "schedule", "time_zone", "discover", "replace", "db"}
    taken = {p.name: p.default for p in inspect.signature(job.add).parameters.values() if p.name not in own}
    asked = Asked(taken)
    assert settings_of(asked) == {}
    assert asked.read | set(job.BESIDE) | {"config_file"} == set(taken)


def test_what_is_left_out_are_options_of_scan() -> None:
    assert set(inspect.signature(scan).parameters) >= job.OF_A_CALL
