"""The page of a report: its parts, its own style and script, and the words for what was not read."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files


@cache
def style() -> str:
    """The style sheet."""
    return (files(__name__) / "page.css").read_text("utf-8")


@cache
def scripts() -> tuple[str, str]:
    """The library that draws, and the page's own script, in the order in which they run."""
    library = files("piiscan.report.vendor") / "echarts.min.js"
    return library.read_text("utf-8"), (files(__name__) / "page.js").read_text("utf-8")


def policy() -> str:
    """The content security policy: this style and these scripts, by hash, and nothing from anywhere.

    Source: W3C, Content Security Policy Level 3, sections 6.7.2 (hashes of inline code) and 3.3 (the meta element).
    """
    allowed = " ".join(_hash(code) for code in scripts())
    return (
        f"default-src 'none'; script-src {allowed}; style-src {_hash(style())}; img-src data:; base-uri 'none'; "
        "form-action 'none'"
    )


def _hash(code: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(code.encode()).digest()).decode()}'"
