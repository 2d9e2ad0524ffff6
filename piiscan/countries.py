"""Packs that are no file: a country's rules are a folder, so its two letters name a pack, and `eu` 27 of them.

What every country's pack holds besides (cards, mail addresses, telephone numbers, SEPA accounts) is the pack
`country`, which is a file like any other.
"""

from __future__ import annotations

from pathlib import Path

MEMBERS = (
    "at", "be", "bg", "cy", "cz", "de", "dk", "ee", "es", "fi", "fr", "gr", "hr", "hu",
    "ie", "it", "lt", "lu", "lv", "mt", "nl", "pl", "pt", "ro", "se", "si", "sk",
)  # fmt: skip
"""The member states of the European Union, by ISO 3166-1.

Source: https://european-union.europa.eu/principles-countries-history/eu-countries_en
"""

COMMON = "country"
"""The pack that each country's takes in."""

_FOLDERS = {"gb": "uk"}
"""Countries whose folder is not called by ISO 3166-1."""
_MORE = {"us": ("generic.phone_us",), "ca": ("generic.phone_us",)} | dict.fromkeys(MEMBERS, ("eu.*",))
"""Rules elsewhere that are a country's, too."""


def names(root: Path) -> tuple[str, ...]:
    """The packs of countries and `eu` that a catalogue has, in order: those with a folder of rules or an IBAN."""
    folders = {folder.name for folder in (root / "rules").glob("[a-z][a-z]") if folder.is_dir()}
    accounts = {file.stem for file in (root / "rules" / "iban").glob("[a-z][a-z].toml")}
    aliases = {name for name, folder in _FOLDERS.items() if folder in folders}
    return tuple(sorted(folders | accounts | aliases))


def globs(name: str, root: Path) -> tuple[str, ...]:
    """What chooses the rules of a country or of `eu`, without the common ones; empty for a name that is neither.

    Each glob reaches a rule of the catalogue below `root`.
    """
    rules = root / "rules"
    wanted: list[str] = []
    for country in MEMBERS if name == "eu" else (name,):
        if len(country) != 2 or not country.isascii() or not country.islower():
            continue
        folder = _FOLDERS.get(country, country)
        code = next((code for code, other in _FOLDERS.items() if other == country), country)
        own = [f"{folder}.*"] if any((rules / folder).glob("*.toml")) else []
        own += [f"iban.{code}"] if (rules / "iban" / f"{code}.toml").is_file() else []
        wanted += [*own, *_MORE.get(country, ())] if own else []
    return tuple(dict.fromkeys(wanted))
