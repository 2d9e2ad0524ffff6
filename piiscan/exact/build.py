"""From a table to a set: normal forms, their hashes, and of every value whether it is worth looking for."""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from piiscan.errors import ConfigError
from piiscan.exact.confidence import TOO_COMMON
from piiscan.exact.keyed import SALT_BYTES, U64, Keyed
from piiscan.exact.lookup import MOST_ROWS
from piiscan.exact.normal import Kind, normal, too_weak
from piiscan.exact.setfile import Arrays, Column, Header, write_set
from piiscan.exact.sieve import filled
from piiscan.exact.signature import PREFIX, Buffer, IntArray, addresses, ends, first_bytes, prefixes
from piiscan.exact.table import batches
from piiscan.keys import key_id

FEW = 50
"""Rows to a different value: a column with more of them tells a kind (a country, yes or no), not a person."""
FEW_FROM = 200
"""Values that a column must have before that is asked."""
_STEP = 1 << 20
"""Values of which a sieve is filled at a time."""
_SHAPES = 256
"""A shape is the kind times this, plus the letters and digits (of numbers and words)."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,40}")


@dataclass(slots=True)
class Report:
    """What became of the values of each column: counts only."""

    rows: int = 0
    odd_rows: int = 0
    """Rows of another width than the header."""
    columns: dict[str, Counter[str]] = field(default_factory=dict)
    """For each column how many values were kept, and how many were left out for which reason."""


@dataclass(slots=True)
class _Entries:
    """All values so far, an array of each batch."""

    hashes: list[U64] = field(default_factory=list)
    rows: list[npt.NDArray[np.uint32]] = field(default_factory=list)
    columns: list[npt.NDArray[np.uint8]] = field(default_factory=list)
    shapes: list[npt.NDArray[np.uint16]] = field(default_factory=list)
    signatures: list[U64] = field(default_factory=list)
    beginnings: list[U64] = field(default_factory=list)
    """The first eight bytes of values of words, or as many as they have; each once a batch."""


def stem_of(name: str) -> str:
    """A column's name as a part of a rule's id.

    >>> stem_of("E-Mail (private)")
    'e_mail_private'
    """
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "column"


def build(
    source: Path,
    out: Path,
    columns: Sequence[str],
    key: bytes,
    *,
    name: str,
    evidence: Sequence[str] = (),
    severity: str = "high",
) -> Report:
    """Make the set of some columns of a CSV file, `evidence` among them as supporting ones; what was kept, in counts.

    Raises: ConfigError.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(f"--name: {name!r} must be lower case letters, digits and _, and begin with a letter")
    wanted = list(dict.fromkeys([*columns, *evidence]))
    if set(wanted) <= set(evidence):
        raise ConfigError("--columns: one column at least must count by itself; evidence only stands beside it")
    stems = [stem_of(column) for column in wanted]
    if len(wanted) > 200 or len(set(stems)) < len(stems):
        raise ConfigError("--columns: up to 200 columns, whose names differ in letters and digits")
    salt = secrets.token_bytes(SALT_BYTES)
    keyed = Keyed(key, salt)
    supporting = [column in evidence for column in wanted]
    report = Report(columns={column: Counter() for column in wanted})
    entries = _Entries()
    skipped = [0]
    for batch in batches(source, wanted, skipped):
        for index, values in enumerate(batch):
            _take(entries, keyed, index, values, report.rows, supporting[index], report.columns[wanted[index]])
        report.rows += len(batch[0])
    report.odd_rows = skipped[0]
    if report.rows >= 1 << 32:
        raise ConfigError(f"{source}: more than {1 << 32} rows; make several sets of it")
    header, arrays = _finished(entries, keyed, wanted, supporting, report, (name, salt.hex(), key_id(key), severity))
    if not header.entries:
        raise ConfigError(f"{source}: none of the values is worth looking for (see the counts by --columns)")
    write_set(out, header, arrays, keyed)
    return report


def _take(
    entries: _Entries, keyed: Keyed, index: int, values: Sequence[str], first: int, supporting: bool, kept: Counter[str]
) -> None:
    """Add the values of one column of a batch whose rows begin with number `first`."""
    forms: list[tuple[Kind, bytes]] = []
    rows: list[int] = []
    for row, value in enumerate(values, first):
        found = normal(value)
        if reason := too_weak(*found, supporting):
            kept[reason] += 1
        else:
            forms.append(found)
            rows.append(row)
    if not forms:
        return
    kinds = np.array([kind for kind, _ in forms], np.int64)
    sizes = np.array([len(form) for _, form in forms], np.int64)
    entries.hashes.append(keyed.hashes(forms, supporting))
    entries.rows.append(keyed.row_tags(np.array(rows, np.uint32)))
    entries.columns.append(np.full(len(forms), index, np.uint8))
    shapes = kinds * _SHAPES + np.where(kinds == Kind.EMAIL, 0, np.minimum(sizes, _SHAPES - 1))
    entries.shapes.append(shapes.astype(np.uint16))
    if not supporting:
        _sign(entries, keyed, kinds, sizes, [form for _, form in forms])
    else:
        entries.signatures.append(np.zeros(len(forms), np.uint64))


def _sign(entries: _Entries, keyed: Keyed, kinds: IntArray, sizes: IntArray, forms: Sequence[bytes]) -> None:
    """Add the fast hash of each form, and what those of words begin with."""
    buffer = Buffer(b"\n".join(forms))
    starts = np.cumsum(sizes + 1) - sizes - 1
    out = np.zeros(len(forms), np.uint64)
    for kind in (Kind.NUMBER, Kind.WORDS):
        mine = np.flatnonzero(kinds == kind)
        out[mine] = ends(keyed, kind, buffer, starts[mine], sizes[mine])
    mine = np.flatnonzero(kinds == Kind.EMAIL)
    at = np.flatnonzero(buffer.data[: buffer.size] == 64)
    out[mine] = addresses(keyed, buffer, at)
    entries.signatures.append(out)
    mine = np.flatnonzero(kinds == Kind.WORDS)
    if len(mine):
        entries.beginnings.append(np.unique(first_bytes(buffer, starts[mine], np.minimum(sizes[mine], PREFIX))))


def _whole(parts: list[Any], kind: type[np.generic]) -> Any:
    """One array of the arrays of all batches, which are let go of."""
    out = np.concatenate(parts or [np.empty(0, kind)])
    parts.clear()
    return out


def _finished(
    entries: _Entries,
    keyed: Keyed,
    names: Sequence[str],
    supporting: Sequence[bool],
    report: Report,
    said: tuple[str, str, str, str],
) -> tuple[Header, Arrays]:
    """The set of all entries: sorted, without what is no evidence."""
    hashes: U64 = _whole(entries.hashes, np.uint64)
    columns: npt.NDArray[np.uint8] = _whole(entries.columns, np.uint8)
    shapes: npt.NDArray[np.uint16] = _whole(entries.shapes, np.uint16)
    order = np.lexsort((columns, hashes))
    hashes, columns, shapes = hashes[order], columns[order], shapes[order]
    keep, distinct = _worth(hashes, columns, shapes, names, supporting, report)
    if not keep.all():
        order, hashes, columns, shapes = order[keep], hashes[keep], columns[keep], shapes[keep]
    alone = ~np.array(supporting, np.bool_)[columns]
    fresh = alone & _heads(hashes)
    kinds, sizes = shapes[fresh] // _SHAPES, shapes[fresh] % _SHAPES
    words = sizes[kinds == Kind.WORDS]
    prefix = min(PREFIX, int(words.min())) if len(words) else 0
    beginnings = np.unique(_whole(entries.beginnings, np.uint64) & np.uint64((1 << (8 * prefix)) - 1))
    buffer = Buffer(beginnings.astype("<u8").tobytes())
    starts = np.arange(len(beginnings)) * 8
    fast: U64 = _whole(entries.signatures, np.uint64)
    steps = [slice(begin, begin + _STEP) for begin in range(0, len(order), _STEP)]
    sieve = filled((fast[order[step][fresh[step]]] for step in steps), len(kinds))
    del fast
    first = filled([prefixes(keyed, buffer, starts, prefix)], len(beginnings))
    rows = _whole(entries.rows, np.uint32)[order]
    del order
    emails = [_mostly(shapes[columns == i] // _SHAPES == Kind.EMAIL) for i in range(len(names))]
    counted = np.bincount(sizes[kinds == Kind.NUMBER])
    by_row = np.lexsort((rows, hashes))
    # A column of which nothing is kept has no rule, and no number.
    used = [i for i, count in enumerate(distinct) if count]
    renumbered = np.zeros(len(names), np.uint8)
    renumbered[used] = np.arange(len(used))
    header = Header(
        *said,
        tuple(Column(names[i], stem_of(names[i]), supporting[i], emails[i], distinct[i]) for i in used),
        len(hashes),
        len(sieve),
        len(first),
        report.rows,
        int((kinds == Kind.EMAIL).sum()),
        {str(size): int(count) for size, count in enumerate(counted.tolist()) if count},
        tuple(np.unique(words).tolist()),
        prefix,
    )
    return header, Arrays(sieve, first, hashes, rows[by_row], renumbered[columns[by_row]])


def _mostly(flags: npt.NDArray[np.bool_]) -> bool:
    return 2 * int(flags.sum()) > len(flags)


def _heads(keys: U64) -> npt.NDArray[np.bool_]:
    """Which entries of an ascending array are the first of their value."""
    heads = np.ones(len(keys), np.bool_)
    heads[1:] = keys[1:] != keys[:-1]
    return heads


def _worth(
    hashes: U64,
    columns: npt.NDArray[np.uint8],
    shapes: npt.NDArray[np.uint16],
    names: Sequence[str],
    supporting: Sequence[bool],
    report: Report,
) -> tuple[npt.NDArray[np.bool_], list[int]]:
    """Which entries, ascending by hash and column, are kept; and the different values of each column."""
    new = _heads(hashes)
    new[1:] |= columns[1:] != columns[:-1]
    keep = np.ones(len(hashes), np.bool_)
    alone = ~np.array(supporting, np.bool_)[columns]
    numbers = _heads(hashes) & alone & (shapes // _SHAPES == Kind.NUMBER)
    for size, count in enumerate(np.bincount(shapes[numbers] % _SHAPES).tolist()):
        if count / 10**size > TOO_COMMON:
            _drop(keep, alone & (shapes == Kind.NUMBER * _SHAPES + size), columns, names, report, "too common a number")
    filler = _in_many(new) & alone
    distinct = []
    for index, name in enumerate(names):
        mine = columns == index
        different = int((new & mine).sum())
        total = int(mine.sum())
        if not supporting[index] and total >= FEW_FROM and different * FEW < total:
            _drop(keep, mine, columns, names, report, "few different values")
        else:
            _drop(keep, filler & mine, columns, names, report, f"in more than {MOST_ROWS} rows")
        distinct.append(int((new & mine & keep).sum()))
        report.columns[name]["kept"] = int((keep & mine).sum())
        report.columns[name]["different"] = distinct[-1]
    return keep, distinct


def _in_many(new: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Which entries belong to a value that has more than `MOST_ROWS` of them; `new` are the first ones."""
    if new.all():
        return ~new
    counts = np.diff(np.flatnonzero(new), append=len(new))
    many: npt.NDArray[np.bool_] = np.repeat(counts > MOST_ROWS, counts)
    return many


def _drop(
    keep: npt.NDArray[np.bool_],
    which: npt.NDArray[np.bool_],
    columns: npt.NDArray[np.uint8],
    names: Sequence[str],
    report: Report,
    reason: str,
) -> None:
    """Leave entries out and count them."""
    gone = keep & which
    for index, count in enumerate(np.bincount(columns[gone], minlength=len(names)).tolist()):
        if count:
            report.columns[names[index]][reason] += count
    keep &= ~which
