"""Check digits of Europe's numbers of persons and companies beyond those of national.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Params = Mapping[str, Any]

KINDS: Mapping[str, Callable[[str, Params], bool]] = {}
