"""Records of access logs in plain Python, for installations without a C compiler: equal results, far slower."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt

from piiscan.passes.contract import IntArray
from piiscan.passes.logs import ESCAPED, HOW, LONGEST, WHAT, WHO, Field, Numbering, Records

_STRING = re.compile(rb'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_NEST = re.compile(rb'"(?:[^"\\]|\\.)*("?)|[{}\[\]]', re.DOTALL)
_LITERAL = re.compile(rb"[^,}\] \n\r\t]*")
_BLANKS = re.compile(rb"[ \n\r\t]*")
_BETWEEN = re.compile(rb"[, \n\r\t]*")
_ISO = re.compile(rb"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)", re.ASCII)
_WHOLE = re.compile(rb"\d+(?:\.\d*)?(?:[eE][+-]?\d*)?", re.ASCII)
_OPENS = b'{"eventVersion"'

_USER = {
    "type": Field.KIND, "principalId": Field.PRINCIPAL, "arn": Field.ARN, "accountId": Field.ACCOUNT,
    "userName": Field.USER, "invokedBy": Field.INVOKED, "identityProvider": Field.PROVIDER,
    "sessionContext": {"sessionIssuer": {"arn": Field.ISSUER}}, "onBehalfOf": {"userId": Field.BEHALF},
}  # fmt: skip
_RESOURCE = {"ARN": "resource", "accountId": Field.OWNER}
_Node = dict[str, object]
_RECORD: _Node = {
    "eventTime": "time", "eventSource": Field.SOURCE, "eventName": Field.EVENT, "sourceIPAddress": Field.IP,
    "errorCode": Field.ERROR, "requestID": Field.REQUEST, "eventID": Field.ID, "eventCategory": Field.CATEGORY,
    "managementEvent": Field.MANAGEMENT, "recipientAccountId": Field.RECIPIENT, "eventType": Field.TYPE,
    "userIdentity": _USER,
    "requestParameters": {"bucketName": Field.BUCKET, "key": Field.KEY, "x-amz-copy-source": Field.COPY},
    "additionalEventData": {"bytesTransferredOut": "sent", "bytesTransferredIn": "received"},
    "resources": [_RESOURCE],
}  # fmt: skip


class _Broken(Exception):
    """What stands there is no record."""


class _Open(Exception):
    """A record goes on beyond the text."""


class _Row:
    """One record as it is read."""

    def __init__(self) -> None:
        self.spans = [(0, 0)] * len(Field)
        self.numbers = [-1, -1, -1]

    def keep(self, field: int, start: int, end: int, escaped: int = 0) -> None:
        if self.spans[field][1] == 0:
            self.spans[field] = (start, (end - start) | escaped)


class PlainLogs:
    """The passes by patterns."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(16)

    def trail(self, text: bytearray, begin: int, *, lost: bool, last: bool, most: int) -> Records:
        """See `LogPasses.trail`."""
        rows: list[_Row] = []
        at, broken, state = begin, 0, 0
        if lost:
            at, state = _next(text, at)
        while len(rows) < most and state == 0:
            at = _skip(_BETWEEN, text, at)
            if at >= len(text):
                break
            if text[at] == ord("]"):
                at, state = at + 1, 1
                break
            row = _Row()
            try:
                if text[at] != ord("{"):
                    raise _Broken
                behind = _object(row, text, at, _RECORD)
            except _Open:
                if not last and len(text) - at < LONGEST:
                    break
            except _Broken:
                pass
            else:
                rows.append(row)
                at = behind
                continue
            broken += 1
            at, state = _next(text, at + 1)
        return self._records(text, rows, at, broken, state)

    def lines(self, text: bytearray, begin: int, *, last: bool, most: int) -> Records:
        """See `LogPasses.lines`."""
        rows: list[_Row] = []
        at, broken = begin, 0
        while len(rows) < most and at < len(text):
            stop = text.find(b"\n", at)
            if stop < 0 and not last:
                break
            after = stop + 1 if stop >= 0 else len(text)
            line = bytes(text[at : stop if stop >= 0 else len(text)]).removesuffix(b"\r")
            if line:
                row = _line(line, at)
                if row is not None:
                    rows.append(row)
                else:
                    broken += 1
            at = after
        return self._records(text, rows, at, broken, 0)

    def numbered(self, keys: npt.NDArray[np.uint64], known: Numbering) -> tuple[npt.NDArray[np.int32], IntArray]:
        """See `LogPasses.numbered`."""
        out, fresh = np.empty(len(keys), np.int32), []
        for place, key in enumerate(keys.tolist()):
            number = known.index.setdefault(key, len(known.index))
            if number == known.count:
                fresh.append(place)
                known.count += 1
            out[place] = number
        return out, np.array(fresh, np.int64)

    def _records(self, text: bytearray, rows: Sequence[_Row], behind: int, broken: int, state: int) -> Records:
        spans = np.array([row.spans for row in rows], np.int32).reshape(-1, len(Field), 2)
        numbers = np.array([row.numbers for row in rows], np.int64).reshape(-1, 3)
        hashes = np.array([self._hashes(text, row) for row in rows], np.uint64).reshape(-1, 4)
        return Records(text, spans, numbers, hashes, behind, broken, state)

    def _hashes(self, text: bytearray, row: _Row) -> list[int]:
        raw = [bytes(text[start : start + (length & (ESCAPED - 1))]) for start, length in row.spans]
        keyed = [
            hashlib.blake2b(repr([raw[field] for field in part]).encode(), key=self._key, digest_size=8)
            for part in (WHAT, WHO, HOW)
        ]
        name = raw[Field.REQUEST] or raw[Field.ID]
        return [*(int.from_bytes(one.digest(), "little") for one in keyed), _named(name) if name else 0]


def _named(text: bytes) -> int:
    """The name of a request as `passes.c` counts it."""
    state = 0xCBF29CE484222325
    for at in range(0, len(text), 8):
        state = ((state ^ int.from_bytes(text[at : at + 8], "little")) * 0x9E3779B97F4A7C15) & 0xFFFFFFFFFFFFFFFF
        state ^= state >> 32
    return state


def _skip(pattern: re.Pattern[bytes], text: bytearray, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found is not None else at


def _next(text: bytearray, at: int) -> tuple[int, int]:
    """Where the next record begins, and 2 when it was not found: what may be the start of one is left."""
    found = text.find(_OPENS, at)
    if found >= 0:
        return found, 0
    tail = max(at, len(text) - len(_OPENS) + 1)
    begun = text.find(b"{", tail)
    return (begun if begun >= 0 else max(at, len(text))), 2


def _at(text: bytearray, at: int) -> tuple[int, int]:
    """The next byte that is no blank, and its place. Raises: _Open."""
    at = _skip(_BLANKS, text, at)
    if at >= len(text):
        raise _Open
    return text[at], at


def _string(text: bytearray, at: int) -> re.Match[bytes]:
    found = _STRING.match(text, at)
    if found is None:
        raise _Open
    return found


def _object(row: _Row, text: bytearray, at: int, node: _Node) -> int:
    """The place behind an object, its wanted fields kept. Raises: _Open, _Broken."""
    at += 1
    while True:
        sign, at = _at(text, at)
        if sign == ord("}"):
            return at + 1
        if sign != ord('"'):
            raise _Broken
        key = _string(text, at)
        wanted = node.get(key[1].decode("latin-1"))
        sign, at = _at(text, key.end())
        if sign != ord(":"):
            raise _Broken
        at = _value(row, text, _at(text, at + 1)[1], wanted)
        sign, at = _at(text, at)
        if sign == ord("}"):
            return at + 1
        if sign != ord(","):
            raise _Broken
        at += 1


def _value(row: _Row, text: bytearray, at: int, wanted: object) -> int:
    sign = text[at]
    if sign == ord('"'):
        found = _string(text, at)
        _keep(row, wanted, text, found.start(1), found.end(1), ESCAPED if b"\\" in found[1] else 0)
        return found.end()
    if sign == ord("{"):
        return _object(row, text, at, wanted) if isinstance(wanted, dict) else _behind(text, at)
    if sign == ord("["):
        return _array(row, text, at, wanted[0]) if isinstance(wanted, list) else _behind(text, at)
    end = _skip(_LITERAL, text, at)
    if end >= len(text):
        raise _Open
    if end == at:
        raise _Broken
    if sign != ord("n"):
        _keep(row, wanted, text, at, end, 0)
    return end


def _array(row: _Row, text: bytearray, at: int, node: _Node) -> int:
    """The place behind an array of objects. Raises: _Open, _Broken."""
    at += 1
    while True:
        sign, at = _at(text, at)
        if sign == ord("]"):
            return at + 1
        if sign != ord("{"):
            raise _Broken
        sign, at = _at(text, _object(row, text, at, node))
        if sign == ord("]"):
            return at + 1
        if sign != ord(","):
            raise _Broken
        at += 1


def _behind(text: bytearray, at: int) -> int:
    """The place behind an object or array of no interest, at whatever depth it ends. Raises: _Open."""
    depth = 0
    for found in _NEST.finditer(text, at):
        sign = found[0][:1]
        if sign == b'"':
            if not found[1]:
                raise _Open
        elif sign in b"{[":
            depth += 1
        else:
            depth -= 1
            if depth <= 0:
                return found.end()
    raise _Open


def _keep(row: _Row, wanted: object, text: bytearray, start: int, end: int, escaped: int) -> None:
    if isinstance(wanted, Field):
        row.keep(wanted, start, end, escaped)
    elif wanted == "time":
        row.numbers[0] = _iso(bytes(text[start : min(end, start + 64)]))
    elif wanted in ("sent", "received"):
        row.numbers[1 if wanted == "sent" else 2] = _whole(bytes(text[start:end]))
    elif wanted == "resource":
        parts = bytes(text[start:end]).split(b":", 2)
        if len(parts) == 3 and parts[2].startswith(b"s3:::"):
            row.keep(Field.OBJECT_ARN if b"/" in parts[2] else Field.BUCKET_ARN, start, end, escaped)


def _second(
    year: int, month: int, day: int, hour: int, minute: int, second: int, ahead: timedelta = timedelta(0)
) -> int:
    """Seconds since 1970, -1: no time. Days beyond the end of a month run into the next one, as in `passes.c`."""
    if not (year >= 1970 and 1 <= month <= 12 and 1 <= day <= 31 and hour < 24 and minute < 60 and second <= 60):
        return -1
    first = datetime(year, month, 1, tzinfo=UTC)
    past = timedelta(days=day - 1, hours=hour, minutes=minute, seconds=second) - ahead
    return int(first.timestamp()) + int(past.total_seconds())


def _iso(text: bytes) -> int:
    found = _ISO.match(text)
    if found is None or len(text) < 20:
        return -1
    year, month, day, hour, minute, second = map(int, found.groups())
    return _second(year, month, day, hour, minute, second)


def _whole(text: bytes) -> int:
    if len(text) > 40 or not _WHOLE.fullmatch(text):
        return -1
    head, _, power = text.lower().partition(b"e")
    digits = power.lstrip(b"+-")
    value = float(head + b"e" + power) if digits else float(head)
    return -1 if value > 4e18 else int(value + 0.5)


_MONTHS = {name: number for number, name in enumerate(b"Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}
_LOG_TIME = re.compile(rb"(\d\d)/(\w{3})/(\d{4}):(\d\d):(\d\d):(\d\d) ([^\n])(\d\d)(\d\d)", re.ASCII)
_HEAD = re.compile(rb"([^ ]+) ([^ ]+) \[([^\]]*)\] ([^ ]+) ([^ ]+) ([^ ]+) ([^ ]+) ([^ ]+) ")
_QUOTED = re.compile(rb'"(?= (?:[1-9]\d\d|-) [^ ]* [\d-])', re.ASCII)
_BARE = re.compile(rb"[^ ]*(?= (?:[1-9]\d\d|-) [^ ]* [\d-])", re.ASCII)
_PLACES = (
    Field.OWNER, Field.BUCKET, None, Field.IP, Field.ARN, Field.REQUEST, Field.EVENT, Field.KEY,
)  # fmt: skip


def _line(line: bytes, offset: int) -> _Row | None:
    """The record of a line, None: it is none."""
    head = _HEAD.match(line)
    if head is None:
        return None
    row = _Row()
    row.numbers[0] = _log_time(head[3])
    end = head.end()
    found = _QUOTED.search(line, end + 1) if line[end : end + 1] == b'"' else _BARE.match(line, end)
    if row.numbers[0] < 0 or found is None:
        return None
    for place, field in enumerate(_PLACES, 1):
        if field is not None:
            _keep_word(row, field, line, head.start(place), head.end(place), offset)
    rest = list(_words(line, found.end() + 1, 4))
    _keep_word(row, Field.TYPE, line, *rest[0], offset)
    _keep_word(row, Field.ERROR, line, *rest[1], offset)
    sent = line[rest[2][0] : rest[2][1]]
    row.numbers[1] = 0 if sent[:1] == b"-" else _whole(sent)
    row.numbers[2] = _whole(line[rest[3][0] : rest[3][1]])
    return row if row.numbers[1] >= 0 else None


def _words(line: bytes, at: int, count: int) -> Iterator[tuple[int, int]]:
    for _ in range(count):
        end = line.find(b" ", at)
        end = end if end >= 0 else len(line)
        yield at, end
        at = end + 1


def _keep_word(row: _Row, field: Field, line: bytes, start: int, end: int, offset: int) -> None:
    if line[start:end] != b"-":
        row.keep(field, start + offset, end + offset)


def _log_time(text: bytes) -> int:
    found = _LOG_TIME.match(text)
    if found is None or found[2] not in _MONTHS:
        return -1
    day, year, hour, minute, second = (int(found[group]) for group in (1, 3, 4, 5, 6))
    zone = timedelta(hours=int(found[8]), minutes=int(found[9]))
    return _second(year, _MONTHS[found[2]], day, hour, minute, second, -zone if found[7] == b"-" else zone)
