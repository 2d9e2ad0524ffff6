"""Checks of vendors' tokens: the checksums and structures that their issuers put in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

Params = Mapping[str, Any]

KINDS: Mapping[str, Callable[[str, Params], bool]] = {}
