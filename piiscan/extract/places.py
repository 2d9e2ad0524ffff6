"""Places as columns: what many share once, what differs as one sequence a field, a `Place` made when one is asked for.

A page has a place for each line and a library one for each printable run, of which a few are ever looked at: making
them all was half the time of the strings pass (2 microseconds each, on both sides of the parser's socket).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields
from functools import partial
from operator import attrgetter
from typing import Any, cast, overload

from piiscan.model import Place

NAMES = tuple(field.name for field in fields(Place))
values_of = attrgetter(*NAMES)
"""All fields of a place, in order."""


class Places(Sequence[Place]):
    """`count` places. Equal to a tuple of the same places."""

    __slots__ = ("_count", "_make", "base", "columns")

    def __init__(self, base: Place, columns: Mapping[str, Sequence[Any]], count: int) -> None:
        self.base, self.columns, self._count = base, columns, count
        self._make = placer(base)

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> Place: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Place, ...]: ...
    def __getitem__(self, index: int | slice) -> Place | tuple[Place, ...]:
        if isinstance(index, slice):
            return tuple(self[n] for n in range(*index.indices(self._count)))
        if not -self._count <= index < self._count:
            raise IndexError(index)
        return self._make(**{name: column[index] for name, column in self.columns.items()})

    def __iter__(self) -> Iterator[Place]:
        return (self[n] for n in range(self._count))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, tuple | Places) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


def lazy(base: Place, columns: Mapping[str, Sequence[Any]], count: int) -> tuple[Place, ...]:
    """`count` places that have what `base` has and one value of each column, for a segment.

    >>> lazy(Place(page=2), {"line": [7, 9]}, 2)[1]
    Place(line=9, column=None, ..., page=2, ...)
    """
    # A segment promises a tuple and its readers index it: this is one in all that they do.
    return cast("tuple[Place, ...]", Places(base, columns, count) if columns else (base,) * count)


def placer(base: Place) -> Callable[..., Place]:
    """Makes places that have what `base` has, and more by keyword; a third of the cost of `dataclasses.replace`."""
    known = {name: value for name, value in zip(NAMES, values_of(base), strict=True) if value is not None}
    return partial(Place, **known)
