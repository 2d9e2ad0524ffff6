"""Small objects by obstore: what it gives is what is there, or nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from piiscan.config import AwsConfig
from piiscan.crawl.s3 import S3Source
from piiscan.crawl.whole import PATIENCE, WholeReader, where
from piiscan.errors import ConfigError
from piiscan.model import ObjectRef
from tests.support.proxy import Fault, FaultProxy, fault_proxy
from tests.support.s3 import Bucketeer, client, s3_server

TIDY = ("a.txt", "b/two words", "a+b%2Fc", "ä ü/😀.txt", "back\\slash", "q'uote\"<>?#&=.txt", "...", "a/.b", "~", "%41")
UNTIDY = ("/lead", "a//b", "./a", "a/../b", "..", "folder/", "tab\there")


@pytest.fixture(scope="module")
def server() -> Iterator[Bucketeer]:
    with s3_server() as made:
        for key in (*TIDY, *UNTIDY):
            made.client.create_bucket(Bucket="whole")
            made.put("whole", key, key.encode() * 3)
        made.put("whole", "empty", b"")
        made.put("whole", "large", b"x" * ((1 << 20) + 1))
        made.put("whole", "kms", b"kept secret", ServerSideEncryption="aws:kms")
        yield made


@pytest.fixture
def proxy(server: Bucketeer, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "testing")
    monkeypatch.setenv("NO_PROXY", "*")
    with fault_proxy(server.port) as made:
        yield made


@pytest.fixture
def reader(proxy: FaultProxy) -> WholeReader:
    return WholeReader("whole", AwsConfig(endpoint_url=proxy.url), client(proxy.url))


@pytest.fixture
def refs(proxy: FaultProxy) -> dict[str, ObjectRef]:
    return {ref.key: ref for ref in S3Source("s3://whole", "", AwsConfig(endpoint_url=proxy.url)).crawl()}


def asked_by_obstore(proxy: FaultProxy) -> list[str]:
    return [
        r.key for r in proxy.requests if r.method == "GET" and r.key and "boto" not in r.headers["user-agent"].lower()
    ]


def test_keys_that_it_takes_and_keys_that_it_leaves(
    reader: WholeReader, refs: dict[str, ObjectRef], proxy: FaultProxy
) -> None:
    for key in TIDY:
        assert reader.read(refs[key]) == key.encode() * 3, key
    assert asked_by_obstore(proxy) == list(TIDY)
    for key in (*UNTIDY, "empty", "large"):
        assert not reader.takes(refs[key]), key
        assert reader.read(refs[key]) is None
    assert len(asked_by_obstore(proxy)) == len(TIDY)
    assert reader.read(replace(refs["a.txt"], version="3")) is None
    assert reader.read(replace(refs["a.txt"], etag="0123456789abcdef0123456789abcdef-2")) is None


@pytest.mark.parametrize("fault", [f for f in Fault if f is not Fault.SLOW])
def test_what_is_not_sure_is_nothing(
    reader: WholeReader, refs: dict[str, ObjectRef], proxy: FaultProxy, fault: Fault
) -> None:
    proxy.schedule = lambda request: fault if request.method == "GET" else None
    for _ in range(PATIENCE + 1):
        assert reader.read(refs["a.txt"]) is None
    proxy.schedule = lambda request: None
    assert reader.read(refs["a.txt"]) == b"a.txt" * 3, "a bad moment is no reason to give up"
    assert (reader.busy > 0) == (fault in (Fault.SLOW_DOWN, Fault.RESET, Fault.CUT))


def test_an_etag_that_is_no_checksum_is_believed_no_longer(
    reader: WholeReader, refs: dict[str, ObjectRef], proxy: FaultProxy
) -> None:
    proxy.schedule = lambda request: Fault.FLIP if request.method == "GET" else None  # as good as another sum
    assert reader.read(refs["kms"]) is None
    proxy.schedule = lambda request: None
    assert not reader.takes(refs["a.txt"])


def test_an_error_that_is_its_own_comes_so_often_and_no_more(
    reader: WholeReader, refs: dict[str, ObjectRef], proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    import obstore
    from obstore.exceptions import GenericError

    def refused(*_: object, **__: object) -> None:
        raise GenericError("Content-Length Header missing from response")

    monkeypatch.setattr(obstore, "get", refused)
    for _ in range(PATIENCE):
        assert reader.takes(refs["a.txt"])
        assert reader.read(refs["a.txt"]) is None
    assert not reader.takes(refs["a.txt"])


def test_no_credentials_is_for_boto3_to_say(
    proxy: FaultProxy, refs: dict[str, ObjectRef], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.delenv(f"AWS_{name}")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    made = WholeReader("whole", AwsConfig(endpoint_url=proxy.url), client(proxy.url))
    assert made.read(refs["a.txt"]) is None
    assert WholeReader("whole", AwsConfig(endpoint_url=proxy.url, no_sign_request=True), client(proxy.url)).takes(
        refs["a.txt"]
    )


def test_a_reader_that_is_wanted_and_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("piiscan.crawl.s3.installed", lambda: False)
    S3Source("s3://b", "", AwsConfig())
    with pytest.raises(ConfigError, match="fast"):
        S3Source("s3://b", "", AwsConfig(reader="obstore"))


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("https://s3.amazonaws.com", ("https://s3.eu-west-3.amazonaws.com", "eu-west-3")),
        ("https://s3.us-west-2.amazonaws.com", ("https://s3.eu-west-3.amazonaws.com", "eu-west-3")),
        ("https://s3.dualstack.us-west-2.amazonaws.com", ("https://s3.dualstack.us-west-2.amazonaws.com", "us-east-1")),
        ("https://minio.example.org", ("https://minio.example.org", "us-east-1")),
    ],
)
def test_a_bucket_of_aws_is_read_where_it_is(endpoint: str, expected: tuple[str, str]) -> None:
    class Meta:
        endpoint_url, region_name = endpoint, "us-east-1"

    class Client:
        meta = Meta

        def head_bucket(self, **_: str) -> dict[str, str]:
            return {"BucketRegion": "eu-west-3"}

    assert where(Client(), "b") == expected
