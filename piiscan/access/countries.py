"""Countries of addresses, by ranges that the user has; nobody is asked."""

from __future__ import annotations

import csv
import ipaddress
from bisect import bisect_right
from collections.abc import Iterable
from pathlib import Path

from piiscan.errors import ConfigError


class Countries:
    """Ranges of addresses with their countries; of ranges inside each other the narrower one counts."""

    def __init__(self, ranges: Iterable[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, str]]) -> None:
        self._starts: dict[int, list[int]] = {4: [], 6: []}
        self._found: dict[int, list[tuple[int, str]]] = {4: [], 6: []}
        self._outer: dict[int, list[int]] = {4: [], 6: []}
        for version in (4, 6):
            mine = sorted(
                (int(net.network_address), -int(net.broadcast_address), country)
                for net, country in ranges if net.version == version
            )  # fmt: skip
            open_: list[int] = []
            for start, end, country in mine:
                while open_ and self._found[version][open_[-1]][0] < start:
                    open_.pop()
                self._outer[version].append(open_[-1] if open_ else -1)
                open_.append(len(self._starts[version]))
                self._starts[version].append(start)
                self._found[version].append((-end, country))

    def of(self, ip: str) -> str | None:
        """The country of an address; None: it is none, or in no range."""
        try:
            address = ipaddress.ip_address(ip)
        except ValueError:
            return None
        at = bisect_right(self._starts[address.version], int(address)) - 1
        while at >= 0 and self._found[address.version][at][0] < int(address):
            at = self._outer[address.version][at]
        return self._found[address.version][at][1] if at >= 0 else None


def read_countries(path: Path) -> Countries:
    """The ranges of a CSV file, `network,country` in each row (a header may stand first). Raises: ConfigError."""
    ranges: list[tuple[ipaddress.IPv4Network | ipaddress.IPv6Network, str]] = []
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            for number, row in enumerate(csv.reader(handle), 1):
                if not row or (number == 1 and row[0].strip().lower() == "network"):
                    continue
                try:
                    ranges.append((ipaddress.ip_network(row[0].strip(), strict=False), row[1].strip()))
                except (ValueError, IndexError):
                    raise ConfigError(f"{path}: line {number} is no network,country such as 192.0.2.0/24,DE") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: the countries are not UTF-8") from None
    except csv.Error:
        raise ConfigError(f"{path}: the countries are no CSV") from None
    except OSError as err:
        raise ConfigError(f"{path}: the countries cannot be read ({err.strerror})") from None
    return Countries(ranges)
