"""How many distinct objects a principal read on a day, from sketches that can be put together in any order.

Source: P. Flajolet, E. Fusy, O. Gandouet, F. Meunier, "HyperLogLog: the analysis of a near-optimal cardinality
estimation algorithm", 2007; small counts by linear counting. With 256 registers the standard error is 6.5 %.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from piiscan.passes.contract import IntArray

REGISTERS = 256
Registers = npt.NDArray[np.uint8]
_ALPHA = 0.7213 / (1 + 1.079 / REGISTERS)


def sketches(groups: npt.NDArray[np.integer[Any]], count: int, ids: npt.NDArray[np.uint64]) -> Registers:
    """The registers (count, 256) of so many groups of ids, whose bits must be random; `groups` says each id's own."""
    out = np.zeros((count, REGISTERS), np.uint8)
    register = (ids & np.uint64(REGISTERS - 1)).astype(np.int64)
    rest = (ids >> np.uint64(8)).astype(np.float64) / float(1 << 56)
    with np.errstate(divide="ignore"):
        rank = np.minimum(np.floor(-np.log2(rest)) + 1, 56).astype(np.uint8)
    np.maximum.at(out, (groups, register), rank)
    return out


def estimates(registers: Registers) -> IntArray:
    """How many distinct ids each group has."""
    if not len(registers):
        return np.empty(0, np.int64)
    zeros = np.count_nonzero(registers == 0, axis=1)
    raw = _ALPHA * REGISTERS**2 / np.sum(np.exp2(-registers.astype(np.float64)), axis=1)
    with np.errstate(divide="ignore"):
        linear = REGISTERS * np.log(REGISTERS / zeros)
    out: IntArray = np.round(np.where((raw <= 2.5 * REGISTERS) & (zeros > 0), linear, raw)).astype(np.int64)
    return out


def packed(registers: Registers) -> list[bytes]:
    """Each group's registers as bytes: those that are not 0 as pairs, where these are few."""
    rows, used = np.nonzero(registers)
    pairs = np.stack((used.astype(np.uint8), registers[rows, used]), axis=1).tobytes()
    ends = np.cumsum(np.bincount(rows, minlength=len(registers)))
    out = []
    for row, begin, end in zip(registers, [0, *ends[:-1].tolist()], ends.tolist(), strict=True):
        out.append(pairs[2 * begin : 2 * end] if end - begin < 100 else row.tobytes())
    return out


def unpacked(data: list[bytes]) -> Registers:
    """The registers that `packed` made bytes of.

    >>> few = sketches(np.array([0, 0, 1]), 2, np.array([3 << 40, 5, 1 << 63], np.uint64))
    >>> bool((unpacked(packed(few)) == few).all())
    True
    """
    out = np.zeros((len(data), REGISTERS), np.uint8)
    for place, one in enumerate(data):
        row = np.frombuffer(one, np.uint8)
        if len(row) == REGISTERS:
            out[place] = row
        else:
            out[place, row[0::2]] = row[1::2]
    return out
