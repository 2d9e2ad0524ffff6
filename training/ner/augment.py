"""More text than there is: other people's names in labelled sentences, other cases, and documents that are made up."""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

from piiscan.ner.words import LINE, WORD
from training.ner.data import Sample, begin, tagged
from training.ner.lexicon import Lexicon

_PERSON = begin("PERSON")
Part = str | tuple[str, str]
"""Text, or text with its label."""


class Augmenter:
    """Draws from one generator, so that a seed gives the same texts."""

    def __init__(self, lexicon: Lexicon, samples: Sequence[Sample], rng: Random) -> None:
        self.rng = rng
        self._people = lexicon.people
        self._origins = list(lexicon.people)
        self._cities = lexicon.cities
        self._addresses = [" ".join(s.words) for s in samples if s.source == "usaddress"]
        self._organizations = sorted(
            {
                " ".join(run)
                for s in samples
                if s.source in ("wikigold", "multiner_gov", "gmb_texts_by_en_core_web_md")
                for run in _runs(s, begin("ORGANIZATION"))
                if 0 < len(run) < 7 and all(w.isalpha() for w in run)
            }
        )
        self._code = _code()

    def varied(self, sample: Sample) -> Sample:
        """The sample with other names or in another case, or as it is."""
        words, tags = list(sample.words), list(sample.tags)
        rng = self.rng
        if _PERSON in tags and rng.random() < 0.4:
            words, tags = self._renamed(words, tags)
        draw = rng.random()
        if draw < 0.06:
            words = [word.lower() for word in words]
        elif draw < 0.12:
            words = [word.upper() for word in words]
        elif draw < 0.14:
            words = [word.capitalize() for word in words]
        return Sample(tuple(words), tuple(tags), sample.other, sample.source)

    def made(self) -> Sample:
        """One to four made-up documents."""
        words: list[str] = []
        tags: list[int] = []
        for _ in range(self.rng.choice((1, 1, 2, 4))):
            text, spans = _joined(self._document())
            more, marks = tagged(text, spans)
            words += [*more, LINE]
            tags += [*marks, 0]
        return Sample(tuple(words[:300]), tuple(tags[:300]), source="made")

    def name(self) -> tuple[str, str]:
        """A first and a last name of one origin."""
        origin = "census" if self.rng.random() < 0.35 else self.rng.choice(self._origins)
        first, last = self._people[origin]
        return self.rng.choice(first), self.rng.choice(last)

    def _renamed(self, words: Sequence[str], tags: Sequence[int]) -> tuple[list[str], list[int]]:
        out: list[str] = []
        marks: list[int] = []
        at = 0
        while at < len(words):
            end = at + 1
            if tags[at] == _PERSON:
                while end < len(words) and tags[end] == _PERSON + 1:
                    end += 1
                if words[at][0].isupper() and all(w.isalpha() for w in words[at:end]) and self.rng.random() < 0.8:
                    fresh = self._words_of_name(min(end - at, 3))
                    out += fresh
                    marks += [_PERSON] + [_PERSON + 1] * (len(fresh) - 1)
                    at = end
                    continue
            out += words[at:end]
            marks += tags[at:end]
            at = end
        return out, marks

    def _words_of_name(self, count: int) -> list[str]:
        rng = self.rng
        (first, last), draw = self.name(), self.rng.random()
        if count == 1:
            text = first if draw < 0.5 else last
        elif count == 2:
            text = (
                f"{first} {last}" if draw < 0.85 else f"{last}, {first}" if draw < 0.93 else f"{last.upper()}, {first}"
            )
        else:
            text = (
                f"{first} {rng.choice('ABCDEFGHJKLMNPRSTVW')}. {last}"
                if draw < 0.6
                else f"{first} {self.name()[0]} {last}"
            )
        return [word for word in WORD.findall(text) if not word.isspace()]

    def _document(self) -> list[Part]:
        rng = self.rng
        first, last = self.name()
        forms = [f"{first} {last}"] * 7 + [
            f"{last}, {first}", f"{last.upper()}, {first.upper()}", f"{first.upper()} {last.upper()}",
            f"{first.lower()} {last.lower()}", f"{first[0]}. {last}", f"{last} {first}",
            f"{first} {rng.choice('ABCDEFGHJKLM')}. {last}",
        ]  # fmt: skip
        person, other = (rng.choice(forms), "PERSON"), (" ".join(self.name()), "PERSON")
        mail = f"{_ascii(first)[: rng.choice((1, 20))]}{rng.choice('._')}{_ascii(last)}@{rng.choice(_DOMAINS)}"
        city, firm = (rng.choice(self._cities), "LOCATION"), (rng.choice(self._organizations), "ORGANIZATION")
        address = (self._address(), "ADDRESS")
        day = f"{rng.randint(1950, 2024)}-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}"
        digits = self._digits
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
            lambda: [person, ", ", other, rng.choice((" and ", ", ", " & ")), (" ".join(self.name()), "PERSON"),
                     rng.choice((" attended.", " were present.", "\n"))],
            lambda: ["assigned to ", person, " by ", other, " (", firm, ")"],
            lambda: [rng.choice(("Patient ", "Client ", "Employee ", "Passenger ", "Plaintiff ")), person,
                     rng.choice((" was admitted on ", " was born on ", " (DOB ", ", hired ")), day, " in ", city, "."],
        ]  # fmt: skip
        return rng.choice(makers)()

    def _digits(self, count: int) -> str:
        return "".join(self.rng.choice("0123456789") for _ in range(count))

    def _address(self) -> str:
        rng = self.rng
        if self._addresses and rng.random() < 0.4:
            return rng.choice(self._addresses)
        digits = self._digits
        form = rng.choice(_ADDRESSES)
        filled = re.sub(r"\{([^{}]*\|[^{}]*)\}", lambda found: rng.choice(found[1].split("|")), form)
        filled = filled.replace("NAME", self.name()[1]).replace("CITY", rng.choice(self._cities))
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
_DOMAINS = ("example.com", "example.org", "mail.example.net", "corp.example.com")
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


def _ascii(name: str) -> str:
    return re.sub(r"\W", "", unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()) or "x"


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
