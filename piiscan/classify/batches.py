"""Batches of matches: put together, chosen from, in order, and which of those that overlap stand."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from piiscan.classify.overlap import contested, survivors
from piiscan.model import MatchBatch
from piiscan.passes import IntArray

_NO_ROWS = np.empty(0, np.int64)
Row = tuple[int, int, int, float] | tuple[int, int, int, float, int]
"""Rule, start, end, confidence and, in a column, the item of one match of a recognizer."""
NO_HITS = MatchBatch(np.empty(0, np.int32), _NO_ROWS, _NO_ROWS, np.empty(0, np.float32))


def spread(batch: MatchBatch, codes: IntArray) -> MatchBatch:
    """The matches in distinct cells as those of all cells, of which `codes` says which distinct one each is."""
    if not len(batch):
        return NO_HITS
    assert batch.item is not None
    # Hits are sorted by item: those of a distinct cell lie between two edges.
    edges = np.searchsorted(batch.item, np.arange(int(codes.max()) + 2))
    first, counts = edges[codes], np.diff(edges)[codes]
    item = np.repeat(np.arange(len(codes)), counts)
    hit = np.repeat(first - np.cumsum(counts) + counts, counts) + np.arange(len(item))
    return MatchBatch(batch.rule[hit], batch.start[hit], batch.end[hit], batch.confidence[hit], item)


def without(batch: MatchBatch, refused: frozenset[int]) -> MatchBatch:
    """A batch of a column less the matches of some rules."""
    if not refused or not len(batch):
        return batch
    assert batch.item is not None
    keep = ~np.isin(batch.rule, list(refused))
    return MatchBatch(batch.rule[keep], batch.start[keep], batch.end[keep], batch.confidence[keep], batch.item[keep])


CELL = 1 << 24
"""More characters than a cell has."""


def _items(batch: MatchBatch) -> IntArray:
    return batch.item if batch.item is not None else _NO_ROWS


def of_rows(rows: Sequence[tuple[int, int, int, int, float]]) -> MatchBatch:
    """Rows (rule, item, start, end, confidence) as a batch."""
    more = list(zip(*rows, strict=True)) or [()] * 5
    return MatchBatch(
        np.array(more[0], np.int32), np.array(more[2], np.int64), np.array(more[3], np.int64),
        np.array(more[4], np.float32), np.array(more[1], np.int64),
    )  # fmt: skip


def kept(batch: MatchBatch, keep: npt.NDArray[Any]) -> MatchBatch:
    """Some matches of a column's batch: by a mask, or by indexes."""
    return MatchBatch(batch.rule[keep], batch.start[keep], batch.end[keep], batch.confidence[keep], _items(batch)[keep])


def together(*batches: MatchBatch) -> MatchBatch:
    """The matches of a column's batches, one after the other."""
    some = [batch for batch in batches if len(batch)]
    if len(some) < 2:
        return some[0] if some else NO_HITS
    return MatchBatch(
        np.concatenate([b.rule for b in some]), np.concatenate([b.start for b in some]),
        np.concatenate([b.end for b in some]), np.concatenate([b.confidence for b in some]),
        np.concatenate([_items(b) for b in some]),
    )  # fmt: skip


def in_order(batch: MatchBatch) -> MatchBatch:
    """A column's batch by items, then by starts."""
    return kept(batch, np.lexsort((batch.start, _items(batch))))


def competing(batch: MatchBatch, rivals: MatchBatch, weight: npt.NDArray[np.float64], shared: set[int]) -> MatchBatch:
    """A batch of a column with matches that compete with it for the characters of their cells; the rules of those that
    do are added to `shared`."""
    if not len(rivals):
        return batch
    both = together(batch, rivals)
    first = _items(both) * CELL
    starts, ends = first + both.start, first + both.end
    order = survivors(starts, ends, both.confidence + weight[both.rule], both.rule)
    shared |= contested(starts, ends, both.rule, order)
    return kept(both, order)


def merged(batch: MatchBatch, rows: Sequence[Row]) -> MatchBatch:
    """A batch with rows (rule, start, end, confidence and, in a column, item) beside its own, in order."""
    more = list(zip(*rows, strict=True))
    start = np.concatenate((batch.start, np.array(more[1], np.int64)))
    item = None
    if len(more) > 4:
        before = batch.item if batch.item is not None else _NO_ROWS
        item = np.concatenate((before, np.array(more[4], np.int64)))
    order = np.lexsort((start, start if item is None else item))
    return MatchBatch(
        np.concatenate((batch.rule, np.array(more[0], np.int32)))[order],
        start[order],
        np.concatenate((batch.end, np.array(more[2], np.int64)))[order],
        np.concatenate((batch.confidence, np.array(more[3], np.float32)))[order],
        None if item is None else item[order],
    )
