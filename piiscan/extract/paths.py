"""Values of JSON records gathered by their path, so that they go to the classifiers in columns."""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np

from piiscan.extract.text import windows
from piiscan.model import ColumnSegment, Place, Segment, TextSegment

BATCH = 1 << 20
"""Characters of values after which the columns go out."""
RECORDS = 20_000
LONG = 1 << 20
"""Characters of a value from which it goes out in windows."""
MANY = 500
"""Paths in one batch from which rare ones share a segment: a segment each would cost more than its value."""
_PLAIN = re.compile(r"[^\W\d]\w*\Z")


class Pairs(list[tuple[str, object]]):
    """A JSON object as its pairs, in order, so that a key given twice keeps both values."""


class Node:
    """One generic path, and the values that stood there."""

    __slots__ = ("children", "indexes", "item", "key", "lines", "path", "records", "values")

    def __init__(self, path: str, key: str) -> None:
        self.path, self.key = path, key
        self.children: dict[str, Node] = {}
        self.item: Node | None = None
        self.values: list[str] = []
        self.records: list[int] = []
        self.lines: list[int] = []
        self.indexes: list[tuple[int, ...]] = []

    def child(self, key: str) -> Node:
        """The node of a member of an object at this path."""
        node = self.children.get(key)
        if node is None:
            node = self.children[key] = Node(self.path + step(key), key)
        return node

    def element(self) -> Node:
        """The node of the elements of an array at this path."""
        if self.item is None:
            self.item = Node(self.path + "[*]", self.key)
        return self.item

    def each(self) -> Iterator[Node]:
        """This node and all below it."""
        stack = [self]
        while stack:
            node = stack.pop()
            yield node
            if node.item is not None:
                stack.append(node.item)
            stack.extend(reversed(node.children.values()))


def step(key: str) -> str:
    """How a key shows in a path.

    >>> step("name"), step("it's"), step("a b")
    ('.name', "['it\\\\'s']", "['a b']")
    """
    if _PLAIN.match(key):
        return "." + key
    quoted = key.replace("\\", "\\\\").replace("'", "\\'")
    return f"['{quoted}']"


def exact(path: str, indexes: tuple[int, ...]) -> str:
    """The path with its `[*]` filled in.

    >>> exact("$.a[*].b[*]", (3, 0))
    '$.a[3].b[0]'
    """
    parts = path.split("[*]")
    if len(parts) != len(indexes) + 1:
        # A key holds the mark itself: leave the path generic rather than wrong.
        return path
    return parts[0] + "".join(f"[{index}]{part}" for index, part in zip(indexes, parts[1:], strict=True))


def _exact_paths(node: Node) -> list[str]:
    parts = node.path.split("[*]")
    if len(parts) == 2:
        before, after = parts[0] + "[", "]" + parts[1]
        return [f"{before}{index}{after}" for (index,) in node.indexes]
    if len(parts) == 3:
        first, second, after = parts[0] + "[", "]" + parts[1] + "[", "]" + parts[2]
        return [f"{first}{one}{second}{two}{after}" for one, two in node.indexes]
    return [exact(node.path, indexes) for indexes in node.indexes]


class Collector:
    """Takes values in and gives segments out."""

    def __init__(self, base: Place, depth: int) -> None:
        self.root = Node("$", "")
        self._base, self.depth = base, depth
        self.size = 0
        self._nodes = 0
        self._extra: list[Segment] = []
        self.too_deep = False
        """Whether something lay deeper than the limit; its text was taken without paths."""

    def add(self, node: Node, value: object, record: int, line: int, indexes: tuple[int, ...], depth: int) -> None:
        """Take in a value as `json` gave it: strings, numbers as strings, `Pairs`, lists, and what is no text."""
        if isinstance(value, str):
            if value:
                self._leaf(node, value, record, line, indexes)
        elif isinstance(value, Pairs):
            if depth >= self.depth:
                self._flat(node, value, record, line, indexes)
                return
            children = node.children
            for key, inner in value:
                child = children.get(key)
                if child is None:
                    child = node.child(key)
                    self._nodes += 1
                    self.key(child, record, line, indexes)
                if type(inner) is str:
                    if inner:
                        if len(inner) > LONG:
                            self._leaf(child, inner, record, line, indexes)
                            continue
                        child.values.append(inner)
                        child.records.append(record)
                        child.lines.append(line)
                        if indexes:
                            child.indexes.append(indexes)
                        self.size += len(inner)
                elif inner is not None and inner is not True and inner is not False:
                    self.add(child, inner, record, line, indexes, depth + 1)
        elif isinstance(value, list):
            if depth >= self.depth:
                self._flat(node, value, record, line, indexes)
                return
            element = node.element()
            for number, inner in enumerate(value):
                if type(inner) is str and len(inner) <= LONG:
                    if inner:
                        element.values.append(inner)
                        element.records.append(record)
                        element.lines.append(line)
                        element.indexes.append((*indexes, number))
                        self.size += len(inner)
                elif inner is not None and inner is not True and inner is not False:
                    self.add(element, inner, record, line, (*indexes, number), depth + 1)

    def _leaf(self, node: Node, value: str, record: int, line: int, indexes: tuple[int, ...]) -> None:
        if len(value) > LONG:
            self._extra.extend(windows((value,), self.place(node, record, line, indexes), flat=False, line=None))
            return
        node.values.append(value)
        node.records.append(record)
        node.lines.append(line)
        if indexes:
            node.indexes.append(indexes)
        self.size += len(value)

    def key(self, node: Node, record: int, line: int, indexes: tuple[int, ...]) -> None:
        """Take in a key that holds data itself: an address, or a number of six digits and more."""
        key = node.key
        if "@" in key or (len(key) >= 6 and sum(map(str.isdigit, key)) >= 6):
            place = self.place(node, record, line, indexes)
            self._extra.append(TextSegment(key, starts=(0,), places=(place,), prose=False))

    def place(self, node: Node, record: int, line: int, indexes: tuple[int, ...]) -> Place:
        """The place of one value."""
        path = exact(node.path, indexes) if indexes else node.path
        return Place(record=record, line=line or None, path=path, member=self._base.member)

    def _flat(self, node: Node, value: object, record: int, line: int, indexes: tuple[int, ...]) -> None:
        """Text below the deepest level: every string in it, one a line."""
        self.too_deep = True
        texts: list[str] = []
        stack: list[object] = [value]
        while stack:
            inner = stack.pop()
            if isinstance(inner, str):
                texts.append(inner)
            elif isinstance(inner, Pairs):
                stack.extend(part for pair in reversed(inner) for part in (pair[1], pair[0]))
            elif isinstance(inner, list):
                stack.extend(reversed(inner))
        if texts:
            place = self.place(node, record, line, indexes)
            self._extra.extend(windows(("\n".join(texts),), place, flat=False, line=None))

    @property
    def full(self) -> bool:
        """Whether it is time to `take`."""
        return self.size > BATCH or len(self._extra) > 200

    def take(self) -> Iterator[Segment]:
        """The segments of all that came in since the last time."""
        extra, self._extra = self._extra, []
        yield from extra
        nodes = [node for node in self.root.each() if node.values]
        rare: list[Node] = []
        for node in nodes:
            if len(nodes) > MANY and len(node.values) <= 4:
                rare.append(node)
                continue
            yield ColumnSegment(
                header=node.key,
                path=node.path,
                values=node.values,
                rows=np.array(node.records, dtype=np.int64),
                base=self._base,
                axis="record",
                lines=np.array(node.lines, dtype=np.int64) if node.lines[0] else None,
                paths=_exact_paths(node) if node.indexes else None,
            )
            node.values, node.records, node.lines, node.indexes = [], [], [], []
        for first in range(0, len(rare), MANY):
            yield self._together(rare[first : first + MANY])
        self.size = 0

    def forget(self) -> None:
        """Drop the tree of paths when keys are data and it grew without end; only between values of the root."""
        if self._nodes > 50_000:
            self.root = Node("$", "")
            self._nodes = 0

    def _together(self, nodes: list[Node]) -> TextSegment:
        """Rare paths as lines of running text, the key before its value."""
        texts: list[str] = []
        starts: list[int] = []
        places: list[Place] = []
        size = 0
        for node in nodes:
            for number, value in enumerate(node.values):
                indexes = node.indexes[number] if node.indexes else ()
                text = f"{node.key}: {value}" if node.key else value
                texts.append(text)
                starts.append(size)
                places.append(self.place(node, node.records[number], node.lines[number], indexes))
                size += len(text) + 1
            node.values, node.records, node.lines, node.indexes = [], [], [], []
        return TextSegment("\n".join(texts), starts=tuple(starts), places=tuple(places), prose=False)
