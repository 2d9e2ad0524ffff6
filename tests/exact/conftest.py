"""A made-up table of customers and its set."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from piiscan.exact.build import build
from piiscan.exact.match import ExactRecognizer
from piiscan.keys import make_key

COLUMNS = ["code", "email", "tax", "name", "address"]
FIRST = ("Ann", "Bob", "Zoë")


def row(n: int) -> list[str]:
    """Customer `n`: code, e-mail, nine digits, name, address, first name, birth date, country."""
    digits = f"{(n * 618_033_989 + 141_592_653) % 1_000_000_000:09d}"
    return [
        f"CUST-{n:05d}-X",
        f"Ann.Lee{n}@example{n % 7}.org",
        f"{digits[:3]}-{digits[3:5]}-{digits[5:]}",
        f"José Farn{n:x}ly",
        f"{n + 1} Main St., Apt {n}",
        FIRST[n % 3],
        f"19{50 + n % 40}-0{1 + n % 9}-1{n % 10}",
        "Spain",
    ]


def write_table(path: Path, count: int = 300) -> Path:
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out)
        writer.writerow([*COLUMNS, "first", "born", "country"])
        writer.writerows(row(n) for n in range(count))
    return path


Matches = list[tuple[str, str, float]]
Find = Callable[[str], Matches]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `customers.csv`, its set `customers.exact`, and the set's key `key`."""
    folder = tmp_path_factory.mktemp("exact")
    source = write_table(folder / "customers.csv")
    key = make_key(folder / "key")
    build(source, folder / "customers.exact", COLUMNS, key, name="customers", evidence=["first", "born"])
    return folder


@pytest.fixture(scope="session")
def customers(made: Path) -> ExactRecognizer:
    return ExactRecognizer(made / "customers.exact", str(made / "key"))
