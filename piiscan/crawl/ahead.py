"""Small objects that are fetched while the ones before them are being read.

A request to a store takes tens of milliseconds, a small object one of the processor: a worker that waits for each does
nothing for most of the time. The window of requests under way grows while the store answers, and halves when it says
that it is too much (additive increase, multiplicative decrease: Chiu and Jain, 1989).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from piiscan.model import ObjectRef

FIRST, MOST = 4, 16
"""Requests under way at the beginning, and at the most."""
ROOM = 16 << 20
"""Bytes that are held or under way at the most."""

Fetched = bytes | None
"""An object's bytes; None: it must be opened the usual way."""


class Ahead:
    """Fetches what will be wanted next, in its order, a window at a time; of one thread's use."""

    def __init__(self, fetch: Callable[[ObjectRef], tuple[Fetched, bool]]) -> None:
        """`fetch` gives an object's bytes, and whether the store asked to be spared; it is called from threads."""
        self._fetch = fetch
        self._pool = ThreadPoolExecutor(MOST, thread_name_prefix="ahead")
        self._waiting: deque[ObjectRef] = deque()
        self._under_way: deque[tuple[ObjectRef, Future[tuple[Fetched, bool]]]] = deque()
        self._window = float(FIRST)
        self._held = 0

    def expect(self, refs: Sequence[ObjectRef]) -> None:
        """These will be wanted, in this order; what was expected before is forgotten."""
        self._drop(len(self._under_way))
        self._waiting = deque(refs)
        self._fill()

    def take(self, ref: ObjectRef) -> Fetched:
        """The bytes of an object that was expected, once it is there. Raises: what its fetch raised."""
        at = next((n for n, (known, _) in enumerate(self._under_way) if known == ref), -1)
        if at < 0:
            return None
        self._drop(at)
        _, future = self._under_way.popleft()
        self._held -= ref.size
        try:
            data, spare = future.result()
            self._window = max(self._window / 2, 1) if spare else min(self._window + 1 / self._window, MOST)
            return data
        finally:
            self._fill()

    def _drop(self, count: int) -> None:
        for _ in range(count):
            ref, future = self._under_way.popleft()
            self._held -= ref.size
            future.cancel()

    def _fill(self) -> None:
        while self._waiting and len(self._under_way) < int(self._window):
            ref = self._waiting[0]
            if self._under_way and self._held + ref.size > ROOM:
                return
            self._waiting.popleft()
            self._held += ref.size
            self._under_way.append((ref, self._pool.submit(self._fetch, ref)))

    def close(self) -> None:
        """Ask for nothing more."""
        self._waiting.clear()
        self._drop(len(self._under_way))
        self._pool.shutdown(wait=False, cancel_futures=True)
