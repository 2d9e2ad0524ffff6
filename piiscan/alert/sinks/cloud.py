"""What the sinks of AWS share: a client with the sink's own profile and region, and its errors as those of a sink."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from piiscan.alert.sinks import NotNow, Refused, key, wrong
from piiscan.aws import ServiceError, call, passing, service_client
from piiscan.config import AwsConfig, SinkConfig
from piiscan.errors import ConfigError, SourceError

LARGEST = 262_144
"""Bytes of a message of SNS or SQS with its attributes, and of an event. Source: their quotas."""
ROOM = 2_048
"""Bytes that are left for attributes and for what an event has beside its detail."""
SETTINGS = "profile region"


def settings(config: SinkConfig, aws: AwsConfig, arn: str = "") -> AwsConfig:
    """Profile and region of a sink: its own, else that of the ARN, else those of the sources."""
    region = config.region or (arn.split(":")[3] if arn.count(":") >= 5 else "") or aws.region
    return replace(aws, profile=config.profile or aws.profile, region=region)


def client(service: str, config: SinkConfig, aws: AwsConfig) -> Any:
    """A client. Raises: ConfigError."""
    try:
        return service_client(service, aws)
    except (ConfigError, SourceError) as err:
        wrong(config, str(err))


def ask(what: Any, operation: str, **parameters: Any) -> dict[str, Any]:
    """The answer of a service. Raises: Refused, NotNow."""
    try:
        return call(what, operation, **parameters)
    except ServiceError as err:
        raise (Refused if err.final else NotNow)(str(err)) from None


def failed(code: str) -> OSError:
    """The error for an entry that a service did not take, though it took the request."""
    return NotNow(code) if passing(code) else Refused(code)


def attributes(alert: dict[str, Any], severity: str) -> dict[str, dict[str, str]]:
    """Attributes of a message, to filter and to know it again by. Source: SNS and SQS, "message attributes"."""
    pairs = {"piiscan-id": key(alert), "severity": severity}
    return {name: {"DataType": "String", "StringValue": value} for name, value in pairs.items()}


def in_order(alert: dict[str, Any], name: str) -> dict[str, str]:
    """What a FIFO topic or queue wants beside the message; alerts of one rule are kept in order."""
    if not name.endswith(".fifo"):
        return {}
    import hashlib

    group = hashlib.blake2b(str(alert["alert"]).encode("utf-8", "backslashreplace"), digest_size=16).hexdigest()
    return {"MessageGroupId": group, "MessageDeduplicationId": key(alert)}
