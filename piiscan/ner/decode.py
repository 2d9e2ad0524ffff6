"""The best run of tags in which no name goes on that has not begun."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def consistent(scores: npt.NDArray[np.float32], tags: npt.NDArray[np.int8]) -> None:
    """Mend `tags`, (places,) and each the best of its row of `scores`, (places, tags), where they contradict.

    Tags are 0 for none, then begin and inside of each label by turns. Only runs that hold a contradiction are decoded
    again, with the place to either side.

    Source: Viterbi (1967), transitions that are allowed costing nothing.
    """
    before = np.concatenate([[0], tags[:-1]])
    wrong = np.flatnonzero((tags > 0) & (tags % 2 == 0) & (before != tags) & (before != tags - 1))
    done = 0
    for at in wrong.tolist():
        if at < done:
            continue
        low = high = at
        while low > done and tags[low - 1]:
            low -= 1
        while high < len(tags) and tags[high]:
            high += 1
        low, high = max(low - 1, done), min(high + 1, len(tags))
        tags[low:high] = _path(scores[low:high].tolist(), int(tags[low - 1]) if low else 0)
        done = high


def _path(rows: Sequence[Sequence[float]], before: int) -> list[int]:
    count = len(rows[0])
    best = [float("-inf")] * count
    best[before] = 0.0
    back: list[list[int]] = []
    for row in rows:
        top = max(range(count), key=best.__getitem__)
        came, fresh = [top] * count, [best[top] + score for score in row]
        for inside in range(2, count, 2):
            came[inside] = inside if best[inside] > best[inside - 1] else inside - 1
            fresh[inside] = best[came[inside]] + row[inside]
        back.append(came)
        best = fresh
    tag = max(range(count), key=best.__getitem__)
    path = []
    for came in reversed(back):
        path.append(tag)
        tag = came[tag]
    return path[::-1]
