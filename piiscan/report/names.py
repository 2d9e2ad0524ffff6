"""Names, places and times of findings as the formats of other programs want them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from piiscan.model import VERSION
from piiscan.report.escape import encodable, printable

_JSON = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))
_ESCAPED = re.compile(rb"\\x([89a-f][0-9a-f]|5c)")


@lru_cache(maxsize=10_000)
def uri_path(key: str, *, escaped: bool = True) -> str:
    r"""A key as the path of a URI; `escaped`: its `\xNN` are bytes of a file's name, as keys of directories have them.

    Source: RFC 3986, sections 2 and 3.3.

    >>> uri_path("a b/c:d" + chr(233)), uri_path(r"bad\xff"), uri_path(r"bad\xff", escaped=False)
    ('a%20b/c%3Ad%C3%A9', 'bad%FF', 'bad%5Cxff')
    """
    raw = encodable(key).encode()
    if escaped:
        raw = _ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), raw)
    return quote(raw, safe="/")


def source_uri(source: str) -> str:
    """A source as a URI that ends in a slash, so that a relative one can follow.

    >>> source_uri("file:///srv/my share"), source_uri("s3://bucket"), source_uri("file:///")
    ('file:///srv/my%20share/', 's3://bucket/', 'file:///')
    """
    scheme, _, rest = source.partition("://")
    if not rest:
        return uri_path(source.removesuffix(":")) + ":/"
    return f"{scheme}://{uri_path(rest.rstrip('/'), escaped=scheme == 'file')}/"


def object_uri(source: str, key: str, version: str = "") -> str:
    """The whole URI of an object, or of a version that is not its current one.

    >>> object_uri("s3://b", "k?versionId=v 1", "v 1")
    's3://b/k?versionId=v%201'
    """
    query = f"?versionId={quote(encodable(version), safe='')}" if version else ""
    return source_uri(source) + uri_path(without_version(key, version), escaped=source.startswith("file:")) + query


def without_version(key: str, version: str) -> str:
    """A key without the version that is told in it."""
    return encodable(key.removesuffix(VERSION + version) if version else key)


def below(source: str, base: str) -> str | None:
    """The way from the base directory to a source, with a slash behind it; None when it is not there.

    >>> below("file:///srv/share/a", "/srv/share"), below("file:///srv/share", "/srv/share"), below("s3://b", "/")
    ('a/', '', None)
    """
    if not base or not source.startswith("file://"):
        return None
    path = source.removeprefix("file://").rstrip("/") + "/"
    root = encodable(base).rstrip("/") + "/"
    return path[len(root) :] if path.startswith(root) else None


def relative(source: str, key: str, base: str) -> str:
    """An object's path from the base, else from its source; the bucket stands before the keys of a bucket."""
    if source.startswith("s3://"):
        return encodable(f"{source.removeprefix('s3://')}/{key}")
    return encodable((below(source, base) or "") + key)


def bucket(source: str) -> str:
    """The name of the bucket, or ARN of the access point; empty for a directory."""
    return source.removeprefix("s3://") if source.startswith("s3://") else ""


def arn(source: str, key: str = "") -> str:
    """The ARN of a bucket, or of an object in it. Source: AWS, "Amazon S3 resources", service authorization reference.

    >>> arn("s3://b", "k/1"), arn("s3://arn:aws:s3:eu-west-1:000000000000:accesspoint/p", "k")
    ('arn:aws:s3:::b/k/1', 'arn:aws:s3:eu-west-1:000000000000:accesspoint/p/object/k')
    """
    name = bucket(source)
    if name.startswith("arn:"):
        return f"{name}/object/{encodable(key)}" if key else name
    return f"arn:aws:s3:::{name}" + (f"/{encodable(key)}" if key else "")


def partition(region: str) -> str:
    """The AWS partition of a region.

    >>> partition("eu-west-1"), partition("cn-north-1"), partition("us-gov-west-1")
    ('aws', 'aws-cn', 'aws-us-gov')
    """
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"


def cut(text: str, most: int) -> str:
    """Text of at most so many characters: its begin, and a mark when some was cut.

    >>> cut("abcdef", 4), cut("abcd", 4)
    ('abc…', 'abcd')
    """
    return text if len(text) <= most else text[: most - 1] + "…"


@lru_cache(maxsize=10_000)
def shown(text: str, most: int = 1_000) -> str:
    """Text for people: nothing in it steers a terminal or turns its direction, and it is not endless."""
    return cut(encodable(printable(text)), most)


def stamp(moment: datetime | None, form: str = "%Y-%m-%dT%H:%M:%S.%f") -> str:
    """A time as ISO 8601 with milliseconds and a Z; without a time the beginning of 1970."""
    moment = moment or datetime(1970, 1, 1)
    return moment.strftime(form)[:-3] + "Z"


def milliseconds(moment: datetime | None) -> int:
    """A time as milliseconds since 1970."""
    return int(moment.replace(tzinfo=UTC).timestamp() * 1_000) if moment is not None else 0


def amount(finding: dict[str, Any]) -> str:
    """How much was found, in a few words."""
    count, distinct = finding["count"], finding["distinct"]
    least = "" if finding.get("distinct_exact", True) else "at least "
    matches = "1 match" if count == 1 else f"{count:,} matches"
    values = "" if count == 1 else f", {least}{distinct:,} distinct value{'' if distinct == 1 else 's'}"
    return f"{matches}{values}, confidence {finding['confidence']:.2f}"


def clean(value: Any) -> Any:
    """Plain data whose every string UTF-8 can hold."""
    if isinstance(value, str):
        return encodable(value)
    if isinstance(value, dict):
        return {clean(k): clean(v) for k, v in value.items()}
    return [clean(v) for v in value] if isinstance(value, list | tuple) else value


def dumped(value: Any) -> str:
    """JSON on one line, as UTF-8 can hold it."""
    text = _JSON.encode(value)
    try:
        text.encode()
    except UnicodeEncodeError:
        text = _JSON.encode(clean(value))
    return text


def regulations(tags: Iterable[str]) -> list[str]:
    """The tags of a rule that may stand in a list of labels, in order, each once."""
    return sorted({encodable(str(tag)) for tag in tags})
