"""A vault as a source: parameters of Parameter Store with their values, secrets of Secrets Manager without theirs.

A value stands behind the name of its parameter, as in a file of settings, since the name says what it is. Of a secret
only what describes it is read here; that values are looked for elsewhere is the business of `piiscan.live`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any, BinaryIO

from piiscan.aws import ServiceError
from piiscan.config import AwsConfig
from piiscan.errors import AccessDenied, ObjectGone, ReadFailed, SourceError
from piiscan.model import ObjectRef
from piiscan.vaults import SSM, Kept, client_of, parameters, secrets

SECURE = "SECURE_STRING: encrypted by KMS and not decrypted (pass --decrypt to have it read)"
LIST_RIGHT = {SSM: "ssm:DescribeParameters", "secretsmanager": "secretsmanager:ListSecrets"}


class VaultSource:
    """The parameters below a path, or the secrets whose names begin with a prefix, of one account and region."""

    def __init__(self, name: str, prefix: str, config: AwsConfig, *, decrypt: bool = False) -> None:
        self.name = name
        self._service = name.partition("://")[0]
        self._prefix = prefix
        self._config = config
        self._decrypt = decrypt
        self._made: Any = None
        self._next: list[str] = []
        self._values: dict[str, str] = {}
        self.kept: list[Kept] = []
        """What `crawl` met, as its vault tells of it."""

    @property
    def _client(self) -> Any:
        if self._made is None:
            self._made = client_of(self.name, self._config)
        return self._made

    def crawl(self) -> Iterator[ObjectRef]:
        """All entries, in the order of their names. Raises: SourceError."""
        self.kept = []
        try:
            if self._service == SSM:
                yield from self._parameters()
                return
            for one in secrets.listed(self._client, self.name, self._prefix):
                self.kept.append(one)
                yield self._ref(one, len(described(one)))
        except ServiceError as err:
            right = LIST_RIGHT[self._service]
            raise SourceError(f"{self.name}: cannot be listed ({right}: {err})") from None

    def _parameters(self) -> Iterator[ObjectRef]:
        """Parameters in tens, since their sizes are those of their values. Raises: ServiceError."""
        together: list[Kept] = []
        for one in parameters.listed(self._client, self.name, self._prefix):
            self.kept.append(one)
            together.append(one)
            if len(together) == parameters.TOGETHER:
                yield from self._sized(together)
                together = []
        yield from self._sized(together)

    def _sized(self, together: Sequence[Kept]) -> Iterator[ObjectRef]:
        names = [one.name for one in together if self._readable(one)]
        values: dict[str, str] = {}
        denied = ""
        if names:
            try:
                values = parameters.values(self._client, names, decrypt=self._decrypt)
            except ServiceError as err:
                denied = _denied(err)
        for one in together:
            if not self._readable(one):
                yield self._ref(one, 0, SECURE)
            elif denied:
                yield self._ref(one, 0, denied)
            elif one.name not in values:
                yield self._ref(one, 0, f"{ObjectGone.reason}: gone since it was listed")
            else:
                yield self._ref(one, len(written(one.name, values[one.name])))

    def _readable(self, one: Kept) -> bool:
        return self._decrypt or one.kind != "SecureString"

    def _ref(self, one: Kept, size: int, denied: str = "") -> ObjectRef:
        return ObjectRef(self.name, one.name, size, f"{one.kind}-{one.version}", one.modified, "", denied)

    def refresh(self, ref: ObjectRef) -> ObjectRef:
        """The entry as it is now. Raises: ObjectError."""
        self._values.pop(ref.key, None)
        return replace(ref, size=len(self._bytes(ref.key)))

    def expect(self, refs: Sequence[ObjectRef]) -> None:
        """These entries will be opened next: values are asked for by the ten."""
        self._next = [ref.key for ref in refs if not ref.denied]
        self._values = {}

    def open(self, ref: ObjectRef) -> BinaryIO:
        """The text of an entry, as `written` or `described` give it. Raises: ObjectError."""
        return io.BytesIO(self._bytes(ref.key))

    def _bytes(self, name: str) -> bytes:
        try:
            if self._service != SSM:
                return described(secrets.described(self._client, self.name, name))
            if name not in self._values:
                at = self._next.index(name) if name in self._next else -1
                names = self._next[at : at + parameters.TOGETHER] if at >= 0 else [name]
                self._values = parameters.values(self._client, names, decrypt=self._decrypt)
        except ServiceError as err:
            if "NotFound" in str(err):
                raise ObjectGone("gone since it was listed") from None
            if "AccessDenied" in str(err):
                raise AccessDenied(f"may not be read ({err})") from None
            raise ReadFailed(f"{self._service} did not answer ({err})") from None
        if name not in self._values:
            raise ObjectGone("gone since it was listed")
        return written(name, self._values.pop(name))


def written(name: str, value: str) -> bytes:
    """A parameter as a line of settings, or as the document that it is; a list with a line for each of its items.

    >>> written("/app/db/user", "app")
    b'/app/db/user = app\\n'
    """
    if value.lstrip()[:1] in ("{", "["):
        with suppress(ValueError):
            json.loads(value)
            return value.encode("utf-8", "surrogatepass")
    return f"{name} = {value}\n".encode("utf-8", "surrogatepass")


def described(one: Kept) -> bytes:
    """What a secret's description and tags say, as JSON."""
    told: dict[str, Any] = {"description": one.description} if one.description else {}
    if one.tags:
        told["tags"] = dict(one.tags)
    return json.dumps(told, ensure_ascii=False).encode("utf-8", "surrogatepass")


def _denied(err: ServiceError) -> str:
    if "AccessDenied" in str(err):
        return f"{AccessDenied.reason}: its value may not be read (ssm:GetParameters, and kms:Decrypt: {err})"
    return f"{ReadFailed.reason}: ssm did not answer ({err})"
