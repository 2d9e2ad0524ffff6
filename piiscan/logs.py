"""Log lines on stderr: `key=value` for people, or one JSON object a line; names, codes and numbers only.

Our own lines are made of `event=... key=%s` and their arguments, so a formatter knows the fields without guessing. What
libraries log may quote what they read or sent: of theirs only the place in the code is told.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from datetime import UTC, datetime
from typing import Any

from piiscan.report.escape import log_field
from piiscan.trace import without_messages

FORMATS = ("text", "json")
LEVELS = ("debug", "info", "warning", "error")
LEVEL, FORMAT = "PIISCAN_LOG_LEVEL", "PIISCAN_LOG_FORMAT"
"""Variables by which processes that we start log as we do."""
_FIELD = re.compile(r"(\w+)=(\S+)")
_PLACE = re.compile(r"%(?:%|[#0 +-]*\d*(?:\.\d+)?[a-zA-Z])")
_OWN = frozenset({"time", "level", "logger", "event"})


def _is_ours(record: logging.LogRecord) -> bool:
    return record.name == "piiscan" or record.name.startswith("piiscan.")


def _origin(record: logging.LogRecord) -> str:
    return f"{record.module}:{record.lineno}"


class LogFormatter(logging.Formatter):
    """Log lines whose fields are quoted and escaped: a directory's name must not write lines of its own."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        record = logging.makeLogRecord(record.__dict__)
        if not _is_ours(record):
            record.msg, record.args = "event=library_message at=%s", (_origin(record),)
            record.exc_info = record.stack_info = None
        if isinstance(record.args, tuple):
            record.args = tuple(log_field(a) if isinstance(a, str) else a for a in record.args)
        record.exc_text = None
        return super().format(record)

    def formatException(self, ei: Any) -> str:
        """A traceback without its messages, on one line."""
        return " trace=" + log_field(without_messages(ei[1])) if ei[1] is not None else ""


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time (UTC), level, logger, event, and the fields of the event."""

    def format(self, record: logging.LogRecord) -> str:
        """The line of a record."""
        if not _is_ours(record):
            fields: dict[str, Any] = {"event": "library_message", "at": _origin(record)}
        else:
            fields = fields_of(record)
            if record.exc_info and record.exc_info[1] is not None:
                fields["trace"] = without_messages(record.exc_info[1])
        return json_line(record.created, record.levelname.lower(), record.name, fields)


def json_line(moment: float, level: str, logger: str, fields: dict[str, Any]) -> str:
    """One line; `moment` in seconds since 1970."""
    when = datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    head = {"time": when, "level": level, "logger": logger, "event": fields.get("event", "message")}
    return json.dumps(head | {(f"{k}_" if k in _OWN else k): v for k, v in fields.items() if k != "event"}, default=str)


def fields_of(record: logging.LogRecord) -> dict[str, Any]:
    """The fields of one of our lines, their values as they were given: numbers stay numbers.

    >>> fields_of(logging.LogRecord("piiscan", 20, "", 0, "event=ended job=%s code=%d", ("a b", 3), None))
    {'event': 'ended', 'job': 'a b', 'code': 3}
    """
    text = str(record.msg)
    given = list(record.args) if isinstance(record.args, tuple) else []
    if not given and record.args:
        return {"message": record.getMessage()}
    out: dict[str, Any] = {}
    for name, value in _FIELD.findall(text):
        places = [place for place in _PLACE.findall(value) if place != "%%"]
        values, given = given[: len(places)], given[len(places) :]
        out[name] = values[0] if [value] == places else value % tuple(values) if places else value
    return out or {"message": record.getMessage()}


def set_up(level: str, form: str) -> None:
    """Log to stderr from this level on; processes that are started from now on do the same."""
    os.environ[LEVEL], os.environ[FORMAT] = level, form
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        JsonFormatter() if form == "json" else LogFormatter("level=%(levelname)s logger=%(name)s %(message)s")
    )
    number = getattr(logging, level.upper())
    logging.basicConfig(level=max(number, logging.WARNING), handlers=[handler])
    logging.getLogger("piiscan").setLevel(number)


def set_up_as_told() -> None:
    """Log as the process that started this one does."""
    level, form = os.environ.get(LEVEL, "error"), os.environ.get(FORMAT, "text")
    set_up(level if level in LEVELS else "error", form if form in FORMATS else "text")


def as_json() -> bool:
    """Whether lines are JSON."""
    return os.environ.get(FORMAT) == "json"
