"""Pages of a listing as our hook reads them and as botocore does: the same keys, sizes, tags, times and classes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from piiscan.crawl.listing import read_quickly
from tests.support.s3 import client

KEPT = ("Key", "Size", "ETag", "LastModified", "StorageClass")


def page(entries: str, more: str = "<IsTruncated>false</IsTruncated>") -> bytes:
    space = ' xmlns="http://s3.amazonaws.com/doc/2006-03-01/"'
    text = f"<ListBucketResult{space}><Name>b</Name><EncodingType>url</EncodingType>{more}{entries}</ListBucketResult>"
    return ('<?xml version="1.0" encoding="UTF-8"?>\n' + text).encode()


def entry(key: str, more: str = "", size: str = "7") -> str:
    owner = "<Owner><ID>1</ID><DisplayName>Key</DisplayName></Owner>"
    return (
        f"<Contents><Key>{key}</Key><LastModified>2026-01-02T03:04:05.000Z</LastModified><ETag>&quot;ab12&quot;</ETag>"
        f"<Size>{size}</Size>{owner}{more}</Contents>"
    )


PAGES = {
    "plain": page(entry("a.txt") + entry("b/c.txt", "<StorageClass>GLACIER</StorageClass>")),
    "odd keys": page(
        "".join(map(entry, ("a+b%252Fc", "%C3%BC%F0%9F%98%80", "q&amp;a&lt;b&gt;&#10;", "..%2Fx", "", "+")))
    ),
    "no tag": page(entry("a").replace("<ETag>&quot;ab12&quot;</ETag>", "")),
    "empty": page(""),
    "prefixes": page(entry("a") + "<CommonPrefixes><Prefix>p/</Prefix></CommonPrefixes>" + entry("b")),
    "comment": page(entry("a") + "<!-- <Contents><Key>no</Key></Contents> -->" + entry("b")),
    "cdata": page(entry("<![CDATA[a<b]]>")),
    "spread": page(entry("a").replace("><", ">\n  <") + "\n" + entry("b")),
    "no name": page(entry("a").replace("<Key>a</Key>", "")),
    "no size": page(entry("a", size="many")),
    "cut": page(entry("a") + entry("b"))[:-90],
    "an error after all": b"<Error><Code>InternalError</Code><Message>no</Message></Error>",
    "nothing": b"",
}


@contextmanager
def answering(body: bytes) -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/xml")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def listed(made: Any) -> object:
    try:
        answer = made.list_objects_v2(Bucket="b")
    except (ClientError, BotoCoreError) as err:
        return type(err).__name__
    contents = [{name: found[name] for name in KEPT if name in found} for found in answer.get("Contents", ())]
    return contents, answer.get("CommonPrefixes"), answer.get("IsTruncated"), answer.get("Name")


@pytest.mark.parametrize("name", PAGES)
def test_a_page(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    with answering(PAGES[name]) as url:
        ours = client(url)
        read_quickly(ours)
        try:
            found = listed(ours)
        except (KeyError, ValueError) as err:
            found = type(err)
        try:
            wanted = listed(client(url))
        except (KeyError, ValueError) as err:
            wanted = type(err)
    assert found == wanted
    if name in ("plain", "odd keys", "spread"):
        assert found[0], "nothing was compared"  # type: ignore[index]
