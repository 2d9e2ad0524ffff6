"""Resources: the bucket, and objects with keys such as the statements tell apart; a key stands for itself.

Source: AWS, IAM User Guide, "IAM JSON policy elements: Resource"; S3 User Guide, "Bucket policies for Amazon S3".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from piiscan.posture.policy.parse import Choice
from piiscan.posture.policy.patterns import FILLER, Answer, either, matches, rests, samples

_PARTITION = re.compile(r"^arn:(aws(-[a-z]+)*):")
_FILLERS = ("", FILLER, FILLER * 40)
_MOST_PAIRS = 60


@dataclass(frozen=True, slots=True)
class Resource:
    """The bucket (or the key), or an object of the bucket."""

    arn: str
    object: bool


def resources_of(choices: Sequence[Choice], bucket: str) -> list[Resource]:
    """The bucket, and an object for each way in which the statements tell keys apart."""
    arn = f"arn:aws:s3:::{bucket}"
    named = {value: rests(plain(value), f"{arn}/") for choice in choices for value in choice.values}
    excepted = [rest for choice in choices if choice.negated for value in choice.values for rest in named[value]]
    patterns = list(dict.fromkeys(rest for found in named.values() for rest in found))
    keys = {FILLER, FILLER * 40}
    for pattern in patterns:
        keys.update(_filled(pattern))
    # "Nothing but *.html" and "all under public/" leave what is of both.
    spared = [key for rest in dict.fromkeys(excepted[:_MOST_PAIRS]) for key in _filled(rest)]
    for pattern in patterns[:_MOST_PAIRS] if spared else []:
        keys.update(samples(pattern, spared))
    return [Resource(arn, False), *(Resource(f"{arn}/{key}", True) for key in sorted(keys - {""}))]


def key_resource(arn: str) -> list[Resource]:
    """The one resource of a key's policy."""
    return [Resource(plain(arn), False)]


def _filled(pattern: str) -> Iterator[str]:
    """Keys of a pattern; with all pairs of fillers where there are two runs or more."""
    yield from samples(pattern, _FILLERS)
    first, star, rest = pattern.partition("*")
    if star and "*" in rest:
        for one, other in product(_FILLERS, _FILLERS):
            yield from samples(f"{first}{one}{rest}", (other,))


def plain(value: str) -> str:
    """A resource of whichever partition, as one of `aws`."""
    return _PARTITION.sub("arn:aws:", value)


def covers(choice: Choice, resource: Resource) -> Answer:
    """Whether a statement means a resource."""
    answer = either(matches(plain(value), resource.arn) for value in choice.values)
    if choice.unsure:
        answer = max(answer, Answer.MAYBE)
    return answer.inverted() if choice.negated else answer


def words_of(choice: Choice, bucket: str) -> str:
    """Which objects a statement means, in words; empty: all, or none of them."""
    told = []
    for value in choice.values:
        owner, slash, key = plain(value).partition("/")
        if not slash or not matches(owner, f"arn:aws:s3:::{bucket}"):
            continue
        if key == "*" and not choice.negated:
            return ""
        told.append(f"under {key[:-1]}" if key.endswith("/*") and "*" not in key[:-1] else f"named {key}")
    if choice.values and "*" in choice.values:
        return ""
    more = [f"{len(told) - 3} more"] if len(told) > 3 else []
    shown = " or ".join([*told[:3], *more])
    return f"not {shown}" if shown and choice.negated else shown


def variables(choices: Iterable[Choice]) -> bool:
    """Whether a resource has a policy variable, of which the value is not known."""
    return any("${" in value for choice in choices for value in choice.values)
