"""How streets are written: by language, the words that make one, where its number stands; and boxes at a post office.

Patterns are bounded and need no look at other text; `localities.py` reads what follows. Source of the layouts:
Universal Postal Union, addressing systems of its member countries
(https://www.upu.int/en/Postal-Solutions/Programmes-Services/Addressing-Solutions).
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from piiscan.classify.lazy import Pattern
from piiscan.classify.places import bits

UPPER = "A-ZÀ-ÖØ-ÞĀĂĄĆĈĊČĎĐĒĔĖĘĚĜĞĠĢĤĦĨĪĬĮİĲĴĶĹĻĽĿŁŃŅŇŊŌŎŐŒŔŖŘŚŜŞŠŢŤŦŨŪŬŮŰŲŴŶŸŹŻŽ"
"""Capital letters of the languages that are written in Latin letters, for a character class."""
CAPITAL = rf"[{UPPER}](?:[^\W_]|[.'’-](?=[^\W_])){{0,24}}\.?"
"""A word that begins with a capital letter."""
LINKS = (
    r"(?:of|the|and|on|upon|under|by|in|de|del|della|dello|delle|dei|degli|di|da|do|dos|das|du|des|la|le|les|los|"
    r"las|el|"
    r"y|e|et|a|à|aux?|en|sur|sous|van|von|vom|der|den|dem|zum|zur|am|im|an|auf|het|ten|ter|te|op|i|św\.|d['’]|l['’]|"
    r"de l['’]|dell['’]|'t|'s)"
)
_LETTER = r"(?:[A-Za-z](?![\w'’])|[ ][A-Za-z](?![\w'’.]))"
_NUMBER = rf"\d{{1,5}}{_LETTER}?(?:(?:[-–+]|[ ]?/[ ]?)(?:\d{{1,5}}(?!\d){_LETTER}?|[A-Z](?!\w))){{0,4}}"
NUMBER = rf"{_NUMBER}(?![\w@%°€$£]|[.,:]\d|[ ]?%)"
"""A number of a house, with its letter, its range or its stairs and doors."""
START = r"(?<![\w@#$€£/\\=&.+%'’-])(?<!\d,)(?<!\d[ ])"
UNIT = r"(?:Flat|Unit|Suite|Apt\.?|Apartment|Level|Shop|Studio|Room|Office|Ste\.?)"
_ORDINAL = r"\d{1,3}(?:st|nd|rd|th|ST|ND|RD|TH)"
_POINT = (
    r"(?:N\.?E\.?|N\.?W\.?|S\.?E\.?|S\.?W\.?|[NSEW]\.?|North|South|East|West|Northeast|Northwest|Southeast|Southwest)"
)


@dataclass(frozen=True, slots=True)
class Shape:
    """One way to write a street with a number."""

    name: str
    pattern: Pattern
    countries: int
    """Where it is used, as `places.bits`."""
    town_first: bool
    """Whether the town stands before the postcode."""
    plain: Pattern | None = None
    """What a match must be, whole, to be an address without a town; None: never."""


def _words(text: str) -> str:
    """An alternation of words as they stand and in capitals, longest first."""
    words = {form for word in text.split() for form in (word, word.upper())}
    return "|".join(re.escape(word.replace("_", " ")) for word in sorted(words, key=lambda w: (-len(w), w)))


_ENGLISH = bits("US GB CA AU IE NZ IN")
_FULL = "Street Avenue Road Lane Boulevard Drive Crescent Terrace Parkway"
_SHORT = "St Ave Av Rd Ln Blvd Dr Cres Ter Pkwy"
_LOOSE = (
    "Court Way Place Circle Square Trail Close Gardens Grove Mews Hill Rise Row Walk Green Park View"
    " Highway Route Loop Alley Plaza Quay Parade Esplanade Wharf Crossing Turnpike Pike Path Run Ridge Bend Cove"
    " Point Expressway Causeway Villas Broadway Heights Yard Marg Nagar Chowk Concourse Vale Meadow Meadows"
    " Wynd Drove Croft Gate Hollow Landing Manor Pass Arcade Laneway Ganj Colony Layout Zila Byway Bypass Freeway "
    "Motorway Throughway Causeway Overpass"
)
_CUT = "Ct Pl Cir Sq Trl Gdns Hwy Pde Tce Cl Cr Grv Fwy"
_TAKES = r"Highway|Hwy|Route|HIGHWAY|HWY|ROUTE|Interstate|County Road|State Road|Rural Route|RR|FM"
_ENGLISH_NAME = (
    rf"(?:{_POINT}[ ]){{0,2}}(?:(?:{_ORDINAL}|{CAPITAL}|Mc[A-Z]\w+|of|the|and|on|de|la|las|los|del|El)[ ]){{1,5}}?"
)

ENGLISH = Shape(
    "english",
    Pattern(
        rf"{START}(?:{UNIT}[ ]?\d{{1,4}}[A-Za-z]?,?[ ])?(?P<number>{_NUMBER}(?:[ ]1/2)?),?[ ]"
        rf"(?:(?P<name>{_ENGLISH_NAME})(?P<word>(?:{_words(f'{_FULL} {_LOOSE}')})\b|"
        rf"(?:{_words(f'{_SHORT} {_CUT}')})\b\.?)(?![ ](?:{_words(_FULL + ' Ave Rd Blvd Dr Ln St')})\b)"
        rf"(?:[ ]{_POINT}(?![\w']))?"
        rf"|(?:{_POINT}[ ])?(?:{_TAKES})[ ]\d{{1,4}}\b|(?:Avenue|AVENUE|Ave\.?)[ ](?:of[ ]the[ ]{CAPITAL}|[A-Z]\b)"
        rf"|Broadway\b)"
    ),
    _ENGLISH,
    True,
    Pattern(
        rf"(?!(?:1|10[01]?|1234?5?)[ ](?:Main|Any|Example|Sample|Test|Your)[ ])"
        rf"(?!(?:19|20)\d\d[ ])(?!0)\d{{1,5}}[A-Za-z]?(?:[-–]\d{{1,4}}[A-Za-z]?)?[ ](?:{_POINT}[ ])?"
        rf"(?!(?:Wall|Sesame|First|Second|Third|The|New|Main[ ]Road[ ]Works|No|Data|Memory|Test|Disk|Hard|Flash|"
        rf"Tape)[ ])"
        rf"(?:(?:{_ORDINAL}|{CAPITAL})[ ]){{1,3}}(?:{_words(_FULL)}|(?:{_words(_SHORT)})\.?)(?:[ ]{_POINT})?"
    ),
)
_JOINED = (
    "straße|strasse|str\\.|gasse|allee|platz|weg|damm|ufer|chaussee|promenade|graben|steig|stieg|ring|wall|markt|"
    "hof|kai|"
    "pfad|zeile|park|feld|berg|tor|winkel|deich|anger|rain|höhe|twiete|gässli|stieg|steg|garten|hang|blick|grund|bühl|"
    "acker|wiese|heide|busch|kamp|redder|landstr\\."
)
_OWN = (
    "Straße|Strasse|Str\\.|Allee|Platz|Weg|Ring|Damm|Ufer|Gasse|Chaussee|Promenade|Wall|Markt|Steig|STRASSE|"
    "STR\\.|STRAẞE"
)
_LABELLED = (
    r"(?!(?:Adresse?|Anschrift|Address|Adress|Gateadresse|Wohnhaft|Wohnt|Herrn?|Frau|Firma|Lieferadresse|Str|Sitz)\b)"
)
_GERMAN_LEAD = (
    rf"(?:(?:Alte[rnms]?|Neue[rnms]?|Gro(?:ß|ss)e[rnms]?|Kleine[rnms]?|Obere[rnms]?|Untere[rnms]?|Innere|Äu(?:ß|"
    rf"ss)ere|Hohe[rn]?|Lange|Vordere|Hintere|"
    rf"Sankt|St\.|Dr\.|Dr\.-|Prof\.|Von-der-|Von|[{UPPER}][\w-]+er|An[ ]de[rn]|In[ ]de[rn]|Auf[ ]de[rm])[ ]?){{0,2}}"
)
GERMAN = Shape(
    "german",
    Pattern(
        rf"(?<![\w.@/-]){_LABELLED}(?:{_GERMAN_LEAD}[{UPPER}][\w.-]{{0,30}}?(?:{_JOINED}|"
        rf"{_words('STRASSE WEG PLATZ GASSE ALLEE')})"
        rf"|{CAPITAL}(?:[ -]{CAPITAL}){{0,2}}?[ -](?:{_OWN})|(?:Straße|Strasse|Platz|Allee|Weg)[ ](?:des|der|am|"
        rf"zum|zur)[ ](?:\d{{1,2}}\.[ ])?{CAPITAL}"
        rf"|(?:Am|An[ ]de[rnm]|Auf[ ]de[rm]|Im|In[ ]de[rn]|Zum|Zur|Unter[ ]de[rnm]|Hinter[ ]de[rm]|Vor[ ]de[rm]|"
        rf"Beim|Alte[rn]?|Neue[rn]?)"
        rf"(?:[ ]{CAPITAL}){{1,3}})[ ](?:Nr\.?[ ])?(?P<number>{NUMBER})"
    ),
    bits("DE AT CH LU"),
    False,
    Pattern(
        rf"(?:{CAPITAL}[ -]){{0,3}}[\w-]{{0,30}}?(?:[Ss]traße|[Ss]trasse|[Ss]tr\.|[a-zß]gasse|[a-zß]allee|STRASSE)"
        rf"[ ]{_NUMBER}"
    ),
)
DUTCH = Shape(
    "dutch",
    Pattern(
        rf"(?<![\w.@/-]){_LABELLED}(?:(?:{CAPITAL}|[Vv]an|[Dd]e[rn]?|[Hh]et|'t|ten|ter|te|[12]e)[ ])"
        rf"{{0,4}}?[{UPPER}][\w.'-]{{1,30}}?"
        rf"(?:straat|laan|weg|plein|gracht|kade|dijk|singel|steeg|dreef|hof|pad|lei|baan|markt|plantsoen|"
        rf"boulevard|allee|ring|park|kanaal|brink|eind|STRAAT|LAAN|WEG)"
        rf"(?:[ ](?:Noord|Zuid|Oost|West))?[ ](?P<number>{NUMBER}(?:[ ](?:bis|hs|I{{1,3}})\b|-[IVX]{{1,4}}\b)?)"
    ),
    bits("NL BE"),
    False,
    Pattern(rf"(?:(?:{CAPITAL}|{LINKS})[ ]){{0,3}}[{UPPER}]\w+(?:straat|laan|plein|gracht|kade|singel)[ ]{_NUMBER}"),
)
NORDIC = Shape(
    "nordic",
    Pattern(
        rf"(?<![\w.@/-]){_LABELLED}(?:{CAPITAL}[ ]){{0,3}}?(?:[{UPPER}][\w.'-]{{1,30}}?"
        rf"(?:gatan|gata|vägen|väg|gränd|torget|torg|plan|stigen|backen|gade|vej|vejen|allé|alle|stræde|plads|"
        rf"torv|veien|vegen|vei|veg|"
        rf"plass|plassen|bråten|myra|lia|haugen|toppen|bakken|åsen|svingen|stubben|lunden|vollen|skogen|kollen|"
        rf"marka|flata|berget|dalen|"
        rf"faret|kroken|stien|tunet|engen|moen|sletta|jordet|ringen|alléen|grenda|røa|holtet|høgda|eggen|vika|"
        rf"gropa|havna|neset|odden|spranget|liden|slingan|höjden|stig|bakke|have|park|vænge|toften|"
        rf"marken|parken|haven|katu|tie|kuja|polku|tori|kaari|ranta|bulevardi|esplanadi)"
        rf"|{CAPITAL}[ ](?:gate|gata|vei|väg|allé|Allé|plads|plass|gade|Gade|Gate|katu|tie|torg|kuja|bulevardi|"
        rf"polku|kaari|esplanadi))"
        rf"[ ](?P<number>{NUMBER}(?:(?<=[ ][A-Z])[ ]\d{{1,3}}\b)?)"
    ),
    bits("SE DK NO FI"),
    False,
    Pattern(
        rf"(?:{CAPITAL}[ ]){{0,2}}[{UPPER}]\w+(?:gatan|vägen|gränd|gade|vejen|stræde|veien|vegen|katu)"
        rf"[ ]{_NUMBER}(?:[ ][A-Z](?:[ ]\d{{1,3}})?)?"
    ),
)
_FRENCH = (
    "rue avenue boulevard chemin impasse allée allee allées quai place cours route square passage sentier ruelle "
    "faubourg "
    "voie esplanade promenade villa cité résidence lotissement hameau clos mail montée rond-point chaussée rang côte"
)
_FRENCH_WORD = rf"(?:{_words(_FRENCH)}|{_words(_FRENCH.title())}|av\.|Av\.|bd\.?|Bd\.?|bld|Blvd|pl\.|ch\.|rte)"
_MORE = rf"(?:[ ](?:{LINKS}[ ]?){{0,3}}(?!(?:Suite|Apt|App|Appartement|Bât|Bureau)\b){CAPITAL}|-{CAPITAL}){{0,5}}"
_NAME = (
    rf"(?:[ ](?:\d{{1,2}}(?:er)?[ ](?:de[ ])?)?(?:{LINKS}[ ]?){{0,3}}(?:{CAPITAL}|(?<=['’]){CAPITAL}|mai|août|"
    rf"juin|juillet|novembre|lilas))"
)
FRENCH = Shape(
    "french",
    Pattern(
        rf"{START}(?P<number>{_NUMBER}(?:[ ]?(?:bis|ter|quater|B|T)\b)?),?[ ]{_FRENCH_WORD}{_NAME}{_MORE}"
        rf"|(?<![\w])(?:[Rr]ue|[Aa]venue|[Bb]oulevard|[Cc]haussée|[Cc]hemin|[Pp]lace|[Rr]oute|[Qq]uai|[Aa]llée|"
        rf"[Ii]mpasse|[Rr]uelle|Av\.|Ch\.|RUE|AVENUE){_NAME}{_MORE}(?:,?[ ](?:n°[ ]?)?(?P<after>{NUMBER})|"
        rf"(?=[ ]?(?:,|\r?\n|-)[ \t]{{0,4}}(?:[FLB]-)?\d{{4,5}}[ ]))"
    ),
    bits("FR BE CH LU CA"),
    False,
    Pattern(
        r"(?!(?:19|20)\d\d)\d{1,4}(?:[ ]?(?:bis|ter))?,?[ ](?:rue|avenue|boulevard|chemin|impasse|allée|quai|RUE|"
        r"AVENUE|BOULEVARD)[ ].+"
    ),
)


def _led(words: str) -> str:
    return rf"(?<![\w.@/-])(?P<word>{words})"


_NR = r",?[ ](?:n\.?[ ]?[ºo°]?\.?[ ]?|nº[ ]?|N°[ ]?|num\.?[ ]|núm\.?[ ]|número[ ]|No\.?[ ]|#[ ]?)?"
_SPANISH = (
    "Calle Avenida Plaza Paseo Camino Carretera Ronda Travesía Rambla Carrer Glorieta Cuesta Callejón Calzada "
    "Boulevard Blvd. Avinguda Passeig Plaça Privada Prolongación Urbanización Cañada Pasadizo Acceso Pasaje "
    "Alameda Vial Viaducto Diagonal Andador Circuito Cerrada Corredor Retorno Periférico Peatonal Camiño Rúa"
)
SPANISH = Shape(
    "spanish",
    Pattern(
        _led(
            rf"(?:{_words(_SPANISH)}"
            r"|calle|avenida|plaza|paseo|Via|Avda\.?|AVDA\.?|Av\.|Pza\.?|Pl\.|P\.?º|Cl\.?|Ctra\.?|C\.|C/|Vía|Urb\.)"
        )
        + rf"[ ]?(?:(?:{LINKS}[ ]?){{0,3}}(?:{CAPITAL}|\d{{1,2}}[ ](?=de[ ])))"
        rf"(?:[ ](?:{LINKS}[ ]?){{0,3}}{CAPITAL}){{0,5}}?{_NR}(?P<number>{NUMBER}|[sS]/[nN])"
    ),
    bits("ES MX"),
    False,
    Pattern(
        r"(?:Calle|calle|CALLE|C/|Avenida|Avda\.?|Paseo|Plaza|Carrer|AVENIDA)[ ]?.+[ ](?:n[ºo°.]+[ ]?)?\d{1,4}[A-Za-z]?"
    ),
)
_ITALIAN = (
    "Via Viale Piazza Piazzale Corso Largo Vicolo Strada Contrada Lungomare Lungotevere Lungarno Salita Borgo "
    "Galleria Località Frazione Calle Fondamenta Rione Traversa Circonvallazione Canale Incrocio Rotonda "
    "Stretto Rampa Passaggio"
)
ITALIAN = Shape(
    "italian",
    Pattern(
        _led(
            rf"(?:{_words(_ITALIAN)}"
            r"|via|viale|piazza|corso|V\.le|P\.zza|P\.za|C\.so|V\.)"
        )
        + rf"[ ](?:(?:{LINKS}[ ]?){{0,3}}(?:{CAPITAL}|[IVX]{{1,5}}|\d{{1,2}})[ ]?)"
        rf"(?:(?:{LINKS}[ ]?){{0,3}}{CAPITAL}[ ]?){{0,5}}?(?<![ ]){_NR}(?P<number>{NUMBER}|snc\b)"
    ),
    bits("IT CH"),
    False,
    Pattern(
        r"(?:Via|VIA|Viale|Piazza|Corso|Vicolo|Piazzale)[ ](?![a-z]+ed?\b).+[ ](?:n\.?[ ]?)?\d{1,4}(?:/?[A-Za-z])?"
    ),
)
_PORTUGUESE = (
    "Rua Avenida Travessa Praça Largo Alameda Estrada Rodovia Beco Calçada Praceta Ladeira Quadra Via Viela "
    "Vila Parque Jardim Sítio Trecho Vereda Esplanada Conjunto Loteamento Residencial Condomínio Praia Morro "
    "Lagoa Setor"
)
PORTUGUESE = Shape(
    "portuguese",
    Pattern(
        _led(
            rf"(?:{_words(_PORTUGUESE)}"
            r"|rua|avenida|travessa|praça|R\.|Av\.?|Al\.|Pç\.?|Tv\.|Trav\.|Rod\.|Est\.)"
        )
        + rf"[ ](?:(?:{LINKS}[ ]?){{0,3}}(?:{CAPITAL}|[XV]{{1,3}}\b|\d{{1,2}}[ ](?=de[ ])))(?:[ ](?:{LINKS}[ ]?){{0,3}}"
        rf"(?:{CAPITAL}|(?:de[ ])?(?:maio|abril|julho|novembro|setembro|janeiro|outubro|dezembro)\b)){{0,5}}?"
        rf"{_NR}(?P<number>{NUMBER}|[sS]/[nN]\b)"
    ),
    bits("PT BR"),
    False,
    Pattern(r"(?:Rua|rua|RUA|Avenida|Travessa|Praça|Alameda|Estrada|AVENIDA)[ ].+[ ](?:n[ºo°.]+[ ]?)?\d{1,5}[A-Za-z]?"),
)
POLISH = Shape(
    "polish",
    Pattern(
        rf"(?<![\w.@/-])(?<!et[ ])(?:ul\.|UL\.|ulica|Ulica|al\.|Al\.|aleja|Aleja|Aleje|aleje|pl\.|Pl\.|plac|Plac|"
        rf"os\.|Os\.|osiedle|Osiedle|rondo|Rondo)"
        rf"[ ]?(?:\d{{1,2}}[ ])?(?:(?:{LINKS}|gen\.|ks\.|bł\.|dr|płk\.?|marsz\.|prof\.)[ ]?)"
        rf"{{0,2}}{CAPITAL}(?:(?:[ ]{LINKS})?[ -](?:{CAPITAL}|Maja)){{0,4}}?[ ](?P<number>{NUMBER})"
    ),
    bits("PL"),
    False,
    Pattern(r"(?:ul\.|UL\.|ulica|os\.|osiedle)[ ]?.+[ ]\d.*"),
)
_KANJI = r"[\u3005\u3041-\u30ff\u4e00-\u9fff]"
JAPANESE = Shape(
    "japanese",
    Pattern(
        rf"(?:〒[ ]?\d{{3}}-\d{{4}}\s{{0,3}}(?:{_KANJI}{{2,3}}[都道府県])?|{_KANJI}{{1,3}}[都道府県]){_KANJI}{{1,12}}"
        r"(?:\d{1,4}(?:丁目|番地?|号|[-−‐]\d{1,4}|の\d{1,3})?){1,4}"
        r"(?:[ ]?[\u30a0-\u30ff\u4e00-\u9fff]{2,16}\d{1,4}(?:号室?)?)?"
    ),
    bits("JP"),
    False,
)
BOX = Shape(
    "box",
    Pattern(
        r"(?<![\w])(?:(?:GPO|Gpo)[ ]Box|(?:P\.?[ ]?O\.?|p\.?o\.?|Post[ ]Office)[ ]?(?:Box|BOX|box)|POB|"
        r"Locked[ ]Bag|Private[ ]Bag|Postfach|Postbus|"
        r"Bo[iî]te[ ]postale|BP|B\.P\.|Case[ ]postale|Apartado(?:[ ](?:de[ ]Correos|postal))?|Casella[ ]postale|"
        r"Casella[ ]Postale|C\.P\.|"
        r"Caixa[ ]postal|Caixa[ ]Postal|Skrytka[ ]pocztowa|skr\.[ ]poczt\.|Postboks|Postbox|PL)"
        r"[ ]?(?:n[.ºo°]{1,2}[ ]?|#[ ]?)?(?P<number>\d{1,3}(?:[ ]\d{2,3}){1,2}(?!\w)|\d{1,6}(?!\w))"
    ),
    bits("US GB CA AU IE NZ IN DE AT CH LU NL BE FR ES MX IT PT BR PL SE DK NO FI"),
    True,
    Pattern(r"(?:(?:GPO|Gpo)[ ]Box|(?:P\.?[ ]?O\.?|Post[ ]Office)[ ]?(?:Box|BOX)|Postfach|Postbus)[ ]?\d.*"),
)
SHAPES = (ENGLISH, GERMAN, DUTCH, NORDIC, FRENCH, SPANISH, ITALIAN, PORTUGUESE, POLISH, BOX)
"""All of them; where two match from one place the longer one counts."""
