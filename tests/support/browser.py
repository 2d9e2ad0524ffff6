"""Chromium over its debugging pipe: pages opened at a size and in a colour scheme, and what their consoles said."""

from __future__ import annotations

import base64
import fcntl
import itertools
import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.support.programs import find

_TOO_WIDE = """
[document.documentElement, ...document.querySelectorAll("section")]
    .map(e => { e.style.contentVisibility = "visible"; return e })
    .filter(e => e.scrollWidth > e.clientWidth).map(e => e.id || e.tagName)
"""
PATIENCE = 30.0
"""Seconds that an answer may take."""


class BrowserError(Exception):
    """The browser did not do it."""


class Browser:
    """One browser; commands and answers are JSON that ends in a zero byte. Source: Chrome DevTools Protocol."""

    def __init__(self, profile: Path) -> None:
        into, self._write = os.pipe()
        self._read, out = os.pipe()
        ours = [fcntl.fcntl(one, fcntl.F_DUPFD, 10) for one in (into, out)]

        def placed() -> None:
            """The browser reads from descriptor 3 and writes to 4."""
            os.dup2(ours[0], 3)
            os.dup2(ours[1], 4)

        options = (
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--disable-extensions", "--disable-background-networking", "--hide-scrollbars", "--remote-debugging-pipe",
            f"--user-data-dir={profile}",
        )  # fmt: skip
        self._process = subprocess.Popen(
            [find("chromium"), *options, "about:blank"],
            preexec_fn=placed,
            pass_fds=(3, 4),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for one in (into, out, *ours):
            os.close(one)
        os.set_blocking(self._read, False)
        self._held = bytearray()
        self._numbers = itertools.count(1)
        self.events: list[dict[str, Any]] = []
        """What the browser told unasked, in order."""

    def ask(self, method: str, session: str = "", **parameters: Any) -> dict[str, Any]:
        """The answer to a command. Raises: BrowserError."""
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": parameters, **({"sessionId": session} if session else {})}
        data = json.dumps(message).encode() + b"\0"
        while data:
            data = data[os.write(self._write, data) :]
        end = time.monotonic() + PATIENCE
        while True:
            got = self._next(end)
            if got.get("id") == number:
                if "error" in got:
                    raise BrowserError(f"{method}: {got['error']}")
                result: dict[str, Any] = got["result"]
                return result
            self.events.append(got)

    def wait(self, method: str, session: str) -> dict[str, Any]:
        """The next event of this kind in a session that was not looked at. Raises: BrowserError."""
        end = time.monotonic() + PATIENCE
        while True:
            for event in self.events:
                if event.get("method") == method and event.get("sessionId") == session:
                    self.events.remove(event)
                    return event
            self.events.append(self._next(end))

    def _next(self, end: float) -> dict[str, Any]:
        while b"\0" not in self._held:
            try:
                part = os.read(self._read, 1 << 20)
            except BlockingIOError:
                if time.monotonic() > end:
                    raise BrowserError("no answer") from None
                time.sleep(0.005)
                continue
            if not part:
                raise BrowserError("the browser ended")
            self._held += part
        raw, _, rest = self._held.partition(b"\0")
        self._held = rest
        found: dict[str, Any] = json.loads(raw)
        return found

    def close(self) -> None:
        """End it."""
        os.close(self._write)
        os.close(self._read)
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


@dataclass
class Page:
    """One open page."""

    browser: Browser
    session: str
    target: str
    console: list[str] = field(default_factory=list)
    """Errors, warnings and violations, in words of the browser."""
    seconds: float = 0.0
    """From the command to open it until its load event."""

    def ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """The answer to a command of this page."""
        return self.browser.ask(method, self.session, **parameters)

    def run(self, expression: str) -> Any:
        """What an expression gives there; promises are waited for. Raises: BrowserError."""
        got = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in got:
            raise BrowserError(str(got["exceptionDetails"])[:2_000])
        return got["result"].get("value")

    def too_wide(self) -> list[str]:
        """What is wider than its place: the page, or sections of it, all of them laid out first."""
        found: list[str] = self.run(_TOO_WIDE)
        return found

    def picture(self, path: Path, *, whole: bool = False) -> None:
        """A PNG of what the window shows, or of the whole page."""
        got = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(got["data"]))

    def said(self) -> list[str]:
        """All that the console got so far."""
        left = []
        for event in self.browser.events:
            if event.get("sessionId") != self.session:
                left.append(event)
            elif event["method"] == "Log.entryAdded":
                self.console.append(event["params"]["entry"]["text"])
            elif event["method"] == "Runtime.consoleAPICalled":
                self.console.append(str([a.get("value", a.get("description")) for a in event["params"]["args"]]))
            elif event["method"] == "Runtime.exceptionThrown":
                self.console.append(str(event["params"]["exceptionDetails"].get("exception", {}).get("description")))
        self.browser.events[:] = left
        return self.console


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """A browser, ended with the block."""
    made = Browser(profile)
    try:
        yield made
    finally:
        made.close()


def opened(browser: Browser, path: Path, width: int, height: int = 900, scheme: str = "light") -> Page:
    """A page of a file, loaded, in a window of this size."""
    target = browser.ask("Target.createTarget", url="about:blank")["targetId"]
    session = browser.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    page = Page(browser, session, target)
    for domain in ("Page", "Runtime", "Log"):
        page.ask(f"{domain}.enable")
    page.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
    page.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    begin = time.monotonic()
    page.ask("Page.navigate", url=path.as_uri())
    browser.wait("Page.loadEventFired", session)
    page.seconds = time.monotonic() - begin
    return page
