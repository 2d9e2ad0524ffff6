"""The anomalies made anew from the sums of the store, and what the command shows of them."""

from __future__ import annotations

from piiscan.access.anomalies import columns, find
from piiscan.access.view import Anomaly, Principal, View
from piiscan.store.access_facts import facts, names, replace_anomalies
from piiscan.store.ingest import DuckStore


def refresh(store: DuckStore) -> list[Anomaly]:
    """What is unusual now, which takes the place of what was. Raises: StoreError."""
    people, sources, sensitive = names(store)
    found = facts(store)
    view = View(
        found["days"],
        found["sensitive"],
        found["networks"],
        {pid: Principal(str(p), str(kind), str(account), bool(out)) for pid, (p, kind, account, out) in people.items()},
        sources,
        sensitive,
    )
    out = find(view)
    replace_anomalies(store, columns(out, view))
    return out
