from __future__ import annotations

import struct
import zlib

import pytest

from fixtures.writers.ole import (
    atom,
    compound,
    container,
    label,
    powerpoint,
    property_set,
    slide_list,
    text_box,
    workbook,
)
from piiscan.errors import Encrypted
from tests.extract.make import IBAN, MAIL, SSN, extract, places_of, text_of
from tests.extract.mutate import withstands

PPT = "application/vnd.ms-powerpoint"
_NOTES_ATOM = 0x03F1


def deck(*, before: bytes = b"", after: bytes = b"") -> dict[str, bytes]:
    """Two slides in the order that their records do not have, and notes on the second."""
    outline = slide_list([(4, 300, ["First title"]), (2, 301, [f"Second {SSN}"])])
    notes = container(0x03F0, atom(_NOTES_ATOM, struct.pack("<III", 301, 0, 0)), text_box(f"say {IBAN}"))
    return powerpoint(
        {
            1: container(0x03E8, outline),
            2: container(0x03EE, text_box("on the second")),
            3: notes,
            4: container(0x03EE, text_box(f"write {MAIL}\rsecond line")),
            5: container(0x03F8, text_box("Master text")),
        },
        before=before,
        after=after,
    )


def test_slides_are_numbered_as_they_are_shown() -> None:
    segments, job = extract(compound(deck()), PPT)
    assert [(p.slide, p.part) for p in places_of(segments, MAIL)] == [(1, "slide")]
    assert [(p.slide, p.part) for p in places_of(segments, SSN)] == [(2, "slide")]
    assert [(p.slide, p.part) for p in places_of(segments, "on the second")] == [(2, "slide")]
    assert [(p.slide, p.paragraph) for p in places_of(segments, "second line")] == [(1, 2)]
    assert [(p.slide, p.part) for p in places_of(segments, IBAN)] == [(2, "notes")]
    assert [(p.slide, p.part) for p in places_of(segments, "Master text")] == [(None, "master")]
    assert job.budget.notes == []


def test_what_an_earlier_edit_left_is_told_apart() -> None:
    old = container(0x03EE, text_box(f"old {MAIL}\rsecond line"), text_box("Gone Name"))
    segments, _ = extract(compound(deck(before=old)), PPT)
    assert [(p.slide, p.part) for p in places_of(segments, "Gone Name")] == [(None, "earlier edit")]
    assert len(places_of(segments, "second line")) == 1


def test_comments_links_and_properties() -> None:
    comment = container(0x2EE0, atom(0x0FBA, "Au Thor".encode("utf-16-le")), atom(0x0FBA, SSN.encode("utf-16-le")))
    blob = container(0x1388, container(0x138A, atom(0x138B, comment)))
    link = container(0x0409, container(0x0FD7, atom(0x0FBA, f"mailto:{MAIL}".encode("utf-16-le"))))
    streams = powerpoint(
        {1: container(0x03E8, link, slide_list([(2, 256, [])])), 2: container(0x03EE, blob)},
    )
    streams["\x05SummaryInformation"] = property_set({2: "Ti Tle"})
    segments, _ = extract(compound(streams), PPT)
    assert [(p.slide, p.part) for p in places_of(segments, SSN)] == [(1, "comment")]
    assert [p.part for p in places_of(segments, MAIL)] == ["hyperlink"]
    assert [p.path for p in places_of(segments, "Ti Tle")] == ["title"]


@pytest.mark.parametrize("instance", [0, 1])
def test_embedded_objects_are_read(instance: int) -> None:
    inner = compound({"Workbook": workbook({"S": label(1, 1, IBAN)})})
    body = struct.pack("<I", len(inner)) + zlib.compress(inner) if instance else inner
    streams = powerpoint({1: container(0x03E8), 2: atom(0x1011, body, instance=instance)})
    segments, job = extract(compound(streams), PPT)
    assert [(p.member, p.cell) for p in places_of(segments, IBAN)] == [(("object 1",), "B2")]
    assert job.budget.notes == []


def test_password_is_said_so() -> None:
    with pytest.raises(Encrypted):
        extract(compound(powerpoint({1: container(0x03E8)}, token=0xF3D1C4DF)), PPT)


def test_without_a_directory_all_text_is_read() -> None:
    streams = deck()
    del streams["Current User"]
    segments, _ = extract(compound(streams), PPT)
    for value in (MAIL, SSN, IBAN):
        assert value in text_of(segments)


def test_any_damage_costs_one_object() -> None:
    good = compound(deck(before=container(0x03EE, text_box("Gone"))))
    withstands(good, PPT, 11)
