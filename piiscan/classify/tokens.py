"""Checks of vendors' tokens: the checksums and structures that their issuers put in."""

from __future__ import annotations

import base64
import binascii
import re
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from piiscan.classify.secret import api_secret, bits, in_base, password, url_password

Params = Mapping[str, Any]

_FILLER = re.compile(
    r"example|sample|placeholder|change.?me|your[_-]|dummy|redacted|insert|replace|todo|fixme|xxxx|\.\.\.|\*\*\*|not[_-]a"
    r"|fake|mock|aws4_request|_here$|-here$|undefined|deadbeefcafe",
    re.IGNORECASE,
)
_REFERENCE = re.compile(r"^[$%&{<(\[@#]|\$\{|\{\{|%\(")
_WORD = r"(?:[a-z]+(?:\d{0,3}|\d{1,2}[a-z]{1,8})|\d+)"
_WORDY = re.compile(f"{_WORD}(?:[_.-]{_WORD}){{1,20}}", re.IGNORECASE)
_DOTTED = re.compile(r"[A-Za-z_][A-Za-z_]*\d{0,4}[A-Za-z_]*(?:\.[A-Za-z_][A-Za-z_]*\d{0,4}[A-Za-z_]*){1,8}")
_CAMEL = re.compile(r"[a-z]{0,20}(?:[A-Z][a-z]{1,20}\d{0,2}){2,10}(?:[A-Z]{1,4}\d{0,2})?")
_NUMBERED = re.compile(r"[A-Za-z][a-z]{5,30}\d{1,2}")
_PATH = re.compile(r"(?:https?:/|\.{0,2})/\S*|\w{1,30}(?:/[\w.-]{1,15}){2,20}")
_RUN = re.compile(r"(.)\1{5}")
_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")


def vendor_key(value: str, params: Params) -> bool:
    """Whether a value beside the name of its vendor looks random: at least `bits` of entropy, no word, no filler.

    A digit must be in it, unless it has `letters` (24) or more of either case.

    Source: C. E. Shannon, "A Mathematical Theory of Communication", 1948.

    >>> vendor_key("q8Zp2LxV0nRtW4mK", {}), vendor_key("weather-service-v2", {}), vendor_key("0" * 32, {})
    (True, False, False)
    """
    if _FILLER.search(value) or _REFERENCE.search(value) or _RUN.search(value):
        return False
    if not _random(value, params):
        return False
    if _UUID.fullmatch(value):
        return bool(params.get("uuid", True))
    path = _PATH.fullmatch(value) and (value == value.lower() or value.startswith(("http", "/", ".")))
    return not (path or _CAMEL.fullmatch(value) or _NUMBERED.fullmatch(value) or _named(value))


def _random(value: str, params: Params) -> bool:
    """Whether the entropy holds, and digits (or many letters of both cases) are among the characters."""
    if bits(value) < float(params.get("bits", 3.0)) or (value.isdecimal() and len(value) < 20):
        return False
    mixed = value.lower() != value and value.upper() != value
    return any(char.isdigit() for char in value) or (mixed and len(value) >= params.get("letters", 24))


def _named(value: str) -> bool:
    """Whether words or small numbers, joined by dashes, dots or underscores, are all there is."""
    if _WORDY.fullmatch(value) or _DOTTED.fullmatch(value):
        return True
    parts = re.split(r"[_.-]", value)
    return len(parts) > 1 and any(len(part) > 11 and _CAMEL.fullmatch(part) for part in parts)


def crc32_hex(value: str, params: Params) -> bool:
    """Whether the last eight characters are the CRC-32, in hexadecimal, of what stands before them.

    With `whole` the prefix up to the first underscore counts, too; with `little` the bytes come in reverse order.

    Source: Cloudflare documentation, "Token formats"; satokengen of Grafana (`whole`, `little`).

    >>> crc32_hex("zpka_5f0c9e_" + f"{zlib.crc32(b'5f0c9e'):08x}", {}), crc32_hex("zpka_5f0c9e_00000000", {})
    (True, False)
    """
    body = value[:-8].rstrip("_")
    if not params.get("whole"):
        body = body.partition("_")[2]
    check = zlib.crc32(body.encode()).to_bytes(4, "big")
    return value[-8:].lower() == (check[::-1] if params.get("little") else check).hex()


_BASE36 = "0123456789abcdefghijklmnopqrstuvwxyz"


def crc32_base36(value: str, params: Params) -> bool:
    """Whether the last seven characters are the CRC-32, in base 36, of all that stands before them.

    Source: GitLab handbook, "Routable tokens" (cells architecture).

    >>> text = "glpat-dGVzdA.01.0a"
    >>> crc32_base36(text + in_base(zlib.crc32(text.encode()), _BASE36, 7), {}), crc32_base36(text + "0000000", {})
    (True, False)
    """
    return in_base(zlib.crc32(value[:-7].encode()), _BASE36, 7) == value[-7:]


def crc16_base32(value: str, params: Params) -> bool:
    """Whether the last two bytes of base 32 text are the CRC-16 (XMODEM) of the others, as in Stellar's seeds.

    Source: Stellar SEP-23, "Strkeys".

    >>> seed = "SBCVMMCBEDB64TVJZFYJOJAERZC4YVVUOE6SYR2Y76CBTENGUSGWRRVO"
    >>> crc16_base32(seed, {}), crc16_base32(seed[:-1] + "A", {})
    (True, False)
    """
    try:
        raw = base64.b32decode(value)
    except ValueError:
        return False
    return binascii.crc_hqx(raw[:-2], 0).to_bytes(2, "little") == raw[-2:]


def unix_hash(value: str, params: Params) -> bool:
    """Whether a password hash of crypt(3) has a body of at least `bits` of entropy.

    Source: crypt(5), "Available hashing methods".

    >>> unix_hash("$1$9sXa2L7q$K3vZ1mQ8rT5wY2xB4nC6d/", {}), unix_hash("$1$aaaaaaaa$aaaaaaaaaaaaaaaaaaaaaa", {})
    (True, False)
    """
    body = value.rpartition("$")[2]
    return bits(body) >= float(params.get("bits", 3.2)) and not _FILLER.search(value)


_PLAIN = frozenset(
    {
        "pass",
        "password",
        "passwd",
        "pwd",
        "secret",
        "user",
        "username",
        "changeme",
        "change_me",
        "token",
        "test",
        "guest",
        "example",
        "none",
        "null",
        "xxx",
        "key",
        "login",
    }
)


def filled(value: str, params: Params) -> bool:
    """Whether the last word, or what is behind its last `mark`, is a password and no placeholder, variable or filler.

    Source: OWASP, Secrets Management Cheat Sheet.

    >>> filled("--user ann:Pine-37", {"mark": ":"}), filled("--user $1:$2", {"mark": ":"})
    (True, False)
    """
    mark = params.get("mark", "")
    body = value.partition(mark)[2] if mark else value.split()[-1]
    body = body.strip(" \t\r\n\"'`")
    if len(body) < 3 or len(set(body)) < 3 or _REFERENCE.search(body.strip("{}")) or _FILLER.search(body):
        return False
    if len(body) < 9 and re.sub("[^a-z0-9]", "", body.lower()) in _PLAIN:
        return False
    named = body.startswith("{") and re.fullmatch(r"[a-z0-9_.\[\]()]+", body.strip("{}"))
    return not (named or body.startswith("{{") or body.lower() in _PLAIN)


def connection_password(value: str, params: Params) -> bool:
    """Whether the last setting of a connection string is a password and no placeholder.

    Source: Microsoft, "Connection string syntax".

    >>> connection_password("Server=db;Password=Pine-37", {}), connection_password("Server=db;Password={3}", {})
    (True, False)
    """
    return filled(value.rpartition("=")[2] or value, params)


_ROUTE = re.compile(r"[\w./-]*/[\w./-]*#\w+|.*(?:password|passwd|secret)s?[_/.#-].*", re.IGNORECASE)


_CODECS = frozenset(
    {
        "base64",
        "base32",
        "sha256",
        "sha512",
        "sha1",
        "utf-8",
        "utf8",
        "latin1",
        "bcrypt",
        "argon2",
        "pbkdf2",
        "scram-sha-1",
        "scram-sha-256",
        "md5",
        "oauth2",
        "oauth1",
        "kerberos5",
    }
)
_MARKED = re.compile(r"[*_]{0,2}[A-Za-z]+[.,]?[*_]{0,2}|.*(?:\\[0nrt]){2}")
"""A word in bold or italics, or text with its line breaks escaped."""


def named_secret(value: str, params: Params) -> bool:
    """Whether a value given to a name such as `api_key` looks random (see `api_secret`) and is not made of words.

    Sixteen hexadecimal digits are far more often the hash of something.

    Source: OWASP, Secrets Management Cheat Sheet.

    >>> named_secret("9f8c1e0b7a6d5f4e3c2b1a09", {}), named_secret("MyDatabaseSecret-a1b2c3", {})
    (True, False)
    """
    if re.fullmatch(r"[0-9a-f]{16}", value) or _FILLER.search(value):
        return False
    return api_secret(value, params) and not (_CAMEL.fullmatch(value) or _named(value))


def chosen_password(value: str, params: Params) -> bool:
    """Whether a value looks chosen (see `password`) and is no filler, route or name that speaks of passwords.

    Source: OWASP, Secrets Management Cheat Sheet.

    >>> chosen_password("hunter2-Zebra", {}), chosen_password("sites/passwords#edit", {})
    (True, False)
    """
    if not password(value, params) or value.lower() in _CODECS or _UUID.fullmatch(value):
        return False
    return not (_ROUTE.fullmatch(value) or _MARKED.fullmatch(value))


def url_filled(value: str, params: Params) -> bool:
    """Whether the password between the colon and the last at sign of a URL is a password and no placeholder.

    Source: RFC 3986 section 3.2.1.

    >>> url_filled("redis://ann:Pine-37@host", {}), url_filled("redis://ann:REPLACE_WITH_PASSWORD@host", {})
    (True, False)
    """
    user, _, secret = value.partition("://")[2].rpartition("@")[0].partition(":")
    return (
        secret != user and url_password(value, params) and not _FILLER.search(secret) and not _REFERENCE.search(secret)
    )


def header_value(value: str, params: Params) -> bool:
    """Whether the last word of a header looks random (see `vendor_key`).

    Source: RFC 9110 section 11.6.2.

    >>> header_value("X-Api-Key: q8Zp2LxV0nRtW4mK", {}), header_value("Authorization: Token **********", {})
    (True, False)
    """
    return vendor_key(re.split(r"[\s:=\"']+", value.strip("\"' "))[-1] or value, params)


def base64_login(value: str, params: Params) -> bool:
    """Whether the last run of base64 decodes to printable `user:password`.

    Source: RFC 7617 section 2; the configuration files of Docker and npm.

    >>> base64_login('"auth": "YW5uOnMzY3JldA=="', {}), base64_login('"auth": "c3RyaW5n"', {})
    (True, False)
    """
    runs = re.findall(r"[A-Za-z0-9+/]{8,}={0,2}", value)
    try:
        raw = base64.b64decode(runs[-1] + "=" * (-len(runs[-1]) % 4)) if runs else b""
    except ValueError:
        return False
    user, colon, secret = raw.partition(b":")
    return bool(user and colon and len(secret) > 2) and all(32 <= byte < 127 for byte in raw)


def cookie(value: str, params: Params) -> bool:
    """Whether a header of cookies holds a value that can be a session: letters and digits, eight or more, no filler.

    Source: RFC 6265 section 4; OWASP, Session Management Cheat Sheet.

    >>> cookie("Cookie: theme=dark; sid=38afes7a8", {}), cookie("Set-Cookie: eggs=scrambled; Path=/", {})
    (True, False)
    """
    for part in re.split(r";|\\r|\\n", re.sub(r"^\W?(?:set-)?cookie2?\W{1,4}", "", value, flags=re.IGNORECASE)):
        name, _, held = part.strip().partition("=")
        held = held.strip("\"' ,)}")
        if name.lower() in _ATTRIBUTES or not 8 <= len(held) or _REFERENCE.search(held) or _FILLER.search(held):
            continue
        if re.search(r"\d", held) and re.search("[A-Za-z]", held) and bits(held) >= params.get("bits", 2.4):
            return True
    return False


_ATTRIBUTES = frozenset({"expires", "max-age", "domain", "path", "samesite", "version", "comment", "priority"})


KINDS: Mapping[str, Callable[[str, Params], bool]] = {
    function.__name__: function
    for function in (
        vendor_key,
        crc32_hex,
        crc32_base36,
        crc16_base32,
        unix_hash,
        filled,
        connection_password,
        url_filled,
        chosen_password,
        named_secret,
        header_value,
        base64_login,
        cookie,
    )
}
