"""Names of people, organisations and places to put into texts: drawn from lists, joined, or made up of parts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from random import Random

from training.ner.lexicon import Lexicon

Part = str | tuple[str, str]
"""Text, or text with its label."""

_PARTICLES = (
    "van",
    "van der",
    "van den",
    "de",
    "de la",
    "von",
    "di",
    "da",
    "dos",
    "bin",
    "al",
    "el",
    "ter",
    "del",
    "le",
)
_ENDINGS = ("Jr.", "Sr.", "II", "III")
_KINDS = ("University", "Hospital", "Bank", "Council", "City Council", "Museum", "School", "Institute", "Airlines",
          "Police", "United", "Group", "Holdings", "Foundation", "Times", "Herald", "Court", "Railway", "Energy",
)  # fmt: skip
_LEGAL = ("Inc.", "Inc", "LLC", "Ltd", "Ltd.", "Limited", "plc", "Corp.", "Corporation", "GmbH", "AG", "S.A.", "SA",
          "S.p.A.", "B.V.", "Co.", "& Co.", "Group", "Holdings", "Partners", "LLP", "Sp. z o.o.", "Lda.", "S.L.",
)  # fmt: skip
_TRADES = ("Software", "Logistics", "Foods", "Systems", "Motors", "Capital", "Consulting", "Pharma", "Energy", "Media",
           "Textiles", "Steel", "Insurance", "Technologies", "Solutions", "Engineering", "Bank", "Dental", "Farms",
)  # fmt: skip
_OF = (
    "University of",
    "Bank of",
    "Ministry of Health of",
    "Museum of",
    "College of",
    "Port of",
    "Chamber of Commerce of",
)
_BODIES = (
    "Department of",
    "Ministry of",
    "Office of",
    "Bureau of",
    "Institute of",
    "Board of",
    "Society of",
    "Agency for",
)
_MATTERS = ("Agriculture", "Public Works", "Education", "Foreign Affairs", "Statistics", "Fisheries", "Labour",
            "Energy", "Health", "Social Security", "Trade", "Defence", "Environmental Protection", "Human Rights",
            "Revenue",
)  # fmt: skip
_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
           "December")  # fmt: skip


class Inventor:
    """Draws from one generator."""

    def __init__(self, lexicon: Lexicon, organizations: Sequence[str], rng: Random) -> None:
        self.rng = rng
        self._people = lexicon.people
        self._origins = list(lexicon.people)
        self._cities = lexicon.cities
        self._countries = lexicon.countries
        self._organizations = organizations

    def name(self) -> tuple[str, str]:
        """A first and a last name of one origin."""
        rng = self.rng
        origin = "census" if rng.random() < 0.35 else rng.choice(self._origins)
        first, last = self._people[origin]
        one, other = rng.choice(first), rng.choice(last)
        if rng.random() < 0.12:
            one = self._blended(one, rng.choice(first))
        if rng.random() < 0.2:
            other = self._blended(other, rng.choice(last))
        draw = rng.random()
        if draw < 0.02:
            other = f"{rng.choice(_PARTICLES)} {other}"
        elif draw < 0.035:
            other = f"{other}-{rng.choice(last)}"
        elif draw < 0.05:
            one = f"{one}-{rng.choice(first)}"
        elif draw < 0.06:
            other = rng.choice(("O'", "Mc", "Mac", "D'", "Al-", "Ben-")) + other
        return one, other

    def _blended(self, one: str, other: str) -> str:
        """A word that begins as one name and ends as another: on no list, of the same sound."""
        if len(one) < 4 or len(other) < 4 or not (one + other).isalpha():
            return one
        return one[: self.rng.randint(2, len(one) - 1)] + other[-self.rng.randint(2, len(other) - 2) :].lower()

    def person(self) -> str:
        """A name in one of the forms of records."""
        rng = self.rng
        first, last = self.name()
        forms = [f"{first} {last}"] * 8 + [
            f"{last}, {first}", f"{last}, {first}", f"{last.upper()}, {first.upper()}", f"{last.upper()} {first}",
            f"{first.upper()} {last.upper()}", f"{first.lower()} {last.lower()}", f"{first[0]}. {last}",
            f"{last} {first}", f"{first} {rng.choice('ABCDEFGHJKLM')}. {last}", f"{first} {self.name()[0]} {last}",
            f"{last}, {first} {rng.choice('ABCDEFGHJKLM')}.", f"{first} {last} {rng.choice(_ENDINGS)}",
        ]  # fmt: skip
        return rng.choice(forms)

    def initials(self) -> str:
        """A name as in a list of references."""
        first, last = self.name()
        second = self.rng.choice("ABCDEFGHJKLMNPRST")
        forms = (
            f"{last}, {first[0]}.",
            f"{last} {first[0]}{second}",
            f"{first[0]}. {second}. {last}",
            f"{first[0]}. {last}",
        )
        return self.rng.choice(forms)

    def organization(self) -> str:
        """One that labelled text names, or one made up."""
        rng = self.rng
        draw = rng.random()
        if draw < 0.45:
            return rng.choice(self._organizations)
        city, last = rng.choice(self._cities), self.name()[1]
        if draw < 0.6:
            return f"{rng.choice((last, city, self._word()))} {rng.choice(_TRADES)} {rng.choice(_LEGAL)}"
        if draw < 0.7:
            return f"{rng.choice((last, self._word()))} {rng.choice(_LEGAL)}"
        if draw < 0.76:
            return f"{last} {rng.choice(('&', 'and'))} {rng.choice((self.name()[1], 'Sons', 'Company', 'Associates'))}"
        if draw < 0.86:
            return f"{city} {rng.choice(_KINDS)}"
        if draw < 0.92:
            return f"{rng.choice(_OF)} {city}"
        if draw < 0.96:
            return f"{rng.choice(_BODIES)} {rng.choice(_MATTERS)}"
        return self._word()

    def _word(self) -> str:
        rng = self.rng
        parts = [
            rng.choice("BCDFGKLMNPRSTVZ") + rng.choice("aeiou") + rng.choice(("", "n", "r", "x", "l")) for _ in "ab"
        ]
        word = "".join(parts).lower() + rng.choice(("", "tech", "soft", "data", "via", "ix", "ora", "on", "co"))
        return word.upper()[:4] if rng.random() < 0.15 else word.capitalize()

    def city(self) -> str:
        """A city of more than a hundred thousand people."""
        return self.rng.choice(self._cities)

    def country(self) -> str:
        """A country, or a state of the United States."""
        return self.rng.choice(self._countries)

    def day(self) -> str:
        """A date in one of many forms, or a year."""
        rng = self.rng
        year, month, day = rng.randint(1950, 2024), rng.randint(1, 12), rng.randint(1, 28)
        word = _MONTHS[month - 1]
        forms = (f"{year}-{month:02}-{day:02}", f"{day:02}/{month:02}/{year}", f"{day:02}.{month:02}.{year}",
                 f"{day} {word} {year}", f"{word} {day}, {year}", f"{word} {year}", f"{year}", f"{word[:3]} {day}",
)  # fmt: skip
        return rng.choice(forms)

    def digits(self, count: int) -> str:
        """So many digits."""
        return "".join(self.rng.choice("0123456789") for _ in range(count))

    def mail(self) -> str:
        """A mail address at a domain kept for examples."""
        rng = self.rng
        first, last = (bare(part) for part in self.name())
        domain = rng.choice(("example.com", "example.org", "mail.example.net", "corp.example.com"))
        return f"{first[: rng.choice((1, 20))]}{rng.choice('._')}{last}@{domain}"

    def filled(self, template: str, address: Callable[[], str]) -> list[Part]:
        """A template of `templates.py` with names in its places."""
        rng = self.rng
        people: dict[str, Callable[[], str]] = {
            "P": self.person, "I": self.initials, "F": lambda: self.name()[0], "L": lambda: self.name()[1],
            "N": lambda: " ".join(self.name()), "R": lambda: ", ".join(reversed(self.name())),
            "S": lambda: f"{' '.join(self.name())} {self.name()[1]}",
        }  # fmt: skip
        others: dict[str, tuple[Callable[[], str], str]] = {
            "C": (self.city, "LOCATION"), "K": (self.country, "LOCATION"), "O": (self.organization, "ORGANIZATION"),
            "A": (address, "ADDRESS"),
        }  # fmt: skip
        out: list[Part] = []
        for piece in re.split(r"(\{[A-Z]\})", template):
            letter = piece[1:2] if re.fullmatch(r"\{[A-Z]\}", piece) else ""
            if letter in people:
                out.append((people[letter](), "PERSON"))
            elif letter in others:
                draw, label = others[letter]
                out.append((draw(), label))
            elif letter in ("D", "M"):
                out.append(self.day() if letter == "D" else self.mail())
            else:
                out.append(re.sub("#", lambda _: self.digits(rng.choice((1, 1, 2, 4))), piece))
        return out


def bare(name: str) -> str:
    """A name in small letters without accents and signs."""
    return re.sub(r"\W", "", unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()) or "x"
