"""Where a finding stands: the object read again, and the text around its places with every match masked.

Nothing raw is stored anywhere, so this is the only way to look; it is also the test that a place is right.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Any

from piiscan.classify.build import build_stack
from piiscan.classify.encoded import readings
from piiscan.classify.session import StackSession
from piiscan.config import Config
from piiscan.crawl import STDIN, Target, open_source
from piiscan.engine.opening import for_child, opened
from piiscan.engine.sandbox import ParserChild
from piiscan.errors import SourceError
from piiscan.extract import IN_PROCESS, Budget, Job, segments
from piiscan.identify import identify
from piiscan.locate import Locator
from piiscan.model import ObjectRef, Rule, Segment, TextSegment
from piiscan.redact import mask_for
from piiscan.references import passwords as passwords_of


def surroundings(
    finding: Mapping[str, Any], places: Sequence[Mapping[str, Any]], config: Config, scratch: Path, width: int
) -> Iterator[tuple[dict[str, Any], str]]:
    """(place, masked text around it) of those places at which the rule still matches.

    Raises: SourceError, ObjectError when the object cannot be read.
    """
    if finding["source"] == STDIN:
        raise SourceError("standard input was not kept, so it cannot be shown")
    source = open_source(Target(finding["source"]), config)
    ref = source.refresh(ObjectRef(finding["source"], finding["object"], 0))
    stack = build_stack(config)
    wanted = [dict(p["place"]) for p in places]
    with closing(opened(source, ref, str(scratch))) as stream:
        found = identify(stream, ref.name)
        budget = Budget(config.limits, bytes_in=ref.size)
        passwords = passwords_of(config.passwords, config.aws)
        job = Job(ref.name, found.media_type, ref.size, budget, charset=found.charset, passwords=passwords)
        if found.media_type in IN_PROCESS:
            yield from _matches(segments(stream, job), stack.open(ref, ""), stack.rules, finding["rule"], wanted, width)
            return
        with for_child(stream, str(scratch)) as (fd, fill), ParserChild(str(scratch)) as child:
            parsed = child.segments(fd, job, config.seconds_for(ref.size), fill)
            yield from _matches(parsed, stack.open(ref, ""), stack.rules, finding["rule"], wanted, width)


def _matches(
    found: Iterator[Segment],
    session: StackSession,
    rules: Sequence[Rule],
    rule_id: str,
    wanted: list[dict[str, Any]],
    width: int,
) -> Iterator[tuple[dict[str, Any], str]]:
    for segment, batch in chain.from_iterable(readings(session, one) for one in found):
        locate = Locator(segment)
        for i in range(len(batch)):
            if not wanted:
                return
            rule = rules[int(batch.rule[i])]
            if rule.id != rule_id:
                continue
            item = int(batch.item[i]) if batch.item is not None else None
            place = (locate(int(batch.start[i])) if item is None else segment.place_of(item)).to_json()
            if place not in wanted:
                continue
            wanted.remove(place)
            yield place, _masked(segment, batch, rules, i, item, width)


def _masked(segment: Segment, batch: Any, rules: Sequence[Any], index: int, item: int | None, width: int) -> str:
    """The text around match `index`, with every match that touches it masked."""
    text = segment.text if isinstance(segment, TextSegment) else segment.values[item or 0]
    low, high = max(int(batch.start[index]) - width, 0), min(int(batch.end[index]) + width, len(text))
    out, at = "", low
    for j in range(len(batch)):
        start, end = int(batch.start[j]), int(batch.end[j])
        if (batch.item is not None and int(batch.item[j]) != item) or end <= low or start >= high:
            continue
        out += text[at : max(start, at)]
        # A match that the window cuts is masked whole: half a value is still a value.
        mark = mask_for(rules[int(batch.rule[j])], text[start:end])
        out += f"[{mark}]" if j == index else mark
        at = max(end, at)
    return (out + text[at:high]).strip()
