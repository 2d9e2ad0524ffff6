"""Which encoding a stretch of bytes is in: byte order marks, UTF-8, zero bytes, and only then a detector.

ASCII and UTF-8 never reach the detector: they are nearly all of what is scanned, and it reads 7 MB/s.
"""

from __future__ import annotations

import codecs
import re

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROLS = bytes(b for b in range(32) if b not in b"\t\n\x0b\x0c\r\x08\x1b") + b"\x7f"
_ESCAPES = re.compile(rb"\x1b[$(][@-J]|\x1b\$\)C")
_HZ = re.compile(rb"~\{(?:[!-w][!-~])+~\}")
_WIDER = {"gb2312": "gb18030", "gbk": "gb18030", "hz": "hz", "euc_kr": "cp949", "ascii": "utf-8", "iso8859-1": "cp1252"}
"""Encodings whose files are mostly written in the superset."""
_DETECT = 16 << 10
"""Bytes shown to the detector: more bring little, and it costs 0.15 microseconds a byte."""
_EBCDIC_TEXT = re.compile(r"[A-Za-z0-9 .,;:@'()/\r\n\t\x85-]")


def charset_of(head: bytes, whole: bool = True) -> str:
    """A Python codec name, or "" when the bytes are no text. `whole`: nothing follows `head`.

    >>> charset_of(b"plain"), charset_of("Zoë".encode()), charset_of(bytes(64))
    ('utf-8', 'utf-8', '')
    """
    for mark, name in _MARKS:
        if head.startswith(mark):
            return name
    has_nul = b"\0" in head
    if not has_nul and _controls(head) * 50 <= len(head) and is_utf8(head, whole):
        if (b"\x1b" in head and _ESCAPES.search(head)) or (b"~{" in head and _HZ.search(head)):
            return _detected(head) or "utf-8"
        return "utf-8"
    if has_nul:
        return _with_zeros(head, whole)
    return _legacy(head)


def is_utf8(head: bytes, whole: bool) -> bool:
    """Whether the bytes are UTF-8; the last character may be cut when more follows."""
    if head.isascii():
        return True
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head, whole)
    except UnicodeDecodeError:
        return False
    return True


def _controls(data: bytes) -> int:
    return len(data) - len(data.translate(None, _CONTROLS))


def _with_zeros(head: bytes, whole: bool) -> str:
    """UTF-32 and UTF-16 without a mark by where their zero bytes stand; else text among NULs, or none."""
    quarter, half = max(len(head) // 4, 1), max(len(head) // 2, 1)
    zeros = [head[i::4].count(0) / quarter for i in range(4)]
    if len(head) >= 8:
        if zeros[3] > 0.95 and zeros[2] > 0.8 and zeros[0] < 0.3 and _reads(head, "utf-32-le", 4):
            return "utf-32-le"
        if zeros[0] > 0.95 and zeros[1] > 0.8 and zeros[3] < 0.3 and _reads(head, "utf-32-be", 4):
            return "utf-32-be"
    even, odd = head[0::2].count(0) / half, head[1::2].count(0) / half
    rest = head.replace(b"\0", b"")
    # Plain ASCII with a NUL here and there decodes to Chinese as UTF-16: believe only a regular pattern there.
    least = 0.4 if rest.isascii() and not _controls(rest) else 0.005
    if odd > least and odd > 20 * even and _reads(head, "utf-16-le", 2):
        return "utf-16-le"
    if even > least and even > 20 * odd and _reads(head, "utf-16-be", 2):
        return "utf-16-be"
    if len(rest) >= 4 and _controls(rest) * 100 <= len(rest) and is_utf8(rest, whole):
        return "utf-8"
    return ""


def _reads(head: bytes, codec: str, unit: int) -> bool:
    """Whether the bytes decode to text: hardly a character that is a control, unassigned or private."""
    try:
        text = codecs.getincrementaldecoder(codec)().decode(head[: min(len(head), 4096) // unit * unit], False)
    except UnicodeDecodeError:
        return False
    good = sum(1 for c in text if c.isprintable() or c in "\t\r\n\x0c")
    return len(text) > 0 and good >= 0.97 * len(text)


def _legacy(head: bytes) -> str:
    """The encoding of bytes that are neither UTF-8 nor hold a NUL."""
    if _controls(head) * 50 > len(head):
        return _ebcdic(head)
    broken = head.decode("utf-8", "replace")
    bad = broken.count("\ufffd")
    high = sum(1 for c in broken if c > "\x7f") - bad if bad < 2000 else 0
    before = broken.partition("\ufffd")[0]
    # Files put together from two encodings begin with a long stretch of good UTF-8.
    if high > 8 * bad or sum(1 for c in before if c > "\x7f") >= 20:
        return "utf-8"
    return _ebcdic(head) or _east_asian(head) or _detected(head) or "cp1252"


def _ebcdic(head: bytes) -> str:
    """ "cp037" when the bytes read as plain English letters in it and not in ASCII."""
    sample = head[:4096]
    if sample.count(0x40) * 40 < len(sample):
        return ""
    text = sample.decode("cp037")
    plain = len(_EBCDIC_TEXT.findall(text))
    letters = sum(1 for c in text if c.isalnum())
    return "cp037" if plain > 0.9 * len(text) and letters * 2 > len(text) else ""


def _east_asian(head: bytes) -> str:
    """Shift-JIS or GB2312 when nearly every high byte reads as one of their common characters."""
    first = re.search(rb"[\x80-\xff]", head)
    begin = first.start() if first else 0
    sample = head[begin : begin + _DETECT]
    for codec, name in (("gb2312", "gb18030"), ("shift_jis", "shift_jis")):
        try:
            text = codecs.getincrementaldecoder(codec)().decode(sample, False)
        except UnicodeDecodeError:
            continue
        wide = [c for c in text if c > "\x7f"]
        if codec == "shift_jis":
            kana = sum(1 for c in wide if "\u3040" <= c <= "\u30ff")
            common = sum(1 for c in wide if "\u3000" <= c <= "\u9fff")
            fine = len(wide) >= 4 and common >= 0.95 * len(wide) and (kana > 0 or len(wide) >= 8)
        else:
            pairs = re.findall(rb"[\x80-\xff]{2}", sample)
            usual = sum(1 for p in pairs if 0xB0 <= p[0] <= 0xD7 or 0xA1 <= p[0] <= 0xA3)
            korean = sum(1 for p in pairs if 0xB0 <= p[0] <= 0xC8)
            runs = re.findall(rb"[\x80-\xff]+", sample)
            paired = sum(1 for r in runs if len(r) % 2 == 0 and len(r) >= 4)
            fine = len(pairs) >= 4 and usual >= 0.97 * len(pairs) and paired >= 0.8 * len(runs)
            # Hangul in EUC-KR and kana in EUC-JP share these bytes: let the detector judge those.
            fine = fine and korean < 0.9 * len(pairs) and sample.count(b"\xa4") * 8 < len(pairs)
        if fine:
            return name
    return ""


def _detected(head: bytes) -> str:
    """What the detector says, if it is a codec that Python knows."""
    import chardet

    first = re.search(rb"[\x80-\xff\x1b]|~\{", head)
    begin = max(first.start() - 256, 0) if first else 0
    found = chardet.detect(head[begin : begin + _DETECT])["encoding"]
    if not found:
        return ""
    try:
        name = codecs.lookup(str(found)).name
        plain = b"Az09".decode(name) == "Az09"
    except (LookupError, UnicodeError):
        return ""
    if not plain:
        return ""
    if name.startswith(("mac", "cp4", "cp7", "cp8")) and _western(head):
        return "cp1252"
    return _WIDER.get(name, name)


def _western(head: bytes) -> bool:
    """Whether the high bytes are letters of Latin-1: DOS and Macintosh have theirs below 0xA6 and 0xA0."""
    letters = sum(1 for b in head[:_DETECT] if b >= 0xC0)
    return letters >= 0.7 * sum(1 for b in head[:_DETECT] if b >= 0x80)
