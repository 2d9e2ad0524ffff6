"""What a scan will cost: requests, retrieval, transfer and hours, from a table of prices and earlier runs."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from piiscan.errors import ConfigError
from piiscan.model import ObjectRef

KEYS_PER_LIST = 1_000
"""Source: Amazon S3 API, ListObjectsV2, MaxKeys."""
RANGE = 32 << 20
"""Bytes of one request of an object that is read in ranges, when it is read from its first byte to its last."""
ASSUMED_BYTES, ASSUMED_OBJECTS = 10e6, 200.0
"""Bytes and objects a second that one worker reads when no earlier run says better."""


@dataclass(frozen=True, slots=True)
class Class:
    """What one storage class asks, in dollars."""

    get_per_1000: float
    retrieval_per_gb: float


@dataclass(frozen=True, slots=True)
class Prices:
    """A table of prices, in dollars; a GB has 10^9 bytes."""

    region: str
    date: str
    list_per_1000: float
    internet_per_gb: float
    region_per_gb: float
    macie_per_gb: float
    classes: dict[str, Class]

    def of(self, storage: str) -> Class:
        """The prices of a storage class; those of STANDARD for one that is not in the table."""
        return self.classes.get(storage) or self.classes["STANDARD"]


def read_prices(path: str = "") -> Prices:
    """The prices of a file, or those that come along. Raises: ConfigError naming file and key."""
    try:
        text = Path(path).read_text("utf-8") if path else (files("piiscan.sampling") / "prices.toml").read_text("utf-8")
        data = tomllib.loads(text)
    except OSError as err:
        raise ConfigError(f"{path}: the prices cannot be read ({err.strerror})") from None
    except ValueError as err:
        raise ConfigError(f"{path}: not valid TOML: {err}") from None
    where = path or "prices.toml"
    transfer, classes = _table(data, "transfer", where), _table(data, "class", where)
    if "STANDARD" not in classes:
        raise ConfigError(f"{where}: class.STANDARD is missing")
    names = ("get_per_1000", "retrieval_per_gb")
    return Prices(
        str(data.get("region", "")),
        str(data.get("date", "")),
        _number(data, "list_per_1000", where),
        _number(transfer, "internet_per_gb", where),
        _number(transfer, "region_per_gb", where),
        _number(_table(data, "macie", where), "per_gb", where),
        {name: Class(*(_number(_table(classes, name, where), key, where) for key in names)) for name in classes},
    )


def _table(data: dict[str, Any], name: str, where: str) -> dict[str, Any]:
    found = data.get(name, {})
    if not isinstance(found, dict):
        raise ConfigError(f"{where}: {name} is a table")
    return found


def _number(data: dict[str, Any], name: str, where: str) -> float:
    found = data.get(name)
    if isinstance(found, bool) or not isinstance(found, int | float) or not 0 <= found < 1e9:
        raise ConfigError(f"{where}: {name} is a number of dollars")
    return float(found)


@dataclass(slots=True)
class Bill:
    """What was counted of a scan that is to be priced."""

    ranged_from: int = 0
    """Bytes from which on an object is read in ranges; 0: never."""
    listed: int = 0
    """Keys of buckets that are listed, each as often as it is."""
    objects: int = 0
    bytes: int = 0
    gets: Counter[str] = field(default_factory=Counter)
    """Requests by storage class."""
    sizes: Counter[str] = field(default_factory=Counter)
    """Bytes by storage class."""

    def add(self, ref: ObjectRef) -> None:
        """Count an object that will be read."""
        self.objects += 1
        self.bytes += ref.size
        if ref.source.startswith("s3://"):
            storage = ref.storage or "STANDARD"
            ranged = self.ranged_from and ref.size >= self.ranged_from
            self.gets[storage] += 1 + ref.size // RANGE if ranged else 1
            self.sizes[storage] += ref.size

    def priced(self, prices: Prices) -> dict[str, Any]:
        """Requests and dollars, as plain data."""
        lists = -(-self.listed // KEYS_PER_LIST)
        size = sum(self.sizes.values()) / 1e9
        dollars = {
            "list": lists / 1_000 * prices.list_per_1000,
            "get": sum(n / 1_000 * prices.of(storage).get_per_1000 for storage, n in self.gets.items()),
            "retrieval": sum(n / 1e9 * prices.of(storage).retrieval_per_gb for storage, n in self.sizes.items()),
            "transfer_in_region": size * prices.region_per_gb,
            "transfer_internet": size * prices.internet_per_gb,
        }
        fixed = dollars["list"] + dollars["get"] + dollars["retrieval"]
        return {
            "region": prices.region,
            "date": prices.date,
            "requests": {"list": lists, "get": sum(self.gets.values())},
            "by_class": {s: {"requests": n, "bytes": self.sizes[s]} for s, n in sorted(self.gets.items())},
            "dollars": dollars,
            "in_region": fixed + dollars["transfer_in_region"],
            "over_internet": fixed + dollars["transfer_internet"],
            "macie": size * prices.macie_per_gb,
        }


Run = tuple[int, float, float]
"""Objects, bytes and seconds of an earlier run."""


def hours(objects: int, size: int, workers: int, runs: Sequence[Run]) -> dict[str, Any]:
    """How long it will take, from the pace of earlier runs in bytes and in objects: between the shorter and the longer.

    A run whose objects were much larger or smaller says little; so both ends are told.
    """
    seconds = sum(run[2] for run in runs)
    if seconds > 0 and runs[0][0]:
        per_object, per_byte = sum(r[0] for r in runs) / seconds, sum(r[1] for r in runs) / seconds
        basis = f"the pace of the last {len(runs)} run{'s' if len(runs) != 1 else ''} in this database"
    else:
        per_object, per_byte = ASSUMED_OBJECTS * workers, ASSUMED_BYTES * workers
        pace = f"{ASSUMED_BYTES / 1e6:.0f} MB/s and {ASSUMED_OBJECTS:.0f} objects/s"
        basis = f"an assumed {pace} for each of {workers} workers"
    ends = sorted((objects / per_object / 3_600, size / per_byte / 3_600 if per_byte else 0.0))
    return {"from": ends[0], "to": ends[1], "basis": basis}


def as_lines(bill: dict[str, Any], time: dict[str, Any]) -> list[str]:
    """What `priced` and `hours` gave, for people."""
    lines = []
    if bill["requests"]["list"] or bill["requests"]["get"]:
        d = bill["dollars"]
        lines += [
            f"requests: {bill['requests']['list']:,} list (${d['list']:.2f}), {bill['requests']['get']:,} get "
            f"(${d['get']:.2f}); retrieval ${d['retrieval']:.2f}",
            f"in all ${bill['in_region']:.2f} from a machine in the bucket's region, ${bill['over_internet']:.2f} over "
            f"the internet (Macie: ${bill['macie']:.2f})",
            f"list prices of {bill['region']} as of {bill['date']}; --prices FILE gives yours",
        ]
    lines.append(f"time: {_span(time['from'])} to {_span(time['to'])}, by {time['basis']}")
    return lines


def _span(value: float) -> str:
    seconds = value * 3_600
    return f"{value:,.1f} h" if seconds >= 5_400 else f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"
