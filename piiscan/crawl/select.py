"""Which of the listed objects are read: globs, size, sample, and the caps of a run."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path

from piiscan.config import Config
from piiscan.model import ObjectRef
from piiscan.sampling.draw import Draw


@dataclass(slots=True)
class Tally:
    """How the selection went."""

    listed: int = 0
    selected: int = 0
    bytes: int = 0
    left_out: int = 0
    capped: bool = False
    """A cap of the run ended the selection; the listing was not read to its end."""


@lru_cache(maxsize=256)
def glob(pattern: str) -> re.Pattern[str]:
    """A glob over keys: `*` and `?` stay within a part, `**` crosses parts; without a slash it means any last part.

    >>> bool(glob("*.csv").fullmatch("a/b/c.csv")), bool(glob("a/*.csv").fullmatch("a/b/c.csv"))
    (True, False)
    >>> bool(glob("a/**").fullmatch("a/b/c.csv")), bool(glob("/a.csv").fullmatch("b/a.csv"))
    (True, False)
    """
    text = pattern.removeprefix("/")
    out = "" if "/" in pattern else r"(?:.*/)?"
    i = 0
    while i < len(text):
        if text.startswith("**/", i):
            out, i = out + r"(?:.*/)?", i + 3
        elif text.startswith("**", i):
            out, i = out + r".*", i + 2
        elif text[i] == "*":
            out, i = out + r"[^/]*", i + 1
        elif text[i] == "?":
            out, i = out + r"[^/]", i + 1
        elif text[i] == "[" and "]" in text[i + 2 :]:
            end = text.index("]", i + 2)
            body = text[i + 1 : end].replace("\\", r"\\")
            out, i = out + "[" + ("^" + body[1:] if body[0] in "!^" else body) + "]", end + 1
        else:
            out, i = out + re.escape(text[i]), i + 1
    if text.endswith("/"):
        out += ".*"
    return re.compile(out, re.DOTALL)


def passing(names: Iterable[str], config: Config) -> list[bool]:
    """Which names the globs of a configuration let through."""
    include = [glob(p) for p in config.include]
    exclude = [glob(p) for p in config.exclude]
    return [
        (not include or any(p.fullmatch(name) for p in include)) and not any(p.fullmatch(name) for p in exclude)
        for name in names
    ]


def sampled(source: str, key: str, percent: float) -> bool:
    """Whether an object falls into the sample: by a hash of its name, so the same ones each time."""
    if percent >= 100:
        return True
    raw = hashlib.blake2b(f"{source}\0{key}".encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(raw, "big") < percent / 100 * 2**64


def own_denied(refs: Iterable[ObjectRef], database: Path) -> Iterator[ObjectRef]:
    """The objects, the files of our own database denied: it is written to while they would be read."""
    folder, name = database.resolve().parent, database.name
    spool = f"{name}.spool"
    for ref in refs:
        if name in ref.key and ref.handle and not ref.denied:
            path = Path(ref.handle)
            own = path.name in {name, f"{name}.wal", f"{name}.snapshot", f"{name}.snapshot.tmp"}
            parents = list(path.parents)
            at = [parent.name for parent in parents].index(spool) + 1 if spool in path.parts[:-1] else 0
            if (own or at) and parents[at].resolve() == folder:
                ref = replace(ref, denied="OWN_DATABASE: the database of this scan is not read")
        yield ref


def select(
    refs: Iterable[ObjectRef], config: Config, tally: Tally, draw: Draw | None = None
) -> Iterator[tuple[ObjectRef, bool]]:
    """Every listed object and whether it is to be read; ends early when a cap of the run is reached.

    With `draw` the sample is drawn in strata: an object that was left out may come again at the end, drawn.
    """
    include = [glob(p) for p in config.include]
    exclude = [glob(p) for p in config.exclude]
    for ref in refs:
        tally.listed += 1
        wanted = (
            (not include or any(p.fullmatch(ref.name) for p in include))
            and not any(p.fullmatch(ref.name) for p in exclude)
            and not (config.max_object_bytes and ref.size > config.max_object_bytes)
            and (sampled(ref.source, ref.key, config.sample) if draw is None else draw.take(ref))
        )
        if wanted and (
            (config.max_objects and tally.selected >= config.max_objects)
            or (config.max_bytes and tally.selected and tally.bytes + ref.size > config.max_bytes)
        ):
            tally.listed -= 1
            tally.capped = True
            return
        if wanted:
            tally.selected += 1
            tally.bytes += ref.size
        else:
            tally.left_out += 1
        yield ref, wanted
    for ref in draw.rest() if draw is not None else ():
        if not config.max_objects or tally.selected < config.max_objects:
            tally.selected += 1
            tally.left_out -= 1
            tally.bytes += ref.size
            yield ref, True
