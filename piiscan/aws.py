"""The one place that makes boto3 clients: sessions, endpoints, retries, and AWS's errors in our words."""

from __future__ import annotations

import os
import re
from dataclasses import replace
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


def aws_session(config: AwsConfig) -> Any:
    """A boto3 session of the profile and region that are configured. Raises: ConfigError."""
    import boto3
    from botocore.exceptions import ProfileNotFound

    try:
        return boto3.Session(profile_name=config.profile or None, region_name=config.region or None)
    except ProfileNotFound:
        raise ConfigError(f"no AWS profile {config.profile!r} in your AWS configuration") from None


def s3_client(config: AwsConfig) -> Any:
    """An S3 client as the AWS command line would make it. Raises: ConfigError, SourceError.

    `AWS_*` variables, `AWS_ENDPOINT_URL_S3`, profiles and roles are botocore's own business.
    """
    return _client("s3", config, config.endpoint_url)


def sqs_client(config: AwsConfig, url: str) -> Any:
    """A client for the queue at `url`, in the region that its host names. Raises: ConfigError, SourceError."""
    found = _QUEUE.match(url)
    return _client("sqs", replace(config, region=found[1]) if found is not None else config, "")


_QUEUE = re.compile(r"https://sqs\.([a-z0-9-]+)\.amazonaws\.")


def _client(service: str, config: AwsConfig, endpoint: str) -> Any:
    from botocore import UNSIGNED
    from botocore.config import Config as BotoConfig
    from botocore.exceptions import BotoCoreError

    options: dict[str, Any] = {
        "connect_timeout": CONNECT_SECONDS,
        "read_timeout": READ_SECONDS,
        "retries": {"mode": "standard", "total_max_attempts": ATTEMPTS},
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


def have_credentials() -> bool:
    """Whether the AWS tools' own search finds credentials here."""
    import boto3

    return boto3.Session().get_credentials() is not None


def error_code(err: ClientError) -> str:
    """The service's code of an error, such as `NoSuchKey`; HTTP's number where there is none."""
    answer = err.response
    code = str(answer.get("Error", {}).get("Code", ""))
    return code or str(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", ""))


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
