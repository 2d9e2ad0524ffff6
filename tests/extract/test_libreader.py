from __future__ import annotations

import contextlib
import gzip
import io
import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.writers.archive import cab, rar, raw, rpm, written
from piiscan.engine.sandbox import ParserChild, available
from piiscan.errors import Encrypted, LimitReached, Malformed, ObjectError, UnsupportedFormat
from piiscan.extract import Budget, Job, Limits, segments
from piiscan.identify import identify
from tests.extract.make import SSN, docx, paragraph, places_of, zipped
from tests.extract.test_archive import BODY, read
from tests.support.programs import needs

pytestmark = needs("libarchive")
CPIO = written("cpio_newc", ("d/a.txt", BODY), ("b.txt", b"second\n"))


@pytest.mark.parametrize(
    ("format_name", "media_type"),
    [
        ("7zip", "application/x-7z-compressed"),
        ("cpio", "application/x-cpio"),
        ("cpio_newc", "application/x-cpio"),
        ("iso9660", "application/x-iso9660-image"),
        ("xar", "application/x-xar"),
    ],
)
def test_members(format_name: str, media_type: str) -> None:
    data = written(format_name, ("d/a.txt", BODY), ("é.txt", b"second\n"), ("none", b""))
    assert identify(io.BytesIO(data), "x").media_type == media_type
    assert read(data, "x") == ({"d/a.txt": BODY.decode(), "é.txt": "second\n"}, [])


def test_ar_cab_rar_rpm() -> None:
    data = written("ar_bsd", ("a.txt", BODY), ("data.zip", zipped({"b.docx": docx(paragraph(SSN))})))
    found, notes = read(data, "x.deb")
    assert (found["a.txt"], notes) == (BODY.decode(), [])
    assert SSN in found["data.zip!/b.docx"]
    assert read(cab(b"dir\\a.txt", BODY), "x.cab") == ({"dir/a.txt": BODY.decode()}, [])
    assert read(rar([(b"a.txt", BODY), (b"d\\b.txt", b"two\n")]), "x.rar") == (
        {"a.txt": BODY.decode(), "d/b.txt": "two\n"},
        [],
    )
    assert read(rpm(gzip.compress(CPIO)), "x.rpm") == ({"d/a.txt": BODY.decode(), "b.txt": "second\n"}, [])


@pytest.mark.parametrize(("filter_name", "name"), [("lz4", "a.txt.lz4"), ("compress", "a.txt.Z")])
def test_compressed_streams(filter_name: str, name: str) -> None:
    assert read(raw(BODY * 1000, filter_name), name) == ({"a.txt": BODY.decode() * 1000}, [])
    assert read(raw(CPIO, filter_name), "x.cpio.Z")[0]["x.cpio!/b.txt" if name[-1] == "Z" else "x.cpio.Z!/b.txt"]
    with pytest.raises(LimitReached):
        read(raw(bytes(66 << 20), filter_name), name, Limits(ratio=10))


def test_locked_members() -> None:
    with pytest.raises(Encrypted):
        read(rar([(b"a.txt", BODY)], locked=True), "x.rar")


def test_names_that_repeat_and_names_that_are_bytes() -> None:
    data = written("cpio", ("a.txt", BODY), ("a.txt", b"two\n"), ("xx.txt", b"three\n")).replace(
        b"xx.txt", b"\xff\xfe.txt"
    )
    assert read(data, "x") == ({"a.txt": BODY.decode(), "a.txt#2": "two\n", "\\xff\\xfe.txt": "three\n"}, [])


def test_links_are_not_followed() -> None:
    link = b"070701" + b"".join(b"%08X" % n for n in (1, 0o120777, 0, 0, 1, 0, 11, 0, 0, 0, 0, 5, 0)) + b"link\0"
    link += bytes(-len(link) % 4) + b"/etc/passwd" + b"\0"
    assert read(link + CPIO, "x") == ({"d/a.txt": BODY.decode(), "b.txt": "second\n"}, [])


def test_budgets() -> None:
    data = written("7zip", *[(f"{n}.txt", BODY) for n in range(20)])
    with pytest.raises(LimitReached) as caught:
        read(data, "x", Limits(members=10))
    assert caught.value.reason == "ARCHIVE_TOTAL_DOCUMENTS_PROCESSED_OVER_LIMIT"
    with pytest.raises(LimitReached):
        read(written("7zip", ("zeros", bytes(70 << 20))), "x")


def test_an_archive_in_a_stream_and_broken_ones() -> None:
    data = written("7zip", ("a.txt", BODY))
    assert read(gzip.compress(zipped({"x.7z": data})), "y.gz") == ({"y!/x.7z!/a.txt": BODY.decode()}, [])
    with pytest.raises(Malformed):
        read(data[:-10], "x.7z")
    found, notes = read(CPIO[:250], "x.cpio")
    assert (found, notes[:1]) == ({"d/a.txt": BODY.decode()}, ["MALFORMED_FILE"])


def test_places_of_a_document() -> None:
    data = written("7zip", ("a.docx", docx(paragraph(SSN))))
    job = Job("x.7z", budget=Budget(bytes_in=len(data)))
    assert [(p.member, p.paragraph) for p in places_of(list(segments(io.BytesIO(data), job)), SSN)] == [
        (("a.docx",), 1)
    ]


def test_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    code = (
        "import io\nfrom piiscan.extract import Job, segments\nfrom piiscan.errors import UnsupportedFormat\n"
        "try:\n    list(segments(io.BytesIO(b'Rar!\\x1a\\x07\\0'), Job('x.rar')))\n"
        "except UnsupportedFormat as err:\n    print(err)\n"
    )
    environment = {**os.environ, "LIBARCHIVE": "/nonexistent/libarchive.so"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert "apt install libarchive13" in done.stdout
    assert UnsupportedFormat.outcome == "skipped"


@pytest.mark.skipif(not available(), reason="no descriptors can be passed")
@pytest.mark.parametrize("name", ["7zip", "cpio_newc", "iso9660", "ar_bsd", "rar"])
def test_damage_gives_object_errors_only(name: str, tmp_path: Path) -> None:
    members = [("a.txt", BODY * 50), ("b.txt", b"x" * 3000)]
    whole = rar([(n.encode(), d) for n, d in members]) if name == "rar" else written(name, *members)
    rng = random.Random(3)
    # A library in C: what it does with damage must not end the tests.
    with ParserChild(str(tmp_path)) as child:
        for _ in range(60):
            data = bytearray(whole)
            for _ in range(rng.randrange(1, 5)):
                at = rng.randrange(len(data)) if name != "iso9660" else rng.randrange(0x8000, 0xC000)
                data[at] = rng.randrange(256)
            path = tmp_path / "x"
            path.write_bytes(data[: rng.randrange(8, len(data))] if rng.random() < 0.3 else data)
            job = Job("x", budget=Budget(bytes_in=len(data)))
            with path.open("rb") as file, contextlib.suppress(ObjectError):
                list(child.segments(file.fileno(), job, 20.0))
