"""The text format of Prometheus, read strictly and by its own page, not by our writer."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_HELP = re.compile(rf"# HELP ({_NAME}) ((?:[^\\\n]|\\\\|\\n)*)")
_TYPE = re.compile(rf"# TYPE ({_NAME}) (counter|gauge|histogram|summary|untyped)")
_SAMPLE = re.compile(rf"({_NAME})(?:\{{(.*)\}})? (NaN|[+-]Inf|[+-]?\d+(?:\.\d+)?(?:e[+-]?\d+)?)")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^\\"\n]|\\\\|\\"|\\n)*)"(?:,|$)')
_BACK = {r"\\": "\\", r"\"": '"', r"\n": "\n"}


@dataclass
class Read:
    """One family as it was read."""

    help: str
    kind: str = ""
    samples: dict[tuple[tuple[str, str], ...], float] = field(default_factory=dict)


def parse(text: str) -> dict[str, Read]:
    """All families. Fails on a line that the format does not know, or out of its order."""
    assert text.endswith("\n")
    out: dict[str, Read] = {}
    name = ""
    for line in text.split("\n")[:-1]:
        if (found := _HELP.fullmatch(line)) is not None:
            name = found[1]
            assert name not in out, "the lines of a family are together"
            out[name] = Read(found[2])
        elif (found := _TYPE.fullmatch(line)) is not None:
            assert found[1] == name
            assert not out[name].kind
            out[name].kind = found[2]
        else:
            found = _SAMPLE.fullmatch(line)
            assert found is not None, line
            assert found[1] == name
            assert out[name].kind
            labels = _labels(found[2] or "")
            assert labels not in out[name].samples
            out[name].samples[labels] = float(found[3])
    return out


def _labels(text: str) -> tuple[tuple[str, str], ...]:
    out, at = [], 0
    while at < len(text):
        found = _LABEL.match(text, at)
        assert found is not None, text
        out.append((found[1], re.sub(r'\\[\\"n]', lambda m: _BACK[m[0]], found[2])))
        at = found.end()
    return tuple(out)


def value(families: dict[str, Read], name: str, **labels: str) -> float:
    """The sample of a family that has exactly these labels."""
    return families[name].samples[tuple(labels.items())]
