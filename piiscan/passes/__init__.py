"""The passes over a block: where digits, long strings, signs and words stand, and what is read off the runs of digits.

`passes.c` holds them as one small library without dependencies, built at installation where a C compiler is
(`native.py`); without it numpy finds the same, at a third of the speed (`arrays.py`). `PIISCAN_NO_NATIVE=1` leaves the
library out (tests of the fallback).
"""

from __future__ import annotations

import os
from functools import cache

from piiscan.passes.arrays import NumpyPasses
from piiscan.passes.contract import CHUNK, Groups, IntArray, Passes, Runs, Stretches, Swept
from piiscan.passes.native import NativePasses, native_passes
from piiscan.passes.table import KEY_BITS, WORD, WordTable, word_key

__all__ = [
    "CHUNK",
    "KEY_BITS",
    "WORD",
    "Groups",
    "IntArray",
    "NativePasses",
    "NumpyPasses",
    "Passes",
    "Runs",
    "Stretches",
    "Swept",
    "WordTable",
    "native_passes",
    "passes",
    "word_key",
]


@cache
def passes() -> Passes:
    """The fastest passes that this installation has."""
    chosen = None if os.environ.get("PIISCAN_NO_NATIVE") == "1" else native_passes()
    return NumpyPasses() if chosen is None else chosen
