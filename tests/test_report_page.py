"""The HTML report in a real browser: it is styled, fits wide and narrow windows, runs and loads nothing."""

from __future__ import annotations

import json
import re
import subprocess
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from piiscan.model import (
    Category,
    Finding,
    Fingerprint,
    ObjectRef,
    ObjectReport,
    Occurrence,
    Outcome,
    Place,
    RiskScore,
    RuleId,
    Severity,
)
from piiscan.report.html import render
from piiscan.report.rows import findings
from piiscan.spool import write_shard
from piiscan.store.duck import open_for_reading
from piiscan.store.ingest import DuckStore
from tests.support.programs import find, needs

KEYS = (
    "hr/staff.csv",
    "a/" + "very-long-name-without-a-space-" * 12 + ".csv",
    "<script>document.title='owned'</script>.txt",
    '"><img src=x onerror=alert(1)>.txt',
    "escape\x1b[31m and\nnewline, =cmd(), [link](javascript:alert(1)) and \\xFF",
    "surrogate \udc80.txt",
)
WIDTHS = (1280, 390)

_PROBE = """<!doctype html><meta charset="utf-8"><title>probe</title><body><script>
const widths = WIDTHS, out = [];
for (const width of widths) {
  const frame = document.createElement("iframe");
  frame.style.cssText = `width:${width}px;height:800px;border:0`;
  frame.onload = () => {
    const page = frame.contentDocument, root = page.documentElement;
    out.push({width: width, title: page.title, scroll: root.scrollWidth, client: root.clientWidth,
              rows: page.querySelectorAll("tbody tr").length, scripts: page.scripts.length,
              images: page.images.length, padding: getComputedStyle(page.body).paddingTop,
              text: page.body.innerText});
    if (out.length === widths.length)
      document.body.innerHTML = `<pre>${JSON.stringify(out).replace(/[&<]/g, c => `&#${c.charCodeAt(0)};`)}</pre>`;
  };
  frame.src = "report.html";
  document.body.append(frame);
}
</script>
"""
"""A page around the report, which stays as it is: its own policy lets nothing into it that could measure."""


def finding(rule: str, count: int, sample: bool = False) -> Finding:
    places = tuple(
        Occurrence(Place(line=i + 1, column_name="<b>name</b>"), "***-**-**46", Fingerprint(bytes(16)), 0.9)
        for i in range(count)
    )
    return Finding(RuleId(rule), Category.PII, Severity.HIGH, 0.9, count, count, sample, places)


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a small store, and the probe beside it."""
    folder = tmp_path_factory.mktemp("page")
    reports = [
        ObjectReport(
            ObjectRef("file:///share", key, 100),
            "text/csv",
            Outcome.SCANNED,
            "",
            (finding("us.ssn", 3), finding("generic.credit_card", 1, sample=True)),
            RiskScore(70, ("70 points",)),
            100,
        )
        for key in KEYS
    ]
    store = DuckStore(folder / "small.duckdb", key_file=folder / "key")
    run = store.begin(["file:///share"], "identity", {}, "catalogue").run
    store.load(run, [write_shard(folder / "spool", run, 0, reports, "catalogue")])
    store.end(run, "done", len(KEYS), 0)
    store.close()
    con = open_for_reading(folder / "small.duckdb")
    (folder / "report.html").write_text("".join(render(findings(con))), "utf-8")
    con.close()
    (folder / "probe.html").write_text(_PROBE.replace("WIDTHS", json.dumps(WIDTHS)), "utf-8")
    return folder / "report.html"


def browse(page: Path, *options: str) -> tuple[str, list[str]]:
    """The document after its scripts ran, and what the browser's console said."""
    done = subprocess.run(
        [
            *(find("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"),
            *("--enable-logging=stderr", "--v=0", "--virtual-time-budget=4000", "--allow-file-access-from-files"),
            *(f"--user-data-dir={page.parent / 'profile'}", *options, "--dump-dom", page.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def probe(page: Path) -> tuple[list[dict[str, Any]], list[str]]:
    """What the probe measured of the report beside it, by width, and the console."""
    dom, console = browse(page.with_name("probe.html"))
    found = re.search(r"<pre>(.*)</pre>", dom, re.DOTALL)
    assert found, console
    measured: list[dict[str, Any]] = json.loads(unescape(found[1]))
    assert sorted(entry["width"] for entry in measured) == sorted(WIDTHS)
    return measured, console


@needs("chromium")
def test_the_page_fits_and_runs_nothing(page: Path) -> None:
    measured, console = probe(page)
    assert console == []
    for entry in measured:
        assert entry["title"] == "piiscan report"
        assert entry["scroll"] <= entry["client"], f"scrolls sideways at {entry['width']} px"
        assert entry["scripts"] == entry["images"] == 0
        assert entry["padding"] == "24px", "the style was not applied"
        assert entry["rows"] >= 2 * len(KEYS)
        assert "\x1b" not in entry["text"]
        assert "hr/staff.csv" in entry["text"]


@needs("chromium")
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_alone_says_nothing_to_the_console(page: Path, width: int) -> None:
    dom, console = browse(page, f"--window-size={width},900")
    assert console == []
    assert "<title>piiscan report</title>" in dom


@pytest.fixture
def broken(page: Path, tmp_path: Path) -> Path:
    """A copy with all that the tests above look for."""
    text = page.read_text("utf-8")
    text = text.replace("max-width:72rem", "max-width:73rem")  # another style than the policy allows
    text = text.replace("</body>", "<pre>" + "wide" * 999 + "</pre><script>let a = 1</script></body>")
    (tmp_path / "report.html").write_text(text, "utf-8")
    (tmp_path / "probe.html").write_text(page.with_name("probe.html").read_text("utf-8"), "utf-8")
    return tmp_path / "report.html"


@needs("chromium")
def test_the_probe_sees_what_is_wrong(broken: Path) -> None:
    measured, console = probe(broken)
    assert any("Content Security Policy" in line for line in console)
    assert all(entry["scroll"] > entry["client"] for entry in measured)
    assert all(entry["scripts"] == 1 and entry["padding"] != "24px" for entry in measured)
