"""Metrics as the text that Prometheus reads, version 0.0.4 of the format.

Source: Prometheus documentation, "Exposition formats", text-based format (lines end with a line feed; HELP and TYPE
come once and first; label values escape backslash, double quote and line feed, help texts backslash and line feed), and
"Metric and label naming" (base units, `_total` for counters, the unit last).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Family:
    """All samples of one name."""

    name: str
    kind: str
    """`gauge` or `counter`."""
    help: str
    labels: tuple[str, ...] = ()


@dataclass(slots=True)
class Samples:
    """Values by family and by the values of its labels, in their order."""

    values: dict[str, dict[tuple[str, ...], float]] = field(default_factory=dict)

    def put(self, name: str, value: float | None, *labels: str) -> None:
        """One value; None is none."""
        if value is not None:
            self.values.setdefault(name, {})[labels] = float(value)

    def update(self, other: Samples) -> None:
        """Take all values of another one."""
        for name, found in other.values.items():
            self.values.setdefault(name, {}).update(found)


def exposition(families: Iterable[Family], samples: Samples) -> str:
    r"""The text of all families that have samples, in the order of the families.

    Raises: KeyError for samples of no family, ValueError for a sample whose labels are not its family's.

    >>> found = Samples()
    >>> found.put("x_bytes", 3, 'a"b')
    >>> print(exposition([Family("x_bytes", "gauge", "Size.", ("of",))], found), end="")
    # HELP x_bytes Size.
    # TYPE x_bytes gauge
    x_bytes{of="a\"b"} 3
    """
    known = {family.name: family for family in families}
    if unknown := samples.values.keys() - known.keys():
        raise KeyError(min(unknown))
    return "".join(_family(family, samples.values[name]) for name, family in known.items() if samples.values.get(name))


def _family(family: Family, values: Mapping[tuple[str, ...], float]) -> str:
    lines = [f"# HELP {family.name} {_escaped(family.help)}", f"# TYPE {family.name} {family.kind}"]
    for labels, value in values.items():
        pairs = ",".join(f'{n}="{_quoted(v)}"' for n, v in zip(family.labels, labels, strict=True))
        lines.append(f"{family.name}{{{pairs}}} {number(value)}" if pairs else f"{family.name} {number(value)}")
    return "\n".join(lines) + "\n"


def number(value: float) -> str:
    """A value as Go's ParseFloat reads it; whole numbers without a point."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if value == int(value) and abs(value) < 1 << 53 else repr(value)


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', r"\"")
