"""HL7 version 2 messages and batches: each field in one piece, its components with their own places.

Source: HL7 v2.5.1, chapter 2 (2.5 to 2.7, 2.10); field names of chapters 3, 6 and 7.
"""

from __future__ import annotations

import base64
import binascii
import io
import re
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from piiscan.extract import Job
from piiscan.extract.pieces import Key, Pieces
from piiscan.extract.text import Lines, decoded, physical_lines, windows
from piiscan.model import Place, Segment

MEDIA_TYPES = frozenset({"application/hl7-v2"})

_HEADS = ("MSH", "FHS", "BHS")
"""Segments that declare the delimiters."""
_SEGMENT = re.compile(r"[A-Z][A-Z0-9]{2}\Z")
_LEAST = 64
"""Characters of encoded data that may be a document."""
_NAMES = {
    "PID": {
        2: "Patient ID",
        3: "Patient identifier",
        4: "Alternate patient ID",
        5: "Patient name",
        6: "Mother's maiden name",
        7: "Date of birth",
        9: "Patient alias",
        11: "Patient address",
        13: "Phone number",
        14: "Business phone number",
        18: "Patient account number",
        19: "SSN",
        20: "Driver's license number",
        21: "Mother's identifier",
        23: "Birth place",
        29: "Date of death",
    },
    "NK1": {2: "Name", 4: "Address", 5: "Phone number", 16: "Date of birth", 30: "Contact name", 37: "SSN"},
    "GT1": {3: "Guarantor name", 5: "Address", 6: "Phone number", 8: "Date of birth", 12: "SSN"},
    "IN1": {
        2: "Insurance plan ID",
        16: "Name of insured",
        18: "Date of birth",
        19: "Address of insured",
        36: "Policy number",
        49: "Insured's ID number",
    },
    "IN2": {2: "SSN", 6: "Medicare number", 8: "Medicaid number"},
    "PV1": {7: "Attending doctor", 8: "Referring doctor", 9: "Consulting doctor", 17: "Admitting doctor", 19: "Visit"},
    "OBX": {3: "Observation", 5: "Observation value", 16: "Responsible observer"},
    "DG1": {3: "Diagnosis", 4: "Diagnosis"},
    "AL1": {3: "Allergy"},
    "OBR": {16: "Ordering provider", 4: "Service"},
    "ORC": {12: "Ordering provider"},
    "STF": {3: "Staff name", 6: "Date of birth", 10: "Phone", 11: "Address"},
    "MRG": {1: "Prior patient identifier", 7: "Prior patient name"},
}


class Hl7:
    """The extractor of HL7 version 2."""

    media_types = MEDIA_TYPES

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """Pieces of one field each; a place has the message (record, from 0), the line and the path `PID-5.1`."""
        lines = Lines(decoded(stream, job))
        reader = _Reader(job)
        while True:
            number = lines.line
            block = lines.block()
            if block is None:
                break
            if not block:
                yield from windows(lines.rest_of_line(), replace(job.place, line=number), flat=False, line=None)
                continue
            for line in physical_lines(block):
                yield from reader.segment(line.strip("\r\n\x0b\x1c"), number)
                number += 1
        yield from reader.pieces.flush()


class _Reader:
    """Reads segments one by one."""

    def __init__(self, job: Job) -> None:
        self._job = job
        self.pieces = Pieces()
        self._message = -1
        self._seen: dict[str, int] = {}
        self._set("|", "^~\\&")

    def _set(self, field: str, others: str) -> None:
        """Take over the delimiters of a message."""
        others = (others + "^~\\&"[len(others) :])[:4]
        self._field = field
        self._component, self._repeat, self._escape, self._sub = others[0], others[1], others[2], others[3]
        mark = re.escape(self._escape)
        self._escapes = re.compile(rf"{mark}([^{mark}\s]{{1,200}}){mark}")
        self._plain = {"F": field, "S": others[0], "R": others[1], "E": others[2], "T": others[3], ".br": "\n"}

    def segment(self, line: str, number: int) -> Iterator[Segment]:
        """The pieces of one segment."""
        if not line.strip():
            return
        name = line[:3]
        where = replace(self._job.place, line=number, record=max(self._message, 0))
        if not _SEGMENT.match(name) or (line[3:4] not in (self._field, "") and name not in _HEADS):
            yield from self.pieces.add(line, where)
            return
        first = 1
        if name in _HEADS and len(line) > 4:
            self._set(line[3], line[4:].split(line[3], 1)[0])
            first = 2
        if name == "MSH":
            self._message += 1
            self._seen = {}
            where = replace(where, record=self._message)
        count = self._seen[name] = self._seen.get(name, 0) + 1
        label = name if count == 1 else f"{name}[{count}]"
        fields = line.split(self._field)[1:]
        for position, field in enumerate(fields, first):
            if not field or (first == 2 and position == 2):
                continue
            document = self._document(name, fields, position - first)
            if document:
                yield from self._job.nested(f"{label}-{position} of message {where.record}", document)
                continue
            yield from self._given(field, f"{label}-{position}", _NAMES.get(name, {}).get(position, ""), where)

    def _document(self, name: str, fields: list[str], index: int) -> BinaryIO | None:
        """What an observation of type ED (encapsulated data) holds."""
        if name != "OBX" or index != 4 or fields[1:2] != ["ED"]:
            return None
        parts = fields[index].split(self._component)
        if len(parts) < 5 or parts[3].lower() != "base64" or len(parts[4]) < _LEAST:
            return None
        try:
            return io.BytesIO(base64.b64decode(parts[4], validate=False))
        except (binascii.Error, ValueError):
            return None

    def _given(self, field: str, path: str, label: str, where: Place) -> Iterator[Segment]:
        """One field: its label, then its components, each at its path."""
        text = f"{label}: " if label else ""
        starts: list[tuple[int, Place | Key]] = [(0, replace(where, path=path))] if text else []
        repeats = field.split(self._repeat)
        for number, repeat in enumerate(repeats, 1):
            base = path if len(repeats) == 1 else f"{path}[{number}]"
            components = repeat.split(self._component)
            numbered = list(enumerate(components, 1))
            if "name" in label:
                # Family name, given name, further names: in the order in which people write them.
                numbered = [*numbered[1:3], *numbered[:1], *numbered[3:]]
            for component, part in numbered:
                inner = base if len(components) == 1 else f"{base}.{component}"
                # A field of one component is mostly text, where the mark is a plain ampersand.
                subs = part.split(self._sub) if len(components) > 1 else [part]
                for sub, value in enumerate(subs, 1):
                    if not value or value == '""':
                        continue
                    starts.append((len(text), replace(where, path=inner if len(subs) == 1 else f"{inner}.{sub}")))
                    text += self._unescaped(value) + " "
            if number < len(repeats):
                text = text.rstrip(" ") + "\n"
        if text.strip() and starts:
            yield from self.pieces.add(text.rstrip(" "), starts)

    def _unescaped(self, value: str) -> str:
        return self._escapes.sub(self._resolved, value) if self._escape in value else value

    def _resolved(self, found: re.Match[str]) -> str:
        code = found[1]
        if code in self._plain:
            return self._plain[code]
        if code[0] == "X" and re.fullmatch(r"(?:[0-9A-Fa-f]{2})+", code[1:]):
            return bytes.fromhex(code[1:]).decode("utf-8", "replace")
        return " " if code[0] in ".HNCM" else found[0]


EXTRACTOR = Hl7()
