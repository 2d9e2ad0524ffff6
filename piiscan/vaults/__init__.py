"""Where secrets are kept in AWS: Systems Manager Parameter Store and Secrets Manager, what is in them and since when.

A vault of one account and region is a source: `ssm://ACCOUNT/REGION` or `secretsmanager://ACCOUNT/REGION`, its objects
are parameters and secrets by their names.
"""

from __future__ import annotations

import random
import time
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from piiscan.aws import ServiceError, aws_session, call, service_client
from piiscan.config import AwsConfig
from piiscan.errors import SourceError

SSM, SECRETS_MANAGER = "ssm", "secretsmanager"
SERVICES = (SSM, SECRETS_MANAGER)
PATIENCE = 120.0
"""Seconds that a request is tried again while its service says that it is asked too much."""
_FIRST_WAIT, _LONGEST_WAIT = 0.1, 10.0


@dataclass(frozen=True, slots=True)
class Kept:
    """A parameter or a secret as its vault tells of it; times are UTC."""

    source: str
    name: str
    kind: str
    """`String`, `StringList`, `SecureString` or `Secret`."""
    arn: str
    version: str
    """Changes when the value does."""
    modified: datetime | None
    rotated: datetime | None = None
    used: datetime | None = None
    """The day on which its value was last asked for; None: not known, or never."""
    rotation: bool | None = None
    """Whether the vault rotates it by itself; None: a vault that does not."""
    expires: datetime | None = None
    """When a policy deletes it."""
    warns_unchanged: str = ""
    """After which time without a change a policy gives notice, such as `60 Days`."""
    key: str = ""
    """The key that encrypts it; empty: none, or the vault's own."""
    tier: str = ""
    description: str = ""
    tags: tuple[tuple[str, str], ...] = ()


def source_of(service: str, config: AwsConfig) -> str:
    """The source of the vault that the credentials reach. Raises: ConfigError, SourceError."""
    region = config.region or aws_session(config).region_name or "us-east-1"
    try:
        account = call(service_client("sts", config), "get_caller_identity")["Account"]
    except ServiceError as err:
        raise SourceError(f"{service}: who asks is not known (sts:GetCallerIdentity: {err})") from None
    return f"{service}://{account}/{region}"


def client_of(source: str, config: AwsConfig) -> Any:
    """A client for a vault. Raises: ConfigError, SourceError."""
    service, _, rest = source.partition("://")
    return service_client(service, replace(config, region=rest.partition("/")[2]), attempts=1)


def patiently(client: Any, operation: str, **parameters: Any) -> dict[str, Any]:
    """What a service answers, asked again as long as it says that it is asked too much. Raises: ServiceError."""
    end, wait = time.monotonic() + PATIENCE, _FIRST_WAIT
    while True:
        try:
            return call(client, operation, **parameters)
        except ServiceError as err:
            if err.final or time.monotonic() + wait > end:
                raise
        time.sleep(wait * random.uniform(0.5, 1.0))  # noqa: S311 - no secret
        wait = min(2 * wait, _LONGEST_WAIT)
