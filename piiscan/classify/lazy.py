"""Patterns that are compiled when they are first wanted: those of addresses take longer than a scan's start may."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Pattern:
    """One expression of `re`, with the methods that are used of it."""

    source: str
    flags: int = 0

    @cached_property
    def compiled(self) -> re.Pattern[str]:
        """The compiled expression."""
        return re.compile(self.source, self.flags)

    def match(self, text: str, at: int = 0) -> re.Match[str] | None:
        """As `re.Pattern.match`."""
        return self.compiled.match(text, at)

    def fullmatch(self, text: str, low: int = 0, high: int = 1 << 62) -> re.Match[str] | None:
        """As `re.Pattern.fullmatch`."""
        return self.compiled.fullmatch(text, low, high)

    def search(self, text: str, low: int = 0, high: int = 1 << 62) -> re.Match[str] | None:
        """As `re.Pattern.search`."""
        return self.compiled.search(text, low, high)

    def finditer(self, text: str, low: int = 0, high: int = 1 << 62) -> Iterator[re.Match[str]]:
        """As `re.Pattern.finditer`."""
        return self.compiled.finditer(text, low, high)
