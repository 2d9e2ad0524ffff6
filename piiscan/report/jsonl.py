"""Findings as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from typing import Any

from piiscan.report.escape import encodable


def render(findings: Iterable[dict[str, Any]], *, raw_csv: bool = False) -> Iterator[str]:
    """One JSON object a line, UTF-8."""
    for finding in findings:
        yield encodable(json.dumps(finding, ensure_ascii=False)) + "\n"
