"""Live secrets in blocks of bytes: every way to write one is found, and no value that only looks like it."""

from __future__ import annotations

import base64
import json
import random
import string
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piiscan.live.find import Finder
from piiscan.live.needles import Live, LiveSecret, live_set
from piiscan.live.values import telling

ALPHABETS = (
    string.ascii_letters + string.digits,
    string.ascii_letters + string.digits + "!#$%&*+-.:;<=>?@^_~/'\"\\",
    string.digits + "abcdef",
    string.ascii_letters + string.digits + "+/",
)


def secret(number: int, size: int = 16) -> str:
    rng = random.Random(number)
    alphabet = ALPHABETS[number % len(ALPHABETS)]
    return "x1" + "".join(rng.choice(alphabet) for _ in range(size - 4)) + "Q9"


def finder(*values: str) -> Finder:
    return Finder(live_set([(LiveSecret(f"live.s{n}", f"s{n}", "1"), (v.encode(),)) for n, v in enumerate(values)]))


def found(one: Finder, text: str | bytes) -> list[int]:
    return [hit.secret for hit in one.hits(text.encode() if isinstance(text, str) else text)]


WRITTEN: dict[str, Callable[[str], str]] = {
    "plainly": lambda v: f"password = {v}\n",
    "alone": lambda v: v,
    "in quotes": lambda v: f"pw: '{v}'",
    "in a URL": lambda v: f"postgres://app:{quote(v, safe='')}@db.example.com:5432/x",
    "in a URL with small escapes": lambda v: "mysql://app:" + _small(quote(v, safe="")) + "@db/x",
    "in JSON": lambda v: json.dumps({"dsn": {"password": v}}),
    "in JSON in JSON": lambda v: json.dumps({"body": "a\n" + v + "\nb"}),
    "in XML": lambda v: "<p>" + v.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;") + "</p>",
    "of an option": lambda v: f"mysqldump -uroot -p{v} --all",
    "in Chinese": lambda v: f"密码：{v}。",
    "behind Chinese": lambda v: f"密码{v}号",
    "in Base64": lambda v: "data: " + _b64(v),
    "in Base64 for URLs": lambda v: "data: " + base64.urlsafe_b64encode(v.encode()).decode().rstrip("="),
    "in basic authentication": lambda v: "Authorization: Basic " + _b64("admin:" + v),
    "in Base64 behind one byte": lambda v: _b64(":" + v + ";"),
    "in Base64 of a document": lambda v: _b64(json.dumps({"a": 1, "password": v, "b": [2]})),
    "in Base64 of UTF-16": lambda v: "powershell -enc " + base64.b64encode(f"$p='{v}'".encode("utf-16-le")).decode(),
    "in hexadecimal": lambda v: "0x" + v.encode().hex(),
}


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _small(text: str) -> str:
    first, *rest = text.split("%")
    return first + "".join("%" + part[:2].lower() + part[2:] for part in rest)


@pytest.mark.parametrize("how", WRITTEN)
def test_every_way_to_write_a_secret_is_found(how: str) -> None:
    values = [secret(n, 10 + n % 30) for n in range(40)]
    one = finder(*values)
    for number, value in enumerate(values):
        assert number in found(one, WRITTEN[how](value)), number


LOOK_ALIKES: dict[str, Callable[[str], str]] = {
    "one character is another": lambda v: v[:5] + ("Z" if v[5] != "Z" else "Y") + v[6:],
    "other case": lambda v: v.swapcase(),
    "cut short": lambda v: v[:-1],
    "a character more": lambda v: v + "x",
    "a digit more": lambda v: v + "7",
    "a character before": lambda v: "k" + v,
    "an underscore and more": lambda v: v + "_old",
    "turned around": lambda v: v[::-1],
    "two changed places": lambda v: v[:2] + v[3] + v[2] + v[4:],
}


@pytest.mark.parametrize("how", LOOK_ALIKES)
@pytest.mark.parametrize("written", WRITTEN)
def test_what_only_looks_like_a_secret_is_none(how: str, written: str) -> None:
    values = [secret(n, 10 + n % 30) for n in range(40)]
    one = finder(*values)
    for number, value in enumerate(values):
        other = LOOK_ALIKES[how](value)
        if other == value or (written == "of an option" and how == "a character before"):
            continue
        if written in ("behind Chinese", "in Chinese") and how == "a character before":
            continue
        assert number not in found(one, WRITTEN[written](other)), number


def test_a_secret_at_every_place_of_a_chunk_and_over_its_end() -> None:
    value = secret(0, 40)
    one = finder(value)
    for at in [*range(0, 64), (1 << 18) - 45, (1 << 18) - 20, (1 << 18) - 1, 1 << 18, (1 << 18) + 5]:
        assert found(one, b" " * at + value.encode() + b" end") == [0], at


def test_a_connection_string_counts_once() -> None:
    values, _ = telling("postgres://app:hunter2hunter3@db.example.com/x")
    one = Finder(live_set([(LiveSecret("live.s", "s", "1"), values)]))
    assert found(one, "url=postgres://app:hunter2hunter3@db.example.com/x\npw=hunter2hunter3\n") == [0, 0]


@given(st.binary(min_size=8, max_size=60), st.binary(max_size=40), st.binary(max_size=40))
def test_any_value_between_blanks_is_found(value: bytes, before: bytes, after: bytes) -> None:
    one = Finder(live_set([(LiveSecret("live.s", "s", "1"), (value,))]))
    block = before + b" " + value + b" " + after
    assert any(h.secret == 0 and h.start <= len(before) + 1 < h.end for h in one.hits(block))


def test_workers_get_hashes_alone() -> None:
    value = secret(1)
    made = live_set([(LiveSecret("live.s", "s", "1"), (value.encode(),))])
    shipped = json.dumps(made.to_json())
    assert value not in shipped
    assert _b64(value) not in shipped
    assert value.encode().hex() not in shipped
    again = Live.from_json(json.loads(shipped))
    assert found(Finder(again), f"x {value} y") == [0]
    assert made.needles[0].digest not in repr(made)


def test_another_version_is_another_rule() -> None:
    one = live_set([(LiveSecret("live.s", "s", "1"), (b"x" * 9,))]).rules[0]
    two = live_set([(LiveSecret("live.s", "s", "2"), (b"x" * 9,))]).rules[0]
    assert one.id == two.id
    assert one != two


@pytest.mark.parametrize(
    ("entry", "looked_for", "why"),
    [
        ('{"username": "app", "password": "7f-Gh2!kLq", "host": "db.example.com", "port": 5432}', [b"7f-Gh2!kLq"], ""),
        ('{"anything": "aZ81kdfj29dkfjAA", "url": "https://example.com/x"}', [b"aZ81kdfj29dkfjAA"], ""),
        ('{"nested": {"client_secret": "abcd-efgh-1"}}', [b"abcd-efgh-1"], ""),
        (
            "Server=db;User Id=app;Password=abc.def.12",
            [b"Server=db;User Id=app;Password=abc.def.12", b"abc.def.12"],
            "",
        ),
        ("postgres", [], "too plain"),
        ("1234567", [], "too short"),
        ("", [], "too short"),
        ("aaaaaaaaaaaaaaaa", [], "too plain"),
        (b"\xff\xfe\x00binary!", [b"\xff\xfe\x00binary!"], ""),
        ('{"username": "somebody-long"}', [b"somebody-long"], ""),
        ('{"username": "somebody-long", "host": "db.example.com"}', [], "empty"),
    ],
)
def test_what_of_an_entry_is_looked_for(entry: str | bytes, looked_for: list[bytes], why: str) -> None:
    values, reason = telling(entry)
    assert list(values) == looked_for
    assert reason.startswith(why)
    assert bool(reason) == (not looked_for)
