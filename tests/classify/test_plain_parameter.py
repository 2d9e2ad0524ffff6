"""A plain parameter that is called a secret is one, unless its value is a reference, a place, a word or a filler."""

from __future__ import annotations

import pytest

from piiscan.classify.plain_parameter import RULE, PlainParameters
from piiscan.classify.stack import Stack
from piiscan.crawl.vault import written
from piiscan.model import ObjectRef, TextSegment
from tests.support.planted import value

STACK = Stack([], cache=False, recognizers=(PlainParameters(),))


def found(name: str, told: str, kind: str = "String", source: str = "ssm://111122223333/eu-west-1") -> list[str]:
    session = STACK.open(ObjectRef(source, name, 1, f"{kind}-1"), "text/plain")
    text = written(name, told).decode()
    batch = session.feed(TextSegment(text, 0))
    assert all(STACK.rules[index].id == RULE.id for index in batch.rule)
    return [text[start:end] for start, end in zip(batch.start.tolist(), batch.end.tolist(), strict=True)]


@pytest.mark.parametrize("last", ["db_password", "api-key", "ApiToken", "client-secret", "PGPASSWORD", "jwt_key"])
def test_values_of_every_kind_are_found_whole(last: str) -> None:
    for number in range(80):
        told = value(number, 5)
        assert found(f"/app/{last}", told) == [told], number


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("/app/password", "changeme"),
        ("/app/password", "postgres"),
        ("/app/password", "${ssm:/app/real}"),
        ("/app/password", "{{resolve:secretsmanager:prod/db}}"),
        ("/app/secret", "arn:aws:secretsmanager:eu-west-1:111122223333:secret:prod/db-AbCdEf"),
        ("/app/token-url", "https://auth.example.com/oauth/token"),
        ("/app/token_endpoint", "https://auth.example.com/oauth2/v1/token?x=1"),
        ("/app/kms-key-id", "1234abcd-12ab-34cd-56ef-1234567890ab"),
        ("/app/keyboard", "azerty-2024-Layout"),
        ("/app/username", "svc-Reader-01"),
        ("/app/password", "xxxxxxxxxx1"),
        ("/app/monkey", "short1!"),
    ],
)
def test_what_is_no_secret(name: str, told: str) -> None:
    assert found(name, told) == []


def test_only_of_plain_parameters() -> None:
    told = value(1, 5)
    assert found("/app/password", told, "SecureString") == []
    assert found("/app/password", told, source="file:///share") == []
    assert found("/app/setting", told) == []
