"""The values that vaults hold now, gathered for one run: what stays of them is keyed hashes and reasons.

Source: AWS Secrets Manager API Reference, GetSecretValue; AWS Systems Manager API Reference, GetParameters.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from piiscan.aws import ServiceError
from piiscan.config import AwsConfig
from piiscan.errors import SourceError
from piiscan.live.needles import Live, LiveSecret, live_set, rule_id
from piiscan.live.values import telling
from piiscan.vaults import SECRETS_MANAGER, SSM, Kept, client_of, parameters, secrets, source_of

FRESH = 300.0
"""Seconds for which a process does not ask again."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a vault, and whether it is looked for."""

    kept: Kept
    rule: str
    """The rule that reports it."""
    why_not: str = ""
    """Why it is not looked for; empty when it is."""


@dataclass(frozen=True, slots=True)
class Gathered:
    """What a run looks for, and what it cannot."""

    live: Live
    entries: tuple[Entry, ...]
    errors: tuple[str, ...] = ()
    """Vaults that could not be listed."""

    @property
    def counts(self) -> tuple[int, int]:
        """Secrets that are looked for, and those that are not."""
        return len(self.live.secrets), len(self.entries) - len(self.live.secrets)

    @property
    def refused(self) -> int:
        """Secrets whose values could not be asked for."""
        return sum(one.why_not.startswith("refused") for one in self.entries)


class Remembered:
    """What was gathered last in this process: a watch, which runs every few seconds, asks its vaults now and then."""

    def __init__(self) -> None:
        self._asked: tuple[tuple[AwsConfig, ...], bool] | None = None
        self._at = 0.0
        self._found: Gathered | None = None

    def __call__(self, configs: Sequence[AwsConfig], *, decrypt: bool) -> Gathered:
        """As `gather`, not older than `FRESH` seconds. Raises: ConfigError."""
        asked = tuple(configs), decrypt
        if self._found is None or asked != self._asked or time.monotonic() > self._at + FRESH or self._found.errors:
            self._found, self._asked, self._at = gather(configs, decrypt=decrypt), asked, time.monotonic()
        return self._found


remembered = Remembered()


def gather(configs: Sequence[AwsConfig], *, decrypt: bool) -> Gathered:
    """All secrets of Secrets Manager and, with `decrypt`, the SecureStrings of Parameter Store, of some accounts.

    Raises: ConfigError.
    """
    entries: list[Entry] = []
    errors: list[str] = []

    def found() -> Iterator[tuple[LiveSecret, Sequence[bytes]]]:
        for kept, value, why in _of_accounts(configs, decrypt, errors):
            rule = rule_id(kept.source.partition(":")[0], kept.name, kept.arn)
            looked_for, reason = telling(value) if not why else ((), why)
            entries.append(Entry(kept, rule, reason))
            if looked_for:
                yield LiveSecret(rule, kept.name, kept.version, kept.source), looked_for

    live = live_set(found())
    return Gathered(live, tuple(entries), tuple(errors))


def _of_accounts(
    configs: Sequence[AwsConfig], decrypt: bool, errors: list[str]
) -> Iterator[tuple[Kept, str | bytes, str]]:
    """The entries of all accounts; one that cannot be listed costs itself alone."""
    for config in configs:
        try:
            yield from _all(config, decrypt)
        except SourceError as err:
            errors.append(str(err))


def _all(config: AwsConfig, decrypt: bool) -> Iterator[tuple[Kept, str | bytes, str]]:
    """(entry, value, why there is none) of all entries."""
    try:
        source = source_of(SECRETS_MANAGER, config)
        client = client_of(source, config)
        for kept in secrets.listed(client, source):
            try:
                yield kept, secrets.value(client, kept.name), ""
            except ServiceError as err:
                yield kept, "", f"refused: secretsmanager:GetSecretValue ({err})"
    except ServiceError as err:
        raise SourceError(f"--match-live: the secrets cannot be listed (secretsmanager:ListSecrets: {err})") from None
    if decrypt:
        yield from _secure_strings(config)


def _secure_strings(config: AwsConfig) -> Iterator[tuple[Kept, str | bytes, str]]:
    source = source_of(SSM, config)
    client = client_of(source, config)
    try:
        kept = [one for one in parameters.listed(client, source, "") if one.kind == "SecureString"]
    except ServiceError as err:
        raise SourceError(f"--match-live: the parameters cannot be listed (ssm:DescribeParameters: {err})") from None
    for low in range(0, len(kept), parameters.TOGETHER):
        some = kept[low : low + parameters.TOGETHER]
        try:
            values = parameters.values(client, [one.name for one in some], decrypt=True)
        except ServiceError as err:
            yield from ((one, "", f"refused: ssm:GetParameters, kms:Decrypt ({err})") for one in some)
            continue
        for one in some:
            yield one, values.get(one.name, ""), "" if one.name in values else "refused: gone since it was listed"
