"""Check digits of the numbers of persons and companies of Asia, Africa and Oceania."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Params = Mapping[str, Any]

KINDS: Mapping[str, Callable[[str, Params], bool]] = {}
