"""Nothing is installed with a licence that is not on the list."""

from __future__ import annotations

import pytest

from bench import licences

POLICY = licences.Policy.read(licences.ALLOWED)


def test_all_that_is_installed_is_allowed(capsys: pytest.CaptureFixture[str]) -> None:
    assert licences.main() == 0, capsys.readouterr().err


def test_no_gpl_and_lgpl_in_extras_only() -> None:
    assert not any("GPL" in name for name in POLICY.allow)
    assert all(name.startswith("LGPL") for name in POLICY.allow_in_extras)


@pytest.mark.parametrize(
    ("expression", "good"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("MIT OR GPL-3.0-only", True),
        ("MIT AND GPL-3.0-only", False),
        ("(MIT OR AGPL-3.0-only) AND (Apache-2.0 OR GPL-2.0-only)", True),
        ("MIT AND (AGPL-3.0-only OR GPL-2.0-only)", False),
    ],
)
def test_expressions(expression: str, good: bool) -> None:
    assert licences.allowed(expression, POLICY.allow) is good


@pytest.mark.parametrize("text", ["", "MIT OR", "(MIT", "MIT Apache-2.0", "see LICENSE", "MIT, BSD"])
def test_what_is_no_expression(text: str) -> None:
    with pytest.raises(ValueError):
        licences.allowed(text, POLICY.allow)
