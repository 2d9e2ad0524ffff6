from __future__ import annotations

import gzip
import os
import stat
from pathlib import Path

import numpy as np
import pytest

from piiscan.errors import ConfigError
from piiscan.exact.build import build
from piiscan.exact.keyed import Keyed
from piiscan.exact.match import ExactRecognizer, find_key, recognizers_of
from piiscan.exact.normal import normal
from piiscan.exact.setfile import open_set, read_header
from piiscan.keys import make_key, read_key
from piiscan.model import TextSegment
from tests.exact.conftest import COLUMNS, row, write_table

KEY = bytes(range(32))


def test_the_file_is_private_and_holds_no_value(made: Path) -> None:
    path = made / "customers.exact"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    data = path.read_bytes().lower()
    for n in (0, 7, 299):
        # Three letters are in any file of this size, by chance.
        for value in (value for value in row(n)[:7] if len(value) > 5):
            assert value.lower().encode() not in data
            assert normal(value)[1] not in data
    assert not list(made.glob(".*.tmp"))


def test_without_the_key_nothing_of_it_can_be_tried(tmp_path: Path) -> None:
    """Two sets of the same table under one key share no hash, no word of a sieve and no row."""
    source = write_table(tmp_path / "t.csv", 500)
    for name in ("one", "two"):
        build(source, tmp_path / name, COLUMNS, KEY, name=name)
    header, first, keyed = open_set(tmp_path / "one", KEY)
    _, second, _ = open_set(tmp_path / "two", KEY)
    assert not np.isin(first.hashes, second.hashes).any()
    assert len(np.unique(first.hashes)) == header.entries == 2_500
    # Hashes are even over their range, and the sieves in the file are as random as their stream.
    assert 0.4 < float((first.hashes >> np.uint64(63)).mean()) < 0.6
    stored = np.frombuffer((tmp_path / "one").read_bytes(), np.uint8)
    assert first.sieve.tobytes() not in stored.tobytes()
    ones = np.bitwise_count(first.sieve ^ np.frombuffer(keyed.stream("sieve", 8 * len(first.sieve)), "<u8"))
    assert 30 < ones.mean() < 34
    assert np.bitwise_count(first.sieve).mean() < 15


def test_rows_are_permuted() -> None:
    keyed = Keyed(KEY, bytes(16))
    tags = keyed.row_tags(np.arange(10_000, dtype=np.uint32))
    assert len(np.unique(tags)) == 10_000
    assert abs(np.corrcoef(tags, np.arange(10_000))[0, 1]) < 0.1
    assert (tags != Keyed(KEY, b"1" * 16).row_tags(np.arange(10_000, dtype=np.uint32))).any()


def test_the_hash_is_keyed_blake2b_of_kind_and_form() -> None:
    import hashlib

    sub = hashlib.blake2b(b"values", key=KEY, salt=bytes(16), person=b"piiscan-exact-1").digest()
    wanted = hashlib.blake2b(b"\x02123456789", key=sub, digest_size=8).digest()
    assert Keyed(KEY, bytes(16)).hashes([(2, b"123456789")])[0] == int.from_bytes(wanted, "little")


def test_a_wrong_key_and_a_changed_file_are_told_apart(made: Path, tmp_path: Path) -> None:
    path = tmp_path / "c.exact"
    path.write_bytes((made / "customers.exact").read_bytes())
    path.chmod(0o600)
    key = read_key(made / "key")
    with pytest.raises(ConfigError, match="not the key that the set was made with"):
        open_set(path, KEY)
    path.write_bytes(path.read_bytes().replace(b'"severity": "high"', b'"severity": "low" '))
    with pytest.raises(ConfigError, match="the header was changed or is damaged"):
        open_set(path, key)
    path.write_bytes((made / "customers.exact").read_bytes()[:-1_000])
    with pytest.raises(ConfigError, match="cut short"):
        open_set(path, key)
    path.write_bytes((made / "customers.exact").read_bytes()[:100])
    with pytest.raises(ConfigError, match="damaged or of a newer version"):
        read_header(path)
    path.write_text("not a set")
    with pytest.raises(ConfigError, match="not a set of exact values"):
        read_header(path)
    path.chmod(0o644)
    with pytest.raises(ConfigError, match="chmod 600"):
        read_header(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_header(tmp_path / "none.exact")


def test_the_key_is_found_by_its_id_or_named(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    header, key = read_header(made / "customers.exact"), read_key(made / "key")
    with pytest.raises(ConfigError, match=f"its key {header.key} is not here"):
        ExactRecognizer(made / "customers.exact").session()
    assert find_key(made, header, str(made / "key")) == key
    kept = tmp_path / "piiscan" / "keys" / f"{header.key}.key"
    kept.parent.mkdir(parents=True)
    kept.write_text(key.hex())
    kept.chmod(0o600)
    make_key(tmp_path / "stores")
    assert find_key(made, header, "") == find_key(made, header, str(tmp_path / "stores")) == key


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_weak_values_are_counted_and_left_out(tmp_path: Path) -> None:
    lines = ["id,pin,mail,country,zip"]
    for n in range(1_000):
        mail = "none@example.org" if n % 4 == 0 else f"a{n}@example.org" if n % 5 else ""
        lines.append(f"{'x' * 9 if n % 2 else f'K-{n:06d}'},{n % 90},{mail},Spain,{10_000 + n * 7}")
    lines.append("too,many,fields,in,this,row")
    source = write(tmp_path / "t.csv", "\n".join(lines) + "\n")
    report = build(source, tmp_path / "t.exact", ["id", "pin", "mail", "country", "zip"], KEY, name="t")
    assert (report.rows, report.odd_rows) == (1_000, 1)
    assert {column: {k: n for k, n in counts.items() if n} for column, counts in report.columns.items()} == {
        "id": {"uniform": 500, "kept": 500, "different": 500},
        "pin": {"short": 1_000},
        "mail": {"in more than 20 rows": 250, "empty": 150, "kept": 600, "different": 600},
        "country": {"few different values": 1_000},
        "zip": {"kept": 1_000, "different": 1_000},
    }


def test_numbers_that_every_tenth_number_is_are_no_evidence(tmp_path: Path) -> None:
    source = write(
        tmp_path / "t.csv", "id,mail\n" + "".join(f"{10_000 + n * 9},b{n}@example.org\n" for n in range(8_000))
    )
    report = build(source, tmp_path / "t.exact", ["id", "mail"], KEY, name="t")
    assert report.columns["id"]["too common a number"] >= 7_990
    assert report.columns["mail"]["kept"] == 8_000


@pytest.mark.parametrize("sign", [",", ";", "\t", "|"])
def test_tables_as_people_have_them(tmp_path: Path, sign: str) -> None:
    """Compressed, with a mark of the byte order, quotes, line feeds within quotes, and any of four separators."""
    text = (
        f'\ufeff"Full Name"{sign}E-Mail\r\n"Anna Maria\nLinde"{sign}a.l@example.org\r\nBob Berg{sign}b@example.org\r\n'
    )
    path = tmp_path / "t.csv.gz"
    path.write_bytes(gzip.compress(text.encode()))
    key = make_key(tmp_path / "key")
    build(path, tmp_path / "t.exact", ["Full Name", "E-Mail"], key, name="people")
    found = ExactRecognizer(tmp_path / "t.exact", str(tmp_path / "key"))
    assert [rule.id for rule in found.rules] == ["exact.people_full_name", "exact.people_e_mail"]
    assert len(found.session()(TextSegment("anna maria linde; B@EXAMPLE.ORG", 0))) == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"a,b\n1,2\n", "no column 'mail'"),
        (b"mail,mail\nx,y\n", "more than one column 'mail'"),
        (b"", "no header line"),
        (b"mail,b\nsecret-\xff\xfe@example.org,1\n", "not a readable CSV file"),
        (b"mail,b\n", "none of the values is worth looking for"),
        (b"mail,b\nabc,1\n", "none of the values is worth looking for"),
    ],
)
def test_a_wrong_table_is_told_without_its_content(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=said) as caught:
        build(path, tmp_path / "t.exact", ["mail"], KEY, name="t")
    assert "secret" not in str(caught.value)
    assert "abc" not in str(caught.value)
    assert os.listdir(tmp_path) == ["t.csv"]


def test_wrong_questions(tmp_path: Path) -> None:
    source = write_table(tmp_path / "t.csv", 10)
    for arguments, said in (
        ({"columns": ["email"], "name": "Über"}, "--name"),
        ({"columns": ["email"], "name": "a", "evidence": ["email"]}, "one column at least"),
    ):
        with pytest.raises(ConfigError, match=said):
            build(source, tmp_path / "t.exact", key=KEY, **arguments)  # type: ignore[arg-type]


def test_sets_with_the_same_rules_are_refused(made: Path) -> None:
    path = str(made / "customers.exact")
    with pytest.raises(ConfigError, match="make one anew with another --name"):
        recognizers_of([path, path])
