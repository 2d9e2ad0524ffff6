"""Documents with flipped bits, cut off or spliced, through the isolated parser: object errors and no other."""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from fixtures.make import build
from piiscan.engine.sandbox import ParserChild
from piiscan.errors import ObjectError, TimedOut
from piiscan.extract import Budget, Job

SEED = 20_261_130
SECONDS = 30.0
LARGEST = 300_000
"""Bytes of the largest file that is changed; larger ones cost time and show nothing new."""


def mutant(rng: random.Random, whole: bytes, others: Sequence[bytes]) -> bytes:
    """A file with some of its bits flipped, its end cut off, or a stretch of another put in its place."""
    data = bytearray(whole)
    if not data:
        return b""
    way = rng.randrange(5)
    if way == 0:
        for _ in range(rng.choice((1, 4, 30, 300))):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif way == 1:
        del data[rng.randrange(len(data)) :]
    elif way == 2:
        other = rng.choice(others)
        at, size = rng.randrange(len(data)), rng.randrange(1, 4_000)
        begin = rng.randrange(max(len(other) - size, 1))
        data[at : at + size] = other[begin : begin + size]
    elif way == 3:
        at, size = rng.randrange(len(data)), rng.choice((1, 2, 4, 512))
        data[at : at + size] = rng.choice((b"\0", b"\xff", b"\x7f", b"\x80")) * size
    else:
        at, size = rng.randrange(len(data)), rng.randrange(1, 2_000)
        data[at:at] = data[at : at + size]
    return bytes(data)


def counted(folder: Path, count: int, seed: int = SEED) -> dict[str, Any]:
    """How so many mutants of the fixture share's files end; `folder` is room for one file at a time."""
    rng = random.Random(seed)
    files = [(item.key, item.data) for item in build().objects if 0 < len(item.data) <= LARGEST]
    contents = [content for _, content in files]
    ends: Counter[str] = Counter()
    wrong: list[str] = []
    gave_up: Counter[str] = Counter()
    path = folder / "mutant"
    with ParserChild(str(folder)) as child:
        for number in range(count):
            name, content = files[number % len(files)]
            path.write_bytes(mutant(rng, content, contents))
            job = Job(name, budget=Budget(bytes_in=path.stat().st_size))
            with path.open("rb") as stream:
                try:
                    for _ in child.segments(stream.fileno(), job, SECONDS):
                        pass
                    ends["partial" if job.budget.notes else "read"] += 1
                except ObjectError as err:
                    ends[type(err).__name__] += 1
                    gave_up.update(re.findall(r"parser gave up \((\w+)\)", str(err)))
                    if isinstance(err, TimedOut):
                        wrong.append(f"{number} {name}: {err}")
                except Exception as err:
                    wrong.append(f"{number} {name}: {type(err).__name__}")
            for note in job.budget.notes:
                gave_up.update(re.findall(r"parser gave up \((\w+)\)", note))
    return {
        "mutants": count,
        "files": len(files),
        "ends": dict(ends.most_common()),
        "gave_up": dict(gave_up.most_common()),
        "wrong": wrong[:50],
        "ok": not wrong,
    }


def test_mutants_end_in_object_errors_only(tmp_path: Path) -> None:
    found = counted(tmp_path, 400)
    assert found["wrong"] == []
    assert sum(found["ends"].values()) == 400
    assert found["ends"]["read"] > 40


@pytest.mark.parametrize("seed", range(3))
def test_mutants_are_the_same_for_the_same_seed(seed: int) -> None:
    files = [bytes(range(256)) * 8, b"other" * 300]
    made = [[mutant(random.Random(f"{seed} {n}"), files[0], files) for n in range(20)] for _ in range(2)]
    assert made[0] == made[1]
    assert len(set(made[0])) > 15
