"""Values as columns hold them, drawn from the lists: names in every order and case, made-up titles, codes and firms."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from random import Random

from piiscan.ner.values import KINDS
from training.fields.sources import Sources, drawn

_TOGETHER = ("ja", "zh", "ko")
"""Languages that write the last name first, without a blank."""
_SUFFIXES = """Inc|Inc.|LLC|Ltd|Ltd.|Limited|Corp|Corporation|Co|Company|PLC|GmbH|AG|SE|KG|S.A.|SA|S.p.A.|S.r.l.|B.V.|
NV|AB|Oy|ApS|A/S|Group|Holdings|Partners|& Co|& Sons|Bros|Sp. z o.o.|Ltda|S.L.|Pty Ltd|Pvt Ltd|KK|Industries|Systems|
Technologies|Bank|Energy|Foods|Motors|Airlines|Pharma|Insurance|Media|Software|Labs|Consulting|Logistics|Capital|
International"""
_TEAMS = "United|City|FC|Rovers|Athletic|SC|Wanderers|CF|Real|Sporting|Hotspur|Town|Rangers"
_BODIES = """University|College|High School|Elementary|School|Hospital|Airport|Church|Library|Museum|Park|County|
District|Station|Bridge|Lake|River|Mountain|Island|Creek|Hall|Center|Stadium|Theatre|Hotel|Restaurant|Committee"""
_DRUGS = "ol|ine|azole|mab|pril|statin|cillin|ide|one|ate|ium|amine|oxin|ase|itis|osis|us|ia|ae|is|ensis|um|ella|opsis"
_STATUS = """active|inactive|pending|closed|open|new|done|failed|approved|rejected|shipped|delivered|cancelled|on hold|
in progress|draft|paid|unpaid|yes|no|true|false|low|medium|high|critical|unknown|other|male|female|married|single|
full time|part time|manager|analyst|north|south|east|west|small|large|red|blue|standard|premium|basic|gold|silver"""
_EXTENSIONS = "pdf|csv|txt|jpg|png|docx|xlsx|json|xml|log|zip|py|html|mp3"
_TITLES = "Mr|Mrs|Ms|Dr|Prof|Mr.|Mrs.|Ms.|Dr.|Miss|Sir|Herr|Frau|Mme|M.|Sr.|Sra.|Sig.|Ing.|Rev."


def _split(text: str) -> list[str]:
    return text.replace("\n", "").split("|")


class Drawer:
    """Draws from one generator, so that a seed gives the same values."""

    def __init__(self, lists: Sources, rng: Random) -> None:
        self._lists, self.rng = lists, rng
        # Three languages share their signs with the names of places of all the world: they are drawn more often.
        self._locales = [name for name in lists.people for _ in range(4 if name.startswith(_TOGETHER) else 1)]
        self._towns = {name: values for name, values in lists.city.items() if name.startswith(("geonames", "counties"))}
        self._nouns = {name: values for name, values in lists.other.items() if name.startswith("wordnet")}
        self._others: list[Callable[[], str]] = [
            lambda: drawn(lists.other, rng), lambda: drawn(lists.other, rng), lambda: drawn(lists.other, rng),
            self._english, self._english, self._body, self._team, self._title, self._code, self._login, self._product,
        ]  # fmt: skip

    def value(self) -> tuple[str, int]:
        """A value and the number of its kind."""
        kind = self.rng.choices(KINDS, (18, 18, 22, 14, 4, 10, 6, 40))[0]
        value: str = getattr(self, f"_{kind}")()
        return self._cased(value), KINDS.index(kind)

    def _cased(self, value: str) -> str:
        draw = self.rng.random()
        if draw < 0.12:
            value = value.lower()
        elif draw < 0.26:
            value = value.upper()
        elif draw < 0.36:
            value = value.title()
        if self.rng.random() < 0.15:
            plain = unicodedata.normalize("NFKD", value)
            value = "".join(c for c in plain if not unicodedata.combining(c)) if value[:1] < "\u0250" else value
        if self.rng.random() < 0.03:
            value = value.replace(" ", self.rng.choice(("_", ".", "-")))
        return value

    def _person(self) -> tuple[str, str, str]:
        locale = "census" if self.rng.random() < 0.12 else self.rng.choice(self._locales)
        first, last = self._lists.people[locale]
        return self.rng.choice(first), self.rng.choice(last), locale

    def _first(self) -> str:
        first, _, locale = self._person()
        draw = self.rng.random()
        if draw < 0.1 and not locale.startswith(_TOGETHER):
            other = self.rng.choice(self._lists.people[locale][0])
            return f"{first}{self.rng.choice((' ', ' ', '-'))}{other}"
        return f"{first} {self.rng.choice('ABCDEFGHJKLMNPRSTW')}." if draw > 0.97 else first

    def _last(self) -> str:
        _, last, locale = self._person()
        draw = self.rng.random()
        if draw < 0.08 and not locale.startswith(_TOGETHER):
            other = self.rng.choice(self._lists.people[locale][1])
            return f"{last}{self.rng.choice((' ', '-', '-'))}{other}"
        return f"{last}, {self.rng.choice('ABCDEFGHJKLMNPRSTW')}." if draw > 0.96 else last

    def _full(self) -> str:
        rng = self.rng
        first, last, locale = self._person()
        if locale.startswith(_TOGETHER) and not first.isascii():
            return f"{last}{rng.choice(('', '', ' ', '　'))}{first}"
        initial = rng.choice("ABCDEFGHJKLMNPRSTW")
        second = rng.choice(self._lists.people[locale][rng.random() < 0.4])
        form = rng.choices(
            ("{f} {l}", "{l}, {f}", "{L}, {f}", "{f} {i}. {l}", "{f} {s} {l}", "{f0}. {l}", "{l} {f}", "{t} {f} {l}",
             "{l}, {f0}.", "{f} {l}-{s}", "{l}, {f} {i}.", "{f} {l} Jr.", "{f0} {l}", "{l}, {t} {f}", "{f} {L}",
             "{l} {f0}"),
            (40, 10, 3, 6, 6, 3, 5, 2, 2, 2, 2, 1, 2, 1, 2, 1),
        )[0]  # fmt: skip
        return form.format(
            f=first, l=last, L=last.upper(), i=initial, s=second, f0=first[0], t=rng.choice(_split(_TITLES))
        )

    def _city(self) -> str:
        value = drawn(self._towns if self.rng.random() < 0.6 else self._lists.city, self.rng)
        if self.rng.random() < 0.08:
            value = f"{value}, {drawn(self._lists.country, self.rng)}"
        return value

    def _country(self) -> str:
        return drawn(self._lists.country, self.rng)

    def _street(self) -> str:
        return drawn(self._lists.street, self.rng)

    def _company(self) -> str:
        rng = self.rng
        draw = rng.random()
        if draw < 0.55:
            return drawn(self._lists.company, rng)
        stem = rng.choice((self._last, self._city, self._noun, self._noun, self._invented))()
        second = f" {self._noun().title()}" if rng.random() < 0.4 else ""
        return f"{stem.title()}{second} {rng.choice(_split(_SUFFIXES))}"

    def _other(self) -> str:
        return self.rng.choice(self._others)()

    def _noun(self) -> str:
        return self.rng.choice(self._lists.nouns)

    def _english(self) -> str:
        rng = self.rng
        draw = rng.random()
        if draw < 0.35:
            return drawn(self._nouns, rng)
        if draw < 0.5:
            return rng.choice(_split(_STATUS))
        return f"{rng.choice(self._lists.adjectives)} {self._noun()}"

    def _invented(self) -> str:
        letters = "".join(
            self.rng.choice("bcdfghklmnprstvxz") + self.rng.choice("aeiouy") for _ in range(self.rng.randint(1, 3))
        )
        return letters + self.rng.choice(_split(_DRUGS))

    def _body(self) -> str:
        stem = self.rng.choice((self._last, self._city, self._noun, self._full))()
        body = self.rng.choice(_split(_BODIES))
        return self.rng.choice(
            (f"{stem} {body}", f"{stem} {body}", f"{body} of {stem}", f"{stem} {body} {self._noun()}")
        )

    def _team(self) -> str:
        if self.rng.random() < 0.3:
            return f"{self._city()} {self.rng.choice(_split(_TEAMS))}"
        return self.rng.choice((f"{self._city()} {self._noun()}s", f"{self._noun()}s", f"the {self._noun()}s")).title()

    def _title(self) -> str:
        rng = self.rng
        a, b, adjective = self._noun(), self._noun(), rng.choice(self._lists.adjectives)
        first = self._first()
        return rng.choice(
            (f"the {a}", f"{a} of {b}", f"the {adjective} {a}", f"{a} and {b}", f"{a} in the {b}",
             f"{first} and the {a}", f"{adjective} {a} {b}", f"my {a}", f"{a}: {adjective} {b}",
             f"{first}'s {a}", f"{a} {rng.randint(1, 9)}")
        ).title()  # fmt: skip

    def _code(self) -> str:
        rng = self.rng
        letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
        a, b = self._noun(), self._noun()
        return rng.choice(
            ("".join(rng.choices(letters, k=rng.randint(1, 5))), a[: rng.randint(2, 5)].upper(), a[: rng.randint(3, 5)],
             f"{self._city()[:3]}", "".join(rng.choices(letters, k=2)) + str(rng.randint(0, 9999)),
             f"{a}_{b}", f"{a}-{b}-{rng.randint(0, 99)}", f"{a.title()}{b.title()}",
             f"{a}.{rng.choice(_split(_EXTENSIONS))}", f"/{a}/{b}", f"{a[:4]}{b.title()}", f"{a.title()}_{b.title()}",
             str(rng.randint(0, 99999)))
        )  # fmt: skip

    def _login(self) -> str:
        rng = self.rng
        first, last = (n.lower().replace(" ", "") for n in self._person()[:2])
        return rng.choice(
            (f"{first[:1]}{last}", f"{first}{rng.randint(1, 99)}", f"{first}.{last}", f"{first}_{last}",
             f"{last}{first[:1]}{rng.randint(1, 99)}", f"{first}.{last}@example.com", f"@{first}{last}")
        )  # fmt: skip

    def _product(self) -> str:
        rng = self.rng
        if rng.random() < 0.4:
            genus = self._invented().capitalize()
            return rng.choice((genus, f"{genus} {self._invented()}", f"{genus} {rng.randint(5, 500)} mg"))
        brand = rng.choice((self._invented, self._last, self._city))().title()
        return rng.choice(
            (f"{brand} {self._noun()}", f"{brand} {rng.randint(1, 999)}", f"{self._noun()} {self._noun()}")
        )
