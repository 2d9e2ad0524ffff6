"""The HTML report of the fixture share in a real browser: nothing breaks, nothing is refused, all can use it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.northlake import Scanned
from tests.support.browser import Browser, browser, opened
from tests.support.programs import needs

AXE = Path(__file__).parents[1] / "vendor" / "axe.min.js"
_SERIOUS = """
axe.run({resultTypes: ["violations"]}).then(r => r.violations.filter(v => ["serious", "critical"].includes(v.impact))
    .map(v => `${v.id}: ${v.help} (${v.nodes.length}) ${v.nodes[0].html.slice(0, 200)}`))
"""


@pytest.fixture(scope="module")
def page(scanned: Scanned, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("page") / "report.html"
    scanned.cli.good("report", "--format", "html", "-o", path, "--db", scanned.db)
    return path


@pytest.fixture(scope="module")
def chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("profile")) as made:
        yield made


@needs("chromium")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_everybody_can_read_it(page: Path, chromium: Browser, width: int, scheme: str) -> None:
    shown = opened(chromium, page, width, scheme=scheme)
    assert shown.run("document.documentElement.dataset.ready") == "yes"
    assert shown.run("document.querySelectorAll('#map svg path').length") > 10
    assert shown.too_wide() == []
    dark = shown.run("getComputedStyle(document.body).backgroundColor").startswith("rgb(14,")
    assert dark == (scheme == "dark")
    shown.run(AXE.read_text("utf-8") + ";0")
    assert shown.run(_SERIOUS) == []
    assert shown.said() == []


def test_it_says_what_was_found_and_what_was_not_read(page: Path, scanned: Scanned) -> None:
    text = page.read_text("utf-8")
    counted = [f for f in scanned.findings if not f["test_data"]]
    assert len(page.read_bytes()) < 3_000_000
    assert text.count("<h1>") == 1
    unread = [line for line in scanned.coverage if line["outcome"] != "scanned"]
    holding = {(f["source"], f["object"]) for f in counted}
    assert f"<b>{len(holding):,}</b> <span>of {len(scanned.coverage):,} objects with findings" in text
    assert f"<b>{len(unread):,}</b> <span>not read whole" in text
    for line in unread:
        assert line["object"] in text.replace("<wbr>", "")
    for name in {f["name"] for f in counted}:
        assert name in text
