"""Addresses are one span: street, number, flat, town, postcode, over commas and line ends; nothing else is one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from piiscan.classify import places
from piiscan.classify.address_stage import AddressRecognizer
from piiscan.classify.addresses import BARE, LABELLED, PARTLY, SURE, WHOLE, find, joined
from piiscan.classify.build import build_stack
from piiscan.classify.forms import forms
from piiscan.classify.places import bits, countries_of
from piiscan.config import Config
from piiscan.errors import ConfigError
from piiscan.model import ColumnSegment, MatchBatch

WHOLE_ADDRESSES = {
    "us": "418 Juniper Lane, Apt 7C, Springfield, IL 62704-1188",
    "us-named-state": "9 East Quarry Road, Portland, Oregon 97205",
    "us-direction": "1207 S. Hollis St., Tulsa, OK 74104",
    "us-ordinal": "233 14th Avenue NE, Seattle, WA 98105, USA",
    "us-box": "P.O. Box 8812, Madison, WI 53703",
    "uk": "Flat 3, 27 Tannery Road, Sheffield S7 1QX",
    "uk-capitals": "14 MARKET STREET, LEEDS LS2 7HY",
    "ie": "48 Quarry Street, Cork T12 X8Y4, Ireland",
    "ca": "77 Birchmount Crescent, Unit 12, Winnipeg, MB R3C 2P4",
    "ca-french": "1420, rue des Érables, Montréal (Québec) H2X 1Y4",
    "au": "6/19 Wattle Parade, Fremantle WA 6160",
    "nz": "31 Rata Street, Dunedin 9016",
    "in": "24 Lalbagh Road, Bengaluru 560027",
    "de": "Holunderweg 12a, 50667 Köln",
    "de-country": "An der Alten Mühle 3, D-79098 Freiburg, Deutschland",
    "at": "Lerchengasse 12/3/15, 1080 Wien",
    "at-stairs": "Marktplatz 4, Stiege 2, 4020 Linz",
    "ch": "Rosenstrasse 88, 9000 St. Gallen",
    "ch-french": "Chemin des Lilas 14, 1003 Lausanne",
    "fr": "18 bis, rue du Moulin Vert, 44000 Nantes",
    "fr-cedex": "5 avenue du Maréchal, 31000 Toulouse Cedex 7",
    "be": "Tulpenstraat 31 bus 4, 2000 Antwerpen",
    "nl": "Prins Mauritslaan 203, 2582 LT Den Haag",
    "es": "Calle de los Olmos, 14, 3º B, 41004 Sevilla",
    "es-abbreviated": "Avda. de la Constitución 27, 46021 Valencia",
    "mx": "Calle Olivos 114, Col. Jardines, 44100 Guadalajara",
    "it": "Via dei Tigli 22, 40121 Bologna (BO)",
    "it-square": "Piazza Vecchia 3/A - 24129 Bergamo",
    "pt": "Rua do Salgueiro, n.º 45, 3000-213 Coimbra",
    "br": "Rua das Acácias, 310, apto 52, Campinas - SP, 13010-040",
    "br-cep-first": "Alameda dos Ipês, 77, 80420-090 Curitiba/PR",
    "pl": "ul. Brzozowa 14/3, 31-052 Kraków",
    "se": "Björkgatan 17, 753 23 Uppsala",
    "dk": "Lindevej 9, 2. th, 8000 Aarhus",
    "no": "Bjerkeveien 22, 5003 Bergen",
    "fi": "Koivukatu 11 B 24, 33100 Tampere",
    "jp": "神奈川県横浜市中区見本町3丁目4番5号",
}
"""Invented streets in real towns, one or more of each country."""


@pytest.mark.parametrize("address", WHOLE_ADDRESSES.values(), ids=WHOLE_ADDRESSES)
def test_an_address_in_a_sentence_is_one_span(address: str) -> None:
    text = f"Please send it to {address}; thank you."
    assert [(text[s:e], c) for s, e, c in find(text)] == [(address, WHOLE)]


@pytest.mark.parametrize("rest", ["by Monday.", "on Friday.", "am Montag.", "le lundi.", "in May, or later."])
def test_an_address_ends_with_its_town(rest: str) -> None:
    for address in ("Holunderweg 12a, 50667 Köln", "Holunderweg 12a, 50667 Unterqwertz"):
        text = f"Send it to {address} {rest}"
        assert [text[s:e] for s, e, _ in find(text)] == [address]


@pytest.mark.parametrize("address", WHOLE_ADDRESSES.values(), ids=WHOLE_ADDRESSES)
def test_an_address_over_lines_is_one_span(address: str) -> None:
    street, _, town = address.rpartition(", ")
    lines = f"{street}\n{town}" if street else town
    text = f"N. N.\n{lines}\n\nDear reader,\n"
    assert [(text[s:e], c) for s, e, c in find(text)] == [(lines, WHOLE)]


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("We met at 27 Tannery Road, and left.", "27 Tannery Road"),
        ("Er wohnt seit Mai in der Holunderstraße 12.", "Holunderstraße 12"),
        ("zamieszkała przy ul. Brzozowa 14/3.", "ul. Brzozowa 14/3"),
        ("J'habite au 12 rue des Saules, à côté.", "12 rue des Saules"),
        ("Vive en Calle Olmos 5, cerca.", "Calle Olmos 5"),
        ("Abita in Via dei Tigli 22, di fronte.", "Via dei Tigli 22"),
        ("Mora na Rua do Salgueiro 21, no centro.", "Rua do Salgueiro 21"),
    ],
)
def test_a_street_whose_shape_leaves_no_doubt_needs_no_town(text: str, address: str) -> None:
    found = find(text)
    assert [text[s:e] for s, e, _ in found] == [address]
    assert found[0][2] in (BARE, LABELLED)


@pytest.mark.parametrize(
    "text",
    [
        "Version 12 of the street map, build 4.17 Road",
        "it takes 5 minutes street to street",
        "20 Wall Street analysts cut their forecast",
        "In 2019 Main Street was closed.",
        "1 Infinite loop\n2 Nested way\n",
        "Contents\n3 The Long Road\n12 Open Roads\n14 Silver Lane\nIndex\n",
        "paid 1,250 Park tickets and 300 Court fees",
        "page 12, 2019 Annual report",
        "May 5, 2024 Paris hosted the final; Mai 5, 2024 Wien",
        "Figure 3, 12345 Samples",
        "GET /12/Street/Leeds HTTP/1.1 200 5123",
        "at com.example.Street.main(Street.java:12)",
        "const road = 12; // Park 5, Lane 7",
        "2024-05-01 12:00:01 INFO Drive 3 Court 4 ready, 12345 Blocks",
        "The top 10 Drive",
        "Smith et al. Nature 12, 2010",
        "Via email 24, 2019",
        "street: string, city: string, zip: 12345",
        "address: 10.0.0.1\ncity: none\n",
        "Address: 0x7fff5fbff8a0\nState: 3\n",
        "total 12345 Items, 5 Place settings",
        "Straße frei ab 5 Uhr; Platz 3, Reihe 4",
        "Calle 13 is a band; Avenida Q 2003",
        "Rue 89 was a paper",
        "R. Smith 12, C. Jones 14",
        "51 Franklin Street, Fifth Floor, Boston, MA 02110-1301, USA",
        "| 12 | High | Street | 44000 |",
        "12 Rules for Life, 10 Things Place",
        'example: "123 Any Street", "100 Main Street"',
    ],
)
def test_no_address(text: str) -> None:
    assert [text[s:e] for s, e, _ in find(text)] == []


@pytest.mark.parametrize(
    ("text", "address", "worth"),
    [
        ("Street: 4 Elm Ct\nCity: Leeds\nPostcode: LS1 4AB\n", "4 Elm Ct\nCity: Leeds\nPostcode: LS1 4AB", SURE),
        ("PLZ: 50667\nOrt: Köln\nStraße: Holunderweg\nHausnummer: 12\n", None, SURE),
        ("Calle: Olmos 5 | C.P.: 41004 | Localidad: Sevilla | Tel", "Olmos 5 | C.P.: 41004 | Localidad: Sevilla", SURE),
        ("Adres: Brzozowa 14\nMiasto: Kraków\n", "Brzozowa 14\nMiasto: Kraków", PARTLY),
        ("PLZ/Ort: 50667 Köln\nStraße: Holunderweg 5", "50667 Köln\nStraße: Holunderweg 5", LABELLED),
    ],
)
def test_the_lines_of_a_form_are_one_address(text: str, address: str | None, worth: float) -> None:
    found = list(forms(text))
    assert [c for _, _, c in found] == [worth]
    if address is not None:
        assert text[found[0][0] : found[0][1]] == address
    assert find(text)


def test_labels_of_code_make_no_address() -> None:
    assert list(forms("street = name\ncity = town\nzip = 4")) == []
    assert list(forms("Address: http://192.0.2.1/a1\nCity: none")) == []


def test_places_outside_ascii_have_their_offsets_in_characters() -> None:
    text = "Zażółć gęślą jaźń – ул. 😀 " * 40 + "ul. Brzozowa 14/3, 31-052 Kraków."
    (start, end, worth) = find(text)[0]
    assert (text[start:end], worth) == ("ul. Brzozowa 14/3, 31-052 Kraków", WHOLE)


def test_the_table_knows_towns_by_their_countries() -> None:
    assert countries_of("Gelsenkirchen") == bits("DE")
    assert countries_of("WROCŁAW") & bits("PL")
    assert countries_of("Saint-Étienne") & bits("FR")
    assert countries_of("Qwertzuiop") == 0


def test_joined_puts_an_address_in_the_place_of_its_parts() -> None:
    text = "Ada Example, 27 Tannery Road, Sheffield S7 1QX, met Bob in Leeds."
    names = [(0, 11, "PERSON"), (16, 28, "LOCATION"), (30, 39, "LOCATION"), (52, 55, "PERSON"), (59, 64, "LOCATION")]
    plain: list[tuple[int, int, str]] = [(10, 15, "LOCATION")]
    assert joined([text, "Ada is in Leeds.", ""], [names, plain, []]) == [
        [
            (0, 11, "PERSON", None),
            (13, 46, "ADDRESS", WHOLE),
            (52, 55, "PERSON", None),
            (59, 64, "LOCATION", None),
        ],
        [(10, 15, "LOCATION", None)],
        [],
    ]


def test_a_scan_without_names_finds_addresses_and_reports_each_once() -> None:
    stack = build_stack(Config(ner=False))
    text = "Her address: 418 Juniper Lane,\nSpringfield, IL 62704.\nPostcode: S7 1QX"
    found = {(match.rule, text[match.start : match.end]) for match in stack.classify(text)}
    assert ("generic.postal_address", "418 Juniper Lane,\nSpringfield, IL 62704") in found
    assert not any(rule == "generic.street_address" for rule, _ in found)
    assert ("uk.postcode", "S7 1QX") in found


def test_a_pack_without_addresses_has_no_stage_for_them() -> None:
    assert not any(isinstance(r, AddressRecognizer) for r in build_stack(Config(ner=False, packs=("pci",))).recognizers)


def test_cells_of_columns_are_read() -> None:
    session = AddressRecognizer().session()
    cells = ("27 Tannery Road, Sheffield S7 1QX", "none", "", "Holunderweg 12a, 50667 Köln")
    assert session.column(ColumnSegment("place", "", cells, (1, 2, 3, 4))) == [
        (0, 0, 0, 33, WHOLE),
        (0, 3, 0, 27, WHOLE),
    ]
    said = session.column(ColumnSegment("Adresse", "", cells, (1, 2, 3, 4)))
    assert said == [(0, 0, 0, 33, SURE), (0, 3, 0, 27, SURE)]


def test_titles_in_a_column_are_no_streets_and_streets_are() -> None:
    session = AddressRecognizer().session()
    titles = ("Some Film", "84 Rosebery Lane", "Another", "A Third", "And a Fourth", "The Fifth", "Number 6")
    assert session.column(ColumnSegment("title", "", titles, range(1, 8))) == []
    streets = ("84 Rosebery Lane", "27 Tannery Road", "9 Quarry Street")
    assert len(session.column(ColumnSegment("loc", "", streets, range(1, 4)))) == 3


@pytest.mark.parametrize(
    "part",
    [
        "1 A Street ",
        "Am Aa Aa Aa 5 ",
        "PO Box 1 ",
        "12 Aa, ",
        "Street: 12 Aa City: ",
        "Calle de la ",
        "5, 12345 Aa ",
        "東京都港区1丁目",
    ],
)
def test_a_row_of_beginnings_costs_no_more_than_its_length(part: str) -> None:
    """Twice the text, about twice the work: counted in calls of functions, which do not depend on the machine."""

    def calls(text: str) -> int:
        count = 0

        def tick(_frame: object, event: str, _arg: object) -> None:
            nonlocal count
            count += event == "call"

        find(text)
        sys.setprofile(tick)
        try:
            find(text)
        finally:
            sys.setprofile(None)
        return count

    assert calls(part * 4000) < 3 * calls(part * 2000) + 1000


def test_equal_without_hyperscan() -> None:
    """The patterns of the scanner mean the same to `re`."""
    code = (
        "from tests.classify.test_addresses import WHOLE_ADDRESSES as known\n"
        "from piiscan.classify.addresses import find\n"
        "assert all(len(find(f'x {a}; y')) == 1 for a in known.values())\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={"PIISCAN_NO_HYPERSCAN": "1", "PYTHONPATH": "."})


def test_a_column_of_addresses_is_reported_by_whole_cells() -> None:
    cells = [f"{n} Tannery Road, Sheffield S7 1QX" for n in range(1, 200)]
    cells[120:120] = ["n/a", "", "unknown", "Old Forge House 3, Sheffield"]
    session = AddressRecognizer().session()
    found = session.column(ColumnSegment("home", "", tuple(cells), tuple(range(len(cells)))))
    assert isinstance(found, MatchBatch)
    assert found.item is not None
    expected = [n for n, cell in enumerate(cells) if any(map(str.isdecimal, cell))]
    assert found.item.tolist() == expected
    assert found.end.tolist() == [len(cells[n]) for n in expected]
    assert np.allclose(found.confidence, WHOLE)


def test_a_column_with_a_few_addresses_is_read_cell_by_cell() -> None:
    cells = ["blue", "the red one", "27 Tannery Road, Sheffield S7 1QX"] * 20
    session = AddressRecognizer().session()
    found = session.column(ColumnSegment("remark", "", tuple(cells), tuple(range(len(cells)))))
    assert isinstance(found, list)
    assert [item for _, item, *_ in found] == list(range(2, 60, 3))


@pytest.mark.parametrize("content", [None, b"", b"no array at all"])
def test_a_table_of_places_that_is_missing_or_damaged_is_named(
    content: bytes | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tables").mkdir()
    if content is not None:
        (tmp_path / "tables" / "places.npy").write_bytes(content)
    monkeypatch.setattr(places, "default_folder", lambda: tmp_path)
    places._table.cache_clear()
    try:
        with pytest.raises(ConfigError, match=r"places\.npy"):
            AddressRecognizer()
    finally:
        places._table.cache_clear()
