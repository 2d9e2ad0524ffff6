"""How far a scan goes into one object: what the configuration's table `limits` sets, and extractors keep to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """Budgets of one object, containers included (defaults after Macie's documented quotas)."""

    depth: int = 10
    """Containers inside containers."""
    members: int = 1_000_000
    bytes_out: int = 10 << 30
    """Bytes that all decompression of one object may give out."""
    ratio: int = 200
    """Bytes out per byte in, checked once more than `ratio_from` came out."""
    ratio_from: int = 64 << 20
    json_depth: int = 256
    xml_depth: int = 1_000
    pages: int = 10_000
    mime_parts: int = 10_000
    cells: int = 50_000_000
    part_bytes: int = 512 << 20
    """Bytes of one part that must be held whole (a sheet's strings, a mail body, a PDF in a zip)."""
    strings_bytes: int = 64 << 20
    """How far the pass over printable runs reads into an object of unknown format."""
    ocr: bool = False
    """Whether text in pictures is looked for, by the tesseract program."""
    ocr_languages: str = "eng"
    """As tesseract takes them: `eng+deu`."""
    ocr_pixels: int = 50_000_000
    """Pixels of one picture or page."""
    ocr_seconds: int = 120
    """For one picture or page."""
