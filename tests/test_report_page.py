"""The HTML report: hostile names stay text, the policy fits what is in the page, and what scripts add works."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from piiscan import errors
from piiscan.report.html import render
from piiscan.report.page import words
from piiscan.report.summary import HARMLESS
from piiscan.store.duck import open_for_reading
from piiscan.store.ingest import DuckStore
from piiscan.store.report import facts
from tests.report.hostile import NAMES, database
from tests.support.browser import Browser, Page, browser, opened
from tests.support.made import add_run, finding, report
from tests.support.programs import needs
from tools import vendor

MARKUP = ("<script>document.title='owned'</script>.txt", '"><img src=x onerror=alert(1)>.txt', "</script></style>.txt")


def written(folder: Path, path: Path, run: int | None = None) -> Path:
    """The page of a database."""
    con = open_for_reading(path)
    (folder / "report.html").write_text("".join(render(facts(con, run, HARMLESS), version="0")), "utf-8")
    con.close()
    return folder / "report.html"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a store whose names try to break out, of three runs."""
    folder = tmp_path_factory.mktemp("page")
    path = database(folder)
    store = DuckStore(path, key_file=folder / "key")
    long = "a/" + "very-long-name-without-a-space-" * 12 + ".csv"
    add_run(store, folder, [report(name, [finding()]) for name in (*MARKUP, long)])
    store.close()
    return written(folder, path)


class Seen(HTMLParser):
    """The elements, texts and attributes of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: Counter[str] = Counter()
        self.code: list[tuple[str, str]] = []
        self.policy = ""
        self.texts: list[str] = []
        self._open = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        self.tags[tag] += 1
        self.attributes.update(values.keys())
        if tag == "meta" and values.get("http-equiv") == "Content-Security-Policy":
            self.policy = values["content"] or ""
        self._open = ""
        if tag in ("script", "style"):
            self._open = values.get("type") or tag
            self.code.append((self._open, ""))

    def handle_data(self, data: str) -> None:
        if self._open:
            self.code[-1] = (self._open, self.code[-1][1] + data)
        else:
            self.texts.append(data)

    def handle_endtag(self, tag: str) -> None:
        self._open = ""


@pytest.fixture(scope="module")
def seen(page: Path) -> Seen:
    parser = Seen()
    parser.feed(page.read_text("utf-8"))
    parser.close()
    return parser


def test_the_policy_allows_what_is_there_and_nothing_else(seen: Seen) -> None:
    rules = {name: values for name, *values in (rule.split() for rule in seen.policy.split(";"))}
    kinds = Counter(kind for kind, _ in seen.code)
    assert kinds == {"style": 1, "script": 2, "application/json": 1}
    for kind, name in (("style", "style-src"), ("script", "script-src")):
        digests = [hashlib.sha256(code.encode()).digest() for of, code in seen.code if of == kind]
        assert rules.pop(name) == [f"'sha256-{base64.b64encode(one).decode()}'" for one in digests]
    none = ["'none'"]
    assert rules == {"default-src": none, "base-uri": none, "form-action": none, "img-src": ["data:"]}


def test_nothing_in_it_is_loaded_or_runs_by_itself(seen: Seen) -> None:
    assert not [
        name for name in seen.attributes if name.startswith("on") or name in ("style", "src", "srcset", "action")
    ]
    assert not {"img", "link", "iframe", "object", "embed", "form", "base"} & set(seen.tags)
    assert (seen.tags["h1"], seen.tags["main"], seen.tags["title"]) == (1, 1, 1)


def test_names_are_text(seen: Seen, page: Path) -> None:
    assert not [c for text in seen.texts for c in text if c != "\n" and not c.isprintable()]
    text = "".join(seen.texts)
    for name in MARKUP:
        assert name in text
    for escape in (r"escape \x1b[31m red \x07 \x00.txt", r"right \u202e to left", r"line\nbreak\r\ttab.txt"):
        assert escape in text
    assert len(NAMES[11]) > 4_000
    assert NAMES[11] not in text, "endless names are cut"


def test_the_data_of_the_charts_hold_no_markup(seen: Seen) -> None:
    (raw,) = [code for kind, code in seen.code if kind == "application/json"]
    assert not set(raw) & set("<>&\u2028\u2029")
    data: dict[str, Any] = json.loads(raw)
    assert data["trend"]["runs"] == [1, 2, 3]
    assert len(data["map"]) == 4, "sources with a risk"


def test_what_does_not_count_is_told(seen: Seen) -> None:
    (note,) = [text for text in seen.texts if text.startswith("Not counted here")]
    assert note == (
        "Not counted here: 4 findings hold published sample values only; 1 finding is suppressed; 1 finding was called "
        "a false positive."
    )


def test_one_run_says_so(tmp_path: Path) -> None:
    path = database(tmp_path)
    text = written(tmp_path, path, 2).read_text("utf-8")
    assert "This is what run 2 examined, not all that is known." in text
    assert "<b>1</b> <span>of 1 object with findings" in text
    assert "partial" not in text.partition('id="coverage"')[2].partition("</section>")[0]


def test_an_empty_database_has_a_page(tmp_path: Path) -> None:
    DuckStore(tmp_path / "empty.duckdb", key_file=tmp_path / "key").close()
    text = written(tmp_path, tmp_path / "empty.duckdb").read_text("utf-8")
    assert "No sources yet" in text
    assert text.endswith("</body></html>\n")


def test_every_reason_has_words() -> None:
    def codes(of: type[errors.ObjectError]) -> Iterator[str]:
        yield of.reason
        for one in of.__subclasses__():
            yield from codes(one)

    noted: set[str] = set(codes(errors.ObjectError))
    for room in ("extract", "engine", "crawl"):
        for file in (Path(errors.__file__).parent / room).rglob("*.py"):
            noted |= set(re.findall(r'(?:reason=|note\(|denied=f?)"([A-Z][A-Z_]+)', file.read_text("utf-8")))
    assert len(noted) > 15
    assert noted - set(words.REASONS) == set()
    assert set(HARMLESS) <= set(words.REASONS)


def test_vendored_files_are_those_of_the_manifest() -> None:
    listed = vendor.manifest()["file"]
    for entry in listed:
        assert vendor.digest((vendor.ROOT / entry["path"]).read_bytes()) == entry["sha256"], entry["path"]
    folders = ("piiscan/report/vendor", "tests/vendor")
    there = {
        f"{folder}/{path.name}"
        for folder in folders
        for path in (vendor.ROOT / folder).glob("*.*")
        if path.suffix != ".py"
    }
    assert there == {entry["path"] for entry in listed}


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as made:
        yield made


@needs("chromium")
@pytest.mark.parametrize("width", [1280, 700, 390])
def test_hostile_names_steer_no_browser(page: Path, chromium: Browser, width: int) -> None:
    shown = opened(chromium, page, width)
    assert shown.run("document.title") == "piiscan report"
    assert shown.run("document.documentElement.dataset.ready") == "yes"
    assert shown.too_wide() == []
    assert shown.run("document.querySelectorAll('img').length") == 0
    assert shown.said() == []


def first(shown: Page, column: int, table: str = "Findings, the worst first") -> str:
    """What the first row that is shown has in a column."""
    found: str = shown.run(f"table({table!r}).tBodies[0].rows[0].cells[{column}].textContent")
    return found


@needs("chromium")
def test_tables_are_paged_sorted_and_filtered(page: Path, chromium: Browser) -> None:
    shown = opened(chromium, page, 1280)
    shown.run(
        "window.table = name => [...document.querySelectorAll('table')].find(t => t.caption.textContent === name)"
    )
    shown.run("window.list = table('Findings, the worst first'); window.tools = list.previousSibling; 0")
    rows = "list.tBodies[0].rows.length"
    assert shown.run(rows) == 25
    assert first(shown, 0) == "critical"
    button = "tools.querySelectorAll('button')"
    assert shown.run(f"{button}[0].disabled")
    shown.run(f"{button}[1].click()")
    assert shown.run("tools.querySelector('.where').textContent").startswith("26 to 50 of ")
    shown.run("list.tHead.rows[0].cells[3].querySelector('button').click()")
    assert shown.run("list.tHead.rows[0].cells[3].getAttribute('aria-sort')") == "descending"
    assert first(shown, 3) == "5,000"
    shown.run("list.tHead.rows[0].cells[3].querySelector('button').click()")
    assert shown.run("list.tHead.rows[0].cells[3].getAttribute('aria-sort')") == "ascending"
    assert first(shown, 3) == "1"
    shown.run("(f => { f.value = 'MANY.csv'; f.dispatchEvent(new Event('input')) })(tools.querySelector('input'))")
    assert shown.run(rows) == 4
    assert shown.said() == []


@needs("chromium")
def test_charts_follow_the_colour_scheme_and_the_paper(page: Path, chromium: Browser) -> None:
    shown = opened(chromium, page, 1280)
    ink = "document.querySelector('#trend-risk svg path[stroke-width=\"2\"]').getAttribute('stroke')"
    light = shown.run(ink)
    shown.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    dark = shown.run(f"new Promise(done => setTimeout(() => done({ink}), 200))")
    assert (light, dark) == ("#1a222d", "#e5e9ef")
    shown.run("dispatchEvent(new Event('beforeprint'))")
    assert shown.run(ink) == "#000"
    assert shown.run("document.querySelector('#map svg').getBoundingClientRect().width") <= 690
    shown.run("dispatchEvent(new Event('afterprint'))")
    assert shown.run(ink) == dark
    assert shown.said() == []


@needs("chromium")
def test_it_reads_without_scripts(page: Path, chromium: Browser) -> None:
    target = chromium.ask("Target.createTarget", url="about:blank")["targetId"]
    session = chromium.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    chromium.ask("Emulation.setScriptExecutionDisabled", session, value=True)
    chromium.ask("Page.enable", session)
    chromium.ask("Page.navigate", session, url=page.as_uri())
    chromium.wait("Page.loadEventFired", session)
    root = chromium.ask("DOM.getDocument", session)["root"]["nodeId"]
    rows = chromium.ask("DOM.querySelectorAll", session, nodeId=root, selector="tbody tr")["nodeIds"]
    assert len(rows) > 100
    assert not chromium.ask("DOM.querySelectorAll", session, nodeId=root, selector="svg:not(.bar)")["nodeIds"]


@needs("chromium")
def test_the_look_would_see_what_is_wrong(page: Path, chromium: Browser, tmp_path: Path) -> None:
    text = page.read_text("utf-8").replace("--ground: #f5f6f8", "--ground: #f5f6f9")  # not the style of the policy
    wrong = "<pre>" + "wide" * 999 + "</pre><script>document.title = 'owned'</script></body>"
    (tmp_path / "report.html").write_text(text.replace("</body>", wrong), "utf-8")
    shown = opened(chromium, tmp_path / "report.html", 1280)
    assert shown.run("document.title") == "piiscan report"
    assert "HTML" in shown.too_wide()
    said = shown.said()
    assert len([line for line in said if "Content Security Policy" in line]) == 2, said
