"""How a keyword is written in a text, and how the literal scanner looks for it."""

from __future__ import annotations

import re

from piiscan.classify.hyper import Expression

SHORT = 6
"""Characters up to which a keyword is scanned for with its boundaries: 38,000 hits a megabyte of prose become 1,600."""


def spaced(character: str) -> bool:
    """Whether words of this character's script are set apart by spaces, so that a token has edges."""
    return character.isalnum() and not "\u0e00" <= character <= "\u0eff" and not "\u3040" <= character <= "\ud7ff"


def token(form: str) -> Expression:
    """A keyword for the scanner; a short one consumes a byte behind it where its script has word edges."""
    if len(form) > SHORT:
        return Expression(form, True, True)
    before = "[^0-9A-Za-z]" if spaced(form[0]) else ""
    after = "[^0-9A-Za-z]" if spaced(form[-1]) else ""
    return Expression(before + re.escape(form) + after, True)


def consumes(form: str) -> bool:
    """Whether `token` takes the byte behind the keyword as well."""
    return len(form) <= SHORT and spaced(form[-1])


def literal_forms(keyword: str) -> tuple[str, ...]:
    """The literals under which a keyword is looked for: spaces as they stand, `_`, `-` or nothing, and, beyond ASCII,
    the case forms that a byte scan would not fold.

    >>> literal_forms("Card no")
    ('card no', 'card_no', 'card-no', 'cardno')
    """
    word = keyword.lower()
    forms = [word] + ([word.replace(" ", other) for other in ("_", "-", "")] if " " in word else [])
    if not word.isascii():
        forms += [f.upper() for f in forms] + [f.title() for f in forms]
    return tuple(dict.fromkeys(forms))
