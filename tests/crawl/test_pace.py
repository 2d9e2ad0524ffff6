"""A pace lets so much through in a second and no more, whatever asks."""

from __future__ import annotations

import pytest

from piiscan.crawl.pace import BURST, Pace


class Clock:
    """Time that passes by sleeping alone."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


def test_no_rate_is_no_bound() -> None:
    clock = Clock()
    pace = Pace(0.0, clock=clock.time, sleep=clock.sleep)
    for _ in range(10_000):
        pace(1e9)
    assert clock.now == 1_000.0


@pytest.mark.parametrize(("rate", "units"), [(10.0, 1.0), (1e6, 65_536.0), (0.5, 1.0)])
def test_the_rate_holds(rate: float, units: float) -> None:
    clock = Clock()
    pace = Pace(rate, clock=clock.time, sleep=clock.sleep)
    for _ in range(200):
        pace(units)
    passed = 200 * units
    assert passed / rate - BURST - units / rate - 0.001 <= clock.now - 1_000.0 <= passed / rate + 0.001


def test_a_pause_is_not_saved_up() -> None:
    clock = Clock()
    pace = Pace(100.0, clock=clock.time, sleep=clock.sleep)
    for _ in range(100):
        pace()
    clock.now += 3_600
    before = clock.now
    for _ in range(100):
        pace()
    assert clock.now - before >= 1.0 - BURST - 0.01
