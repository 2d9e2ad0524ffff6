"""Small trees to scan, the same ones each time; all values are invented."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path


def ssn(number: int) -> str:
    """A social security number that could have been given out; no published sample."""
    return f"{219 + number // 9000 % 300:03d}-{10 + number // 90 % 80:02d}-{1001 + number * 7 % 8000:04d}"


def mail(number: int) -> str:
    """A mailbox."""
    return f"person{number}@mail{number % 7}.example.org"


def document(number: int) -> tuple[str, bytes]:
    """The name and the content of one of many small files of several formats."""
    folder = f"d{number % 7}/"
    match number % 6:
        case 0:
            return f"{folder}note{number}.txt", f"His SSN: {ssn(number)} is on file.\nMail {mail(number)}\n".encode()
        case 1:
            rows = [f"{i},{mail(number * 10 + i)},{ssn(number * 10 + i)}" for i in range(5)]
            return f"{folder}people{number}.csv", ("id,email,ssn\n" + "\n".join(rows) + "\n").encode()
        case 2:
            return f"{folder}user{number}.json", json.dumps({"user": {"email": mail(number), "n": number}}).encode()
        case 3:
            out = io.BytesIO()
            with zipfile.ZipFile(out, "w") as packed:
                packed.writestr(zipfile.ZipInfo("inner/a.txt"), f"SSN: {ssn(number)}\n")
            return f"{folder}packed{number}.zip", out.getvalue()
        case 4:
            return f"{folder}empty{number}.txt", b"nothing to see here\n" * (number % 3)
        case _:
            return f"{folder}page{number}.html", f"<html><p>write to {mail(number)}</p></html>".encode()


def documents(count: int) -> Iterator[tuple[str, bytes]]:
    """`count` small files of several formats."""
    return map(document, range(count))


def plain(count: int) -> Iterator[tuple[str, bytes]]:
    """`count` small text files, which need no parser process."""
    return ((f"d{n % 7}/note{n}.txt", f"His SSN: {ssn(n)} is on file.\n".encode()) for n in range(count))


def write(root: Path, files: Iterator[tuple[str, bytes]]) -> Path:
    """The files below `root`."""
    for name, content in files:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return root
