"""The KMS keys of default encryptions, each read once, in the region that it is of."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from piiscan.aws import call
from piiscan.errors import SourceError
from piiscan.posture import read
from piiscan.posture.model import ACTIONS, Encryption, Key, Unknown, Why

PIECES = ("key", "key_rotation", "key_policy", "key_aliases")
MANAGED = "alias/aws/s3"
"""The key that AWS manages for S3. Source: Amazon S3 User Guide, "Using server-side encryption with AWS KMS keys"."""
_ARN = re.compile(r"arn:[\w-]+:kms:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):(?P<name>.+)")


class KeyReader:
    """Reads keys, and remembers them."""

    def __init__(
        self,
        client: Callable[[str], Any],
        asked: Callable[[str], bool],
        read_piece: Callable[..., Any],
    ) -> None:
        self._client = client
        """A KMS client of a region."""
        self._asked = asked
        """Whether KMS is to be asked in a region at all."""
        self._read = read_piece
        self._known: dict[tuple[str, str], Mapping[str, Any]] = {}

    def pieces(self, encryption: Encryption | Unknown | None, region: str) -> Mapping[str, Any]:
        """The four pieces of the key of a default encryption of a bucket in a region.

        Unknown as the encryption is; None where it has no key of KMS.
        """
        if isinstance(encryption, Unknown):
            return dict.fromkeys(PIECES, encryption)
        if encryption is None or not encryption.algorithm.startswith("aws:kms"):
            return dict.fromkeys(PIECES)
        named = encryption.key or MANAGED
        found = _ARN.fullmatch(named)
        where = (found["region"] if found else region, named)
        if where not in self._known:
            self._known[where] = self._key(*where)
        return self._known[where]

    def _key(self, region: str, name: str) -> Mapping[str, Any]:
        try:
            client, asked = self._client(region), self._asked(region)
        except SourceError as err:
            return {piece: Unknown(ACTIONS["key"], str(err), Why.FAILED) for piece in PIECES}
        if not asked:
            why = "not asked for an S3 that is not AWS's"
            return {piece: Unknown(ACTIONS[piece], why, Why.UNSUPPORTED) for piece in PIECES}
        key = self._read(
            ACTIONS["key"],
            lambda: read.key(call(client, "describe_key", KeyId=name)),
            ("NotFoundException",),
            _absent(region, name),
        )
        if isinstance(key, Unknown):
            return {piece: Unknown(ACTIONS["key"], key.code, key.why) for piece in PIECES}
        if name.endswith(MANAGED):
            key = replace(key, manager="AWS")
        if key.manager == "AWS" or key.state == "Missing":
            return {"key": key, "key_rotation": None, "key_policy": None, "key_aliases": None}
        rotation = None
        if key.rotates:
            rotation = self._read(
                ACTIONS["key_rotation"],
                lambda: read.key_rotation(call(client, "get_key_rotation_status", KeyId=key.arn)),
            )
        policy = self._read(
            ACTIONS["key_policy"],
            lambda: read.policy(call(client, "get_key_policy", KeyId=key.arn, PolicyName="default")),
        )
        aliases = self._read(ACTIONS["key_aliases"], lambda: _aliases(client, key.arn))
        return {"key": key, "key_rotation": rotation, "key_policy": policy, "key_aliases": aliases}


def _aliases(client: Any, arn: str) -> tuple[str, ...]:
    out: tuple[str, ...] = ()
    more: dict[str, Any] = {}
    while True:
        answer = call(client, "list_aliases", KeyId=arn, **more)
        out += read.key_aliases(answer)
        if not answer.get("Truncated"):
            return out
        more = {"Marker": answer["NextMarker"]}


def _absent(region: str, name: str) -> Key:
    """The key that KMS does not know: AWS makes its own when it is first used, any other is missing."""
    if name == MANAGED:
        return Key("", "", region, "Enabled", "AWS", rotates=False)
    found = _ARN.fullmatch(name)
    return Key(name, found["account"] if found else "", region, "Missing", "CUSTOMER", rotates=False)
