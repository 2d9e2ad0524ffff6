"""DICOM: every element of the header that holds text, sequences and private elements included; never the pixels."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, BinaryIO

from piiscan.errors import ObjectError
from piiscan.extract import Job
from piiscan.extract.blobs import document_of, nested, printable, text_of
from piiscan.extract.pieces import Pieces
from piiscan.extract.spooled import seekable
from piiscan.model import Segment

MEDIA_TYPES = frozenset({"application/dicom"})

_DEPTH = 64
_BINARY = frozenset({"OB", "OD", "OF", "OL", "OV", "OW", "UN"})
_PROSE = frozenset({"PN", "LT", "ST", "UT", "UC", "LO", "UN"})
"""Names, and text that people wrote."""
_WORDLESS = frozenset({"FL", "FD", "SL", "SS", "UL", "US", "SV", "UV", "AT"})
"""Numbers that measure something, in binary."""
_PIXELS = (b"\xe0\x7f", b"\x7f\xe0")
"""Group of the pixel data, in either order of bytes."""
_MISSING = "DICOM needs pydicom (pip install 'piiscan-oss[health]')"


class Dicom:
    """The extractor of DICOM files."""

    media_types = MEDIA_TYPES

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """`name: value` for each value, its place the element's tag and value representation: `(0010,0010) PN`.

        Elements of a sequence stand under its tag: `(0040,0275)[1].(0040,0007) LO`. Documents inside come as members.
        """
        try:
            import pydicom
            from pydicom import config
        except ImportError:
            yield from printable(stream, job, "UNSUPPORTED_FILE_TYPE_EXCEPTION", _MISSING)
            return
        source = seekable(stream, job)
        with warnings.catch_warnings():
            # Its warnings quote the content.
            logging.getLogger("pydicom").setLevel(logging.CRITICAL)
            warnings.simplefilter("ignore")
            config.settings.reading_validation_mode = config.IGNORE
            try:
                data = pydicom.dcmread(source, stop_before_pixels=True, force=True)
                pixels = source.read(2) in _PIXELS
            except (ObjectError, MemoryError):
                raise
            except Exception:
                # pydicom meets damage with nearly any exception.
                source.seek(0)
                yield from printable(source, job, "MALFORMED_FILE", "a damaged DICOM file")
                return
            reader = _Reader(job)
            for part in (getattr(data, "file_meta", None), data):
                if part is not None:
                    yield from reader.read(part, "", 0)
            yield from reader.flush()
        if not reader.count:
            source.seek(0)
            yield from printable(source, job, "MALFORMED_FILE", "a damaged DICOM file")
            return
        if reader.broken:
            job.note("MALFORMED_FILE", f"{reader.broken} element(s) could not be read")
        if pixels:
            job.note("OCR", "only the header was read; text in the picture is not looked for")


class _Reader:
    """Walks data sets."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self.pieces, self._plain = Pieces(), Pieces(prose=False)
        self.count = 0
        self.broken = 0

    def flush(self) -> Iterator[Segment]:
        """What was not given out yet."""
        yield from self.pieces.flush()
        yield from self._plain.flush()

    def read(self, data: Any, path: str, depth: int) -> Iterator[Segment]:
        """All elements of a data set. Source: DICOM PS3.5, sections 6.2 and 7.5."""
        if depth > _DEPTH:
            self.broken += 1
            return
        stored = dict(data.items())
        for tag in sorted(stored):
            where = f"{path}({tag.group:04X},{tag.element:04X})"
            try:
                element = data[tag]
                kind, value = str(element.VR), element.value
                name = str(element.name)
            except (ObjectError, MemoryError):
                raise
            except Exception:
                # The conversion of one value failed; its bytes are still there.
                self.broken += 1
                raw = getattr(stored[tag], "value", None)
                if isinstance(raw, bytes):
                    yield from self._add(text_of(raw), "", f"{where} UN")
                continue
            if kind == "SQ":
                for number, item in enumerate(value or (), 1):
                    yield from self.read(item, f"{where}[{number}].", depth + 1)
                continue
            self.count += 1
            if kind not in _WORDLESS:
                yield from self._values(kind, value, name, f"{where} {kind}")

    def _values(self, kind: str, value: Any, name: str, tag: str) -> Iterator[Segment]:
        if isinstance(value, bytes):
            media_type = document_of(value)
            if media_type:
                yield from nested(value, media_type, tag, self._job)
                return
            value = text_of(value) if kind == "UN" or kind not in _BINARY else ""
        for single in value if isinstance(value, list | tuple) or hasattr(value, "insert") else (value,):
            text = "" if single is None else str(single)
            yield from self._add(text, name, tag)
            if kind == "PN" and "^" in text:
                # Family name, given name: as people write it.
                parts = [part.strip() for part in text.split("=")[0].split("^")]
                yield from self._add(" ".join(part for part in (*parts[1:3], parts[0]) if part), name, tag)

    def _add(self, text: str, name: str, tag: str) -> Iterator[Segment]:
        text = text.strip("\0 ")
        if text:
            # Labels of dates and codes look like names themselves.
            pieces = self.pieces if tag[-2:] in _PROSE else self._plain
            label = "" if name.startswith(("Unknown", "[", "Private")) or not name else f"{name}: "
            yield from pieces.add(label + text, replace(self._job.place, tag=tag))


EXTRACTOR = Dicom()
