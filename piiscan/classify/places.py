"""Which towns there are, and in which countries: a table of 100,000 names for telling addresses from chance.

The file holds, for each spelling, a hash of its folded form and a bit for each country that has such a town. It is
mapped into memory and shared between workers. `training/places` makes it.

Source: GeoNames (CC BY 4.0, https://www.geonames.org/), populated places of 1,000 people and more.
"""

from __future__ import annotations

import re
import unicodedata
import zlib
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from piiscan.catalogue import default_folder
from piiscan.errors import ConfigError

FILE = "tables/places.npy"
COUNTRIES = (
    *("AT", "AU", "BE", "BR", "CA", "CH", "DE", "DK", "ES", "FI", "FR", "GB", "IE", "IN", "IT", "JP", "LU", "MX"),
    *("NL", "NO", "NZ", "PL", "PT", "SE", "US"),
)
"""ISO 3166-1 codes; the place of a code is its bit in the table."""

_BIT = {code: 1 << place for place, code in enumerate(COUNTRIES)}
_PLAIN = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "’": "'"})
_REST = re.compile(r"[\W_]+")


@lru_cache(maxsize=256)
def bits(codes: str) -> int:
    """The bits of some countries, their codes parted by blanks.

    >>> bits("AT BE")
    5
    """
    return sum(_BIT[code] for code in codes.split())


def folded(name: str) -> str:
    """A name without case, accents and signs, `Saint` as `st`.

    >>> folded("São João del-Rei"), folded("Saint-Étienne"), folded("Zürich"), folded("WROCŁAW")
    ('sao joao del rei', 'st etienne', 'zurich', 'wroclaw')
    """
    plain = unicodedata.normalize("NFKD", name.casefold().translate(_PLAIN))
    words = _REST.sub(" ", "".join(c for c in plain if not unicodedata.combining(c)).replace("'", " ")).split()
    return " ".join("st" if word in ("saint", "sankt", "st") else word for word in words)


def key(name: str) -> int:
    """CRC-32 (IEEE 802.3) of a folded name: its key in the table."""
    return zlib.crc32(folded(name).encode())


@lru_cache(maxsize=1)
def _table() -> npt.NDArray[np.uint32]:
    """(2, n): keys in ascending order, and the countries of each as bits. Raises: ConfigError."""
    path = default_folder() / FILE
    try:
        table = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as err:
        raise ConfigError(f"{path}: the table of places cannot be read ({type(err).__name__})") from None
    if table.ndim != 2 or len(table) != 2 or table.dtype != np.uint32:
        raise ConfigError(f"{path}: the table of places is of another version")
    return np.asarray(table)


def opened() -> None:
    """Map the table now, so that a missing or damaged one ends a command at its start. Raises: ConfigError."""
    _table()


@lru_cache(maxsize=4096)
def countries_of(name: str) -> int:
    """The countries that have a town of this name, as `bits` has them; 0 for none.

    >>> countries_of("Gelsenkirchen") == bits("DE"), countries_of("Nowhere in particular")
    (True, 0)

    Raises: ConfigError when the table is missing or damaged.
    """
    keys, countries = _table()
    wanted = np.uint32(key(name))
    at = int(np.searchsorted(keys, wanted))
    return int(countries[at]) if at < len(keys) and keys[at] == wanted else 0


def longest(words: str, least: int = 1) -> tuple[int, int]:
    """How many characters of some text, from its beginning, name a town, and its countries; (0, 0) for none.

    >>> longest("Gelsenkirchen Telefon")[0], longest("Great Yarmouth")[0]
    (13, 14)
    """
    ends = [match.end() for match in _WORD.finditer(words)]
    for end in reversed(ends[:6]):
        if end >= least and (found := countries_of(words[:end])):
            return end, found
    return 0, 0


_WORD = re.compile(r"[^\W\d_]+[.'’]?")
