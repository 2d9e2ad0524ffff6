"""Credentials by reference: where they lie stands in the configuration, what they are is fetched when needed."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

from piiscan.config import AwsConfig, read_passwords
from piiscan.errors import ConfigError, SourceError
from piiscan.keys import key_for_new_store, key_id, key_of_store, parse_customer_key, parse_key, read_customer_key

KINDS = ("env", "file", "secretsmanager", "ssm")


def is_reference(text: str) -> bool:
    """Whether a setting says where something lies.

    >>> is_reference("env:HOOK"), is_reference("https://example.org")
    (True, False)
    """
    return text.partition(":")[0] in KINDS


def resolve(reference: str, where: str, aws: AwsConfig | None = None) -> str:
    """The secret behind `env:NAME`, `file:PATH`, `secretsmanager:NAME[#JSONKEY]` or `ssm:PATH`.

    `where` says in errors what it is for. Raises: ConfigError, for a secret in clear as well; OSError when AWS cannot
    be reached. Neither tells the secret.
    """
    kind, _, rest = reference.partition(":")
    if kind not in KINDS or not rest:
        forms = "env:NAME, file:PATH, secretsmanager:NAME or ssm:PATH"
        raise ConfigError(f"{where}: give the secret by reference, as {forms}")
    if kind == "env":
        value = os.environ.get(rest, "").strip()
        if not value:
            raise ConfigError(f"{where}: the environment variable {rest} is not set")
        return value
    value = (_file(rest, where) if kind == "file" else _aws(kind, rest, where, aws or AwsConfig())).strip()
    if not value:
        raise ConfigError(f"{where}: {rest} is empty")
    return value


def absolute(setting: str) -> str:
    """A setting that names a file with its whole path; a reference, or nothing, as it is."""
    return os.path.abspath(setting) if setting and not is_reference(setting) else setting


def at_once(reference: str, where: str, aws: AwsConfig | None = None) -> str:
    """As `resolve`, for what nothing goes on without. Raises: ConfigError, also when AWS cannot be reached."""
    try:
        return resolve(reference, where, aws)
    except OSError as err:
        raise ConfigError(f"{where}: {reference.partition(':')[0]} cannot be reached ({err})") from None


def store_key(expected: str, key_file: Path | None) -> bytes:
    """The key of a database that wants the one with this id (empty: any), by file, reference or id; else a fresh one.

    Behind a reference it is 64 hexadecimal digits. Raises: ConfigError when it is lost or another one.
    """
    if key_file is None or not is_reference(str(key_file)):
        return key_of_store(expected, key_file) if expected else key_for_new_store(key_file)
    reference = str(key_file)
    key = parse_key(at_once(reference, "key_file"), reference)
    if expected and key_id(key) != expected:
        raise ConfigError(f"{reference}: this is not the key of the database (it wants {expected})")
    return key


def customer_key(setting: str, aws: AwsConfig) -> bytes:
    """The key of objects that are encrypted with one of the customer: a file, or a reference to its base64.

    Raises: ConfigError.
    """
    if not is_reference(setting):
        return read_customer_key(Path(setting))
    return parse_customer_key(at_once(setting, "aws.sse_c_key_file", aws).encode(), setting)


def passwords(setting: str, aws: AwsConfig) -> tuple[str, ...]:
    """The passwords of a file or behind a reference, one a line, in their order. Raises: ConfigError."""
    if not is_reference(setting):
        return read_passwords(setting)
    lines = at_once(setting, "passwords", aws).splitlines()
    return tuple(dict.fromkeys(line for line in lines if line))


def _file(path: str, where: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8")
    except OSError as err:
        raise ConfigError(f"{where}: {path}: {err.strerror}") from None
    except ValueError:
        raise ConfigError(f"{where}: {path}: not text") from None


def _aws(kind: str, rest: str, where: str, aws: AwsConfig) -> str:
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
        raise ConfigError(f"{where}: {kind}:{name}: {err}") from None
    except (ConfigError, SourceError) as err:
        raise ConfigError(f"{where}: {err}") from None
    if not isinstance(value, str):
        raise ConfigError(f"{where}: {kind}:{name}: not text")
    return _member(value, inner, f"{where}: {kind}:{name}") if inner else value


def _member(text: str, name: str, where: str) -> str:
    try:
        found = json.loads(text)
    except ValueError:
        raise ConfigError(f"{where}: not JSON, so it has no key {name!r}") from None
    value = found.get(name) if isinstance(found, dict) else None
    if not isinstance(value, str):
        raise ConfigError(f"{where}: no text under the key {name!r}")
    return value
