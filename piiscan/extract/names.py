"""Member names as they are reported: bytes escaped, and names that an archive uses twice told apart."""

from __future__ import annotations


class Names:
    """The names of one archive. Of each only the hash is kept: an archive may have a million."""

    def __init__(self) -> None:
        self._seen: set[int] = set()
        self._repeats: dict[str, int] = {}

    def unique(self, name: str) -> str:
        """`name`, with its number behind it when it came before.

        >>> names = Names()
        >>> [names.unique(n) for n in ("a.txt", "b.txt", "a.txt", "a.txt")]
        ['a.txt', 'b.txt', 'a.txt#2', 'a.txt#3']
        """
        key = hash(name)
        if key not in self._seen:
            self._seen.add(key)
            return name
        count = self._repeats[name] = self._repeats.get(name, 1) + 1
        return f"{name}#{count}"


def shown(name: str) -> str:
    """A member name as it is reported: bytes that were not UTF-8 become `\\xNN`, the rest stays.

    >>> shown("a\\udcff.txt")
    'a\\\\xff.txt'
    """
    if name.isascii():
        return name
    return "".join(f"\\x{ord(c) - 0xDC00:02x}" if "\udc80" <= c <= "\udcff" else _plain(c) for c in name)


def _plain(char: str) -> str:
    return f"\\u{ord(char):04x}" if "\ud800" <= char <= "\udfff" else char


def from_bytes(raw: bytes, legacy: str = "") -> str:
    """The name that the bytes spell: UTF-8, else `legacy` (a codec), else with the odd bytes escaped.

    >>> from_bytes(b"\\xc3\\xa9.txt", "cp437"), from_bytes(b"\\x82.txt", "cp437"), from_bytes(b"\\x82.txt")
    ('é.txt', 'é.txt', '\\\\x82.txt')
    """
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode(legacy, "backslashreplace") if legacy else raw.decode("utf-8", "backslashreplace")
