"""What the columns of a table hold, one verdict a column: names of people, parts of addresses, companies, free text.

A cell has no sentence around it, but a column has a name and many values. Four witnesses are heard over a sample of
the distinct values: the words of the column's name (`field_headers.py`), a network that knows what names, places and
companies look like and which of their words are on lists (`piiscan.ner.values`), the shape of the values, and, where
these leave it open, the model that reads text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from piiscan.cells import Cells, Coded
from piiscan.classify.field_headers import NAMES, Word, spoken
from piiscan.classify.field_words import GENDERS
from piiscan.ner.values import KINDS

Kinds = Callable[[Sequence[str]], npt.NDArray[np.float32]]
Persons = Callable[[Sequence[str]], float]
"""The share of some values that the model of running text takes for a person's name."""


class Field(StrEnum):
    """What a column holds."""

    FIRST_NAME = "first name"
    LAST_NAME = "last name"
    FULL_NAME = "full name"
    STREET = "street"
    CITY = "city"
    POSTCODE = "postcode"
    COUNTRY = "country"
    COMPANY = "company"
    BIRTH_DATE = "date of birth"
    GENDER = "gender"
    TEXT = "free text"


PEOPLE = frozenset({Field.FIRST_NAME, Field.LAST_NAME, Field.FULL_NAME})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a column holds, how sure that is, and why."""

    field: Field | None = None
    confidence: float = 0.0
    evidence: tuple[str, ...] = ()
    """One sentence a witness; none of them quotes a value."""
    lasting: bool = True
    """False: made over so few values that more of them may change it."""


SAMPLE = 96
"""Distinct values that are judged."""
ASKED = 25
"""Values that the model of running text is asked about."""
GLANCE = 24
"""Of which as many are enough where hardly one of them looks like a name, below a column name that claims none."""
_FAR = 0.2
_CLAIMED = frozenset({*NAMES, Word.PERSON})
_UNSAID = (None, Word.NAME, Word.THING, Word.TEXT)
PERSONS = KINDS.index("full") + 1
"""The first kinds are names of people."""
FIRST_LOOK = 16
"""Values of which some must hold letters, else nothing is computed for the column."""
SETTLED = 24
"""Distinct values from which on a verdict is kept for the rest of the column."""
_MOST_LOOKED_AT = 400

_FEWEST = {Word.FIRST: 1, Word.LAST: 1, Word.FULL: 1, Word.PERSON: 2, Word.NAME: 5, None: 8}
_LEAST = {Word.FIRST: 0.3, Word.LAST: 0.3, Word.FULL: 0.3, Word.PERSON: 0.45, Word.NAME: 0.6, None: 0.62}
"""Mean probability of a person's name that is asked for below a column name of each kind."""
_AGAINST = 0.75
"""The same where the column's name speaks of something else: full names alone outweigh that."""
_OPEN = 0.2
"""How near the least probability the network is not believed alone."""
_WEIGHT = 0.3
"""What the model of running text adds where it takes all values for names, and takes away where none."""
_WORTH = {Word.FULL: 0.75, Word.FIRST: 0.6, Word.LAST: 0.6, Word.PERSON: 0.65, Word.NAME: 0.6}

_LETTER = re.compile(r"[^\W\d_]")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]")
_DATE = re.compile(r"\d{1,4}[-/. ]\d{1,2}[-/. ]\d{1,4}|\d{1,2}[ -]\w{3,9}[ -]\d{2,4}|(?:19|20)\d{6}")
_POSTCODE = re.compile(r"(?=.*\d)[A-Za-z0-9][A-Za-z0-9 -]{2,9}")
_GENDERS = frozenset(GENDERS.replace("\n", "").split("|"))


def sampled(values: Sequence[str], least: int = SAMPLE) -> list[str]:
    """Up to `least` distinct values that are not empty, from all over a column; few where the first hold no letters."""
    cells = values.distinct if isinstance(values, Coded) else values
    places = np.arange(0, len(cells), max(len(cells) // _MOST_LOOKED_AT, 1))
    look = _distinct(cells, places[:: max(len(places) // FIRST_LOOK, 1)])
    if not any(map(_LETTER.search, look)):
        return look
    return _distinct(cells, places)[:least]


def _distinct(cells: Sequence[str], places: npt.NDArray[np.int64]) -> list[str]:
    texts = cells.take(places) if isinstance(cells, Cells) else [cells[place] for place in places.tolist()]
    return list(dict.fromkeys(text for value in texts if (text := value.strip())))


def judged(header: str, parents: Sequence[str], values: Sequence[str], kinds: Kinds, persons: Persons) -> Verdict:
    """The verdict on a column of which `values` are distinct ones.

    `parents` are the names of what the column is part of, nearest last. `kinds` gives (values, `KINDS`) probabilities.
    """
    word = spoken(header, parents)
    first = values[:FIRST_LOOK]
    said = () if word is None else (f"its name speaks of {word}",)
    lettered = sum(_LETTER.search(value) is not None for value in first)
    plain = _by_shape(word, values, said)
    if plain is not None or lettered < 0.4 * len(first) or not values:
        return plain or Verdict(lasting=len(values) >= SETTLED)
    if (text := _free_text(word, values)) is not None:
        return Verdict(Field.TEXT, 0.0, (*said, text))
    values = _cased(values) if word in _CLAIMED else values
    shares = kinds(values[:GLANCE]).mean(0)
    if len(values) > GLANCE and (word not in _UNSAID or shares[:PERSONS].sum() >= _FAR):
        shares = (shares * GLANCE + kinds(values[GLANCE:]).sum(0)) / len(values)
    share = dict(zip(KINDS, shares.tolist(), strict=True))
    person = _person(word, values, share, said, persons)
    return person if person.field is not None else _other(word, values, share, said)


def _by_shape(word: Word | None, values: Sequence[str], said: tuple[str, ...]) -> Verdict | None:
    """Verdicts that need the column's name and the values' shape alone."""
    if word is Word.BIRTH and _share(_DATE.search, values) > 0.5:
        return Verdict(Field.BIRTH_DATE, 0.9, (*said, "most values are dates"))
    if word is Word.POSTCODE and _share(_POSTCODE.fullmatch, values) > 0.6:
        return Verdict(Field.POSTCODE, 0.9, (*said, "most values have the shape of postcodes"))
    known = sum(value.lower() in _GENDERS for value in values)
    if 1 < len(values) < 12 and (known == len(values) or (word is Word.GENDER and 2 * known >= len(values))):
        return Verdict(Field.GENDER, 0.9, (*said, f"{known} of {len(values)} distinct values are words for genders"))
    return None


def _cased(values: Sequence[str]) -> Sequence[str]:
    """Values in one case as names are written: a column of people in small letters or capitals says nothing by them."""
    one = sum(value.islower() or value.isupper() for value in values)
    return [value.title() for value in values] if one > 0.9 * len(values) else values


def _share(found: Callable[[str], object], values: Sequence[str]) -> float:
    return sum(found(value) is not None for value in values) / max(len(values), 1)


def _free_text(word: Word | None, values: Sequence[str]) -> str | None:
    """Why a column holds sentences, or None. Titles and lists are none: most of their words have capitals."""
    counts = sorted(len(value.split()) for value in values)
    middle = counts[len(counts) // 2]
    long = sum(len(value) >= 40 for value in values)
    if middle < 8 and not (len(values) >= 3 and long > 0.3 * len(values) and counts[-1] >= 12 and middle >= 4):
        return None
    words = [part for value in values[:GLANCE] for part in value.split()]
    capital = sum(part[:1].isupper() for part in words)
    if word is not Word.TEXT and 2 * capital > len(words):
        return None
    return f"half of the values have {middle} words or more"


def _person(
    word: Word | None, values: Sequence[str], share: dict[str, float], said: tuple[str, ...], persons: Persons
) -> Verdict:
    likely = share["first"] + share["last"] + share["full"]
    against = word not in _LEAST
    if against:
        likely = share["full"]
    least = _AGAINST if against else _LEAST[word]
    settled = len(values) >= SETTLED
    none = Verdict(lasting=settled)
    if len(values) < (10 if against else _FEWEST[word]) or likely < least - _OPEN:
        return none
    if len(values) < 5 and word not in NAMES:
        least += 0.15
    told = (*said, f"{round(100 * likely)} % of {len(values)} distinct values look like names of people")
    # The model of running text was taught languages of Latin letters alone.
    latin = [value for value in values if _LATIN.search(value)]
    if 2 * len(latin) > len(values) and (abs(likely - least) < _OPEN or word not in NAMES):
        read = persons(latin[:: max(len(latin) // ASKED, 1)][:ASKED])
        likely += _WEIGHT * (read - 0.5)
        told = (*told, f"read as text, {round(100 * read)} % of them are names of people")
    if likely < least:
        return none
    field = _which(word, share)
    worth = _WORTH.get(word, 0.5) if word is not None else 0.5
    if word is None or against:
        worth = 0.6 if field is Field.FULL_NAME else 0.5
    elif field is not Field.FULL_NAME:
        worth = min(worth, 0.6 if word in NAMES else 0.55)
    return Verdict(field, worth, told, settled)


def _which(word: Word | None, share: dict[str, float]) -> Field:
    if word is Word.FIRST:
        return Field.FIRST_NAME
    if word is Word.LAST:
        return Field.LAST_NAME
    if share["full"] >= max(share["first"], share["last"]):
        return Field.FULL_NAME
    return Field.FIRST_NAME if share["first"] >= share["last"] else Field.LAST_NAME


_OTHERS = (
    ("street", Word.STREET, Field.STREET),
    ("city", Word.CITY, Field.CITY),
    ("country", Word.COUNTRY, Field.COUNTRY),
    ("company", Word.COMPANY, Field.COMPANY),
)


def _other(word: Word | None, values: Sequence[str], share: dict[str, float], said: tuple[str, ...]) -> Verdict:
    """Places, addresses and companies: by the values alone where they are nearly sure, else with the column's name."""
    settled = len(values) >= SETTLED
    for kind, spoken_of, field in _OTHERS:
        named = word is spoken_of
        if not (named and share[kind] >= 0.25) and not (word in (None, Word.NAME, Word.PERSON) and share[kind] >= 0.7):
            continue
        if not named and len(values) < _FEWEST[None]:
            continue
        told = (*said, f"{round(100 * share[kind])} % of {len(values)} distinct values look like {_PLURALS[field]}")
        worth = 0.4
        if field is Field.STREET:
            numbered = sum(any(map(str.isdecimal, value)) for value in values) / len(values)
            worth = 0.6 if named and numbered > 0.6 and share[kind] >= 0.5 else 0.45
        return Verdict(field, worth, told, settled)
    return Verdict(lasting=settled)


_PLURALS = {
    Field.STREET: "street addresses", Field.CITY: "places", Field.COUNTRY: "countries or regions",
    Field.COMPANY: "companies",
}  # fmt: skip

_SAID = {
    0.75: "the column's name speaks of people, and its values look like full names",
    0.65: "the column's name speaks of somebody, and its values look like full names",
    0.6: "the column's name and its values together say what it holds",
    0.55: "the values of the column look like names, and its name does not speak against that",
    0.5: "the values of the column look like names; nothing but they says so",
    0.45: "the values of the column look like street addresses",
    0.4: "the values of the column look like places or companies",
}


def say(confidence: float) -> str:
    """What the confidence of a value in a column rests on, for `piiscan explain`."""
    return _SAID[min(_SAID, key=lambda known: abs(known - confidence))]
