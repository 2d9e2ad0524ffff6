"""The fields by which findings of Macie are filtered, as conditions over our views.

A finding of Macie is an object with all that is in it; one of ours is an object and a rule. Where the two differ, a
condition here means less than Macie's rather than more: what it would show stays shown.

Source: Amazon Macie User Guide, "Fields for filtering findings"; Amazon Macie API reference,
CriterionAdditionalProperties for the operators.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from piiscan.importing.regex import Refused

Criterion = Mapping[str, Any]
NUMBERS = {"gt": ">", "gte": ">=", "lt": "<", "lte": "<="}


@dataclass(frozen=True, slots=True)
class Known:
    """What else is imported, as filters name it."""

    rules: Mapping[str, Sequence[str]]
    """Rules by name and by ARN of custom data identifiers."""
    jobs: Mapping[str, str]
    """Jobs of ours by id and ARN of Macie's."""
    managed: frozenset[str]
    """Managed data identifiers that rules of ours answer for."""


@dataclass(frozen=True, slots=True)
class Said:
    """A condition over v_findings; empty: it always holds here."""

    sql: str = ""
    notes: tuple[str, ...] = ()


def quoted(text: str) -> str:
    """A text as a literal of SQL.

    >>> quoted("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def among(column: str, values: Sequence[str]) -> str:
    """Whether a column has one of some texts."""
    return f"{column} IN ({', '.join(map(quoted, values))})"


def of_objects(where: str, *, view: str = "v_findings", no: bool = False) -> str:
    """Whether the object is among those of which a condition holds (`no`: not)."""
    return f"(source, object) {'NOT ' if no else ''}IN ({_rows('(source, object)', view, where)})"


def _rows(what: str, view: str, where: str) -> str:
    return f"SELECT {what} FROM {view} WHERE {where}"  # noqa: S608 - of literals, for a reader that can do no harm


def having(condition: str) -> str:
    """Whether a condition holds of all that was found in the object together, published samples aside."""
    return of_objects(f"NOT test_data GROUP BY source, object HAVING {condition}")


Field = Callable[[str, Criterion, Known], Said]


def only(name: str, found: Criterion, *allowed: str) -> None:
    """Refuses operators that a field has none of here."""
    for operator in found:
        if operator not in allowed:
            raise Refused(f"{name}: {operator} cannot be said here (only {', '.join(allowed)})")


def _joined(parts: Sequence[str]) -> str:
    return " AND ".join(parts)


def _column(column: str, form: Callable[[str], str] = str, view: str = "") -> Field:
    """A property that all findings of an object share."""

    def condition(name: str, found: Criterion, known: Known) -> Said:
        only(name, found, "eq", "neq")
        parts = []
        for operator, values in found.items():
            test = among(column, [form(value) for value in values])
            if view:
                parts.append(of_objects(test, view=view, no=operator == "neq"))
            else:
                parts.append(test if operator == "eq" else f"NOT {test}")
        return Said(_joined(parts))

    return condition


def _number(column: str, view: str = "") -> Field:
    """A number that all findings of an object share."""

    def condition(name: str, found: Criterion, known: Known) -> Said:
        only(name, found, "eq", *NUMBERS)
        parts = [f"{column} {sign} {found[op]}" for op, sign in NUMBERS.items() if op in found]
        if "eq" in found:
            parts.append(f"{column} IN ({', '.join(str(whole(name, value)) for value in found['eq'])})")
        return Said(of_objects(_joined(parts), view=view) if view else _joined(parts))

    return condition


def whole(name: str, text: str) -> int:
    """A number that stands in a text. Raises: Refused."""
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise Refused(f"{name}: no whole number")
    return int(text)


def per_type(name: str, found: Criterion, column: str, values: Mapping[str, Sequence[str]]) -> Said:
    """A condition on what was found: `values` are those of the column for each value of Macie's.

    eq means the findings of these types alone. neq and eqExactMatch are of the object as a whole, as in Macie.
    """
    only(name, found, "eq", "neq", "eqExactMatch")
    parts, notes = [], []
    for operator, wanted in found.items():
        ours = [one for value in wanted for one in values.get(value, ())]
        missing = [value for value in wanted if not values.get(value)]
        if missing:
            said = f"{name}: nothing here finds {', '.join(missing)}"
            if operator != "eq" or not ours:
                raise Refused(said if operator != "neq" else f"{said}, and without it more would be meant")
            notes.append(said)
        if operator == "eq":
            parts.append(among(column, ours))
            notes.append("of an object only the findings of these types are meant, not the others beside them")
        elif operator == "neq":
            parts.append(of_objects(among(column, ours), no=True))
        elif operator == "eqExactMatch":
            each = _joined([f"count(*) FILTER ({among(column, values[value])}) > 0" for value in wanted])
            parts.append(having(f"bool_and(coalesce({among(column, ours)}, false)) AND {each}"))
    return Said(_joined(parts), tuple(notes))


_CATEGORIES = {
    "CREDENTIALS": ("credentials",), "FINANCIAL_INFORMATION": ("financial",), "PERSONAL_INFORMATION": ("pii", "phi"),
    "CUSTOM_IDENTIFIER": ("custom", "business"),
}  # fmt: skip
_KIND = (
    "CASE category WHEN 'credentials' THEN 'Credentials' WHEN 'financial' THEN 'Financial' WHEN 'pii' THEN 'Personal' "
    "WHEN 'phi' THEN 'Personal' ELSE 'CustomIdentifier' END"
)
_SENSITIVE = "SensitiveData:S3Object/"
_KINDS = ("Credentials", "Financial", "Personal", "CustomIdentifier", "Multiple")
NO_POLICY = "policy findings are checks of `piiscan buckets posture` here, and no suppression hides them"


def _categories(name: str, found: Criterion, known: Known) -> Said:
    return per_type(name, found, "category", _CATEGORIES)


def _managed(name: str, found: Criterion, known: Known) -> Said:
    return per_type(name, found, "macie", {value: [value] for value in known.managed})


def _custom(name: str, found: Criterion, known: Known) -> Said:
    return per_type(name, found, "rule", known.rules)


def _type(name: str, found: Criterion, known: Known) -> Said:
    only(name, found, "eq", "neq")
    parts, notes = [], []
    for operator, values in found.items():
        kinds = [v.removeprefix(_SENSITIVE) for v in values if v.startswith(_SENSITIVE)]
        if unknown := [kind for kind in kinds if kind not in _KINDS]:
            raise Refused(f"{name}: {unknown[0]} is not known here")
        if len(kinds) < len(values):
            if operator == "eq" and not kinds:
                raise Refused(f"{name}: {NO_POLICY}")
            notes.append(f"{name}: {NO_POLICY}")
        if kinds:
            whole = f"CASE WHEN count(DISTINCT {_KIND}) > 1 THEN 'Multiple' ELSE min({_KIND}) END"
            parts.append(having(f"{whole} {'' if operator == 'eq' else 'NOT '}IN ({', '.join(map(quoted, kinds))})"))
    return Said(_joined(parts), (*notes, "kinds are those of what our rules find in the object"))


_LEVELS = {"low": "1", "medium": "2", "high": "3"}
_LEVEL = "CASE severity WHEN 'low' THEN 1 WHEN 'medium' THEN 2 ELSE 3 END"


def _severity(name: str, found: Criterion, known: Known) -> Said:
    """Macie's finding has the highest severity of all that is in the object; critical is none of its levels."""
    only(name, found, "eq", "neq", *NUMBERS)
    parts = [f"max({_LEVEL}) {sign} {found[op]}" for op, sign in NUMBERS.items() if op in found]
    for operator in ("eq", "neq"):
        if operator in found:
            levels = [_LEVELS.get(value.lower(), value) for value in found[operator]]
            if not set(levels) <= set(_LEVELS.values()):
                raise Refused(f"{name}: Low, Medium, High, or 1 to 3 are wanted")
            sign = "IN" if operator == "eq" else "NOT IN"
            parts.append(f"max({_LEVEL}) {sign} ({', '.join(sorted(levels))})")
    return Said(having(_joined(parts)), ("severities are those of our rules; critical counts as High",))


def _count(kind: str, *, total: bool = False) -> Field:
    """How much was found of one type, or of all types of a category; each type alone stays below their sum."""

    def condition(name: str, found: Criterion, known: Known) -> Said:
        only(name, found, *NUMBERS)
        parts = [kind]
        for operator, sign in NUMBERS.items():
            if operator in found and total and sign.startswith("<"):
                parts.append(having(f"sum(count) FILTER ({kind}) {sign} {found[operator]}"))
            elif operator in found:
                parts.append(f"count {sign} {found[operator]}")
        return Said(_joined(parts), ("of an object only the findings that are so many are meant",))

    return condition


def _always(*holds: str, otherwise: str) -> Field:
    """A property that all findings here have the one value of."""

    def condition(name: str, found: Criterion, known: Known) -> Said:
        only(name, found, "eq", "neq")
        for operator, values in found.items():
            if (operator == "eq") != bool({value.lower() for value in values} & set(holds)):
                raise Refused(f"{name}: {otherwise}")
        return Said()

    return condition


def _job(name: str, found: Criterion, known: Known) -> Said:
    only(name, found, "eq")
    jobs = [known.jobs[value] for value in found["eq"] if value in known.jobs]
    if not jobs:
        raise Refused(f"{name}: none of these jobs is imported")
    notes = ("of these jobs only some are imported",) if len(jobs) < len(found["eq"]) else ()
    return Said(f"run IN ({_rows('run', 'v_job_runs', among('job', jobs))})", notes)


def _permission(name: str, found: Criterion, known: Known) -> Said:
    only(name, found, "eq", "neq")
    parts = []
    for operator, values in found.items():
        wanted = set(values) if operator == "eq" else {"PUBLIC", "NOT_PUBLIC"} - set(values)
        if not wanted <= {"PUBLIC", "NOT_PUBLIC"} or not wanted:
            raise Refused(f"{name}: PUBLIC or NOT_PUBLIC are wanted; what is unknown is not hidden")
        tests = " OR ".join(f"public = {str(value == 'PUBLIC').lower()}" for value in sorted(wanted))
        parts.append(f"source IN ({_rows('source', 'v_exposure', tests)})")
    return Said(_joined(parts), ("whether a bucket is public is what `piiscan buckets posture` saw last",))


def _bucket(text: str) -> str:
    return "s3://" + (text.rpartition(":")[2] if text.startswith("arn:") else text)


_RESULT = "classificationDetails.result."
_OBJECT = "resourcesAffected.s3Object."
_OUTCOMES = {"COMPLETE": "scanned", "PARTIAL": "partial", "SKIPPED": "skipped"}
_CUSTOM_ONLY = "category IN ('custom', 'business')"
BUCKET = "resourcesAffected.s3Bucket.name"
FIELDS: Mapping[str, Field] = {
    "type": _type,
    "category": _always("classification", otherwise=NO_POLICY),
    "severity.description": _severity,
    "severity.score": _severity,
    "archived": _always("false", otherwise="what is suppressed already needs no second suppression"),
    "sample": _always("false", otherwise="there are no sample findings here"),
    "createdAt": _number("epoch_ms(first_seen)"),
    "updatedAt": _number("epoch_ms(last_seen)"),
    "classificationDetails.jobId": _job,
    "classificationDetails.jobArn": _job,
    _RESULT + "mimeType": _column("media_type"),
    _RESULT + "sizeClassified": _number("bytes_examined", "v_objects"),
    _RESULT + "status.code": _column("outcome", lambda code: _OUTCOMES.get(code, code), "v_objects"),
    _RESULT + "status.reason": _column("split_part(reason, ':', 1)", view="v_objects"),
    _RESULT + "sensitiveData.category": _categories,
    _RESULT + "sensitiveData.detections.type": _managed,
    _RESULT + "sensitiveData.detections.count": _count(f"NOT {_CUSTOM_ONLY}"),
    _RESULT + "sensitiveData.totalCount": _count(f"NOT {_CUSTOM_ONLY}", total=True),
    _RESULT + "customDataIdentifiers.detections.name": _custom,
    _RESULT + "customDataIdentifiers.detections.arn": _custom,
    _RESULT + "customDataIdentifiers.detections.count": _count(_CUSTOM_ONLY),
    _RESULT + "customDataIdentifiers.totalCount": _count(_CUSTOM_ONLY, total=True),
    BUCKET: _column("source", _bucket),
    "resourcesAffected.s3Bucket.arn": _column("source", _bucket),
    "resourcesAffected.s3Bucket.publicAccess.effectivePermission": _permission,
    _OBJECT + "bucketArn": _column("source", _bucket),
    _OBJECT + "key": _column("object"),
    _OBJECT + "path": _column("source || '/' || object", _bucket),
    _OBJECT + "extension": _column(r"regexp_extract(object, '\.([^./]*)$', 1)", lambda text: text.lstrip(".")),
    _OBJECT + "size": _number("size", "v_objects"),
    _OBJECT + "lastModified": _number("epoch_ms(modified)", "v_objects"),
}
WHY: Mapping[str, str] = {
    "accountId": "findings here have no account",
    "region": "findings here have no region",
    "partition": "findings here have no partition",
    "id": "ids of Macie's findings mean nothing here",
    "count": "Macie counts repeats of policy findings with it",
    "title": "findings here have no title",
    "description": "findings here have no description",
    "policyDetails.": NO_POLICY,
    "classificationDetails.originType": "there are no two kinds of scans here",
    _RESULT + "additionalOccurrences": "all that is found is counted here",
    "resourcesAffected.s3Bucket.tags.": "tags of buckets are not kept",
    "resourcesAffected.s3Bucket.": "how buckets are set up is a matter of `piiscan buckets posture`, not of findings",
    _OBJECT + "tags.": "tags of objects are not kept",
    _OBJECT: "it is not kept of objects",
}
"""Why a field cannot be taken over, by the beginning of its name."""


def condition(name: str, found: Criterion, known: Known) -> Said:
    """What one field of a filter means here. Raises: Refused, naming the field."""
    if not found or not all(found.get(operator, [""]) for operator in ("eq", "neq", "eqExactMatch")):
        raise Refused(f"{name}: has no value")
    if name in FIELDS:
        return FIELDS[name](name, found, known)
    why = next((why for start, why in WHY.items() if name.startswith(start)), "is not known here")
    raise Refused(f"{name}: {why}")
