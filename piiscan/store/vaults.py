"""What vaults tell of parameters and secrets, kept by source and name; no value and no hash of one is among it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from piiscan.store.ingest import DuckStore
    from piiscan.vaults import Kept

_COLUMNS = (
    "source", "name", "kind", "arn", "version", "modified", "rotated", "used", "rotation", "expires", "warns_unchanged",
    "key", "tier",
)  # fmt: skip


def keep(store: DuckStore, entries: Iterable[Kept], looked_for: Mapping[tuple[str, str], tuple[str, str]]) -> None:
    """Take in entries as they are listed now; `looked_for` has rule and reason by source and name, where asked for."""
    import pyarrow as pa

    rows = [[_plain(getattr(one, column)) for column in _COLUMNS] for one in entries]
    if not rows:
        return
    rules = [looked_for.get((str(row[0]), str(row[1]))) for row in rows]
    names = (*_COLUMNS, "rule", "why_not")
    columns: list[Sequence[Any]] = [*zip(*rows, strict=True)]
    columns += [[rule[0] if rule else None for rule in rules], [rule[1] if rule else None for rule in rules]]
    types = [_TYPES.get(name, "string") for name in names]
    incoming = {n: pa.array(list(c), _arrow(t)) for n, c, t in zip(names, columns, types, strict=True)}
    now = datetime.now(UTC).replace(tzinfo=None)
    with store.transaction(), store.lent("incoming_entries", incoming):
        store.query(
            "CREATE OR REPLACE TEMP TABLE former AS SELECT source, name, rule, why_not FROM vault_entries "
            "WHERE (source, name) IN (SELECT (source, name) FROM incoming_entries)"
        )
        store.query("DELETE FROM vault_entries WHERE (source, name) IN (SELECT (source, name) FROM incoming_entries)")
        store.query(
            f"INSERT INTO vault_entries SELECT {', '.join('i.' + column for column in _COLUMNS)}, "  # noqa: S608 - ours
            "coalesce(i.rule, f.rule), coalesce(i.why_not, f.why_not), ?, NULL "
            "FROM incoming_entries i LEFT JOIN former f ON f.source = i.source AND f.name = i.name",
            [now],
        )
        store.query("DROP TABLE former")


def close(store: DuckStore, source: str, prefix: str, names: Iterable[str]) -> None:
    """Entries of a vault below a prefix that are none of `names` are gone."""
    store.query(
        "UPDATE vault_entries SET gone = ? WHERE source = ? AND starts_with(name, ?) AND gone IS NULL "
        "AND NOT list_contains(?::VARCHAR[], name)",
        [datetime.now(UTC).replace(tzinfo=None), source, prefix, list(names)],
    )


_TYPES = {"modified": "time", "rotated": "time", "used": "time", "expires": "time", "rotation": "bool"}


def _arrow(kind: str) -> Any:
    import pyarrow as pa

    return {"time": pa.timestamp("us"), "bool": pa.bool_()}.get(kind, pa.string())


def _plain(value: Any) -> Any:
    return value.astimezone(UTC).replace(tzinfo=None) if isinstance(value, datetime) else value
