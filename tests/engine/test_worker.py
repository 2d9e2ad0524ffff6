from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from piiscan.classify.build import build_stack
from piiscan.config import Config
from piiscan.crawl.local import LocalSource
from piiscan.engine.examination import examination
from piiscan.engine.sandbox import ParserChild
from piiscan.engine.worker import Worker
from piiscan.model import ObjectReport, Outcome
from piiscan.ports import Task
from tests.support.trees import mail, ssn


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    config = Config(ner=False)
    stack = build_stack(config)
    (tmp_path / "scratch").mkdir()
    (tmp_path / "tree").mkdir()
    task = Task(config.to_json(), b"k" * 32, str(tmp_path), str(tmp_path / "scratch"), examination(stack.rules, config))
    made = Worker(task, stack)
    yield made
    made.close()


def scan(worker: Worker, tmp_path: Path, name: str, data: bytes) -> ObjectReport:
    (tmp_path / "tree" / name).write_bytes(data)
    ref = next(r for r in LocalSource(f"file://{tmp_path}/tree").crawl() if r.key == name)
    return worker.report(ref)


XML = f"<r><m>{mail(1)}</m></r>".encode()


def test_a_parser_killed_while_it_waited_costs_no_object(worker: Worker, tmp_path: Path) -> None:
    assert scan(worker, tmp_path, "a.xml", XML).outcome is Outcome.SCANNED
    assert worker._child is not None
    assert worker._child.pid is not None
    os.kill(worker._child.pid, signal.SIGKILL)
    report = scan(worker, tmp_path, "b.xml", XML)
    assert (report.outcome, report.reason) == (Outcome.SCANNED, "")
    assert [f.rule for f in report.findings] == ["generic.email"]


def test_a_parser_that_dies_twice_on_an_object_is_recorded(
    worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []
    ready: Callable[[ParserChild], Any] = ParserChild._ready

    def ready_and_killed(child: ParserChild) -> Any:
        link = ready(child)
        asked.append(1)
        assert child._process is not None
        child._process.kill()
        return link

    with monkeypatch.context() as patched:
        patched.setattr(ParserChild, "_ready", ready_and_killed)
        report = scan(worker, tmp_path, "a.xml", XML)
    assert report.outcome is Outcome.FAILED
    assert report.reason.startswith("PARSER_DIED: ")
    assert len(asked) >= 2
    assert scan(worker, tmp_path, "b.xml", XML).outcome is Outcome.SCANNED


def test_a_fault_of_ours_costs_one_object_and_tells_no_content(
    worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(rule: Any, value: str) -> str:
        raise ValueError(value)

    text = f"His SSN: {ssn(4)} is on file\n".encode()
    with monkeypatch.context() as patched:
        patched.setattr("piiscan.redact.mask_for", broken)
        report = scan(worker, tmp_path, "a.txt", text)
    assert report.outcome in (Outcome.FAILED, Outcome.PARTIAL)
    assert report.reason.startswith("INTERNAL_ERROR: an unexpected error (ValueError at test_worker.py:")
    assert ssn(4) not in report.reason + caplog.text
    assert scan(worker, tmp_path, "b.txt", text).outcome is Outcome.SCANNED


def test_bytes_examined_of_a_text_that_could_not_be_read_to_its_end(
    worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from piiscan.crawl.local import BoundedFile
    from piiscan.errors import ReadFailed

    read = BoundedFile.readinto

    def until(self: BoundedFile, buffer: memoryview) -> int:
        if self.tell() > 20_000_000:
            raise ReadFailed("reading broke off")
        return read(self, buffer)

    monkeypatch.setattr(BoundedFile, "readinto", until)
    report = scan(worker, tmp_path, "big.txt", (f"SSN: {ssn(1)}\n" + "x" * 80 + "\n").encode() * 300_000)
    assert report.outcome is Outcome.PARTIAL
    assert report.reason.startswith("READ_FAILED")
    assert 0 < report.bytes_examined < report.ref.size


def test_a_damaged_copy_is_fetched_once_more(worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from piiscan.errors import ReadFailed
    from piiscan.fetch import CHECKSUM_MISMATCH

    opened: list[int] = []
    real = LocalSource.open

    def damaged(self: LocalSource, ref: Any) -> Any:
        opened.append(1)
        if len(opened) == 1:
            raise ReadFailed("the bytes differ", reason=CHECKSUM_MISMATCH)
        return real(self, ref)

    monkeypatch.setattr(LocalSource, "open", damaged)
    assert scan(worker, tmp_path, "a.txt", b"x").outcome is Outcome.SCANNED
    assert len(opened) == 2
