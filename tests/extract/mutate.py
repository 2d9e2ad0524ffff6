"""Damage for extractor tests: bit flips, cuts and splices, the same in each run."""

from __future__ import annotations

import random
from collections.abc import Iterator

from piiscan.errors import ObjectError
from piiscan.extract import Limits
from tests.extract.make import extract


def mutations(data: bytes, count: int, seed: int = 5) -> Iterator[bytes]:
    """`count` damaged forms of `data`."""
    rng = random.Random(seed)
    for _ in range(count):
        out = bytearray(data)
        kind = rng.randrange(4)
        if kind == 0:
            for _ in range(rng.randint(1, 8)):
                out[rng.randrange(len(out))] ^= 1 << rng.randrange(8)
        elif kind == 1:
            del out[rng.randrange(len(out)) :]
        elif kind == 2:
            at, size = rng.randrange(len(out)), rng.randint(1, 64)
            out[at : at + size] = rng.randbytes(size)
        else:
            begin, end = sorted((rng.randrange(len(out)), rng.randrange(len(out))))
            out[begin:begin] = out[begin : min(end, begin + 4096)]
        yield bytes(out)


def overwritten(data: bytes, count: int, seed: int) -> Iterator[bytes]:
    """`count` forms of `data` with up to eight of its bytes set anew, one in three cut off as well."""
    dice = random.Random(seed)
    for _ in range(count):
        out = bytearray(data)
        for _ in range(dice.randint(1, 8)):
            out[dice.randrange(len(out))] = dice.randrange(256)
        if dice.random() < 0.3:
            del out[dice.randrange(len(out)) :]
        yield bytes(out)


def withstands(data: bytes, media_type: str, seed: int) -> None:
    """Raises: what is no ObjectError, for one of 300 overwritten forms."""
    for damaged in overwritten(data, 300, seed):
        try:
            extract(damaged, media_type, limits=Limits(bytes_out=1 << 26))
        except ObjectError:
            continue


def survives(data: bytes, media_type: str, count: int = 60, seed: int = 5) -> int:
    """How many damaged forms gave some text; nothing but an ObjectError may come out of any of them."""
    good = 0
    for damaged in mutations(data, count, seed):
        try:
            found, _ = extract(damaged, media_type, limits=Limits(part_bytes=64 << 20))
        except ObjectError:
            continue
        good += bool(found)
    return good
