"""What a column's name says that it holds, by words in some thirty languages (`field_words.py`)."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from enum import StrEnum
from functools import cache, lru_cache

from piiscan.classify import field_words
from piiscan.classify.context import tokens


class Word(StrEnum):
    """What a word of a column's name speaks of."""

    FIRST = "a first name"
    LAST = "a last name"
    FULL = "a full name"
    PERSON = "a person"
    NAME = "a name of something"
    CITY = "a place"
    COUNTRY = "a country or region"
    COMPANY = "a company"
    STREET = "an address"
    POSTCODE = "a postcode"
    BIRTH = "a date of birth"
    GENDER = "a gender"
    TEXT = "free text"
    THING = "something that is no person"


NAMES = frozenset({Word.FIRST, Word.LAST, Word.FULL})
_BARE = frozenset({"first", "last", "given", "ten", "ho", "imena"})
"""Words for names that stand for other things, too, in longer column names: `last update`, `first match`."""
_USERS = frozenset({"user", "users", "utilisateurs", "usuarios", "benutzer", "staff", "people", "persons", "persone"})
"""Tables of people whose word is no person in a column's name: a user name is a login."""
_LONGEST = 4
_WHOLE = str.maketrans({"ł": "l", "ø": "o", "ı": "i", "đ": "d", "ß": "ss", "æ": "ae", "œ": "oe"})
"""Letters that Unicode does not take apart."""
_STEMS = ("names", "name", "nm")


def _bare(text: str) -> str:
    """The text without accents, of Latin letters only: accents of other scripts tell words apart."""
    plain = unicodedata.normalize("NFKD", text.translate(_WHOLE))
    return "".join(c for c in plain if not unicodedata.combining(c)) if plain[:1].isascii() else text


@cache
def _phrases() -> tuple[dict[tuple[str, ...], Word], list[tuple[str, Word]]]:
    """Phrases of Latin words, and those of other scripts, longest first."""
    latin: dict[tuple[str, ...], Word] = {}
    other: list[tuple[str, Word]] = []
    for word in (w for w in Word if hasattr(field_words, w.name)):
        for phrase in getattr(field_words, word.name).replace("\n", "").split("|"):
            if phrase.isascii():
                latin.setdefault(tuple(phrase.split()), word)
                latin.setdefault(("".join(phrase.split()),), word)
            else:
                other.append((phrase.replace(" ", ""), word))
    return latin, sorted(other, key=lambda pair: -len(pair[0]))


def _one(token: str) -> tuple[Word, ...]:
    """The words in one token: itself, its singular, or two grown together (`customername`)."""
    latin, _ = _phrases()
    if found := latin.get((token,)) or latin.get((token.removesuffix("s"),)):
        return (found,)
    for stem in _STEMS:
        head = token.removesuffix(stem)
        # German joins with an `n` or `s` between: Kundenname.
        if head != token and (found := latin.get((head,)) or latin.get((head[:-1],))):
            return found, Word.NAME
    return ()


def _words(name: str) -> list[tuple[str, Word]]:
    """(token or phrase, what it speaks of) of the known words of a column's name, in order."""
    latin, other = _phrases()
    if not name.isascii():
        joined = "".join(tokens(name))
        for phrase, word in other:
            if phrase == joined or (len(phrase) > 1 and phrase in joined):
                return [(phrase, word)]
    parts = [bare for part in tokens(name) if (bare := _bare(part).strip("0123456789"))]
    out: list[tuple[str, Word]] = []
    at = 0
    while at < len(parts):
        for size in range(min(_LONGEST, len(parts) - at), 0, -1):
            found = latin.get(tuple(parts[at : at + size]))
            if found is not None:
                out.append((" ".join(parts[at : at + size]), found))
                at += size
                break
        else:
            out += [(parts[at], word) for word in _one(parts[at])]
            at += 1
    return out


@lru_cache(maxsize=4096)
def told(header: str) -> Word | None:
    """What a column's name speaks of, or None where no word of it is known.

    >>> [told(h) and told(h).name for h in ("first_name", "custNm", "Nachname", "product name", "last_login", "x7")]
    ['FIRST', 'FULL', 'LAST', 'THING', 'THING', None]
    """
    found = _words(header)
    whole = len(found) == 1 and len(tokens(header)) == 1
    words = [word for token, word in found if whole or token not in _BARE]
    if (
        len(words) < len(found)
        and all(w in (Word.PERSON, Word.NAME) for w in words)
        and len(found) == len(tokens(header))
    ):
        words = [word for _, word in found]
    kinds = [word for word in words if word is not Word.NAME]
    if not kinds:
        return Word.NAME if words else None
    if words[-1] is Word.THING:
        return Word.THING
    for wanted in (Word.FULL, Word.FIRST, Word.LAST):
        if wanted in kinds:
            return wanted
    if Word.NAME in words:
        near = {words[i + step] for i, w in enumerate(words) for step in (-1, 1)
                if w is Word.NAME and 0 <= i + step < len(words)}  # fmt: skip
        if Word.PERSON in near:
            return Word.FULL
    apart = [word for word in kinds if word is not Word.PERSON]
    if not apart:
        return Word.PERSON
    # In English the last word says what it is, in Romance languages the first: `customer city`, `ville client`.
    return None if kinds[-1] is Word.PERSON and apart[-1] is not kinds[0] else apart[-1]


def spoken(header: str, parents: Sequence[str]) -> Word | None:
    """What a column's name says, with the names of what it is part of (JSON parents, table, sheet), nearest last.

    >>> spoken("name", ("employees",)).name, spoken("name", ("product",)).name, spoken("city", ("customer",)).name
    ('FULL', 'THING', 'CITY')
    """
    word = told(header)
    if word is not Word.NAME:
        return word
    for parent in reversed(parents):
        if not _USERS.isdisjoint(map(_bare, tokens(parent))):
            return Word.FULL
        above = told(parent)
        if above is Word.PERSON or above in NAMES:
            return Word.FULL
        if above is not None and above is not Word.NAME:
            return (
                Word.COMPANY if above is Word.COMPANY else above if above in (Word.CITY, Word.COUNTRY) else Word.THING
            )
    return word
