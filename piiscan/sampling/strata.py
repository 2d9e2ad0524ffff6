"""The strata of a source: the folder of an object, what its name says it is, its size and its age.

Strata are found while a source is listed. There are at most `MOST` of them a source; what comes later goes by its first
folder and its kind, or by its kind alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import NamedTuple

from piiscan.model import ObjectRef
from piiscan.sniff import ending

MOST = 4_096
"""Strata of a source, but for those that are by kind alone."""
FOLDERS = 2
"""Folders below the target that tell strata apart."""
ALL = "*"
"""Stands for a part that does not tell apart."""
_SUFFIXES = {
    "text": "txt text log md rst out err",
    "table": "csv tsv psv parquet orc avro arrow feather xls xlsx xlsb xlsm ods",
    "records": "json jsonl ndjson xml yaml yml toml hl7",
    "document": "pdf doc docx docm rtf odt ppt pptx pptm odp pages epub html htm xhtml",
    "mail": "eml msg mbox pst ics vcf",
    "database": "db sqlite sqlite3 duckdb mdb sql dump bak",
    "archive": "zip tar gz tgz bz2 xz zst 7z rar jar whl",
    "media": "png jpg jpeg gif tif tiff bmp webp heic svg mp3 mp4 mov avi mkv wav flac dcm",
    "code": "py js ts java c cc cpp h go rs rb php cs sh ps1 ipynb css tf ini cfg conf env properties",
}
FAMILIES: Mapping[str, str] = MappingProxyType(
    {suffix: family for family, suffixes in _SUFFIXES.items() for suffix in suffixes.split()}
)
"""The family of a suffix; others are `other`."""


class Label(NamedTuple):
    """What the objects of a stratum have in common."""

    folder: str
    """Up to two folders below the target, whole from the source; empty: none."""
    family: str
    """By suffix, one of `FAMILIES`; content is not looked at."""
    size: str
    """`<4K`, `<64K`, `<1M`, `<16M`, `<256M`, `more` or `empty`: powers of 16."""
    age: str
    """`<30d`, `<1y`, `older` or `unknown`, at the start of the run."""


_SIZES = ("<4K", "<64K", "<1M", "<16M", "<256M")


def size_class(size: int) -> str:
    """The class of a size in bytes.

    >>> [size_class(n) for n in (0, 4_095, 4_096, 1 << 30)]
    ['empty', '<4K', '<64K', 'more']
    """
    if not size:
        return "empty"
    step = max(size.bit_length() - 9, 0) // 4
    return _SIZES[step] if step < len(_SIZES) else "more"


def age_class(modified: datetime | None, now: datetime) -> str:
    """The class of an age; both moments are aware, or the first one is in UTC."""
    if modified is None:
        return "unknown"
    days = (now - (modified if modified.tzinfo is not None else modified.replace(tzinfo=UTC))).days
    return "<30d" if days < 30 else "<1y" if days < 365 else "older"


class Strata:
    """The strata that were found so far, numbered as they came."""

    def __init__(self, base: str, now: datetime, most: int = MOST) -> None:
        """`base`: folder of the target; `now`: when the run began; `most`: strata, but for those by kind alone."""
        self._most = most
        self._base = base
        self._skip = len(self._base) + 1 if self._base else 0
        self._now = now
        self._numbers: dict[Label, int] = {}
        self.labels: list[Label] = []

    def number(self, ref: ObjectRef) -> int:
        """The stratum of an object."""
        label = self.label(ref)
        found = self._numbers.get(label)
        if found is not None:
            return found
        if len(self.labels) >= self._most:
            folder = label.folder[: self._skip] + label.folder[self._skip :].partition("/")[0]
            for coarse in (Label(folder, label.family, ALL, ALL), Label(ALL, label.family, ALL, ALL)):
                found = self._numbers.get(coarse)
                if found is not None:
                    return found
                label = coarse
                if len(self.labels) < 2 * self._most:
                    break
        self._numbers[label] = len(self.labels)
        self.labels.append(label)
        return len(self.labels) - 1

    def label(self, ref: ObjectRef) -> Label:
        """What an object has in common with others."""
        parts = ref.name[self._skip :].split("/", FOLDERS)[:FOLDERS]
        inner = "/".join(parts if ref.name.count("/", self._skip) >= FOLDERS else parts[:-1])
        folder = f"{self._base}/{inner}" if self._base and inner else inner or self._base
        family = FAMILIES.get(ending(ref.name), "other")
        return Label(folder, family, size_class(ref.size), age_class(ref.modified, self._now))
