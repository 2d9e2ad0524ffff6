"""Columns read as columns: what their names and their values say, and which cells are reported."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import piiscan
from piiscan.cells import Cells, Coded
from piiscan.classify.field_columns import FieldColumns, Hits, kinds, long_cells, value_network
from piiscan.classify.field_headers import Word, spoken, told
from piiscan.classify.fields import PEOPLE, Field, Verdict, judged, sampled
from piiscan.classify.ner import NameRecognizer
from piiscan.errors import ConfigError
from piiscan.model import ColumnSegment, ObjectReport, Occurrence, Place

_FIRST = """Margaret Oluwaseun Katarzyna Thibault Ingrid Mehmet Giulia Ximena Henrik Saoirse Dmitri Aaliyah Wolfgang
Priya Beatriz Joost Radovan Chiamaka Leonie Tomasz Yasemin Anselm Rosalind Benedikt"""
_LAST = """Whitfield Adeyemi Nowakowska Lemoine Sørensen Yıldırım Ferrante Villanueva Bergstrøm Gallagher Kuznetsov
Haddad Oberhauser Raghunathan Carvalho Vandermeer Jovanović Okonkwo Brandstätter Wiśniewski Demirtaş Rosenqvist
Abernathy Hochstetter"""
FIRST, LAST = _FIRST.split(), _LAST.split()
FULL = [f"{first} {last}" for first, last in zip(FIRST, LAST, strict=True)]
PEOPLE_AS = {
    "plain": FULL,
    "last first": [f"{last}, {first}" for first, last in zip(FIRST, LAST, strict=True)],
    "LAST, First": [f"{last.upper()}, {first}" for first, last in zip(FIRST, LAST, strict=True)],
    "capitals": [name.upper() for name in FULL],
    "small letters": [name.lower() for name in FULL],
    "initials": [f"{first[0]}. {last}" for first, last in zip(FIRST, LAST, strict=True)],
    "middle initial": [f"{first} K. {last}" for first, last in zip(FIRST, LAST, strict=True)],
    "first": FIRST,
    "last": LAST,
}
SCRIPTS = {
    "Cyrillic": "Анна Петрова|Игорь Соколов|Мария Кузнецова|Дмитрий Волков|Ольга Морозова|Сергей Лебедев|"
    "Татьяна Орлова|Павел Никитин|Елена Захарова|Алексей Фролов",
    "Greek": "Ελένη Παπαδοπούλου|Γιώργος Νικολάου|Μαρία Αντωνίου|Κώστας Δημητρίου|Σοφία Γεωργίου|Νίκος Ιωάννου|"
    "Κατερίνα Βασιλείου|Παναγιώτης Κωνσταντίνου|Άννα Χριστοδούλου|Δημήτρης Μακρής",
    "Arabic": "أحمد الحسن|فاطمة الزهراء|محمد العلي|ليلى حداد|يوسف منصور|مريم الخطيب|عمر الشامي|"
    "سارة النجار|خالد درويش|نور الدين",
    "Devanagari": "राहुल शर्मा|प्रिया गुप्ता|अनिल कुमार|सुनीता वर्मा|विजय सिंह|पूजा मिश्रा|"
    "संजय यादव|कविता जोशी|अमित पटेल|नेहा अग्रवाल",
}
THINGS = {
    "cities": "Rotterdam|Valparaíso|Gdańsk|Bordeaux|Nagoya|Mombasa|Wellington|Antwerp|Salzburg|Izmir|Bergen|Cardiff",
    "companies": "Harbour Freight Ltd|Nordlicht GmbH|Acme Software Inc|Blue River Holdings|Delta Foods S.A.|"
    "Kestrel Energy PLC|Orion Logistics LLC|Summit Insurance Group|Pine Street Capital|Vertex Pharma AG",
    "products": "Wireless Mouse|Steel Water Bottle|Desk Lamp|Garden Hose|Running Shoes|Coffee Grinder|Phone Case|"
    "Yoga Mat|Travel Mug|Leather Wallet|Bluetooth Speaker",
    "colours": "red|dark blue|light green|violet|amber|rose|olive|teal|black|ivory|grey|crimson",
    "months": "January|February|March|April|May|June|July|August|September|October|November|December",
    "statuses": "Active|Closed|Pending Review|On Hold|New|Grant Approved|Mark Down|Will Call|Rich Text|Hope Credit",
    "usernames": "jsmith42|mara_k|x_hunter|tom.w|anneli7|bsoto|kperez1|dlee_99|nina.r|rgupta3|olek_z|vchan",
    "files": "report.pdf|summary.docx|data_2024.csv|photo1.jpg|backup.zip|main.py|index.html|notes.txt|logo.png|a.xml",
    "slugs": "new-york-marathon|best-of-2020|how-to-cook|rose-garden|the-grand-tour|early-bird|long-road|green-hills",
    "species": "Parus major|Turdus merula|Rana temporaria|Felis silvestris|Quercus robur|Betula pendula|Lynx lynx|"
    "Salmo trutta|Apis mellifera|Bufo bufo",
    "teams": "Boston Tigers|Leeds Wanderers|Chicago Sharks|Oslo Athletic|Milan Eagles|Dallas Rangers|Perth United|"
    "Austin Bulls|Kyoto Dragons|Lyon Rovers",
    "genes": "BRCA1|TP53|EGFR|MYC|KRAS|PTEN|VEGFA|CDKN2A|IL6|TNF|AKT1|STAT3",
    "jobs": "Electrician|Nurse|Software Engineer|Baker|Plumber|Librarian|Civil Engineer|Pilot|Chef|Carpenter",
    "diseases": "asthma|type 2 diabetes|hypertension|migraine|pneumonia|eczema|arthritis|anaemia|gout|bronchitis",
}


def verdict(header: str, values: Sequence[str], *parents: str) -> Verdict:
    session = NameRecognizer(1_000_000).session()
    return judged(header, parents, sampled(values), kinds, session._persons)


def hits(columns: FieldColumns, segment: ColumnSegment) -> Hits:
    found = columns.hits(segment)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("header", "word"),
    [
        ("first_name", Word.FIRST), ("fname", Word.FIRST), ("Vorname", Word.FIRST), ("Prénom", Word.FIRST),
        ("cust_first", Word.FIRST), ("имя клиента", Word.PERSON), ("Nachname", Word.LAST), ("SURNAME", Word.LAST),
        ("apellido paterno", Word.LAST), ("Soyadı", Word.LAST), ("фамилия", Word.LAST), ("lastName2", Word.LAST),
        ("custNm", Word.FULL), ("nom du client", Word.FULL), ("客户姓名", Word.FULL),
        ("employeeNames", Word.FULL), ("Kundenname", Word.FULL), ("assigned_to", Word.PERSON), ("OWNER", Word.PERSON),
        ("name", Word.NAME), ("Nombre", Word.NAME), ("product_name", Word.THING), ("user_name", Word.THING),
        ("owner_id", Word.THING), ("last_login", Word.THING), ("last_update", None), ("x7", None), ("", None),
        ("company_name", Word.COMPANY), ("customer city", Word.CITY), ("birth_city", Word.CITY), ("PLZ", Word.POSTCODE),
        ("country", Word.COUNTRY), ("Straße", Word.STREET), ("DOB", Word.BIRTH), ("sex", Word.GENDER),
        ("comments", Word.TEXT),
    ],
)  # fmt: skip
def test_a_columns_name_speaks(header: str, word: Word | None) -> None:
    assert told(header) is word


def test_a_bare_name_is_of_what_it_is_part_of() -> None:
    assert spoken("name", ("employees",)) is Word.FULL
    assert spoken("name", ("users",)) is Word.FULL
    assert spoken("name", ("shop", "products")) is Word.THING
    assert spoken("name", ()) is Word.NAME


@pytest.mark.parametrize("form", PEOPLE_AS)
@pytest.mark.parametrize("header", ["", "name", "col3"])
def test_names_are_told_by_their_values(form: str, header: str) -> None:
    assert verdict(header, PEOPLE_AS[form]).field in PEOPLE


@pytest.mark.parametrize("script", SCRIPTS)
def test_names_of_other_scripts(script: str) -> None:
    values = SCRIPTS[script].split("|")
    assert verdict("", values).field in PEOPLE
    assert verdict("name", values).field in PEOPLE


def test_chinese_japanese_and_korean_names() -> None:
    for header, values in (
        ("姓名", "王小明|李丽华|张伟强|陈美玲|刘建国|赵雪梅|周文博|吴佳怡|郑志远|孙晓燕"),
        ("氏名", "佐藤健一|鈴木花子|高橋美咲|田中太郎|伊藤直樹|渡辺由美|山本拓也|中村陽子|小林翔|加藤恵"),
        ("이름", "김민수|이지은|박서준|최유진|정하늘|강도윤|조은비|윤재호|장미란|임수빈"),
    ):
        assert verdict(header, values.split("|")).field in PEOPLE


@pytest.mark.parametrize("thing", THINGS)
@pytest.mark.parametrize("header", ["", "col3", "name", "title"])
def test_other_things_are_nobody(thing: str, header: str) -> None:
    assert verdict(header, THINGS[thing].split("|")).field not in PEOPLE


def test_counties_that_are_called_like_people_are_places_by_their_header() -> None:
    counties = "Adams|Allen|Benton|Calhoun|Clinton|Crawford|Franklin|Jackson|Lincoln|Marshall|Monroe|Warren"
    assert verdict("county", counties.split("|")).field not in PEOPLE
    assert verdict("last_name", counties.split("|")).field is Field.LAST_NAME


def test_full_names_outweigh_a_header_that_says_otherwise() -> None:
    assert verdict("user_name", FULL).field is Field.FULL_NAME
    assert verdict("user_name", FIRST).field is None


def test_few_values_need_a_header() -> None:
    assert verdict("last_name", LAST[:1]).field is Field.LAST_NAME
    assert verdict("customer_name", FULL[:1]).field is Field.FULL_NAME
    assert verdict("name", FULL[:2]).field is None
    assert verdict("", FULL[:5]).field is None
    assert not verdict("", FULL[:5]).lasting


def test_a_header_alone_makes_no_name() -> None:
    assert (
        verdict("customer_name", ["Wireless Mouse", "Desk Lamp", "Garden Hose", "Phone Case", "Yoga Mat"]).field is None
    )
    assert verdict("first_name", [str(n) for n in range(40)]).field is None
    assert verdict("author", THINGS["companies"].split("|")).field not in PEOPLE


def test_the_other_fields() -> None:
    streets = [f"{n} {last} Street" for n, last in enumerate(LAST, 3)]
    assert verdict("street", streets).field is Field.STREET
    assert verdict("Anschrift", [f"{last}straße {n}" for n, last in enumerate(LAST, 3)]).field is Field.STREET
    assert verdict("city", THINGS["cities"].split("|")).field is Field.CITY
    assert verdict("country", ["Norway", "Chile", "Kenya", "Japan", "Poland", "France"]).field is Field.COUNTRY
    assert verdict("company", THINGS["companies"].split("|")).field is Field.COMPANY
    assert verdict("zip", ["90210", "10001", "60601"]).field is Field.POSTCODE
    assert verdict("postcode", ["SW1A 1AA", "M1 1AE", "B33 8TH"]).field is Field.POSTCODE
    assert verdict("dob", ["1980-02-03", "1975-11-30"]).field is Field.BIRTH_DATE
    assert verdict("sex", ["M", "F"]).field is Field.GENDER
    assert verdict("", ["männlich", "weiblich", "divers"]).field is Field.GENDER
    said = [f"The parcel number {n} was left with the neighbour, who was very kind about it." for n in range(9)]
    assert verdict("notes", said).field is Field.TEXT
    assert verdict("id", [str(n) for n in range(30)]).field is None


def test_evidence_is_said_and_quotes_no_value() -> None:
    found = verdict("cust_nm", FULL)
    assert found.confidence == 0.75
    assert len(found.evidence) >= 2
    assert not any(name in sentence for sentence in found.evidence for name in (*FIRST, *LAST))


def test_cells_that_hold_nothing_are_no_names() -> None:
    values = ["  Ingrid Sørensen ", "N/A", "", "unknown", "-", "42", "Mehmet Yıldırım", "(none)", "J"]
    found = hits(FieldColumns(lambda _: 1.0), ColumnSegment("customer_name", "", values, range(1, 10)))
    assert found.item.tolist() == [0, 6]
    assert [values[i][s:e] for i, s, e in zip(found.item, found.start, found.end, strict=True)] == [
        "Ingrid Sørensen",
        "Mehmet Yıldırım",
    ]


def test_all_forms_of_a_column_give_the_same_cells() -> None:
    distinct = [*FULL, "unknown", " Ximena Gallagher", ""]
    codes = np.arange(600) % len(distinct)
    whole = [distinct[code] for code in codes]
    seen = []
    for values in (whole, Cells.of(whole), Coded(Cells.of(distinct), codes)):
        found = hits(FieldColumns(lambda _: 1.0), ColumnSegment("customer_name", "", values, range(600)))
        seen.append((found.item.tolist(), found.start.tolist(), found.end.tolist()))
    assert seen[0] == seen[1] == seen[2]
    assert len(seen[0][0]) == sum(value not in ("unknown", "") for value in whole)


def test_lone_surrogates_are_read() -> None:
    values = [*FULL, "Anna \udc80\udfff Lind", "\ud800"]
    found = hits(FieldColumns(lambda _: 1.0), ColumnSegment("customer_name", "", values, range(len(values))))
    assert len(found.item) >= len(FULL)


def test_a_verdict_is_kept_once_it_was_made_over_enough_values() -> None:
    columns = FieldColumns(lambda _: 1.0)
    assert columns.hits(ColumnSegment("", "", FULL[:4], range(4))) is None
    assert columns.hits(ColumnSegment("", "", FULL, range(24))) is not None
    assert columns.hits(ColumnSegment("", "", FULL[:4], range(4))) is not None
    assert columns.hits(ColumnSegment("", "", FULL[:4], range(4), Place(sheet="other"))) is None


def test_long_cells_come_once_with_all_their_places() -> None:
    values = ["short", "a cell that is long enough", "a cell that is long enough", "another one of many words"]
    for held in (values, Cells.of(values), Coded(Cells.of(sorted(set(values))), np.array([2, 0, 0, 1]))):
        texts, where = long_cells(held, 20, 1000)
        assert dict(zip(texts, (w.tolist() for w in where), strict=True)) == {values[1]: [1, 2], values[3]: [3]}
    assert long_cells(values, 20, 30)[0] == [values[1]]


def test_a_model_of_values_that_is_damaged_or_missing_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="piiscan_fields"):
        value_network(tmp_path)


def occurrences(report: ObjectReport, rule: str) -> list[Occurrence]:
    return [place for found in report.findings if found.rule == rule for place in found.occurrences]


def test_a_scan_finds_the_names_of_a_table_and_nothing_in_its_other_columns(tmp_path: Path) -> None:
    things = (THINGS[thing].split("|")[:10] for thing in ("cities", "companies", "products"))
    cells = zip(range(10), PEOPLE_AS["last first"][:10], *things, strict=True)
    rows = [f'{n},"{name}",{",".join(rest)}' for n, name, *rest in cells]
    (tmp_path / "a.csv").write_text("\n".join(["id,customer_name,city,company,product", *rows]) + "\n")
    (report,) = piiscan.Scanner().scan(str(tmp_path))
    assert [str(found.rule) for found in report.findings] == ["ner.person"]
    places = [place.place for place in occurrences(report, "ner.person")]
    assert {place.column_name for place in places} == {"customer_name"}
    assert [place.row for place in places] == list(range(1, 11))


def test_names_in_json_and_parquet(tmp_path: Path) -> None:
    lines = [f'{{"employee": {{"name": "{name}"}}, "dept": "Sales"}}' for name in FULL]
    (tmp_path / "a.jsonl").write_text("\n".join(lines) + "\n")
    pq.write_table(pa.table({"first_name": FIRST, "team": ["Sales"] * len(FIRST)}), tmp_path / "a.parquet")
    reports = {report.ref.key: report for report in piiscan.Scanner().scan(str(tmp_path))}
    assert [place.place.path for place in occurrences(reports["a.jsonl"], "ner.person")][:1] == ["$.employee.name"]
    assert {place.place.column_name for place in occurrences(reports["a.parquet"], "ner.person")} == {"first_name"}


def test_names_in_the_sentences_of_a_column(tmp_path: Path) -> None:
    said = [f"The contract number {n} was signed by Margaret Whitfield in the office on that day." for n in range(12)]
    (tmp_path / "a.csv").write_text("id,comments\n" + "".join(f"{n},{text}\n" for n, text in enumerate(said)))
    (report,) = piiscan.Scanner().scan(str(tmp_path))
    places = occurrences(report, "ner.person")
    assert {place.place.column_name for place in places} == {"comments"}
    assert report.names_examined > 0


def test_without_names_no_column_is_read(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("id,customer_name\n" + "".join(f"{n},{name}\n" for n, name in enumerate(FULL)))
    (report,) = piiscan.Scanner(piiscan.Config(ner=False)).scan(str(tmp_path))
    assert not report.findings
