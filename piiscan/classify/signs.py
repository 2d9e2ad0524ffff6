"""What betrays that an address may be near: one scanner looks for these over everything, so they are cheap and coarse.

Patterns are of bytes (UTF-8), in the subset that `hyper.py` runs. Each belongs to a kind, which says what is read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from piiscan.classify.streets import (
    BOX,
    DUTCH,
    ENGLISH,
    FRENCH,
    GERMAN,
    ITALIAN,
    JAPANESE,
    NORDIC,
    POLISH,
    PORTUGUESE,
    SPANISH,
    Shape,
)


@dataclass(frozen=True, slots=True)
class Kind:
    """One group of signs and what to read around them."""

    signs: tuple[tuple[str, bool], ...]
    """(pattern, case ignored)."""
    shapes: tuple[Shape, ...] = ()
    ahead: int = 60
    """Characters before the end of a sign in which its address can begin."""
    behind: int = 70
    """Characters behind it in which its street can end."""
    digits: tuple[int, int] | None = None
    """Bytes before and behind the end of a sign in which a digit must stand."""
    reads: str = "street"


def _any(words: str) -> str:
    return "(?:" + "|".join(re.escape(word).replace("_", " ") for word in words.split()) + ")"


_ENGLISH = (
    "Street Avenue Road Lane Boulevard Drive Crescent Terrace Parkway St Ave Av Rd Ln Blvd Dr Cres Ter Pkwy Court "
    "Ct Way Place Pl Circle "
    "Cir Square Sq Trail Trl Close Gardens Gdns Grove Mews Hill Rise Row Walk Green Park View Highway Hwy Route "
    "Loop Alley Plaza Quay Parade "
    "Pde Esplanade Wharf Crossing Turnpike Pike Path Run Ridge Bend Cove Point Expressway Causeway Tce Cl Cr Grv "
    "Villas Broadway Heights Yard "
    "Marg Nagar Chowk Concourse Vale Meadow Meadows Wynd Drove Croft Gate Hollow Landing Manor Pass Fwy Arcade"
)
_GERMAN = "straße strasse str. gasse allee platz weg damm ufer chaussee promenade graben stieg ring markt"
_DUTCH = "straat laan weg plein gracht kade dijk singel steeg dreef hof pad baan boulevard plantsoen"
_NORDIC = (
    "gatan gata vägen väg gränd torget stigen backen gade vej vejen allé stræde plads veien vegen vei gate katu "
    "tie kuja polku tori "
    "kaari ranta"
)
_FRENCH = (
    "rue avenue boulevard chemin impasse allée allées quai place cours route square passage sentier ruelle av. bd bd. "
    "faubourg voie esplanade promenade résidence lotissement hameau mail montée chaussée villa cité rang"
)
_LED = (
    "Calle calle CALLE C/ Avenida avenida AVENIDA Avda Avda. Av. Av Plaza plaza Pza Pza. Paseo Camino Carretera "
    "Ctra. Ronda Travesía Rambla "
    "Carrer C. Glorieta Calzada Passeig Plaça Avinguda Via via VIA Viale Piazza piazza Piazzale Corso corso Largo "
    "Vicolo Strada Contrada "
    "Lungomare V.le P.zza C.so Salita Borgo Rua rua RUA R. Travessa Praça Alameda Estrada Rodovia Beco Calçada "
    "Praceta Ladeira Al. "
    "Boulevard Blvd. Privada Prolongación Cuesta Callejón Quadra "
    "Urbanización Cañada Pasadizo Acceso Pasaje Vial Viaducto Diagonal Andador Circuito Cerrada Corredor Retorno "
    "Canale Incrocio Rotonda Stretto"
)
_POLISH = "ul. UL. ulica Ulica al. Al. aleja Aleja Aleje pl. Pl. plac Plac os. Os. osiedle Osiedle rondo Rondo"
_BOX = (
    "Post_Office_Box P.O._Box P.O_Box PO_Box PO_BOX P.O._BOX P.O.Box POB GPO_Box Locked_Bag Private_Bag Postfach "
    "Postbus Boîte_postale "
    "Case_postale Apartado Casella_postale Casella_Postale Caixa_postal Caixa_Postal skr._poczt. Postboks BP B.P."
)
_STREET_LABELS = (
    "street address addr address1 address_line_1 address_1 straße strasse straßenname anschrift adresse rue voie "
    "calle dirección direccion "
    "domicilio via indirizzo rua endereço endereco logradouro morada ulica adres straat straatnaam gata "
    "gatuadress adress gateadresse vej gade "
    "katuosoite osoite street_name"
)
_EDGE = "[^A-Za-z0-9]"

KINDS: tuple[Kind, ...] = (
    Kind(
        ((rf" {_any(_ENGLISH)}{_EDGE}", False), (rf" {_any(_ENGLISH.upper())}{_EDGE}", False)),
        (ENGLISH,),
        80,
        30,
        (70, 0),
    ),
    Kind(
        ((rf"{_any(_GERMAN)} [1-9]", True), (rf"{_any(_GERMAN)} Nr\. ?[1-9]", True)),
        (GERMAN,),
        60,
        25,
    ),
    Kind(((rf"{_any(_DUTCH)} [1-9]", True),), (DUTCH,), 60, 25),
    Kind(((rf"{_any(_NORDIC)} [1-9]", True),), (NORDIC,), 60, 25),
    Kind(
        (
            (rf" {_any(_FRENCH)} (?:de|du|des|la|le|les|aux?|en|sous|sur|saint|st|dr) ", True),
            (rf" {_any(_FRENCH)} [dl]['\xe2]", True),
            (rf" {_any(_FRENCH)} [A-Z\xc3]", False),
            (r"(?:rue|avenue|boulevard|chemin|impasse|quai|route|allée|chaussée|ruelle) [dlA-Z\xc3]", False),
            (
                r"(?:Rue|Avenue|Boulevard|Chaussée|Chemin|Place|Route|Quai|Allée|Av\.|Ch\.|RUE|AVENUE) [a-zA-Z\xc3]",
                False,
            ),
        ),
        (FRENCH,),
        30,
        90,
        (24, 90),
    ),
    Kind(
        ((rf"{_any(_LED)} [A-Z0-9dl\xc3]", False), (r" C/[A-Z]", False)),
        (SPANISH, ITALIAN, PORTUGUESE),
        30,
        90,
        (0, 90),
    ),
    Kind(
        ((rf"{_any(_POLISH)} [A-Z0-9\xc5\xc4]", False), (r" (?:ul|al|pl|os)\.[A-Z\xc5\xc4]", False)),
        (POLISH,),
        30,
        90,
        (0, 60),
    ),
    Kind(((rf"{_any(_BOX)} ?(?:n[.º] ?|# ?)?[0-9]", False), (r" de Correos [0-9]", False)), (BOX,), 40, 20),
    Kind(
        (
            (
                r"[0-9] ?[A-Za-z]?(?:[ \t]*[,;|\r\n][ \t\n]{0,3}| - )(?:[A-Z]{1,3}-)?[0-9]{4,5}(?:-[0-9]{3})? "
                r"[A-Z\xc3\xc5]",
                False,
            ),
            (
                r"[0-9] ?[A-Za-z]?[ ,\r\n]{1,4}(?:[0-9]{3} [0-9]{2}|[0-9]{2}-[0-9]{3}|[0-9]{4}-[0-9]{3}|[0-9]{4} "
                r"?[A-Z]{2})[ ,\r\n]{1,2}[A-Z\xc3\xc5]",
                False,
            ),
            (r"[0-9]{5}-[0-9]{3} [A-Zd]", False),
        ),
        (GERMAN, DUTCH, NORDIC, FRENCH, SPANISH, ITALIAN, PORTUGUESE, POLISH),
        100,
        60,
        None,
        "post",
    ),
    Kind(
        (
            (r" [A-Z]{2,3},? [0-9]{4,5}[^0-9A-Za-z.]", False),
            (r"[A-Z][0-9][A-Z0-9]? [0-9][A-Z]{2}[^A-Za-z0-9]", False),
            (r"[A-Z][0-9][A-Z][ -]?[0-9][A-Z][0-9][^A-Za-z0-9]", False),
        ),
        (),
        130,
        20,
        (100, 0),
        "state",
    ),
    Kind(
        ((rf"{_any(_STREET_LABELS)}[\x22'*]{{0,2}}[ \t]?[:=]", True), (rf"{_any(_STREET_LABELS)}\.{{3,40}}", True)),
        (),
        220,
        300,
        (0, 120),
        "form",
    ),
    Kind((("〒 ?[0-9]", False), ("[0-9](?:丁目|番地?)", False)), (JAPANESE,), 60, 60),
)
