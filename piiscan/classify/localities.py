"""What follows a street in an address: flat, district, town, state, postcode, country, over commas and line ends.

Source of the layouts: Universal Postal Union, addressing systems of its member countries; of the states their usual
abbreviations (USPS Publication 28, Canada Post, Australia Post, IBGE).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from piiscan.classify.lazy import Pattern
from piiscan.classify.places import bits, countries_of, longest
from piiscan.classify.streets import CAPITAL, UNIT, UPPER, Shape

BREAK = (
    r"(?:[ \t]*[,;][ \t]*(?:(?:\r?\n|\\n|<br[ ]?/?>)[ \t>*#|]*)?|[ \t]*(?:\r?\n|\\n|<br[ ]?/?>)[ \t>*#|]*|"
    r"[ \t]+[-–—|·•/][ \t]+)"
)
"""What parts the lines of an address: a comma, a line end, a dash between blanks."""
_GAP = rf"(?:{BREAK}|[ \t]{{1,3}})"
_TOWN = (
    rf"(?:{CAPITAL})(?:[ '’-]{{1,2}}(?:{CAPITAL}|(?:of|the|upon|on|in|le|la|les|los|las|el|de|do|da|dos|del|der|"
    rf"den|am|an|bei|ob|im|sur|sous|en|by|cum|under|a|d['’]|l['’]|w|nad|and)\b['’]?)){{0,4}}"
)
_DISTRICT = rf"(?:(?:Col\.|Colonia|Fracc\.|Barrio|Bairro)[ ])?{_TOWN}"

_USPS = (
    "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK "
    "OR PA RI SC SD "
    "TN TX UT VT VA WA WV WI WY DC PR VI GU AS MP FM MH PW AE AP AA"
)
_NAMED_STATES = (
    "Alabama Alaska Arizona Arkansas California Colorado Connecticut Delaware Florida Georgia Hawaii Idaho "
    "Illinois Indiana Iowa "
    "Kansas Kentucky Louisiana Maine Maryland Massachusetts Michigan Minnesota Mississippi Missouri Montana "
    "Nebraska Nevada "
    "New_Hampshire New_Jersey New_Mexico New_York North_Carolina North_Dakota Ohio Oklahoma Oregon Pennsylvania "
    "Rhode_Island "
    "South_Carolina South_Dakota Tennessee Texas Utah Vermont Virginia Washington West_Virginia Wisconsin Wyoming"
)
_PROVINCES = (
    "ON QC BC AB MB SK NS NB NL PE YT NT NU Ont. Que. Alta. Man. Sask. Ontario Quebec Québec British_Columbia "
    "Alberta Manitoba "
    "Saskatchewan Nova_Scotia New_Brunswick Newfoundland_and_Labrador Prince_Edward_Island"
)
_AUSTRALIAN = (
    "NSW VIC QLD WA SA TAS ACT NT Vic Vic. Qld Qld. Tas Tas. N.S.W. New_South_Wales Victoria Queensland "
    "Western_Australia "
    "South_Australia Tasmania"
)
_MEXICAN = (
    "AGS BC BCS CAMP CHIS CHIH COAH COL CDMX DF DGO GTO GRO HGO JAL MEX MICH MOR NAY NL OAX PUE QRO QROO SLP SIN "
    "SON TAB TAMS TLAX VER YUC ZAC "
    "Ags. Chis. Chih. Coah. Col. Dgo. Gto. Gro. Hgo. Jal. Méx. Mich. Mor. Nay. N.L. Oax. Pue. Qro. Sin. Son. Tab. "
    "Tamps. Tlax. Ver. Yuc. Zac."
)
_BRAZILIAN = "AC AL AP AM BA CE DF ES GO MA MT MS MG PA PB PR PE PI RJ RN RS RO RR SC SP SE TO"


def _any(names: str) -> str:
    return "(?:" + "|".join(re.escape(n.replace("_", " ")) for n in sorted(names.split(), key=len, reverse=True)) + ")"


BRITISH = r"(?:GIR[ ]?0AA|[A-PR-UWYZ](?:\d[A-HJKPSTUW\d]?|[A-HK-Y]\d[ABEHMNPRVWXY\d]?)[ ]{0,2}\d[ABD-HJLNP-UW-Z]{2})"
CANADIAN = r"[ABCEGHJ-NPRSTVXY]\d[ABCEGHJ-NPRSTV-Z][ -]?\d[ABCEGHJ-NPRSTV-Z]\d"
EIRCODE = r"(?:[AC-FHKNPRTV-Y]\d{2}|D6W)[ ]?[0-9AC-FHKNPRTV-Y]{4}"
_END = r"(?![\w@]|[-.,]\d)"

_BEFORE = (
    ("US", rf"(?P<us>{_any(_USPS)}|{_any(_NAMED_STATES)})\.?,?{_GAP}\d{{5}}(?:-\d{{4}})?{_END}"),
    ("CA", rf"(?:(?P<ca>{_any(_PROVINCES)}|\([^\W\d_]{{2,9}}\)),?{_GAP})?{CANADIAN}{_END}"),
    ("AU", rf"(?P<au>{_any(_AUSTRALIAN)}),?{_GAP}\d{{4}}{_END}"),
    ("GB", rf"{BRITISH}{_END}"),
    (
        "IE",
        rf"(?:(?:Co\.?|County)[ ]{CAPITAL}{_GAP}|Dublin[ ]\d{{1,2}}W?{_GAP})?{EIRCODE}{_END}|"
        rf"(?P<ie>Dublin[ ]\d{{1,2}}W?|Co\.[ ]{CAPITAL}){_END}",
    ),
    ("IN", rf"(?:(?P<in>[ ]?[-–][ ]?|(?i:Pin(?:[ ]?code)?)[: -]{{1,2}})?[1-8]\d{{2}}[ ]?\d{{3}}){_END}"),
    ("MX", rf"(?P<mx>{_any(_MEXICAN)})\.?,?[ ]\d{{5}}(?:-\d{{4}})?{_END}"),
    ("ES", rf"\d{{5}}{_END}"),
    ("NZ", rf"\d{{4}}{_END}"),
    ("JP", rf"〒?\d{{3}}-\d{{4}}{_END}"),
    ("US", rf"\d{{5}}(?:-\d{{4}})?{_END}"),
)
_STRONG = frozenset({"CA", "GB", "IE"})
"""Where the shape of a postcode leaves no doubt; elsewhere its state must stand there, or the town must be known."""
_TOWN_FIRST = [
    (
        country,
        Pattern(
            rf"{_GAP}(?:(?P<a>{_DISTRICT}){BREAK})?(?:(?P<b>{_DISTRICT}){BREAK})?(?:(?P<c>{_TOWN}){_GAP})"
            rf"?(?P<post>{post})"
        ),
    )
    for country, post in _BEFORE
]
_POSTS = {
    r"\d{5}": bits("DE FR ES IT FI MX US"),
    r"\d{4}": bits("AT CH BE DK NO LU AU NZ"),
    r"\d{4}[ ]?[A-Z]{2}": bits("NL"),
    r"\d{3}[ ]\d{2}": bits("SE"),
    r"\d{2}-\d{3}": bits("PL"),
    r"\d{4}-\d{3}": bits("PT"),
    r"\d{5}-\d{3}": bits("BR"),
}
"""Shapes of postcodes that stand before their town, and where they are used."""
_SHAPED = [(Pattern(shape), countries) for shape, countries in _POSTS.items()]
POST = (
    r"(?:[A-Z]{1,3}[-–][ ]?|[A-Z]{1,2}[ ](?=\d))?(?:C\.?P\.?:?[ ]?)?(?P<post>\d{5}(?:-\d{3})?|\d{4}(?:-\d{3}|"
    r"[ ]?[A-Z]{2}\b)?|\d{3}[ ]\d{2}|\d{2}-\d{3})(?!\d)"
)
_POST_FIRST = Pattern(
    rf"{_GAP}(?:(?P<a>{_DISTRICT}){BREAK})?(?:(?P<b>{_DISTRICT}){BREAK})?{POST}(?:,?[ \t]{{1,3}}|"
    rf"(?P<break>{BREAK}))(?P<town>{_TOWN})"
)
_AFTER = Pattern(
    r"[ ](?:Cedex(?:[ ]\d{1,2})?|CEDEX(?:[ ]\d{1,2})?)(?!\w)|,?[ ]?\([A-Z]{2}\)|[ ](?:MI|RM|TO|NA|BO|FI|GE|VE|PA|"
    r"BA|VR|PD|BG|BS)(?!\w)"
)
_BRAZIL = Pattern(
    rf"{_GAP}(?:(?P<a>{_DISTRICT}){_GAP})?(?:(?P<b>{_DISTRICT}){_GAP})?(?P<town>{_TOWN})"
    rf"[ ]?[-–/,][ ]?(?P<br>{_any(_BRAZILIAN)})(?!\w)"
    rf"(?:{_GAP}(?:CEP:?[ ]?)?(?P<post>\d{{5}}-?\d{{3}}){_END})?"
    rf"|{_GAP}(?:{_DISTRICT}{_GAP}){{0,3}}?(?:CEP:?[ ]?)?(?P<cep>\d{{5}}-?\d{{3}})"
    rf"{_END}(?:[ ](?P<city>(?:d[aeo]s?[ ])?{_TOWN})(?:[ ]?[-–/,][ ]?(?P<uf>{_any(_BRAZILIAN)})(?!\w))?)?"
)
_ALONE = Pattern(rf"(?:{BREAK}(?:{_DISTRICT}{BREAK})?|[ ](?:in|à|a|en|w|te|em|i)[ ])(?P<town>{_TOWN})")
_BESIDE = Pattern(rf"[ ](?P<town>{_TOWN})")
_CLOSED = Pattern(r"[ ]*(?:[.,;:!?)\r\n\"']|\Z)")
_REGION = Pattern(rf",?[ ](?:{_any(_USPS + ' ' + _NAMED_STATES + ' ' + _PROVINCES + ' ' + _AUSTRALIAN)})(?!\w)")
_UNIT = Pattern(
    rf"{_GAP}(?:(?:(?:apt|apartment|suite|ste|unit|flat|floor|fl|level|room|rm|bldg|building|block|tower|stiege|"
    rf"stg|top|tür|stock|wohnung|whg|etage|"
    r"haus|appt?|appartement|appartamento|interior|edif|oficina|bâtiment|bât|bat|esc|escalera|escalier|étage|piso|"
    r"planta|puerta|pta|bloque|portal|interno|int|scala|piano|lok|lokal|m|"
    r"apto?|bloco|sala|andar|lote|bus|bte|boîte|lgh|dept|depto|local|edificio|despacho|nr?o?)\b\.?|#)"
    r"[ ]?(?:\d[\w/-]{0,5}|[a-z]\d{0,4}(?!\w))"
    r"|\d{1,2}(?:(?:st|nd|rd|th)[ ]floor|\.[ ]?(?:stock|etage|og|sal|tv|th|mf)|[ºª°][ ]?(?:andar|piso|izq\.?|"
    r"dcha\.?|esq\.?|dto\.?|[a-z])?"
    r"|(?:er|e|ème)[ ]étage|o[ ](?:andar|piso))(?:[ ](?:tv|th|mf)\.?)?"
    r"|(?:first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|ground)[ ]floor|st\.[ ]?(?:tv|th)|"
    r"[eou]g|[vh]h|hinterhaus|vorderhaus)(?!\w)",
    re.IGNORECASE,
)
_LEADING = Pattern(
    rf"(?:(?:Flat|FLAT|Apt\.?|Apartment|Suite|Unit|Room|Shop|Level|Office|Studio|No\.?)[ ]?\w{{1,5}}|"
    rf"c/o[ ][^\n,;:]{{2,40}})(?:{BREAK}|[ ])\Z"
)
COUNTRY = Pattern(
    rf"{_GAP}(?:U\.S\.A\.|USA|U\.K\.|UK|United[ ]States(?:[ ]of[ ]America)?|United[ ]Kingdom|Great[ ]Britain|"
    rf"England|Scotland|Wales|Northern[ ]Ireland|Ireland|"
    r"Canada|Australia|New[ ]Zealand|Germany|Deutschland|Austria|Österreich|Switzerland|Schweiz|Suisse|Svizzera|"
    r"France|Spain|España|Italy|Italia|"
    r"Portugal|Brazil|Brasil|Poland|Polska|Netherlands|The[ ]Netherlands|Nederland|Belgium|België|Belgique|Sweden|"
    r"Sverige|Denmark|Danmark|Norway|"
    r"Norge|Finland|Suomi|Mexico|México|India|Japan|Luxembourg)(?![\w-])",
)


@dataclass(slots=True)
class Tail:
    """What stands behind a street."""

    end: int
    post: bool = False
    town: bool = False
    """A known town, or a state."""


def before(text: str, start: int) -> int:
    """Where an address begins whose street begins at `start`: a flat or `c/o` may stand before it."""
    found = _LEADING.search(text, max(start - 60, 0), start)
    return found.start() if found is not None and not text[found.start() - 1 : found.start()].isalnum() else start


def tail(text: str, at: int, shape: Shape) -> Tail:
    """What belongs to the address whose street of a shape ends at `at`.

    >>> from piiscan.classify.streets import ENGLISH
    >>> tail("12 Harbour Street, Flat 3, Leeds LS1 4AB, UK.", 17, ENGLISH)
    Tail(end=44, post=True, town=True)
    """
    best = Tail(at)
    for _ in range(3):
        unit = _UNIT.match(text, best.end)
        if unit is None:
            break
        best.end = unit.end()
    begin = best.end
    readers = (_town_first, _post_first) if shape.town_first else (_brazil, _post_first, _town_first)
    for read in readers:
        found = read(text, begin, shape)
        if found is not None and (found.post, found.town, -found.end) > (best.post, best.town, -best.end):
            best = found
        if best.post and best.town:
            break
    if not best.post:
        found = _town_alone(text, begin, shape)
        if found is not None and not best.town:
            best = found
    if best.post or best.town:
        land = COUNTRY.match(text, best.end)
        best.end = land.end() if land is not None else best.end
    if best.end > at:
        best.end = at + len(text[at : best.end].rstrip(" .,;"))
    return best


_CODED = Pattern(r"\d{3}|\d[A-Z]{2}|[A-Z]\d|Dublin|Co(?:unty|\.)")
"""What a postcode, or what stands for one, must hold."""
_FAR = 140
"""Characters behind a street in which its postcode ends."""


def _town_first(text: str, at: int, shape: Shape) -> Tail | None:
    if _CODED.search(text, at, at + _FAR) is None:
        return None
    for country, pattern in _TOWN_FIRST:
        if not bits(country) & shape.countries:
            continue
        found = pattern.match(text, at)
        if found is None:
            continue
        given = found.groupdict()
        named = any(given[part] and countries_of(given[part]) & bits(country) for part in ("c", "b", "a"))
        stated = bool(given.get(country.lower()))
        if country == "NZ" and not named and _own_line(text, found):
            return Tail(found.end(), True, False)
        if country in _STRONG or named or stated or (country == "ES" and shape.countries & bits("ES")):
            return Tail(found.end(), True, named or stated)
    return None


def _own_line(text: str, found: re.Match[str]) -> bool:
    """Whether town and postcode, no year, fill a line."""
    begin = text.rfind("\n", found.start(), found.start("c") if found["c"] else found.start()) + 1
    alone = begin > 0 and text[begin : found.end()].lstrip(" \t>*#|") == text[found.start("c") : found.end()]
    return alone and not YEAR.fullmatch(found["post"]) and _LINE_END.match(text, found.end()) is not None


_BRAZILIAN_SIGN = Pattern(r"\d{5}|[-–/,][ ]?[A-Z]{2}(?!\w)")
_FOUR = Pattern(r"\d{2}[\d -]\d")


def _post_first(text: str, at: int, shape: Shape) -> Tail | None:
    if _FOUR.search(text, at, at + _FAR) is None:
        return None
    found = _POST_FIRST.match(text, at)
    if found is None:
        short = _POST_ONLY.match(text, at)
        return (
            Tail(short.end(), True, False)
            if short is not None and countries_for(short["post"]) & shape.countries
            else None
        )
    post = found["post"]
    where = countries_for(post) & shape.countries
    if not where:
        return None
    size, towns = longest(found["town"])
    if size and towns & where:
        end = found.start("town") + size
        if _MORE.match(text, end) and _LINE_END.match(text, found.end()):
            end = found.end()
        more = _AFTER.match(text, end)
        return Tail(more.end() if more is not None else end, True, True)
    if shape.town_first or YEAR.fullmatch(post):
        return None
    more = _AFTER.match(text, found.end())
    if more is not None:
        return Tail(more.end(), True, "(" in more[0])
    if found["break"] and "\n" in found["break"] and not _LINE_END.match(text, found.end()):
        return Tail(found.end("post"), True, False)
    cut = _TIME.search(text, found.start("town"), found.end())
    return Tail(cut.start() if cut is not None else found.end(), True, False)


_MORE = Pattern(rf"[ -][{UPPER}]")
"""Another word of a town's name."""
_TIME = Pattern(r"[ ](?:by|on|in|am|im|and|an|a|en|w|under|at|el|le|il|op)(?:[ ]|\Z)")
"""Words behind a town that go on with the sentence."""
YEAR = Pattern(r"(?:19|20)\d\d")
_LINE_END = Pattern(r"[ \t]*(?:[\r\n,]|\Z)")
_POST_ONLY = Pattern(rf"{_GAP}(?P<post>\d{{4}}[ ]?[A-Z]{{2}}|\d{{2}}-\d{{3}}|\d{{4}}-\d{{3}})(?![\w-])")
"""A postcode whose shape is telling without a town behind it."""


def countries_for(post: str) -> int:
    """The countries that use the shape of a postcode that stands before its town."""
    return next((countries for shape, countries in _SHAPED if shape.fullmatch(post)), 0)


def _brazil(text: str, at: int, shape: Shape) -> Tail | None:
    if not shape.countries & bits("BR") or _BRAZILIAN_SIGN.search(text, at, at + _FAR) is None:
        return None
    found = _BRAZIL.match(text, at)
    if found is None:
        return None
    if found["cep"] and "-" not in found["cep"] and not found["uf"]:
        return None
    known = found["br"] or found["uf"] or (found["city"] and longest(found["city"])[1] & bits("BR"))
    return Tail(found.end(), bool(found["post"] or found["cep"]), bool(known))


def _town_alone(text: str, at: int, shape: Shape) -> Tail | None:
    found = _ALONE.match(text, at)
    beside = found is None and shape.town_first
    found = _BESIDE.match(text, at) if beside else found
    if found is None:
        return None
    size, towns = longest(found["town"], 3)
    if not towns & shape.countries:
        return None
    end = found.start("town") + size
    region = _REGION.match(text, end)
    end = region.end() if region is not None else end
    return None if beside and _CLOSED.match(text, end) is None else Tail(end, False, True)


GENERIC_POST_FIRST = Pattern(
    rf"(?<![\w.@/-])(?P<name>{CAPITAL}(?:[ -](?:{CAPITAL}|(?:de[rnms]?|la|le|du|des|van|von|dem|zum|zur|am|im|ten|"
    rf"ter|het|do|da|di|del)\b)){{0,4}})"
    rf",?[ ](?P<number>\d{{1,4}}[ ]?[a-zA-Z]?(?:[-/]\d{{1,3}}[a-z]?){{0,3}})(?:[ \t]*[,;|][ \t]*(?:\r?\n[ \t]*)?|"
    rf"[ \t]*(?:\r?\n|\\n)[ \t]*|[ ][-–][ ]){POST}[ \t]{{1,3}}(?P<town>{_TOWN})"
)
"""A name with a number, a postcode and a town, whatever makes the name a street."""
GENERIC_TOWN_FIRST = Pattern(
    rf"(?<![\w.,$€£#/-])(?<!\d[ ])(?:(?:{UNIT}[ ]?\d{{1,4}}[A-Za-z]?(?:{BREAK}|[ ]))"
    rf"?(?P<number>\d{{1,5}}[A-Za-z]?(?:[/-]\d{{1,5}}[A-Za-z]?)?),?[ ]|(?P<unit>{UNIT}[ ]?\d{{1,4}}[A-Za-z]?)"
    rf"{BREAK})"
    rf"(?P<name>{CAPITAL}(?:[ -](?:{CAPITAL}|the|of|de|la)){{0,4}})(?:,?[ ](?:{UNIT}|\#)[ ]?\w{{1,5}})?{BREAK}"
    rf"(?:{_DISTRICT}{BREAK}){{0,2}}?(?P<town>{_TOWN}){_GAP}(?:(?P<us>{_any(_USPS)},?[ ]\d{{5}}(?:-\d{{4}})?)|"
    rf"(?P<gb>{BRITISH})|"
    rf"(?P<ca>(?:{_any(_PROVINCES)},?{_GAP})?{CANADIAN})|(?P<au>{_any(_AUSTRALIAN)},?[ ]\d{{4}})){_END}"
    rf"|(?P<military>(?:PSC|Unit|CMR)"
    rf"[ ]\d{{1,5}},?[ ]Box[ ]\d{{1,5}}{_GAP}[AFD]PO,?[ ]A[AEP][ ]\d{{5}}(?:-\d{{4}})?){_END}"
)
"""A number with a name, a town, and a state or postcode that leaves no doubt."""
ORDINARY = Pattern(
    r"(?i)(?:january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|"
    r"apr|jun|jul|aug|sep|sept|oct|nov|"
    r"dec|januar|februar|märz|mai|juni|juli|oktober|dezember|janvier|février|mars|avril|juin|juillet|août|"
    r"septembre|octobre|novembre|décembre|enero|"
    r"febrero|marzo|abril|mayo|junio|julio|agosto|octubre|noviembre|diciembre|maggio|giugno|luglio|settembre|"
    r"ottobre|dicembre|maart|mei|augustus|"
    r"version|release|figure|fig|table|tab|page|seite|chapter|kapitel|section|abschnitt|item|line|zeile|volume|"
    r"vol|issue|no|nr|number|room|zimmer|"
    r"phone|telephone|telefon|tel|fax|mobile|mobil|port|rfc|iso|din|step|part|teil|day|tag|week|woche|year|jahr|"
    r"order|invoice|rechnung|total|sum|"
    r"summe|am|the|of|in|on|and|by|from|since|until|before|after|about|copyright|january|class|level|act|article|"
    r"artikel|art|group|gruppe|team|size)\.?"
)
"""Words before a number that make it no house."""
GENERIC_BRAZIL = Pattern(
    rf"(?<![\w.@/-])(?P<name>{CAPITAL}(?:[ ](?:d[aeo]s?[ ])?{CAPITAL}){{0,5}})(?:,[ ](?:n[.ºo°]{{0,2}}[ ]?)"
    rf"?\d{{1,5}})?{BREAK}"
    rf"(?:{_DISTRICT}{BREAK}){{0,2}}?(?:(?:CEP:?[ ]?)?\d{{5}}-?\d{{3}},?[ ](?:d[aeo]s?[ ])"
    rf"?{_TOWN}[ ]?[-/][ ]?{_any(_BRAZILIAN)}|"
    rf"{_TOWN}[ ]?[-/][ ]?{_any(_BRAZILIAN)},?{_GAP}(?:CEP:?[ ]?)?\d{{5}}-?\d{{3}})(?!\w)"
)
"""A name, a number, and a Brazilian postcode with its state, whatever makes the name a street."""
