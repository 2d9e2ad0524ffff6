"""Strict F1 and overlap of predicted spans, by label, after the same clean-up of edges on both sides."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

SCORED = ("PERSON", "LOCATION", "ORGANIZATION")
_AS = {"ADDRESS": "LOCATION"}
_LEFT = re.compile(r"""^[\s"'“”‘’`,;:()\[\]<>*#-]+""")
_RIGHT = re.compile(r"""(?:['’]s?|[\s"“”`,;:()\[\]<>*!?]+)$""")
_ARTICLE = re.compile(r"^(?:the|The|THE)\s+")
_TITLE = re.compile(
    r"^(?:(?:Mr|Mrs|Ms|Miss|Mx|Dr|Prof|Sir|Lady|Lord|MR|MRS|MS|DR|mr|mrs|ms|dr|President|Captain|Colonel|Professor)\b\.?\s+)+"
)

Span = Sequence[object]


def cleaned(text: str, start: int, end: int, label: str) -> tuple[int, int]:
    """The span without quotes, commas, articles, titles and possessives at its edges."""
    while True:
        part = text[start:end]
        for pattern in (_LEFT, _TITLE if label == "PERSON" else _ARTICLE):
            found = pattern.match(part)
            if found and 0 < found.end() < len(part):
                start += found.end()
                break
        else:
            found = _RIGHT.search(part)
            if not found or found.start() == 0:
                return start, end
            end = start + found.start()


class Counts:
    """Right, told and wanted spans of one label, exact and by overlap."""

    def __init__(self) -> None:
        self.right = self.told = self.wanted = self.met = self.meeting = 0

    def f1(self) -> float:
        """Strict F1, 0 to 1."""
        return 2 * self.right / (self.told + self.wanted) if self.told + self.wanted else 0.0

    def recall(self) -> float:
        """The part of the wanted spans that a told one overlaps."""
        return self.met / self.wanted if self.wanted else 0.0

    def precision(self) -> float:
        """The part of the told spans that overlap a wanted one."""
        return self.meeting / self.told if self.told else 0.0


def score(rows: Iterable[tuple[str, Sequence[Span], Sequence[Span]]]) -> dict[str, Counts]:
    """Counts by label over (text, wanted, told)."""
    out = {label: Counts() for label in SCORED}
    for text, wanted, told in rows:
        for label, counts in out.items():
            sides = [
                {
                    cleaned(text, int(str(s)), int(str(e)), label)
                    for s, e, name in spans
                    if _AS.get(str(name), name) == label
                }
                for spans in (wanted, told)
            ]
            gold, found = sides
            counts.right += len(gold & found)
            counts.told += len(found)
            counts.wanted += len(gold)
            counts.met += sum(any(a < d and c < b for c, d in found) for a, b in gold)
            counts.meeting += sum(any(a < d and c < b for c, d in gold) for a, b in found)
    return out
