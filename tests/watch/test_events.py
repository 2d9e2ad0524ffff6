"""Messages of a queue, as S3, SNS and EventBridge write them, and all that others may write."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from piiscan.watch.events import Touched, touched


def s3(key: str, bucket: str = "bkt", name: str = "ObjectCreated:Put") -> dict[str, Any]:
    held = {
        "bucket": {"name": bucket},
        "object": {"key": key, "size": 3, "eTag": "a", "sequencer": "0055AED6DCD90281E5"},
    }
    return {"eventVersion": "2.1", "eventSource": "aws:s3", "eventName": name, "s3": held}


def sns(body: str) -> str:
    return json.dumps({"Type": "Notification", "MessageId": "1", "TopicArn": "arn:aws:sns:x:1:t", "Message": body})


def bridge(key: str) -> str:
    detail = {"version": "0", "bucket": {"name": "bkt"}, "object": {"key": key, "size": 3}, "reason": "PutObject"}
    return json.dumps({"version": "0", "source": "aws.s3", "detail-type": "Object Created", "detail": detail})


PLAIN = json.dumps(
    {"Records": [s3("a+b%2Fc"), s3("%C3%BC.txt"), s3("a+b%2Fc"), s3("gone", name="ObjectRemoved:Delete")]}
)
HELD = [Touched("bkt", "a b/c"), Touched("bkt", "ü.txt"), Touched("bkt", "gone")]


@pytest.mark.parametrize("body", [PLAIN, sns(PLAIN), sns(sns(PLAIN))], ids=["plain", "sns", "twice"])
def test_events_of_s3(body: str) -> None:
    assert touched(body) == HELD


def test_through_a_function_that_passes_sns_on() -> None:
    assert touched(json.dumps({"Records": [{"EventSource": "aws:sns", "Sns": {"Message": PLAIN}}]})) == HELD


@pytest.mark.parametrize("wrapped", [False, True])
def test_keys_of_eventbridge_are_as_they_are(wrapped: bool) -> None:
    body = bridge("a+b%2Fc ü.txt")
    assert touched(sns(body) if wrapped else body) == [Touched("bkt", "a+b%2Fc ü.txt")]


def test_a_test_is_about_nothing() -> None:
    body = json.dumps(
        {"Service": "Amazon S3", "Event": "s3:TestEvent", "Time": "2026-01-02T03:04:05.000Z", "Bucket": "bkt"}
    )
    assert touched(body) == touched(sns(body)) == []


FOREIGN = [
    "",
    "hello",
    "[]",
    "null",
    "7",
    "{}",
    '{"Records": []}',
    '{"Records": "a"}',
    '{"Records": [7]}',
    '{"Records": [{"eventSource": "aws:s3"}]}',
    '{"Records": [{"eventSource": "aws:s3", "s3": {"bucket": {}}}]}',
    '{"Records": [{"eventSource": "aws:s3", "s3": 7}]}',
    '{"Records": [{"eventSource": "aws:dynamodb", "s3": {}}]}',
    '{"source": "aws.ec2", "detail": {}}',
    '{"source": "aws.s3", "detail": {}}',
    '{"source": "aws.s3", "detail": {"bucket": "b", "object": "o"}}',
    '{"Type": "Notification", "Message": "no JSON"}',
    '{"Type": "Notification"}',
    sns(sns(sns(sns(sns(PLAIN))))),
    "[" * 100_000,
]


@pytest.mark.parametrize("number", range(len(FOREIGN)))
def test_what_is_no_event(number: int) -> None:
    assert touched(FOREIGN[number]) is None


NAMES = (
    """Records s3 bucket object key name Type Message source detail Event eventSource Sns aws:s3 Notification aws.s3"""
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.sampled_from(NAMES.split()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(NAMES.split()), inner, max_size=4),
    max_leaves=12,
)


@given(json_values)
def test_anything_is_answered(value: Any) -> None:
    found = touched(json.dumps(value))
    assert found is None or all(isinstance(one.key, str) for one in found)
