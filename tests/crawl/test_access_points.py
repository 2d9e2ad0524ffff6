"""Access points: how they are named, and which host and path botocore asks for them; nothing is sent."""

from __future__ import annotations

import io
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from piiscan.config import AwsConfig
from piiscan.crawl import Target, parse_target
from piiscan.crawl.s3 import S3Source
from piiscan.errors import SourceError
from piiscan.model import ObjectRef

ARN = "arn:aws:s3:eu-west-1:123456789012:accesspoint/audit"
LISTING = (
    b"<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>2026/a.txt</Key><Size>3</Size>"
    b"<ETag>&quot;900150983cd24fb0d6963f7d28e17f72&quot;</ETag><LastModified>2026-01-01T00:00:00.000Z</LastModified>"
    b"<StorageClass>STANDARD</StorageClass></Contents></ListBucketResult>"
)


@pytest.mark.parametrize(
    ("url", "prefix"),
    [
        (f"s3://{ARN}", ""),
        (f"s3://{ARN}/", ""),
        (f"s3://{ARN}/2026/x y", "2026/x y"),
        (f"s3://{ARN.replace('point/', 'point:')}/a/accesspoint/b", "a/accesspoint/b"),
    ],
)
def test_an_arn_is_a_source(url: str, prefix: str) -> None:
    assert parse_target(url) == Target(f"s3://{ARN}", prefix)


@pytest.mark.parametrize(
    "arn",
    [
        "arn:aws:s3:::bucket/key",
        "arn:aws:s3:eu-west-1:12345:accesspoint/x",
        "arn:aws:s3:eu-west-1:123456789012:accesspoint/",
        "arn:aws:s3-outposts:eu-west-1:123456789012:outpost/op-1/accesspoint/x",
        "arn:aws:s3::123456789012:accesspoint/many.mrap",
    ],
)
def test_other_arns_are_refused(arn: str) -> None:
    with pytest.raises(SourceError, match="only s3://arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME"):
        parse_target(f"s3://{arn}")


def test_a_bucket_and_an_alias_are_names() -> None:
    assert parse_target("s3://audit-abc123-s3alias/2026/") == Target("s3://audit-abc123-s3alias", "2026/")
    assert parse_target("s3://b//x") == Target("s3://b", "/x")


class _Raw(io.BytesIO):
    def stream(self, **_: Any) -> Any:
        yield self.read()


@pytest.mark.parametrize(
    ("bucket", "host"),
    [
        (ARN, "audit-123456789012.s3-accesspoint.eu-west-1.amazonaws.com"),
        ("audit-abc123-s3alias", "audit-abc123-s3alias.s3.amazonaws.com"),
    ],
)
def test_what_is_asked_of_aws(monkeypatch: pytest.MonkeyPatch, bucket: str, host: str) -> None:
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "testing")
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    asked: list[tuple[str, str]] = []

    def answer(request: Any, **_: Any) -> AWSResponse:
        asked.append((request.method, request.url))
        body, status = (LISTING, 200) if "list-type" in request.url else (b"abc", 200)
        return AWSResponse(request.url, status, {"content-length": str(len(body))}, _Raw(body))

    source = S3Source(f"s3://{bucket}", "2026/", AwsConfig(region="us-east-1"))
    source._client.meta.events.register("before-send.s3", answer)
    (ref,) = source.crawl()
    assert (ref.source, ref.key, ref.size) == (f"s3://{bucket}", "2026/a.txt", 3)
    source.expect([ref, ObjectRef(ref.source, "2026/b.txt", 3, ref.etag)])
    with source.open(ref) as stream:
        assert stream.read() == b"abc"
    hosts = {url.split("/")[2] for _, url in asked}
    assert hosts == {host}
    assert f"https://{host}/2026/a.txt" in {url for _, url in asked}
    assert source._fast is None
