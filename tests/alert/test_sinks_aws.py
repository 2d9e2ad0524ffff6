"""Alerts to services of AWS, and secrets kept there: moto's server takes and gives them."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from piiscan.alert.sinks import NotNow, Refused, make_sink, resolve
from piiscan.config import AwsConfig, SinkConfig
from piiscan.errors import ConfigError
from tests.alert.receivers import Web, alert, web
from tests.support.s3 import s3_server

REGION = "eu-west-1"
ACCOUNT = "123456789012"
SECRET = "canary-secret"


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    with s3_server() as made:
        yield made.url


@pytest.fixture(autouse=True)
def services(moto: str, monkeypatch: pytest.MonkeyPatch) -> str:
    for name in ("AWS_PROFILE", "AWS_REGION", "AWS_SESSION_TOKEN", "AWS_CONFIG_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
    monkeypatch.setenv("AWS_DEFAULT_REGION", REGION)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    return moto


def client(service: str) -> Any:
    import boto3

    return boto3.client(service, region_name=REGION)


def queue(name: str, **attributes: str) -> str:
    return str(client("sqs").create_queue(QueueName=name, Attributes=attributes)["QueueUrl"])


def received(url: str) -> list[dict[str, Any]]:
    found = client("sqs").receive_message(
        QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"], AttributeNames=["All"]
    )
    return list(found.get("Messages", []))


def big(rows: int = 100) -> dict[str, Any]:
    """An alert of about a megabyte."""
    made = alert(rows)
    for row in made["rows"]:
        row["all"] = "é" * 5_000
    return made


def test_sqs() -> None:
    url = queue("plain")
    make_sink(SinkConfig("s", "sqs", url=url)).send(alert())
    (message,) = received(url)
    assert json.loads(message["Body"])["rows"][0]["rule"] == "keys.pgp"
    found = {name: value["StringValue"] for name, value in message["MessageAttributes"].items()}
    assert found == {"piiscan-id": "3f2a91c0", "severity": "critical"}


def test_a_fifo_queue_takes_an_alert_once() -> None:
    url = queue("ordered.fifo", FifoQueue="true")
    sink = make_sink(SinkConfig("s", "sqs", url=url))
    for told in (alert(), alert(), alert(id="other")):
        sink.send(told)
    messages = received(url)
    assert [m["Attributes"]["MessageDeduplicationId"] for m in messages] == ["3f2a91c0", "other"]
    assert len({m["Attributes"]["MessageGroupId"] for m in messages}) == 1


def test_what_is_too_large_for_a_message_is_left_out() -> None:
    url = queue("large")
    make_sink(SinkConfig("s", "sqs", url=url)).send(big())
    (message,) = received(url)
    body = json.loads(message["Body"])
    assert len(message["Body"]) < 262_144
    assert (body["count"], body["rows_left_out"]) == (100, 100 - len(body["rows"]))
    assert len(body["rows"]) > 5


@pytest.mark.parametrize("name", ["topic", "topic.fifo"])
def test_sns(name: str) -> None:
    fifo = {"FifoTopic": "true"} if name.endswith(".fifo") else {}
    arn = client("sns").create_topic(Name=name, Attributes=fifo)["TopicArn"]
    url = queue(f"of-{name}", **({"FifoQueue": "true"} if fifo else {}))
    there = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    client("sns").subscribe(TopicArn=arn, Protocol="sqs", Endpoint=there)
    sink = make_sink(SinkConfig("s", "sns", arn=arn, title="prod é\r\nX: y"), AwsConfig(region="us-east-1"))
    sink.send(alert())
    sink.send(big())
    first = json.loads(received(url)[0]["Body"])
    assert json.loads(first["Message"])["id"] == "3f2a91c0"
    assert first["Subject"] == "prod ?\\r\\nX: y: keys & numbers (critical)"
    assert first["MessageAttributes"]["piiscan-id"]["Value"] == "3f2a91c0"


def bus(name: str) -> str:
    """A bus whose events go to the queue that comes back."""
    url = queue(f"of-{name}")
    there = client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    events = client("events")
    events.create_event_bus(Name=name)
    pattern = {
        "source": ["piiscan"],
        "detail-type": ["piiscan Alert"],
        "detail": {"severity": {"description": ["High"]}},
    }
    events.put_rule(Name="all", EventBusName=name, EventPattern=json.dumps(pattern))
    events.put_targets(Rule="all", EventBusName=name, Targets=[{"Id": "1", "Arn": there}])
    return url


def test_eventbridge() -> None:
    url = bus("alerts")
    sink = make_sink(SinkConfig("s", "eventbridge", bus="alerts"))
    sink.send(alert(1))
    sink.send(alert(1, severity="low"))
    (message,) = received(url)
    event = json.loads(message["Body"])
    assert (event["source"], event["detail-type"]) == ("piiscan", "piiscan Alert")
    detail = event["detail"]
    assert (detail["id"], detail["severity"]) == ("3f2a91c0", {"score": 3, "description": "High"})
    assert (detail["category"], detail["count"]) == ("CLASSIFICATION", 1)
    assert detail["title"] == "piiscan: keys & numbers (critical)"
    assert detail["resourcesAffected"]["s3Bucket"] == {"name": "share", "arn": "arn:aws:s3:::share"}
    assert detail["piiscan"]["rows"][0]["rule"] == "keys.pgp"


def test_a_large_event() -> None:
    url = bus("large")
    make_sink(SinkConfig("s", "eventbridge", bus="large")).send(big())
    detail = json.loads(received(url)[0]["Body"])["detail"]
    assert len(json.dumps(detail, ensure_ascii=False).encode()) < 262_144
    assert detail["piiscan"]["rows_left_out"] > 0


@pytest.mark.parametrize("arn", ["", f"arn:aws:securityhub:{REGION}:{ACCOUNT}:product/{ACCOUNT}/default"])
def test_securityhub(arn: str) -> None:
    hub = client("securityhub")
    sink = make_sink(SinkConfig("s", "securityhub", arn=arn))
    told = alert(50)
    told["rows"] += [{"source": "file:///srv/share", "object": "a b.csv", "category": "pii"}, {"source": "s3://all"}]
    told["rows"] = told["rows"][-4:] + told["rows"][:-4]
    told["id"] = f"hub{len(arn)}"
    sink.send(told)
    sink.send(told)
    found = [f for f in hub.get_findings()["Findings"] if f["Id"] == f"piiscan/alert/{told['id']}"]
    (finding,) = found
    assert finding["ProductArn"] == f"arn:aws:securityhub:{REGION}:{ACCOUNT}:product/{ACCOUNT}/default"
    assert finding["AwsAccountId"] == ACCOUNT
    assert finding["Types"] == ["Sensitive Data Identifications/PII"]
    assert finding["Severity"] == {"Label": "CRITICAL", "Original": "critical"}
    assert finding["CreatedAt"] == "2026-11-30T01:02:03.000Z"
    assert len(finding["Resources"]) == 32
    listed = {r["Id"]: r["Type"] for r in finding["Resources"]}
    assert listed["file:///srv/share/a%20b.csv"] == "Other"
    assert listed["arn:aws:s3:::all"] == "AwsS3Bucket"
    assert listed["arn:aws:s3:::share/hr/0.csv"] == "AwsS3Object"
    assert len(finding["Title"]) <= 256
    assert len(finding["Description"]) <= 1_024


def test_a_finding_without_objects_has_a_resource() -> None:
    make_sink(SinkConfig("s", "securityhub")).send(alert(1, id="bare", rows=[{"people": 12}]))
    (found,) = [f for f in client("securityhub").get_findings()["Findings"] if f["Id"] == "piiscan/alert/bare"]
    assert found["Resources"] == [{"Type": "Other", "Id": "piiscan/alert/bare"}]


@pytest.fixture
def odd(monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """A service that answers as it is told."""
    with web() as made:
        made.headers = {"Content-Type": "application/x-amz-json-1.1"}
        monkeypatch.setenv("AWS_ENDPOINT_URL", made.url)
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
        yield made


@pytest.mark.parametrize(
    ("code", "kind"), [("InternalFailure", NotNow), ("ThrottlingException", NotNow), ("InvalidArgument", Refused)]
)
def test_an_entry_that_was_not_taken_is_an_error(odd: Web, code: str, kind: type[OSError]) -> None:
    entry = {"ErrorCode": code, "ErrorMessage": "canary"}
    odd.body = json.dumps({"FailedEntryCount": 1, "Entries": [entry]}).encode()
    with pytest.raises(kind, match=code) as caught:
        make_sink(SinkConfig("s", "eventbridge")).send(alert())
    assert "canary" not in str(caught.value)
    odd.body = json.dumps({"FailedCount": 1, "SuccessCount": 0, "FailedFindings": [{"Id": "x", **entry}]}).encode()
    arn = f"arn:aws:securityhub:{REGION}:{ACCOUNT}:product/{ACCOUNT}/default"
    with pytest.raises(kind, match=code):
        make_sink(SinkConfig("s", "securityhub", arn=arn)).send(alert())


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (400, "AccessDeniedException", Refused),
        (400, "ValidationException", Refused),
        (400, "ExpiredTokenException", NotNow),
        (400, "ThrottlingException", NotNow),
        (500, "InternalFailure", NotNow),
        (503, "ServiceUnavailable", NotNow),
    ],
)
def test_errors_of_a_service(
    odd: Web, status: int, code: str, kind: type[OSError], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    odd.status, odd.body = status, json.dumps({"__type": code, "message": "canary"}).encode()
    with pytest.raises(kind, match=code) as caught:
        make_sink(SinkConfig("s", "eventbridge")).send(alert())
    assert isinstance(caught.value, kind)
    assert "canary" not in str(caught.value)


def test_what_does_not_exist_is_refused() -> None:
    with pytest.raises(Refused):
        make_sink(SinkConfig("s", "sns", arn=f"arn:aws:sns:{REGION}:{ACCOUNT}:none")).send(alert())
    with pytest.raises(Refused):
        make_sink(SinkConfig("s", "sqs", url=f"https://sqs.{REGION}.amazonaws.com/{ACCOUNT}/none")).send(alert())


def test_nobody_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    with pytest.raises(NotNow, match="EndpointConnectionError"):
        make_sink(SinkConfig("s", "eventbridge")).send(alert())


@pytest.mark.parametrize(
    ("sink", "said"),
    [
        (SinkConfig("s", "sns"), "arn is wanted"),
        (SinkConfig("s", "sns", arn="arn:aws:sqs:eu-west-1:123456789012:x"), "arn is none of an SNS topic"),
        (SinkConfig("s", "sqs"), "url is wanted"),
        (SinkConfig("s", "sqs", url="https://sqs.eu-west-1.amazonaws.com/x"), "url is none of an SQS queue"),
        (SinkConfig("s", "eventbridge", bus="a b"), "bus is neither"),
        (SinkConfig("s", "securityhub", arn="arn:aws:securityhub:::x"), "arn is none of an account's"),
        (SinkConfig("s", "securityhub", host="x"), "host is no setting"),
        (SinkConfig("s", "eventbridge", profile="no-such"), "no AWS profile 'no-such'"),
    ],
    ids=range(8),
)
def test_settings(sink: SinkConfig, said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        make_sink(sink)


@pytest.fixture
def secrets(moto: str) -> None:
    manager, parameters = client("secretsmanager"), client("ssm")
    if not manager.list_secrets()["SecretList"]:
        manager.create_secret(Name="hooks/plain", SecretString=SECRET)
        manager.create_secret(Name="hooks/json", SecretString=json.dumps({"url": SECRET, "number": 1}))
        manager.create_secret(Name="hooks/binary", SecretBinary=b"\xff")
        parameters.put_parameter(Name="/hooks/one", Value=SECRET, Type="SecureString")


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize(
    "reference",
    ["secretsmanager:hooks/plain", "secretsmanager:hooks/json#url", "ssm:/hooks/one", "secretsmanager:{arn}"],
)
def test_secrets_of_aws(reference: str) -> None:
    arn = client("secretsmanager").describe_secret(SecretId="hooks/plain")["ARN"]
    aws = AwsConfig(region="us-west-2" if "{arn}" in reference else REGION, no_sign_request=True)
    assert resolve(reference.format(arn=arn), "s", aws) == SECRET


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize(
    ("reference", "said"),
    [
        ("secretsmanager:none", "secretsmanager:none: ResourceNotFoundException"),
        ("secretsmanager:hooks/json#none", "no text under the key 'none'"),
        ("secretsmanager:hooks/json#number", "no text under the key 'number'"),
        ("secretsmanager:hooks/plain#url", "not JSON"),
        ("secretsmanager:hooks/binary", "not text"),
        ("ssm:/none", "ssm:/none: ParameterNotFound"),
        ("ssm:", "by reference"),
    ],
    ids=range(7),
)
def test_secrets_that_are_not_there(reference: str, said: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with pytest.raises(ConfigError, match=f"sink 'hook': .*{said}") as caught:
        make_sink(SinkConfig("hook", "slack", url=reference))
    assert "canary" not in str(caught.value) + caplog.text


@pytest.mark.usefixtures("secrets")
def test_a_secret_that_cannot_be_fetched_now_is_fetched_with_the_alert(
    moto: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with web() as server:
        client("secretsmanager").create_secret(Name="late", SecretString=server.url)
        monkeypatch.setattr("time.sleep", lambda seconds: None)
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
        sink = make_sink(SinkConfig("hook", "slack", url="secretsmanager:late"))
        with pytest.raises(OSError, match="EndpointConnectionError"):
            sink.send(alert())
        monkeypatch.setenv("AWS_ENDPOINT_URL", moto)
        sink.send(alert())
        assert len(server.came) == 1
        client("secretsmanager").delete_secret(SecretId="late", ForceDeleteWithoutRecovery=True)
        with pytest.raises(Refused, match="ResourceNotFoundException"):
            sink.send(alert())
