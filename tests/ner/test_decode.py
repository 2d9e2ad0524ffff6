"""Runs of tags in which a name goes on that has not begun are decoded again."""

from __future__ import annotations

from itertools import pairwise, product

import numpy as np

from piiscan.ner.decode import consistent

TAGS = 5


def _allowed(path: tuple[int, ...]) -> bool:
    return all(tag % 2 or not tag or before in (tag, tag - 1) for before, tag in pairwise((0, *path)))


def test_a_name_that_goes_on_has_begun() -> None:
    """The best path that is allowed, as trying every one finds it."""
    rng = np.random.default_rng(6)
    changed = 0
    for _ in range(60):
        scores = rng.normal(size=(5, TAGS)).astype(np.float32)
        scores[:, 0] -= 9  # one run: the whole of it is decoded
        tags = scores.argmax(1).astype(np.int8)
        wrong = not _allowed(tuple(tags.tolist()))
        consistent(scores, tags)
        paths = filter(_allowed, product(range(TAGS), repeat=5))
        best = max(paths, key=lambda path: sum(float(scores[n, tag]) for n, tag in enumerate(path)))
        assert tuple(tags.tolist()) == best
        changed += wrong
    assert changed > 20


def test_what_is_allowed_stays() -> None:
    """Tags without a contradiction are left as they are, and so is what is far from one."""
    rng = np.random.default_rng(7)
    for _ in range(200):
        scores = rng.normal(size=(40, TAGS)).astype(np.float32)
        tags = scores.argmax(1).astype(np.int8)
        tags[12:28] = 0
        scores[12:28, 1:] = -9
        before = tags.copy()
        consistent(scores, tags)
        assert _allowed(tuple(tags.tolist()))
        assert (tags[14:26] == 0).all()
        if _allowed(tuple(before[:12].tolist())):
            assert (tags[:12] == before[:12]).all()


def test_nothing_is_nothing() -> None:
    """No words, no tags."""
    tags = np.zeros(0, np.int8)
    consistent(np.zeros((0, TAGS), np.float32), tags)
    assert not len(tags)
