"""More text than there is: other people's names in labelled sentences, other cases, and documents that are made up."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random

from piiscan.ner.words import LINE, WORD
from training.ner.data import Sample, begin, tagged
from training.ner.inventor import Inventor, Part
from training.ner.lexicon import BIT, Lexicon
from training.ner.templates import ELSEWHERE, FORMAL, FORMS, MAIL, NONE, PROSE, lines

SWAPPED = "swapped"
"""The source of samples whose labels mean nothing."""
_PERSON, _LOCATION, _ORGANIZATION = map(begin, ("PERSON", "LOCATION", "ORGANIZATION"))


class Augmenter:
    """Draws from one generator, so that a seed gives the same texts."""

    def __init__(self, lexicon: Lexicon, samples: Sequence[Sample], vocabulary: Iterable[str], rng: Random) -> None:
        self.rng = rng
        self._frequent = {word for word, bits in lexicon.bits.items() if bits & BIT["frequent"]}
        read = sorted({word for sample in samples for word in sample.words if word.isalpha() and len(word) > 1})
        rest = sorted(word for word in vocabulary if word.isalpha() and len(word) > 2)
        # As often a word of the texts as one of the larger vocabulary.
        self._like = {}
        for case in (0, 1, 2):
            near, far = ([word for word in words if _case(word) == case] for words in (read, rest))
            self._like[case] = near + rng.sample(far, min(len(far), len(near)))
        self._addresses = [" ".join(s.words) for s in samples if s.source == "usaddress"]
        organizations = sorted(
            {
                " ".join(run)
                for s in samples
                if s.source in ("wikigold", "multiner_gov", "crossner", "gmb_texts_by_en_core_web_md")
                for run in _runs(s, begin("ORGANIZATION"))
                if 0 < len(run) < 7 and all(w.isalpha() for w in run)
            }
        )
        self._invent = Inventor(lexicon, organizations, rng)
        self._towns = {city.lower() for city in lexicon.cities}
        self._code = _code()
        self._named = [lines(block) for block in (MAIL, FORMS, FORMAL, PROSE, PROSE, ELSEWHERE)]
        self._nameless = lines(NONE)

    def varied(self, sample: Sample) -> Sample:
        """The sample with other names or in another case, or as it is."""
        words, tags = list(sample.words), list(sample.tags)
        rng = self.rng
        if any(tags) and rng.random() < 0.5:
            words, tags = self._renamed(words, tags)
        draw = rng.random()
        if draw < 0.05:
            words = [word.lower() for word in words]
        elif draw < 0.11:
            words = [word.upper() for word in words]
        elif draw < 0.13:
            words = [word.capitalize() for word in words]
        return Sample(tuple(words), tuple(tags), sample.other, sample.source)

    def swapped(self, sample: Sample) -> Sample:
        """A varied sample in which other words of like case stand for some: only a teacher can label it."""
        rng = self.rng
        words = list(self.varied(sample).words)
        rate = rng.choice((0.1, 0.2, 0.3))
        for place, word in enumerate(words):
            often = rate if word.islower() else 1.5 * rate
            if len(word) > 1 and word.isalpha() and rng.random() < (0.2 if word in self._frequent else 1) * often:
                words[place] = rng.choice(self._like[_case(word)])
        return Sample(tuple(words), (0,) * len(words), source=SWAPPED)

    def made(self) -> Sample:
        """One to four made-up documents."""
        words: list[str] = []
        tags: list[int] = []
        for _ in range(self.rng.choice((1, 1, 2, 4))):
            draw = self.rng.random()
            text, spans = _joined(
                self._document() if draw < 0.3 else self._template() if draw < 0.8 else ["\n".join(self._lines())]
            )
            more, marks = tagged(text, spans)
            words += [*more, LINE]
            tags += [*marks, 0]
        drawn = Sample(tuple(words[:300]), tuple(tags[:300]), False, "made")
        draw = self.rng.random()
        if draw < 0.9:
            return drawn
        return replace(drawn, words=tuple(word.upper() if draw < 0.95 else word.lower() for word in drawn.words))

    def _lines(self) -> list[str]:
        """Lines of code that stand together."""
        at = self.rng.randrange(len(self._code))
        return self._code[at : at + self.rng.randint(1, 6)]

    def _template(self) -> list[Part]:
        rng = self.rng
        template = rng.choice(rng.choice(self._named)) if rng.random() < 0.75 else rng.choice(self._nameless)
        return self._invent.filled(template, self._address)

    def _renamed(self, words: Sequence[str], tags: Sequence[int]) -> tuple[list[str], list[int]]:
        out: list[str] = []
        marks: list[int] = []
        at = 0
        while at < len(words):
            first, end = tags[at], at + 1
            while first % 2 and end < len(words) and tags[end] == first + 1:
                end += 1
            fresh = self._other(words[at:end], first)
            out += fresh or words[at:end]
            marks += [first] + [first + 1] * (len(fresh) - 1) if fresh else tags[at:end]
            at = end
        return out, marks

    def _other(self, words: Sequence[str], tag: int) -> list[str]:
        """Words of another name of the same kind; none where the name is to stay."""
        rng = self.rng
        if not tag % 2 or not words[0][0].isupper() or not all(word.isalpha() for word in words):
            return []
        draw = rng.random()
        if tag == _PERSON and draw < 0.8:
            text = self._person(min(len(words), 3))
        elif tag == _LOCATION and draw < 0.5 and " ".join(words).lower() in self._towns:
            text = self._invent.city()
        elif tag == _ORGANIZATION and draw < 0.3:
            text = self._invent.organization()
        else:
            return []
        return [word for word in WORD.findall(text) if not word.isspace()]

    def _person(self, count: int) -> str:
        rng = self.rng
        (first, last), draw = self._invent.name(), rng.random()
        if count == 1:
            return first if draw < 0.5 else last
        if count == 2:
            if draw < 0.85:
                return f"{first} {last}"
            return f"{last}, {first}" if draw < 0.93 else f"{last.upper()}, {first}"
        middle = f"{rng.choice('ABCDEFGHJKLMNPRSTVW')}." if draw < 0.6 else self._invent.name()[0]
        return f"{first} {middle} {last}"

    def _document(self) -> list[Part]:
        rng = self.rng
        first, last = self._invent.name()
        person, other = (self._invent.person(), "PERSON"), (" ".join(self._invent.name()), "PERSON")
        city, firm = (self._invent.city(), "LOCATION"), (self._invent.organization(), "ORGANIZATION")
        mail, day, digits = self._invent.mail(), self._invent.day(), self._invent.digits
        address = (self._address(), "ADDRESS")
        makers: list[Callable[[], list[Part]]] = [
            lambda: [rng.choice(_FIELDS), rng.choice((": ", ":", " - ", "\t", "\n")), person, "\n",
                     rng.choice(("DOB", "Date of birth", "Phone", "SSN")), ": ", day, "\n"],
            lambda: [digits(5), ",", (first, "PERSON"), ",", (last, "PERSON"), ",", mail, ",", city, ",", day],
            lambda: [digits(5), rng.choice((",", "\t", "|", ";")), '"', person, '",', digits(9), ',"', address, '"'],
            lambda: ['{"id": ', digits(4), ', "', rng.choice(("name", "full_name", "customer", "owner")), '": "',
                     person, '", "email": "', mail, '", "city": "', city, '"}'],
            lambda: ['"first_name": "', (first, "PERSON"), '", "last_name": "', (last, "PERSON"), '"'],
            lambda: ["From: ", person, f" <{mail}>\nTo: ", other, "\nSubject: ", rng.choice(_SUBJECTS), "\n\n"],
            lambda: [rng.choice(("Dear", "Hi", "Hello", "Hey")), " ", rng.choice(("", "", "Mr. ", "Ms. ", "Dr. ")),
                     (rng.choice((first, last)), "PERSON"), ",\n"],
            lambda: [rng.choice(_CLOSINGS), ",\n", (rng.choice((first, f"{first} {last}")), "PERSON"), "\n", firm, "\n",
                     address, "\n"],
            lambda: [day, f" {digits(2)}:{digits(2)}:{digits(2)}", rng.choice(_LEVELS), rng.choice(_LOGGERS), ": ",
                     rng.choice(("Login succeeded for user ", "Created account for ", "User ")), person,
                     rng.choice((" from 10.0.0.", " ip=192.168.1.")), digits(2)],
            lambda: [day, f"T{digits(2)}:{digits(2)}:{digits(2)}Z", rng.choice(_LEVELS), rng.choice(_EVENTS),
                     digits(3)],
            lambda: ["\n".join(rng.sample(self._code, min(3, len(self._code))))],
            lambda: [rng.choice(self._code)],
            lambda: ["Ship to: ", person, "\n", address, "\n"],
            lambda: ["Address: ", address, "\nCity: ", city, "\n"],
            lambda: ["I live at ", address, rng.choice((".", " and work nearby.", ", close to the station."))],
            lambda: [person, rng.choice(("\t", " | ", "; ", " - ")), rng.choice(_ROLES),
                     rng.choice((", ", " | ")), firm],
            lambda: [rng.choice(_EMPTY).replace("#", digits(6))],
            lambda: ["<", rng.choice(("name", "Customer", "author")), ">", person, "</name>\n<city>", city, "</city>"],
            lambda: ["my name is ", person, rng.choice((" and i live in ", ", from ", " in ")), city],
            lambda: [person, ", ", other, rng.choice((" and ", ", ", " & ")), (" ".join(self._invent.name()), "PERSON"),
                     rng.choice((" attended.", " were present.", "\n"))],
            lambda: ["assigned to ", person, " by ", other, " (", firm, ")"],
            lambda: [rng.choice(("Patient ", "Client ", "Employee ", "Passenger ", "Plaintiff ")), person,
                     rng.choice((" was admitted on ", " was born on ", " (DOB ", ", hired ")), day, " in ", city, "."],
        ]  # fmt: skip
        return rng.choice(makers)()

    def _address(self) -> str:
        rng = self.rng
        if self._addresses and rng.random() < 0.4:
            return rng.choice(self._addresses)
        digits = self._invent.digits
        form = rng.choice(_ADDRESSES)
        filled = re.sub(r"\{([^{}]*\|[^{}]*)\}", lambda found: rng.choice(found[1].split("|")), form)
        filled = filled.replace("NAME", self._invent.name()[1]).replace("CITY", self._invent.city())
        filled = filled.replace("HOUSE", str(rng.randint(1, 300)))
        return re.sub("9+", lambda found: digits(len(found[0])), filled).replace("@", rng.choice("ABDEFGHJLNPRST"))


_ADDRESSES = (
    "HOUSE NAME {Street|St|Road|Rd|Avenue|Ave|Lane|Drive|Way|Blvd|Court}, CITY 99999",
    "HOUSE {N|S|E|W} NAME {St|Ave|Blvd|Dr}, {Apt|Suite|Unit} 99, CITY, {CA|NY|TX|FL|WA} 99999",
    "HOUSE NAME {Road|Close|Terrace|Gardens|Crescent}, CITY @9 9@@",
    "Flat 99, HOUSE NAME {Road|House|Lane}, CITY @@9 9@@",
    "HOUSE NAME {Street|Avenue|Drive}, CITY {ON|QC|BC|AB} @9@ 9@9",
    "HOUSE NAME {Street|Road|Parade}, CITY {NSW|VIC|QLD} 9999",
    "NAME{straße|str.|weg|gasse|platz|allee} HOUSE, 99999 CITY",
    "NAME{strasse|weg|gasse} HOUSE, {CH-|A-|}9999 CITY",
    "HOUSE {rue|avenue|boulevard|place|chemin} {de |du |des |}NAME, 99999 CITY",
    "{Calle|C/|Avenida|Plaza|Paseo} NAME HOUSE, 9º @, 99999 CITY",
    "{Via|Viale|Piazza|Corso} NAME HOUSE, 99999 CITY",
    "{Rua|Avenida|Travessa|Praça} NAME, HOUSE, 99999-999 CITY",
    "{Rua|Avenida} NAME HOUSE, 9999-999 CITY",
    "NAME{straat|laan|weg|gracht|plein} HOUSE, 9999 @@ CITY",
    "{ul.|al.|pl.} NAME HOUSE/99, 99-999 CITY",
)
"""Shapes of the street addresses of fourteen countries: alternatives in braces, 9 a digit, @ a letter."""
_FIELDS = ("Name", "Full Name", "Patient Name", "Customer", "Employee", "Contact", "Attn", "Applicant", "Cardholder",
           "NAME", "name", "Insured", "Account holder", "Doctor", "Signed", "Tenant", "Beneficiary")  # fmt: skip
_SUBJECTS = ("Re: invoice", "Meeting notes", "Q3 numbers", "your order", "Fwd: contract", "Holiday request")
_CLOSINGS = ("Best regards", "Thanks", "Sincerely", "Cheers", "Kind regards", "Yours faithfully")
_LEVELS = (" INFO ", " WARN ", " ERROR ", " DEBUG ")
_LOGGERS = (
    "[main] com.acme.auth.LoginService",
    "[worker-3] app.views",
    "[http-nio-8080-exec-1] UserController",
    "kernel",
)
_EVENTS = ("Starting HTTP server on port ", "Connection reset by peer, retry ", "GET /api/v1/users/",
           "Cache miss for key ", "Finished job Backup in ", "Failed to load module Config ", "Thread Pool size ",
           "Loaded Plugin Manager v",
           "Session opened for root uid=", "Received Block blk_", "Scheduler Daemon heartbeat ",
           "Mounted Volume Data ")  # fmt: skip
_ROLES = ("Manager", "Sales Director", "Engineer", "Chief Executive Officer", "Analyst", "HR", "Head of Research")
_EMPTY = (
    "id,first_name,last_name,email,city,date_of_birth", "Order ID\tProduct Name\tUnit Price\tQuantity\tTotal",
    "Invoice Number: #\nDue Date: 2024-01-31", "Terms and Conditions\nPrivacy Policy\nContact Us",
    "Table of Contents\nIntroduction\nChapter #", "Product Name,Category,Price\nWidget Pro,Garden,9.99",
    "Username: admin\nPassword: #", "Credit Card Number: #", "Total Amount Due: $#.00",
    "Status: Active\nPriority: High\nOwner: unassigned", "Licensed under the Apache License, Version 2.0",
    "Permission is hereby granted, free of charge, to any person obtaining a copy", "Monday Tuesday Wednesday Thursday",
    "Release Notes Version #", "Error Code: #", "Access Denied", "Page Not Found", "Click Here To Continue",
)  # fmt: skip


def _case(word: str) -> int:
    return 0 if word.islower() else 2 if word.isupper() else 1


def _runs(sample: Sample, first: int) -> list[list[str]]:
    runs: list[list[str]] = []
    for word, tag in zip(sample.words, sample.tags, strict=True):
        if tag == first:
            runs.append([word])
        elif tag == first + 1 and runs:
            runs[-1].append(word)
    return runs


def _joined(parts: Sequence[Part]) -> tuple[str, list[list[object]]]:
    text, spans = "", list[list[object]]()
    for part in parts:
        if isinstance(part, tuple):
            spans.append([len(text), len(text) + len(part[0]), part[1]])
            text += part[0]
        else:
            text += part
    return text, spans


def _code() -> list[str]:
    """Lines of Python's own library without comments and without what looks like a name."""
    folder = Path(sys.modules["os"].__file__ or "").parent
    lines = []
    for path in sorted(folder.glob("*.py")) + sorted(folder.glob("*/*.py")):
        if {"test", "site-packages", "idlelib"} & set(path.parts) or len(lines) > 60_000:
            continue
        for line in path.read_text(encoding="utf-8", errors="ignore").splitlines():
            if (
                line.strip()
                and "#" not in line
                and '"""' not in line
                and not re.search("[A-Z][a-z]+ [A-Z][a-z]+", line)
            ):
                lines.append(line)
    return lines
