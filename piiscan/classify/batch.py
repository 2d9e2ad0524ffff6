"""Checks of a whole column at once, by arithmetic on the matrix of its characters.

Each function answers for all cells that it understands and leaves the odd ones to the check of a single value; where
it answers, it answers the same. Sources are named with the single checks.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from piiscan.cells import Cells
from piiscan.classify import iban, values

Bools = npt.NDArray[np.bool_]
Matrix = npt.NDArray[np.uint8]
"""n values of one width each, as ASCII codes."""
Params = Mapping[str, Any]
Answer = tuple[Bools, Bools]
"""Which cells hold; of which of them (and of the others) that is certain."""

_SEPARATOR = np.array([chr(b) in " -./" for b in range(256)], np.bool_)
_DIGIT = np.array([chr(b) in "0123456789" for b in range(256)], np.bool_)
_RAISED = np.array([b - 32 if 97 <= b <= 122 else b for b in range(256)], np.uint8)


@dataclass(frozen=True, slots=True)
class Packed:
    """Cells with some of their bytes left out."""

    data: Matrix
    starts: npt.NDArray[np.int64]
    sizes: npt.NDArray[np.int64]
    plain: Bools
    """Which cells are ASCII throughout."""

    def matrix(self, rows: npt.NDArray[np.int64], width: int) -> Matrix:
        """The cells at `rows`, which are all `width` long."""
        chosen: Matrix = self.data[self.starts[rows][:, None] + np.arange(width)]
        return chosen


def packed(cells: Cells, keep: Bools) -> Packed:
    """The bytes of the cells for which `keep` has a flag, in upper case."""
    data, bounds = cells.data, cells.bounds
    wanted = keep[data]
    before = np.concatenate(([0], np.cumsum(wanted)))
    starts = before[bounds]
    plain = np.ones(len(cells), np.bool_)
    high = np.flatnonzero(data > 127)
    if len(high):
        plain[np.unique(np.searchsorted(bounds, high, side="right") - 1)] = False
    return Packed(_RAISED[data[wanted]], starts[:-1], np.diff(starts), plain)


def by_width(check: Callable[[Matrix, Params], Answer]) -> Callable[[Cells, Params], Answer]:
    """A check over compacted cells out of one over a matrix of cells of one width."""

    def over(cells: Cells, params: Params) -> Answer:
        whole = packed(cells, ~_SEPARATOR)
        holds, known = np.zeros(len(cells), np.bool_), np.zeros(len(cells), np.bool_)
        for width in np.unique(whole.sizes).tolist():
            rows = np.flatnonzero((whole.sizes == width) & whole.plain)
            if len(rows) and 0 < width <= 64:
                holds[rows], known[rows] = check(whole.matrix(rows, width), params)
        return holds, known

    return over


def digits_only(check: Callable[[Matrix], Bools], width: int | None = None) -> Callable[[Matrix, Params], Answer]:
    """A check of digits (of one `width`); cells with anything else, and rules with parameters, are left out."""

    def over(matrix: Matrix, params: Params) -> Answer:
        holds = np.zeros(len(matrix), np.bool_)
        if params or width not in (None, matrix.shape[1]):
            return holds, holds
        known: Bools = np.all(_DIGIT[matrix], axis=1)
        if known.any():
            holds[known] = check(matrix[known] - np.uint8(48))
        return holds, known

    return over


def luhn(digits: Matrix) -> Bools:
    """`checksum.luhn` of n numbers.

    >>> luhn(np.array([[7, 9, 9, 2, 7, 3, 9, 8, 7, 1, 3], [7, 9, 9, 2, 7, 3, 9, 8, 7, 1, 0]], np.uint8)).tolist()
    [True, False]
    """
    numbers = digits.astype(np.int16)
    doubled = numbers[:, -2::-2] * 2
    doubled -= 9 * (doubled > 9)
    total = numbers[:, ::-2].sum(axis=1) + doubled.sum(axis=1)
    found: Bools = (total % 10 == 0) & numbers.any(axis=1)
    return found


def aba(digits: Matrix) -> Bools:
    """`checksum.aba` of n numbers.

    >>> aba(np.array([[1, 2, 3, 4, 5, 6, 7, 8, 0], [1, 2, 3, 4, 5, 6, 7, 8, 9]], np.uint8)).tolist()
    [True, False]
    """
    numbers = digits.astype(np.int32)
    prefix = numbers[:, 0] * 10 + numbers[:, 1]
    known = (prefix <= 12) | ((prefix >= 21) & (prefix <= 32)) | ((prefix >= 61) & (prefix <= 72)) | (prefix == 80)
    total = numbers @ np.array((3, 7, 1) * 3, np.int32)
    found: Bools = known & mixed(digits) & (total % 10 == 0)
    return found


def mixed(digits: Matrix) -> Bools:
    """Which rows are not one digit repeated."""
    found: Bools = (digits != digits[:, :1]).any(axis=1)
    return found


def number(digits: Matrix, start: int, end: int) -> npt.NDArray[np.int64]:
    """The number that some columns of digits spell.

    >>> number(np.array([[1, 2, 3]], np.uint8), 1, 3).tolist()
    [23]
    """
    out = np.zeros(len(digits), np.int64)
    for column in range(start, end):
        out = out * 10 + digits[:, column]
    return out


def card(digits: Matrix) -> Bools:
    """`checksum.card` of n numbers of one length: issuer range, length of that range, Luhn, not one digit repeated."""
    size = digits.shape[1]
    if not 13 <= size <= 19:
        return np.zeros(len(digits), np.bool_)
    two, three, four = (number(digits, 0, n) for n in (2, 3, 4))
    six = number(digits, 0, 6)
    # In the order of `checksum._card_length`: the first range that a number falls into decides.
    ranges: tuple[tuple[Bools, bool], ...] = (
        (digits[:, 0] == 4, size in (13, 16, 19)),
        (np.isin(two, (34, 37)), size == 15),
        (((two >= 51) & (two <= 55)) | ((six >= 222100) & (six <= 272099)), size == 16),
        (np.isin(two, (36, 38, 39)) | ((three >= 300) & (three <= 305)) | (four == 3095), 14 <= size),
        ((four >= 3528) & (four <= 3589), 16 <= size),
        (
            np.isin(four, (6011, 5019))
            | np.isin(two, (62, 65, 81))
            | ((three >= 644) & (three <= 649))
            | (three == 353),
            16 <= size,
        ),
        (np.isin(four, (5018, 5020, 5038, 5893, 6304, 6759, 6761, 6762, 6763)), True),
        ((four >= 2200) & (four <= 2204), size == 16),
        (np.isin(two, (60, 63, 67, 50, 58)), size == 16),
        (four == 1220, size == 15),
    )
    fits = np.select([inside for inside, _ in ranges], [np.full(len(digits), good) for _, good in ranges], False)
    found: Bools = fits & luhn(digits) & mixed(digits)
    if size == 16:
        steps = np.diff(np.stack([number(digits, at, at + 4) for at in range(0, 16, 4)]), axis=0)
        found &= ((steps >= 1) & (steps <= 20)).sum(axis=0) < 2
    return found


def ssn(digits: Matrix) -> Bools:
    """`national.ssn` of n numbers."""
    area, group, serial = number(digits, 0, 3), number(digits, 3, 5), number(digits, 5, 9)
    given = (area != 0) & (area != 666) & (area < 900) & (group != 0) & (serial != 0) & mixed(digits)
    found: Bools = given | (number(digits, 0, 8) == 98765432)
    return found


def mod97(matrix: Matrix, params: Params) -> Answer:
    """`iban.mod97` of n compacted accounts of one length, by country."""
    size = matrix.shape[1]
    holds, known = np.zeros(len(matrix), np.bool_), np.ones(len(matrix), np.bool_)
    if size < 5:
        return holds, known
    country = matrix[:, 0].astype(np.int64) * 256 + matrix[:, 1]
    digit, upper = _DIGIT[matrix], (matrix >= 65) & (matrix <= 90)
    for code in np.unique(country).tolist():
        name = chr(code >> 8) + chr(code & 255)
        rows = np.flatnonzero(country == code)
        if iban.LENGTHS.get(name) != size:
            continue
        good = digit[rows, 2] & digit[rows, 3]
        kinds = "aann" + iban.positions(name)
        for column, kind in enumerate(kinds[4:], 4):
            if kind != "a":
                good &= digit[rows, column] | (upper[rows, column] if kind == "c" else False)
            else:
                good &= upper[rows, column]
        rows = rows[good]
        chosen = matrix[rows].T.astype(np.int32)
        check = (chosen[2] - 48) * 10 + chosen[3] - 48
        rest = np.zeros(len(rows), np.int32)
        for column in (*range(4, size), 0, 1, 2, 3):
            code_ = chosen[column]
            if kinds[column] == "n":
                rest = (rest * 10 + code_ - 48) % 97
            else:
                rest = np.where(code_ > 57, rest * 100 + code_ - 55, rest * 10 + code_ - 48) % 97
        holds[rows] = (rest == 1) & (check >= 2) & (check <= 98) & (chosen[4:] != 48).any(axis=0)
    return holds, known


_ADDRESS = r"^[A-Za-z0-9_%+'-]+(?:\.[A-Za-z0-9_%+'-]+)*@(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.)+[A-Za-z]{2,24}$"


def email(cells: Cells, params: Params) -> Answer:
    """`values.email` of addresses of plain letters and at most 64 characters."""
    import pyarrow.compute as pc

    usual = pc.match_substring_regex(cells.array, _ADDRESS).to_numpy(zero_copy_only=False) & (cells.sizes <= 64)
    endings = r"\.(?:" + "|".join(sorted(values.FILE_ENDINGS)) + ")$"
    file = pc.match_substring_regex(cells.array, endings, ignore_case=True).to_numpy(zero_copy_only=False)
    return usual & ~file, usual


def date(cells: Cells, params: Params) -> Answer:
    """`values.date` of dates with the year first and dashes (ISO 8601)."""
    holds, known = np.zeros(len(cells), np.bool_), np.zeros(len(cells), np.bool_)
    rows = np.flatnonzero(cells.sizes == 10)
    matrix = cells.data[cells.bounds[rows][:, None] + np.arange(10)]
    figures = matrix[:, (0, 1, 2, 3, 5, 6, 8, 9)]
    iso = (matrix[:, 4] == 45) & (matrix[:, 7] == 45) & _DIGIT[figures].all(axis=1)
    rows, digits = rows[iso], figures[iso] - np.uint8(48)
    year, month, day = number(digits, 0, 4), number(digits, 4, 6), number(digits, 6, 8)
    leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    lengths = np.array((0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31), np.int64)
    there = (month >= 1) & (month <= 12)
    last = lengths[np.where(there, month, 0)] + (leap & (month == 2))
    today = datetime.date.today()
    past = year * 10_000 + month * 100 + day <= today.year * 10_000 + today.month * 100 + today.day
    holds[rows] = there & (day >= 1) & (day <= last) & (year >= today.year - 120) & past
    known[rows] = True
    return holds, known


def phone(cells: Cells, params: Params) -> Answer:
    """`values.phone` of numbers that begin with a plus sign and hold digits and signs only."""
    import pyarrow as pa
    import pyarrow.compute as pc

    known = pc.match_substring_regex(cells.array, r"^\+[0-9 ()./-]+$").to_numpy(zero_copy_only=False)
    known &= ~pc.match_substring(cells.array, "(0)").to_numpy(zero_copy_only=False)
    holds = np.zeros(len(cells), np.bool_)
    digits = packed(cells, _DIGIT)
    known &= digits.sizes >= 4
    rows = np.flatnonzero(known)
    if not len(rows):
        return holds, known
    there = np.flatnonzero(digits.sizes)
    kinds = np.zeros(len(cells), np.int64)
    kinds[there] = np.bitwise_or.reduceat(np.left_shift(1, digits.data - np.int64(48)), digits.starts[there])
    varied = np.array([bin(kind).count("1") >= 3 for kind in range(1024)], np.bool_)[kinds[rows]]
    heads = np.zeros(len(rows), np.int64)
    for step in range(3):
        heads = heads * 10 + digits.data[digits.starts[rows] + step] - 48
    texts = Cells.spans(digits.data.tobytes(), digits.starts[rows], digits.starts[rows] + digits.sizes[rows]).array
    by_code: dict[str, list[int]] = {}
    for head in np.unique(heads).tolist():
        by_code.setdefault(values.plan_of(f"{head:03d}")[0], []).append(head)
    for code, members in by_code.items():
        plan = values.plan_of(code)[1]
        if plan is None:
            continue
        mine = np.flatnonzero(np.isin(heads, members) & varied)
        pattern = f"^{code}(?:{plan.pattern})$"
        try:
            fits = pc.match_substring_regex(texts.take(pa.array(mine)), pattern).to_numpy(zero_copy_only=False)
        except pa.ArrowInvalid:  # not a pattern for RE2
            known[rows[mine]] = False
            continue
        holds[rows[mine]] = fits
    return holds, known


BATCH: Mapping[str, Callable[[Cells, Params], Answer]] = {
    "luhn": by_width(digits_only(luhn)),
    "aba": by_width(digits_only(aba, 9)),
    "card": by_width(digits_only(card)),
    "ssn": by_width(digits_only(ssn, 9)),
    "mod97": by_width(mod97),
    "email": email,
    "date": date,
    "phone": phone,
}
"""Kinds of check that can be made for a column at once."""

MANY: Mapping[str, Callable[[Cells, Params], Answer]] = {
    kind: check for kind, check in BATCH.items() if kind not in ("phone", "email")
}
"""Kinds for which some hundred values are enough: the others have to compile large patterns first."""
