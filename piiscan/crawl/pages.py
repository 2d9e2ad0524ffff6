"""Listed objects by column, tens of thousands at a time: of most nobody asks more than whether they have changed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from urllib.parse import unquote_plus

import numpy as np
import numpy.typing as npt

from piiscan.model import ObjectRef

Entry = dict[str, Any]
"""As ListObjectsV2 gives them: Key, Size, ETag, LastModified, StorageClass."""
_ARCHIVE_TIERS = ("ARCHIVE", "DEEP_ARCHIVE")


class Page:
    """Rows of an inventory: those below a prefix that are objects, and current unless `versions` are wanted."""

    def __init__(self, columns: Mapping[str, Any], prefix: str, *, encoded: bool, versions: bool) -> None:
        """`columns`: Arrow arrays by the names of an `Entry`, and `IsLatest`, `VersionId`, `deleted`, `tier` where an
        inventory has them; texts, with keys URL-encoded, when `encoded`. Raises: ValueError."""
        import pyarrow as pa
        import pyarrow.compute as pc

        found = dict(columns)
        keys = _decoded(found["Key"]) if encoded else found["Key"].cast(pa.string())
        current = _flag(found.pop("IsLatest", None), len(keys), default=True)
        wanted = ~_flag(found.pop("deleted", None), len(keys), default=False)
        if prefix:
            wanted &= pc.starts_with(keys, prefix).to_numpy(zero_copy_only=False)
        if not versions:
            wanted &= current
        found["Key"] = keys
        found["Size"] = _numbers(found["Size"])
        etags = found["ETag"] if "ETag" in found else pa.nulls(len(keys), pa.string())
        found["ETag"] = pc.utf8_trim(pc.fill_null(etags.cast(pa.string()), ""), characters='"')
        if "StorageClass" not in found:
            found["StorageClass"] = pa.array(["STANDARD"] * len(keys), pa.string())
        if "tier" in found:
            archived = pc.is_in(found.pop("tier").cast(pa.string()), pa.array(_ARCHIVE_TIERS))
            found["StorageClass"] = pc.if_else(archived, "GLACIER", found["StorageClass"].cast(pa.string()))
        if not wanted.all():
            rows = pa.array(np.flatnonzero(wanted))
            found = {name: column.take(rows) for name, column in found.items()}
            current = current[wanted]
        self._columns, self._current = found, current

    def __len__(self) -> int:
        return len(self._current)

    @property
    def keys(self) -> Any:
        """The keys, an Arrow array of strings."""
        return self._columns["Key"]

    @property
    def etags(self) -> Any:
        """The ETags without quotes, an Arrow array of strings."""
        return self._columns["ETag"]

    @cached_property
    def sizes(self) -> npt.NDArray[np.int64]:
        """Bytes of each object."""
        sizes: npt.NDArray[np.int64] = self._columns["Size"].to_numpy()
        return sizes

    def stored_in(self, classes: frozenset[str]) -> npt.NDArray[np.bool_]:
        """Which objects are in one of some storage classes."""
        import pyarrow as pa
        import pyarrow.compute as pc

        there = pc.is_in(self._columns["StorageClass"].cast(pa.string()), pa.array(sorted(classes)))
        found: npt.NDArray[np.bool_] = there.to_numpy(zero_copy_only=False)
        return found

    def entry(self, row: int) -> Entry:
        """One row."""
        return self._entry({name: column[row].as_py() for name, column in self._columns.items()}, row)

    def entries(self) -> Iterator[Entry]:
        """All rows."""
        columns = [column.to_pylist() for column in self._columns.values()]
        for row, values in enumerate(zip(*columns, strict=True)):
            yield self._entry(dict(zip(self._columns, values, strict=True)), row)

    def _entry(self, entry: Entry, row: int) -> Entry:
        moment = entry["LastModified"]
        if isinstance(moment, str):
            moment = datetime.fromisoformat(moment)
        entry["LastModified"] = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment
        entry["IsLatest"] = bool(self._current[row])
        return entry


def _decoded(keys: Any) -> Any:
    """Keys out of their URL encoding; of most nothing is encoded."""
    import pyarrow as pa
    import pyarrow.compute as pc

    some = pc.match_substring_regex(keys, "[%+]").to_numpy(zero_copy_only=False)
    if not some.any():
        return keys
    texts = keys.to_pylist()
    for row in np.flatnonzero(some).tolist():
        texts[row] = unquote_plus(texts[row])
    return pa.array(texts, pa.string())


def _numbers(column: Any) -> Any:
    """Sizes as numbers; a delete marker has none. Raises: ValueError."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_string(column.type):
        column = pc.if_else(pc.equal(column, ""), "0", column)
    return pc.fill_null(column.cast(pa.int64()), 0)


def _flag(column: Any, size: int, *, default: bool) -> npt.NDArray[np.bool_]:
    """A column of booleans, or of their names; `default` where there is none."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if column is None:
        return np.full(size, default, np.bool_)
    if not pa.types.is_boolean(column.type):
        column = pc.not_equal(column, "false") if default else pc.equal(column, "true")
    found: npt.NDArray[np.bool_] = pc.fill_null(column, default).to_numpy(zero_copy_only=False)
    return found


@dataclass(frozen=True, slots=True)
class Listed:
    """A page as its source has it."""

    source: str
    page: Page
    denied: npt.NDArray[np.bool_]
    """Objects that must not be opened."""
    made: Callable[[Entry], ObjectRef]

    def ref(self, row: int) -> ObjectRef:
        """The object of a row."""
        return self.made(self.page.entry(row))

    def oids(self) -> npt.NDArray[np.int64]:
        """The ids of the objects: `spool.object_id` of each."""
        import pyarrow as pa

        begin = hashlib.blake2b(self.source.encode("utf-8", "surrogatepass") + b"\0", digest_size=8)
        digests = bytearray()
        for key in self.page.keys.cast(pa.binary()).to_pylist():
            one = begin.copy()
            one.update(key)
            digests += one.digest()
        return np.frombuffer(bytes(digests), ">i8").astype(np.int64)
