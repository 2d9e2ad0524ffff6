"""JSON and JSON Lines: values by path, numbers as they are written, every value of a key given twice."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO

from piiscan.extract import Job
from piiscan.extract.paths import RECORDS, Collector, Pairs
from piiscan.extract.text import Lines, decoded, physical_lines, windows
from piiscan.extract.tokens import Document, NotJson
from piiscan.extract.utf8 import Stretch
from piiscan.model import Segment, TextSegment

MEDIA_TYPES = frozenset({"application/json", "application/x-ndjson"})


def _nothing(text: str) -> None:
    """NaN and the infinities hold no data."""


DECODER = json.JSONDecoder(
    object_pairs_hook=Pairs, parse_int=str, parse_float=str, parse_constant=_nothing, strict=False
)
"""Reads numbers as their literal text: a card number of 16 digits keeps them all."""


class Records:
    """The extractor of JSON in both forms."""

    media_types = MEDIA_TYPES

    def extract(self, stream: BinaryIO, job: Job) -> Iterator[Segment]:
        """Columns of values by path, a record being a line, an element of a top-level array, or the document."""
        if job.media_type == "application/x-ndjson":
            yield from json_lines(stream, job)
        else:
            yield from document(decoded(stream, job), job)


def json_lines(stream: BinaryIO, job: Job, stretch: Stretch | None = None) -> Iterator[Segment]:
    """The segments of JSON Lines. Of a `stretch`, which is all of the stream, lines and records are counted."""
    lines = Lines(decoded(stream, job), giant=16 << 20)
    collector = Collector(job.place, job.limits.json_depth)
    record, broken, since = 0, 0, 0
    while True:
        number = lines.line
        text = lines.block()
        if text is None:
            break
        if not text:
            place = replace(job.place, line=number, record=record)
            yield from windows(lines.rest_of_line(), place, flat=False, line=None, prose=False)
            record += 1
            continue
        for line in physical_lines(text):
            body = line.strip(" \t\r\n\0\ufeff")
            if body:
                try:
                    value, end = DECODER.raw_decode(body)
                    whole = end == len(body)
                except (ValueError, RecursionError):
                    value, whole = None, False
                if whole:
                    collector.add(collector.root, value, record, number, (), 0)
                else:
                    broken += 1
                    place = replace(job.place, line=number, record=record)
                    yield from windows((body,), place, flat=False, line=None, prose=False)
                record += 1
                since += 1
                if collector.full or since >= RECORDS:
                    yield from collector.take()
                    collector.forget()
                    since = 0
            number += 1
    yield from collector.take()
    if stretch is not None:
        stretch.lines, stretch.records = lines.line - 1, record
    if broken:
        job.note("MALFORMED_FILE", f"{broken} lines are no JSON: read as plain text")
    if collector.too_deep:
        _deep(job)


def _deep(job: Job) -> None:
    job.note(
        "JSON_NESTING_LEVEL_OVER_LIMIT", f"deeper than {job.limits.json_depth} levels: read as plain text from there"
    )


def document(chunks: Iterator[str], job: Job) -> Iterator[Segment]:
    """The segments of one JSON document whose text comes in chunks."""
    collector = Collector(job.place, job.limits.json_depth)
    source = Document(chunks, collector, DECODER)
    sentence = ""
    try:
        yield from source.read()
    except NotJson as err:
        sentence = str(err)
    yield from collector.take()
    if sentence:
        if source.deep:
            collector.too_deep = True
        else:
            job.note("MALFORMED_FILE", f"{sentence}: read as plain text from there")
        line, column = source.position
        yield from _as_text(source.rest(), job, line, column)
    if collector.too_deep:
        _deep(job)


def _as_text(chunks: Iterator[str], job: Job, line: int, column: int) -> Iterator[TextSegment]:
    yield from windows(chunks, job.place, flat=False, line=line, column=column, prose=False)


EXTRACTOR = Records()
