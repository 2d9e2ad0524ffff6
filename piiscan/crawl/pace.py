"""How fast a store may be asked: requests and bytes a second, over all threads of a process."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Pace:
    """Lets so many units through in a second, evenly; more than that wait.

    Source: the virtual scheduling algorithm of ITU-T I.371, annex A, with a tolerance of `BURST` seconds.
    """

    def __init__(
        self,
        rate: float,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """`rate` is units a second; 0: no bound."""
        self._rate = rate
        self._clock, self._sleep = clock, sleep
        self._lock = threading.Lock()
        self._due = 0.0

    def __call__(self, units: float = 1.0) -> None:
        """Wait until so many units may pass."""
        if self._rate <= 0:
            return
        with self._lock:
            now = self._clock()
            begin = max(self._due, now - BURST)
            self._due = begin + units / self._rate
        if begin > now:
            self._sleep(begin - now)


BURST = 0.25
"""Seconds' worth of units that may pass at once after a pause."""
