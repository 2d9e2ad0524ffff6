"""Checks of addresses of ledgers: Base58Check and its kin, Bech32, and Ethereum's mixed case."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

Params = Mapping[str, Any]

_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_DIGITS = {char: i for i, char in enumerate(_BASE58)}
_RIPPLE = str.maketrans("rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz", _BASE58)


def base58check(value: str, params: Params) -> bool:
    """Whether the text is Base58Check: the last four bytes are a double SHA-256 of the others. `ripple` is an alphabet.

    Source: Bitcoin wiki, "Base58Check encoding"; XRP Ledger documentation, "base58 encodings".

    >>> base58check("1BoatSLRHtKNngkdXEeobR76b53LETtpyT", {}), base58check("1BoatSLRHtKNngkdXEeobR76b53LETtpyU", {})
    (True, False)
    """
    if value.startswith("r"):
        value = value.translate(_RIPPLE)
    number = 0
    for char in value:
        digit = _DIGITS.get(char)
        if digit is None:
            return False
        number = number * 58 + digit
    zeros = len(value) - len(value.lstrip("1"))
    raw = b"\0" * zeros + number.to_bytes((number.bit_length() + 7) // 8, "big")
    return len(raw) == 25 and hashlib.sha256(hashlib.sha256(raw[:-4]).digest()).digest()[:4] == raw[-4:]


_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def bech32(value: str, params: Params) -> bool:
    """Whether the text holds the checksum of Bech32 or Bech32m behind its human-readable part.

    Source: BIP-173 and BIP-350.

    >>> address = "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"
    >>> bech32(address, {}), bech32(address[:-1] + "5", {})
    (True, False)
    """
    if value not in (value.lower(), value.upper()):
        return False
    head, _, tail = value.lower().rpartition("1")
    data = [_BECH32.find(char) for char in tail]
    if not head or -1 in data or len(data) < 6:
        return False
    check = 1
    for number in (*(ord(c) >> 5 for c in head), 0, *(ord(c) & 31 for c in head), *data):
        top = check >> 25
        check = (check & 0x1FFFFFF) << 5 ^ number
        for i, generator in enumerate((0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)):
            check ^= generator if top >> i & 1 else 0
    return check in (1, 0x2BC830A3)


def cashaddr(value: str, params: Params) -> bool:
    """Whether 42 characters hold the 40-bit checksum of an address of Bitcoin Cash, its prefix left out.

    Source: Bitcoin Cash specification, "CashAddr".

    >>> address = "qpm2qsznhks23z7629mms6s4cwef74vcwvy22gdx6a"
    >>> cashaddr(address, {}), cashaddr(address[:-1] + "q", {})
    (True, False)
    """
    data = [_BECH32.find(char) for char in value]
    if -1 in data:
        return False
    check = 1
    for number in (*(ord(c) & 31 for c in "bitcoincash"), 0, *data):
        top = check >> 35
        check = (check & 0x07FFFFFFFF) << 5 ^ number
        for i, generator in enumerate((0x98F2BC8E61, 0x79B76D99E2, 0xF33E5FB3C4, 0xAE2EABE2A8, 0x1E4F43E470)):
            check ^= generator if top >> i & 1 else 0
    return check == 1


def wallet(value: str, params: Params) -> bool:
    """Whether the text is an address of Bitcoin or one of its kin: Base58Check, or Bech32 behind its prefix.

    Source: BIP-13, BIP-173 and BIP-350.

    >>> wallet("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", {}), wallet("1BoatSLRHtKNngkdXEeobR76b53LETtpyT", {})
    (True, True)
    """
    if len(value) == 42 and value[0] in "qp":
        return cashaddr(value, params)
    if value[:4].lower() in ("ltc1", "addr") or value[:3].lower() == "bc1":
        return bech32(value, params)
    return base58check(value, params)


_ROUNDS = (
    0x0000000000000001, 0x0000000000008082, 0x800000000000808A, 0x8000000080008000, 0x000000000000808B,
    0x0000000080000001, 0x8000000080008081, 0x8000000000008009, 0x000000000000008A, 0x0000000000000088,
    0x0000000080008009, 0x000000008000000A, 0x000000008000808B, 0x800000000000008B, 0x8000000000008089,
    0x8000000000008003, 0x8000000000008002, 0x8000000000000080, 0x000000000000800A, 0x800000008000000A,
    0x8000000080008081, 0x8000000000008080, 0x0000000080000001, 0x8000000080008008,
)  # fmt: skip
_MASK = (1 << 64) - 1
_RATE = 136


def keccak256(data: bytes) -> bytes:
    """The 32-byte Keccak digest with the padding of before SHA-3, as Ethereum uses it; for short inputs.

    Source: The Keccak reference, version 3.0 (2011).

    >>> keccak256(b"").hex()[:16]
    'c5d2460186f7233c'
    """
    padded = bytearray(data + b"\x01" + bytes(-(len(data) + 1) % _RATE))
    padded[-1] |= 0x80
    lanes = [[0] * 5 for _ in range(5)]
    for begin in range(0, len(padded), _RATE):
        for i in range(_RATE // 8):
            at = begin + 8 * i
            lanes[i % 5][i // 5] ^= int.from_bytes(padded[at : at + 8], "little")
        for constant in _ROUNDS:
            lanes = _round(lanes, constant)
    return b"".join(lanes[i % 5][i // 5].to_bytes(8, "little") for i in range(4))


def _round(lanes: list[list[int]], constant: int) -> list[list[int]]:
    parity = [lanes[x][0] ^ lanes[x][1] ^ lanes[x][2] ^ lanes[x][3] ^ lanes[x][4] for x in range(5)]
    mixed = [parity[x - 1] ^ _turn(parity[(x + 1) % 5], 1) for x in range(5)]
    lanes = [[lanes[x][y] ^ mixed[x] for y in range(5)] for x in range(5)]
    x, y, current = 1, 0, lanes[1][0]
    for step in range(24):
        x, y = y, (2 * x + 3 * y) % 5
        current, lanes[x][y] = lanes[x][y], _turn(current, (step + 1) * (step + 2) // 2 % 64)
    lanes = [[lanes[x][y] ^ (~lanes[(x + 1) % 5][y] & lanes[(x + 2) % 5][y]) for y in range(5)] for x in range(5)]
    lanes[0][0] ^= constant
    return lanes


def _turn(lane: int, by: int) -> int:
    return ((lane << by) | (lane >> (64 - by))) & _MASK if by else lane


def eip55(value: str, params: Params) -> bool:
    """Whether an Ethereum address has the mixed case that its own digest asks for; one of a single case has none.

    Source: EIP-55.

    >>> eip55("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", {}), eip55("0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed", {})
    (True, False)
    """
    digits = value[2:]
    if digits in (digits.lower(), digits.upper()):
        return False
    digest = keccak256(digits.lower().encode()).hex()
    return all(c.isdecimal() or c.isupper() == (int(h, 16) >= 8) for c, h in zip(digits, digest, strict=False))


KINDS: Mapping[str, Callable[[str, Params], bool]] = {
    function.__name__: function for function in (base58check, bech32, wallet, eip55)
}
