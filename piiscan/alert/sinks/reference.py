"""Secrets by reference: where they lie stands in the configuration, what they are is fetched when a sink is made."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

from piiscan.config import AwsConfig
from piiscan.errors import ConfigError, SourceError

KINDS = ("env", "file", "secretsmanager", "ssm")


def is_reference(text: str) -> bool:
    """Whether a setting says where something lies.

    >>> is_reference("env:HOOK"), is_reference("https://example.org")
    (True, False)
    """
    return text.partition(":")[0] in KINDS


def resolve(reference: str, sink: str, aws: AwsConfig | None = None) -> str:
    """The secret behind `env:NAME`, `file:PATH`, `secretsmanager:NAME[#JSONKEY]` or `ssm:PATH`.

    Raises: ConfigError, for a secret in clear as well; OSError when AWS cannot be reached. Neither tells the secret.
    """
    kind, _, rest = reference.partition(":")
    if kind not in KINDS or not rest:
        forms = "env:NAME, file:PATH, secretsmanager:NAME or ssm:PATH"
        raise ConfigError(f"sink {sink!r}: give the secret by reference, as {forms}")
    if kind == "env":
        value = os.environ.get(rest, "").strip()
        if not value:
            raise ConfigError(f"sink {sink!r}: the environment variable {rest} is not set")
        return value
    value = (_file(rest, sink) if kind == "file" else _aws(kind, rest, sink, aws or AwsConfig())).strip()
    if not value:
        raise ConfigError(f"sink {sink!r}: {rest} is empty")
    return value


def _file(path: str, sink: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as err:
        raise ConfigError(f"sink {sink!r}: {path}: {err.strerror}") from None
    except ValueError:
        raise ConfigError(f"sink {sink!r}: {path}: not text") from None


def _aws(kind: str, rest: str, sink: str, aws: AwsConfig) -> str:
    """Source: AWS API references, GetSecretValue and GetParameter."""
    from piiscan.aws import ServiceError, call, service_client

    name, _, inner = rest.partition("#") if kind == "secretsmanager" else (rest, "", "")
    if name.startswith("arn:") and name.count(":") >= 5:
        aws = replace(aws, region=name.split(":")[3])
    try:
        client = service_client(kind, aws)
        if kind == "ssm":
            value = call(client, "get_parameter", Name=name, WithDecryption=True)["Parameter"]["Value"]
        else:
            value = call(client, "get_secret_value", SecretId=name).get("SecretString")
    except ServiceError as err:
        if not err.final:
            raise
        raise ConfigError(f"sink {sink!r}: {kind}:{name}: {err}") from None
    except (ConfigError, SourceError) as err:
        raise ConfigError(f"sink {sink!r}: {err}") from None
    if not isinstance(value, str):
        raise ConfigError(f"sink {sink!r}: {kind}:{name}: not text")
    return _member(value, inner, f"sink {sink!r}: {kind}:{name}") if inner else value


def _member(text: str, name: str, where: str) -> str:
    try:
        found = json.loads(text)
    except ValueError:
        raise ConfigError(f"{where}: not JSON, so it has no key {name!r}") from None
    value = found.get(name) if isinstance(found, dict) else None
    if not isinstance(value, str):
        raise ConfigError(f"{where}: no text under the key {name!r}")
    return value
