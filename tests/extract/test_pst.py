from __future__ import annotations

import struct
import sys

import pytest

from piiscan.errors import Malformed, UnsupportedFormat
from piiscan.extract import pst
from tests.extract.make import extract

PST = "application/vnd.ms-outlook-pst"


def test_the_reason_names_what_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pypff", None)  # an import of it fails, as where the extra is not installed
    with pytest.raises(UnsupportedFormat, match="pip install libpff-python"):
        extract(b"!BDN" + bytes(600), PST)


def test_damage() -> None:
    with pytest.raises(Malformed):
        extract(b"!BDN" + bytes(600), PST)


def test_values_of_a_property_that_has_many() -> None:
    data = struct.pack("<III", 2, 12, 16) + b"ab\0\0" + b"cd"
    assert pst._parts(data) == [b"ab\0\0", b"cd"]
    assert pst._parts(b"\xff\xff\xff\xff") == []
