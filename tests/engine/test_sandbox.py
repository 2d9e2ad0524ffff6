from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.writers.pdf import pdf_bytes, pdf_objects
from piiscan.engine.sandbox import ParserChild
from piiscan.errors import Encrypted, LimitReached, ParserDied, ReadFailed, TimedOut
from piiscan.extract import Budget, Job, Limits
from piiscan.model import Segment
from tests.extract.make import MAIL, SSN, places_of, self_drawing_pdf, text_of

pytestmark = pytest.mark.skipif(not hasattr(socket, "send_fds"), reason="no descriptor passing on this system")
linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


@pytest.fixture(scope="module")
def child(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ParserChild]:
    with ParserChild(str(tmp_path_factory.mktemp("scratch"))) as made:
        yield made


def run(
    child: ParserChild, path: Path, *, media_type: str = "", deadline: float = 30, limits: Limits | None = None
) -> tuple[list[Segment], Job]:
    job = Job(path.name, media_type, budget=Budget(limits or Limits(), bytes_in=path.stat().st_size))
    with path.open("rb") as file:
        return list(child.segments(file.fileno(), job, deadline)), job


def small(tmp_path: Path) -> Path:
    path = tmp_path / "small.xml"
    path.write_text(f"<r>\n<m>{MAIL}</m></r>")
    return path


def big(tmp_path: Path) -> Path:
    path = tmp_path / "big.xml"
    path.write_text("<r>" + f"<m>{MAIL}</m>\n" * 1_000_000 + "</r>")
    return path


def test_segments_notes_and_type_come_over(child: ParserChild, tmp_path: Path) -> None:
    path = tmp_path / "bad.xml"
    path.write_text(f"<r>\n<m>{MAIL}</m><b></c>{SSN}")
    segments, job = run(child, path)
    assert [p.line for p in places_of(segments, MAIL)] == [2]
    assert SSN in text_of(segments)
    assert job.budget.notes[0].startswith("MALFORMED_FILE")
    assert child.media_type == "application/xml"


def test_errors_come_over(child: ParserChild, tmp_path: Path) -> None:
    path = tmp_path / "locked.pdf"
    key = f"/Encrypt<</Filter/Standard/V 1/R 2/P -4/O<{'11' * 32}>/U<{'22' * 32}>>>/ID[<00><00>]"
    path.write_bytes(pdf_bytes(pdf_objects([["x"]]), key))
    with pytest.raises(Encrypted) as caught:
        run(child, path)
    assert (caught.value.reason, caught.value.outcome) == ("INVALID_ENCRYPTION", "skipped")
    assert MAIL in text_of(run(child, small(tmp_path))[0])


def test_killed_child_costs_one_object(child: ParserChild, tmp_path: Path) -> None:
    path = big(tmp_path)
    job = Job(path.name, "application/xml", budget=Budget(bytes_in=path.stat().st_size))
    with path.open("rb") as file:
        source = child.segments(file.fileno(), job, 60)
        assert MAIL in text_of([next(source)])
        assert child.pid is not None
        os.kill(child.pid, signal.SIGKILL)
        with pytest.raises(ParserDied, match="SIGKILL"):
            list(source)
    assert MAIL in text_of(run(child, small(tmp_path))[0])


def test_crash_is_named(child: ParserChild, tmp_path: Path) -> None:
    path = big(tmp_path)
    with path.open("rb") as file:
        source = child.segments(file.fileno(), Job(path.name, "application/xml"), 60)
        next(source)
        assert child.pid is not None
        os.kill(child.pid, signal.SIGSEGV)
        with pytest.raises(ParserDied, match="SIGSEGV"):
            list(source)


def test_child_killed_while_idle_is_replaced(child: ParserChild, tmp_path: Path) -> None:
    run(child, small(tmp_path))
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    time.sleep(0.2)  # killed, but perhaps not yet dead
    assert MAIL in text_of(run(child, small(tmp_path))[0])


def test_deadline_ends_a_parser_that_spins(child: ParserChild, tmp_path: Path) -> None:
    path = tmp_path / "spin.pdf"
    path.write_bytes(self_drawing_pdf(MAIL))
    begin = time.monotonic()
    with pytest.raises(TimedOut):
        run(child, path, deadline=1.5)
    assert time.monotonic() - begin < 10
    assert child.pid is None
    assert MAIL in text_of(run(child, small(tmp_path))[0])


def test_time_of_the_caller_does_not_count(child: ParserChild, tmp_path: Path) -> None:
    path = big(tmp_path)
    with path.open("rb") as file:
        source = child.segments(file.fileno(), Job(path.name, "application/xml"), 30)
        next(source)
        time.sleep(1)
        assert next(source)
        source.close()


def test_leaving_early_ends_the_child(child: ParserChild, tmp_path: Path) -> None:
    path = big(tmp_path)
    with path.open("rb") as file:
        source = child.segments(file.fileno(), Job(path.name, "application/xml"), 60)
        next(source)
        source.close()
    assert child.pid is None
    assert MAIL in text_of(run(child, small(tmp_path))[0])


def test_memory_limit(tmp_path: Path) -> None:
    path = tmp_path / "big.html"
    path.write_bytes(b"<p>" + b"x<br>" * 20_000_000)
    with ParserChild(str(tmp_path), memory=64 << 20) as child:
        with pytest.raises((LimitReached, ParserDied)):
            run(child, path, media_type="text/html")
        assert MAIL in text_of(run(child, small(tmp_path))[0])


def test_child_is_replaced_after_so_many_files(tmp_path: Path) -> None:
    with ParserChild(str(tmp_path), files=2) as child:
        run(child, small(tmp_path))
        first = child.pid
        run(child, small(tmp_path))
        assert child.pid is None
        run(child, small(tmp_path))
        assert child.pid not in (None, first)
        assert len(list(tmp_path.glob("parser-*"))) == 1
    assert list(tmp_path.glob("parser-*")) == []


@linux
def test_environment_holds_no_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "canary-one")
    monkeypatch.setenv("PIISCAN_KEY_FILE", "canary-two")
    with ParserChild(str(tmp_path)) as child:
        run(child, small(tmp_path))
        names = {
            entry.partition(b"=")[0].decode() for entry in Path(f"/proc/{child.pid}/environ").read_bytes().split(b"\0")
        }
        environment = Path(f"/proc/{child.pid}/environ").read_bytes()
        directory = os.readlink(f"/proc/{child.pid}/cwd")
        open_files = {os.readlink(entry) for entry in Path(f"/proc/{child.pid}/fd").iterdir() if entry.is_symlink()}
    assert not any(name.startswith(("AWS_", "PIISCAN", "HOME")) for name in names)
    assert b"canary" not in environment
    assert directory.startswith(str(tmp_path))
    assert not any(str(tmp_path) in name for name in open_files)


@linux
def test_fences_are_up(child: ParserChild) -> None:
    fences = child.isolation
    assert "rlimits" in fences
    status = Path(f"/proc/{child.pid}/status").read_text()
    limits = Path(f"/proc/{child.pid}/limits").read_text()
    if "no-new-privs" in fences:
        assert "NoNewPrivs:\t1" in status
    assert "Max core file size        0 " in limits
    assert "Max open files            64 " in limits
    if "no-network" in fences:
        mine, its = os.readlink("/proc/self/ns/net"), os.readlink(f"/proc/{child.pid}/ns/net")
        assert mine != its


@linux
def test_locked_in_process_reaches_no_network() -> None:
    code = (
        "import socket, sys\n"
        "from piiscan.engine.parser import lock_in\n"
        "if 'no-network' not in lock_in(): sys.exit(3)\n"
        "server = int(sys.argv[1])\n"
        "try: socket.create_connection(('127.0.0.1', server), 2)\n"
        "except OSError: sys.exit(0)\n"
        "sys.exit(1)\n"
    )
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        done = subprocess.run([sys.executable, "-c", code, str(port)], check=False, timeout=30)
    if done.returncode == 3:
        pytest.skip("this kernel gives no network namespace")
    assert done.returncode == 0


def test_bytes_are_asked_for_as_they_are_read(child: ParserChild, tmp_path: Path) -> None:
    content = f"<r>\n<m>{MAIL}</m>".encode() + b"<p>text</p>\n" * 50_000 + f"<m>{SSN}</m></r>".encode()
    path = tmp_path / "sparse"
    asked: list[tuple[int, int]] = []
    with path.open("w+b") as file:
        file.truncate(len(content))

        def fill(begin: int, end: int) -> tuple[int, int]:
            asked.append((begin, end))
            end = min(begin + 100_000, len(content))
            os.pwrite(file.fileno(), content[begin:end], begin)
            return begin, end

        job = Job("a.xml", "application/xml", len(content), Budget(bytes_in=len(content)))
        text = text_of(list(child.segments(file.fileno(), job, 30, fill)))
    assert MAIL in text
    assert SSN in text
    assert [begin for begin, _ in asked] == list(range(0, len(content), 100_000))
    assert MAIL in text_of(run(child, small(tmp_path))[0])


def test_what_could_not_be_fetched_costs_one_object(child: ParserChild, tmp_path: Path) -> None:
    def fill(begin: int, end: int) -> tuple[int, int]:
        raise ReadFailed("reading broke off")

    with (tmp_path / "sparse").open("w+b") as file, pytest.raises(ReadFailed):
        list(child.segments(file.fileno(), Job("a.xml", "application/xml", 1_000), 30, fill))
    assert MAIL in text_of(run(child, small(tmp_path))[0])


@pytest.mark.parametrize(
    "wanted", ['{"begin":0,"end":11}', '{"begin":5,"end":5}', '{"begin":-1,"end":5}', '{"end":"x"}']
)
def test_bytes_that_the_object_does_not_have_are_not_fetched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wanted: str
) -> None:
    package = tmp_path / "fake" / "piiscan_fake.py"
    package.parent.mkdir()
    package.write_text(
        "import socket, struct, sys\n"
        "link = socket.socket(fileno=int(sys.argv[1]))\n"
        "def say(kind, text):\n"
        "    data = text.encode()\n"
        "    link.sendall(struct.pack('>cII', kind, len(data) + 4, len(data)) + data)\n"
        "say(b'H', '{\"isolation\":[]}')\n"
        "socket.recv_fds(link, 1 << 20, 1)\n"
        f"say(b'R', {wanted!r})\n"
        "link.recv(1)\n"
    )
    real = subprocess.Popen

    def fake(command: list[str], **options: object) -> subprocess.Popen[bytes]:
        return real([command[0], str(package), *command[-2:]], **options)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr(subprocess, "Popen", fake)
    asked: list[int] = []

    def fill(begin: int, end: int) -> tuple[int, int]:
        asked.append(begin)
        return begin, end

    with ParserChild(str(tmp_path)) as child, (tmp_path / "sparse").open("w+b") as file, pytest.raises(ParserDied):
        list(child.segments(file.fileno(), Job("a.xml", "application/xml", 10), 30, fill))
    assert asked == []


def test_what_a_broken_child_sends_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A stand-in for a child that was taken over: it answers with what is no frame.
    package = tmp_path / "fake" / "piiscan_fake.py"
    package.parent.mkdir()
    package.write_text(
        "import socket, struct, sys\n"
        "link = socket.socket(fileno=int(sys.argv[1]))\n"
        "hello = b'{\"isolation\":[]}'\n"
        "link.sendall(struct.pack('>cI', b'H', len(hello)) + hello)\n"
        "socket.recv_fds(link, 1 << 20, 1)\n"
        "link.sendall(b'T\\0\\0\\0\\2[]' + b'x' * 100)\n"
        "link.recv(1)\n"
    )
    real = subprocess.Popen

    def fake(command: list[str], **options: object) -> subprocess.Popen[bytes]:
        return real([command[0], str(package), *command[-2:]], **options)  # type: ignore[call-overload,no-any-return]

    monkeypatch.setattr(subprocess, "Popen", fake)
    with ParserChild(str(tmp_path)) as child, pytest.raises(ParserDied):
        run(child, small(tmp_path))
