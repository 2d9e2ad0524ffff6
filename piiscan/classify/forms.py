"""Addresses of forms: lines that say what they hold ("Street: ... City: ... ZIP: ..."), in any order.

Labels are known in the languages of `places.COUNTRIES`; what stands behind a label must look like it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from piiscan.classify.lazy import Pattern
from piiscan.classify.places import longest

_LABELS = {
    "street": (
        r"(?:(?:home|street|postal|mailing|billing|shipping|delivery|residential)[ _-]?)?addr(?:ess)"
        r"?(?:[ _-]?(?:line)?[ _-]?1)?|street(?:[ _-]?name)?|"
        r"straße|strasse|str\.|straßenname|anschrift|adresse|rue|voie|calle|direcci[oó]n|domicilio|via|indirizzo|rua|"
        r"endere[cç]o|logradouro|morada|ulica|adres|straat|straatnaam|gata|gatuadress|adress|gateadresse|vej|gade|"
        r"vejnavn|katuosoite|osoite"
    ),
    "number": (
        r"house(?:[ _-]?(?:number|no\.?))?|street[ _-]?(?:number|no\.?)|hausnummer|haus-?nr\.?|hausnr|huisnummer|"
        r"numer domu|nr domu|civico|numéro|número|n[º°]|husnummer"
    ),
    "unit": (
        r"(?:home[ _-]?)?address(?:[ _-]?(?:line)?)[ _-]?2|apt\.?|apartment|unit|suite|flat|complemento|"
        r"adresszusatz|complément(?: d'adresse)?|mieszkanie|wohnung"
    ),
    "town": (
        r"city|town|city/town|town/city|suburb|post[ -]?town|locality|ort|stadt|wohnort|ville|commune|localité|"
        r"ciudad|localidad|población|municipio|città|"
        r"comune|località|cidade|localidade|miasto|miejscowość|plaats|woonplaats|stad|poststed|postort|kaupunki|"
        r"postitoimipaikka"
    ),
    "post": (
        r"zip(?:[ /_-]?(?:postal)?[ _-]?code)?|post(?:al)?[ _-]?code|plz|postleitzahl|code[ _-]postal|c\.?p\.?|"
        r"código[ _-]postal|codigo[ _-]postal|c\.?a\.?p\.?|cep|"
        r"kod[ _-]pocztowy|postnummer|postnr\.?|postinumero|pin[ -]?code|eircode"
    ),
    "both": (
        r"plz[ ]?[/,+][ ]?(?:wohn)?ort|zip[ ]?/[ ]?city|city,? state,? zip|code postal (?:et|/) ville|cp / ville|"
        r"c\.?p\.? y localidad|cap e città"
    ),
    "region": (
        r"state|province|county|region|state/province|district|bairro|colonia|bundesland|kanton|provincia|"
        r"departamento|estado|uf|województwo|provincie|wijk|distrito|concelho"
    ),
    "country": r"country|land|pays|país|pais|paese|nazione|kraj|maa",
}
_ANY = "|".join(rf"(?P<{kind}>{words})" for kind, words in _LABELS.items())
_PLAIN = "|".join(f"(?:{words})" for words in _LABELS.values())
_ENTRY = Pattern(
    rf"(?<![\w.<$@#/-])(?:{_ANY})[\"'*]{{0,3}}[ \t]?(?::[*]{{0,2}}|=|[.]{{3,40}}:?|[ ]{{2,}}|\t)"
    rf"[ \t]*[\"']?(?P<value>[^\n\r\"']{{1,80}}?)"
    rf"(?=[\"']?[ \t]*(?:(?:[,;|][ \t]*|[ \t]{{1,8}})[\"']?(?:{_PLAIN})[\"']?[ \t]?[:=]|[,;]?[ \t]*(?:[\r\n]|\\n|"
    rf"\Z)|[ \t]+\||[ \t]{{3}}))",
    re.IGNORECASE,
)
_SIGN = Pattern(r"[\"'*]{0,3}[ \t]?(?:[:=\t]|\.{3}|[ ]{2})")
_ENDINGS = (
    *("city", "town", "suburb", "locality", "code", "plz", "ort", "stadt", "ville", "commune", "localité"),
    *("ciudad", "localidad", "población", "municipio", "città", "comune", "località", "cidade", "localidade"),
    *("miasto", "miejscowość", "plaats", "stad", "zip", "postal", "cp", "c.p.", "cap", "c.a.p.", "cep"),
    *("pocztowy", "postnummer", "postnr", "postnr.", "pin", "eircode", "poststed", "postort", "kaupunki"),
    *("postitoimipaikka", "postinumero"),
)
"""What labels of towns and postcodes end with: without one there is no address, and looking for all labels is slow."""
_BETWEEN = Pattern(r"[\"',;|*\s\\n-]{0,12}(?:[>*#|-][ \t]{0,4})?\Z")
_STREET = Pattern(r"(?=.*\d)(?=(?:.*[^\W\d_]){3})[\w .,'’°º/#()-]+")
_NAME = Pattern(r"(?=(?:.*[^\W\d_]){3})[\w .,'’/-]+")
_NUMBER = Pattern(r"\d{1,5}[ ]?[a-zA-Z]?(?:[ ]?[/-][ ]?\d{1,4}[a-zA-Z]?){0,3}")
_POST = Pattern(
    r"(?:[A-Z]{1,3}-)?\d{4,6}(?:-\d{3,4})?|\d{4} ?[A-Z]{2}|\d{3} \d{2,3}|\d{2}-\d{3}|[A-Z]{1,2}\d[A-Z\d]? "
    r"?\d[A-Z]{2}|[A-Z]\d[A-Z][ -]?\d[A-Z]\d|[A-Z]\d[\dW] ?[A-Z\d]{4}",
    re.IGNORECASE,
)
_TOWN = Pattern(r"[^\W\d_][^\W\d_ .,'’()/-]*(?:[ .,'’()/-]{1,2}[^\W_]+){0,5}[.)]?")
_HOST = Pattern(r"(?i)\d+\.\d+\.\d+|0x|[0-9a-f]{8}|\w=\w|::|\bport\b")


def forms(text: str) -> Iterator[tuple[int, int, float]]:
    """(start, end, confidence) of the addresses that labelled entries of a text make.

    >>> text = "Name: N. N.\\nStreet: 12 Harbour Street\\nCity: Leeds\\nPostcode: LS1 4AB\\nPhone: none"
    >>> [(text[s:e], c) for s, e, c in forms(text)]
    [('12 Harbour Street\\nCity: Leeds\\nPostcode: LS1 4AB', 0.95)]
    """
    small = text.lower()
    if len(small) == len(text) and not any(small.endswith(_ENDINGS, 0, sign.start()) for sign in _SIGN.finditer(small)):
        return
    group: list[re.Match[str]] = []
    for entry in _ENTRY.finditer(text):
        between = text[group[-1].end("value") : entry.start()] if group else ""
        again = _kind(entry) in {_kind(e) for e in group}
        if group and (again or not _BETWEEN.fullmatch(between)):
            yield from _address(group)
            group = []
        group.append(entry)
    if group:
        yield from _address(group)


def _kind(entry: re.Match[str]) -> str:
    return next(kind for kind in _LABELS if entry[kind] is not None)


def _address(group: list[re.Match[str]]) -> Iterator[tuple[int, int, float]]:
    """The address of entries that stand together, if they make one."""
    values = {_kind(entry): entry["value"].strip() for entry in group}
    street, town, post = values.get("street", ""), values.get("town", ""), values.get("post", "")
    numbered = bool(_NUMBER.fullmatch(values.get("number", ""))) and bool(_NAME.fullmatch(street))
    if not street or not (numbered or _STREET.fullmatch(street)) or _HOST.search(street):
        return
    has_post = bool(_POST.fullmatch(post)) or (bool(values.get("both")) and any(c.isdigit() for c in values["both"]))
    has_town = bool(town) and bool(_TOWN.fullmatch(town))
    if not has_post and not has_town:
        return
    known = has_town and longest(town)[0] > 0
    used = [e for e in group if _kind(e) not in ("country", "region") or len(group) > 2]
    start, last = used[0].start("value"), used[-1]
    end = last.start("value") + len(last["value"].rstrip())
    yield start, end, 0.95 if has_post and known else 0.85 if has_post else 0.65
