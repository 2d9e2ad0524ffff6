from __future__ import annotations

import base64
import hashlib
import io
import zlib
from collections.abc import Callable, Mapping

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from piiscan.errors import ObjectChanged, ReadFailed
from piiscan.fetch import CHECKSUM_MISMATCH, PAUSE, RESUMES, Answer, ResumingStream

DATA = bytes(range(256)) * 5


class Script:
    """A store that reads (R), breaks (E), ends early (S) or gives one byte (1), one letter a step.

    `x` breaks the request itself. When the schedule is used up, everything works.
    """

    def __init__(self, data: bytes, schedule: str, sums: Mapping[str, str] | None = None, step: int = 100) -> None:
        self.data = data
        self.steps = list(schedule)
        self.sums = sums or {}
        self.step = step
        self.offsets: list[int] = []
        self.pauses: list[float] = []
        self.open = 0

    def request(self, offset: int) -> Answer:
        self.offsets.append(offset)
        if self.steps and self.steps[0] == "x":
            self.steps.pop(0)
            raise ConnectionError("no route")
        self.open += 1
        return Answer(_Body(self, offset), self.sums)

    def stream(self, size: int | None = None) -> ResumingStream:
        return ResumingStream(self.request, len(self.data) if size is None else size, pause=self.pauses.append)


class _Body:
    def __init__(self, script: Script, at: int) -> None:
        self._script = script
        self._at = at

    def read(self, size: int) -> bytes:
        script = self._script
        step = script.steps.pop(0) if script.steps and script.steps[0] != "x" else "R"
        if step == "E":
            raise OSError("connection reset")
        if step == "S":
            return b""
        size = min(size, 1 if step == "1" else script.step)
        out = script.data[self._at : self._at + size]
        self._at += len(out)
        return out

    def close(self) -> None:
        self._script.open -= 1


def read_all(stream: ResumingStream) -> bytes:
    with io.BufferedReader(stream, 64) as buffered:
        return buffered.read()


def crc(data: bytes) -> str:
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()


@pytest.mark.parametrize(
    "schedule",
    ["", "RRER", "E", "EEEEE", "SSSSS", "RERERERERERER", "RSRESR", "xxxxx", "RExExR", "1E1E1E1E1E1E1E", "xEREx"],
)
def test_broken_reads_go_on_where_they_broke(schedule: str) -> None:
    script = Script(DATA, schedule, {"CRC32": crc(DATA)})
    assert read_all(script.stream()) == DATA
    assert script.open == 0
    assert script.offsets == sorted(script.offsets)
    assert len(script.pauses) == sum(step in "ESx" for step in schedule)


def test_a_resumed_request_starts_at_the_byte_that_is_missing() -> None:
    script = Script(DATA, "RRER")
    read_all(script.stream())
    assert script.offsets == [0, 200]


def test_pauses_grow_and_start_anew_after_progress() -> None:
    script = Script(DATA, "EEERE")
    read_all(script.stream())
    assert script.pauses == [PAUSE, 2 * PAUSE, 4 * PAUSE, PAUSE]


@pytest.mark.parametrize("schedule", ["E" * (RESUMES + 1), "R" + "S" * (RESUMES + 1), "RExS" + "E" * (RESUMES - 2)])
def test_no_progress_gives_the_object_up(schedule: str) -> None:
    script = Script(DATA, schedule)
    with pytest.raises(ReadFailed, match="reading broke off at byte") as caught:
        read_all(script.stream())
    assert caught.value.reason == "READ_FAILED"


def test_a_request_that_never_works_gives_the_object_up_at_opening() -> None:
    script = Script(DATA, "x" * (RESUMES + 1))
    with pytest.raises(ReadFailed):
        read_all(script.stream())


def test_a_body_that_is_always_too_short_is_no_whole_object() -> None:
    script = Script(DATA[:700], "")
    with pytest.raises(ReadFailed, match="at byte 700 of 1280"):
        read_all(script.stream(len(DATA)))


def test_a_longer_body_is_read_as_far_as_it_was_listed() -> None:
    script = Script(DATA, "")
    assert read_all(script.stream(300)) == DATA[:300]


@pytest.mark.parametrize(
    ("name", "digest"),
    [
        ("CRC32", crc),
        ("SHA1", lambda data: base64.b64encode(hashlib.sha1(data).digest()).decode()),
        ("SHA256", lambda data: base64.b64encode(hashlib.sha256(data).digest()).decode()),
    ],
)
def test_wrong_bytes_are_noticed(name: str, digest: Callable[[bytes], str]) -> None:
    good = Script(DATA, "RER", {name: digest(DATA)})
    assert read_all(good.stream()) == DATA
    bad = Script(DATA[:-1] + b"?", "RER", {name: digest(DATA)})
    with pytest.raises(ReadFailed) as caught:
        read_all(bad.stream())
    assert caught.value.reason == CHECKSUM_MISMATCH


def test_a_checksum_of_parts_is_not_one_of_the_object() -> None:
    script = Script(DATA, "", {"CRC32": crc(b"parts") + "-3"})
    assert read_all(script.stream()) == DATA


def test_what_will_not_get_better_is_not_tried_again() -> None:
    def request(offset: int) -> Answer:
        asked.append(offset)
        raise ObjectChanged("overwritten")

    asked: list[int] = []
    with pytest.raises(ObjectChanged):
        ResumingStream(request, 10, pause=lambda seconds: pytest.fail("waited"))
    assert asked == [0]


def test_an_empty_object_has_no_bytes() -> None:
    assert read_all(Script(b"", "").stream()) == b""


@settings(max_examples=200, deadline=None)
@given(data=st.binary(max_size=400), schedule=st.text("R1RESx", max_size=40), step=st.integers(1, 200))
def test_any_schedule_gives_the_bytes_or_says_that_it_could_not(data: bytes, schedule: str, step: int) -> None:
    script = Script(data, schedule, {"CRC32": crc(data)}, step)
    try:
        found = read_all(script.stream())
    except ReadFailed:
        assert any(set(schedule[i : i + RESUMES + 1]) <= set("ESx") for i in range(len(schedule) - RESUMES))
    else:
        assert found == data
    assert script.open == 0
