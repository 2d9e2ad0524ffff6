"""Writes classifiers/rules/iban/<cc>.toml, one rule a country, from the table in `piiscan/classify/iban.py`.

Run `python tools/iban_rules.py` after a change to the table; `--check` only says which files differ (a test runs it).
The account numbers of the examples are made up from a fixed seed and hold their check digits.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from piiscan.classify import iban

FOLDER = Path(__file__).resolve().parent.parent / "classifiers" / "rules" / "iban"

NAMES = {
    "AD": "Andorra", "AE": "United Arab Emirates", "AL": "Albania", "AT": "Austria", "AZ": "Azerbaijan",
    "BA": "Bosnia and Herzegovina", "BE": "Belgium", "BG": "Bulgaria", "BH": "Bahrain", "BI": "Burundi", "BR": "Brazil",
    "BY": "Belarus", "CH": "Switzerland", "CR": "Costa Rica", "CY": "Cyprus", "CZ": "Czech Republic", "DE": "Germany",
    "DJ": "Djibouti", "DK": "Denmark", "DO": "Dominican Republic", "EE": "Estonia", "EG": "Egypt", "ES": "Spain",
    "FI": "Finland", "FK": "Falkland Islands", "FO": "Faroe Islands", "FR": "France", "GB": "United Kingdom",
    "GE": "Georgia", "GI": "Gibraltar", "GL": "Greenland", "GR": "Greece", "GT": "Guatemala", "HN": "Honduras",
    "HR": "Croatia", "HU": "Hungary", "IE": "Ireland", "IL": "Israel", "IQ": "Iraq", "IS": "Iceland", "IT": "Italy",
    "JO": "Jordan", "KW": "Kuwait", "KZ": "Kazakhstan", "LB": "Lebanon", "LC": "Saint Lucia", "LI": "Liechtenstein",
    "LT": "Lithuania", "LU": "Luxembourg", "LV": "Latvia", "LY": "Libya", "MC": "Monaco", "MD": "Moldova",
    "ME": "Montenegro", "MK": "North Macedonia", "MN": "Mongolia", "MR": "Mauritania", "MT": "Malta", "MU": "Mauritius",
    "NI": "Nicaragua", "NL": "Netherlands", "NO": "Norway", "OM": "Oman", "PK": "Pakistan", "PL": "Poland",
    "PS": "Palestine", "PT": "Portugal", "QA": "Qatar", "RO": "Romania", "RS": "Serbia", "RU": "Russia",
    "SA": "Saudi Arabia", "SC": "Seychelles", "SD": "Sudan", "SE": "Sweden", "SI": "Slovenia", "SK": "Slovakia",
    "SM": "San Marino", "SN": "Senegal", "SO": "Somalia", "ST": "Sao Tome and Principe", "SV": "El Salvador",
    "TL": "Timor-Leste", "TN": "Tunisia", "TR": "Turkiye", "UA": "Ukraine", "VA": "Vatican City",
    "VG": "British Virgin Islands", "XK": "Kosovo", "YE": "Yemen", "AO": "Angola", "BF": "Burkina Faso", "BJ": "Benin",
    "CF": "Central African Republic", "CG": "Congo", "CI": "Ivory Coast", "CM": "Cameroon", "CV": "Cabo Verde",
    "DZ": "Algeria", "GA": "Gabon", "GQ": "Equatorial Guinea", "GW": "Guinea-Bissau", "IR": "Iran", "KM": "Comoros",
    "MA": "Morocco", "MG": "Madagascar", "ML": "Mali", "MZ": "Mozambique", "NE": "Niger", "TD": "Chad", "TG": "Togo",
}  # fmt: skip

MACIE = frozenset((
    "AD", "AE", "AL", "BA", "BG", "BR", "CH", "CR", "CY", "CZ", "DE", "DK", "DO", "EE", "EG", "ES", "FI", "FO",
    "FR", "GB", "GE", "GL", "GR", "HR", "HU", "IE", "IS", "IT", "JO", "LI", "LT", "MC", "ME", "MK", "MR", "MT",
    "MU", "NL", "PL", "PT", "RS", "SE", "SI", "SK", "SM", "SN", "TL", "TN", "TR", "UA", "VG", "XK",
))  # fmt: skip
"""Countries for which Macie has a managed identifier."""

_MACIE_NAMES = {"GB": "UK", "VG": "VIRGIN_ISLANDS", "TL": "TIMOR_LESTE"}

KEYWORDS = ("iban", "account number", "account no", "bank account", "bban", "account code", "accountno#",
            "accountnumber#", "customer account id", "customer account number", "customer bank account id")  # fmt: skip
LOCAL = {
    "FR": ("code bancaire", "compte bancaire", "numéro de compte", "rib"),
    "DE": ("bankleitzahl", "geheimzahl", "kartennummer", "kontonummer", "kreditkartennummer", "sepa", "bankverbindung"),
    "IT": ("codice bancario", "conto bancario", "numero di conto", "conto corrente"),
    "ES": ("código cuenta", "código cuenta bancaria", "cuenta cliente id", "número cuenta bancaria cliente",
           "número cuenta cliente", "cuenta bancaria"),
    "GB": ("sepa",),
    "AT": ("kontonummer", "bankverbindung"),
    "BE": ("rekeningnummer", "numéro de compte"),
    "CH": ("kontonummer", "numéro de compte", "numero di conto"),
    "NL": ("rekeningnummer", "bankrekening"),
    "PL": ("numer konta", "rachunek"),
    "PT": ("número de conta", "conta bancária"),
    "SE": ("kontonummer", "bankkonto"),
    "DK": ("kontonummer",),
    "NO": ("kontonummer",),
    "FI": ("tilinumero",),
    "TR": ("hesap numarası",),
}  # fmt: skip


_WORDS = frozenset(("AD", "AL", "AT", "BE", "DE", "ES", "IS", "IT", "LA", "ME", "NO", "SE", "SI", "SO"))
"""Countries whose code is a word in small letters; theirs must be capitals."""


def macie_name(country: str) -> str:
    """The managed identifier of a country's accounts."""
    name = _MACIE_NAMES.get(country) or NAMES[country].upper().replace(" ", "_")
    return f"{name}_BANK_ACCOUNT_NUMBER"


def made_up(country: str, source: random.Random) -> str:
    """An IBAN of the country's structure with right check digits, behind which no account stands."""
    alphabets = {"n": "0123456789", "a": "ABCDEFGHJKLMNPQRSTUVWXYZ", "c": "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"}
    bban = "".join(source.choice(alphabets[kind]) for kind in iban.positions(country))
    return country + iban.check_digits(country, bban) + bban


def rule(country: str) -> str:
    """The text of one country's rule file."""
    source = random.Random(f"iban {country}")
    first, second = made_up(country, source), made_up(country, source)
    spaced = " ".join(second[i : i + 4] for i in range(0, len(second), 4))
    broken = first[:2] + f"{(int(first[2:4]) - 2 + 1) % 97 + 2:02d}" + first[4:]
    words = ", ".join(f'"{word}"' for word in (*KEYWORDS, *LOCAL.get(country, ())))
    wrapped = "[\n" + "\n".join(_wrapped(words)) + "\n]"
    case = "" if country in _WORDS else "ignore_case = true\n"
    macie = f'macie    = "{macie_name(country)}"\n' if country in MACIE else ""
    return f'''# Written by tools/iban_rules.py from the structures in piiscan/classify/iban.py.
id       = "iban.{country.lower()}"
name     = "Bank account of {NAMES[country]} (IBAN)"
category = "financial"
{macie}tags     = ["gdpr", "iban"]
summary  = """
{iban.LENGTHS[country]} characters that begin with {country} and two check digits, in the structure of the country.
"""
references = ["https://www.swift.com/standards/data-standards/iban-international-bank-account-number"]

[severity]
steps = {{ 1 = "high" }}

[match]
before  = '[^\\w+-]'
pattern = '{iban.pattern(country)}'
after   = '[^\\w-]'
{case}shape   = "iban"

[checksum]
kind = "mod97"

[context]
keywords = {wrapped}
columns  = ["iban", "bank_account", "account_iban", "iban_number", "iban_code"]

[confidence]
match    = 0.10
checksum = 0.90
context  = 0.97
column   = 0.98

[mask]
keep_start = 2
keep_end = 4

[[example]]
text = "IBAN: {first}"
find = ["{first}"]
confidence = 0.97

[[example]]
text = "pay {spaced} by Friday"
find = ["{spaced}"]
confidence = 0.90

[[negative]]
text    = "IBAN: {broken}"
stopped = "checksum"
why     = "the check digits are {first[2:4]}"

[[negative]]
text    = "IBAN: {first}7"
stopped = "match"
why     = "longer than an account of this country"
'''


def _wrapped(words: str) -> list[str]:
    lines, line = [], "   "
    for word in words.split(", "):
        if len(line) + len(word) > 110:
            lines.append(line)
            line = "   "
        line += f" {word},"
    return [*lines, line]


def main(check: bool) -> int:
    """Writes the files, or with `check` names those that differ; the exit status."""
    wanted = {FOLDER / f"{country.lower()}.toml": rule(country) for country in sorted(iban.STRUCTURES)}
    differ = [path for path, text in wanted.items() if not path.is_file() or path.read_text("utf-8") != text]
    strange = sorted(set(FOLDER.glob("*.toml")) - set(wanted))
    if check:
        for path in differ + strange:
            print(f"{path.name}: not as tools/iban_rules.py writes it")
        return 1 if differ or strange else 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path in differ:
        path.write_text(wanted[path], "utf-8")
    for path in strange:
        path.unlink()
    return 0


if __name__ == "__main__":
    raise SystemExit(main("--check" in sys.argv[1:]))
