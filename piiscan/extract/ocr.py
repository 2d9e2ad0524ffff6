"""Text in pictures by the tesseract program, where it is installed and OCR is switched on (`Limits.ocr`)."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, BinaryIO

from piiscan.extract import Job
from piiscan.extract.pieces import Pieces
from piiscan.model import Place, TextSegment

PART = "ocr"
"""`Place.part` of what was seen in a picture."""
_DPI = 200
_UNREAD = frozenset({"image/heic", "image/avif", "image/vnd.adobe.photoshop"})
"""Formats that tesseract's image library does not open."""
_MISSING = "text in pictures needs the tesseract program (Debian: apt-get install tesseract-ocr)"
_KEPT = ("PATH", "LANG", "LC_ALL", "TESSDATA_PREFIX", "TMPDIR")
_LEVEL, _PAGE, _LINE, _TEXT = 0, 1, slice(1, 5), 11
_WORD = "5"
"""Level of the rows that are words. Source: tesseract(1), "tsv"."""
_LEAST = 30
"""Pixels of the narrow side of a picture in which a word can be read."""


def picture(stream: BinaryIO, pixels: int, job: Job) -> Iterator[TextSegment]:
    """The lines of text in a picture of so many pixels, with the number of each line, and the page of a TIFF."""
    if job.media_type in _UNREAD:
        job.note("OCR", f"only the metadata were read: OCR does not open {job.media_type}")
        return
    if pixels > job.limits.ocr_pixels or not pixels:
        job.note("OCR", f"only the metadata were read: more than {job.limits.ocr_pixels} pixels, or of unknown size")
        return
    data = stream.read(job.limits.part_bytes)
    yield from _lines(data, job, job.place, paged=job.media_type == "image/tiff")


def page_lines(page: Any, job: Job, place: Place) -> Iterator[TextSegment]:
    """The lines of text on a page of a PDF (pypdfium2), as it would be printed."""
    width, height = page.get_size()
    scale = min(_DPI / 72, (job.limits.ocr_pixels / max(width * height, 1)) ** 0.5)
    if min(width, height) * scale < _LEAST:
        return
    bitmap = page.render(scale=scale, grayscale=True)
    try:
        rows = memoryview(bitmap.buffer).cast("B")
        body = b"".join(
            bytes(rows[at : at + bitmap.width]) for at in range(0, bitmap.height * bitmap.stride, bitmap.stride)
        )
        data = b"P5 %d %d 255\n" % (bitmap.width, bitmap.height) + body
    finally:
        bitmap.close()
    yield from _lines(data, job, place, paged=False)


def _lines(data: bytes, job: Job, place: Place, *, paged: bool) -> Iterator[TextSegment]:
    """What tesseract sees in a picture, one piece a line."""
    program = shutil.which("tesseract")
    if program is None:
        _once(job, _MISSING)
        return
    command = [program, "stdin", "stdout", "-l", job.limits.ocr_languages, "-c", "debug_file=/dev/null", "tsv"]
    environment = {name: os.environ[name] for name in _KEPT if name in os.environ} | {"OMP_THREAD_LIMIT": "1"}
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program, the picture on its standard input
            command,
            input=data,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=job.limits.ocr_seconds,
            env=environment,
            check=True,
        )
    except subprocess.TimeoutExpired:
        _once(job, f"a picture was not read by tesseract within {job.limits.ocr_seconds} seconds")
        return
    except (subprocess.CalledProcessError, OSError):
        _once(job, "a picture could not be read by tesseract (is the language installed?)")
        return
    job.budget.spend(len(done.stdout))
    pieces = Pieces()
    number, last, words = 0, None, list[str]()
    where = place
    for row in done.stdout.decode("utf-8", "replace").split("\n"):
        cells = row.split("\t")
        if len(cells) <= _TEXT or cells[_LEVEL] != _WORD or not cells[_TEXT].strip():
            continue
        key = tuple(cells[_LINE])
        if key != last:
            if words:
                yield from pieces.add(" ".join(words), where)
            if last is None or (paged and last[0] != key[0]):
                number = 0
            number, last, words = number + 1, key, []
            where = replace(place, part=PART, line=number, page=int(cells[_PAGE]) if paged else place.page)
        words.append(cells[_TEXT].strip())
    if words:
        yield from pieces.add(" ".join(words), where)
    yield from pieces.flush()


def _once(job: Job, sentence: str) -> None:
    """A note that is not repeated for each page of an object."""
    if not any(sentence in note for note in job.budget.notes[-100:]):
        job.note("OCR", sentence)
