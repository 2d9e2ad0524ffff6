"""The text that Prometheus reads."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piiscan.metrics.exposition import Family, Samples, exposition, number
from piiscan.metrics.families import FAMILIES
from tests.metrics.parse import parse, value

LABELLED = Family("x_bytes", "gauge", "A size,\nin \\ bytes.", ("of", "at"))


@given(st.text(), st.text(), st.floats())
def test_what_is_written_is_read(first: str, second: str, size: float) -> None:
    samples = Samples()
    samples.put("x_bytes", size, first, second)
    read = parse(exposition([LABELLED], samples))
    found = value(read, "x_bytes", of=first, at=second)
    assert found == size or (math.isnan(found) and math.isnan(size))
    assert read["x_bytes"].help == r"A size,\nin \\ bytes."


def test_families_are_whole_and_in_their_order() -> None:
    samples = Samples()
    other = Family("a_total", "counter", "Things.")
    samples.put("x_bytes", 1, "a", "b")
    samples.put("a_total", 2)
    samples.put("x_bytes", 3, "a", "c")
    samples.put("x_bytes", None, "a", "d")
    assert exposition([LABELLED, other], samples).splitlines()[1:] == [
        "# TYPE x_bytes gauge",
        'x_bytes{of="a",at="b"} 1',
        'x_bytes{of="a",at="c"} 3',
        "# HELP a_total Things.",
        "# TYPE a_total counter",
        "a_total 2",
    ]


def test_a_sample_without_its_family_or_labels_is_a_mistake() -> None:
    samples = Samples()
    samples.put("y", 1)
    with pytest.raises(KeyError):
        exposition([LABELLED], samples)
    samples = Samples()
    samples.put("x_bytes", 1, "a")
    with pytest.raises(ValueError):
        exposition([LABELLED], samples)


@pytest.mark.parametrize(
    ("given", "written"),
    [(True, "1"), (0, "0"), (2**52, str(2**52)), (1.5, "1.5"), (-0.25, "-0.25"), (math.inf, "+Inf"), (math.nan, "NaN")],
)
def test_numbers(given: float, written: str) -> None:
    assert number(float(given)) == written


def test_names_are_as_prometheus_advises() -> None:
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)
    for family in FAMILIES:
        assert re.fullmatch(r"piiscan(_[a-z]+)+", family.name)
        assert family.name.endswith("_total") == (family.kind == "counter")
        assert not re.search(r"_(?:ms|milliseconds|minutes|hours|kb|mb|gb|percent|age)(?:_|$)", family.name)
        assert family.help.endswith(".")
        assert not set(family.labels) & {"object", "key", "source", "rule", "path", "value", "le", "quantile"}
