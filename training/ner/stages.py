"""The stages before the small network: a teacher, and what it thinks of all text, kept in a folder to go on from."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from random import Random

import numpy as np
import torch

from training.ner import data, student, teacher
from training.ner.augment import Augmenter
from training.ner.network import Tables


def digest(seed: int, teaching: int, files: Iterable[Path]) -> str:
    """Sixteen hex digits of what the stages depend on, part of their files' names."""
    found = hashlib.sha256(f"{seed} {teaching}".encode())
    for path in files:
        found.update(path.name.encode() + hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()[:16]


class Stages:
    """What was done before is read from the folder; each stage draws from the beginning of its own sequence."""

    def __init__(self, folder: Path, digest: str, encoder: Path, tables: Tables, made: Augmenter, seed: int) -> None:
        self._folder, self._digest, self._encoder, self._tables = folder, digest, encoder, tables
        self._made, self._seed = made, seed
        self._master: teacher.Teacher | None = None
        self._reader = teacher.Reader(encoder, tables)
        folder.mkdir(parents=True, exist_ok=True)

    def begin(self, stage: str) -> Random:
        """The generator of the texts, set to the beginning of a stage; torch's as well."""
        self._made.rng.seed(f"{self._seed} {stage}")
        torch.manual_seed(self._made.rng.getrandbits(32))
        return self._made.rng

    def pools(self, samples: Sequence[data.Sample], count: int, teaching: int) -> list[list[student.Told]]:
        """All text `count` times, with other words and with other names by turns, and what the teacher thinks of it."""
        out = []
        for number in range(count):
            vary = self._made.varied if number % 2 else self._made.swapped
            drawn = student.drawn(samples, vary, self.begin(f"pool {number}"))
            path = self._folder / f"pool{number}-{self._digest}.npy"
            if not path.exists():
                master = self._teacher(samples, teaching)
                _written(path, lambda file, d=drawn, m=master: np.save(file, self._told(m, d)))
            ends = np.cumsum([len(sample.words) for sample in drawn])
            out.append(list(zip(drawn, np.split(np.load(path), ends[:-1]), strict=True)))
        return out

    def _told(self, master: teacher.Teacher, drawn: Sequence[data.Sample]) -> np.ndarray:
        return np.concatenate(teacher.tell(master, self._reader, drawn))

    def _teacher(self, samples: Sequence[data.Sample], epochs: int) -> teacher.Teacher:
        if self._master:
            return self._master
        rng = self.begin("teacher")
        master = teacher.Teacher(self._encoder, self._tables)
        path = self._folder / f"teacher-{self._digest}.pt"
        if path.exists():
            master.load_state_dict(torch.load(path, weights_only=True))
        else:

            def draw() -> list[data.Sample]:
                kept = [s for s in samples if rng.random() < teacher.SHARE.get(s.source, 1.0)]
                return [self._made.varied(s) for s in kept] + [self._made.made() for _ in range(teacher.MADE)]

            teacher.train(master, self._reader, [draw] * epochs, rng)
            _written(path, lambda file: torch.save(master.state_dict(), file))
        self._master = master
        return master


def _written(path: Path, write: Callable[..., None]) -> None:
    """Write a file under another name first, so that one that is there is whole."""
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        write(file)
    part.replace(path)
