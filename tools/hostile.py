"""A tree of files that mean harm, or were harmed: `python -m tools.hostile FOLDER [--small]`.

Bombs, loops, depths, floods, cut and garbled documents, encrypted ones, names that no terminal likes, and what is no
file at all. Beside the tree `MANIFEST.jsonl` says of each object which outcomes are right, whether its planted address
must be found, and what must not come out. All of it is made here, seeded; all values are invented. `--small` makes the
bombs fifty times smaller and keeps every kind.

Source of the kinds: CWE-22, 400, 409, 611, 674, 776; the fuzz corpora and bug reports of the libraries in use.
"""

from __future__ import annotations

import argparse
import base64
import bz2
import gzip
import io
import json
import lzma
import os
import random
import socket
import sqlite3
import struct
import sys
import tarfile
import tempfile
import warnings
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fixtures.writers.pdf import pdf_bytes, pdf_objects, pdf_stream
from piiscan.identify import MAGICS
from tests.extract.make import docx, paragraph, self_drawing_pdf, xlsx, zipped

OUTSIDE = "outside@mail7.example.org"
"""What lies outside the tree, for entities and links to reach for: no object may be said to hold it."""
READ = ("scanned",)
PART = ("partial",)
SOME = ("scanned", "partial")
REFUSED = ("skipped", "failed", "partial")
ANY = ("scanned", "partial", "skipped", "failed")


@dataclass(frozen=True)
class Case:
    """One object: its content, the outcomes that are right, and whether the address planted in it must be found."""

    name: str
    data: bytes
    outcomes: tuple[str, ...] = ANY
    found: bool = False


def address(name: str) -> str:
    """The mailbox that is planted in a case: its own, so that a finding tells where it came from."""
    return f"p{zlib.crc32(name.encode()):08x}@mail7.example.org"


def _planted(name: str) -> bytes:
    return f"write to {address(name)} about it\n".encode()


def cases(small: bool) -> Iterator[Case]:
    """All cases whose content is bytes."""
    size = 1 if small else 50
    yield from _texts(size)
    yield from _compressed(size)
    yield from _zips(size)
    yield from _tars()
    yield from _structured(size)
    yield from _markup(size)
    yield from _mails(size)
    yield from _pdfs(size)
    yield from _office(size)
    yield from _tables()
    yield from _magics()


def _texts(size: int) -> Iterator[Case]:
    yield Case("text/empty.txt", b"", READ)
    for name, head in (("nul-first.txt", b"\0" * (1 << 20)), ("long-line.txt", b"x" * (size << 20))):
        yield Case(f"text/{name}", head + b" \n" + _planted(f"text/{name}"), ANY)
    name = "text/utf16-without-bom.txt"
    yield Case(name, _planted(name).decode().encode("utf-16-le") * 20, SOME, True)
    name = "text/utf32.txt"
    yield Case(name, _planted(name).decode().encode("utf-32"), ANY)
    name = "text/broken-utf8.txt"
    yield Case(name, b"caf\xe9 \xff\xfe \xed\xa0\x80 " * 50 + b"\n" + _planted(name), SOME, True)
    name = "text/controls.txt"
    yield Case(name, b"\x1b]0;title\x07\x1b[2J \x9b31m \xe2\x80\xae " + _planted(name), SOME, True)
    yield Case("text/bom-only.txt", b"\xef\xbb\xbf", SOME)
    name = "text/carriage-returns.txt"
    yield Case(name, b"\r" * 100_000 + _planted(name), SOME, True)


def _bomb(size: int) -> bytes:
    """Zeros that pack a thousandfold, a mailbox behind them that nobody should get to."""
    return b"\0" * ((8 * size) << 20)


def _gz(data: bytes) -> bytes:
    return gzip.compress(data, 9, mtime=0)


def _compressed(size: int) -> Iterator[Case]:
    bomb = _bomb(size)
    # A few hundred megabytes of nothing are read to their end; what grows past the budget is not.
    yield Case("packed/bomb.gz", _gz(bomb), ANY)
    yield Case("packed/bomb.bz2", bz2.compress(bomb), ANY)
    yield Case("packed/bomb.xz", lzma.compress(bomb, preset=0), ANY)
    inner = _gz(bomb)
    yield Case("packed/bomb-in-bomb.gz", _gz(inner + b"\0" * len(inner)), ANY)
    for kind, pack in (("gz", _gz), ("bz2", bz2.compress), ("xz", lzma.compress)):
        name = f"packed/cut.{kind}"
        lines = random.Random(7).randbytes(100_000).hex().encode()
        whole = pack(_planted(name) * 400 + lines)
        # One block of bzip2 holds up to 900 kB, and is whole or nothing.
        yield Case(name, whole[: len(whole) * 2 // 3], REFUSED if kind == "bz2" else PART, kind != "bz2")
        yield Case(f"packed/head-only.{kind}", whole[:12], REFUSED)
        yield Case(f"packed/empty.{kind}", pack(b""), READ)
        name = f"packed/garbage-behind.{kind}"
        yield Case(name, pack(_planted(name)) + b"garbage" * 30, SOME, True)
        name = f"packed/two-members.{kind}"
        yield Case(name, pack(b"first\n") + pack(_planted(name)), SOME, True)
    name = "packed/wrong-checksum.gz"
    spoilt = bytearray(_gz(_planted(name)))
    spoilt[-6] ^= 0xFF
    yield Case(name, bytes(spoilt), SOME, True)
    name = "packed/deep.gz"
    data = _planted(name)
    for _ in range(30):
        data = _gz(data)
    yield Case(name, data, REFUSED)


def _zip(members: list[tuple[str, bytes]], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as made:
        for name, data in members:
            made.writestr(zipfile.ZipInfo(name), data, method)
    return out.getvalue()


def _zips(size: int) -> Iterator[Case]:
    bomb = _bomb(size)
    yield Case("zip/bomb.zip", _zip([("zeros", bomb)]), SOME)
    yield Case("zip/many-bombs.zip", _zip([(f"{n}.zip", _zip([("zeros", bomb)])) for n in range(9)]), ANY)
    name = "zip/beside-a-bomb.zip"
    yield Case(name, _zip([("a.txt", _planted(name)), ("zeros", bomb), ("zz.txt", b"end")]), SOME, True)
    name = "zip/traversal.zip"
    plant = _planted(name)
    ways = [
        "../../escape.txt",
        "/escape-absolute.txt",
        "..\\..\\escape.txt",
        "C:\\escape.txt",
        "a/../../escape.txt",
    ]
    yield Case(name, _zip([(way, plant) for way in ways]), SOME, True)
    name = "zip/same-name.zip"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield Case(name, _zip([("a.txt", b"first"), ("a.txt", _planted(name)), ("A.TXT", b"third")]), SOME, True)
    name = "zip/names.zip"
    odd = ["a\nb.txt", "\x1b[31m.txt", "=cmd().csv", "x" * 5_000, "nul\0.txt", "\u202egnp.exe", " ", "."]
    yield Case(name, _zip([(one, _planted(name)) for one in odd]), SOME, True)
    name = "zip/cut.zip"
    whole = _zip([("a.txt", _planted(name)), ("b.bin", random.Random(1).randbytes(50_000))])
    yield Case(name, whole[: len(whole) - 400], SOME, True)
    name = "zip/stub-in-front.zip"
    yield Case(name, b"MZ" + b"\0" * 600 + _zip([("a.txt", _planted(name))]), SOME, True)
    name = "zip/empty.zip"
    yield Case(name, _zip([]), SOME)
    name = "zip/locked.zip"
    locked = bytearray(_zip([("a.txt", _planted(name))], zipfile.ZIP_STORED))
    locked[6] |= 1
    locked[locked.index(b"PK\x01\x02") + 8] |= 1
    yield Case(name, bytes(locked), ("skipped",))
    name = "zip/overlap.zip"
    one = bytearray(_zip([("a.txt", _planted(name))]))
    start = one.index(b"PK\x01\x02")
    entry = bytes(one[start : one.index(b"PK\x05\x06")])
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 500, 500, 500 * len(entry), start, 0)
    yield Case(name, bytes(one[:start]) + entry * 500 + end, REFUSED)
    name = "zip/members.zip"
    yield Case(name, _zip([(f"{n}.txt", b"x") for n in range(4_000 * size)] + [("z.txt", _planted(name))]), SOME, True)
    name = "zip/deep.zip"
    data = _planted(name)
    for level in range(30):
        data = _zip([(f"{level}.zip" if level else "a.txt", data)], zipfile.ZIP_STORED)
    yield Case(name, data, REFUSED)
    name = "zip/lies-about-sizes.zip"
    lying = bytearray(_zip([("a.txt", _planted(name))]))
    at = lying.index(b"PK\x01\x02")
    lying[at + 24 : at + 28] = b"\xff\xff\xff\x7f"
    yield Case(name, bytes(lying), ANY)


def _tars() -> Iterator[Case]:
    def made(name: str, entries: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w") as tar:
            for info, data in entries:
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        return out.getvalue()

    def entry(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
        info = tarfile.TarInfo(name)
        info.type, info.linkname = kind, link
        return info

    name = "tar/traversal.tar"
    plant = _planted(name)
    ways = ["../escape.txt", "/escape.txt", "a/../../escape.txt"]
    yield Case(name, made(name, [(entry(way), plant) for way in ways]), SOME, True)
    name = "tar/links.tar"
    links = [
        (entry("a", tarfile.SYMTYPE, "b"), b""),
        (entry("b", tarfile.SYMTYPE, "a"), b""),
        (entry("c", tarfile.LNKTYPE, "c"), b""),
        (entry("d", tarfile.SYMTYPE, "/etc/passwd"), b""),
        (entry("e", tarfile.CHRTYPE), b""),
        (entry("f", tarfile.FIFOTYPE), b""),
        (entry("g.txt"), _planted(name)),
    ]
    yield Case(name, made(name, links), SOME, True)
    name = "tar/cut.tar"
    whole = made(name, [(entry("a.txt"), _planted(name)), (entry("b.bin"), b"\x81" * 9_000)])
    yield Case(name, whole[:4_000], SOME, True)
    name = "tar/huge-size.tar"
    huge = bytearray(made(name, [(entry("a.txt"), _planted(name))]))
    huge[124:136] = b"77777777777\0"
    huge[148:156] = b" " * 8
    huge[148:156] = b"%06o\0 " % sum(huge[:512])
    yield Case(name, bytes(huge), ANY)
    name = "tar/deep.tar"
    data = _planted(name)
    for level in range(30):
        data = made(name, [(entry(f"{level}.tar" if level else "a.txt"), data)])
    yield Case(name, data, REFUSED)


def _structured(size: int) -> Iterator[Case]:
    name = "json/arrays-deep.json"
    yield Case(name, b"[" * 1_000_000 + b"]" * 1_000_000, ANY)
    name = "json/objects-deep.json"
    yield Case(name, b'{"a":' * 20_000 + json.dumps(address(name)).encode() + b"}" * 20_000, SOME, True)
    name = "json/one-string.json"
    yield Case(
        name, b'{"a": "' + b"x" * (size << 20) + b'", "b": ' + json.dumps(address(name)).encode() + b"}", SOME, True
    )
    name = "json/same-key.json"
    yield Case(name, b'{"mail": ' + json.dumps(address(name)).encode() + b', "mail": "none"}', SOME, True)
    name = "json/cut.json"
    yield Case(name, b'{"mail": ' + json.dumps(address(name)).encode() + b', "rest": [1, 2, {"a": "', SOME, True)
    name = "json/long-number.json"
    yield Case(
        name, b'{"n": ' + b"9" * 1_000_000 + b', "mail": ' + json.dumps(address(name)).encode() + b"}", SOME, True
    )
    name = "json/broken-lines.jsonl"
    yield Case(
        name, b'{"a": 1}\n{"a": \n' + b'{"mail": ' + json.dumps(address(name)).encode() + b"}\n[1\n" * 3, SOME, True
    )
    name = "json/nan.json"
    yield Case(name, b"[NaN, Infinity, -0, 1e999999, " + json.dumps(address(name)).encode() + b"]", SOME, True)
    name = "csv/columns.csv"
    head = ",".join(f"c{n}" for n in range(100_000)).encode()
    yield Case(name, head + b"\n" + b"1," * 99_999 + address(name).encode() + b"\n", SOME, True)
    name = "csv/field.csv"
    yield Case(name, b'id,note,mail\n1,"' + b"x" * (size << 20) + b'",' + address(name).encode() + b"\n", SOME, True)
    name = "csv/ragged.csv"
    yield Case(name, b"id,mail\n1\n2,a,b,c,d\n\0\0,\0\n3," + address(name).encode() + b"\n,,,,\n", SOME, True)
    name = "csv/open-quote.csv"
    yield Case(
        name, b'id,mail\n1,"never closed\n' + b"2,x\n" * 50_000 + b"3," + address(name).encode() + b"\n", SOME, True
    )
    name = "csv/formulas.csv"
    yield Case(name, b"=cmd(),+1,-1,@x\n" + b"1,2,3," + address(name).encode() + b"\n", SOME, True)


def _markup(size: int) -> Iterator[Case]:
    laughs = b'<!DOCTYPE a [<!ENTITY a0 "lol">' + b"".join(
        b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10)
    )
    yield Case("xml/laughs.xml", laughs + b"]><a>&a9;</a>", REFUSED)
    yield Case("xml/laughs.svg", laughs + b']><svg xmlns="http://www.w3.org/2000/svg"><text>&a9;</text></svg>', REFUSED)
    quad = b'<!DOCTYPE a [<!ENTITY a "%s">]><a>%s</a>' % (b"x" * 50_000, b"&a;" * 20_000)
    yield Case("xml/quadratic.xml", quad, REFUSED)
    reach = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file://%s">]><a><b>%s</b><c>&x;</c></a>'
    name = "xml/entity-of-a-file.xml"
    yield Case(name, reach % (b"OUTSIDE", _planted(name)), SOME, True)
    name = "xml/entity-of-an-address.xml"
    yield Case(name, (reach % (b"x", _planted(name))).replace(b"file://x", b"http://127.0.0.1:9/x"), SOME, True)
    name = "xml/deep.xml"
    yield Case(name, b"<a>" * 20_000 + _planted(name) + b"</a>" * 20_000, SOME, True)
    name = "xml/cut.xml"
    yield Case(name, b"<a><b>" + _planted(name) + b"</b><c", SOME, True)
    name = "xml/attribute.xml"
    yield Case(name, b'<a x="' + b"x" * (size << 20) + b'"><b>' + _planted(name) + b"</b></a>", SOME, True)
    name = "html/deep.html"
    yield Case(name, b"<html><body>" + b"<div>" * 200_000 + _planted(name), SOME, True)
    name = "html/open.html"
    yield Case(name, b"<html><body><script>var a = '<p>" + _planted(name), SOME, True)
    name = "html/attributes.html"
    yield Case(name, b"<html><body><p " + b"a=b " * 200_000 + b">" + _planted(name), SOME, True)


def _mails(size: int) -> Iterator[Case]:
    head = b"From: a@mail7.example.org\r\nTo: b@mail7.example.org\r\nSubject: x\r\nMIME-Version: 1.0\r\n"
    name = "mail/parts.eml"
    part = b"--b\r\nContent-Type: text/plain\r\n\r\nx\r\n"
    yield Case(
        name,
        head + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\n" + _planted(name) + part * (2_000 * size),
        SOME,
        True,
    )
    name = "mail/deep.eml"
    levels = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n) for n in range(2_000))
    yield Case(name, head + levels + b"\r\n" + _planted(name), SOME)
    name = "mail/charset.eml"
    yield Case(name, head + b"Content-Type: text/plain; charset=x-none\r\n\r\n" + _planted(name), SOME, True)
    name = "mail/base64.eml"
    body = base64.b64encode(_planted(name))[:-3] + b"!!\x80"
    yield Case(name, head + b"Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n" + body, SOME)
    name = "mail/header.eml"
    yield Case(name, head + b"X-Long: " + b"y" * (size << 20) + b"\r\n\r\n" + _planted(name), SOME, True)
    name = "mail/no-boundary.eml"
    yield Case(name, head + b"Content-Type: multipart/mixed\r\n\r\n" + _planted(name), SOME, True)


def _pdfs(size: int) -> Iterator[Case]:
    name = "pdf/draws-itself.pdf"
    yield Case(name, self_drawing_pdf(address(name)), SOME, True)
    name = "pdf/without-xref.pdf"
    whole = pdf_bytes(pdf_objects([[address(name)]]))
    yield Case(name, whole[: whole.index(b"xref\n")], SOME, True)
    name = "pdf/cut.pdf"
    whole = pdf_bytes(pdf_objects([[address(name)], ["second"]]))
    yield Case(name, whole[: len(whole) * 3 // 4], SOME, True)
    name = "pdf/pages-in-a-ring.pdf"
    ring = pdf_objects([[address(name)]])
    ring[2] = "<</Type/Pages/Count 2/Kids[10 0 R 2 0 R]>>"
    yield Case(name, pdf_bytes(ring), SOME, True)
    name = "pdf/array-deep.pdf"
    deep = pdf_objects([[address(name)]])
    deep[50] = "[" * 100_000 + "]" * 100_000
    yield Case(name, pdf_bytes(deep), SOME, True)
    name = "pdf/previous-of-itself.pdf"
    whole = pdf_bytes(pdf_objects([[address(name)]]), "/Prev 9")
    yield Case(name, whole, SOME, True)
    name = "pdf/page-bomb.pdf"
    bomb = pdf_objects([[address(name)], ["x"]])
    packed = zlib.compress(b"BT (x) Tj ET\n" * (80_000 * size), 9)
    bomb[13] = pdf_stream(packed, "/Filter/FlateDecode")
    yield Case(name, pdf_bytes(bomb), SOME, True)
    name = "pdf/counts-to-two-billion.pdf"
    many = pdf_objects([[address(name)]])
    many[2] = "<</Type/Pages/Count 2147483647/Kids[10 0 R]>>"
    yield Case(name, pdf_bytes(many), SOME, True)
    yield Case("pdf/head-only.pdf", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", REFUSED)
    yield Case("pdf/garbage.pdf", b"%PDF-1.4\n" + random.Random(3).randbytes(50_000), ANY)


def _office(size: int) -> Iterator[Case]:
    name = "office/laughs.docx"
    laughs = (
        "<!DOCTYPE w [" + '<!ENTITY a0 "lol">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    )
    body = paragraph(address(name)) + "<w:p><w:r><w:t>&a9;</w:t></w:r></w:p>"
    yield Case(name, docx(body, doctype=laughs + "]>"), REFUSED)
    name = "office/tables-deep.docx"
    table = "<w:tbl><w:tr><w:tc>"
    yield Case(name, docx(table * 20_000 + paragraph(address(name)) + "</w:tc></w:tr></w:tbl>" * 20_000), ANY)
    name = "office/entity-of-a-file.docx"
    reach = '<!DOCTYPE w [<!ENTITY x SYSTEM "file://OUTSIDE">]>'
    yield Case(name, docx(paragraph(address(name)) + "<w:p><w:r><w:t>&x;</w:t></w:r></w:p>", doctype=reach), ANY)
    name = "office/far-corner.xlsx"
    cells = f'<row r="1"><c r="A1" t="inlineStr"><is><t>{address(name)}</t></is></c></row>'
    cells += '<row r="1048576"><c r="XFD1048576" t="inlineStr"><is><t>far</t></is></c></row>'
    yield Case(name, xlsx({"S": cells}), SOME, True)
    name = "office/no-such-string.xlsx"
    cells = f'<row r="1"><c r="A1" t="s"><v>99999999</v></c><c r="B1" t="inlineStr"><is><t>{address(name)}'
    cells += "</t></is></c></row>"
    yield Case(name, xlsx({"S": cells}), SOME, True)
    name = "office/cells.xlsx"
    row = '<row><c t="inlineStr"><is><t>abc</t></is></c></row>' * (20_000 * size)
    yield Case(name, xlsx({"S": row + f'<row><c t="inlineStr"><is><t>{address(name)}</t></is></c></row>'}), SOME, True)
    name = "office/parts-missing.docx"
    yield Case(name, zipped({"[Content_Types].xml": "<Types/>", "word/other.xml": f"<a>{address(name)}</a>"}), ANY)
    yield Case("office/ole-ring.doc", _ole(ring=True), ANY)
    yield Case("office/ole-cut.xls", _ole(ring=False)[:700], ANY)
    name = "office/groups-deep.rtf"
    yield Case(name, b"{\\rtf1 " + b"{" * 100_000 + address(name).encode() + b"}" * 100_001, ANY)


def _ole(*, ring: bool) -> bytes:
    """A compound file whose allocation table leads in a ring. Source: MS-CFB 2.2 to 2.6."""
    head = bytearray(512)
    head[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    head[24:34] = struct.pack("<HHHHH", 0x3E, 3, 0xFFFE, 9, 6)
    head[44:80] = struct.pack("<9I", 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0, 0)
    head[80:] = b"\xff" * 432
    table = [0xFFFFFFFD, 1 if ring else 0xFFFFFFFE, 2, *[0xFFFFFFFF] * 125]
    root = "Root Entry".encode("utf-16-le").ljust(64, b"\0") + struct.pack("<HBBIII", 22, 5, 1, *[0xFFFFFFFF] * 2, 1)
    root = root.ljust(116, b"\0") + struct.pack("<IQ", 2, 1 << 40)
    doc = "WordDocument".encode("utf-16-le").ljust(64, b"\0") + struct.pack("<HBBIII", 26, 2, 1, *[0xFFFFFFFF] * 3)
    doc = doc.ljust(116, b"\0") + struct.pack("<IQ", 2, 1 << 30)
    return (
        bytes(head)
        + struct.pack("<128I", *table)
        + (root + doc).ljust(512, b"\0")
        + b"\xec\xa5\xc1\0".ljust(512, b"\0")
    )


def _tables() -> Iterator[Case]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "a.db")
        name = "data/endless-view.sqlite"
        con = sqlite3.connect(path)
        con.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, mail TEXT)")
        con.execute("INSERT INTO t VALUES (1, ?)", (address(name),))
        con.execute("CREATE VIEW v AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) SELECT n FROM c")
        con.execute("CREATE TRIGGER g AFTER INSERT ON t BEGIN DELETE FROM t; END")
        con.commit()
        con.close()
        whole = path.read_bytes()
    yield Case(name, whole, SOME, True)
    yield Case("data/cut.sqlite", whole[: len(whole) // 2], ANY)
    yield Case("data/page-of-noise.sqlite", whole[:4096] + random.Random(5).randbytes(4096), ANY)
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = io.BytesIO()
    name = "data/cut.parquet"
    pq.write_table(pa.table({"mail": [address(name)] * 50}), out)
    whole = out.getvalue()
    yield Case(name, whole[:-20], REFUSED)
    yield Case("data/footer.parquet", whole[:-40] + random.Random(6).randbytes(32) + whole[-8:], REFUSED)
    yield Case("data/footer-of-a-gigabyte.parquet", whole[:-8] + struct.pack("<I", 1 << 30) + b"PAR1", REFUSED)


def _magics() -> Iterator[Case]:
    """The head of every known format, and behind it nothing, zeros or noise."""
    rng = random.Random(9)
    for number, (at, magic, media_type) in enumerate(MAGICS):
        kind = media_type.rpartition("/")[2].replace("+", "-")
        head = bytes(at) + magic
        if media_type.startswith(("audio/", "video/")) or at == 8:
            head = b"RIFF" + head[4:] if at == 8 and magic != b"DUCK" else head
        yield Case(f"magic/{number:02d}-{kind}-nothing", head, ANY)
        yield Case(f"magic/{number:02d}-{kind}-zeros", head + bytes(20_000), ANY)
        yield Case(f"magic/{number:02d}-{kind}-noise", head + rng.randbytes(20_000), ANY)


NAMES = (
    b"new\nline.txt",
    b"esc\x1b[2J.txt",
    b"latin-\xe9\xff.txt",
    b"=cmd().txt",
    b"-rf.txt",
    b"<script>alert(1)</script>.txt".replace(b"/", b"|"),
    "\u202egnp.txt".encode(),
    b"x" * 251 + b".txt",
    b"..txt",
    b" .txt",
)


def build(folder: Path, *, small: bool) -> list[dict[str, object]]:
    """The tree below `folder`/tree, and its manifest; what lies outside of it is `folder`/outside.txt."""
    tree = folder / "tree"
    tree.mkdir(parents=True)
    outside = folder / "outside.txt"
    outside.write_text(OUTSIDE)
    rows: list[dict[str, object]] = []

    def row(name: str, outcomes: tuple[str, ...], found: bool) -> None:
        rows.append({"object": name, "outcomes": list(outcomes), "found": found, "mail": address(name)})

    for case in cases(small):
        path = tree / case.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(case.data.replace(b"OUTSIDE", os.fsencode(outside)))
        row(case.name, case.outcomes, case.found)
    names = tree / "names"
    names.mkdir()
    for raw in NAMES:
        with suppress(OSError):  # a file system may refuse bytes that are not UTF-8
            with open(os.fsencode(names) + b"/" + raw, "wb") as out:
                out.write(_planted("names"))
            shown = "".join(
                c if not "\udc80" <= c <= "\udcff" else f"\\x{ord(c) - 0xDC00:02x}" for c in os.fsdecode(raw)
            )
            rows.append({"object": f"names/{shown}", "outcomes": list(READ), "found": True, "mail": address("names")})
    _no_files(tree, row, outside)
    with (folder / "MANIFEST.jsonl").open("w") as out_:
        out_.writelines(json.dumps(entry) + "\n" for entry in rows)
    return rows


def _no_files(tree: Path, row: Callable[[str, tuple[str, ...], bool], None], outside: Path) -> None:
    """Pipes, sockets, links and holes."""
    special = tree / "special"
    special.mkdir()
    if hasattr(os, "mkfifo"):
        os.mkfifo(special / "pipe")
        row("special/pipe", ("skipped",), False)
    if hasattr(socket, "AF_UNIX"):
        with suppress(OSError), socket.socket(socket.AF_UNIX) as server:  # a path may be too long for one
            server.bind(str(special / "socket"))
            row("special/socket", ("skipped",), False)
    (special / "ring").symlink_to(special / "ring")
    (special / "up").symlink_to(tree)
    (special / "nowhere").symlink_to(special / "none")
    (special / "out.txt").symlink_to(outside)
    for name in ("ring", "up", "nowhere", "out.txt"):
        row(f"special/{name}", ("skipped",), False)
    with (special / "hole.txt").open("wb") as out:
        out.write(_planted("special/hole.txt"))
        out.truncate(1 << 40)
    row("special/hole.txt", SOME, True)
    denied = special / "denied.txt"
    denied.write_bytes(_planted("special/denied.txt"))
    denied.chmod(0)
    if hasattr(os, "geteuid") and os.geteuid() != 0:
        row("special/denied.txt", ("skipped", "failed"), False)
    else:
        row("special/denied.txt", READ, True)


def main() -> int:
    """Make the tree."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--small", action="store_true", help="bombs fifty times smaller")
    args = parser.parse_args()
    rows = build(args.folder, small=args.small)
    print(f"{len(rows)} objects below {args.folder / 'tree'}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
