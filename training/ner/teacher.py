"""The teacher: an encoder of whole sentences that is told what the small network is told, and labels text for it."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from torch import nn

from training.ner.data import TAGS, Sample
from training.ner.encoder import Encoder, Pieces
from training.ner.network import Batches, Network, Tables, cross_entropy

SHARE = {"usaddress": 0.3, "gmb_texts_by_en_core_web_md": 0.2}
"""The part of a source that an epoch takes: the teacher learns from people's labels first."""
MADE = 2500
"""Made-up documents an epoch."""
_RATE, _SIZE = 2e-4, 4096
_LONGEST = 160
"""Words that are read together: fewer than 512 pieces but for rare text, which is cut."""
_PLACES = 510
_POOL = 3000
_EVERY = 5
Batch = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


class Teacher(nn.Module):
    """Words to tags."""

    def __init__(self, folder: Path, tables: Tables) -> None:
        super().__init__()
        self.encoder = Encoder(folder)
        self.words = Network(tables, 96, 128, 8)
        self.words.vector_drop, self.words.own_drop = 0.05, 0.3
        for name in ("first", "second", "third", "last"):
            delattr(self.words, name)
        size = self.encoder.size
        self.into = nn.Linear(128, size, bias=False)
        nn.init.normal_(self.into.weight, 0, 0.002)
        self.beside = nn.Linear(128, size)
        self.mixed = nn.Conv1d(size, size, 3, padding=1)
        self.last = nn.Linear(size, len(TAGS))
        self.drop = nn.Dropout(0.2)

    def forward(self, pieces: torch.Tensor, firsts: torch.Tensor, features: torch.Tensor, ids: torch.Tensor) -> Any:
        """(places, tags) of the words of all texts; `firsts` are the flat places of their first pieces."""
        told = self.drop(self.words.types(features))[ids]
        more = torch.zeros(pieces.numel(), self.encoder.size, dtype=torch.float32)
        more = more.index_copy(0, firsts, self.into(told).float()).view(*pieces.shape, -1)
        seen = self.encoder(pieces, more).reshape(pieces.numel(), -1)[firsts]
        x = self.drop(seen + self.beside(told))
        x = x + torch.relu(self.mixed(x.t()[None]))[0].t()
        return self.last(self.drop(x))


class Reader:
    """Samples as tensors, those of like length together."""

    def __init__(self, folder: Path, tables: Tables) -> None:
        self._pieces = Pieces(folder / "vocab.txt")
        self._features = Batches(tables)

    def of(self, samples: Sequence[Sample], size: int, rng: Random | None) -> Iterator[tuple[list[int], Batch]]:
        """Numbers of the samples and their batch, of about `size` pieces with what is filled up."""
        lengths = [sum(len(self._pieces.of(word)) for word in sample.words) + 2 for sample in samples]
        order = list(range(len(samples)))
        if rng:
            rng.shuffle(order)
        held: list[list[int]] = []
        for low in range(0, len(order), _POOL):
            group: list[int] = []
            for number in sorted(order[low : low + _POOL], key=lengths.__getitem__):
                if group and (len(group) + 1) * min(lengths[number], _PLACES) > size:
                    held.append(group)
                    group = []
                group.append(number)
            held.append(group)
        if rng:
            rng.shuffle(held)
        for group in held:
            yield group, self._batch([samples[number] for number in group])

    def _batch(self, samples: Sequence[Sample]) -> Batch:
        index: dict[str, int] = {"": 0}
        rows, firsts, ids, tags, other, weight = [], [], [], [], [], []
        for sample in samples:
            row = [self._pieces.start]
            for word in sample.words:
                ids.append(index.setdefault(word, len(index)))
                firsts.append(min(len(row), _PLACES))
                row += self._pieces.of(word)
            rows.append([*row[:_PLACES], self._pieces.end])
            tags += sample.tags
            other += [sample.other] * len(sample.tags)
            weight += [0.5 if sample.source.startswith("gmb") else 1.0] * len(sample.tags)
        width = max(map(len, rows))
        pieces = torch.zeros(len(rows), width, dtype=torch.long)
        at, flat = 0, torch.tensor(firsts)
        for number, (row, sample) in enumerate(zip(rows, samples, strict=True)):
            pieces[number, : len(row)] = torch.tensor(row)
            flat[at : at + len(sample.words)] += number * width
            at += len(sample.words)
        features = torch.tensor([self._features.features(word) for word in index])
        return pieces, flat, features, torch.tensor(ids), torch.tensor(tags), torch.tensor(other), torch.tensor(weight)


def parts(samples: Sequence[Sample]) -> list[Sample]:
    """The samples, cut where they are too long to be read at once."""
    return [
        Sample(s.words[at : at + _LONGEST], s.tags[at : at + _LONGEST], s.other, s.source)
        for s in samples
        for at in range(0, max(len(s.words), 1), _LONGEST)
    ]


def train(
    teacher: Teacher, reader: Reader, epochs: Sequence[Any], rng: Random, size: int = _SIZE, rate: float = _RATE
) -> None:
    """Train over epochs, each a function that draws its samples; the weights become their running mean."""
    old = [p for n, p in teacher.named_parameters() if n.startswith("encoder.")]
    new = [p for n, p in teacher.named_parameters() if not n.startswith("encoder.")]
    optimizer = torch.optim.AdamW(
        [{"params": old, "base": rate}, {"params": new, "base": 10 * rate}],
        lr=rate,
        betas=(0.9, 0.98),
        weight_decay=0.01,
        fused=True,
    )
    mean = {name: value.detach().clone() for name, value in teacher.named_parameters()}
    begun, step, lost = time.time(), 0, 0.0
    for number, draw in enumerate(epochs):
        drawn = parts(draw())
        batches = list(reader.of(drawn, size, rng))
        total = len(batches) * len(epochs)
        teacher.train()
        for _, (pieces, firsts, features, ids, tags, other, weight) in batches:
            share = min(1.0, (number + (step % len(batches)) / len(batches)) / len(epochs))
            factor = min(1, (step + 1) / 100) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share)))
            for group in optimizer.param_groups:
                group["lr"] = group["base"] * factor
            with torch.autocast("cpu", torch.bfloat16):
                scores = teacher(pieces, firsts, features, ids)
            error = (cross_entropy(scores.float(), tags, other) * weight).sum() / weight.sum()
            optimizer.zero_grad(set_to_none=True)
            error.backward()
            torch.nn.utils.clip_grad_norm_(teacher.parameters(), 1.0)
            optimizer.step()
            step += 1
            lost += error.item()
            if step % _EVERY == 0:
                with torch.no_grad():
                    for name, value in teacher.named_parameters():
                        mean[name].lerp_(value, 1 - min(0.97, (1 + step) / (10 + step)))
            if step % 50 == 0:
                print(f"{time.time() - begun:6.0f} s teacher {number} {step}/{total} loss {lost / 50:.4f}", flush=True)
                lost = 0.0
    teacher.load_state_dict({**teacher.state_dict(), **mean})


def tell(teacher: Teacher, reader: Reader, samples: Sequence[Sample], size: int = 8000) -> list[np.ndarray]:
    """(words, tags) float16 of each sample: how likely each tag is."""
    cut = parts(samples)
    out: list[Any] = [None] * len(cut)
    teacher.eval()
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        for group, (pieces, firsts, features, ids, *_) in reader.of(cut, size, None):
            chances = torch.softmax(teacher(pieces, firsts, features, ids).float(), 1).numpy().astype(np.float16)
            at = 0
            for number in group:
                out[number] = chances[at : at + len(cut[number].words)]
                at += len(cut[number].words)
    joined, at = [], 0
    for sample in samples:
        count = max(1, -(-len(sample.words) // _LONGEST))
        joined.append(np.concatenate(out[at : at + count]))
        at += count
    return joined
