"""The network with numpy: each distinct word becomes a vector once, then convolutions run over the words of a text.

A text's first layer is a sum of rows, since the product of a word's vector with each of the five matrices of that
layer is kept with the word. A word that can be no part of a name, and has none that could within reach, is not read.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from piiscan.ner.decode import consistent
from piiscan.ner.lexer import Lexed, lexer
from piiscan.ner.weights import Arrays
from piiscan.ner.words import ALPHABETIC, ASCII, EMPTY, SAME, Described, hashed

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]

REACH = 5
"""Words to either side that the convolutions see."""
_FORMS = 5
_WINDOW = 5
_STEP = 4096
"""Words that go through the convolutions at once: their layers stay in the processor's cache."""
_MOST_TYPES = 10_000
"""Distinct words that are kept before all are forgotten: two kilobytes each."""
_ROOM = _MOST_TYPES + 16_000
_LEARNT = 1024
"""Words whose vectors are made at once."""
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
        self._bit_of: dict[str, int] = bits
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
        self._lexer = lexer()
        self._forget()

    def _forget(self) -> None:
        self._lexer.forget()
        # Zeros cost no memory until a row is written.
        self._known = np.zeros((_ROOM, _WINDOW * self._width), np.float32)
        self._kinds = np.zeros(_ROOM, np.uint8)

    def spans(self, texts: Sequence[str], bias: float = 0.0) -> list[list[tuple[int, int, str]]]:
        """(start, end, label) in each text. A positive `bias` makes labels rarer, a negative one more frequent.

        A text longer than a batch is read in pieces that end at a blank, so memory does not grow with it.
        """
        if any(len(text) > _BATCH for text in texts):
            return [self._long(text, bias) if len(text) > _BATCH else self.spans([text], bias)[0] for text in texts]
        out: list[list[tuple[int, int, str]]] = [[] for _ in texts]
        first, size = 0, 0
        for number, text in enumerate(texts):
            size += len(text)
            if size > _BATCH or number == len(texts) - 1:
                self._batch(texts[first : number + 1], out[first : number + 1], bias)
                first, size = number + 1, 0
        return out

    def lists_of(self, names: Sequence[str]) -> Callable[[Sequence[str]], Ints]:
        """A function from words in small letters to the lists that each is on: bit n of a number for the nth name."""
        bits = [self._bit_of.get(name, 0) for name in names]

        def on(words: Sequence[str]) -> Ints:
            at = _looked_up(self._keys["lists"], np.array([hashed(word) for word in words], np.uint32))
            known = np.where(at >= 0, self._bits[np.maximum(at, 0)].astype(np.int64), 0)
            out = np.zeros(len(words), np.int64)
            for place, bit in enumerate(bits):
                out |= ((known & bit) > 0).astype(np.int64) << place
            return out

        return on

    def _long(self, text: str, bias: float) -> list[tuple[int, int, str]]:
        pieces, low = [], 0
        while low < len(text):
            high = min(low + _BATCH, len(text))
            if high < len(text):
                high = max(text.rfind(blank, low + _BATCH // 2, high) + 1 for blank in "\n ") or high
            pieces.append(low)
            low = high
        cut = [text[begin:end] for begin, end in pairwise((*pieces, len(text)))]
        found = self.spans(cut, bias)
        return [(low + s, low + e, label) for low, spans in zip(pieces, found, strict=True) for s, e, label in spans]

    def _batch(self, texts: Sequence[str], out: list[list[tuple[int, int, str]]], bias: float) -> None:
        if self._lexer.known > _MOST_TYPES:
            self._forget()
        known = self._lexer.known
        lexed = self._lexer.read(texts, REACH)
        self._learn(lexed.fresh, known)
        kept = np.flatnonzero(self._kinds[lexed.numbers] != _DROPPED)
        whole = lexed.numbers[kept]
        places = self._gated(whole)
        self.seen += len(whole)
        if not len(places):
            return
        tags = self._tagged(np.where(places >= 0, whole[places], 0), bias)
        self._collect(tags, kept[places], lexed, out)

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
            scores[words[low:high] == 0, 1:] = -1e9
            near = scores.argmax(1).astype(np.int8)
            consistent(scores, near)
            tags[at : at + _STEP] = near[at - low : at - low + _STEP]
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

    def _collect(self, tags: Any, places: Ints, lexed: Lexed, out: list[list[tuple[int, int, str]]]) -> None:
        hits = np.flatnonzero(tags)
        last, open_ = -2, -1
        where = places[hits]
        told = zip(
            hits.tolist(),
            tags[hits].tolist(),
            lexed.begins[where].tolist(),
            lexed.ends[where].tolist(),
            lexed.owner[where].tolist(),
            strict=True,
        )
        for hit, tag, begin, end, owner in told:
            kind, spans = (tag - 1) // 2, out[owner]
            if hit == last + 1 and kind == open_ and tag % 2 == 0:
                spans[-1] = (spans[-1][0], end, spans[-1][2])
            else:
                spans.append((begin, end, self.labels[kind]))
            last, open_ = hit, kind

    def _learn(self, fresh: Described, first: int) -> None:
        """Keep the vectors of the words that came new, whose numbers begin with `first`."""
        size = first + len(fresh.flags)
        if size > len(self._known):
            room = max(size, 2 * len(self._known))
            self._known = np.concatenate(
                [self._known, np.zeros((room - len(self._known), self._known.shape[1]), np.float32)]
            )
            self._kinds = np.concatenate([self._kinds, np.zeros(room - len(self._kinds), np.uint8)])
        features, self._kinds[first:size] = self._features(fresh)
        for at in range(0, len(features), _LEARNT):
            vectors = self._vectors(features[at : at + _LEARNT])
            np.matmul(vectors, self._first, out=self._known[first + at : first + at + len(vectors)])

    def _features(self, told: Described) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
        """Rows of the six tables, form and lists of each word; and what it is to the gate."""
        codes, flags = told.codes, told.flags
        same, alpha, ascii_ = ((flags & flag) > 0 for flag in (SAME, ALPHABETIC, ASCII))
        hits = np.array([_looked_up(self._keys["vectors"], codes[:, form]) for form in range(3)])
        rows = np.where(hits >= 0, self._rows[np.maximum(hits, 0)].astype(np.int64), 0)
        row, form = rows[0].copy(), np.zeros(len(flags), np.int64)
        left = row == 0
        row[left], form[left] = rows[1][left], np.where(same[left], 3, 1)
        left &= (row == 0) & ~same
        row[left], form[left] = rows[2][left], 2
        form[row == 0] = 4
        own = _looked_up(self._keys["words"], codes[:, 3]) + 1
        listed = _looked_up(self._keys["lists"], codes[:, 2])
        bits = np.where(listed >= 0, self._bits[np.maximum(listed, 0)].astype(np.int64), 0)
        features = np.column_stack([row, own, codes[:, 4:].astype(np.int64), form, bits])
        kinds = np.zeros(len(flags), np.uint8)
        common, name = (bits & self._common) > 0, (bits & self._names) > 0
        kinds[alpha & ((~same & (~common | name)) | (name & ~common) | ~ascii_)] = _CANDIDATE
        kinds[(flags & EMPTY) > 0] = _DROPPED
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
