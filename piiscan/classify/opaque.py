"""Where the long opaque strings of a block are: keys, tokens, hashes, and what else has no blanks and looks made up.

Rules for the keys of some service match nothing but such a string; what tells them apart is the service's name nearby.
So the strings are found first, and keywords are looked for around them only.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from piiscan.classify.plan import OPAQUE

IntArray = npt.NDArray[np.int64]

_STEP = 8
"""A string of `OPAQUE` characters holds a whole aligned word of so many bytes, wherever it starts."""
_EACH = np.uint64(0x0101010101010101)


def opaque_strings(data: npt.NDArray[np.uint8]) -> tuple[IntArray, IntArray]:
    """Starts and ends of all strings of `OPAQUE` or more letters, digits and signs of Base64 (RFC 4648, both alphabets)
    that hold a digit.

    Dots end one, or every address and import would be one; a key that holds dots has a stretch without that is long
    enough.
    """
    # Comparisons run over eight times as many bytes a second as a table does (measured: 0.04 ms a megabyte each).
    digit = (data - 48) < 10
    letter = ((data | 32) - 97) < 26
    member = digit | letter | (data == 95) | (data == 45) | (data == 43) | (data == 47)
    words, digits = (flags[: len(data) // _STEP * _STEP].view(np.uint64) for flags in (member, digit))
    full = np.flatnonzero(words == _EACH)
    if not len(full):
        return full, full
    heads = np.flatnonzero(np.diff(full, prepend=-9) > 1)
    first = full[heads]
    last = full[np.concatenate((heads[1:] - 1, [len(full) - 1]))]
    made_up = (last - first > 1) | _near(digits, first, last)
    starts, ends = first[made_up] * _STEP, (last[made_up] + 1) * _STEP
    edge = len(data) - 1
    for _ in range(_STEP - 1):
        starts = starts - ((starts > 0) & member[np.maximum(starts - 1, 0)])
        ends = ends + ((ends <= edge) & member[np.minimum(ends, edge)])
    long = ends - starts >= OPAQUE
    return starts[long], ends[long]


def _near(words: npt.NDArray[np.uint64], first: IntArray, last: IntArray) -> npt.NDArray[np.bool_]:
    """Which stretches of words have a flag in their outer words or the words beside them."""
    held = words[first] | words[last] | words[np.maximum(first - 1, 0)] | words[np.minimum(last + 1, len(words) - 1)]
    some: npt.NDArray[np.bool_] = held != 0
    return some
