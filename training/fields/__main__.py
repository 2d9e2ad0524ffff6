"""Train the network that says what the values of a column look like: `python -m training.fields --help`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from torch import nn

from piiscan.ner.shipped import NAME, network
from piiscan.ner.values import KINDS, LISTS, ROWS_BITS, SHAPE, WIDTH, Features
from piiscan.ner.weights import write
from training.fields import more
from training.fields.draw import Drawer
from training.fields.sources import sources

BATCH = 2048
FORGET = 0.45
"""Share of values of which the lists are told nothing, so that names on no list are learned by their letters."""
HIDDEN = 64


class Kinds(nn.Module):
    """The network of `piiscan.ner.values` in torch."""

    def __init__(self) -> None:
        super().__init__()
        self.table = nn.EmbeddingBag(1 << ROWS_BITS, WIDTH, mode="mean")
        nn.init.normal_(self.table.weight, std=0.1)
        self.hidden = nn.Linear(3 * WIDTH + 3 * len(LISTS) + SHAPE, HIDDEN)
        self.last = nn.Linear(HIDDEN, len(KINDS))

    def forward(self, told: Features, lists: Any) -> Any:
        """(values, kinds) scores before the softmax."""
        begins = torch.from_numpy(np.cumsum(told.sizes) - told.sizes)
        words = self.table(torch.from_numpy(told.rows), begins)
        counts = torch.from_numpy(told.counts)
        owner = torch.repeat_interleave(torch.arange(len(counts)), counts)
        mean = torch.zeros(len(counts), WIDTH).index_add_(0, owner, words) / counts[:, None]
        firsts, lasts = torch.from_numpy(told.firsts), torch.from_numpy(told.lasts)
        x = torch.cat([mean, words[firsts], words[lasts], lists, torch.from_numpy(told.shapes)], 1)
        return self.last(torch.dropout(torch.relu(self.hidden(x)), 0.1, self.training))


def _arrays(model: Kinds) -> dict[str, Any]:
    table = model.table.weight.detach().numpy()
    scale = np.abs(table).max(1, keepdims=True) / 127 + 1e-9
    return {
        "runs.table": np.round(table / scale).astype(np.int8),
        "runs.scale": scale.astype(np.float16),
        "hidden": model.hidden.weight.detach().numpy().T.astype(np.float16),
        "hidden.bias": model.hidden.bias.detach().numpy().astype(np.float32),
        "last": model.last.weight.detach().numpy().T.astype(np.float16),
        "last.bias": model.last.bias.detach().numpy().astype(np.float32),
    }


def main() -> None:
    """Draw values, train, write the weights and their card."""
    parser = argparse.ArgumentParser(prog="training.fields")
    parser.add_argument("--names", type=Path, required=True, help="folder of the census lists")
    parser.add_argument("--wordnet", type=Path, required=True, help="folder of WordNet's data files")
    parser.add_argument("--out", type=Path, default=Path("classifiers/models/piiscan_fields"))
    parser.add_argument("--faker-js", type=Path, help="lists of faker_js.mjs; mimesis is then read, too")
    parser.add_argument("--without", default="", help="locales that are left out, to measure on them")
    parser.add_argument("--steps", type=int, default=1500)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    lists = sources(args.names, args.wordnet, args.seed, args.without.split(","))
    if args.faker_js:
        more.add(lists, args.faker_js)
    drawer = Drawer(lists, Random(args.seed))  # noqa: S311 - a seeded draw, not a secret
    lists_of = network(Path("classifiers/models") / NAME).lists_of(LISTS)
    model = Kinds()
    optimizer = torch.optim.Adam(
        [
            {"params": [model.table.weight], "lr": 0.02},
            {"params": [*model.hidden.parameters(), *model.last.parameters()]},
        ],
        lr=0.004,
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: max(0.02, 1 - step / args.steps))
    noise = np.random.default_rng(args.seed)
    right = 0.0
    for step in range(1, args.steps + 1):
        values, kinds = zip(*(drawer.value() for _ in range(BATCH)), strict=True)
        told = Features(values, lists_of)
        on = torch.from_numpy(told.lists * (noise.random((BATCH, 1)) >= FORGET).astype(np.float32))
        wanted = torch.tensor(kinds)
        scores = model(told, on)
        loss = nn.functional.cross_entropy(scores, wanted, label_smoothing=0.02)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
        right += 0.02 * (float((scores.argmax(1) == wanted).float().mean()) - right)
        if step % 100 == 0:
            print(f"step {step}  loss {float(loss):.3f}  right {right:.3f}", flush=True)
    args.out.mkdir(parents=True, exist_ok=True)
    digest = write(
        args.out / "weights.safetensors", _arrays(model), {"kinds": json.dumps(KINDS), "lists": json.dumps(LISTS)}
    )
    more_lists = " --faker-js LISTS" if args.faker_js else ""
    _card(args.out, digest, f"python -m training.fields{more_lists} --steps {args.steps} --seed {args.seed}")


def _card(folder: Path, digest: str, made: str) -> None:
    lines = [
        'name = "piiscan_fields"',
        'file = "weights.safetensors"',
        f'sha256 = "{digest}"',
        f"labels = {json.dumps(list(KINDS))}",
        'licence = "Apache-2.0, with parts under CC BY 4.0 and the Unicode and WordNet licences (see NOTICE)"',
        f"made = {json.dumps(made)}",
        "data = [",
        '  "names of the US Census 1990 (public domain)",',
        '  "names, companies, streets, jobs and words of Faker (MIT)",',
        '  "cities, counties and countries of GeoNames (CC BY 4.0)",',
        '  "territories, languages, months and currencies of Unicode CLDR (Unicode licence)",',
        '  "nouns, adjectives and glosses of WordNet 3.0 (WordNet licence)",',
        '  "names, places and words of mimesis (MIT) and of faker-js (MIT)",',
        '  "members of stock indices of pytickersymbols (MIT)",',
        "]",
    ]
    (folder / "model.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
