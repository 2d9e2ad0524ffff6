"""Suppressions put into force: globs become patterns, predicates are answered by a reader that can do no harm."""

from __future__ import annotations

import logging

from piiscan.crawl.select import glob
from piiscan.errors import PiiscanError
from piiscan.store import triage
from piiscan.store.ingest import DuckStore
from piiscan.store.query import rows
from piiscan.store.snapshot import publish

log = logging.getLogger(__name__)

SECONDS = 60.0
MEMORY = "1GB"


def put_into_force(store: DuckStore) -> int:
    """Work out which findings are suppressed now; how many. Raises: StoreError.

    A predicate that cannot be answered suppresses nothing, and is told of in the log.
    """
    wanted = store.query("SELECT DISTINCT object FROM suppressions WHERE object IS NOT NULL AND removed IS NULL")
    asked = triage.predicates(store)
    answers: list[tuple[int, bytes]] = []
    if asked:
        copy = publish(store)
        for number, predicate in asked:
            try:
                _, found, _ = rows(copy, question(predicate), SECONDS, MEMORY)
            except PiiscanError as err:
                log.error("event=suppression_not_answered number=%d error=%s", number, type(err).__name__)
                continue
            answers += [(number, bytes.fromhex(finding)) for (finding,) in found]
    return triage.apply(store, [(name, glob(name)) for (name,) in wanted], answers)


def question(predicate: str) -> str:
    """The question that a predicate over v_findings stands for."""
    return f"SELECT finding FROM v_findings WHERE ({predicate}\n)"  # noqa: S608 - asked of a locked-down copy only
