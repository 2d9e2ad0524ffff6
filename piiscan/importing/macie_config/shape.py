"""JSON held against the shape that Macie's API documents, so that what reads it meets no surprise.

Source: botocore's service model of macie2 (2020-01-01), from which the shapes below are written down.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from piiscan.importing.regex import Refused

ANY = object
"""A value that is not looked at."""
_CALLED = {str: "text", int: "a whole number", bool: "true or false"}


class Each:
    """A mapping whose keys may be anything."""

    def __init__(self, of: Any) -> None:
        self.of = of


_TAGS = Each(ANY)
ALLOW_LIST: Mapping[str, Any] = {
    "name": str, "id": str, "arn": str, "description": str, "createdAt": ANY, "updatedAt": ANY, "tags": _TAGS,
    "clientToken": ANY,
    "criteria": {"regex": str, "s3WordsList": {"bucketName": str, "objectKey": str}},
    "status": {"code": str, "description": str},
}  # fmt: skip
_CRITERION = {
    "eq": [str], "neq": [str], "eqExactMatch": [str], "gt": int, "gte": int, "lt": int, "lte": int,
}  # fmt: skip
FILTER: Mapping[str, Any] = {
    "name": str, "id": str, "arn": str, "description": str, "action": str, "position": int, "tags": _TAGS,
    "clientToken": ANY,
    "findingCriteria": {"criterion": Each(_CRITERION)},
}  # fmt: skip
_TAG_VALUES = [{"key": str, "value": str}]
_SIMPLE = {"comparator": str, "key": str, "values": [str]}
_BUCKETS = {"and": [{"simpleCriterion": _SIMPLE, "tagCriterion": {"comparator": str, "tagValues": _TAG_VALUES}}]}
_OBJECTS = {
    "and": [
        {
            "simpleScopeTerm": _SIMPLE,
            "tagScopeTerm": {"comparator": str, "key": str, "tagValues": _TAG_VALUES, "target": str},
        }
    ]
}
JOB: Mapping[str, Any] = {
    "name": str, "jobId": str, "jobArn": str, "description": str, "createdAt": ANY, "clientToken": ANY, "tags": _TAGS,
    "jobStatus": str, "jobType": str, "initialRun": bool, "samplingPercentage": int,
    "allowListIds": [str], "customDataIdentifierIds": [str],
    "managedDataIdentifierSelector": str, "managedDataIdentifierIds": [str],
    "lastRunErrorStatus": ANY, "lastRunTime": ANY, "statistics": ANY, "userPausedDetails": ANY,
    "bucketDefinitions": ANY, "bucketCriteria": ANY,
    "scheduleFrequency": {
        "dailySchedule": Each(ANY), "weeklySchedule": {"dayOfWeek": str}, "monthlySchedule": {"dayOfMonth": int},
    },
    "s3JobDefinition": {
        "bucketDefinitions": [{"accountId": str, "buckets": [str]}],
        "bucketCriteria": {"includes": _BUCKETS, "excludes": _BUCKETS},
        "scoping": {"includes": _OBJECTS, "excludes": _OBJECTS},
    },
}  # fmt: skip


def fitted(data: Any, shape: Any, unknown: list[str], where: str = "") -> Any:
    """A copy without nulls and without keys that the shape lacks, whose names are added to `unknown`.

    Raises: Refused, naming the key, for a value of another type.

    >>> fitted({"name": "a", "id": None, "new": 1}, {"name": str, "id": str}, [])
    {'name': 'a'}
    """
    if shape is ANY:
        return data
    if isinstance(shape, type):
        if not isinstance(data, shape) or (isinstance(data, bool) and shape is not bool):
            raise Refused(f"{where}: must be {_CALLED[shape]}")
        return data
    if isinstance(shape, list):
        if not isinstance(data, list):
            raise Refused(f"{where}: must be a list")
        return [fitted(item, shape[0], unknown, f"{where}[{i}]") for i, item in enumerate(data)]
    if not isinstance(data, Mapping):
        raise Refused(f"{where or 'it'}: must be an object")
    out: dict[str, Any] = {}
    for key, value in data.items():
        full = f"{where}.{key}" if where else str(key)
        of = shape.of if isinstance(shape, Each) else shape.get(key)
        if of is None:
            unknown.append(full)
        elif value is not None:
            out[key] = fitted(value, of, unknown, full)
    return out


def unknown_keys(names: list[str]) -> list[str]:
    """A remark on keys that a later Macie may have brought; none without such keys."""
    return [f"not known here and not looked at: {', '.join(sorted(set(names)))}"] if names else []
