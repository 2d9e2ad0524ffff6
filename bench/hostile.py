"""Time on hostile text: `python -m bench.hostile [--small] [RULE-GLOB ...]`; 1 when a bar does not hold.

Every rule alone, in the real stack, on texts made out of its own keywords, anchors and pattern
(`tools/hostile_texts.py`) at 64, 128 and 256 KB; then the whole catalogue over a little of all these texts, and over
the slowest of them. Seconds are of the processor. A doubling is judged from `FLOOR` on: below it the figures are
noise, and a text that takes as little is not the one that stops a scan. What breaks a bar is measured again, the best
of three, since others may use the machine.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from piiscan.catalogue import load_rules
from piiscan.classify.stack import Stack
from piiscan.model import Rule
from tools.hostile_texts import text_of, units

SIZES = (64 << 10, 128 << 10, 256 << 10)
GROWTH = 2.3
"""Most that the time may grow by when the text doubles."""
PER_RULE = 1.0
"""Seconds a megabyte that one rule may take."""
CATALOGUE = 20.0
"""Seconds a megabyte that the whole catalogue may take."""
FLOOR = 0.02
"""Seconds from which on a time is worth a comparison."""
SLOWEST = 40
"""Texts, those that took a rule longest, that the whole catalogue reads by themselves."""
PIECE = 1 << 10
"""Bytes of each text in the pile that the whole catalogue reads."""

MB = 1 << 20


@dataclass(frozen=True, slots=True)
class Timing:
    """One hostile text of one rule, measured."""

    rule: str
    kind: str
    seconds: tuple[float, ...]
    """By the sizes of `SIZES`; one figure only, of the largest, when it is below the floor."""

    @property
    def rate(self) -> float:
        """Seconds a megabyte at the largest size."""
        return self.seconds[-1] * MB / SIZES[-1]

    @property
    def growth(self) -> float:
        """The larger of the two steps; 0 when it was not judged."""
        steps = zip(self.seconds, self.seconds[1:], strict=False)
        return max((after / max(before, 1e-9) for before, after in steps if after >= FLOOR), default=0.0)

    @property
    def good(self) -> bool:
        """Whether it holds both bars of a single rule."""
        return self.growth <= GROWTH and self.rate <= PER_RULE


def seconds(stack: Stack, text: str, rounds: int = 3) -> float:
    """Processor seconds for one text, the best of some rounds."""
    best = float("inf")
    for _ in range(rounds):
        begin = time.process_time()
        stack.classify(text)
        best = min(best, time.process_time() - begin)
    return best


def measure(rule: Rule, stack: Stack, kind: str, unit: str) -> Timing:
    """One text of a rule at all sizes; again, the best of three, when a bar does not hold."""
    whole = seconds(stack, text_of(unit, SIZES[-1]), 1)
    if whole < FLOOR:
        return Timing(rule.id, kind, (whole,))
    found = Timing(rule.id, kind, (*(seconds(stack, text_of(unit, size), 1) for size in SIZES[:-1]), whole))
    if found.good:
        return found
    return Timing(rule.id, kind, tuple(seconds(stack, text_of(unit, size)) for size in SIZES))


def each_rule(rules: Iterable[Rule]) -> list[Timing]:
    """All texts of all rules, each rule alone."""
    found = []
    for rule in rules:
        stack = Stack([rule], cache=False)
        mine = [measure(rule, stack, kind, unit) for kind, unit in units(rule)]
        sys.stderr.writelines(f"{_said(timing)}\n" for timing in mine if not timing.good)
        found += mine
    return found


def whole_catalogue(rules: Sequence[Rule], stack: Stack, slowest: Sequence[Timing]) -> list[Timing]:
    """The catalogue over the texts of each rule, laid one behind the other, and over the texts that took longest."""
    out = []
    for rule in rules:
        out.append(_rated(rule.id, "all", stack, "\n".join(text_of(unit, PIECE) for _, unit in units(rule))))
    texts = {rule.id: dict(units(rule)) for rule in rules if rule.id in {timing.rule for timing in slowest}}
    for timing in slowest:
        out.append(_rated(timing.rule, timing.kind, stack, text_of(texts[timing.rule][timing.kind], SIZES[0])))
    return out


def _rated(rule: str, kind: str, stack: Stack, text: str) -> Timing:
    """The time for one text of any length, as if it were of the largest size."""
    return Timing(rule, kind, (seconds(stack, text, 1) * SIZES[-1] / len(text.encode("utf-8", "surrogatepass")),))


def figures(rules: Sequence[Rule]) -> dict[str, Any]:
    """What `bench.soak` notes down: the worst figures, the breaches, and whether all bars hold."""
    found = each_rule(rules)
    stack = Stack(load_rules())
    stack.classify("warm")
    rank = sorted(found, key=lambda t: -t.rate)
    whole = whole_catalogue(rules, stack, rank[:SLOWEST])
    growing, slow = max(found, key=lambda t: t.growth), max(whole, key=lambda t: t.rate)
    piles = whole[: len(rules)]
    breaches = [_said(t) for t in rank if not t.good]
    breaches += [f"whole catalogue on {_said(t)}" for t in whole if t.rate > CATALOGUE]
    return {
        "rules": len(rules),
        "texts": len(found),
        "slowest": _said(rank[0]),
        "steepest": _said(growing),
        "catalogue_seconds_per_mb": round(sum(t.rate for t in piles) / len(piles), 2),
        "catalogue_slowest": _said(slow),
        "breaches": breaches,
        "ok": not breaches,
    }


def _said(timing: Timing) -> str:
    return f"{timing.rule} ({timing.kind}): {timing.rate:.2f} s/MB, growth {timing.growth:.2f}"


def some(small: bool) -> dict[str, Any]:
    """The bar of `bench.soak`: all rules, or every twentieth."""
    return figures(load_rules()[:: 20 if small else 1])


def main() -> int:
    """Measure the rules that the globs name, or all of them."""
    parser = argparse.ArgumentParser(prog="python -m bench.hostile", description=__doc__)
    parser.add_argument("rules", nargs="*", metavar="RULE-GLOB", help="ids or globs over ids; none: all rules")
    parser.add_argument("--small", action="store_true", help="every twentieth rule")
    args = parser.parse_args()
    wanted = args.rules or ["*"]
    rules = [rule for rule in load_rules() if any(fnmatchcase(rule.id, name) for name in wanted)]
    if not rules:
        parser.error(f"no rule {wanted[0]!r}")
    found = figures(rules[:: 20 if args.small else 1])
    for key, value in found.items():
        print(f"{key:<26}{value}" if key != "breaches" else f"breaches                  {len(value)}")
    for line in found["breaches"]:
        print(f"  {line}")
    return 0 if found["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
