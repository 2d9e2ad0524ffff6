"""The keys of a bucket in their order, listed from several places at once where there are many.

ListObjectsV2 gives a thousand keys a request and each request needs the last one's answer, so a bucket of millions is
listed for minutes whatever the machine. After `ALONE` pages the rest is split: a few requests for a single key find
where the keys begin to differ and which characters stand there, and each of these prefixes is listed by itself. What
is listed ahead is bounded, and comes out in the order of one plain listing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

ALONE = 8
"""Pages that are asked for one after the other before the rest is split."""
AT_ONCE = 8
"""Prefixes that are listed at the same time, each up to `ALONE` pages far."""
WIDEST = 100
"""Prefixes that the rest of a listing is split into at the most; where there are more, each would hold too little."""
LAST = "\U0010ffff"
"""No character comes after it, in the order of UTF-8 bytes that S3 lists by."""

Entry = dict[str, Any]
Ask = Callable[..., dict[str, Any]]
"""ListObjectsV2 of one bucket: takes its parameters by name."""


@dataclass(frozen=True, slots=True)
class Part:
    """The keys below a prefix that come after a key."""

    prefix: str
    after: str = ""


@dataclass(frozen=True, slots=True)
class Begun:
    """The first keys of a part, and how its listing goes on; no token: that was all."""

    part: Part
    entries: list[Entry]
    token: str


class Lister:
    """Lists one bucket."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def entries(self, prefix: str) -> Iterator[Entry]:
        """All entries below a prefix, in the order of their keys. Raises: what `ask` raises."""
        part = Part(prefix)
        token = ""
        last = ""
        for _ in range(ALONE):
            found, token = self._page(part, token)
            yield from found
            if not token:
                return
            last = found[-1]["Key"] if found else last
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="lister") as pool:
            try:
                yield from self._rest(pool, part, last, token)
            finally:
                pool.shutdown(wait=False, cancel_futures=True)

    def _rest(self, pool: ThreadPoolExecutor, part: Part, last: str, token: str) -> Iterator[Entry]:
        """What comes after the key `last` of a part, whose plain listing goes on with a token."""
        parts = self._split(part, last) if last else []
        if len(parts) < 2:
            while token:
                found, token = self._page(part, token)
                yield from found
            return
        waiting, under_way = deque(parts), deque[Future[Begun]]()
        while waiting or under_way:
            while waiting and len(under_way) < AT_ONCE:
                under_way.append(pool.submit(self._begin, waiting.popleft()))
            begun = under_way.popleft().result()
            yield from begun.entries
            if begun.token:
                yield from self._rest(pool, begun.part, begun.entries[-1]["Key"], begun.token)

    def _begin(self, part: Part) -> Begun:
        entries: list[Entry] = []
        token = ""
        for _ in range(ALONE):
            found, token = self._page(part, token)
            entries += found
            if not token:
                break
        while token and not entries:  # pages may be empty
            entries, token = self._page(part, token)
        return Begun(part, entries, token)

    def _page(self, part: Part, token: str) -> tuple[list[Entry], str]:
        more = {"ContinuationToken": token} if token else {"StartAfter": part.after} if part.after else {}
        answer = self._ask(Prefix=part.prefix, **more)
        return answer.get("Contents", []), answer.get("NextContinuationToken", "") if answer.get("IsTruncated") else ""

    def _beyond(self, part: Part, start: str) -> str:
        """The first key of a part after all that begin with `start`; empty: none, or the server does not tell."""
        answer = self._ask(Prefix=part.prefix, StartAfter=start + LAST, MaxKeys=1)
        key: str = next((entry["Key"] for entry in answer.get("Contents", [])), "")
        return key if key > start + LAST else ""

    def _split(self, part: Part, last: str) -> list[Part]:
        """Parts that together hold what comes after the key `last`; one or none where it cannot be split."""
        low, high = len(part.prefix), len(last)
        # The shortest beginning of `last` that some later key does not have.
        while low < high:
            middle = (low + high) // 2
            if self._beyond(part, last[: middle + 1]):
                high = middle
            else:
                low = middle + 1
        if low >= len(last):
            return []
        at = low
        parts = [Part(last[: at + 1], last)]
        while key := self._beyond(part, parts[-1].prefix):
            if len(parts) == WIDEST or key[:at] != last[:at] or len(key) <= at or key[: at + 1] <= parts[-1].prefix:
                return []  # too many, or not in the order that S3 promises
            parts.append(Part(key[: at + 1]))
        return parts
