"""Where alerts go, one file a kind of sink.

A sink raises `Refused` for what never will arrive, and any other OSError for what may arrive later. No error holds a
secret: addresses that are secret (of Slack, Teams, Apprise) stand in none, and what a server answered is not quoted.
"""

from __future__ import annotations

import re
from dataclasses import MISSING, fields
from importlib import import_module
from typing import Any, NoReturn

from piiscan.config import AwsConfig, SinkConfig
from piiscan.errors import ConfigError
from piiscan.ports import Sink
from piiscan.references import is_reference
from piiscan.references import resolve as resolve_reference

__all__ = [
    "KINDS",
    "NotNow",
    "Refused",
    "check",
    "is_reference",
    "key",
    "make_sink",
    "resolve",
    "server",
    "text_of",
    "wrong",
]

KINDS = {
    "jsonl": "jsonl:JsonlSink",
    "webhook": "webhook:WebhookSink",
    "exit-code": "exit_code:ExitCodeSink",
    "slack": "slack:SlackSink",
    "teams": "teams:TeamsSink",
    "email": "email:EmailSink",
    "sns": "sns:SnsSink",
    "sqs": "sqs:SqsSink",
    "eventbridge": "eventbridge:EventBridgeSink",
    "securityhub": "securityhub:SecurityHubSink",
    "syslog": "syslog:SyslogSink",
    "apprise": "apprise:AppriseSink",
}
"""Module and class of each kind."""
_KEY = re.compile(r"[^A-Za-z0-9._-]")


class Refused(OSError):
    """It will not arrive however often it is tried: the receiver refused it, or it is not to be sent there."""


class NotNow(OSError):
    """It did not arrive and may do so later; not before `retry_after` seconds have passed, where a receiver said so."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class _Later:
    """A sink whose secret could not be fetched just now: it is tried again with each alert."""

    def __init__(self, config: SinkConfig, aws: AwsConfig) -> None:
        self.name = config.name
        self._config, self._aws = config, aws

    def send(self, alert: dict[str, Any]) -> None:
        """Make the sink, and deliver. Raises: OSError."""
        try:
            sink = _made(self._config, self._aws)
        except ConfigError as err:
            raise Refused(str(err)) from None
        sink.send(alert)


def make_sink(config: SinkConfig, aws: AwsConfig | None = None) -> Sink:
    """The sink that a configuration describes; profile and region are those of `aws` where it names none.

    Its secrets are fetched now. Where AWS cannot be reached for one, the sink tries again with each alert.
    Raises: ConfigError naming the sink and the setting.
    """
    aws = aws if aws is not None else AwsConfig()
    try:
        return _made(config, aws)
    except OSError:
        return _Later(config, aws)


def _made(config: SinkConfig, aws: AwsConfig) -> Sink:
    if config.kind not in KINDS:
        raise ConfigError(f"sink {config.name!r}: kind {config.kind!r} is none of {', '.join(KINDS)}")
    module, _, name = KINDS[config.kind].partition(":")
    made: Sink = getattr(import_module(f"piiscan.alert.sinks.{module}"), name)(config, aws)
    return made


def check(config: SinkConfig, wanted: str = "", other: str = "") -> None:
    """See that the settings `wanted` are there, and none beside them and the `other` ones. Raises: ConfigError."""
    known = {"name", "kind", *wanted.split(), *other.split()}
    for field in fields(config):
        given = field.default is MISSING or getattr(config, field.name) != field.default
        if given and field.name not in known:
            raise ConfigError(f"sink {config.name!r}: {field.name} is no setting of a sink of kind {config.kind!r}")
    for name in wanted.split():
        if not getattr(config, name):
            raise ConfigError(f"sink {config.name!r}: {name} is wanted")


def wrong(config: SinkConfig, what: str) -> NoReturn:
    """Say what is wrong with a sink. Raises: ConfigError."""
    raise ConfigError(f"sink {config.name!r}: {what}")


def resolve(reference: str, sink: str, aws: AwsConfig | None = None) -> str:
    """The secret of a sink behind a reference. Raises: ConfigError, OSError."""
    return resolve_reference(reference, f"sink {sink!r}", aws)


def text_of(setting: str, config: SinkConfig, aws: AwsConfig) -> str:
    """A setting that may be a reference or stand as it is. Raises: ConfigError, OSError."""
    return resolve(setting, config.name, aws) if is_reference(setting) else setting


def server(config: SinkConfig, usual: int) -> tuple[str, int]:
    """Host and port of a server. Raises: ConfigError."""
    try:
        good = bool(config.host.encode("idna")) and config.host.isprintable() and " " not in config.host
    except UnicodeError:
        good = False
    if not good:
        wrong(config, "host is no name or address")
    if not 0 <= config.port <= 65_535:
        wrong(config, "port lies between 1 and 65535")
    return config.host, config.port or usual


def key(alert: dict[str, Any]) -> str:
    """What a receiver knows an alert by when it comes again: letters, digits, `.`, `_` and `-`, 128 at most."""
    return _KEY.sub("-", str(alert["id"]))[:128] or "-"
