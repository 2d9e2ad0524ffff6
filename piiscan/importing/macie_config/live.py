"""A configuration asked of Macie itself, by whatever makes its requests."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from piiscan.importing.macie_config.entries import Entry, Gathered, Kind, Outcome

Ask = Callable[[str, Mapping[str, Any]], Mapping[str, Any]]
"""What the service answers to an operation, as boto3 names it. Raises: OSError whose text is a code."""
ORIGIN = "Macie"
_LISTS: Mapping[Kind, tuple[str, str, str, str]] = {
    Kind.IDENTIFIER: ("list_custom_data_identifiers", "items", "get_custom_data_identifier", "id"),
    Kind.ALLOW_LIST: ("list_allow_lists", "allowLists", "get_allow_list", "id"),
    Kind.FILTER: ("list_findings_filters", "findingsFilterListItems", "get_findings_filter", "id"),
    Kind.JOB: ("list_classification_jobs", "items", "describe_classification_job", "jobId"),
}
"""The operation that lists a kind, its key, the operation that tells of one, and by what."""


def gather(ask: Ask) -> Gathered:
    """All that Macie has in this account and region; of a kind that may not be read why."""
    out = Gathered()
    for kind, (list_, key, get, by) in _LISTS.items():
        try:
            for item in _pages(ask, list_, key):
                _add(out, ask, kind, get, by, item)
        except OSError as err:
            action = "".join(word.capitalize() for word in list_.split("_"))
            reason = f"{err}: macie2:{action} is needed, and Macie in this region"
            out.refused.append(Outcome(kind, "all of them", reason=reason))
            out.unreachable = True
    return out


def _pages(ask: Ask, operation: str, key: str) -> Iterator[Mapping[str, Any]]:
    token, seen = "", set()
    while token not in seen:
        seen.add(token)
        answer = ask(operation, {"nextToken": token} if token else {})
        yield from answer.get(key, ())
        token = answer.get("nextToken") or ""
        if not token:
            return


def _add(out: Gathered, ask: Ask, kind: Kind, get: str, by: str, item: Mapping[str, Any]) -> None:
    listed = Entry(kind, item, ORIGIN, whole=False)
    if kind is Kind.JOB and item.get("jobType") == "ONE_TIME" and item.get("jobStatus") in ("COMPLETE", "CANCELLED"):
        out.entries.append(Entry(kind, item, ORIGIN))  # there may be thousands, and none is made again
        return
    try:
        out.entries.append(Entry(kind, ask(get, {by: item.get(by, "")}), ORIGIN))
    except OSError as err:
        out.refused.append(Outcome(kind, listed.name, listed.id, reason=f"{err}: it cannot be read"))
        out.unreachable = True
