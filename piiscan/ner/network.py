"""The network with numpy: each distinct word becomes a vector once, then convolutions run over the words of a text.

A text's first layer is a sum of rows, since the product of a word's vector with each of the five matrices of that
layer is kept with the word. A word that can be no part of a name, and has none that could within reach, is not read.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from piiscan.ner.weights import Arrays
from piiscan.ner.words import WORD, hashed, key, parts, plain

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

REACH = 5
"""Words to either side that the convolutions see."""
_FORMS = 5
_WINDOW = 5
_STEP = 4096
"""Words that go through the convolutions at once: their layers stay in the processor's cache."""
_MOST_TYPES = 16_000
"""Distinct words that are kept before all are forgotten: two kilobytes each."""
_BATCH = 120_000
"""Characters that are tagged together."""
_DROPPED, _CANDIDATE = 1, 2


class Network:
    """Tags for the words of texts."""

    def __init__(self, arrays: Arrays, notes: dict[str, str]) -> None:
        self.labels: list[str] = json.loads(notes["labels"])
        bits = json.loads(notes["lists"])
        self._common = bits["common"]
        self._names = bits["first"] | bits["first_elsewhere"] | bits["last_frequent"]
        self._lists = len(bits)
        self._keys = {name: arrays[f"{name}.keys"] for name in ("vectors", "words", "lists")}
        self._rows, self._bits = arrays["vectors.rows"], arrays["lists.bits"]
        self._tables = [
            (arrays[f"{name}.table"], arrays[f"{name}.scale"])
            for name in ("vectors", "words", "prefixes", "suffixes", "endings", "shapes")
        ]

        def dense(name: str) -> Floats:
            return arrays[name].astype(np.float32)

        self._told, self._told_bias = dense("told"), dense("told.bias")
        self._mixed, self._mixed_bias = dense("mixed"), dense("mixed.bias")
        first = dense("first")
        self._width = first.shape[2]
        self._first = np.ascontiguousarray(first.transpose(1, 0, 2).reshape(first.shape[1], -1))
        self._first_bias = dense("first.bias")
        self._layers = [(dense(name), dense(f"{name}.bias"), step) for name, step in (("second", 1), ("third", 2))]
        self._last, self._last_bias = dense("last"), dense("last.bias")
        self.read = self.seen = 0
        """Words that went through the convolutions, and words of all texts."""
        self._forget()

    def _forget(self) -> None:
        self._index: dict[str, int] = {"": 0}
        self._known = np.zeros((4096, _WINDOW * self._width), np.float32)
        self._kinds = np.zeros(4096, np.uint8)
        self._learned = 1

    def spans(self, texts: Sequence[str], bias: float = 0.0) -> list[list[tuple[int, int, str]]]:
        """(start, end, label) in each text. A positive `bias` makes labels rarer, a negative one more frequent."""
        out: list[list[tuple[int, int, str]]] = [[] for _ in texts]
        first, size = 0, 0
        for number, text in enumerate(texts):
            size += len(text)
            if size > _BATCH or number == len(texts) - 1:
                self._batch(texts[first : number + 1], out[first : number + 1], bias)
                first, size = number + 1, 0
        return out

    def _batch(self, texts: Sequence[str], out: list[list[tuple[int, int, str]]], bias: float) -> None:
        if len(self._index) > _MOST_TYPES:
            self._forget()
        index = self._index
        numbers: list[Ints] = []
        sizes: list[Ints] = []
        for text in texts:
            words = WORD.findall(text)
            numbers.append(np.fromiter([index.setdefault(w, len(index)) for w in words], np.int64, len(words)))
            sizes.append(np.fromiter(map(len, words), np.int64, len(words)))
        self._learn()
        rest = np.zeros(REACH, np.int64)
        row, begins, ends, owner = [rest], [rest], [rest], [rest]
        for number, (ids, size) in enumerate(zip(numbers, sizes, strict=True)):
            end = np.cumsum(size)
            kept = self._kinds[ids] != _DROPPED
            row += [ids[kept], rest]
            begins += [(end - size)[kept], rest]
            ends += [end[kept], rest]
            owner += [np.full(int(kept.sum()), number), rest]
        whole = np.concatenate(row)
        places = self._gated(whole)
        self.seen += len(whole)
        if not len(places):
            return
        tags = self._tagged(np.where(places >= 0, whole[places], 0), bias)
        self._collect(tags, places, np.concatenate(begins), np.concatenate(ends), np.concatenate(owner), out)

    def _gated(self, words: Ints) -> Ints:
        """Places of the words to be read: candidates and what is within reach; -1 for silence between two runs."""
        near = np.zeros(len(words) + 1, np.int32)
        spots = np.flatnonzero(self._kinds[words] == _CANDIDATE)
        if not len(spots):
            return np.empty(0, np.int64)
        np.add.at(near, np.maximum(spots - REACH, 0), 1)
        np.add.at(near, np.minimum(spots + REACH + 1, len(words)), -1)
        places = np.flatnonzero(np.cumsum(near[:-1]))
        self.read += len(places)
        breaks = np.flatnonzero(np.diff(places) > 1) + 1
        silence = np.full(REACH, -1, np.int64)
        return np.concatenate([silence, np.insert(places, np.repeat(breaks, REACH), -1), silence])

    def _tagged(self, words: Ints, bias: float) -> npt.NDArray[np.int8]:
        tags = np.empty(len(words), np.int8)
        for at in range(0, len(words), _STEP):
            low, high = max(0, at - REACH), min(len(words), at + _STEP + REACH)
            scores = self._scores(words[low:high])
            scores[:, 0] += bias
            tags[at : at + _STEP] = scores.argmax(1)[at - low : at - low + _STEP]
        tags[words == 0] = 0
        return tags

    def _scores(self, words: Ints) -> Floats:
        """(words, tags) from numbers of words; 0 is silence."""
        known, width = self._known, self._width
        x = np.empty((len(words), width), np.float32)
        x[:] = self._first_bias
        for place in range(_WINDOW):
            column = slice(place * width, (place + 1) * width)
            shift = place - _WINDOW // 2
            if shift < 0:
                x[-shift:] += known[words[:shift], column]
            elif shift == 0:
                x += known[words, column]
            else:
                x[:-shift] += known[words[shift:], column]
        np.maximum(x, 0, out=x)
        silent = words == 0
        x[silent] = 0
        for weights, offset, step in self._layers:
            y = x @ weights[1]
            y[step:] += x[:-step] @ weights[0]
            y[:-step] += x[step:] @ weights[2]
            y += offset
            np.maximum(y, 0, out=y)
            y += x
            y[silent] = 0
            x = y
        return np.asarray(x @ self._last + self._last_bias)

    def _collect(
        self, tags: Any, places: Ints, begins: Ints, ends: Ints, owner: Ints, out: list[list[tuple[int, int, str]]]
    ) -> None:
        hits = np.flatnonzero(tags)
        last, open_ = -2, -1
        for hit in hits.tolist():
            tag, place = int(tags[hit]), int(places[hit])
            kind, spans = (tag - 1) // 2, out[int(owner[place])]
            if hit == last + 1 and kind == open_ and tag % 2 == 0:
                spans[-1] = (spans[-1][0], int(ends[place]), spans[-1][2])
            else:
                spans.append((int(begins[place]), int(ends[place]), self.labels[kind]))
            last, open_ = hit, kind

    def _learn(self) -> None:
        """The vectors of the words that came new."""
        fresh = list(self._index)[self._learned :]
        if not fresh:
            return
        size = len(self._index)
        if size > len(self._known):
            room = max(size, 2 * len(self._known))
            self._known = np.concatenate(
                [self._known, np.zeros((room - len(self._known), self._known.shape[1]), np.float32)]
            )
            self._kinds = np.concatenate([self._kinds, np.zeros(room - len(self._kinds), np.uint8)])
        known = [plain(word) for word in fresh]
        features, kinds = self._features(known)
        self._known[self._learned : size] = self._vectors(features) @ self._first
        self._kinds[self._learned : size] = kinds
        self._learned = size

    def _features(self, words: Sequence[str]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
        """Rows of the six tables, form and lists of each word; and what it is to the gate."""
        small = [word.lower() for word in words]
        forms = [[hashed(w) for w in words], [hashed(w.capitalize()) for w in words], [hashed(w) for w in small]]
        hits = np.array([_looked_up(self._keys["vectors"], np.array(f, np.uint32)) for f in forms])
        rows = np.where(hits >= 0, self._rows[np.maximum(hits, 0)].astype(np.int64), 0)
        same = np.array([a == b for a, b in zip(words, small, strict=True)])
        row, form = rows[0].copy(), np.zeros(len(words), np.int64)
        left = row == 0
        row[left], form[left] = rows[1][left], np.where(same[left], 3, 1)
        left &= (row == 0) & ~same
        row[left], form[left] = rows[2][left], 2
        form[row == 0] = 4
        # The key of a word of letters is its small form, which is hashed already.
        own_keys = [hashed(key(w)) if w.isdigit() else h for w, h in zip(words, forms[2], strict=True)]
        own = _looked_up(self._keys["words"], np.array(own_keys, np.uint32)) + 1
        listed = _looked_up(self._keys["lists"], np.array(forms[2], np.uint32))
        bits = np.where(listed >= 0, self._bits[np.maximum(listed, 0)].astype(np.int64), 0)
        rest = np.array([parts(w) for w in words], np.int64).reshape(-1, 4)
        features = np.column_stack([row, own, rest, form, bits])
        kinds = np.zeros(len(words), np.uint8)
        alpha = np.array([w[:1].isalpha() for w in words])
        ascii_ = np.array([w.isascii() for w in words])
        common, name = (bits & self._common) > 0, (bits & self._names) > 0
        kinds[alpha & ((~same & (~common | name)) | (name & ~common) | ~ascii_)] = _CANDIDATE
        kinds[np.array([not w for w in words])] = _DROPPED
        return features, kinds

    def _vectors(self, features: npt.NDArray[np.int64]) -> Floats:
        told = np.zeros((len(features), _FORMS + self._lists), np.float32)
        told[np.arange(len(features)), features[:, 6]] = 1
        told[:, _FORMS:] = (features[:, 7:8] >> np.arange(self._lists)) & 1
        x = told @ self._told + self._told_bias
        for place, (table, scale) in enumerate(self._tables):
            rows = features[:, place]
            x += table[rows].astype(np.float32) * scale[rows].astype(np.float32)
        np.maximum(x, 0, out=x)
        x = x @ self._mixed + self._mixed_bias
        return np.maximum(x, 0, out=x)


def _looked_up(keys: npt.NDArray[np.uint32], wanted: npt.NDArray[np.uint32]) -> Ints:
    """Where each wanted key stands in the sorted ones; -1 where it does not."""
    at = np.searchsorted(keys, wanted)
    at[at == len(keys)] = 0
    return np.where(keys[at] == wanted, at, -1)
