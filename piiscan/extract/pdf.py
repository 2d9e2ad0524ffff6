"""PDF: pdfium first, pdfminer where it refuses, and an own salvage of streams where both do.

pdfium reads 240 pages a second and pdfminer 2 (measured), so the second reader is for what the first cannot open.
"""

from __future__ import annotations

import contextlib
import io
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import accumulate
from typing import Any, BinaryIO

from piiscan.errors import Encrypted, LimitReached, ObjectError
from piiscan.extract import Job
from piiscan.extract.ocr import page_lines
from piiscan.extract.pieces import Pieces
from piiscan.extract.places import lazy
from piiscan.extract.spooled import seekable
from piiscan.model import LINE_BREAK, Place, Segment, TextSegment

MEDIA_TYPES = frozenset({"application/pdf"})

_MINER_PAGES = 200
"""Pages that the slow second reader may take."""
LOCKED = "encrypted PDF: no text read (a user password is needed, see --passwords)"
_GUARD = 64 << 20
"""Bytes of a file that is looked through for forms that draw themselves."""
_FILTERS = 10
_NUMBERED = re.compile(rb"(\d{1,10})\s+\d{1,5}\s+\Z")
_DICTIONARY = 4096
"""Bytes of an object's dictionary, before its stream."""
_REFERENCE = re.compile(rb"(\d{1,10})\s+\d{1,5}\s+R\b")
_HYPHEN = re.compile("[\ufffe\x02](?:\r\n|\n|\r)?")
_STRINGS = ("Contents", "T", "TU", "V", "RC", "Subj")
"""Entries of an annotation that hold text."""


class PdfExtractor:
    """PDF files."""

    media_types = MEDIA_TYPES

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """The text of `stream`, page by page. Raises: ObjectError."""
        from piiscan.extract.pdf_salvage import complete, inflates_without_end, repaired

        source = seekable(stream, job)
        held = min(_GUARD, job.limits.part_bytes)
        head = source.read(held)
        source.seek(0)
        state = _State()
        loop = draws_itself(head)
        bomb = inflates_without_end(head)
        if bomb:
            job.note("FILE_EXCEEDS_SIZE_LIMIT", "a stream inflates beyond all measure; text was salvaged up to a limit")
        if job.again:
            job.note("MALFORMED_FILE", "a PDF that ended its first reader; read by the second")
        if not loop and not bomb and not job.again:
            # Of bytes in memory pdfium takes what it wants; a stream it calls back for each of hundreds of pieces.
            yield from _by_pdfium(head if len(head) < held else source, job, state)
            if not state.opened and (whole := repaired(head)) is not None:
                if not complete(head):
                    job.note("MALFORMED_FILE", "truncated PDF; the pages that are left were read")
                yield from _by_pdfium(whole, job, state)
        if state.text:
            return
        miner = _State()
        if not bomb:
            yield from _by_pdfminer(source, job, miner, _MINER_PAGES)
        if miner.text:
            if not state.opened and not loop and not job.again:
                job.note("MALFORMED_FILE", "damaged PDF; read by the second reader")
            return
        yield from _by_salvage(source, job, state, noted=bomb)


EXTRACTOR = PdfExtractor()


class _State:
    """What a reader has met."""

    def __init__(self) -> None:
        self.opened = False
        self.text = False
        """Some page gave text."""
        self.pages = 0
        self.pictures = 0
        """Pages without text that hold a picture."""


def draws_itself(data: bytes) -> bool:
    """Whether a form's own resources lead back to it: pdfium would draw such a form for ever.

    Only objects outside of object streams are seen; the deadline of the parser process is for the rest.
    """
    refers: dict[bytes, set[bytes]] = {}
    at = -1
    while (at := data.find(b"/Form", at + 1)) >= 0:
        begin = data.rfind(b"obj", max(at - _DICTIONARY, 0), at)
        head = _NUMBERED.search(data, max(begin - 24, 0), begin) if begin >= 0 else None
        if head is None:
            continue
        held = data[begin + 3 : begin + 3 + _DICTIONARY]
        held = held[: min((end for word in (b"stream", b"endobj") if (end := held.find(word)) >= 0), default=0)]
        if b"/Form" in held and b"/XObject" in held:
            refers[head[1]] = {r[1] for r in _REFERENCE.finditer(held, held.find(b"/Resources"))}
    for form in refers:
        seen, todo = set[bytes](), list(refers[form])
        while todo:
            number = todo.pop()
            if number == form:
                return True
            if number not in seen and number in refers:
                seen.add(number)
                todo.extend(refers[number])
    return False


def page_segment(text: str, place: Place) -> TextSegment | None:
    """A page's text with a place for each line; soft hyphens are dropped and words broken by one joined."""
    text = text.replace("\u00ad", "").replace("\x00", "")
    if not text or text.isspace():
        return None
    lines = LINE_BREAK.split(text)
    if _HYPHEN.search(text) is None:
        starts = list(accumulate((len(line) + 1 for line in lines[:-1]), initial=0))
    else:
        starts, broken = [], lines
        lines, at = [], 0
        for line in broken:
            # A word hyphenated over two lines goes on in the line where it began.
            parts = _HYPHEN.split(line)
            starts += accumulate(map(len, parts[:-1]), initial=at)
            lines.append("".join(parts))
            at += len(lines[-1]) + 1
    return TextSegment(
        "\n".join(lines),
        starts=tuple(starts),
        places=lazy(place, {"line": tuple(range(1, len(starts) + 1))}, len(starts)),
    )


def _by_pdfium(source: BinaryIO | bytes, job: Job, state: _State) -> Iterator[Segment]:
    import pypdfium2 as pdfium
    import pypdfium2.raw as raw

    for word in (None, *job.passwords):
        try:
            document = pdfium.PdfDocument(source, password=word, autoclose=False)
            break
        except pdfium.PdfiumError as err:
            if getattr(err, "err_code", None) != raw.FPDF_ERR_PASSWORD and "password" not in str(err).lower():
                return
    else:
        raise Encrypted(LOCKED)
    try:
        # Its advice to install a build with XFA is of no use to whoever runs a scan.
        logging.getLogger("pypdfium2").setLevel(logging.CRITICAL)
        with contextlib.suppress(pdfium.PdfiumError):
            document.init_forms()
        count = len(document)
        if count > job.limits.pages:
            job.note("FILE_EXCEEDS_SIZE_LIMIT", f"only the first {job.limits.pages} of {count} pages were read")
        state.opened = count > 0
        hidden = Pieces()
        missing = 0
        for index in range(min(count, job.limits.pages)):
            place = replace(job.place, page=index + 1)
            try:
                page = document[index]
            except pdfium.PdfiumError:
                missing += 1
                if missing > 100:
                    break
                continue
            try:
                pictures = state.pictures
                segment = _page_text(page, place, state, raw)
                if segment is not None:
                    job.budget.spend(len(segment.text))
                    yield segment
                elif state.pictures > pictures and job.limits.ocr:
                    yield from page_lines(page, job, place)
                for part, name, value in _annotations(page, document, raw):
                    where = replace(place, part=part)
                    if name:
                        yield from hidden.add(name, where)
                    yield from hidden.add(value, where)
            finally:
                page.close()
        yield from hidden.flush()
        yield from _around(document, job, state)
        if missing:
            job.note("MALFORMED_FILE", f"{missing} of {count} pages could not be read")
        if state.pictures:
            if not job.limits.ocr:
                job.note("OCR", f"{state.pictures} page(s) hold only pictures, whose text is not read")
            state.text = True  # there is nothing more for other readers to find
    finally:
        document.close()


def _page_text(page: Any, place: Place, state: _State, raw: Any) -> TextSegment | None:
    """Text of one page; counts what has none but a picture."""
    import pypdfium2 as pdfium

    state.pages += 1
    text_page = page.get_textpage()
    try:
        text = text_page.get_text_range()
    except pdfium.PdfiumError:
        text = ""
    finally:
        text_page.close()
    segment = page_segment(text, place)
    if segment is not None:
        state.text = True
    elif any(True for _ in page.get_objects(filter=[raw.FPDF_PAGEOBJ_IMAGE], max_depth=3)):
        state.pictures += 1
    return segment


def _annotations(page: Any, document: Any, raw: Any) -> Iterator[tuple[str, str, str]]:
    """(part, name, text) of form fields, notes and links of a page."""
    form = document.formenv
    for index in range(min(raw.FPDFPage_GetAnnotCount(page), 10_000)):
        annotation = raw.FPDFPage_GetAnnot(page, index)
        if not annotation:
            continue
        try:
            kind = raw.FPDFAnnot_GetSubtype(annotation)
            if kind == raw.FPDF_ANNOT_WIDGET:
                if form is not None:
                    name = _wide(lambda b, n, a=annotation: raw.FPDFAnnot_GetFormFieldName(form, a, b, n))
                    value = _wide(lambda b, n, a=annotation: raw.FPDFAnnot_GetFormFieldValue(form, a, b, n))
                else:
                    name, value = _entry(annotation, "T", raw), _entry(annotation, "V", raw)
                if value.strip():
                    yield "form", name, value
                continue
            for key in _STRINGS:
                text = _entry(annotation, key, raw)
                if text.strip():
                    yield "annotation", "", text
            link = raw.FPDFAnnot_GetLink(annotation) if kind == raw.FPDF_ANNOT_LINK else None
            action = raw.FPDFLink_GetAction(link) if link else None
            if action:
                size = raw.FPDFAction_GetURIPath(document, action, None, 0)
                if 1 < size < 1 << 16:
                    buffer = _buffer(size)
                    raw.FPDFAction_GetURIPath(document, action, buffer, size)
                    yield "link", "", re.sub(r"^(?:mailto|tel):", "", buffer.raw[: size - 1].decode("utf-8", "replace"))
        finally:
            raw.FPDFPage_CloseAnnot(annotation)


def _buffer(size: int) -> Any:
    import ctypes

    return ctypes.create_string_buffer(size)


def _wide(call: Any) -> str:
    """The UTF-16 string that a pdfium getter writes: called once for the size and once for the text."""
    import ctypes

    size = call(None, 0)
    if not 2 < size < 1 << 24:
        return ""
    buffer = (ctypes.c_ushort * (size // 2 + 1))()
    call(buffer, size)
    return bytes(buffer)[: size - 2].decode("utf-16-le", "replace").replace("\r\n", "\n").replace("\r", "\n")


def _entry(annotation: Any, key: str, raw: Any) -> str:
    """A string of an annotation's dictionary."""
    return _wide(lambda b, n: raw.FPDFAnnot_GetStringValue(annotation, key.encode(), b, n))


def _around(document: Any, job: Job, state: _State) -> Iterator[Segment]:
    """Metadata, bookmarks and attachments."""
    import pypdfium2 as pdfium
    import pypdfium2.raw as raw

    pieces = Pieces()
    place = replace(job.place, part="metadata")
    for key in document.METADATA_KEYS:
        # Not by `get_metadata_dict`, which raises on a lone surrogate.
        value = _wide(lambda b, n, k=key: raw.FPDF_GetMetaText(document, k.encode(), b, n))
        if value.strip():
            yield from pieces.add(key, place)
            yield from pieces.add(value, place)
    place = replace(job.place, part="bookmark")
    with contextlib.suppress(pdfium.PdfiumError, UnicodeDecodeError):
        for number, mark in enumerate(document.get_toc(max_depth=15)):
            if number >= 100_000:
                break
            if title := mark.get_title():
                yield from pieces.add(title, place)
    yield from pieces.flush()
    yield from _xfa(document, job)
    for index in range(min(document.count_attachments(), job.limits.members)):
        try:
            attachment = document.get_attachment(index)
            name, data = attachment.get_name() or f"attachment-{index + 1}", bytes(attachment.get_data())
        except (pdfium.PdfiumError, UnicodeDecodeError):
            job.note("MALFORMED_FILE", f"attachment {index + 1} could not be read")
            continue
        state.text = True
        job.budget.spend(len(data))
        yield from job.nested(name, io.BytesIO(data))


def _xfa(document: Any, job: Job) -> Iterator[Segment]:
    """The field values of an XFA form, which stand in an XML packet of their own."""
    import ctypes

    import pypdfium2.raw as raw

    from piiscan.extract.markup import xml_segments

    for index in range(min(max(raw.FPDF_GetXFAPacketCount(document), 0), 100)):
        name = _buffer(64)
        raw.FPDF_GetXFAPacketName(document, index, name, 64)
        size = ctypes.c_ulong()
        if name.value != b"datasets" or not raw.FPDF_GetXFAPacketContent(document, index, None, 0, size):
            continue
        job.budget.spend(size.value)
        if 0 < size.value <= job.limits.part_bytes:
            content = _buffer(size.value)
            raw.FPDF_GetXFAPacketContent(document, index, content, size.value, size)
            yield from xml_segments(io.BytesIO(content.raw), job, replace(job.place, part="form"))


def _by_pdfminer(stream: BinaryIO, job: Job, state: _State, most: int) -> Iterator[Segment]:
    """Pages as pdfminer reads them; stops without a word where it fails."""
    from pdfminer.high_level import extract_pages
    from pdfminer.layout import LTTextContainer
    from pdfminer.pdfdocument import PDFPasswordIncorrect

    # Its warnings quote the content.
    logging.getLogger("pdfminer").setLevel(logging.CRITICAL)
    stream.seek(0)
    source: Any = stream
    number = 0
    try:
        for number, page in enumerate(extract_pages(source, maxpages=min(most, job.limits.pages)), 1):
            state.opened = True
            text = "".join(box.get_text() for box in page if isinstance(box, LTTextContainer))
            segment = page_segment(text, replace(job.place, page=number))
            if segment is not None:
                state.text = True
                job.budget.spend(len(segment.text))
                yield segment
    except PDFPasswordIncorrect:
        raise Encrypted(LOCKED) from None
    except (ObjectError, GeneratorExit, MemoryError):
        raise
    except Exception:
        # pdfminer raises nearly anything on a damaged file.
        if state.text:
            job.note("MALFORMED_FILE", f"damaged PDF after page {number}")
        return
    if number >= most:
        job.note("FILE_EXCEEDS_SIZE_LIMIT", f"only the first {most} pages of this damaged PDF were read")


def _by_salvage(stream: BinaryIO, job: Job, state: _State, *, noted: bool) -> Iterator[Segment]:
    """Whatever text operators can be found, when no reader gave any text."""
    from piiscan.extract.pdf_salvage import filter_chain, salvaged

    stream.seek(0)
    data = stream.read(job.limits.part_bytes)
    if len(data) == job.limits.part_bytes:
        raise LimitReached(f"a damaged PDF larger than {job.limits.part_bytes} bytes")
    found = False
    for text in salvaged(data, job.budget.spend):
        segment = page_segment(text, job.place)
        if segment is not None:
            found = True
            yield segment
    longest = filter_chain(data)
    if longest > _FILTERS:
        job.note("MALFORMED_FILE", f"a stream behind {longest} filters was not read")
    elif not noted and (found or not state.opened):
        job.note("MALFORMED_FILE", "damaged PDF; text was salvaged from its streams, without pages")
