"""What there is to import, from files of the AWS CLI's JSON, told apart by shape; and what became of each.

Source: Amazon Macie API reference: GetCustomDataIdentifier, GetAllowList, GetFindingsFilter, DescribeClassificationJob
and the operations that list them.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

MOST_BYTES = 64 << 20
"""Larger files are no answers of Macie."""


class Kind(StrEnum):
    """What Macie keeps; in the order in which it is imported, since later ones name earlier ones."""

    IDENTIFIER = "identifier"
    ALLOW_LIST = "allow list"
    FILTER = "filter"
    JOB = "job"


WANTED: Mapping[Kind, str] = {
    Kind.IDENTIFIER: "aws macie2 get-custom-data-identifier --id {}",
    Kind.ALLOW_LIST: "aws macie2 get-allow-list --id {}",
    Kind.FILTER: "aws macie2 get-findings-filter --id {}",
    Kind.JOB: "aws macie2 describe-classification-job --job-id {}",
}
"""What prints one of a kind whole."""
_WHOLE = {
    "findingCriteria": Kind.FILTER,
    "s3JobDefinition": Kind.JOB,
    "criteria": Kind.ALLOW_LIST,
    "regex": Kind.IDENTIFIER,
}
_LISTS = {
    "customDataIdentifiers": Kind.IDENTIFIER,
    "allowLists": Kind.ALLOW_LIST,
    "findingsFilterListItems": Kind.FILTER,
}
_ARNS = {
    ":custom-data-identifier/": Kind.IDENTIFIER,
    ":allow-list/": Kind.ALLOW_LIST,
    ":findings-filter/": Kind.FILTER,
    ":classification-job/": Kind.JOB,
}


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing of Macie's."""

    kind: Kind
    data: Mapping[str, Any]
    origin: str
    """The file that it stands in, or `Macie`."""
    whole: bool = True
    """False: a line of a list, which does not say what it does."""

    @property
    def id(self) -> str:
        """Macie's id; empty when there is none."""
        found = self.data.get("jobId" if self.kind is Kind.JOB else "id")
        return found if isinstance(found, str) else ""

    @property
    def name(self) -> str:
        """Its name, or what else it can be called by."""
        found = self.data.get("name")
        return found if isinstance(found, str) and found.strip() else self.id or self.origin


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one entry: imported, imported with remarks, or refused with its reason."""

    kind: str
    name: str
    id: str = ""
    made: tuple[str, ...] = ()
    """Files, a job's name, a suppression's number."""
    state: str = ""
    """`new`, `updated` or `unchanged`; empty when it was refused."""
    remarks: tuple[str, ...] = ()
    reason: str = ""

    @property
    def word(self) -> str:
        """How it ended, in a word."""
        return "refused" if self.reason else "remarks" if self.remarks else "imported"


@dataclass(slots=True)
class Gathered:
    """What was found, and what could not be had."""

    entries: list[Entry] = field(default_factory=list)
    refused: list[Outcome] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    """Those that hold something else: the words of allow lists may be among them."""
    unreachable: bool = False
    """Whether the service refused or failed in something."""

    def ordered(self) -> dict[Kind, list[Entry]]:
        """The entries by kind, each once; what is there twice with other content is refused."""
        out: dict[Kind, list[Entry]] = {kind: [] for kind in Kind}
        seen: dict[tuple[Kind, str], Entry] = {}
        for entry in sorted(self.entries, key=lambda entry: not entry.whole):
            before = seen.setdefault((entry.kind, entry.id), entry) if entry.id else entry
            if before is entry:
                out[entry.kind].append(entry)
            elif entry.whole and entry.data != before.data:
                reason = f"stands in {before.origin} with other content, which is taken"
                self.refused.append(Outcome(entry.kind, entry.name, entry.id, reason=reason))
        return out


def read_folder(folder: Path) -> Gathered:
    """What stands in the files below a folder, or in one file. Raises: OSError when it cannot be listed."""
    found = Gathered()
    for path in _files(folder):
        origin = path.name if path == folder else path.relative_to(folder).as_posix()
        try:
            text = _text(path) if path.stat().st_size <= MOST_BYTES else None
        except OSError as err:
            found.refused.append(Outcome("file", origin, reason=err.strerror or type(err).__name__))
            continue
        documents = None if text is None else _documents(text)
        if documents is None:
            found.files.append(path)
            if path.suffix.lower() == ".json":
                found.refused.append(Outcome("file", origin, reason="no JSON that could be read"))
            continue
        entries = [entry for document in documents for entry in told_apart(document, origin)]
        found.entries += entries
        if not entries and not _is_managed(documents):
            found.refused.append(Outcome("file", origin, reason="nothing of Macie that can be imported"))
    return found


def told_apart(document: Any, origin: str) -> Iterator[Entry]:
    """The entries of one JSON document: one thing, several, or a list of things by name."""
    if isinstance(document, list):
        for one in document:
            yield from told_apart(one, origin)
        return
    if not isinstance(document, Mapping):
        return
    for key, kind in _LISTS.items():
        if isinstance(document.get(key), list):
            yield from _listed(document[key], kind, origin)
            return
    if isinstance(document.get("items"), list):
        yield from _listed(document["items"], None, origin)
        return
    yield from _listed([document], None, origin)


def _listed(items: Sequence[Any], kind: Kind | None, origin: str) -> Iterator[Entry]:
    for item in items:
        if not isinstance(item, Mapping):
            continue
        whole = next((kind for key, kind in _WHOLE.items() if key in item), None)
        of = whole or kind or _by_arn(item)
        if of is not None:
            yield Entry(of, item, origin, whole is not None)


def _by_arn(item: Mapping[str, Any]) -> Kind | None:
    if isinstance(item.get("jobId"), str):
        return Kind.JOB
    arn = item.get("arn")
    return next((kind for mark, kind in _ARNS.items() if isinstance(arn, str) and mark in arn), None)


def _is_managed(documents: Sequence[Any]) -> bool:
    """Whether it is the list of managed identifiers, which needs no import."""
    items = documents[0].get("items") if documents and isinstance(documents[0], Mapping) else None
    return isinstance(items, list) and all(isinstance(i, Mapping) and set(i) == {"category", "id"} for i in items)


def _files(folder: Path) -> list[Path]:
    if folder.is_file():
        return [folder]
    out: list[Path] = []

    def fail(err: OSError) -> None:
        if Path(err.filename) == folder:
            raise err

    for base, folders, names in os.walk(folder, onerror=fail):
        folders.sort()
        out += [Path(base, name) for name in sorted(names) if Path(base, name).is_file()]
    return out


def _text(path: Path) -> str | None:
    """The text of a file; PowerShell's `>` writes UTF-16. None: no text."""
    data = path.read_bytes()
    try:
        return data.decode("utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    except UnicodeDecodeError:
        return None


def _documents(text: str) -> list[Any] | None:
    """The JSON documents that stand one after the other in a text; None when it is not JSON."""
    text = text.strip()
    if not text.startswith(("{", "[")):
        return None
    decoder, out, at = json.JSONDecoder(), [], 0
    try:
        while at < len(text):
            document, at = decoder.raw_decode(text, at)
            json.dumps(document, ensure_ascii=False).encode()  # half of a surrogate pair cannot be written
            out.append(document)
            while at < len(text) and text[at] in " \t\r\n,":
                at += 1
    except (ValueError, RecursionError):
        return None
    return out
