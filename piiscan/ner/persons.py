"""Where the name of a person begins and ends, whatever the model thought of the signs and small words around it.

Suffixes and particles belong to a name, honorifics and possessives do not; a full stop behind a word, or a comma
between two words with a capital, parts two names.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

Span = tuple[int, int, str]

PERSON = "PERSON"
_HONORIFIC = re.compile(
    r"(?i:(?:mr|mrs|ms|miss|mx|dr|prof|sir|lady|lord|madam|mme|mlle|monsieur|madame|herr|frau|dott|dottor|sig|signor|signora|"
    r"señor|señora|sr|sra|dña|doña|sig\.ra|mevr|meneer|mevrouw|pan|pani)\.?\s+)+(?=[^\W\d_])"
)
_PARTICLE = (
    r"(?:van|von|der|den|de|del|della|di|da|dos|das|do|du|la|le|las|los|el|al|bin|bint|ibn|ben|ter|ten|zu|zur|af|av|y|e|san|"
    r"st\.?|mac|abu|abd|ul|ur)"
)
_JOINT = re.compile(rf"(?: {_PARTICLE}){{1,3}} |-|['’]|(?: [A-Z]\.){{1,3}} ?|(?<= [A-Z])\. ?")
_ONWARD = re.compile(rf"(?: {_PARTICLE}){{1,3}} [^\W\d_a-z][^\W\d_]+(?:-[^\W\d_]+)?(?![\w@])")
_SUFFIX = re.compile(r",? (?:Jr|Sr|Jnr|Snr|II|III|IV|Esq|Ph\.?D|M\.?D|D\.?D\.?S|R\.?N|CPA|OBE|MBE|KBE)\b\.?(?!\w)")
_POSSESSIVE = re.compile(r"['’](?:s|S)?$")
_EDGE_LEFT = re.compile(r"^[^\w(]+|^\((?![^)]*\))")
_EDGE_RIGHT = re.compile(r"[^\w.)'’]+$|(?<!\()\)$(?<!\.\))|(?<![A-Z])(?<!\b[JSDMPjsdmp]r)(?<!Ph\.D)(?<!Esq)(?<!St)\.$")
_PARTED = re.compile(
    r"(?<=[^\W\d_]{3})(?<!\bSt)(?<!\bJr)[.!?;:] +(?=[^\W\d_])|, (?=[^\W\d_a-z])|\s*\n\s*|"
    r"(?<=\w\w)\s[-–—|/&]\s|\s?[\[\](){}<>\"“”]+\s?"
)


def tidied(text: str, spans: Sequence[Span]) -> list[Span]:
    """The spans with those of persons joined, parted and trimmed; in the order of their starts, none overlaps another.

    >>> text = "Dear Mr. Ruud van Dijk's"
    >>> [text[start:end] for start, end, _ in tidied(text, [(5, 13, "PERSON"), (18, 24, "PERSON")])]
    ['Ruud van Dijk']
    """
    out: list[Span] = []
    for start, end, label in _joined(text, spans):
        out += _pieces(text, start, end) if label == PERSON else [(start, end, label)]
    return out


def _joined(text: str, spans: Sequence[Span]) -> Iterator[Span]:
    """Two names of which the second follows on the first across a particle, an initial or a hyphen are one."""
    last: Span | None = None
    for span in spans:
        if last is not None and last[2] == span[2] == PERSON and _JOINT.fullmatch(text, last[1], span[0]):
            last = (last[0], span[1], PERSON)
            continue
        if last is not None:
            yield last
        last = span
    if last is not None:
        yield last


def _pieces(text: str, start: int, end: int) -> Iterator[Span]:
    """The names in one span of the model."""
    at = start
    for match in _PARTED.finditer(text, start, end):
        yield from _trimmed(text, at, match.start(), whole=False)
        at = match.end()
    yield from _trimmed(text, at, end, whole=True)


def _trimmed(text: str, start: int, end: int, *, whole: bool) -> Iterator[Span]:
    honorific = _HONORIFIC.match(text, start, end)
    if honorific and honorific.end() < end:
        start = honorific.end()
    for _ in range(4):
        part = text[start:end]
        left, right = _EDGE_LEFT.search(part), _EDGE_RIGHT.search(part) or _POSSESSIVE.search(part)
        start, end = start + (left.end() if left else 0), end - (len(right[0]) if right else 0)
        if not (left or right) or start >= end:
            break
    if start >= end or not text[start:end].strip():
        return
    if whole:
        onward = _ONWARD.match(text, end) if not text[start:end].islower() else None
        end = onward.end() if onward else end
        suffix = _SUFFIX.match(text, end)
        end = suffix.end() if suffix else end
    yield start, end, PERSON


FULL, LONE, DOUBTFUL = 0.6, 0.3, 0.2
"""Confidence of a full name (Macie's NAME), of a single word, and of what has the shape of something else."""
_SMALL = re.compile(rf"(?:{_PARTICLE}|and|the)", re.I)
_ODD = re.compile(r"[\d@/\\_#&*=<>|{}~^%$+]")
_ATTACHED = re.compile(r"[\w@/\\#$%=-]")
_OTHER_WORDS = """january february march april june july august september october november december monday tuesday
wednesday thursday friday saturday sunday jan feb mar apr jun jul aug sep sept oct nov dec mon tue
wed thu fri sat sun inc ltd llc llp corp corporation company gmbh plc university college institute
ministry department agency association foundation council committee commission hospital avenue
boulevard airport station museum version edition license licence section appendix total error
warning windows linux android"""
_NO_PERSON = frozenset(_OTHER_WORDS.split())
"""Words of dates, companies, places, products and headings."""
_CREDIT = re.compile(r"(?i)copyright|\(c\)|©|all rights reserved|licen[cs]ed? under|signed-off-by|@author")


def worth(text: str, start: int, end: int) -> float:
    """The confidence of the name of a person at a place, from its shape and what it stands in.

    >>> text = "Ask Ada Lovelace, Bob, or R2 Unit"
    >>> [worth(text, *text_span) for text_span in ((4, 16), (18, 21), (26, 33))]
    [0.6, 0.3, 0.2]
    """
    name = text[start:end]
    words = [word for word in re.split(r"[\s,]+", name) if any(map(str.isalpha, word))]
    if _ODD.search(name) or (start and _ATTACHED.match(text, start - 1)) or _ATTACHED.match(text, end):
        return DOUBTFUL
    if any(word.strip(".").lower() in _NO_PERSON for word in words):
        return DOUBTFUL
    if not 2 <= len(words) <= 6 or (words[-1].isascii() and len(words[-1].strip(".")) == 1):
        return LONE
    if not all(word[0].isupper() or not word[0].islower() or _SMALL.fullmatch(word) for word in words):
        return LONE
    line = text[text.rfind("\n", 0, start) + 1 : (text.find("\n", end) + 1 or len(text) + 1) - 1]
    if _CREDIT.search(line):
        return LONE
    if name.isupper() and line.isupper():  # a heading, or a form that is filled in capitals
        return LONE
    return FULL
