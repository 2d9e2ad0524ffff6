"""`python -m tools.macie_page [--check]`: writes the table of Macie's managed identifiers in docs/from-macie.md.

Which rules answer for an identifier is what the rule files say (`macie`). The identifiers themselves stand below, so
that one without a rule would be seen. `--check` only says whether the page differs.

Source: Amazon Macie User Guide, "Quick reference: Macie managed data identifiers by type", as of November 2026.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

from piiscan import catalogue
from piiscan.classify.ner import RULES as NAMES

PAGE = Path(__file__).resolve().parents[1] / "docs" / "from-macie.md"
MARKS = ("<!-- identifiers: written by tools/macie_page.py -->", "<!-- /identifiers -->")
IDENTIFIERS: Mapping[str, str] = {
    "CREDENTIALS": """
        AWS_CREDENTIALS GCP_API_KEY HTTP_BASIC_AUTH_HEADER JSON_WEB_TOKEN OPENSSH_PRIVATE_KEY PGP_PRIVATE_KEY
        PKCS PUTTY_PRIVATE_KEY STRIPE_CREDENTIALS
    """,
    "FINANCIAL_INFORMATION": """
        ALBANIA_BANK_ACCOUNT_NUMBER ANDORRA_BANK_ACCOUNT_NUMBER BANK_ACCOUNT_NUMBER
        BOSNIA_AND_HERZEGOVINA_BANK_ACCOUNT_NUMBER BRAZIL_BANK_ACCOUNT_NUMBER BULGARIA_BANK_ACCOUNT_NUMBER
        COSTA_RICA_BANK_ACCOUNT_NUMBER CREDIT_CARD_EXPIRATION CREDIT_CARD_MAGNETIC_STRIPE CREDIT_CARD_NUMBER
        CREDIT_CARD_NUMBER_(NO_KEYWORD) CREDIT_CARD_SECURITY_CODE CROATIA_BANK_ACCOUNT_NUMBER
        CYPRUS_BANK_ACCOUNT_NUMBER CZECH_REPUBLIC_BANK_ACCOUNT_NUMBER DENMARK_BANK_ACCOUNT_NUMBER
        DOMINICAN_REPUBLIC_BANK_ACCOUNT_NUMBER EGYPT_BANK_ACCOUNT_NUMBER ESTONIA_BANK_ACCOUNT_NUMBER
        FAROE_ISLANDS_BANK_ACCOUNT_NUMBER FINLAND_BANK_ACCOUNT_NUMBER FRANCE_BANK_ACCOUNT_NUMBER
        GEORGIA_BANK_ACCOUNT_NUMBER GERMANY_BANK_ACCOUNT_NUMBER GREECE_BANK_ACCOUNT_NUMBER
        GREENLAND_BANK_ACCOUNT_NUMBER HUNGARY_BANK_ACCOUNT_NUMBER ICELAND_BANK_ACCOUNT_NUMBER
        IRELAND_BANK_ACCOUNT_NUMBER ITALY_BANK_ACCOUNT_NUMBER JORDAN_BANK_ACCOUNT_NUMBER
        KOSOVO_BANK_ACCOUNT_NUMBER LIECHTENSTEIN_BANK_ACCOUNT_NUMBER LITHUANIA_BANK_ACCOUNT_NUMBER
        MALTA_BANK_ACCOUNT_NUMBER MAURITANIA_BANK_ACCOUNT_NUMBER MAURITIUS_BANK_ACCOUNT_NUMBER
        MONACO_BANK_ACCOUNT_NUMBER MONTENEGRO_BANK_ACCOUNT_NUMBER NETHERLANDS_BANK_ACCOUNT_NUMBER
        NORTH_MACEDONIA_BANK_ACCOUNT_NUMBER POLAND_BANK_ACCOUNT_NUMBER PORTUGAL_BANK_ACCOUNT_NUMBER
        SAN_MARINO_BANK_ACCOUNT_NUMBER SENEGAL_BANK_ACCOUNT_NUMBER SERBIA_BANK_ACCOUNT_NUMBER
        SLOVAKIA_BANK_ACCOUNT_NUMBER SLOVENIA_BANK_ACCOUNT_NUMBER SPAIN_BANK_ACCOUNT_NUMBER
        SWEDEN_BANK_ACCOUNT_NUMBER SWITZERLAND_BANK_ACCOUNT_NUMBER TIMOR_LESTE_BANK_ACCOUNT_NUMBER
        TUNISIA_BANK_ACCOUNT_NUMBER TURKIYE_BANK_ACCOUNT_NUMBER UKRAINE_BANK_ACCOUNT_NUMBER
        UK_BANK_ACCOUNT_NUMBER UNITED_ARAB_EMIRATES_BANK_ACCOUNT_NUMBER VIRGIN_ISLANDS_BANK_ACCOUNT_NUMBER
    """,
    "PHI": """
        CANADA_HEALTH_NUMBER EUROPEAN_HEALTH_INSURANCE_CARD_NUMBER FINLAND_EUROPEAN_HEALTH_INSURANCE_NUMBER
        FRANCE_HEALTH_INSURANCE_NUMBER MEDICAL_DEVICE_UDI UK_NHS_NUMBER USA_HEALTHCARE_PROCEDURE_CODE
        USA_HEALTH_INSURANCE_CLAIM_NUMBER USA_MEDICARE_BENEFICIARY_IDENTIFIER USA_NATIONAL_DRUG_CODE
        USA_NATIONAL_PROVIDER_IDENTIFIER US_DRUG_ENFORCEMENT_AGENCY_NUMBER
    """,
    "PII": """
        ADDRESS ARGENTINA_DNI_NUMBER ARGENTINA_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER
        ARGENTINA_ORGANIZATION_TAX_IDENTIFICATION_NUMBER ARGENTINA_TARJETA_SUBE AUSTRALIA_DRIVERS_LICENSE
        AUSTRALIA_TAX_FILE_NUMBER AUSTRIA_DRIVERS_LICENSE BELGIUM_DRIVERS_LICENSE BRAZIL_CEP_CODE
        BRAZIL_CNPJ_NUMBER BRAZIL_CPF_NUMBER BRAZIL_PHONE_NUMBER BRAZIL_RG_NUMBER BULGARIA_DRIVERS_LICENSE
        CANADA_DRIVERS_LICENSE CANADA_NATIONAL_IDENTIFICATION_NUMBER CANADA_PASSPORT_NUMBER
        CANADA_SOCIAL_INSURANCE_NUMBER CHILE_RUT_NUMBER COLOMBIA_CITIZENSHIP_CARD_NUMBER
        COLOMBIA_INDIVIDUAL_NIT_NUMBER COLOMBIA_ORGANIZATION_NIT_NUMBER CROATIA_DRIVERS_LICENSE
        CYPRUS_DRIVERS_LICENSE CZECHIA_DRIVERS_LICENSE DATE_OF_BIRTH DENMARK_DRIVERS_LICENSE DRIVERS_LICENSE
        ESTONIA_DRIVERS_LICENSE FINLAND_DRIVERS_LICENSE FRANCE_DRIVERS_LICENSE
        FRANCE_NATIONAL_IDENTIFICATION_NUMBER FRANCE_PASSPORT_NUMBER FRANCE_PHONE_NUMBER
        FRANCE_TAX_IDENTIFICATION_NUMBER GERMANY_DRIVERS_LICENSE GERMANY_NATIONAL_IDENTIFICATION_NUMBER
        GERMANY_PASSPORT_NUMBER GERMANY_PHONE_NUMBER GERMANY_TAX_IDENTIFICATION_NUMBER GREECE_DRIVERS_LICENSE
        HTTP_COOKIE HUNGARY_DRIVERS_LICENSE INDIA_AADHAAR_NUMBER INDIA_DRIVERS_LICENSE
        INDIA_PERMANENT_ACCOUNT_NUMBER IRELAND_DRIVERS_LICENSE ITALY_DRIVERS_LICENSE
        ITALY_NATIONAL_IDENTIFICATION_NUMBER ITALY_PASSPORT_NUMBER ITALY_PHONE_NUMBER LATITUDE_LONGITUDE
        LATVIA_DRIVERS_LICENSE LITHUANIA_DRIVERS_LICENSE LUXEMBOURG_DRIVERS_LICENSE MALTA_DRIVERS_LICENSE
        MEXICO_CURP_NUMBER MEXICO_INDIVIDUAL_RFC_NUMBER MEXICO_ORGANIZATION_RFC_NUMBER NAME
        NETHERLANDS_DRIVERS_LICENSE PHONE_NUMBER POLAND_DRIVERS_LICENSE PORTUGAL_DRIVERS_LICENSE
        ROMANIA_DRIVERS_LICENSE SLOVAKIA_DRIVERS_LICENSE SLOVENIA_DRIVERS_LICENSE SPAIN_DNI_NUMBER
        SPAIN_DRIVERS_LICENSE SPAIN_NIE_NUMBER SPAIN_NIF_NUMBER SPAIN_PASSPORT_NUMBER SPAIN_PHONE_NUMBER
        SPAIN_SOCIAL_SECURITY_NUMBER SPAIN_TAX_IDENTIFICATION_NUMBER SWEDEN_DRIVERS_LICENSE UK_DRIVERS_LICENSE
        UK_ELECTORAL_ROLL_NUMBER UK_NATIONAL_INSURANCE_NUMBER UK_PASSPORT_NUMBER UK_PHONE_NUMBER
        UK_TAX_IDENTIFICATION_NUMBER USA_INDIVIDUAL_TAX_IDENTIFICATION_NUMBER USA_PASSPORT_NUMBER
        USA_SOCIAL_SECURITY_NUMBER VEHICLE_IDENTIFICATION_NUMBER
    """,
}
"""Macie's identifiers by kind."""
TITLES = {
    "CREDENTIALS": "Credentials",
    "FINANCIAL_INFORMATION": "Financial information",
    "PHI": "Personal information: health",
    "PII": "Personal information",
}


def rules() -> dict[str, list[str]]:
    """The rules that answer for each identifier; those of the recogniser of names as `ner`."""
    out: dict[str, list[str]] = defaultdict(list)
    for rule in catalogue.load_rules():
        if rule.macie:
            out[rule.macie].append(str(rule.id))
    for rule in NAMES:
        if rule.macie:
            out[rule.macie].append(f"{rule.id} (recogniser of names)")
    return dict(out)


def _rows(found: Mapping[str, list[str]]) -> Iterator[str]:
    every = catalogue.load_rules()
    default = {str(rule.id) for rule in catalogue.select(every, [catalogue.load_pack("default")])}
    wanted = {rule.macie for rule in catalogue.select(every, [catalogue.load_pack("macie-recommended")])}
    for kind, names in IDENTIFIERS.items():
        yield f"\n**{TITLES[kind]}**\n"
        yield "| Macie | | here |"
        yield "|---|---|---|"
        for name in names.split():
            shown = [_shown(rule, default) for rule in found.get(name, ())]
            yield f"| `{name}` | {'★' if name in wanted else ''} | {', '.join(shown) or 'none'} |"


def _shown(rule: str, default: set[str]) -> str:
    identifier, _, more = rule.partition(" ")
    if more:
        return f"`{identifier}` {more}"
    return f"`{identifier}`" + ("" if identifier in default else " (not in the pack `default`)")


def table() -> str:
    """The tables, with how many identifiers have a rule."""
    names = [name for some in IDENTIFIERS.values() for name in some.split()]
    found = rules()
    without = [f"`{name}`" for name in names if name not in found]
    told = f"without one: {', '.join(without)}." if without else "none is without one."
    head = f"{len(names) - len(without)} of {len(names)} have a rule or more here; {told}"
    return "\n".join([f"{head} ★: in the set that Macie recommends.", *_rows(found)])


def page() -> str:
    """The whole page with the tables of today."""
    before, _, rest = PAGE.read_text("utf-8").partition(MARKS[0])
    _, _, after = rest.partition(MARKS[1])
    return f"{before}{MARKS[0]}\n{table()}\n{MARKS[1]}{after}"


def main(check: bool) -> int:
    """Writes the page, or with `check` says that it differs; the exit status."""
    wanted = page()
    if PAGE.read_text("utf-8") == wanted:
        return 0
    if check:
        print(f"{PAGE.name}: not as tools/macie_page.py writes it")
    else:
        PAGE.write_text(wanted, "utf-8")
    return 1 if check else 0


if __name__ == "__main__":
    raise SystemExit(main("--check" in sys.argv[1:]))
