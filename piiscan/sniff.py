"""What kind of text a text is: mail, markup, JSON, a table, or only text. Content first, the name as a hint."""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from collections.abc import Sequence

_CODE = """
py pyi js mjs cjs jsx ts tsx java kt scala groovy c h cc cpp cxx hpp hh cs go rs rb php pl pm lua r jl swift m mm sh
bash zsh fish ps1 bat cmd sql css scss sass less json jsonl ndjson yaml yml toml ini cfg conf config cnf properties
env lock log tf tfvars hcl gradle cmake mk make dockerfile gitignore proto graphql vue svelte ipynb pem key crt pub
asm s f90 vb vbs ps tex bib po pot diff patch map xsd xsl xslt dtd htaccess service plist
"""
CODE = frozenset(_CODE.split())
"""Name endings of source code, configuration and logs: no prose, and no tables either."""
NAMES = frozenset({"makefile", "dockerfile", "rakefile", "gemfile", "vagrantfile", "jenkinsfile", ".env", ".npmrc"})
_MARKDOWN = frozenset({"md", "markdown", "mdx", "qmd", "rmd", "rst", "adoc", "asciidoc", "org"})
"""Text that may begin with an element or two and is no document of markup for that."""
DELIMITERS = ",;\t|"

_HEAD = 12_000
_HTML = re.compile(
    r"<(?:!doctype\s+html|html|head|body|title|meta|link|style|script|div|span|table|form|h[1-6]|p|a|ul|ol|br|hr|img|"
    r"center|font|b|i)\b",
    re.I,
)
_LEAD = re.compile(r"(?:\s+|<\?[^>]{0,500}\?>|<!--.*?-->)+", re.S)
_TAG = re.compile(r"<!DOCTYPE\s|<[A-Za-z_][\w:.-]*(?:\s[^<>]*)?/?>")
_HEADER_LINE = re.compile(r"([!-9;-~]{1,60}):(?:[ \t]|$)")
_KNOWN = """
from to cc subject date received message-id mime-version return-path delivered-to reply-to sender content-type
references in-reply-to x-mailer dkim-signature resent-from x-received
"""
_MAIL = frozenset(_KNOWN.split())
_MAIL_SURE = frozenset({"from", "received", "message-id", "mime-version", "return-path", "delivered-to", "resent-from"})
_COUNT = re.compile(r"\d{1,10} *\r?\n(?=[!-9;-~]{1,60}:)")
"""The first line of an EMLX file: how many bytes the message has."""
_MBOX = re.compile(r"From \S.{0,200}?\d\d:\d\d.{0,40}\d{4}")
_CARD = re.compile(
    r"begin:(vcard|vcalendar)[ \t]*[\r\n]|(?:(?:version:[ \t]*1|#[^\r\n]{0,500})?[\r\n]+)*dn::?[ \t]*[\w+/]+", re.I
)
_CARDS = {"vcard": "text/vcard", "vcalendar": "text/calendar", "dn": "text/x-ldif"}
_SQL_DUMP = re.compile(
    r"^(?:-- (?:PostgreSQL database|MySQL dump|MariaDB dump|phpMyAdmin SQL Dump)"
    r"|PRAGMA foreign_keys\s*=\s*OFF;|/\*M?!\d{5})",
    re.M,
)
_SQL = re.compile(r"^\s*(?:CREATE\s+TABLE|INSERT\s|REPLACE\s+INTO\s|COPY\s+\S+.{0,2000}?\sFROM\s+stdin)", re.I | re.M)
_HL7 = re.compile(r"[\s\x0b]*(?:MSH|FHS|BHS)([^\w\s])[^\w\s]{3,5}\1")
"""The first segment of an HL7 message or batch, which declares its delimiters."""
_NAME_CELL = re.compile(r"[^\W\d][\w .#/()&%:+-]{0,47}")
_SCALAR = re.compile(
    r'\[\s*(?:[\[{"\]]|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?\s*[,\]]|(?:true|false|null)\s*[,\]])|\{\s*["}]'
)


def ending(name: str) -> str:
    """The last suffix of a name in lower case, without the dot; "" when there is none."""
    base = name.rpartition("/")[2].lower()
    if base in NAMES:
        return base.lstrip(".")
    _, dot, suffix = base.rpartition(".")
    return suffix if dot and len(suffix) <= 12 else ""


def kind_of(text: str, name: str, whole: bool) -> str:
    """The media type of decoded text. `text` is a head of the content; `whole`: nothing follows it."""
    suffix = ending(name)
    if len(text) > _HEAD:
        text, whole = text[:_HEAD], False
    body = text.lstrip("\ufeff \t\r\n")
    if not body:
        return "text/plain"
    if body[0] == "<" and (suffix not in _MARKDOWN or body[:2] in ("<?", "<!")):
        found = _markup(body, suffix)
        if found:
            return found
    if body[0] in "{[" or suffix in ("jsonl", "ndjson", "json"):
        found = _json(body, suffix, whole)
        if found:
            return found
    card = _CARD.match(body)
    if card:
        return _CARDS[(card[1] or "dn").lower()]
    if _SQL_DUMP.search(text[:2000]) or (suffix == "sql" and _SQL.search(text)):
        return "application/sql"
    if _HL7.match(text):
        return "application/hl7-v2"
    if suffix not in CODE:
        found = _mail(text, suffix) or _table(text, suffix, whole)
        if found:
            return found
    return "text/plain"


def _markup(body: str, suffix: str) -> str:
    lead = _LEAD.match(body)
    root = body[lead.end() if lead else 0 :]
    if re.match(r"<(?:\w+:)?svg\b", root) or (root.startswith("<!DOCTYPE") and "<svg" in root and "<html" not in root):
        return "image/svg+xml"
    html = _HTML.match(root)
    if body.startswith("<?xml"):
        return "text/html" if html and re.match(r"<(?:!doctype\s+html|html)\b", root, re.I) else "application/xml"
    if html and suffix not in ("xml", "rdf", "rss", "xsl", "xslt", "xsd", "md"):
        return "text/html"
    if suffix in ("xml", "rdf", "rss", "xsd", "xslt", "xsl", "kml", "gpx", "wsdl", "xhtml") and _TAG.match(root):
        return "application/xml"
    if suffix in ("html", "htm", "xhtml"):
        return "text/html"
    if _TAG.match(root) and suffix not in CODE and ("</" in root or "/>" in root or root.count("<") > 8):
        return "application/xml"
    return ""


def _json(body: str, suffix: str, whole: bool) -> str:
    if suffix in ("jsonl", "ndjson"):
        return "application/x-ndjson" if body[0] in '{["' else ""
    if body[0] not in "{[":
        return "application/json" if suffix == "json" and body[0] in '"-0123456789tfn' and len(body) < 400 else ""
    if _is_lines(body, whole):
        return "application/x-ndjson"
    if suffix == "ipynb":
        return "application/x-ipynb+json"
    if suffix in ("json", "geojson", "har", "webmanifest", "topojson", "avsc"):
        return "application/json"
    if not _SCALAR.match(body):
        return ""
    try:
        end = json.JSONDecoder().raw_decode(body)[1]
    except json.JSONDecodeError as err:
        cut = not whole and (err.pos > len(body) - 200 or err.msg.startswith("Unterminated"))
        return "application/json" if cut or err.pos > 300 else ""
    except RecursionError:
        return "application/json"
    rest = body[end:].lstrip()
    return "application/json" if not rest or rest[0] in "{[" else ""


def _is_lines(body: str, whole: bool) -> bool:
    """Whether the first lines hold one complete JSON object or array each, and there are at least two."""
    lines = body.split("\n", 6)
    if not whole or len(lines) == 7:
        lines.pop()
    good = 0
    for line in lines:
        line = line.strip()
        if not line:
            continue
        if line[0] not in "{[" or line[-1] not in "}]":
            return False
        try:
            json.loads(line)
        except (ValueError, RecursionError):
            return False
        good += 1
    return good >= 2


def _mail(text: str, suffix: str) -> str:
    count = _COUNT.match(text)
    if count:
        return "message/x-emlx" if _mail(text[count.end() :], "eml" if suffix == "emlx" else "") else ""
    line = text.lstrip("\r\n").split("\n", 1)[0]
    if line.startswith("From "):
        second = text.lstrip("\r\n").split("\n", 2)[1:2]
        headed = bool(second and _HEADER_LINE.match(second[0]) and "@" in line)
        return "application/mbox" if headed or _MBOX.match(line) else ""
    if line.lower().startswith("content-type: multipart/") and "boundary=" in text[:400]:
        return "message/rfc822"
    first = _HEADER_LINE.match(line)
    if first is None and not line.startswith(">From "):
        return ""
    seen: set[str] = set()
    for number, line in enumerate(text.lstrip("\r\n").split("\n")):
        line = line.rstrip("\r")
        if not line or number > 200:
            break
        found = _HEADER_LINE.match(line)
        if found is not None:
            seen.add(found[1].lower())
        elif line[0] not in " \t" and number:
            return ""
    known = seen & _MAIL
    need = 1 if suffix in ("eml", "emlx", "mht", "mhtml") else 3
    return "message/rfc822" if len(known) >= need and (known & _MAIL_SURE or need == 1) else ""


def _table(text: str, suffix: str, whole: bool) -> str:
    tabs = suffix in ("tsv", "tab")
    if suffix == "csv" or tabs:
        delimiter = delimiter_of(text, whole, tabs)
        return "text/tab-separated-values" if delimiter == "\t" or (tabs and not delimiter) else "text/csv"
    if not any(c in text for c in DELIMITERS) or suffix in ("md", "rst", "vcf", "ics", "ldif", "tex", "srt"):
        return ""
    rows, delimiter = best_rows(text, whole)
    if not delimiter or not looks_like_names(rows[0]):
        return ""
    width = len(rows[0])
    same = sum(1 for row in rows if len(row) == width)
    plain = all(re.fullmatch(r"\w+", cell) for cell in rows[0])
    enough = len(rows) >= 3 or (len(rows) == 2 and (plain or width >= 4))
    if not enough or same < 0.9 * len(rows) or (width == 2 and not plain and len(rows) < 5):
        return ""
    if sum(cell.startswith(" ") for cell in rows[0][1:]) * 2 >= max(width - 1, 1) and (not plain or width < 4):
        return ""
    return "text/tab-separated-values" if delimiter == "\t" else "text/csv"


def looks_like_names(row: Sequence[str]) -> bool:
    """Whether a row could be a table's header: short, unlike each other, words and no figures.

    >>> looks_like_names(["id", "Full name", "zip"]), looks_like_names(["1", "Ana"])
    (True, False)
    """
    cells = [cell.strip() for cell in row]
    if len({cell.casefold() for cell in cells}) != len(cells):
        return False
    return all(_NAME_CELL.fullmatch(cell) and cell.count(" ") <= 4 for cell in cells)


def delimiter_of(text: str, whole: bool = True, tabs: bool = False) -> str:
    """The delimiter whose column count is the most stable over the first rows; "" when none splits them."""
    if tabs and "\t" in text:
        return "\t"
    return best_rows(text, whole)[1]


def best_rows(text: str, whole: bool) -> tuple[list[list[str]], str]:
    """The first rows of `text` under the best delimiter, and that delimiter ("" when no row is split)."""
    lines = re.split(r"\r\n|\n|\r", text[:_HEAD], maxsplit=60)
    if len(lines) > 1 and (not whole or len(text) > _HEAD or len(lines) == 61):
        lines.pop()
    lines = [line for line in lines if line.strip("\0 ")]
    best: tuple[float, int, list[list[str]], str] = (0.0, 0, [], "")
    limit = csv.field_size_limit(1 << 30)
    try:
        for delimiter in DELIMITERS:
            if not any(delimiter in line for line in lines[:10]):
                continue
            rows = [row for row in csv.reader(lines, delimiter=delimiter) if row]
            if not rows:
                continue
            width, count = Counter(map(len, rows)).most_common(1)[0]
            if width == 1 and len(rows[0]) > 1 and len(rows) < 8:
                width = len(rows[0])
            if width > 1:
                best = max(
                    best,
                    (count / len(rows), width, rows, delimiter),
                    key=lambda b: (len(b[2][0]) > 1 if b[2] else False, b[0] > 0.7, b[0:2]),
                )
    except csv.Error:
        return [], ""
    finally:
        csv.field_size_limit(limit)
    return best[2], best[3]
