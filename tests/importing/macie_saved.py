"""The Macie configuration that the tests import, what must become of each part, and a folder of it as one is saved."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

HERE = Path(__file__).with_name("macie")
WORDS = {
    "public-names.txt": b"EMP12345\nEMP23456\n",
    "partners/eu.txt": b"SKU-12345\n",
    "empty.txt": b"\n\n",
    "throttled.txt": b"INV123456\n",
    "latin.txt": "Straße\n".encode("latin-1"),
}


@cache
def cases(name: str) -> list[dict[str, Any]]:
    """The entries of one file, each with its expectations beside it."""
    found: list[dict[str, Any]] = json.loads((HERE / f"{name}.json").read_text("utf-8"))
    return found


IDENTIFIERS, LISTS = cases("identifiers"), cases("allow-lists")
FILTERS, JOBS = cases("filters"), cases("jobs")


def save(folder: Path) -> Path:
    """The configuration as files: one a thing, several in a file, a list, UTF-16 as PowerShell's `>` makes it."""
    folder.mkdir(parents=True, exist_ok=True)
    identifiers = [case["identifier"] for case in IDENTIFIERS]
    for i, data in enumerate(identifiers[:10]):
        _write(folder / f"cdi-{i}.json", data)
    (folder / "appended.txt").write_text("".join(json.dumps(data, indent=4) + "\n" for data in identifiers[10:20]))
    (folder / "array.json").write_text(json.dumps(identifiers[20:30]), "utf-8")
    (folder / "powershell.json").write_text(json.dumps(identifiers[30:]), "utf-16")
    (folder / "lists").mkdir(exist_ok=True)
    for i, case in enumerate(LISTS):
        _write(folder / "lists" / f"{i}.json", case["list"])
    _write(folder / "filters.json", [case["filter"] for case in FILTERS])
    for i, case in enumerate(JOBS):
        _write(folder / f"job {i}.json", case["job"])
    for name, words in WORDS.items():
        path = folder / "lists" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(words)
    return folder


def _write(path: Path, data: Mapping[str, Any] | list[Any]) -> None:
    path.write_text(json.dumps(data, indent=4, ensure_ascii=False), "utf-8")
