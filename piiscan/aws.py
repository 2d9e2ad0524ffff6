"""The one place that makes boto3 clients: sessions, endpoints, retries, and AWS's errors in our words."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from piiscan.config import AwsConfig
from piiscan.errors import ConfigError, SourceError

if TYPE_CHECKING:
    from botocore.exceptions import BotoCoreError, ClientError

CONNECT_SECONDS = 5
READ_SECONDS = 30
CONNECTIONS = 20
"""Connections of one client: what is fetched ahead, and one for what is read."""
ATTEMPTS = 8
"""Tries of one request, the first included; botocore waits between them."""
ATTEMPTS_OF_ROLES = 2
"""Tries to assume a role."""


def aws_session(config: AwsConfig) -> Any:
    """A boto3 session of the profile, role and region that are configured. Raises: ConfigError, SourceError."""
    if config.role_arn:
        return _session_in_role(config.profile, config.region, config.role_arn)
    import boto3
    from botocore.exceptions import ProfileNotFound

    try:
        return boto3.Session(profile_name=config.profile or None, region_name=config.region or None)
    except ProfileNotFound:
        raise ConfigError(f"no AWS profile {config.profile!r} in your AWS configuration") from None


@lru_cache(maxsize=256)
def _session_in_role(profile: str, region: str, role_arn: str) -> Any:
    """A session in a role, which is assumed when credentials are first asked for, and again before they end.

    Source: AWS STS API Reference, AssumeRole.
    """
    import boto3
    import botocore.session
    from botocore.credentials import AssumeRoleCredentialFetcher, DeferredRefreshableCredentials

    base = aws_session(AwsConfig(profile=profile, region=region))
    own = base.get_credentials()
    if own is None:
        raise SourceError(f"{role_arn}: no credentials found to assume it; set AWS_PROFILE or AWS_ACCESS_KEY_ID")

    def client(service: str, **more: Any) -> Any:
        return base.client(
            service, config=_times(ATTEMPTS_OF_ROLES), **{k: v for k, v in more.items() if k != "config"}
        )

    fetcher = AssumeRoleCredentialFetcher(client, own, role_arn, extra_args={"RoleSessionName": "piiscan"})
    inner = botocore.session.get_session()
    inner._credentials = DeferredRefreshableCredentials(fetcher.fetch_credentials, "assume-role")
    if base.region_name:
        inner.set_config_variable("region", base.region_name)
    return boto3.Session(botocore_session=inner)


def _times(attempts: int) -> Any:
    """How long and how often a request is tried."""
    from botocore.config import Config as BotoConfig

    retries = {"mode": "standard", "total_max_attempts": attempts}
    return BotoConfig(connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, retries=retries)


def s3_client(config: AwsConfig) -> Any:
    """An S3 client as the AWS command line would make it. Raises: ConfigError, SourceError.

    `AWS_*` variables, `AWS_ENDPOINT_URL_S3`, profiles and roles are botocore's own business.
    """
    return _client("s3", config, config.endpoint_url)


def sqs_client(config: AwsConfig, url: str) -> Any:
    """A client for the queue at `url`, in the region that its host names. Raises: ConfigError, SourceError."""
    found = _QUEUE.match(url)
    return _client("sqs", replace(config, region=found[1]) if found is not None else config, "")


def quick_client(service: str, config: AwsConfig) -> Any:
    """A client that gives up soon, to see whether a service answers at all. Raises: ConfigError, SourceError."""
    return _client(service, config, config.endpoint_url if service == "s3" else "", attempts=2)


class ServiceError(OSError):
    """A service did not do what it was asked; `final`: nor will it when it is asked again."""

    def __init__(self, code: str, *, final: bool) -> None:
        super().__init__(code)
        self.final = final


def service_client(service: str, config: AwsConfig, *, attempts: int = 3) -> Any:
    """A client of a service that is not scanned, with credentials. Raises: ConfigError, SourceError.

    `attempts` are botocore's; who tries again by itself has one.
    """
    return _client(service, replace(config, no_sign_request=False), "", attempts=attempts)


def call(client: Any, operation: str, **parameters: Any) -> dict[str, Any]:
    """What a service answers to one request. Raises: ServiceError, with its code and nothing of what was sent."""
    from botocore.exceptions import BotoCoreError, ClientError, ParamValidationError

    try:
        answer: dict[str, Any] = getattr(client, operation)(**parameters)
    except ClientError as err:
        code = error_code(err)
        status = err.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        refused = 400 <= status < 500 and status not in (408, 425, 429)
        raise ServiceError(code, final=refused and not passing(code)) from None
    except BotoCoreError as err:
        raise ServiceError(type(err).__name__, final=isinstance(err, ParamValidationError)) from None
    return answer


def passing(code: str) -> bool:
    """Whether an error of this code may be gone after a while."""
    return _PASSING.search(code) is not None


_PASSING = re.compile("Throttl|TooMany|LimitExceeded|OverLimit|Expired|Internal|Unavailable|Timeout|PriorRequest")


def own_endpoint(service: str, config: AwsConfig) -> bool:
    """Whether the service is somebody else's than AWS."""
    session = aws_session(config)
    client = session.client(service, region_name=session.region_name or "us-east-1")
    given = config.endpoint_url if service == "s3" else ""
    return not amazons(given or str(client.meta.endpoint_url))


def amazons(url: str) -> bool:
    """Whether an endpoint is AWS's own.

    >>> amazons("https://sts.eu-west-1.amazonaws.com"), amazons("https://minio.example.org")
    (True, False)
    """
    return re.match(r"https://[\w.-]+\.amazonaws\.(?:com|com\.cn)(?:/|$)", url) is not None


def how_found(config: AwsConfig) -> str:
    """By which of their ways the AWS tools find credentials, such as `env`; empty when they find none."""
    found = aws_session(config).get_credentials()
    return str(found.method or "session") if found is not None else ""


_QUEUE = re.compile(r"https://sqs\.([a-z0-9-]+)\.amazonaws\.")


def _client(service: str, config: AwsConfig, endpoint: str, *, attempts: int = ATTEMPTS) -> Any:
    from botocore import UNSIGNED
    from botocore.config import Config as BotoConfig
    from botocore.exceptions import BotoCoreError

    options: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS,
        "read_timeout": READ_SECONDS,
        "retries": {"mode": "standard", "total_max_attempts": attempts},
        "max_pool_connections": CONNECTIONS,
        # Checksums are verified over the whole body by `fetch`, which also knows of resumed reads.
        "response_checksum_validation": "when_required",
    }
    if config.no_sign_request:
        options["signature_version"] = UNSIGNED
    try:
        session = aws_session(config)
        return session.client(
            service,
            endpoint_url=endpoint or None,
            region_name=session.region_name or os.environ.get("AWS_REGION") or "us-east-1",
            config=BotoConfig(**options),
        )
    except (BotoCoreError, ValueError) as err:
        raise SourceError(f"no {service.upper()} client could be made: {err}") from None


def error_code(err: ClientError) -> str:
    """The service's code of an error, such as `NoSuchKey`; HTTP's number where there is none."""
    answer = err.response
    code = str(answer.get("Error", {}).get("Code", ""))
    return code or str(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", ""))


ROLE_REFUSED = "the role of the profile cannot be assumed: sts:AssumeRole, and the role's trust policy"


def not_assumed(err: ClientError) -> bool:
    """Whether it was not the request that was refused, but the role that it was to be made in."""
    return str(err.operation_name).startswith("AssumeRole")


def source_error(bucket: str, err: ClientError | BotoCoreError) -> SourceError:
    """Why a bucket could not be listed, and what to do about it."""
    from botocore.exceptions import (
        ClientError,
        ConnectionError,
        HTTPClientError,
        NoCredentialsError,
        PartialCredentialsError,
    )

    where = f"s3://{bucket}"
    if isinstance(err, ClientError):
        code = error_code(err)
        if not_assumed(err):
            return SourceError(f"{where}: {ROLE_REFUSED} ({code})")
        if code in ("NoSuchBucket", "404"):
            return SourceError(f"{where}: no such bucket")
        if code in ("AccessDenied", "403", "AllAccessDisabled"):
            return SourceError(f"{where}: these credentials may not list it (s3:ListBucket; public: --no-sign-request)")
        if code in ("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"):
            return SourceError(f"{where}: the credentials were refused ({code})")
        if code in ("PermanentRedirect", "301", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"):
            return SourceError(f"{where}: the bucket is in another region; pass --region")
        return SourceError(f"{where}: the listing failed ({code})")
    if isinstance(err, NoCredentialsError | PartialCredentialsError):
        return SourceError(f"{where}: no credentials found; set AWS_PROFILE or AWS_ACCESS_KEY_ID, or --no-sign-request")
    if isinstance(err, ConnectionError | HTTPClientError):
        return SourceError(f"{where}: the endpoint cannot be reached ({type(err).__name__}); see --endpoint-url")
    return SourceError(f"{where}: {type(err).__name__}")
