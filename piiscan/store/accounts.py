"""Which accounts runs went over, which refused, and whose the sources are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from piiscan.store.ingest import DuckStore

FIRST_SCHEMA = 17
"""Of a database in which accounts are."""


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


def role_of(con: Any, source: str) -> str:
    """The role that a source was read in, out of an open database; empty: none, or not known."""
    from piiscan.store.duck import schema_version

    if schema_version(con) < FIRST_SCHEMA:
        return ""
    rows = con.execute("SELECT role FROM source_accounts WHERE source = ?", [source]).fetchall()
    return str(rows[0][0]) if rows else ""
