"""Which buckets and objects a job of Macie reads, as targets and globs.

A condition that cannot be said is left out where a job then reads more than in Macie, and that is told; it is never
left out where the job would read less.

Source: Amazon Macie API reference, S3BucketCriteriaForJob and Scoping: conditions of a block are joined by AND, values
of a condition by OR, and exclusions win.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from piiscan.importing.regex import Refused

EVERY = "s3://*"
_GLOB = re.compile(r"[*?\[]")
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}", re.ASCII)
"""Names of buckets, those of old ones among them. Source: Amazon S3 User Guide, "Bucket naming rules"."""


@dataclass(slots=True)
class Reach:
    """What a job reads."""

    targets: list[str] = field(default_factory=list)
    bucket_tags: list[str] = field(default_factory=list)
    include: list[str] = field(default_factory=list)
    exclude: list[str] = field(default_factory=list)
    most_bytes: int | None = None
    """Larger objects are left out."""
    notes: list[str] = field(default_factory=list)


def reach(definition: Mapping[str, Any]) -> Reach:
    """The reach of an `s3JobDefinition`. Raises: Refused."""
    out = Reach()
    if "bucketDefinitions" in definition:
        _named(definition["bucketDefinitions"], out)
    elif "bucketCriteria" in definition:
        _chosen(definition["bucketCriteria"], out)
    if not out.targets:
        raise Refused("s3JobDefinition: it names no bucket")
    if not all(target == EVERY or _BUCKET.fullmatch(target.removeprefix("s3://")) for target in out.targets):
        raise Refused("s3JobDefinition: what it names is no name of a bucket")
    scoping = definition.get("scoping", {})
    _include(scoping.get("includes", {}).get("and", []), out)
    _exclude(scoping.get("excludes", {}).get("and", []), out)
    return out


def _named(definitions: Sequence[Mapping[str, Any]], out: Reach) -> None:
    buckets = [bucket for definition in definitions for bucket in definition.get("buckets", ())]
    out.targets = _targets(buckets)
    accounts = sorted({definition.get("accountId", "") for definition in definitions} - {""})
    if len(accounts) > 1:
        out.notes.append(f"its buckets are of accounts {', '.join(accounts)}: the credentials must reach them all")


def _chosen(criteria: Mapping[str, Any], out: Reach) -> None:
    names: list[str] | None = None
    for condition in criteria.get("includes", {}).get("and", []):
        simple, tag = condition.get("simpleCriterion"), condition.get("tagCriterion")
        if simple and (simple.get("key"), simple.get("comparator")) == ("S3_BUCKET_NAME", "EQ"):
            wanted = simple.get("values", [])
            names = wanted if names is None else [name for name in names if name in wanted]
        elif simple and (simple.get("key"), simple.get("comparator")) == ("ACCOUNT_ID", "EQ"):
            accounts = ", ".join(simple.get("values", []))
            out.notes.append(f"buckets are those of the account of the credentials; the job means {accounts}")
        elif tag and tag.get("comparator") == "EQ" and len(tag.get("tagValues", [])) == 1 and _tag(tag):
            out.bucket_tags.append(_tag(tag))
        else:
            out.notes.append(f"more is read than in Macie: buckets are not narrowed by {_called(condition)}")
    for condition in criteria.get("excludes", {}).get("and", []):
        out.notes.append(f"more is read than in Macie: no bucket is left out by {_called(condition)}")
    if names is not None and out.bucket_tags:
        out.notes.append("more is read than in Macie: buckets that are named are not narrowed by their tags")
        out.bucket_tags = []
    out.targets = [EVERY] if names is None else _targets(names)


def _targets(buckets: Sequence[str]) -> list[str]:
    if "*" in buckets:
        raise Refused("s3JobDefinition: * is no name of a bucket")
    return [f"s3://{bucket}" for bucket in dict.fromkeys(buckets) if bucket]


def _tag(criterion: Mapping[str, Any]) -> str:
    one = criterion["tagValues"][0]
    key, value = one.get("key", ""), one.get("value", "")
    return "" if not key or "=" in key else f"{key}={value}" if value else key


def _called(condition: Mapping[str, Any]) -> str:
    for key in ("simpleCriterion", "simpleScopeTerm"):
        if key in condition:
            return f"{condition[key].get('key', '?')} {condition[key].get('comparator', '?')}"
    return "TAG"


def escaped(text: str) -> str:
    """A text as a glob that means it.

    >>> escaped("a[1]*")
    'a[[]1][*]'
    """
    return _GLOB.sub(lambda found: f"[{found[0]}]", text)


def _globs(prefixes: Sequence[str] | None, extensions: Sequence[str] | None) -> list[str]:
    """Globs over keys that begin with one of the prefixes and end in one of the extensions; None: with any."""
    heads = [f"/{escaped(prefix)}**" for prefix in prefixes] if prefixes is not None else ["**"]
    if extensions is None:
        return heads
    ends = [f".{escaped(extension.lstrip('.'))}" for extension in extensions]
    if prefixes is None:
        return [f"*{end}" for end in ends]
    return [head + end for head in heads for end in ends]


def _size(term: Mapping[str, Any]) -> int | None:
    """The bytes that a condition on sizes names. Raises: Refused when they are no number."""
    values = term.get("values", [])
    if len(values) != 1 or not values[0].isascii() or not values[0].isdigit() or len(values[0]) > 18:
        raise Refused("OBJECT_SIZE: one whole number of bytes is wanted")
    return int(values[0])


def _values(term: Mapping[str, Any]) -> list[str]:
    """The values of a condition; none where no glob says them: an object without an extension."""
    values: list[str] = term.get("values", [])
    return [] if term.get("key") == "OBJECT_EXTENSION" and "" in values else values


def _include(terms: Sequence[Mapping[str, Any]], out: Reach) -> None:
    """Objects must hold to all terms; one that is left out lets more through."""
    prefixes: list[str] | None = None
    extensions: list[str] | None = None
    for term in terms:
        simple = term.get("simpleScopeTerm", {})
        values = _values(simple)
        what = (simple.get("key"), simple.get("comparator")) if values else (None, None)
        if what == ("OBJECT_EXTENSION", "EQ") and extensions is None:
            extensions = values
        elif what == ("OBJECT_KEY", "STARTS_WITH") and prefixes is None:
            prefixes = values
        elif what == ("OBJECT_EXTENSION", "NE"):
            out.exclude += _globs(None, values)
        elif what in (("OBJECT_SIZE", "LT"), ("OBJECT_SIZE", "LTE")) and (size := _size(simple)):
            most = size - (simple["comparator"] == "LT")
            out.most_bytes = most if out.most_bytes is None else min(most, out.most_bytes)
        else:
            out.notes.append(f"more is read than in Macie: objects are not narrowed by {_called(term)}")
    if prefixes is not None or extensions is not None:
        out.include = _globs(prefixes, extensions)


def _exclude(terms: Sequence[Mapping[str, Any]], out: Reach) -> None:
    """Objects that hold to all terms are left out: with one term less it would be more of them."""
    simple = [term.get("simpleScopeTerm", {}) for term in terms]
    named: dict[tuple[Any, Any], list[str]] = {(t.get("key"), t.get("comparator")): _values(t) for t in simple}
    extension, prefix = ("OBJECT_EXTENSION", "EQ"), ("OBJECT_KEY", "STARTS_WITH")
    if not terms:
        return
    named = named if all(named.values()) else {}
    if named and len(named) == len(terms) and set(named) <= {extension, prefix}:
        out.exclude += _globs(named.get(prefix), named.get(extension))
    elif set(named) == {("OBJECT_EXTENSION", "NE")} and len(terms) == 1 and not out.include:
        out.include = _globs(None, simple[0].get("values", []))
    elif (
        len(terms) == 1
        and named.keys() & {("OBJECT_SIZE", "GT"), ("OBJECT_SIZE", "GTE")}
        and (size := _size(simple[0]))
    ):
        most = size - (simple[0]["comparator"] == "GTE")
        out.most_bytes = most if out.most_bytes is None else min(most, out.most_bytes)
    else:
        called = " and ".join(_called(term) for term in terms)
        out.notes.append(f"more is read than in Macie: no object is left out by {called}")
