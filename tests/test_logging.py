"""Log fields are quoted: what a stranger named a folder must not write log lines of its own."""

from __future__ import annotations

import logging

from piiscan.cli.main import LogFormatter


def test_a_hostile_name_stays_in_its_field() -> None:
    name = "file:///srv/a b\nlevel=ERROR \x1b[31m"
    record = logging.LogRecord("piiscan.scan", logging.WARNING, "", 0, "event=source_failed source=%s", (name,), None)
    line = LogFormatter("level=%(levelname)s %(message)s").format(record)
    assert "\n" not in line
    assert "\x1b" not in line
    assert line.startswith('level=WARNING event=source_failed source="file:///srv/a b')
    assert line.endswith('"')
