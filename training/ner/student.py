"""Training of the small network: on labels, and on how likely a teacher holds each tag (Hinton and others, 2015)."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from itertools import pairwise
from random import Random
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from training.ner.augment import SWAPPED
from training.ner.data import SHARE, Sample
from training.ner.network import Batches, Network, cross_entropy

Told = tuple[Sample, Any]
"""A sample, and (words, tags) how likely each tag is by the teacher; None where its labels say all."""

LABEL_TRUST = 0.4
"""What a label that people set counts beside the teacher."""
TRUST = {"gmb_texts_by_en_core_web_md": 0.1, SWAPPED: 0.0}
"""The same for labels of another model, and for none."""


def drawn(samples: Sequence[Sample], varied: Callable[[Sample], Sample], rng: Random) -> list[Sample]:
    """The samples of one epoch, some sources in part, with other names and cases."""
    return [varied(sample) for sample in samples if rng.random() < SHARE.get(sample.source, 1.0)]


def batch(features: Batches, held: Sequence[Told]) -> tuple[torch.Tensor, ...]:
    """Tensors of a batch: those of `Batches`, what labels count, and the teacher's chances."""
    tensors = features.batch([sample for sample, _ in held])
    size = len(tensors[1])
    trust, soft = torch.ones(size), np.zeros((size, 11), np.float32)
    at = 0
    for sample, chances in held:
        end = at + len(sample.words)
        if chances is not None:
            trust[at:end] = TRUST.get(sample.source, LABEL_TRUST)
            soft[at:end] = chances
        at = end + features.gap
    return (*tensors, trust, torch.from_numpy(soft))


def train(
    network: Network,
    features: Batches,
    epochs: Sequence[Callable[[], list[Told]]],
    size: int,
    rate: float,
    rng: Random,
    after: Callable[[int, dict[str, torch.Tensor]], None],
) -> None:
    """Train over epochs, each a function that draws its samples; `after` gets the running mean of the weights."""
    optimizer = torch.optim.AdamW(network.parameters(), lr=rate, betas=(0.9, 0.99), weight_decay=0.01, fused=True)
    mean = {name: value.detach().clone() for name, value in network.named_parameters()}
    begun, step, lost = time.time(), 0, 0.0
    for number, draw in enumerate(epochs):
        told = draw()
        rng.shuffle(told)
        cuts, count = [0], 0
        for place, (sample, _) in enumerate(told, 1):
            count += len(sample.words)
            if count >= size or place == len(told):
                cuts.append(place)
                count = 0
        network.train()
        for place, (low, high) in enumerate(pairwise(cuts)):
            share = (number + place / len(cuts)) / len(epochs)
            for group in optimizer.param_groups:
                group["lr"] = rate * min(1, (step + 1) / 100) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * share)))
            words, ids, tags, other, live, trust, soft = batch(features, told[low:high])
            with torch.autocast("cpu", torch.bfloat16):
                scores = network(words, ids, live)
            seen = tags >= 0
            scores = scores.float()[seen]
            hard = cross_entropy(scores, tags[seen], other[seen])
            near = -(soft[seen] * functional.log_softmax(scores, 1)).sum(1)
            error = (trust[seen] * hard + (1 - trust[seen]) * near).mean()
            optimizer.zero_grad(set_to_none=True)
            error.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 2.0)
            optimizer.step()
            step += 1
            lost += error.item()
            if step % _EVERY == 0:
                with torch.no_grad():
                    for name, value in network.named_parameters():
                        mean[name].lerp_(value, 1 - min(0.98, (1 + step) / (10 + step)))
            if step % 100 == 0:
                print(f"{time.time() - begun:6.0f} s epoch {number} step {step} loss {lost / 100:.4f}", flush=True)
                lost = 0.0
        after(number, mean)


_EVERY = 5
