"""The Python face: texts and targets through a Scanner, and names by the language model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyarrow import feather

import piiscan
from piiscan.cells import FEWEST
from piiscan.classify import ner
from piiscan.classify.ner import NameRecognizer, predict
from piiscan.errors import CatalogueError, ConfigError, SourceError
from piiscan.model import ObjectReport, Outcome, TextSegment
from tests.support.trees import mail, ssn, write

PLAIN = piiscan.Config(ner=False)
PROSE = "The contract was signed by Margaret Whitfield in the office, and the rest of the day was quiet. "


@pytest.fixture(scope="module")
def scanner() -> piiscan.Scanner:
    return piiscan.Scanner(PLAIN)


@pytest.fixture(scope="module")
def naming() -> piiscan.Scanner:
    return piiscan.Scanner()


def by_key(reports: Sequence[ObjectReport]) -> dict[str, ObjectReport]:
    return {report.ref.key: report for report in reports}


def rules(report: ObjectReport) -> list[str]:
    return [str(found.rule) for found in report.findings]


def test_classify_gives_matches(scanner: piiscan.Scanner) -> None:
    text = f"é 字 🙂 SSN: {ssn(1)}, mail {mail(2)}."
    found = scanner.classify(text)
    assert [(m.rule, m.value) for m in found] == [("us.ssn", ssn(1)), ("generic.email", mail(2))]
    for match in found:
        assert isinstance(match, piiscan.Match)
        assert text[match.start : match.end] == match.value
        assert 0.5 <= match.confidence <= 1


def test_a_value_is_never_in_the_repr(scanner: piiscan.Scanner) -> None:
    found = scanner.classify(f"SSN: {ssn(1)}, mail {mail(2)}")
    assert len(found) == 2
    for shown in (repr(found), str(found), f"{found[0]}"):
        assert ssn(1) not in shown
        assert mail(2) not in shown
        assert "us.ssn" in shown


def test_a_column_speaks_for_its_value(scanner: piiscan.Scanner) -> None:
    bare = ssn(1).replace("-", "")
    assert scanner.classify(bare) == []
    assert [(m.rule, m.start, m.end) for m in scanner.classify(bare, column="employeeSSN")] == [("us.ssn", 0, 9)]


@pytest.mark.parametrize("text", ["", " ", "\n", "\x00" * 50, "\udc80", "nothing to see"])
def test_nothing_to_find(scanner: piiscan.Scanner, text: str) -> None:
    assert scanner.classify(text) == []


def test_the_threshold_and_the_packs_are_the_configured_ones() -> None:
    bare = f"number {ssn(1)} of the list"
    assert piiscan.Scanner(PLAIN).classify(bare) == []
    low = piiscan.Scanner(piiscan.Config(ner=False, threshold=0.1))
    assert "us.ssn" in {m.rule for m in low.classify(bare)}
    with pytest.raises((CatalogueError, ConfigError)):
        piiscan.Scanner(piiscan.Config(packs=("no-such-pack",))).classify("x")


def test_a_scan_yields_a_report_per_object(scanner: piiscan.Scanner, tmp_path: Path) -> None:
    rows = "".join(f"{n},{ssn(n % 5)}\n" for n in range(30))
    files = {
        "a.txt": f"SSN: {ssn(1)}\n".encode(),
        "hr/staff.csv": b"id,ssn\n" + rows.encode(),
        "clean.txt": b"nothing to see here\n",
        "sample.txt": b"SSN: 078-05-1120\n",
        "locked.zip": b"PK\x03\x04broken",
    }
    found = by_key(list(scanner.scan(str(write(tmp_path / "tree", iter(files.items()))))))
    assert sorted(found) == sorted(files)
    assert all(isinstance(report, piiscan.ObjectReport) for report in found.values())
    assert all(r.ref.source == f"file://{tmp_path / 'tree'}" for r in found.values())

    (staff,) = found["hr/staff.csv"].findings
    assert (staff.rule, staff.count, staff.distinct, staff.distinct_exact) == ("us.ssn", 30, 5, True)
    assert staff.occurrences[0].place.column_name == "ssn"
    assert found["hr/staff.csv"].outcome is Outcome.SCANNED
    assert found["hr/staff.csv"].risk.value > found["a.txt"].risk.value > 0
    assert found["a.txt"].findings[0].occurrences[0].offset == 5
    # One key for a scanner: equal values are equal in all its reports.
    assert found["a.txt"].findings[0].occurrences[0].fingerprint in staff.values
    assert (rules(found["clean.txt"]), found["clean.txt"].risk.value) == ([], 0)
    assert found["sample.txt"].findings[0].test_data
    assert found["sample.txt"].risk.value == 0
    assert found["locked.zip"].outcome in (Outcome.FAILED, Outcome.SKIPPED, Outcome.PARTIAL)
    assert found["locked.zip"].reason
    assert ssn(1) not in repr(found)


def test_a_dictionary_changes_nothing_of_what_is_found(scanner: piiscan.Scanner, tmp_path: Path) -> None:
    numbers = [n * n % 37 for n in range(3_000)]
    table = pa.table(
        {
            "mail": [mail(n) if n % 5 else None for n in numbers],
            "ssn": [ssn(n) for n in numbers],
            "note": [f"call {mail(n)} or {mail(n + 1)}" if n % 3 else "é nothing" for n in numbers],
        }
    )
    coded = pa.table({name: table.column(name).dictionary_encode() for name in table.column_names})
    pq.write_table(table, tmp_path / "plain.parquet", use_dictionary=False, row_group_size=FEWEST - 1)
    pq.write_table(coded, tmp_path / "coded.parquet")
    feather.write_feather(coded, str(tmp_path / "coded.feather"))
    found = by_key(list(scanner.scan(str(tmp_path))))
    first = found["plain.parquet"].findings
    mails = [n for n in numbers if n % 5] + [n + more for n in numbers if n % 3 for more in (0, 1)]
    assert [(f.rule, f.count, f.distinct) for f in first] == [
        ("generic.email", len(mails), len(set(mails))),
        ("us.ssn", 3_000, len(set(numbers))),
    ]
    assert found["coded.parquet"].findings == first
    assert found["coded.feather"].findings == first


def test_a_scan_selects_and_can_be_left(tmp_path: Path) -> None:
    tree = write(tmp_path / "tree", iter([(f"{n}.txt", b"x") for n in range(5)] + [("a.csv", b"x")]))
    chosen = piiscan.Scanner(piiscan.Config(ner=False, include=("*.txt",), max_objects=3))
    assert len(list(chosen.scan(str(tree)))) == 3
    reports = iter(chosen.scan(str(tree)))
    assert next(reports).ref.key.endswith(".txt")
    del reports
    assert [r.ref.key for r in chosen.scan(str(tree / "0.txt"))] == ["0.txt"]
    with pytest.raises(SourceError):
        list(chosen.scan(str(tmp_path / "nowhere")))


def test_scanners_share_no_key(tmp_path: Path) -> None:
    write(tmp_path, iter([("a.txt", f"SSN: {ssn(1)}\n".encode())]))
    first, second = (next(iter(piiscan.Scanner(PLAIN).scan(str(tmp_path)))).findings[0].values for _ in range(2))
    assert set(first).isdisjoint(second)


# Names.


def test_predict_gives_spans_and_labels() -> None:
    texts = [
        "Margaret Whitfield moved from London to Chicago to work for Microsoft.",
        "",
        "é 字 🙂 Yesterday Thomas Brennan met Angela Merkel in Berlin.",
    ]
    found = predict(texts)
    assert len(found) == len(texts)
    assert found[1] == []
    assert {label for spans in found for *_, label in spans} <= {"PERSON", "LOCATION", "ORGANIZATION", "ADDRESS"}
    named = [{(text[s:e], label) for s, e, label in spans} for text, spans in zip(texts, found, strict=True)]
    assert {("Margaret Whitfield", "PERSON"), ("London", "LOCATION"), ("Chicago", "LOCATION")} <= named[0]
    assert ("Microsoft", "ORGANIZATION") in named[0]
    assert {("Angela Merkel", "PERSON"), ("Berlin", "LOCATION")} <= named[2]
    assert predict([]) == []


def test_predict_keeps_offsets_in_a_long_text() -> None:
    filler = "The rest of the day was quiet and nobody came to the door at all.\n"
    text = filler * 2_000 + "Then Margaret Whitfield moved to Chicago.\n" + filler * 20
    assert len(text) > 120_000  # more than is read at once
    (spans,) = predict([text])
    assert ("Margaret Whitfield", "PERSON") in {(text[s:e], label) for s, e, label in spans}


def test_names_are_found_in_prose_and_not_in_code(naming: piiscan.Scanner, tmp_path: Path) -> None:
    code = f'"""{PROSE}"""\nAUTHOR = "Margaret Whitfield"\n\n\ndef main() -> None:\n    print(AUTHOR)\n' * 3
    files = {"letter.txt": (PROSE * 3).encode(), "main.py": code.encode(), "table.csv": b"a,b\n1,2\n"}
    found = by_key(list(naming.scan(str(write(tmp_path / "tree", iter(files.items()))))))
    (person,) = [f for f in found["letter.txt"].findings if f.rule == "ner.person"]
    assert (person.count, person.distinct, person.confidence) == (3, 1, 0.6)
    assert person.occurrences[0].offset == PROSE.index("Margaret")
    assert person.occurrences[0].masked == "M******* *********"
    assert "ner.person" not in rules(found["main.py"])


def test_no_ner_means_no_names(scanner: piiscan.Scanner, naming: piiscan.Scanner) -> None:
    assert [m.value for m in naming.classify(PROSE) if m.rule == "ner.person"] == ["Margaret Whitfield"]
    assert scanner.classify(PROSE) == []


def test_a_checked_match_beats_a_name(naming: piiscan.Scanner) -> None:
    text = f"The mailbox of the new colleague is margaret.whitfield@example.org and the SSN: {ssn(1)} is hers."
    found = {str(m.rule): m.value for m in naming.classify(text)}
    assert found["generic.email"] == "margaret.whitfield@example.org"
    assert found["us.ssn"] == ssn(1)


@pytest.mark.parametrize("allowance", [0, 1_000, 30_000, 10_000_000])
def test_the_allowance_holds_on_a_long_object(allowance: int, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def counted(texts: list[str], _handicap: float) -> list[list[tuple[int, int, str]]]:
        read.extend(texts)
        return [[] for _ in texts]

    monkeypatch.setattr(ner, "predictor", lambda model: counted)  # the model is not what is tested here, and slow
    session = NameRecognizer(allowance).session()
    text = PROSE * 200
    for _ in range(30):
        session(TextSegment(text))
    total = sum(map(len, read))
    assert total <= allowance
    assert session.examined == total
    assert total <= 30 * len(text)
    if allowance > 2 * 30 * len(text):
        assert total == 30 * len(text)
    elif allowance >= 1_000:
        assert total > allowance // 4


def test_an_object_within_its_allowance_is_read_whole() -> None:
    session = NameRecognizer(10 * len(PROSE)).session()
    found = session(TextSegment(PROSE * 3))
    assert [(PROSE * 3)[s:e] for index, s, e, _ in found if index == 0] == ["Margaret Whitfield"] * 3
    assert session.examined == 3 * len(PROSE)


def test_only_the_core_of_a_window_is_read() -> None:
    session = NameRecognizer(1_000_000).session()
    session(TextSegment(PROSE * 9, core=(len(PROSE), 4 * len(PROSE))))
    assert session.examined == 3 * len(PROSE)
    session(TextSegment("for number in range(10):\n    Total += Prices[number]\n", prose=False))
    assert session.examined == 3 * len(PROSE)


def test_every_object_has_its_own_allowance(tmp_path: Path) -> None:
    write(tmp_path, iter([(f"{n}.txt", (PROSE * 40).encode()) for n in range(2)]))
    small = piiscan.Scanner(piiscan.Config(ner_max_bytes=2_000))
    examined = [report.names_examined for report in small.scan(str(tmp_path))]
    assert examined[0] == examined[1]
    assert 500 < examined[0] <= 2_000
