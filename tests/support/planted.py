"""Live secrets planted in files in every way in which people write them down, and look-alikes beside them."""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.parse import quote

_ALPHABETS = (
    string.ascii_letters + string.digits,
    string.ascii_letters + string.digits + "!#$%&*+-.:;=?@^_~",
    string.digits + "abcdef",
    string.ascii_letters + string.digits + "+/",
)
_WORDS = (
    "report of the third quarter, to be read by the board before the meeting",
    "the pump was changed in spring and has run without a fault since then",
    "please find the minutes attached; the next date is not fixed yet",
    "INFO request done in 34 ms, 12 rows, cache miss, retry 0",
    "a list of parts: 4 bolts M8, 2 washers, 1 seal, delivered by truck",
)


@dataclass(frozen=True)
class Planted:
    """A file, and the numbers of the secrets that lie in it."""

    name: str
    data: bytes
    secrets: frozenset[int]


def value(number: int, seed: int) -> str:
    """The secret with a number: of 12 to 40 characters, one of four kinds, ended by a letter and a digit."""
    rng = random.Random(seed * 1_000_003 + number)
    alphabet = _ALPHABETS[number % len(_ALPHABETS)]
    return "".join(rng.choice(alphabet) for _ in range(rng.randint(10, 38))) + rng.choice("kmpqtw") + rng.choice("3456")


def look_alike(secret: str, number: int) -> str:
    """What is almost a secret."""
    at = 2 + number % (len(secret) - 4)
    other = "X" if secret[at] != "X" else "Y"
    return (
        secret[:at] + other + secret[at + 1 :],
        secret[:-1],
        secret + "8",
        "q" + secret,
        secret[:at] + secret[at + 1] + secret[at] + secret[at + 2 :] if secret[at] != secret[at + 1] else secret + "z",
    )[number % 5]


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


HOW: tuple[tuple[str, Callable[[str], str]], ...] = (
    ("txt", lambda v: f"the key of the gate is {v} as of today"),
    ("env", lambda v: f"DB_PASSWORD={v}\nDB_PORT=5432"),
    ("yaml", lambda v: f"db:\n  password: '{v}'\n  port: 1"),
    ("conf", lambda v: f"url = postgres://app:{quote(v, safe='')}@db.example.com:5432/app"),
    ("ini", lambda v: f"[db]\ndsn = Server=db.example.com;Database=x;User Id=app;Password={{{v}}};"),
    ("json", lambda v: json.dumps({"service": {"name": "x", "credential": v}})),
    ("jsonl", lambda v: "\n".join(json.dumps({"n": n, "note": v if n == 3 else "none"}) for n in range(6))),
    ("csv", lambda v: "id,note\n" + "\n".join(f'{n},"{v if n == 4 else "none"}"' for n in range(8))),
    ("txt", lambda v: f"Authorization: Basic {_b64('app:' + v)}"),
    ("yaml", lambda v: f"kind: Secret\ndata:\n  token: {_b64(v)}"),
    ("txt", lambda v: "blob " + _b64(json.dumps({"id": 7, "password": v}))),
)
"""Ending of a file's name, and the text that a secret is written into."""
# In a connection string of ODBC a value with a semicolon stands in braces.


def files(secrets: int, look_alikes: int, count: int, seed: int) -> Iterator[Planted]:
    """`count` files, of which `secrets` hold a secret each and `look_alikes` what is almost one, spread among them."""
    rng = random.Random(seed)
    holds = [(n, False) for n in range(secrets)] + [(n, True) for n in range(look_alikes)]
    holds += [(-1, False)] * (count - len(holds))
    rng.shuffle(holds)
    for at, (number, almost) in enumerate(holds):
        filler = "\n".join(rng.choice(_WORDS) for _ in range(rng.randint(3, 40)))
        if number < 0:
            yield Planted(f"{at % 50:02}/{at:05}.txt", filler.encode(), frozenset())
            continue
        ending, write = HOW[(number * 7 + at) % len(HOW)]
        secret = value(number % max(secrets, 1), seed)
        told = write(look_alike(secret, number) if almost else secret)
        whole = told if ending in ("json", "jsonl", "csv", "yaml", "env", "ini") else f"{filler}\n{told}\n{filler}"
        yield Planted(f"{at % 50:02}/{at:05}.{ending}", whole.encode(), frozenset() if almost else frozenset([number]))
