"""Where alerts go, one file a kind of sink."""

from __future__ import annotations

import os
from pathlib import Path

from piiscan.config import SinkConfig
from piiscan.errors import ConfigError
from piiscan.ports import Sink


def make_sink(config: SinkConfig) -> Sink:
    """The sink that a configuration describes. Raises: ConfigError."""
    if config.kind == "jsonl":
        from piiscan.alert.sinks.jsonl import JsonlSink

        return JsonlSink(config)
    if config.kind == "webhook":
        from piiscan.alert.sinks.webhook import WebhookSink

        return WebhookSink(config)
    if config.kind == "exit-code":
        from piiscan.alert.sinks.exit_code import ExitCodeSink

        return ExitCodeSink()
    raise ConfigError(f"sink {config.name!r}: kind {config.kind!r} is none of jsonl, webhook, exit-code")


def resolve(reference: str, sink: str) -> str:
    """The secret behind `env:NAME` or `file:PATH`. Raises: ConfigError; a secret in clear is refused too."""
    kind, _, rest = reference.partition(":")
    if kind == "env":
        value = os.environ.get(rest)
        if not value:
            raise ConfigError(f"sink {sink!r}: the environment variable {rest} is not set")
        return value
    if kind == "file":
        try:
            value = Path(rest).read_text(encoding="utf-8").strip()
        except OSError as err:
            raise ConfigError(f"sink {sink!r}: {rest}: {err.strerror}") from None
        except ValueError:
            raise ConfigError(f"sink {sink!r}: {rest}: not text") from None
        if not value:
            raise ConfigError(f"sink {sink!r}: {rest} is empty")
        return value
    raise ConfigError(f"sink {sink!r}: give the secret by reference, as env:NAME or file:PATH")
