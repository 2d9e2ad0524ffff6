"""The network in torch: a vector for each distinct word, then convolutions over the words of a text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from piiscan.ner.words import PREFIXES, SHAPES, SUFFIXES, key, parts
from training.ner.data import TAGS, Sample, begin
from training.ner.lexicon import LISTS

BREAK = 5
"""Silent places between two texts: as far as the convolutions reach."""
DROP, VECTOR_DROP, OWN_DROP = 0.25, 0.1, 0.5
"""Parts of the values, of the words' vectors and of their own rows that are left out in training.

With fewer, the names of the training text are learned by heart: persons fell from 74.0 at the fourth epoch to 72.9 at
the eighth."""
FORMS = 5
"""How a word was found among the vectors: as written, capitalised, in small letters, capitalised though small, not."""


@dataclass(frozen=True, slots=True)
class Tables:
    """What is known of words before training."""

    vectors: Any
    """(rows, 300) float32; row 0 for the unknown."""
    rows: dict[str, int]
    """Row of `vectors` by word as it is written."""
    words: dict[str, int]
    """Row of the words' own table by `key`; 0 for the unknown."""
    bits: dict[str, int]

    def features(self, word: str, key: str) -> tuple[int, ...]:
        """(vector's row, own row, prefix, suffix, short suffix, shape, form, bits)."""
        small = word.lower()
        row, form = self.rows.get(word, 0), 0
        if not row and small != word:
            row, form = self.rows.get(word.capitalize(), 0), 1
            if not row:
                row, form = self.rows.get(small, 0), 2
        elif not row:
            row, form = self.rows.get(word.capitalize(), 0), 3
        return (row, self.words.get(key, 0), *parts(word), form if row else 4, self.bits.get(small, 0))


class Network(nn.Module):
    """Words to tags."""

    def __init__(self, tables: Tables, inner: int, wide: int, width: int) -> None:
        super().__init__()
        self.register_buffer("vectors", torch.from_numpy(tables.vectors))
        self.project = nn.Linear(tables.vectors.shape[1], inner, bias=False)
        sizes = (len(tables.words) + 1, PREFIXES, SUFFIXES, SUFFIXES, SHAPES)
        self.tables = nn.ModuleList([nn.Embedding(size, inner) for size in sizes])
        for number, table in enumerate(self.tables):
            nn.init.normal_(table.weight, 0, 0.1 if number else 0.02)
        self.told = nn.Linear(FORMS + len(LISTS), inner)
        self.mixed = nn.Linear(inner, wide)
        self.first = nn.Conv1d(wide, width, 5, padding=2)
        self.second = nn.Conv1d(width, width, 3, padding=1)
        self.third = nn.Conv1d(width, width, 3, padding=2, dilation=2)
        self.last = nn.Linear(width, len(TAGS))
        self.drop = nn.Dropout(DROP)
        self.vector_drop, self.own_drop = VECTOR_DROP, OWN_DROP

    def types(self, features: torch.Tensor) -> torch.Tensor:
        """(words, wide): a vector for each distinct word."""
        vector, own = features[:, 0], features[:, 1]
        if self.training:
            # So that a name of which nothing is known but its letters is learned as well.
            vector = torch.where(torch.rand(len(vector)) < self.vector_drop, torch.zeros_like(vector), vector)
            own = torch.where(torch.rand(len(own)) < self.own_drop, torch.zeros_like(own), own)
        x = self.project(self.vectors[vector]) + self.tables[0](own)
        for place in range(1, 5):
            x = x + self.tables[place](features[:, place + 1])
        form = functional.one_hot(features[:, 6], FORMS).float()
        bits = ((features[:, 7:8] >> torch.arange(len(LISTS))) & 1).float()
        x = x + self.told(torch.cat([form, bits], 1))
        return functional.relu(self.mixed(functional.relu(x)))

    def forward(self, features: torch.Tensor, words: torch.Tensor, live: torch.Tensor) -> torch.Tensor:
        """(places, tags) of a row of words; `live` is 0 in the breaks between texts."""
        x = (self.drop(self.types(features))[words] * live[:, None]).t()[None]
        mask = live[None, None]
        x = self.drop(functional.relu(self.first(x))) * mask
        x = (functional.relu(self.second(x)) + x) * mask
        x = (functional.relu(self.third(self.drop(x))) + x) * mask
        return self.last(x[0].t())


Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


class Batches:
    """Samples as tensors: features of distinct words, words, tags, whether OTHER is labelled, live places."""

    gap = BREAK

    def __init__(self, tables: Tables) -> None:
        self._tables = tables
        self._known: dict[str, tuple[int, ...]] = {}

    def features(self, word: str) -> tuple[int, ...]:
        """The features of a word, remembered."""
        found = self._known.get(word)
        if found is None:
            found = self._known[word] = self._tables.features(word, key(word))
        return found

    def batch(self, samples: Sequence[Sample]) -> Batch:
        """One batch, with `gap` silent places after each sample."""
        index: dict[str, int] = {"": 0}
        words: list[int] = []
        tags: list[int] = []
        other: list[bool] = []
        for sample in samples:
            words += [index.setdefault(word, len(index)) for word in sample.words] + [0] * BREAK
            tags += [*sample.tags, *[-1] * BREAK]
            other += [sample.other] * (len(sample.words) + BREAK)
        features = torch.tensor([self.features(word) for word in index])
        marks = torch.tensor(tags)
        return features, torch.tensor(words), marks, torch.tensor(other), (marks >= 0).float()


_OTHER = [begin("OTHER"), begin("OTHER") + 1]


def cross_entropy(scores: torch.Tensor, tags: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
    """(places,) cross entropy; where OTHER is not labelled, no tag may be OTHER as well."""
    chance = functional.log_softmax(scores, 1)
    plain = -chance.gather(1, tags[:, None])[:, 0]
    either = -torch.logsumexp(chance[:, [0, *_OTHER]], 1)
    return torch.where(~other & (tags == 0), either, plain)


def seeded(seed: int) -> Random:
    """The generator of a run; torch and numpy get the same seed."""
    torch.manual_seed(seed)
    np.random.seed(seed)
    return Random(seed)  # noqa: S311 - to be drawn again, not to be secret
