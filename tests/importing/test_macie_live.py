"""`piiscan import macie --live`: botocore's own client against a server that answers as Macie's paths are laid out."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.importing.macie_saved import FILTERS, IDENTIFIERS, JOBS, LISTS, WORDS
from tests.support.cli import Cli

PAGE = 7


class Macie:
    """What the server has, and what it refuses."""

    def __init__(self) -> None:
        self.things = {
            "custom-data-identifiers": [case["identifier"] for case in IDENTIFIERS],
            "allow-lists": [case["list"] for case in LISTS],
            "findingsfilters": [case["filter"] for case in FILTERS],
            "jobs": [case["job"] for case in JOBS],
        }
        self.objects = {f"/amzn-s3-demo-lists/{_key(name)}": words for name, words in WORDS.items()}
        self.denied: set[str] = set()
        self.asked: list[str] = []

    def answer(self, method: str, path: str, query: str, body: bytes) -> tuple[int, bytes]:
        self.asked.append(f"{method} {path}")
        if path.startswith("/amzn-s3-demo-lists/"):
            return _object(self.objects.get(path))
        kind, _, rest = path.strip("/").partition("/")
        if kind in self.denied or path in self.denied:
            return 403, b'{"message": "not allowed"}'
        if (method, rest) in (("POST", "list"), ("GET", "")):
            token = re.search(r"nextToken=(\d+)", query)
            sent = json.loads(body or b"{}").get("nextToken") or (token[1] if token else "0")
            return 200, json.dumps(self._page(kind, int(sent))).encode()
        by = "jobId" if kind == "jobs" else "id"
        found = [one for one in self.things[kind] if one[by] == rest]
        return (200, json.dumps(found[0]).encode()) if found else (404, b'{"message": "none"}')

    def _page(self, kind: str, begin: int) -> dict[str, Any]:
        key = {"allow-lists": "allowLists", "findingsfilters": "findingsFilterListItems"}.get(kind, "items")
        short = ("id", "name", "arn", "jobId", "jobStatus", "jobType", "action", "createdAt")
        things = self.things[kind]
        page = [{k: one[k] for k in short if k in one} for one in things[begin : begin + PAGE]]
        more = {"nextToken": str(begin + PAGE)} if begin + PAGE < len(things) else {}
        return {key: page, **more}


def _key(name: str) -> str:
    return f"words/{name}" if "/" in name else name


def _object(words: bytes | None) -> tuple[int, bytes]:
    return (200, words) if words is not None else (403, b"<Error><Code>AccessDenied</Code></Error>")


@pytest.fixture
def server() -> Iterator[tuple[Macie, str]]:
    macie = Macie()

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            path, _, query = self.path.partition("?")
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            code, answer = macie.answer(self.command, path, query, body)
            self.send_response(code)
            self.send_header("Content-Length", str(len(answer)))
            if code == 403 and not path.startswith("/amzn"):
                self.send_header("x-amzn-ErrorType", "AccessDeniedException")
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = _serve

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as served:
        thread = threading.Thread(target=served.serve_forever, daemon=True)
        thread.start()
        yield macie, f"http://127.0.0.1:{served.server_address[1]}"
        served.shutdown()


@pytest.fixture
def cli(tmp_path: Path, cache: Path) -> Cli:
    return Cli(tmp_path / "home", cache)


def live(cli: Cli, url: str, *more: object, code: int = 0) -> dict[str, dict[str, Any]]:
    env = {"AWS_ENDPOINT_URL_MACIE2": url, "AWS_ENDPOINT_URL_S3": url, "AWS_MAX_ATTEMPTS": "1"}
    done = cli.good("import", "macie", "--live", "--json", *more, codes=(code,), env=env)
    return {line["id"] or line["kind"]: line for line in done.lines()}


def test_all_pages_are_read_and_all_is_imported_or_refused(cli: Cli, server: tuple[Macie, str]) -> None:
    macie, url = server
    told = live(cli, url)
    cases = [(case, next(iter(case.values()))) for case in (*IDENTIFIERS, *LISTS, *FILTERS, *JOBS)]
    assert len(told) == len(cases) == 68
    for case, data in cases:
        line = told[data.get("jobId") or data["id"]]
        assert (line["outcome"] == "refused") == ("refused" in case), line
        assert case.get("refused", "") in line["reason"] or "AccessDenied" in line["reason"], line
    complete = next(case["job"]["jobId"] for case in JOBS if case["job"]["jobStatus"] == "COMPLETE")
    assert f"GET /jobs/{complete}" not in macie.asked  # it says enough in the list
    assert (cli.root / "macie/allow/partners.txt").read_bytes() == WORDS["partners/eu.txt"]
    assert "cannot be read: AccessDenied" in told[LISTS[6]["list"]["id"]]["reason"]


def test_a_kind_that_may_not_be_read_is_told_and_the_others_are_imported(cli: Cli, server: tuple[Macie, str]) -> None:
    macie, url = server
    one = JOBS[2]["job"]["jobId"]
    macie.denied = {"allow-lists", f"/jobs/{one}"}
    told = live(cli, url, "--dry-run", code=3)
    assert "AccessDeniedException: macie2:ListAllowLists is needed" in told["allow list"]["reason"]
    assert "AccessDeniedException" in told[one]["reason"]
    assert sum(line["outcome"] != "refused" for line in told.values() if line["kind"] == "identifier") == 30
    assert sum(line["outcome"] != "refused" for line in told.values() if line["kind"] == "job") == 3
    assert not (cli.root / "macie").exists()


def test_macie_that_has_nothing_and_macie_that_is_not_there(cli: Cli, server: tuple[Macie, str]) -> None:
    macie, url = server
    macie.things = {kind: [] for kind in macie.things}
    assert live(cli, url) == {}
    told = live(cli, "http://127.0.0.1:9", code=3)
    assert [line["kind"] for line in told.values()] == ["identifier", "allow list", "filter", "job"]
    assert all("EndpointConnectionError" in line["reason"] for line in told.values())
