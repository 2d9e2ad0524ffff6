"""A trained network as the file that the program reads: tables in eight bits with a scale a row, else sixteen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from piiscan.ner.weights import write
from piiscan.ner.words import hashed
from training.ner.data import LABELS
from training.ner.lexicon import BIT
from training.ner.network import Tables


def _sorted_keys(words: Mapping[str, int]) -> tuple[Any, Any]:
    """Hashes in order, the first of two equal ones kept, and the value of each."""
    keys = np.array([hashed(word) for word in words], np.uint32)
    values = np.array(list(words.values()), np.int64)
    keys, first = np.unique(keys, return_index=True)
    return keys, values[first]


def _eight_bits(table: Any) -> tuple[Any, Any]:
    scale = np.abs(table).max(1, keepdims=True) / 127 + 1e-9
    return np.round(table / scale).astype(np.int8), scale.astype(np.float16)


def export(path: Path, weights: Mapping[str, Any], tables: Tables, notes: Mapping[str, str]) -> str:
    """Write the file; its SHA-256."""
    arrays: dict[str, Any] = {}
    keys, rows = _sorted_keys(tables.rows)
    arrays["vectors.keys"], arrays["vectors.rows"] = keys, rows.astype(np.uint16)
    keys, own = _sorted_keys(tables.words)
    arrays["words.keys"] = keys
    keys, bits = _sorted_keys(tables.bits)
    arrays["lists.keys"], arrays["lists.bits"] = keys, bits.astype(np.uint16)
    known = tables.vectors @ weights["project.weight"].T
    words = weights["tables.0.weight"]
    dense = {
        "vectors": known,
        "words": np.concatenate([words[:1], words[own]]),
        **{
            name: weights[f"tables.{n}.weight"]
            for n, name in enumerate(("prefixes", "suffixes", "endings", "shapes"), 1)
        },
    }
    for name, table in dense.items():
        arrays[f"{name}.table"], arrays[f"{name}.scale"] = _eight_bits(table)
    for name in ("told", "mixed", "last"):
        arrays[name] = weights[f"{name}.weight"].T.astype(np.float16)
    for name in ("first", "second", "third"):
        arrays[name] = weights[f"{name}.weight"].transpose(2, 1, 0).astype(np.float16)
    for name in ("told", "mixed", "last", "first", "second", "third"):
        arrays[f"{name}.bias"] = weights[f"{name}.bias"].astype(np.float32)
    return write(path, arrays, {**notes, "labels": json.dumps(LABELS), "lists": json.dumps(BIT)})
