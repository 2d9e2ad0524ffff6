"""What names and values in vaults say: which member of a document, or which parameter, is the secret."""

from __future__ import annotations

import math
import re
from collections import Counter

RANDOM_BITS = 3.0
"""Bits a character from which on a value of a document is taken for a secret, whatever it is called."""

_SECRET = re.compile(
    r"pass|pwd|secret|token|(?:api|access|private|account|shared|encryption|signing|master|primary|secondary|client|ssh)?"
    r"[_-]?key(?!space|word|board|[_-]?id\b)|credential|auth|connection|conn_?str|dsn|salt|pin\b|otp|seed|cert|jwt|bearer|"
    r"webhook|signature|hmac",
    re.IGNORECASE,
)
"""What a member of a document is called that holds a secret."""
_BESIDE = re.compile(
    r"user(?:_?name)?|login|host(?:name)?|port|engine|db_?name|database|dbinstance\w*|region|account_?id|arn|e?mail|"
    r"(?:key|client|tenant|app|kms)_?id|schema|protocol|name|description|masterarn|cluster\w*|version|type|"
    r"(?:auth|token)_?(?:ur[li]|uri|endpoint|type)|endpoint|expires?(?:_\w+)?|scopes?|created\w*|updated\w*",
    re.IGNORECASE,
)
"""What one is called that stands beside a secret. Source: AWS Secrets Manager User Guide, "JSON structure"."""
_LOCATION = re.compile(
    r"[a-z][a-z0-9+.-]*://[^@\s]*|arn:.*|[\w.+-]+@(?:[\w-]+\.)+[a-z]{2,}|(?:[\w-]+\.)+[a-z]{2,}(?::\d+)?|\d+(?:\.\d+){3}(?::\d+)?",
    re.IGNORECASE,
)
"""An address, an ARN, an address of mail, a host by name or number."""


def says_secret(name: str) -> bool:
    """Whether what is called so is a secret.

    >>> says_secret("db_password"), says_secret("api-key"), says_secret("keyboard"), says_secret("kms-key-id")
    (True, True, False, False)
    """
    return _SECRET.search(name) is not None and not stands_beside(name)


def stands_beside(name: str) -> bool:
    """Whether what is called so stands beside a secret and is none, such as the user and the host."""
    return _BESIDE.fullmatch(name) is not None


def is_location(value: str) -> bool:
    """Whether a value says where something is: an address, a host, an ARN.

    >>> is_location("db.example.com:5432"), is_location("XGK1K.DK3nRrHk6"), is_location("a@b-q4")
    (True, False, False)
    """
    return _LOCATION.fullmatch(value) is not None


def bits(value: str) -> float:
    """Bits a character, by how often each stands in the value. Source: Shannon 1948."""
    counts = Counter(value).values()
    return -sum(n / len(value) * math.log2(n / len(value)) for n in counts)
