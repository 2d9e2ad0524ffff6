"""Checks of secrets; they take the text of the match as it stands, because upper case would destroy it."""

from __future__ import annotations

import base64
import binascii
import json
import math
import re
import string
import zlib
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

Params = Mapping[str, Any]

BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase
_REFERENCE = re.compile(r"^[$%&{<(\[@#]|\$\{|\{\{|%\(|[)\]}>]$|\)\.|\(.*\)|^\*+$|->|::|^os\.|^process\.|^env\.")
_WORDS = re.compile(
    r"example|sample|placeholder|change.?me|your|dummy|redacted|insert|replace|todo|fixme|(?:foo|bar|baz)(?:foo|bar|baz)"
    r"|xxx|\*\*\*|\.\.\.|^test|test(?:ing)?$|^none$|^null$|^true$|^false$|^undefined$|^password\d{0,4}$|must.?be|at.?least|some.?kind|password$|^secret|secret$|abcdef|12345678",
    re.IGNORECASE,
)
_NAME = re.compile(r"[A-Za-z_$][\w$]*(?:[.\[][\w$\]\"'.]*)+|[A-Z][A-Z_]+|[a-z]+(?:[A-Z][a-z]+)+|[a-z]+(?:[_.-][a-z]+)+")
_PATH = re.compile(r"(?:https?:/|\.{0,2})/\S*|[\w.-]+/[\w./-]+")
_CONSTANT = re.compile(r"[A-Z]{2,}\d{0,4}(?:_(?:[A-Z]{2,}\d{0,4}|[A-Z]|\d{1,4}))+(?:\|[A-Z0-9_]+)*")
_PATTERN = re.compile(
    r"\[\^?(?:a-z|A-Z|0-9|\\w)|^\^[~=]?\d+\.|^\^?arn:|\(\||\{\d+,\d*\}|^\w+=(?:None|True|False|null),?$"
)
"""Of a value that says what a secret may look like: a regular expression, a range of versions, a resource's name."""


def bits(value: str) -> float:
    """Shannon entropy in bits a character.

    >>> bits("aabb"), bits("aaaa")
    (1.0, 0.0)
    """
    total = len(value)
    return -sum([n / total * math.log2(n / total) for n in Counter(value).values()]) + 0.0


_UUID = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
"""Far more often the name of a thing than its key. Source: RFC 9562."""


_KIND = re.compile(r"(?:public|private)[_-]?key", re.IGNORECASE)
"""In the name of a type or a function that works on keys."""


def is_placeholder(value: str) -> bool:
    """Whether the text stands for a secret instead of being one: a reference, a name, a path, a filler.

    >>> is_placeholder("${DB_PASSWORD}"), is_placeholder("changeme"), is_placeholder("k8#pLq2!vR")
    (True, True, False)
    """
    if _REFERENCE.search(value) or _PATTERN.search(value) or _WORDS.search(value):
        return True
    return any(form.fullmatch(value) for form in (_NAME, _PATH, _CONSTANT))


def entropy(value: str, params: Params) -> bool:
    """Whether the text after `skip` characters has at least `bits` of entropy a character and fills no placeholder.

    Source: C. E. Shannon, "A Mathematical Theory of Communication", 1948.

    >>> entropy("hf_q8Zp2LxV0nRt", {"skip": 3, "bits": 3.0}), entropy("hf_aaaaaaaaaa", {"skip": 3, "bits": 3.0})
    (True, False)
    """
    body = value[params.get("skip", 0) :]
    if not body or bits(body) < float(params.get("bits", 3.0)):
        return False
    lowered = value.lower()
    return not any(
        word in lowered for word in params.get("words", ("example", "xxxx", "placeholder", "your_", "your-"))
    )


def password(value: str, params: Params) -> bool:
    """Whether a value given to a name such as `password` looks chosen: no placeholder, no word or name of code.

    >>> password("hunter2-Zebra", {}), password("${PASSWORD}", {}), password("clear_passphrase", {})
    (True, False, False)
    """
    if is_placeholder(value) or len(set(value)) < 5:
        return False
    # Words, paths and identifiers have no digit and no sign that only people put into passwords.
    if not any(char.isdigit() or char in "!@#$%^&*+=?~" for char in value):
        return False
    kinds = sum(
        [
            any(char.islower() for char in value),
            any(char.isupper() for char in value),
            any(char.isdigit() for char in value),
            any(not char.isalnum() for char in value),
        ]
    )
    return bool(kinds >= params.get("kinds", 2) and bits(value) >= params.get("bits", 2.3))


def api_secret(value: str, params: Params) -> bool:
    """Whether a value given to a name such as `api_key` looks random: letters and digits, entropy, no placeholder.

    >>> api_secret("9f8c1e0b7a6d5f4e3c2b1a09", {}), api_secret("customer-service-key", {})
    (True, False)
    >>> api_secret("PKCS7PrivateKeyTypes", {})
    False
    """
    if _KIND.search(value):
        return False
    if is_placeholder(value) or _UUID.fullmatch(value.rstrip(".")) or bits(value) < params.get("bits", 3.2):
        return False
    return any(char.isdigit() for char in value) and any(char.isalpha() for char in value)


def aws_secret(value: str, params: Params) -> bool:
    """Whether 40 characters look like an AWS secret key: all classes mixed, not hexadecimal, high entropy.

    Source: AWS General Reference, "Secret access keys" (40 characters of the base64 alphabet).

    >>> aws_secret("kR8vQz2Lm0TxYb7NcWd5EfGh3JpSu9AiBo1Xe4Kl", {}), aws_secret("a" * 40, {})
    (True, False)
    """
    mixed = re.search("[a-z]", value) and re.search("[A-Z]", value) and re.search(r"[\d+]", value)
    if len(value) != 40 or not mixed or not re.search(r"[g-zG-Z+/]", value) or bits(value) < params.get("bits", 4.0):
        return False
    # Paths and names are words; of forty random characters few stand in runs of five small letters.
    return sum([len(run) for run in re.findall("[a-z]{5,}", value)]) < 20


def _decode(text: str) -> bytes | None:
    """The bytes of base64 or base64url text, padded or not; None where it is neither."""
    body = text.strip().rstrip("=").replace("-", "+").replace("_", "/")
    if len(body) % 4 == 1:
        return None
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


def jwt(value: str, params: Params) -> bool:
    """Whether the first part decodes to a JSON object with `alg` and the second to a JSON object.

    Source: RFC 7515 section 3 and RFC 7519 section 3.

    >>> token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl"
    >>> jwt(token, {}), jwt("eyJhbGciOiJIUzI1NiJ.eyJzdWIiOiJhbm4ifQ.c2ln", {})
    (True, False)
    """
    header, payload = value.split(".")[:2]
    for part, key in ((header, "alg"), (payload, "")):
        try:
            found = json.loads(_decode(part) or b"")
        except ValueError:
            return False
        if not isinstance(found, dict) or (key and key not in found):
            return False
    return True


def basic_auth(value: str, params: Params) -> bool:
    """Whether the last word decodes to printable `user:password`.

    Source: RFC 7617 section 2.

    >>> basic_auth("Authorization: Basic YW5uOnMzY3JldA==", {}), basic_auth("Authorization: Basic c3RyaW5n", {})
    (True, False)
    """
    raw = _decode(value.split()[-1])
    if raw is None:
        return False
    user, colon, secret = raw.partition(b":")
    if secret.lower() in (b"password", b"passwd", b"pass", b"secret"):
        return False
    return bool(colon and secret) and all(32 <= byte != 127 for byte in user + secret)


def github_crc32(value: str, params: Params) -> bool:
    """Whether the last six characters are the CRC-32 of the random part in base 62.

    Source: GitHub engineering blog, "Behind GitHub's new authentication token formats", 2021.

    >>> body = "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5"
    >>> check = in_base(zlib.crc32(body.encode()), BASE62, 6)
    >>> github_crc32("ghp_" + body + check, {}), github_crc32("ghp_" + body[::-1] + check, {})
    (True, False)
    """
    body = value.rpartition("_")[2]
    return in_base(zlib.crc32(body[:-6].encode()), BASE62, 6) == body[-6:]


def in_base(number: int, alphabet: str, width: int) -> str:
    """`number` in the base of an alphabet, its first digit for zero, filled up to a width.

    >>> in_base(61, BASE62, 6), in_base(35, "0123456789abcdefghijklmnopqrstuvwxyz", 7)
    ('00000z', '000000z')
    """
    text = ""
    while number:
        number, digit = divmod(number, len(alphabet))
        text = alphabet[digit] + text
    return text.rjust(width, alphabet[0])


def _body(value: str) -> list[str]:
    """The lines behind the opening armour; escaped line breaks (JSON, environment files) count as such."""
    text = value.replace("\\n", "\n").replace("\\r", "").split("-----", 2)[-1].split("-----", 1)[0]
    return [line.strip() for line in text.splitlines()]


def pem(value: str, params: Params) -> bool:
    """Whether text between armour lines is base64 of a key: `magic` bytes first where given, else a DER sequence.

    A value that ends after its first lines (a window, a cut example) holds when what is there decodes.

    Source: RFC 7468; PROTOCOL.key of OpenSSH for the magic.

    >>> armour = "-----BEGIN PRIVATE" + " KEY-----\\n"
    >>> pem(armour + "MIIBVAIBADANBgkqhkiG9w0BAQEFAASCAT4wggE6", {}), pem(armour + "...", {})
    (True, False)
    """
    lines = _body(value)
    text = "".join(line for line in lines if re.fullmatch(r"[A-Za-z0-9+/=]+", line))
    if len(text) < params.get("least", 16) or bits(text) < 3:
        return False
    if any(line.startswith(("Proc-Type:", "DEK-Info:")) for line in lines):
        return True
    raw = _decode(text[: len(text) // 4 * 4])
    if raw is None:
        return False
    magic = params.get("magic")
    return raw.startswith(magic.encode()) if magic else raw[0] == 0x30


def pem_text(value: str, params: Params) -> bool:
    """Whether armoured text has a body of base64 with the entropy of a key; headers before an empty line may stand.

    Source: RFC 9580 section 6.2.

    >>> armour = "-----BEGIN X-----\\n\\n"
    >>> pem_text(armour + "lQOYBGPx3kEBCADQ9mZk2", {}), pem_text(armour + "a" * 40, {})
    (True, False)
    """
    text = "".join(line for line in _body(value) if re.fullmatch(r"[A-Za-z0-9+/=]+", line))
    return len(text) >= params.get("least", 16) and bits(text) >= 3.5


def url_password(value: str, params: Params) -> bool:
    """Whether the password between the colon and the last at sign of a URL is no placeholder.

    Source: RFC 3986 section 3.2.1.

    >>> url_password("ftp://ann:Pine-37@host", {}), url_password("ftp://user:password@host", {})
    (True, False)
    """
    secret = value.split("://", 1)[-1].rpartition("@")[0].partition(":")[2]
    if re.search(r"[${}%<>*]{2}|^[$%<{*]|^\[", secret) or len(set(secret)) < 3:
        return False
    return not _FILLED_IN.fullmatch(secret)


_FILLED_IN = re.compile(
    r"[\d_-]*(?:password|passwd|pass|secret|changeme|user|pwd|example|xxx|your|test|token)[\d_-]*"
    r"|(?:my|your|the|some|new)[_-]?(?:password|passwd|pass|pwd|pw|secret|token)|p[a4@]ssw0rd|foo|bar|baz|abc|xyz",
    re.IGNORECASE,
)


KINDS: Mapping[str, Callable[[str, Params], bool]] = {
    function.__name__: function
    for function in (
        entropy,
        password,
        api_secret,
        aws_secret,
        jwt,
        basic_auth,
        github_crc32,
        pem,
        pem_text,
        url_password,
    )
}
