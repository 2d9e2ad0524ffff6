"""The secrets of a run as workers get them: rules to report them by, and keyed hashes to know them by.

A needle is one way to write a secret. Of each there are: some bits of a keyed hash of eight of its bytes, by which
places are found where it could stand; how long it is; and a keyed hash of all of it, by which it is known.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from piiscan.live.forms import Form, written
from piiscan.model import Category, ConfidenceSpec, MaskSpec, MatchSpec, Rule, RuleId, Severity

WINDOW = 8
"""Bytes of a needle by which its places are found."""
BITS = 28
"""Of the hash of a window: with ten thousand needles, one place in thirty thousand is looked at."""
_EVERY = (1 << 64) - 1
_WORDS = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Needle:
    """One way to write one value of a secret, known by hashes."""

    secret: int
    """Number of the secret in `Live.secrets`."""
    form: int
    """A `Form`."""
    shift: int
    """Of Base64: bytes before it in its group of three."""
    slot: int
    """The `BITS` bits of the hash of its window."""
    at: int
    """Where in it the window is, in bytes."""
    size: int
    digest: str
    """Thirty-two hexadecimal digits: keyed BLAKE2b of all of it; of Base64, of the bytes that it stands for."""
    more: str = ""
    """Signs beside letters and digits that, standing next to it, make it another value."""


@dataclass(frozen=True, slots=True)
class LiveSecret:
    """A secret that is looked for, without its value."""

    rule: str
    title: str
    """Its name in its vault."""
    version: str
    source: str = ""
    """Its vault, where it is no find."""


@dataclass(frozen=True, slots=True)
class Live:
    """What is looked for in one run; its repr tells no hash."""

    key: bytes
    secrets: tuple[LiveSecret, ...]
    needles: tuple[Needle, ...]

    def __repr__(self) -> str:
        return f"Live({len(self.secrets)} secrets)"

    @property
    def rules(self) -> tuple[Rule, ...]:
        """A rule for each secret; another version of a secret is another rule, so that objects are read again."""
        return tuple(
            Rule(
                RuleId(one.rule),
                f"Live secret: {one.title}",
                Category.CREDENTIALS,
                ((1, Severity.CRITICAL),),
                MatchSpec(f"version {one.version}", shape="exact"),
                confidence=ConfidenceSpec(1.0, 1.0, 1.0, 1.0),
                tags=("live",),
                mask=MaskSpec(0, 0),
                summary="A value that a vault of yours holds now, known by a keyed hash: it works until it is rotated.",
            )
            for one in self.secrets
        )

    def to_json(self) -> dict[str, Any]:
        """A plain form that `from_json` reads back."""
        needles = [[n.secret, n.form, n.shift, n.slot, n.at, n.size, n.digest, n.more] for n in self.needles]
        return {
            "key": self.key.hex(),
            "secrets": [[one.rule, one.title, one.version, one.source] for one in self.secrets],
            "needles": needles,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Live:
        """What `to_json` gave."""
        return cls(
            bytes.fromhex(data["key"]),
            tuple(LiveSecret(*one) for one in data["secrets"]),
            tuple(Needle(*one) for one in data["needles"]),
        )


def multiplier(key: bytes) -> int:
    """The odd number of 64 bits that windows are multiplied by. Source: Dietzfelbinger et al. 1997, multiply-shift."""
    return int.from_bytes(hashlib.blake2b(b"windows", key=key, digest_size=8).digest(), "little") | 1


def digest_of(key: bytes, written: bytes) -> str:
    """The hash by which a needle is known. Source: keyed BLAKE2b, RFC 7693."""
    return hashlib.blake2b(written, key=key, digest_size=16).hexdigest()


def rule_id(service: str, name: str, arn: str) -> str:
    """The id of the rule of a secret: its name in letters that ids have, and what tells it from others so spelt.

    >>> rule_id("secretsmanager", "Prod/DB-password", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:x")
    'live.prod_db_password_5ea21a'
    """
    stem = _WORDS.sub("_", name.lower()).strip("_")[:60] or "secret"
    told = hashlib.blake2b(f"{service}\n{arn or name}".encode("utf-8", "surrogatepass"), digest_size=3).hexdigest()
    return f"live.{stem}_{told}"


def live_set(entries: Iterable[tuple[LiveSecret, Sequence[bytes]]], key: bytes = b"") -> Live:
    """The hashes of some secrets' values, under a key of this run alone.

    Of a form that two secrets have, each is found: the same password may be kept twice.
    """
    key = key or secrets.token_bytes(32)
    times = multiplier(key)
    kept: list[LiveSecret] = []
    needles: list[Needle] = []
    for secret, values in entries:
        number = len(kept)
        kept.append(secret)
        for value in values:
            more = "".join(sign for sign in "-+/" if sign.encode() in value and _TOKEN.fullmatch(value))
            for form, shift, needle, whole in written(value):
                at = _window(needle)
                word = int.from_bytes(needle[at : at + WINDOW], "little")
                slot = (word * times & _EVERY) >> (64 - BITS)
                beside = more if form is Form.TEXT else ""
                needles.append(Needle(number, int(form), shift, slot, at, len(needle), digest_of(key, whole), beside))
    return Live(key, tuple(kept), tuple(needles))


_TOKEN = re.compile(rb"[A-Za-z0-9+/_=-]+")
"""A value of this kind goes on where one of its signs stands beside it."""


def _window(needle: bytes) -> int:
    """Where the eight bytes of a needle are that stand elsewhere least: those of most different characters."""
    last = len(needle) - WINDOW
    starts = range(0, last + 1, 1 + last // 16)
    return max(starts, key=lambda at: (_rarity(needle[at : at + WINDOW]), -at))


def _rarity(window: bytes) -> float:
    kinds = [chr(b).isdigit() + 2 * chr(b).isupper() + 3 * (not chr(b).isalnum()) for b in window]
    changes = sum(a != b for a, b in pairwise(kinds))
    return len(set(window)) + changes
