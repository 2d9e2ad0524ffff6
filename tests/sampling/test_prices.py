from __future__ import annotations

from pathlib import Path

import pytest

from piiscan.errors import ConfigError
from piiscan.model import ObjectRef
from piiscan.sampling.prices import Bill, as_lines, hours, read_prices

GB = 10**9


def test_the_prices_that_come_along() -> None:
    prices = read_prices()
    assert (prices.region, prices.list_per_1000, prices.region_per_gb) == ("us-east-1", 0.005, 0.0)
    assert prices.of("GLACIER_IR").retrieval_per_gb > prices.of("STANDARD_IA").retrieval_per_gb > 0
    assert prices.of("NEW_CLASS") == prices.of("STANDARD")


def test_a_bill() -> None:
    bill = Bill(ranged_from=1 << 30)
    bill.listed = 2_001
    for storage, count in (("STANDARD", 3_000), ("STANDARD_IA", 1_000)):
        for n in range(count):
            bill.add(ObjectRef("s3://b", f"{storage}{n}", GB // 1_000, storage=storage))
    bill.add(ObjectRef("file:///d", "here", 5 * GB))
    priced = bill.priced(read_prices())
    assert priced["requests"] == {"list": 3, "get": 4_000}
    assert priced["dollars"] == pytest.approx(
        {"list": 0.000015, "get": 0.0012 + 0.001, "retrieval": 0.01, "transfer_in_region": 0, "transfer_internet": 0.36}
    )
    assert priced["in_region"] == pytest.approx(0.012215)
    assert priced["over_internet"] == pytest.approx(0.372215)
    assert priced["macie"] == pytest.approx(4.0)
    assert (bill.objects, bill.bytes) == (4_001, 9 * GB)
    said = "\n".join(as_lines(priced, hours(10, 10, 1, [])))
    assert "us-east-1" in said
    assert "2026" in said
    assert "Macie: $4.00" in said


def test_large_objects_take_several_requests() -> None:
    bill = Bill(ranged_from=8 << 20)
    bill.add(ObjectRef("s3://b", "large.parquet", 320 << 20))
    bill.add(ObjectRef("s3://b", "small.parquet", 1 << 20))
    assert bill.gets == {"STANDARD": 12}


def test_nothing_is_paid_for_a_directory() -> None:
    bill = Bill()
    bill.add(ObjectRef("file:///d", "a", 5))
    assert len(as_lines(bill.priced(read_prices()), hours(1, 5, 2, []))) == 1


def test_hours_by_earlier_runs_and_without() -> None:
    found = hours(10_000, 36 * GB, 2, [(1_000, 10e6, 10.0), (3_000, 30e6, 30.0)])
    assert found["from"] == pytest.approx(100 / 3_600)
    assert found["to"] == pytest.approx(10.0)
    assert "2 runs" in found["basis"]
    assert "assumed" in hours(1, 1, 4, [])["basis"]
    assert hours(2_000, 0, 1, [])["to"] == pytest.approx(10 / 3_600)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("list_per_1000 = 'x'", "class.STANDARD is missing"),
        ("list_per_1000 = 'x'\n[class.STANDARD]\nget_per_1000 = 1", "list_per_1000 is a number of dollars"),
        ("list_per_1000 = 1\n[class]\nSTANDARD = 2\n[transfer]\ninternet_per_gb = 1\nregion_per_gb = 0\n"
         "[macie]\nper_gb = 1", "STANDARD is a table"),
        ("class = 3", "class is a table"),
        ("[", "not valid TOML"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(text)
    with pytest.raises(ConfigError, match=said):
        read_prices(str(file))
    with pytest.raises(ConfigError, match="cannot be read"):
        read_prices(str(tmp_path / "none.toml"))


def test_prices_of_ones_own(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(
        'region = "eu-x"\ndate = "2026-12-01"\nlist_per_1000 = 1\n[transfer]\ninternet_per_gb = 1\nregion_per_gb = 0\n'
        "[class.STANDARD]\nget_per_1000 = 2\nretrieval_per_gb = 0\n[macie]\nper_gb = 0\n"
    )
    prices = read_prices(str(file))
    assert (prices.region, prices.of("GLACIER_IR").get_per_1000) == ("eu-x", 2.0)
