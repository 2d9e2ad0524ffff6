"""The passes by numpy, for installations without a C compiler: whole-array arithmetic, equal results."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import numpy.typing as npt

from piiscan.passes.contract import CHUNK, ENOUGH, SPAN, Groups, IntArray, Runs, Stretches, Swept
from piiscan.passes.table import KEY_RUN, WORD, WordTable, word_key

Bytes = npt.NDArray[np.uint8]
_JOINS = np.array([chr(b) in " -./" for b in range(256)], np.bool_)
_UPPER = np.array([65 <= b <= 90 for b in range(256)], np.bool_)
_LETTER = np.array([b < 128 and chr(b).isalpha() for b in range(256)], np.bool_)
_ALNUM = np.array([b < 128 and chr(b).isalnum() for b in range(256)], np.bool_)
_LOOSE = np.array([chr(b) in " -" for b in range(256)], np.bool_)
_BOUND = np.array([not (chr(b).isalnum() or chr(b) == "_") or b > 127 for b in range(256)], np.bool_)


class NumpyPasses:
    """The passes by numpy: several comparisons over all bytes, then arithmetic on where these hold."""

    reads_words = False

    def sweep(self, block: bytes, least: int) -> Swept:
        """See `Passes.sweep`."""
        data = np.frombuffer(block, np.uint8)
        return Swept(_digits(data), _strings(data, least), _joints(data), few(data == 64))

    def byte(self, block: bytes, value: int) -> IntArray:
        """See `Passes.byte`."""
        return few(np.frombuffer(block, np.uint8) == value)

    def marks(self, block: bytes) -> IntArray:
        """See `Passes.marks`."""
        inner = np.zeros(-(-len(block) // CHUNK) * CHUNK, np.bool_)
        inner[: len(block)] = np.frombuffer(block, np.int8) < -64  # 0x80 to 0xBF as signed numbers
        return np.concatenate(([0], np.cumsum(np.count_nonzero(inner.reshape(-1, CHUNK), axis=1))))

    def before(self, block: bytes, marks: IntArray, places: IntArray) -> IntArray:
        """See `Passes.before`."""
        places = np.clip(places, 0, len(block))
        chunk = places // CHUNK
        at = np.minimum(chunk[:, None] * CHUNK + np.arange(CHUNK), max(len(block) - 1, 0))
        inner = (np.frombuffer(block or b" ", np.int8)[at] < -64) & (np.arange(CHUNK) < (places % CHUNK)[:, None])
        found: IntArray = marks[chunk] + np.count_nonzero(inner, axis=1)
        return found

    def framed(self, block: bytes, windows: Stretches) -> memoryview:
        """See `Passes.framed`."""
        pieces = [block[a:b] for a, b in zip(windows[0].tolist(), windows[1].tolist(), strict=True)]
        return memoryview(b"\n".join((b"", *pieces, b"")))

    def words(self, block: bytes, table: WordTable, windows: Stretches) -> Stretches:
        """See `Passes.words`."""
        known = dict(zip(table.keys.tolist(), table.entries.tolist(), strict=True))
        found: list[tuple[int, int]] = []
        for low, high in zip(windows[0].tolist(), windows[1].tolist(), strict=True):
            for word in _SHORT.finditer(block[low:high]):
                key = int.from_bytes(bytes(b | 0x20 for b in word[0]), "little")
                if key in known:
                    found.append((known[key], low + word.end()))
        both = np.array(found, np.int64).reshape(-1, 2)
        return both[:, 0], both[:, 1]

    def keys(self, block: bytes, seen: bytearray) -> int:
        """See `Passes.keys`."""
        words = {word.lower() for word in _WORDS.findall(block) if not word[:1].isdigit()}
        beyond = set(_BEYOND.findall(block))
        found = {word_key(word) for word in words if word[:WORD].isalpha()}
        found |= {word_key(word[:3], opening=True) for word in words if len(word) >= 3}
        found |= {word_key(high[:3], opening=True) for high in beyond}
        found |= {word_key(high) for high in beyond if len(high) == 6}
        for key in found:
            seen[key >> 3] |= 1 << (key & 7)
        return min(max(map(len, _FIGURES.findall(block)), default=0), KEY_RUN)

    def gaps(self, seen: bytearray, dropped: int) -> bytes:
        """See `Passes.gaps`."""
        keys = np.flatnonzero(np.unpackbits(np.frombuffer(seen, np.uint8), bitorder="little")) >> dropped
        gaps = np.diff(keys, prepend=-1) - 1
        gaps = gaps[gaps >= 0]  # of keys that have become alike, one
        long = gaps // 255
        out = np.full(len(gaps) + int(long.sum()), 255, np.uint8)
        out[np.cumsum(long + 1) - 1] = gaps % 255
        return out.tobytes()

    def runs(self, block: bytes, digits: Stretches) -> Runs:
        """See `Passes.runs`."""
        data = np.frombuffer(block, np.uint8)
        starts, ends = digits
        gaps = starts[1:] - ends[:-1]
        sign = data[ends[:-1]] if len(ends) > 1 else data[:0]
        return Runs(data, starts, ends, sign, ((gaps == 1) & _JOINS[sign]) | ((gaps == 2) & (sign == 41)))

    def timeless(self, runs: Runs) -> Runs:
        """See `Passes.timeless`."""
        starts, ends, sign, joined, data = runs.starts, runs.ends, runs.sign, runs.joined, runs.data
        if len(starts) < 2:
            return runs
        sizes = ends - starts
        dead = np.zeros(len(starts), np.bool_)
        # Minutes and seconds, the fraction behind these, and the hour before.
        clock = (sizes[1:] == 2) & (sign == 58) & (starts[1:] - ends[:-1] == 1)
        dead[1:] = clock
        dead[2:] |= clock[:-1] & joined[1:] & (sign[1:] == 46)
        dead[:-1] |= clock & (sizes[:-1] <= 2)
        if len(starts) > 2:
            a, b, c = sizes[:-2], sizes[1:-1], sizes[2:]
            two = joined[:-1] & joined[1:] & (sign[:-1] == sign[1:]) & (sign[1:] != 32)
            both = np.flatnonzero(two & (a <= 4) & (b <= 2) & (c <= 4))
            first, third = data[starts[both]], data[starts[both + 2]]
            year_first = (a[both] == 4) & ((first == 49) | (first == 50)) & (c[both] <= 2)  # 1xxx or 2xxx
            year_last = (a[both] <= 2) & (c[both] == 4) & ((third == 49) | (third == 50))
            for shift in range(3):
                dead[both[year_first | year_last] + shift] = True
        if len(starts) > 3:
            dots = joined & (sign == 46) & (sizes[:-1] <= 3) & (sizes[1:] <= 3)
            quad = np.flatnonzero(dots[:-2] & dots[1:-1] & dots[2:])
            # 1.023.456.789 is a number, too.
            number = (sizes[quad] == 1) & (sizes[quad + 1] == 3) & (sizes[quad + 2] == 3) & (sizes[quad + 3] == 3)
            for shift in range(4):
                dead[quad[~number] + shift] = True
        return runs.chosen(np.flatnonzero(~dead)) if dead.any() else runs

    def groups(self, runs: Runs, fewest: int) -> Groups:
        """See `Passes.groups`."""
        starts, ends, joined, data = runs.starts, runs.ends, runs.joined, runs.data
        if not len(starts):
            none = np.empty(0, np.bool_)
            return Groups(starts, ends, starts, np.empty(0, np.uint8), starts, none, none)
        sizes = ends - starts
        heads = np.ones(len(starts), np.bool_)
        heads[1:] = ~joined
        head = np.flatnonzero(heads)
        many = _sums(sizes, head) >= fewest
        if not many.all():
            # Counts, codes and versions are most of what there is: they go before anything is asked of them.
            chosen = np.flatnonzero(np.repeat(many, np.diff(head, append=len(starts))))
            return self.groups(runs.chosen(chosen), fewest)
        tail = np.concatenate((head[1:] - 1, [len(starts) - 1]))
        total = _sums(sizes, head)
        begin, end = starts[head], ends[tail]
        before = np.where(begin > 0, data[np.maximum(begin - 1, 0)], 10).astype(np.uint8)
        after = np.where(end < len(data), data[np.minimum(end, len(data) - 1)], 10)
        further = _LETTER[data[np.maximum(begin - 2, 0)]] & _LOOSE[before]
        beyond = _LETTER[data[np.minimum(end + 1, len(data) - 1)]] & _LOOSE[after]
        lettered = _LETTER[before] | _LETTER[after] | further | beyond
        capital = _UPPER[before] | (_JOINS[before] & _UPPER[data[np.maximum(begin - 2, 0)]]) | _UPPER[after]
        # A capital that begins a word is no part of the number before it.
        word = _LETTER[data[np.minimum(end + 2, len(data) - 1)]] & ~_UPPER[data[np.minimum(end + 2, len(data) - 1)]]
        capital |= _JOINS[after] & _UPPER[data[np.minimum(end + 1, len(data) - 1)]] & ~word
        return Groups(begin, end, total, before, total - sizes[head], lettered, capital)

    def scattered(self, runs: Runs, digits: int, span: int) -> Stretches:
        """See `Passes.scattered`."""
        starts, ends, data = runs.starts, runs.ends, runs.data
        if not len(starts):
            return starts, ends
        size = len(data)
        one = data[np.maximum(starts - 1, 0)]
        before = _UPPER[one]
        behind = np.flatnonzero(_JOINS[one])
        before[behind] = _UPPER[data[np.maximum(starts[behind] - 2, 0)]]
        next_ = data[np.minimum(ends, size - 1)]
        after = _UPPER[next_]
        ahead = np.flatnonzero(_JOINS[next_])
        after[ahead] = _UPPER[data[np.minimum(ends[ahead] + 1, size - 1)]]
        near = np.flatnonzero(before | after)
        widths = (ends - starts)[near]
        where = np.repeat(starts[near] - np.concatenate(([0], np.cumsum(widths)[:-1])), widths) + np.arange(
            widths.sum()
        )
        if len(where) < digits:
            return where[:0], where[:0]
        first, last = where[: -(digits - 1)], where[digits - 1 :]
        close = np.flatnonzero(last - first <= span)
        return first[close], last[close]

    def countries(self, runs: Runs) -> IntArray:
        """See `Passes.countries`."""
        starts, ends, data = runs.starts, runs.ends, runs.data
        at = starts[(ends - starts >= 2) & (starts >= 2)]
        apart = at[_LOOSE[data[at - 1]]]
        apart = apart[apart >= 3]
        at = at[_LETTER[data[at - 1]]]
        at = at[_LETTER[data[at - 2]]]
        at = at[(at == 2) | _BOUND[data[np.maximum(at - 3, 0)]]]
        # A blank between country and digits: then the letters must be capitals, or prose would be full of them.
        apart = apart[_UPPER[data[apart - 2]]]
        apart = apart[_UPPER[data[apart - 3]]]
        apart = apart[(apart == 3) | _BOUND[data[np.maximum(apart - 4, 0)]]]
        if len(apart):
            at = np.sort(np.concatenate((at, apart)))
        return at

    def wallets(self, runs: Runs) -> IntArray:
        """See `Passes.wallets`."""
        starts, ends, data = runs.starts, runs.ends, runs.data
        first = data[starts]
        at = np.flatnonzero((first == 49) | (first == 51))
        at = at[_LETTER[data[np.minimum(ends[at], len(data) - 1)]]]
        start = starts[at]
        one, three = data[np.maximum(start - 1, 0)], data[np.maximum(start - 2, 0)]
        short = start[((one | 32) == 99) & ((three | 32) == 98)]  # bc, in either case: fourteen characters at least
        long = start[(start == 0) | ~_LETTER[one]]  # twenty-six
        found = []
        for at, least in ((long, 26), (short, 11)):
            for step in range(2, least, 3):
                at = at[_ALNUM[data[np.minimum(at + step, len(data) - 1)]]]
            found.append(at)
        return np.sort(np.concatenate(found))

    def quads(self, runs: Runs) -> IntArray:
        """See `Passes.quads`."""
        starts, ends, data = runs.starts, runs.ends, runs.data
        if len(starts) < 4:
            return starts[:0]
        dots = runs.joined & (runs.sign == 46)
        at = np.flatnonzero(dots[:-2] & dots[1:-1] & dots[2:])
        four = at[:, None] + np.arange(4)
        stops = ends[four]
        size = stops - starts[four]
        short = (size <= 3).all(axis=1)
        at, stops, size = at[short], stops[short], size[short]
        if not len(at):
            return starts[:0]
        last, edge = stops[:, 3], len(data) - 1
        before, after = data[np.maximum(starts[at] - 1, 0)], data[np.minimum(last, edge)]
        far = data[np.minimum(last + 1, edge)]
        good = (starts[at] == 0) | (_BOUND[before] & (before != 46) & (before != 45))
        # A full stop may end the sentence, but not go on with more digits or letters.
        good &= (last == len(data)) | (_BOUND[after] & (after != 45) & ((after != 46) | _BOUND[far]))
        at, stops, size = at[good], stops[good], size[good]
        ones, tens, hundreds = (data[np.maximum(stops - back, 0)].astype(np.int16) - 48 for back in (1, 2, 3))
        values = ones + np.where(size > 1, tens * 10, 0) + np.where(size > 2, hundreds * 100, 0)
        good = (values <= 255).all(axis=1)
        # The same refusals as the check for one address: see `values.ipv4`.
        a, b, c, _ = values.T
        good &= (a != 0) & (a != 127) & (a != 239) & ~((a == 224) & (b == 0) & (c <= 1))
        good &= ~((a == 255) & (b == 255) & (c == 255))
        found: IntArray = at[good]
        return found


_NONE = np.empty(0, np.int64)
_WORDS = re.compile(rb"[0-9A-Za-z]+")
_FIGURES = re.compile(rb"[0-9]+")
_BEYOND = re.compile(rb"(?=([\xc0-\xff][\x80-\xff]{2}(?:[\x80-\xff]{3})?))")
_SHORT = re.compile(rb"(?<![0-9A-Za-z])[0-9A-Za-z]{1,8}(?![0-9A-Za-z])")


def few(flags: npt.NDArray[np.bool_]) -> IntArray:
    """As `np.flatnonzero`, faster where hardly any flag is set: eight flags are looked at in one comparison."""
    whole = len(flags) // 8 * 8
    words = flags[:whole].view(np.uint64)
    some = np.flatnonzero(words != 0)
    within = np.flatnonzero(words[some].view(np.bool_))
    return np.concatenate((some[within >> 3] * 8 + (within & 7), np.flatnonzero(flags[whole:]) + whole))


def _sums(sizes: IntArray, heads: IntArray) -> IntArray:
    """The sum of each stretch of sizes that begins at a head; twice as fast as `np.add.reduceat`."""
    before = np.concatenate(([0], np.cumsum(sizes)))
    return np.diff(before[heads], append=before[-1])


def _digits(data: Bytes) -> Stretches:
    digit = (data - 48) < 10  # unsigned wrap-around: one comparison for both bounds
    edges = np.flatnonzero(digit[1:] != digit[:-1]) + 1
    if len(digit) and digit[0]:
        edges = np.concatenate(([0], edges))
    if len(edges) % 2:
        edges = np.concatenate((edges, [len(data)]))
    return edges[::2].copy(), edges[1::2].copy()


def _strings(data: Bytes, least: int) -> Stretches:
    # Comparisons run over eight times as many bytes a second as a table does (measured: 0.04 ms a megabyte each).
    digit = (data - 48) < 10
    letter = ((data | 32) - 97) < 26
    member = digit | letter | (data == 95) | (data == 45) | (data == 43) | (data == 47)
    # A run of fifteen holds a whole aligned word of eight, wherever it starts; one of fewer need not.
    step = 8 if least >= 15 else 4
    word: type[np.unsignedinteger[Any]] = np.uint64 if step == 8 else np.uint32
    words = member[: len(data) // step * step].view(word)
    full = np.flatnonzero(words == word(int("01" * step, 16)))
    if not len(full):
        return full, full
    heads = np.flatnonzero(np.diff(full, prepend=-9) > 1)
    starts = full[heads] * step
    ends = (full[np.concatenate((heads[1:] - 1, [len(full) - 1]))] + 1) * step
    edge = len(data) - 1
    for _ in range(step - 1):
        starts = starts - ((starts > 0) & member[np.maximum(starts - 1, 0)])
        ends = ends + ((ends <= edge) & member[np.minimum(ends, edge)])
    long = np.flatnonzero(ends - starts >= least)
    starts, ends = starts[long], ends[long]
    held = ends - starts >= ENOUGH
    for shift in range(ENOUGH):
        held |= digit[np.minimum(starts + shift, ends - 1)]
    return starts[held], ends[held]


def _joints(data: Bytes) -> IntArray:
    colon, dash, dot = data == 58, data == 45, data == 46
    found = [
        few(colon[:-1] & colon[1:]),
        few(dash[:-6] & dash[3:-3] & dash[6:]) if len(data) > 6 else _NONE,
        few(dot[:-5] & dot[5:]) if len(data) > 5 else _NONE,
    ]
    colons = np.flatnonzero(colon)
    if len(colons) > 2:
        found.append(colons[:-2][colons[2:] - colons[:-2] <= SPAN])
    return np.unique(np.concatenate(found))
