"""Small documents made by hand for the extractor tests; every planted value is synthetic."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence

from fixtures.archives import zip_bytes
from fixtures.writers.pdf import pdf_bytes, pdf_objects, pdf_stream
from piiscan.extract import Budget, Job, Limits, extractor_for
from piiscan.model import ColumnSegment, Place, Segment, TextSegment

MAIL = "ana.prueba@example.org"
SSN = "078-05-1120"
IBAN = "GB82WEST12345698765432"

DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_W = (
    'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main" '
    'xmlns:mc="http://schemas.openxmlformats.org/markup-compatibility/2006"'
)
_S = (
    'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
    'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
)
_R = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'


def extract(
    data: bytes, media_type: str, *, name: str = "x", limits: Limits | None = None
) -> tuple[list[Segment], Job]:
    """All segments of a document, and the job that holds its notes."""
    job = Job(name, media_type, budget=Budget(limits or Limits(), bytes_in=len(data)))
    return list(extractor_for(media_type).extract(io.BytesIO(data), job)), job


def text_of(segments: Sequence[Segment]) -> str:
    """The text that the segments own, context repeated before a core left out."""
    out: list[str] = []
    for segment in segments:
        if isinstance(segment, TextSegment):
            begin, end = segment.core or (0, len(segment.text))
            out.append(segment.text[begin:end])
        else:
            out.extend(segment.values)
    return "\n".join(out)


def places_of(segments: Sequence[Segment], value: str) -> list[Place]:
    """The place of each occurrence of a value."""
    out: list[Place] = []
    for segment in segments:
        if isinstance(segment, ColumnSegment):
            out.extend(segment.place_of(i) for i, text in enumerate(segment.values) if value in text)
            continue
        begin, end = segment.core or (0, len(segment.text))
        at = segment.text.find(value, begin)
        while 0 <= at < end:
            out.append(segment.place_of(at))
            at = segment.text.find(value, at + 1)
    return out


def zipped(parts: Mapping[str, str | bytes]) -> bytes:
    """A zip of these parts."""
    return zip_bytes(parts)


def paragraph(*runs: str) -> str:
    """A paragraph of runs."""
    return "<w:p>" + "".join(f'<w:r><w:t xml:space="preserve">{run}</w:t></w:r>' for run in runs) + "</w:p>"


def word_table(rows: Sequence[Sequence[str]]) -> str:
    """A table of one-paragraph cells."""
    cells = ["".join(f"<w:tc>{paragraph(cell)}</w:tc>" for cell in row) for row in rows]
    return "<w:tbl>" + "".join(f"<w:tr>{row}</w:tr>" for row in cells) + "</w:tbl>"


def docx(body: str, parts: Mapping[str, str | bytes] | None = None, *, doctype: str = "") -> bytes:
    """A Word document; `parts` are added as they are, with `{W}` standing for the namespaces."""
    xml = f'<?xml version="1.0"?>{doctype}<w:document {_W}><w:body>{body}</w:body></w:document>'
    more = {k: v.replace("{W}", _W) if isinstance(v, str) else v for k, v in (parts or {}).items()}
    return zipped({"[Content_Types].xml": "<Types/>", "word/document.xml": xml, **more})


def cell(ref: str, text: str) -> str:
    """An inline string cell; an empty `ref` leaves its attribute out."""
    return f'<c{f" r={chr(34)}{ref}{chr(34)}" if ref else ""} t="inlineStr"><is><t>{text}</t></is></c>'


def xlsx(sheets: Mapping[str, str], parts: Mapping[str, str | bytes] | None = None, *, strings: str = "") -> bytes:
    """A workbook of sheets given as rows of XML."""
    names = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="rId{n}"/>' for n, name in enumerate(sheets, 1))
    links = "".join(
        f'<Relationship Id="rId{n}" Type="worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, len(sheets) + 1)
    )
    made: dict[str, str | bytes] = {
        "[Content_Types].xml": "<Types/>",
        "xl/workbook.xml": f"<workbook {_S}><sheets>{names}</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f"<Relationships {_R}>{links}</Relationships>",
    }
    for n, rows in enumerate(sheets.values(), 1):
        made[f"xl/worksheets/sheet{n}.xml"] = f"<worksheet {_S}><sheetData>{rows}</sheetData></worksheet>"
    if strings:
        made["xl/sharedStrings.xml"] = f"<sst {_S}>{strings}</sst>"
    more = {k: v.replace("{S}", _S).replace("{R}", _R) if isinstance(v, str) else v for k, v in (parts or {}).items()}
    return zipped({**made, **more})


def self_drawing_pdf(text: str) -> bytes:
    """A page with text and a form that draws itself twice, its dictionary hidden from a plain look at the file."""
    objects = pdf_objects([[text]])
    objects[10] = (
        "<</Type/Page/Parent 2 0 R/MediaBox[0 0 612 792]/Contents 11 0 R"
        "/Resources<</Font<</F1 3 0 R>>/XObject<</X 20 0 R>>>>>>"
    )
    objects[11] = pdf_stream(f"BT /F1 12 Tf 72 700 Td ({text}) Tj ET /X Do".encode())
    objects[20] = pdf_stream(b"/X Do /X Do", "/Type/XObject/Subtype/Form/BBox[0 0 9 9]/Resources 21 0 R")
    objects[21] = "<</XObject<</X 20 0 R>>>>"
    return pdf_bytes(objects)
