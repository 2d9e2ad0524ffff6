"""The pages of ListObjectsV2, read quickly.

botocore turns a page into Python by a general walk over its model of the service, which takes 0.1 to 0.2 ms a key; the
entries of a page are five short texts each. A hook on botocore's own client reads them with one pattern and takes them
out of what botocore parses, so signing, retries, redirects, paging and errors stay botocore's.
"""

from __future__ import annotations

import re
from datetime import datetime
from html import unescape
from typing import Any

_ENTRIES = re.compile(rb"<Contents>.*?</Contents>", re.DOTALL)
_FIELDS = re.compile(r"<(Key|LastModified|ETag|Size|StorageClass)>([^<]*)</\1>|(</Contents>)")
_EVENT, _LISTING = "before-parse.s3.*", "ListObjectsV2"


def read_quickly(client: Any) -> None:
    """Have an S3 client read its listings so; what it answers stays the same, but for owners and checksum algorithms.

    Source: Amazon S3 API, ListObjectsV2, response syntax.
    """
    from botocore.handlers import BUILTIN_HANDLERS

    events = client.meta.events
    # botocore looks for an error in each answer by parsing it; it goes on to do so, in what is left after us.
    for event, handler, *_ in BUILTIN_HANDLERS:
        if event == _EVENT:
            events.unregister(event, handler)
            events.register(event, handler)
    events.register_first(_EVENT, _before_parse)


def _before_parse(
    operation_model: Any, response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: Any
) -> None:
    if operation_model.name != _LISTING:
        return
    body = response_dict.get("body")
    # What holds comments, entities of its own or CDATA is left to botocore.
    if response_dict.get("status_code") != 200 or not body or b"<Contents>" not in body or b"<!" in body:
        return
    try:
        entries = _entries(body.decode())
    except (KeyError, ValueError):
        return  # botocore says what is wrong with it
    response_dict["body"] = _ENTRIES.sub(b"", body)
    customized_response_dict["Contents"] = entries


def _entries(body: str) -> list[dict[str, Any]]:
    """The entries of a page. Raises: KeyError, ValueError."""
    out: list[dict[str, Any]] = []
    texts: dict[str, Any] = {}
    begin, end = body.index("<Contents>"), body.rindex("</Contents>") + len("</Contents>")
    for name, text, closed in _FIELDS.findall(body[begin:end]):
        if not closed:
            texts[name] = unescape(text) if "&" in text else text
            continue
        texts["Key"], texts["Size"] = texts["Key"], int(texts["Size"])
        texts["LastModified"] = datetime.fromisoformat(texts["LastModified"])
        out.append(texts)
        texts = {}
    return out
