"""Metadata of pictures: every container, each text under its tag, and structures made to hurt."""

from __future__ import annotations

import io
import struct
import zlib

import pytest

from fixtures.writers.picture import (
    XMP_PACKET,
    ascii_entry,
    degrees,
    gif,
    heic,
    iptc,
    jpeg,
    photoshop,
    png,
    tiff,
    webp,
)
from piiscan.extract import Job, Limits, segments
from piiscan.identify import identify
from piiscan.model import Segment
from tests.extract.make import MAIL, extract, places_of, text_of
from tests.extract.mutate import survives

XMP = XMP_PACKET.format(MAIL).encode()
NAME = "Ana Prueba"


def structure(order: str = "<") -> bytes:
    return tiff(
        [ascii_entry(0x010F, "Maker"), ascii_entry(0x013B, NAME), (0x9C9D, 1, "Jos\u00e9\0".encode("utf-16-le"))],
        exif=[
            ascii_entry(0xA431, "SN-0042-17"),
            (0x9286, 7, b"ASCII\0\0\0write to " + MAIL.encode()),
            (0x927C, 7, b"\x01\x02Owner: Luis Prueba\0\xff"),
        ],
        gps=[
            (1, 2, b"S\0"),
            (2, 5, degrees(order, 33, 51, 2160)),
            (3, 2, b"E\0"),
            (4, 5, degrees(order, 151, 12, 3060)),
        ],
        order=order,
    )


def tags(found: list[Segment], value: str) -> list[str | None]:
    return [place.tag for place in places_of(found, value)]


def read(data: bytes, name: str = "x") -> tuple[list[Segment], Job]:
    job = Job(name)
    return list(segments(io.BytesIO(data), job)), job


@pytest.mark.parametrize("order", ["<", ">"])
def test_exif_of_a_jpeg(order: str) -> None:
    found, job = read(jpeg([(0xE1, b"Exif\0\0" + structure(order))]))
    assert tags(found, NAME) == ["Artist"]
    assert tags(found, "SN-0042-17") == ["BodySerialNumber"]
    assert tags(found, MAIL) == ["UserComment"]
    assert tags(found, "Jos\u00e9") == ["XPAuthor"]
    assert tags(found, "Luis Prueba") == ["MakerNote"]
    assert tags(found, "GPS Position: -33.856000, 151.208500") == ["GPSPosition"]
    assert job.budget.notes == ["OCR: only the metadata were read; text in the picture is not looked for without OCR"]


def test_the_rest_of_a_jpeg() -> None:
    extended = b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 32
    halves = [
        extended + struct.pack(">II", len(XMP), at) + XMP[at : at + 200].replace(MAIL.encode(), b"b" * 5)
        for at in range(0, len(XMP), 200)
    ]
    found, _ = read(
        jpeg(
            [
                (0xE1, b"http://ns.adobe.com/xap/1.0/\0" + XMP),
                (0xED, b"Photoshop 3.0\0" + photoshop(0x03E8, b"odd") + photoshop(0x0404, iptc(80, NAME))),
                (0xFE, "a comment by Jos\u00e9".encode("latin-1")),
                *((0xE1, half) for half in reversed(halves)),
            ]
        )
    )
    assert tags(found, MAIL) == ["XMP"]
    assert tags(found, NAME) == ["By-line"]
    assert tags(found, "a comment by Jos\u00e9") == ["Comment"]


def test_png() -> None:
    raw = b"\nexif\n      9\n" + (b"Exif\0\0" + structure()).hex().encode()
    found, _ = read(
        png(
            [
                (b"tEXt", b"Author\0" + NAME.encode()),
                (b"zTXt", b"Comment\0\0" + zlib.compress(b"first " + MAIL.encode())),
                (b"iTXt", b"Title\0\x01\0es\0T\0" + zlib.compress("Jos\u00e9 Prueba".encode())),
                (b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + XMP),
                (b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(raw)),
                (b"eXIf", tiff([ascii_entry(0x8298, "Owned by Eva")])),
            ]
        )
    )
    assert tags(found, NAME) == ["Author", "Artist"]
    assert tags(found, f"first {MAIL}") == ["Comment"]
    assert tags(found, "Jos\u00e9 Prueba") == ["Title"]
    assert "XMP" in tags(found, MAIL)
    assert tags(found, "SN-0042-17") == ["BodySerialNumber"]
    assert tags(found, "Owned by Eva") == ["Copyright"]


def test_tiff_webp_gif_and_heic() -> None:
    found, _ = read(
        tiff(
            [
                ascii_entry(0x010E, NAME),
                (0x02BC, 1, XMP),
                (0x83BB, 7, iptc(120, "A caption")),
                (0x8649, 7, photoshop(0x0404, iptc(25, "a keyword"))),
            ]
        )
    )
    assert (tags(found, NAME), tags(found, MAIL)) == (["ImageDescription"], ["XMP"])
    assert (tags(found, "A caption"), tags(found, "a keyword")) == (["Caption-Abstract"], ["Keywords"])
    found, _ = read(webp([(b"VP8X", bytes(10)), (b"EXIF", structure()), (b"XMP ", XMP)]))
    assert (tags(found, NAME), tags(found, MAIL)) == (["Artist"], ["UserComment", "XMP"])
    found, _ = read(gif(comment=NAME.encode(), packet=XMP))
    assert (tags(found, NAME), tags(found, MAIL)) == (["Comment"], ["XMP"])
    found, _ = read(heic(structure(), XMP))
    assert (tags(found, NAME), tags(found, MAIL)) == (["Artist"], ["UserComment", "XMP"])
    psd = b"8BPS" + struct.pack(">H6xHIIHH", 1, 3, 5, 5, 8, 3) + bytes(4)
    resource = photoshop(0x0404, iptc(80, NAME)) + photoshop(0x0424, XMP)
    found, _ = read(psd + struct.pack(">I", len(resource)) + resource)
    assert (tags(found, NAME), tags(found, MAIL)) == (["By-line"], ["XMP"])


def test_pages_of_a_tiff_are_all_read() -> None:
    first = tiff([ascii_entry(0x013B, "First")])
    second = b"\x01\0" + struct.pack("<HHI", 0x013B, 2, 4) + b"Eva\0" + bytes(4)
    chained = bytearray(first + second)
    chained[8 + 2 + 12 : 8 + 2 + 12 + 4] = struct.pack("<I", len(first))
    found, _ = extract(bytes(chained), "image/tiff")
    assert tags(found, "Eva") == ["Artist"]


def test_a_position_that_is_none_is_left_out() -> None:
    for value in (struct.pack("<6I", 200, 0, 0, 1, 0, 1), struct.pack("<6I", 4_000_000_000, 1, 0, 1, 0, 1)):
        data = tiff([], gps=[(1, 2, b"N\0"), (2, 5, value), (3, 2, b"E\0"), (4, 5, value)])
        assert "Position" not in text_of(extract(data, "image/tiff")[0])


def test_directories_that_lead_back_end() -> None:
    found, _ = extract(tiff([ascii_entry(0x013B, NAME)], next_=True), "image/tiff")
    assert tags(found, NAME) == ["Artist"]
    loop = bytearray(tiff([ascii_entry(0x013B, NAME)], exif=[(0x8769, 4, struct.pack("<I", 8))]))
    assert tags(extract(bytes(loop), "image/tiff")[0], NAME) == ["Artist"]


def test_a_png_bomb_is_cut() -> None:
    data = png([(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(64 << 20))), (b"tEXt", b"Author\0" + NAME.encode())])
    found, job = extract(data, "image/png", limits=Limits())
    assert tags(found, NAME) == ["Author"]
    assert job.budget.bytes_out <= 17 << 20


def test_a_cut_picture_is_said_to_be() -> None:
    whole = jpeg([(0xE1, b"Exif\0\0" + structure())])
    found, job = extract(whole[: len(whole) // 2], "image/jpeg")
    assert tags(found, NAME) == ["Artist"]
    assert job.budget.notes[0].startswith("MALFORMED_FILE")


def test_stills_are_no_videos() -> None:
    assert identify(io.BytesIO(heic(structure(), XMP)), "x").media_type == "image/heic"
    assert identify(io.BytesIO(b"\0\0\0\x18ftypavif" + bytes(40)), "x").media_type == "image/avif"
    assert identify(io.BytesIO(b"\0\0\0\x18ftypisom" + bytes(40)), "x").media_type == "video/mp4"


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (
            jpeg([(0xE1, b"Exif\0\0" + structure()), (0xED, b"Photoshop 3.0\0" + photoshop(0x0404, iptc(80, NAME)))]),
            "jpeg",
        ),
        (png([(b"tEXt", b"Author\0" + NAME.encode()), (b"eXIf", structure())]), "png"),
        (structure(), "tiff"),
        (webp([(b"EXIF", structure()), (b"XMP ", XMP)]), "webp"),
        (gif(comment=NAME.encode(), packet=XMP), "gif"),
        (heic(structure(), XMP), "heic"),
    ],
)
def test_damage_never_escapes(data: bytes, media_type: str) -> None:
    assert survives(data, f"image/{media_type}", 80) > 10
