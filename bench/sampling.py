"""Intervals of sampled scans over simulated buckets: `python -m bench.sampling [--buckets N] [--seed N]`.

Each bucket has 200 to 1,000,000 objects (log-uniform) in strata of a few prefixes and types, and hits in 0.01 to 30 %
of them (log-uniform, at least one): anywhere, filling some prefixes, or in runs within a stratum. The sample is 1 to
10 %, or about 30 objects, drawn as `piiscan.sampling.draw` draws it. Printed for all and by group: how often the
interval covers the truth, and its mean width over that of Wilson's (1927) for a simple random sample of the same size
of the same bucket. Bar 10: at least 94 % and at most 1.3. `at most`: how often the one-sided bound holds.
"""

from __future__ import annotations

import argparse
import math
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from piiscan.sampling.draw import ensured_from
from piiscan.sampling.estimate import Estimate, Stratum, drawn_weight, estimate

Z = 1.959963984540054
KINDS = ("anywhere", "by prefix", "in runs")
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Outcome:
    """One bucket: its groups, what the interval said, and what Wilson's would have."""

    groups: tuple[str, ...]
    truth: float
    found: Estimate
    wilson: float
    """Width."""


def wilson(hits: int, size: int) -> tuple[float, float]:
    """Wilson's score interval at 95 %. Source: J. American Statistical Association 22, 1927, 209-212."""
    share, more = hits / size, Z * Z / size
    middle = (share + more / 2) / (1 + more)
    half = Z * math.sqrt(share * (1 - share) / size + more / (4 * size)) / (1 + more)
    return middle - half, middle + half


def strata_of(rng: np.random.Generator, objects: int) -> tuple[Ints, Ints]:
    """Sizes of the strata of a bucket, and the prefix of each: very different prefixes, of a few types each."""
    prefixes = int(np.exp(rng.uniform(0, math.log(min(200, objects // 4)))))
    weights, owner = [], []
    for prefix in range(prefixes):
        types = int(rng.integers(1, 13))
        weights.append(rng.dirichlet(np.full(types, 0.5)) * rng.pareto(1.0))
        owner += [prefix] * types
    share = np.concatenate(weights)
    sizes = rng.multinomial(objects, share / share.sum())
    return sizes[sizes > 0].astype(np.int64), np.array(owner)[sizes > 0]


def hits_of(rng: np.random.Generator, kind: str, sizes: Ints, owner: Ints, count: int) -> npt.NDArray[np.bool_]:
    """Which objects hold it; objects lie stratum by stratum."""
    total = int(sizes.sum())
    hit = np.zeros(total, bool)
    if kind == "anywhere":
        hit[rng.choice(total, count, replace=False)] = True
    elif kind == "in runs":
        length = max(int(rng.integers(2, 200)), count // 2_000)
        while (missing := count - int(hit.sum())) > 0:
            start = int(rng.integers(total))
            hit[start : start + min(length, missing)] = True
    else:
        prefix_of = np.repeat(owner, sizes)
        density = rng.uniform(0.3, 1.0)
        for prefix in rng.permutation(int(owner.max()) + 1):
            at = np.flatnonzero(prefix_of == prefix)
            take = min(count - int(hit.sum()), math.ceil(density * len(at)))
            hit[rng.choice(at, take, replace=False)] = True
    return hit


def simulate(rng: np.random.Generator, number: int) -> Outcome:
    """One bucket."""
    kind, small = KINDS[number % 3], number % 4 == 0
    objects = int(np.exp(rng.uniform(math.log(200), math.log(1_000_000))))
    prevalence = float(np.exp(rng.uniform(math.log(0.0001), math.log(0.3))))
    fraction = 30 / objects if small else float(np.exp(rng.uniform(math.log(0.01), math.log(0.1))))
    sizes, owner = strata_of(rng, objects)
    hit = hits_of(rng, kind, sizes, owner, max(1, round(prevalence * objects)))
    names = rng.random(objects, dtype=np.float32)
    drawn = names < fraction
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    lowest = np.minimum.reduceat(names, starts)
    least = ensured_from([int(n) for n in sizes], fraction)
    sampled = np.add.reduceat(drawn, starts)
    hits = np.add.reduceat(drawn & hit, starts)
    for h in np.flatnonzero((sizes >= least) & (sampled == 0)):
        at = starts[h] + int(np.argmin(names[starts[h] : starts[h] + sizes[h]] != lowest[h]))
        sampled[h], hits[h] = 1, int(hit[at])
    found = estimate(
        [
            Stratum(int(n), int(s), int(x), drawn_weight(int(n), fraction, n >= least))
            for n, s, x in zip(sizes, sampled, hits, strict=True)
        ]
    )
    total, size = int(hit.sum()), max(int(sampled.sum()), 1)
    low, high = wilson(int(rng.hypergeometric(total, objects - total, size)), size)
    decade = next(f"up to {top:g} %" for top in (0.1, 1, 10, 100) if total / objects * 100 <= top)
    groups = (
        kind, "about 30" if small else "1 to 10 %", f"hits {decade}",
        next(f"size up to {top:,}" for top in (2_000, 20_000, 200_000, 10**7) if objects <= top),
        next(f"sample up to {top:,}" for top in (20, 100, 1_000, 10**6) if size <= top),
    )  # fmt: skip
    return Outcome(groups, total / objects, found, high - low)


def run(buckets: int, seed: int) -> list[Outcome]:
    """So many buckets, the same ones for the same seed."""
    rng = np.random.default_rng(seed)
    return [simulate(rng, number) for number in range(buckets)]


def figures(outcomes: list[Outcome]) -> dict[str, float]:
    """Coverage, how often the one-sided bound held, and mean width over Wilson's."""
    slack = 1e-9
    return {
        "buckets": len(outcomes),
        "coverage": float(np.mean([o.found.low - slack <= o.truth <= o.found.high + slack for o in outcomes])),
        "at_most": float(np.mean([o.truth <= o.found.at_most + slack for o in outcomes])),
        "width": float(np.mean([o.found.high - o.found.low for o in outcomes]) / np.mean([o.wilson for o in outcomes])),
        "ratio": float(np.mean([(o.found.high - o.found.low) / o.wilson for o in outcomes])),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--buckets", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=10)
    options = parser.parse_args()
    began = time.process_time()
    outcomes = run(options.buckets, options.seed)
    groups: dict[str, list[Any]] = defaultdict(list)
    for one in outcomes:
        for group in ("all", *one.groups):
            groups[group].append(one)
    print(f"{'group':<24} {'buckets':>7} {'coverage':>8} {'at most':>8} {'width':>6} {'ratio':>6}")
    for group in sorted(groups, key=lambda name: (name != "all", name)):
        f = figures(groups[group])
        print(
            f"{group:<24} {f['buckets']:>7.0f} {f['coverage']:>8.3f} {f['at_most']:>8.3f} {f['width']:>6.2f} "
            f"{f['ratio']:>6.2f}"
        )
    print(f"{time.process_time() - began:.0f} s of CPU")


if __name__ == "__main__":
    main()
