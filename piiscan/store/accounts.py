"""Which accounts runs went over, which refused, and whose the sources are."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from piiscan.store.ingest import DuckStore


def keep(
    store: DuckStore,
    run: int | None,
    accounts: Sequence[tuple[str, str, str, str]],
    owners: Mapping[str, tuple[str, str]],
) -> None:
    """Take in accounts (number, name, role, why it refused) and the account and role of each source.

    `run` is None for a run that looked at their buckets' posture.
    """
    with store.transaction():
        for number, name, role, refused in accounts:
            store.query(
                "INSERT INTO accounts VALUES (?, ?, ?, ?, ?) ON CONFLICT (account) DO UPDATE SET name = excluded.name, "
                "role = excluded.role, refused = excluded.refused, run = coalesce(excluded.run, accounts.run)",
                [number, name, role, refused, run],
            )
        for source, (number, role) in owners.items():
            store.query(
                "INSERT INTO source_accounts VALUES (?, ?, ?) ON CONFLICT (source) DO UPDATE SET "
                "account = excluded.account, role = excluded.role",
                [source, number, role],
            )


def role_of(store: DuckStore, source: str) -> str:
    """The role that a source was read in; empty: none."""
    rows = store.query("SELECT role FROM source_accounts WHERE source = ?", [source])
    return str(rows[0][0]) if rows else ""
