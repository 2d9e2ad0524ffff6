"""The comparison with other programs: its tables on made-up figures, and what it says of peers that are not there."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from bench import detect, tables
from bench.peers import PEERS, Counted, Failed, Found, Peer, locate, run
from bench.tables import Row, Verdict

MB = 1_000_000
RG = Row("ripgrep", "13.0.0", rival="piiscan", sizes=(16 * MB, 48 * MB), cpu=(0.02, 0.036), findings=500)
OURS = Row("piiscan", "0.1.0", sizes=(16 * MB, 48 * MB), cpu=(1.3, 1.5), first=5.0, findings=12_000)
SLOW = Row("datafog-core", "1.2", rival="piiscan", sizes=(16 * MB, 48 * MB), cpu=(0.9, 2.5), findings=9)
PART = Row("presidio-analyzer", "2.2", rival="piiscan", share=256, sizes=(62_500, 187_500), cpu=(2.0, 3.25), findings=4)
GONE = Row("kingfisher-bin", note="not installed: pip install kingfisher-bin")
ROWS = [RG, OURS, SLOW, PART, GONE]


def test_start_up_and_slope_come_apart() -> None:
    assert OURS.speed == pytest.approx(160)
    assert OURS.startup == pytest.approx(1.2)
    noise = Row("x", sizes=(1, 2), cpu=(1.0, 1.0))
    assert noise.speed is None
    assert noise.startup is None


def test_a_table_has_a_line_for_each_peer_and_its_ratios() -> None:
    lines = tables.table("prose", ROWS, 3).splitlines()
    assert lines[1].split()[0] == "peer"
    cells = {line.split()[0]: line.split() for line in lines[2:]}
    assert list(cells) == ["ripgrep", "piiscan", "datafog-core", "presidio-analyzer", "kingfisher-bin"]
    assert cells["piiscan"][-6:] == ["1.20", "160", "0.0800", "-", "12,000", "750.0"]
    assert cells["datafog-core"][-5:-2] == ["20", "0.0100", "8"]
    assert cells["presidio-analyzer"][2] == "1/256"
    assert cells["presidio-analyzer"][-5] == "0.1"
    assert lines[-1].endswith("not installed: pip install kingfisher-bin")


def test_the_bars_of_a_kind() -> None:
    judged = {verdict.what: verdict.held for verdict in tables.verdicts("prose", [RG, OURS, SLOW])}
    assert judged == {"prose: piiscan over ripgrep": True, "prose: piiscan over datafog-core": True}
    missing = tables.verdicts("code", [RG, OURS, GONE])[-1]
    assert missing.held is None
    assert "not measured" in missing.text()
    assert tables.verdicts("logs", [RG, OURS])[0].held is False


def test_a_verdict_says_when_it_is_no_evidence() -> None:
    late = Verdict("start", "check -", 0.7, 0.5, most=True)
    assert late.text(["load 3.00 before"]) == (
        "  check -: 0.7, wanted at most 0.5: MISSED; no evidence: load 3.00 before"
    )
    assert Verdict("start", "check -", 0.4, 0.5, most=True).held


def test_lines_of_json() -> None:
    line = json.loads(json.dumps(OURS.line(ROWS)))
    assert line["mb_s"] == 160
    assert line["of_rg"] == pytest.approx(0.08)
    assert "mb_s" not in GONE.line(ROWS)


def test_a_loaded_machine_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (99.0, 99.0, 99.0))
    assert detect.main(["prose"]) == 3
    said = capsys.readouterr()
    assert "load average 99.00" in said.err
    assert said.out == ""


@pytest.mark.parametrize("words", [["poetry"], ["prose", "--peers", "nobody"], ["prose", "--python", "no-such-python"]])
def test_wrong_words(words: list[str]) -> None:
    with pytest.raises(SystemExit) as err:
        detect.main(words)
    assert err.value.code == 2


def test_a_peer_that_is_missing_has_a_line_that_says_what_to_do(tmp_path: Path) -> None:
    gone = Peer("no-such-peer", "pip install no-such-peer", "@file", lambda out: Counted(0), program="no-such-peer")
    assert locate(gone, sys.executable) is None
    absent = Peer("no-such-module", "pip install no-such-module", "@file", lambda out: Counted(0), script="1")
    assert locate(absent, sys.executable) is None
    files = (tmp_path / "a.txt", tmp_path / "b.txt")
    for file in files:
        file.write_text("nothing\n")
    notes = [row.note for row in detect.measure([gone, absent], {}, files, 1, tmp_path)]
    assert notes == ["not installed: pip install no-such-peer", "not installed: pip install no-such-module"]


def test_every_peer_is_measured_as_it_is_started(tmp_path: Path) -> None:
    counting = "import sys; print(open(sys.argv[1]).read().count('@'))"
    peer = Peer("counter", "", "@file", lambda out: Counted(int(out)), script=counting, share=2)
    there = {"counter": Found((sys.executable, "-c", counting), "1")}
    files = (tmp_path / "small.txt", tmp_path / "large.txt")
    for lines, file in zip((100, 300), files, strict=True):
        file.write_text("a@b\n" * lines)
    (row,) = detect.measure([peer], there, files, 1, tmp_path)
    assert (row.note, row.sizes, row.findings, row.share) == ("", (200, 600), 50, 2)
    assert min(row.cpu) > 0


@pytest.mark.parametrize(
    ("script", "read", "why"),
    [("raise SystemExit(9)", None, "code 9"), ("print('?')", None, "something else"), ("print(1)", 3, "read 3 of 8")],
)
def test_a_peer_that_did_not_do_its_work_has_no_time(tmp_path: Path, script: str, read: int | None, why: str) -> None:
    file = tmp_path / "a.txt"
    file.write_bytes(b"nothing\n")
    peer = Peer("bad", "", "@file", lambda out: Counted(int(out), read), script=script)
    with pytest.raises(Failed, match=why):
        run(peer, Found((sys.executable, "-c", script), "1"), file, tmp_path)


def test_ours_is_counted_whole(tmp_path: Path) -> None:
    found = locate(PEERS["piiscan-secrets"], sys.executable)
    assert found is not None
    file = tmp_path / "a.txt"
    file.write_text("nothing to see\n")
    assert run(PEERS["piiscan-secrets"], found, file, tmp_path / "home")[1] == 0
