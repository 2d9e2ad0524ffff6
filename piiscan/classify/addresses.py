"""Postal addresses: street, number, flat, town and postcode joined into one span, over commas and line ends.

A scanner looks for the words that make a street, for numbers before a postcode, for boxes and for the labels of forms;
only around these is a text read (`streets.py`, `localities.py`, `forms.py`). What an address is worth follows from
its parts:

- street and number with a postcode and a known town: `WHOLE`
- street and number with one of the two: `PARTLY`
- street and number alone, where the shape leaves no doubt: `BARE`
- a label such as "address:" before it: at least `LABELLED`
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache

import numpy as np

from piiscan.classify import streets
from piiscan.classify.forms import forms
from piiscan.classify.hyper import Expression, Scanner, make_scanner
from piiscan.classify.keywords import ToChars
from piiscan.classify.lazy import Pattern
from piiscan.classify.localities import (
    GENERIC_BRAZIL,
    GENERIC_POST_FIRST,
    GENERIC_TOWN_FIRST,
    ORDINARY,
    YEAR,
    before,
    countries_for,
    tail,
)
from piiscan.classify.places import COUNTRIES, bits, longest
from piiscan.classify.signs import KINDS, Kind
from piiscan.classify.streets import Shape

WHOLE, PARTLY, BARE, LABELLED = 0.85, 0.65, 0.5, 0.85
SURE = 0.95
"""A whole address behind a label."""

Span = tuple[int, int, float]
"""Start and end (characters, half-open) and confidence."""

_DIGIT = re.compile(rb"\d")


@lru_cache(maxsize=1)
def _signs() -> tuple[Scanner, tuple[int, ...]]:
    """What finds the places to read, and the kind of each of its expressions; one a process."""
    listed = [(number, sign) for number, kind in enumerate(KINDS) for sign in kind.signs]
    expressions = [Expression(body, caseless) for _, (body, caseless) in listed]
    return make_scanner(expressions), tuple(number for number, _ in listed)


def find(text: str, block: bytes | None = None) -> list[Span]:
    """The addresses of a text, in order and apart.

    `block` is the text in UTF-8, where it is at hand.

    >>> text = "Please write to 12 Harbour Street, Flat 3,\\nLeeds LS1 4AB, or call."
    >>> [(text[s:e], c) for s, e, c in find(text)]
    [('12 Harbour Street, Flat 3,\\nLeeds LS1 4AB', 0.85)]
    >>> find("Version 12 of the street map; 20 Wall Street analysts; in 5 minutes on the road")
    []
    """
    if block is None:
        block = text.encode("utf-8", "surrogatepass")
    windows = _windows(block, len(text))
    return _apart([span for kind, low, high in windows for span in _read(text, kind, low, high)]) if windows else []


def _windows(block: bytes, size: int) -> list[tuple[Kind, int, int]]:
    """The stretches to be read, in characters."""
    scanner, numbers = _signs()
    ids, ends = scanner.scan(b"".join((b"\n", block, b"\n")))
    kept: list[tuple[int, int]] = []
    for sign, end in zip(ids.tolist(), (ends - 1).tolist(), strict=True):
        near = KINDS[numbers[sign]].digits
        if near is None or _DIGIT.search(block, max(end - near[0], 0), end + near[1]) is not None:
            kept.append((numbers[sign], end))
    if not kept:
        return []
    places = [min(end, len(block)) for _, end in kept]
    if len(block) != size:
        places = ToChars(block)(np.array(places, np.int64)).tolist()
    out: list[tuple[Kind, int, int]] = []
    last: dict[int, int] = {}
    for (number, _), place in zip(kept, places, strict=True):
        kind = KINDS[number]
        low, high = max(place - kind.ahead, 0), min(place + kind.behind, size)
        known = last.get(number)
        if known is not None and low <= out[known][2]:
            out[known] = kind, out[known][1], high
        else:
            last[number] = len(out)
            out.append((kind, low, high))
    return out


def _read(text: str, kind: Kind, low: int, high: int) -> Iterator[Span]:
    """What one stretch holds."""
    if kind.reads == "form":
        low = max(text.rfind("\n", 0, low) + 1, low - 100)
        yield from ((low + start, low + end, worth) for start, end, worth in forms(text[low:high]))
    elif kind.reads == "post":
        yield from _post_first(text, low, high)
    elif kind.reads == "state":
        yield from _town_first(text, low, high)
    for shape in kind.shapes:
        at = low
        while (found := shape.pattern.search(text, at, high)) is not None:
            span = _weighed(text, found.start(), found.end(), shape)
            if span is None:
                at = max(found.start() + 1, found.end() - 1) if shape.town_first else found.end()
            else:
                yield span
                at = found.end()


def _weighed(text: str, start: int, end: int, shape: Shape) -> Span | None:
    """The address that begins with a street, and what it is worth; None where it is too little."""
    if _PUBLISHED.match(text, start):
        return None
    if shape is streets.JAPANESE:
        return start, end, WHOLE
    rest = tail(text, end, shape)
    begin = before(text, start)
    label = _LABEL.search(text, max(begin - 40, 0), begin) is not None
    if rest.post and rest.town:
        return begin, rest.end, SURE if label else WHOLE
    if rest.post or rest.town:
        if not label and shape is streets.ENGLISH and not rest.post and not _opens(text, begin):
            return None
        return begin, rest.end, LABELLED if label else PARTLY
    if label and _closes(text, rest.end):
        return begin, rest.end, LABELLED
    plain = shape.plain is not None and shape.plain.fullmatch(text, start, end) is not None
    if plain and not _DATED.search(text, start, end) and _alone(text, begin, rest.end):
        return begin, rest.end, BARE
    return None


_DATED = Pattern(r"[ ](?:19|20)\d\d\Z")
"""Ends like a year."""
_PUBLISHED = Pattern(
    r"(?:160\s+Saratoga\s+Ave|1895\s+Preston\s+White|51\s+Franklin\s+St|59\s+Temple\s+Pl|675\s+Mass(?:achusetts)"
    r"?\s+Ave|171\s+Second\s+St|559\s+Nathan\s+Abbott|444\s+Castro\s+St|543\s+Howard\s+St)",
    re.IGNORECASE,
)
"""Seats of foundations as their licences (GNU GPL, Creative Commons, Python) print them: nobody's data."""
_LABEL = Pattern(
    r"(?i)(?:\baddr(?:ess|\.)?|adresse|anschrift|wohnhaft(?: in)?|wohnt(?: in)?|residing at|resident (?:at|of)|"
    r"lives (?:at|on|in)|domicili[oé]|"
    r"demeurant(?: au)?|direcci[oó]n|indirizzo|residente (?:in|em|en|a)|morada|endere[cç]o|adres|adress|osoite|"
    r"zamieszka[lł][ya](?: przy)?|"
    r"deliver(?:ed)? to|ship(?:ped)? to|bill to|sede|siège|sitz)(?: line ?1?| on file| of record)?(?: is| at|\W?s)"
    r"?[\"'*]{0,3}[ \t]?[:=>]?[ \t]*(?:\r?\n[ \t]*)?[\"'>]?\Z"
)
"""Words that say that an address follows."""
_BEFORE = Pattern(
    r"(?:\A|[:;,(\[\"'>|–—•*\0]|[.!?]|[ ]-|\b(?:at|to|from|of|is|near|outside|opposite|behind|visit|on|in|address|"
    r"bei|der|dem|den|an|nach|aus|von|unter|au|à|"
    r"en|a|al|in|alla|na|no|przy|pod|op|aan|på))[ \t]*\Z",
    re.IGNORECASE,
)
_BEHIND = Pattern(
    r"(?:[ \t]*(?:[.,;:!?)\]\"'<|\0]|\r|\n|\\n|\Z)|[ ][-–—][ ]|[ ](?:in|and|is|was|on|for|with|near|until|since|"
    r"from|but|or|where|which|has|who|after|before|"
    r"to|by|at|und|ist|et|y|e|i|en|bei|wo|ab|est|es|nel|oder|och|og|ja)\b)"
)


def _closes(text: str, end: int) -> bool:
    return _BEHIND.match(text, end) is not None


def _opens(text: str, start: int) -> bool:
    """Whether a street may begin here: at the start of a line, behind a sign or a word that leads to places."""
    line = text.rfind("\n", max(start - 40, 0), start) + 1
    lead = text[line if line else max(start - 40, 0) : start]
    return not lead.strip(" \t>*#|\"'") or _BEFORE.search(lead) is not None


def _alone(text: str, start: int, end: int) -> bool:
    """Whether a street without a town stands where addresses do, and is no heading: a line of its own among others."""
    if not _closes(text, end) or not _opens(text, start):
        return False
    low = max(text.rfind("\n", max(start - 40, 0), start), text.rfind("\0", max(start - 40, 0), start)) + 1
    lead = text[low:start] if low or start < 40 else "..."
    after = text[end : end + 1]
    if lead.strip(" \t>*#|") or after not in ("", "\n", "\r", "\0", ".", ":"):
        return True
    # The whole of a text, or of a cell.
    return after in ("", "\0") and (low == 0 or text[low - 1] == "\0")


def _post_first(text: str, low: int, high: int) -> Iterator[Span]:
    """A name, a number, a postcode, and a town that is known where such postcodes are."""
    for found in GENERIC_POST_FIRST.finditer(text, low, high):
        if _ordinary(found["name"]) or YEAR.fullmatch(found["post"]):
            continue
        size, towns = longest(found["town"])
        if size > 2 and towns & countries_for(found["post"]):
            yield found.start(), found.start("town") + size, PARTLY
    for found in GENERIC_BRAZIL.finditer(text, max(low - 60, 0), high + 40):
        yield found.start(), found.end(), PARTLY


def _town_first(text: str, low: int, high: int) -> Iterator[Span]:
    """A number with a name, a town, and a state or postcode that leaves no doubt."""
    at = low
    while (found := GENERIC_TOWN_FIRST.search(text, at, high)) is not None:
        at = found.end()
        if found["name"] and (_ordinary(found["name"]) or not _opens(text, found.start())):
            at = max(found.end("number"), found.start() + 1)
        elif not _PUBLISHED.match(text, found.start()):
            yield found.start(), found.end(), PARTLY


def _ordinary(name: str) -> bool:
    """Whether words beside a number are those of dates, parts of a text or counts."""
    words = name.split()
    return any(ORDINARY.fullmatch(word) for word in (words[0], words[-1]))


def _apart(spans: Iterable[Span]) -> list[Span]:
    """The best of those that overlap: more certain, then longer."""
    kept: list[Span] = []
    for span in sorted(spans, key=lambda s: (-s[2], s[0] - s[1], s[0])):
        # What is kept lies apart, so only its two neighbours can overlap another one.
        at = bisect_left(kept, span)
        if (at == 0 or kept[at - 1][1] <= span[0]) and (at == len(kept) or span[1] <= kept[at][0]):
            kept.insert(at, span)
    return kept


def joined(
    texts: Sequence[str], named: Sequence[Sequence[tuple[int, int, str]]]
) -> list[list[tuple[int, int, str, float | None]]]:
    """Names of texts with their addresses whole: (start, end, label, confidence or None where it is the model's own).

    An address takes the place of the names of places and addresses that it overlaps; one that the model alone saw
    grows over the postcode and town behind it.

    >>> text = "Send it to Old Mill 4, 3rd Floor, Leeds LS1 4AB today"
    >>> [(text[s:e], label, c) for s, e, label, c in joined([text], [[(11, 21, "ADDRESS"), (34, 39, "LOCATION")]])[0]]
    [('Old Mill 4, 3rd Floor, Leeds LS1 4AB', 'ADDRESS', 0.85)]
    """
    return [_joined(text, spans, found) for text, spans, found in zip(texts, named, _found_in(texts), strict=True)]


def _found_in(texts: Sequence[str]) -> list[list[Span]]:
    """The addresses of each text, which are read together: no part of one goes over a zero byte."""
    begins = np.cumsum([0, *(len(text) + 1 for text in texts)])
    out: list[list[Span]] = [[] for _ in texts]
    for start, end, worth in find("\0".join(texts)):
        number = int(np.searchsorted(begins, start, side="right")) - 1
        low = int(begins[number])
        out[number].append((start - low, end - low, worth))
    return out


def _joined(
    text: str, spans: Sequence[tuple[int, int, str]], found: list[Span]
) -> list[tuple[int, int, str, float | None]]:
    if not found and not any(label == "ADDRESS" for _, _, label in spans):
        return [(start, end, label, None) for start, end, label in spans]
    for start, end, label in spans:
        if label == "ADDRESS" and not any(start < e and s < end for s, e, _ in found):
            rest = tail(text, end, ANYWHERE)
            if (rest.post or rest.town) and _DIGITS.search(text, start, end):
                found.append((start, rest.end, WHOLE if rest.post and rest.town else PARTLY))
    found = _apart(found)
    out: list[tuple[int, int, str, float | None]] = [(s, e, "ADDRESS", worth) for s, e, worth in found]
    for start, end, label in spans:
        if label in ("PERSON", "ORGANIZATION") or not any(start < e and s < end for s, e, _ in found):
            out.append((start, end, label, None))
    return sorted(out, key=lambda span: span[:2])


_DIGITS = Pattern(r"\d")
ANYWHERE = Shape("anywhere", Pattern(r"(?!)"), bits(" ".join(COUNTRIES)), True)
"""A street of whatever country, when the model has seen it."""
