"""The distinct values of one rule in one object: each as its fingerprint with a count, in arrays.

A million strings counted in Python take 200 MB, and as many fingerprints 150; in arrays both together take 36. So
values are counted in clear only until there are some ten thousand of them; then they are told apart by Python's hash of
their text, 64 bits under a key that each process draws anew, and of each only the fingerprint stays. Two of a million
values share such a hash in one of 40 million objects; then they count as one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, ItemsView, Iterator, Mapping, Sequence, ValuesView
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from piiscan.model import Fingerprint

IntArray = npt.NDArray[np.int64]
Counts = IntArray
"""How often each of n values came."""
Digests = npt.NDArray[np.void]
"""n fingerprints of 16 bytes each."""

DIGEST = np.dtype("V16")
_HALVES = np.dtype([("first", ">u8"), ("second", ">u8")])
IN_CLEAR = 1 << 15
"""Values that are counted as strings before they go into arrays."""


class Fingerprints(Mapping[Fingerprint, int]):
    """Fingerprints and how often each came, as arrays."""

    __slots__ = ("_counts", "_digests")

    def __init__(self, digests: Digests, counts: Counts) -> None:
        self._digests, self._counts = digests, counts

    @classmethod
    def of(cls, values: Mapping[Fingerprint, int]) -> Fingerprints:
        """The arrays of any mapping; its order stays."""
        if isinstance(values, Fingerprints):
            return values
        return cls(np.frombuffer(b"".join(values), DIGEST), np.fromiter(values.values(), np.int64, len(values)))

    def pieces(self, size: int) -> Iterator[tuple[Digests, Counts]]:
        """(fingerprints, counts) in order, `size` of them at a time."""
        for at in range(0, len(self), size):
            yield self._digests[at : at + size], self._counts[at : at + size]

    def __len__(self) -> int:
        return len(self._digests)

    def __iter__(self) -> Iterator[Fingerprint]:
        size = DIGEST.itemsize
        for digests, _ in self.pieces(1 << 12):
            data = digests.tobytes()
            yield from (Fingerprint(data[at : at + size]) for at in range(0, len(data), size))

    def __getitem__(self, key: Fingerprint) -> int:
        if isinstance(key, bytes) and len(key) == DIGEST.itemsize:
            halves, wanted = self._digests.view(_HALVES), np.frombuffer(key, _HALVES)[0]
            for index in np.flatnonzero(halves["first"] == wanted["first"]).tolist():
                if halves["second"][index] == wanted["second"]:
                    return int(self._counts[index])
        raise KeyError(key)

    def items(self) -> ItemsView[Fingerprint, int]:
        """All of them with their counts: at once, as looking each up would take a pass over all of them."""
        return dict(zip(self, self._counts.tolist(), strict=True)).items()

    def values(self) -> ValuesView[int]:
        """The counts, in the same order."""
        return dict(self.items()).values()

    def __repr__(self) -> str:
        return f"Fingerprints({len(self)} values)"


@dataclass(slots=True)
class _Run:
    """Some values, by ascending hash."""

    hashes: IntArray
    digests: Digests
    counts: Counts

    def joined(self, other: _Run) -> _Run:
        """This run and another one, which has none of its values."""
        mine = np.arange(len(self.hashes)) + np.searchsorted(other.hashes, self.hashes)
        theirs = np.arange(len(other.hashes)) + np.searchsorted(self.hashes, other.hashes, side="right")
        out = _Run(
            np.empty(len(mine) + len(theirs), np.int64),
            np.empty(len(mine) + len(theirs), DIGEST),
            np.empty(len(mine) + len(theirs), np.int64),
        )
        for run, at in ((self, mine), (other, theirs)):
            out.hashes[at], out.digests[at], out.counts[at] = run.hashes, run.digests, run.counts
        return out


class DistinctValues:
    """Counts values; keeps the first `most` distinct ones and counts those to the end."""

    def __init__(
        self,
        fingerprint: Callable[[str], Fingerprint],
        most: int,
        samples: frozenset[str] = frozenset(),
        *,
        in_clear: int = IN_CLEAR,
    ) -> None:
        """`samples`: values whose occurrences are also counted together, kept or not."""
        self._fingerprint = fingerprint
        self._most = most
        self._samples = samples
        self._in_clear = in_clear
        self._met = 0
        self._clear: Counter[str] = Counter()
        self._runs: list[_Run] = []
        """Each more than twice as long as the next, so that a value moves a few times only."""
        self._kept = 0
        """Values in the runs."""
        self._exact = True
        self._given: Fingerprints | None = None

    def add(self, values: Sequence[str], counts: Sequence[int] | None = None) -> None:
        """Take values in, each once or as often as `counts` says."""
        assert self._given is None
        if counts is None:
            self._clear.update(values)
        else:
            for value, count in zip(values, counts, strict=True):
                self._clear[value] += count
        if len(self._clear) > self._in_clear:
            self._settle()

    @property
    def exact(self) -> bool:
        """Whether all distinct values are kept."""
        if len(self._clear) + self._kept > self._most:
            self._settle()
        return self._exact

    @property
    def samples(self) -> int:
        """Occurrences of the samples."""
        return self._met + sum(self._clear[value] for value in self._samples)

    def fingerprints(self) -> Mapping[Fingerprint, int]:
        """What is kept, with counts: few values in the order in which they came, many by their fingerprints.

        This ends the counting of many: what is known of them beside is let go, and no more can be taken in.
        """
        if self._given is not None:
            return self._given
        if self.exact and not self._runs:
            return {self._fingerprint(value): count for value, count in self._clear.items()}
        self._settle()
        runs, self._runs = self._runs, []
        if not runs:
            return {}
        digests = np.concatenate([run.digests for run in runs])
        counts = np.concatenate([run.counts for run in runs])
        runs.clear()
        # By the first eight bytes: the order must be the same in each run, and so is that of fingerprints by chance.
        order = np.argsort(digests.view(_HALVES)["first"])
        self._given = Fingerprints(digests[order], counts[order])
        return self._given

    def _settle(self) -> None:
        """Move what is known in clear to the runs."""
        values = list(self._clear)
        counts = np.fromiter(self._clear.values(), np.int64, len(values))
        self._met += sum(self._clear[value] for value in self._samples)
        self._clear = Counter()
        hashes = np.fromiter(map(hash, values), np.int64, len(values))
        order = np.argsort(hashes)
        ranked = hashes[order]
        fresh = np.ones(len(values), np.bool_)
        for run in self._runs:
            at = np.minimum(np.searchsorted(run.hashes, ranked), len(run.hashes) - 1)
            known = run.hashes[at] == ranked
            run.counts[at[known]] += counts[order[known]]
            fresh[order[known]] = False
        new = np.flatnonzero(fresh)
        room = self._most - self._kept
        if len(new) > room:
            self._exact = False
            new = new[:room]
        if not len(new):
            return
        digests = np.frombuffer(b"".join([self._fingerprint(values[i]) for i in new.tolist()]), DIGEST)
        order = np.argsort(hashes[new])
        run = _Run(hashes[new][order], digests[order], counts[new][order])
        self._kept += len(new)
        while self._runs and len(self._runs[-1].hashes) <= 2 * len(run.hashes):
            run = self._runs.pop().joined(run)
        self._runs.append(run)
