"""The passes by the compiled library."""

from __future__ import annotations

import ctypes
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from piiscan.passes.contract import CHUNK, ENOUGH, SPAN, Groups, IntArray, Runs, Stretches, Swept
from piiscan.passes.table import WordTable

VERSION = 10
"""Of the library's functions; one of another version was built from other sources and is not used."""
LIBRARY = "_passes.dll" if sys.platform == "win32" else "_passes.so"


class NativePasses:
    """The passes by the compiled library."""

    reads_words = True

    def __init__(self, library: ctypes.CDLL) -> None:
        number, text, array = ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p

        def function(name: str, *more: type) -> Callable[..., int]:
            found = getattr(library, f"passes_{name}")
            found.argtypes, found.restype = (text, number, *more), number
            return found  # type: ignore[no-any-return]

        self._kept = threading.local()
        self._sweep = function("sweep", *[number] * 3, *[array] * 7)
        self._byte = function("byte", number, array)
        self._marks = function("marks", array)
        self._before = function("before", *[array] * 2, number, array)
        self._framed = function("framed", *[array] * 2, number, array)
        self._signs = function("signs", *[array] * 2, number, *[array] * 2)
        self._timeless = function("timeless", *[array] * 2, number, *[array] * 4)
        self._groups = function("groups", *[array] * 2, number, array, number, *[array] * 6)
        self._scattered = function("scattered", *[array] * 2, *[number] * 3, *[array] * 2)
        self._countries = function("countries", *[array] * 2, number, array)
        self._wallets = function("wallets", *[array] * 2, number, array)
        self._quads = function("quads", *[array] * 2, number, *[array] * 3)
        self._keys = function("keys", array)
        self._gaps = function("gaps", number, array)
        self._words = function("words", *[array] * 2, number, *[array] * 3, number, *[array] * 2)
        self._trail = function("trail", *[number] * 4, ctypes.c_uint64, number, *[array] * 4)
        self._lines = function("lines", *[number] * 2, ctypes.c_uint64, number, *[array] * 4)
        self._numbered = function("numbered", *[number] * 2, *[array] * 2, number, *[array] * 2)

    def sweep(self, block: bytes, least: int) -> Swept:
        """See `Passes.sweep`."""
        size = len(block)
        half, few = size // 2 + 1, size // (least + 1) + 1
        # Where each array begins in the room: the four counts, starts and ends, opens and closes, joints, at-signs.
        ends, opens, closes, joints = 4 + half, 4 + 2 * half, 4 + 2 * half + few, 4 + 2 * (half + few)
        room = self._room(joints + 2 * size)
        first = _pointers(room)[0]
        places = (4, ends, opens, closes, joints, joints + size, 0)
        self._sweep(block, size, least, ENOUGH, SPAN, *[first + 8 * place for place in places])
        runs, strings, joined, signs = room[:4].tolist()
        return Swept(
            (room[4 : 4 + runs].copy(), room[ends : ends + runs].copy()),
            (room[opens : opens + strings].copy(), room[closes : closes + strings].copy()),
            room[joints : joints + joined].copy(),
            room[joints + size : joints + size + signs].copy(),
        )

    def byte(self, block: bytes, value: int) -> IntArray:
        """See `Passes.byte`."""
        return self._places(self._byte, block, len(block), value)

    def marks(self, block: bytes) -> IntArray:
        """See `Passes.marks`."""
        out = np.empty(-(-len(block) // CHUNK) + 1, np.int64)
        self._marks(block, len(block), *_pointers(out))
        return out

    def before(self, block: bytes, marks: IntArray, places: IntArray) -> IntArray:
        """See `Passes.before`."""
        places = np.ascontiguousarray(places, np.int64)
        out = np.empty(len(places), np.int64)
        self._before(block, len(block), *_pointers(marks, places), len(places), *_pointers(out))
        return out

    def framed(self, block: bytes, windows: Stretches) -> memoryview:
        """See `Passes.framed`."""
        starts, ends = (np.ascontiguousarray(side, np.int64) for side in windows)
        out = np.empty(int((ends - starts).sum()) + len(starts) + 1, np.uint8)
        self._framed(block, len(block), *_pointers(starts, ends), len(starts), *_pointers(out))
        return out.data

    def words(self, block: bytes, table: WordTable, windows: Stretches) -> Stretches:
        """See `Passes.words`."""
        lows, highs = (np.ascontiguousarray(side, np.int64) for side in windows)
        most = int((highs - lows).sum()) // 2 + len(lows) + 1
        where = *_pointers(lows, highs), len(lows)
        held = *_pointers(table.keys, table.entries, table.sieve), table.slots
        return self._stretches(most, self._words, block, len(block), *where, *held)

    def keys(self, block: bytes, seen: bytearray) -> int:
        """See `Passes.keys`."""
        return self._keys(block, len(block), ctypes.addressof(_NOTHING.from_buffer(seen)))

    def gaps(self, seen: bytearray, dropped: int) -> bytes:
        """See `Passes.gaps`."""
        out = self._room(2 * len(seen)).view(np.uint8)  # a byte for each bit, and for each 255 of them
        where = ctypes.addressof(_NOTHING.from_buffer(seen))
        return out[: self._gaps(where, len(seen), dropped, *_pointers(out))].tobytes()

    def runs(self, block: bytes, digits: Stretches) -> Runs:
        """See `Passes.runs`."""
        starts, ends = digits
        between = max(len(starts) - 1, 0)
        sign, joined = np.empty(between, np.uint8), np.empty(between, np.bool_)
        self._signs(block, len(block), *_pointers(starts, ends), len(starts), *_pointers(sign, joined))
        return Runs(np.frombuffer(block, np.uint8), starts, ends, sign, joined)

    def timeless(self, runs: Runs) -> Runs:
        """See `Passes.timeless`."""
        dead = np.empty(len(runs.starts), np.uint8)
        kept = self._chosen(self._timeless, runs, *_pointers(runs.sign, runs.joined, dead))
        return runs if len(kept) == len(runs.starts) else runs.chosen(kept)

    def groups(self, runs: Runs, fewest: int) -> Groups:
        """See `Passes.groups`."""
        most = len(runs.starts)
        numbers = [np.empty(most, np.int64) for _ in range(4)]
        signs = [np.empty(most, np.uint8) for _ in range(2)]
        count = self._groups(*_where(runs), *_pointers(runs.joined), fewest, *_pointers(*numbers, *signs))
        starts, ends, total, rest = (part[:count] for part in numbers)
        before, flags = (part[:count] for part in signs)
        return Groups(starts, ends, total, before, rest, (flags & 1).view(np.bool_), (flags >> 1).view(np.bool_))

    def scattered(self, runs: Runs, digits: int, span: int) -> Stretches:
        """See `Passes.scattered`."""
        most = int((runs.ends - runs.starts).sum())
        both = self._room(2 * most)
        firsts, lasts = both[:most], both[most : 2 * most]
        count = self._scattered(*_where(runs), digits, span, *_pointers(firsts, lasts))
        return firsts[:count].copy(), lasts[:count].copy()

    def countries(self, runs: Runs) -> IntArray:
        """See `Passes.countries`."""
        return self._chosen(self._countries, runs)

    def wallets(self, runs: Runs) -> IntArray:
        """See `Passes.wallets`."""
        return self._chosen(self._wallets, runs)

    def quads(self, runs: Runs) -> IntArray:
        """See `Passes.quads`."""
        return self._chosen(self._quads, runs, *_pointers(runs.sign, runs.joined))

    def trail(self, text: bytearray, begin: int, numbers: tuple[int, ...], *out: npt.NDArray[Any]) -> int:
        """As `passes_trail`; see `piiscan.passes.logs`."""
        where = ctypes.addressof(_NOTHING.from_buffer(text))
        return self._trail(where, len(text), begin, *numbers, *_pointers(*out))

    def lines(self, text: bytearray, begin: int, numbers: tuple[int, ...], *out: npt.NDArray[Any]) -> int:
        """As `passes_lines`; see `piiscan.passes.logs`."""
        where = ctypes.addressof(_NOTHING.from_buffer(text))
        return self._lines(where, len(text), begin, *numbers, *_pointers(*out))

    def numbered(
        self, keys: npt.NDArray[np.uint64], known: int, held: npt.NDArray[np.uint64], ids: npt.NDArray[np.int32],
        out: npt.NDArray[np.int32], fresh: IntArray,
    ) -> int:  # fmt: skip
        """As `passes_numbered`, of the keys of one column."""
        step = keys.strides[0] // keys.itemsize if len(keys) else 1
        where = keys.ctypes.data
        return self._numbered(where, len(keys), step, known, *_pointers(held, ids), len(ids), *_pointers(out, fresh))

    def _chosen(self, function: Callable[..., int], runs: Runs, *more: int) -> IntArray:
        out = self._room(len(runs.starts))
        return out[: function(*_where(runs), *more, *_pointers(out))].copy()

    def _places(self, function: Callable[..., int], block: bytes, *numbers: int) -> IntArray:
        out = self._room(len(block))
        return out[: function(block, *numbers, *_pointers(out))].copy()

    def _stretches(self, most: int, function: Callable[..., int], block: bytes, *numbers: int) -> Stretches:
        both = self._room(2 * most)
        starts, ends = both[:most], both[most:]
        count = function(block, *numbers, *_pointers(starts, ends))
        return starts[:count].copy(), ends[:count].copy()

    def _room(self, size: int) -> IntArray:
        """An array for the most that a function can find, kept by thread: what is not written costs no memory."""
        kept: IntArray | None = getattr(self._kept, "room", None)
        if kept is None or len(kept) < size:
            kept = self._kept.room = np.empty(size, np.int64)
        return kept


_NOTHING = ctypes.c_char * 0


def _pointers(*arrays: npt.NDArray[Any]) -> list[int]:
    """Where each array lies; numpy's own ways to ask take three times as long, which small objects feel."""
    return [
        ctypes.addressof(_NOTHING.from_buffer(array.data)) if array.flags.writeable else array.ctypes.data
        for array in arrays
    ]


def _where(runs: Runs) -> tuple[int | bytes, ...]:
    """What the functions over runs take first: the block, its size, starts, ends and how many there are."""
    whole: object = runs.data.base
    block = whole if isinstance(whole, bytes) else _pointers(runs.data)[0]
    return (block, len(runs.data), *_pointers(runs.starts, runs.ends), len(runs.starts))


def native_passes() -> NativePasses | None:
    """The compiled library, where the installation has one of this version."""
    path = Path(__file__).with_name(LIBRARY)
    if sys.byteorder != "little":
        return None
    try:
        library = ctypes.CDLL(str(path))
        library.passes_version.restype = ctypes.c_int64
        return NativePasses(library) if library.passes_version() == VERSION else None
    except (OSError, AttributeError):
        return None
