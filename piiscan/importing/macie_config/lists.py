"""Allow lists: the table of a list file of ours, and where the words of a list lie.

Source: Amazon Macie User Guide, "Options and requirements for allow lists": words are whole values in any case, and a
regular expression matches whole values.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from piiscan.importing.macie_config.entries import Entry
from piiscan.importing.macie_config.shape import ALLOW_LIST, fitted, unknown_keys
from piiscan.importing.parts import take_apart
from piiscan.importing.regex import Refused, parse


@dataclass(frozen=True, slots=True)
class AllowList:
    """One list: a pattern, or the words that an object of S3 holds."""

    name: str
    pattern: str = ""
    ignore_case: bool = False
    bucket: str = ""
    key: str = ""
    code: str = ""
    """How Macie could read the words when it was asked; empty: well, or it was not told."""
    notes: tuple[str, ...] = ()

    def as_toml(self, words_file: str = "") -> str:
        """The text of the list's file; `words_file` stands beside it."""
        lines = ["[[allow]]"]
        lines.append(f"text_file = {_text(words_file)}" if words_file else f"patterns = [{_text(self.pattern)}]")
        if not words_file and self.ignore_case:
            lines.append("ignore_case = true")
        lines.append(f"reason = {_text(f'allow list of Macie: {self.name}')}")
        return "\n".join(lines) + "\n"


def allow_list(entry: Entry) -> AllowList:
    """The list that an answer of GetAllowList describes. Raises: Refused."""
    unknown: list[str] = []
    data = fitted(entry.data, ALLOW_LIST, unknown)
    criteria = data.get("criteria", {})
    notes = unknown_keys(unknown)
    if "regex" in criteria:
        try:
            parts = take_apart(parse(criteria["regex"]), whole=True)[0]
        except Refused as err:
            raise Refused(f"criteria.regex: {err}") from None
        notes += parts.notes
        return AllowList(entry.name, parts.pattern, parts.ignore_case, notes=tuple(notes))
    words = criteria.get("s3WordsList", {})
    if not words.get("bucketName") or not words.get("objectKey"):
        raise Refused("criteria: neither a regex nor an s3WordsList with bucketName and objectKey")
    code = data.get("status", {}).get("code", "OK")
    if code != "OK":
        notes.append(f"Macie itself could not read its words: {code}")
    return AllowList(
        entry.name,
        bucket=words["bucketName"],
        key=words["objectKey"],
        code="" if code == "OK" else code,
        notes=tuple(notes),
    )


def words_beside(wanted: AllowList, files: Sequence[Path]) -> Path | None:
    """The file that holds the words, by the longest part of its key that a path ends in; None when there is none.

    Raises: Refused when several files may be meant.
    """
    parts = [part for part in f"{wanted.bucket}/{wanted.key}".split("/") if part]
    for least in range(len(parts)):
        found = [path for path in files if list(path.parts[-len(parts[least:]) :]) == parts[least:]]
        if len(found) > 1:
            raise Refused(f"{len(found)} files may be its words: keep the one that is meant")
        if found:
            return found[0]
    return None


def _text(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", r"\u007f")
