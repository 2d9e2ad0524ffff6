"""Reading an account and its buckets: each request that fails costs one piece, each bucket that goes wrong itself only.

Nothing is global: an account is read with the `AwsConfig` that it is given, so that many can be read one after another.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from piiscan.aws import ServiceError, amazons, call, s3_client, service_client
from piiscan.config import AwsConfig
from piiscan.errors import SourceError
from piiscan.posture import read
from piiscan.posture.keys import KeyReader
from piiscan.posture.model import (
    ACTIONS,
    AccountState,
    BucketState,
    PublicAccessBlock,
    Unknown,
    Why,
)

SIDE_BY_SIDE = 8
"""Buckets that are read at the same time."""
PAGE = 1_000
"""Buckets on one page of their list."""
_DENIED = re.compile("AccessDenied|Unauthorized|Forbidden|NotAuthorized|AllAccessDisabled|InvalidAccessKey|^403$")
_UNSUPPORTED = re.compile("NotImplemented|MethodNotAllowed|NotSupported|InvalidAction|UnknownOperation|^405$|^501$")
_AWAY = ("EndpointConnectionError", "ConnectTimeoutError", "ConnectionError")
"""Errors after which the other pieces of a bucket are not asked for: each would wait as long."""


@dataclass(frozen=True, slots=True)
class Piece:
    """How one piece of a bucket is read."""

    operation: str
    read: Callable[[Mapping[str, Any]], Any]
    absent: tuple[str, ...] = ()
    """S3's codes for "not configured"."""
    nothing: Any = None
    """What the piece is then."""


PIECES: Mapping[str, Piece] = {
    "policy": Piece("get_bucket_policy", read.policy, ("NoSuchBucketPolicy",)),
    "policy_status": Piece("get_bucket_policy_status", read.policy_status, ("NoSuchBucketPolicy",)),
    "acl": Piece("get_bucket_acl", read.acl),
    "block": Piece(
        "get_public_access_block", read.block, ("NoSuchPublicAccessBlockConfiguration",), PublicAccessBlock()
    ),
    "website": Piece("get_bucket_website", read.website, ("NoSuchWebsiteConfiguration",)),
    "encryption": Piece("get_bucket_encryption", read.encryption, ("ServerSideEncryptionConfigurationNotFoundError",)),
    "replication": Piece("get_bucket_replication", read.replication, ("ReplicationConfigurationNotFoundError",), ()),
    "versioning": Piece("get_bucket_versioning", read.versioning),
    "logging": Piece("get_bucket_logging", read.logging),
    "ownership": Piece("get_bucket_ownership_controls", read.ownership, ("OwnershipControlsNotFoundError",), ""),
    "lifecycle": Piece("get_bucket_lifecycle_configuration", read.lifecycle, ("NoSuchLifecycleConfiguration",), ()),
    "object_lock": Piece("get_object_lock_configuration", read.object_lock, ("ObjectLockConfigurationNotFoundError",)),
    "inventory": Piece("list_bucket_inventory_configurations", read.inventory, ("NoSuchConfiguration",), ()),
    "notifications": Piece("get_bucket_notification_configuration", read.notifications),
}
"""Source: Amazon S3 API Reference, the operations and their "special errors"."""


def refusal(action: str, err: ServiceError, *, aws: bool = True) -> Unknown:
    """Why a piece is not known, by the error that came; of AWS, `MethodNotAllowed` is said to who is not the owner."""
    code = str(err)
    if _DENIED.search(code) or (aws and code in ("MethodNotAllowed", "405")):
        return Unknown(action, code)
    return Unknown(action, code, Why.UNSUPPORTED if _UNSUPPORTED.search(code) else Why.FAILED)


class Collector:
    """Reads one account, as often as it is asked to; its clients are kept."""

    def __init__(self, config: AwsConfig) -> None:
        self.config = config
        self._clients: dict[tuple[str, str], Any] = {}
        self._lock = threading.Lock()
        self._regions: dict[str, str] = {}

    def client(self, service: str, region: str = "") -> Any:
        """A client of a service in a region, made once. Raises: ConfigError, SourceError."""
        with self._lock:
            if (service, region) not in self._clients:
                config = replace(self.config, region=region or self.config.region)
                self._clients[service, region] = _made(service, config)
            return self._clients[service, region]

    @property
    def _other(self) -> bool:
        """Whether the S3 that is read is not AWS's."""
        return not amazons(str(self.client("s3").meta.endpoint_url))

    def _asked(self, service: str, region: str = "") -> bool:
        """Whether a service is the one that belongs to the S3 that is read: AWS's is no matter of another server."""
        return not self._other or not amazons(str(self.client(service, region).meta.endpoint_url))

    def _piece(self, action: str, ask: Callable[[], Any], absent: Sequence[str] = (), nothing: Any = None) -> Any:
        """What `ask` makes of a service's answers, `nothing` for one of the codes, or an Unknown."""
        try:
            return ask()
        except ServiceError as err:
            return nothing if str(err) in absent else refusal(action, err, aws=not self._other)
        except (KeyError, TypeError, ValueError, AttributeError, IndexError):
            return Unknown(action, "the answer is not understood", Why.FAILED)

    def _of_service(
        self, service: str, piece: str, ask: Callable[[Any], Any], absent: str = "", nothing: Any = None
    ) -> Any:
        action = ACTIONS[piece]
        if not self._asked(service):
            return Unknown(action, "not asked for an S3 that is not AWS's", Why.UNSUPPORTED)
        return self._piece(action, lambda: ask(self.client(service)), (absent,), nothing)

    def account(self) -> AccountState:
        """The account. Raises: ConfigError, SourceError when no client can be made."""
        number = self._of_service("sts", "account", lambda sts: str(call(sts, "get_caller_identity")["Account"]))
        organisation = self._of_service(
            "organizations",
            "organisation",
            lambda client: str(call(client, "describe_organization")["Organization"]["Id"]),
            "AWSOrganizationsNotInUseException",
            "",
        )
        block: PublicAccessBlock | Unknown
        if isinstance(number, Unknown):
            block = number  # its number is part of the request
        else:
            block = self._of_service(
                "s3control",
                "account_block",
                lambda client: read.block(call(client, "get_public_access_block", AccountId=number)),
                "NoSuchPublicAccessBlockConfiguration",
                PublicAccessBlock(),
            )
        return AccountState(number, organisation, block, self._names())

    def _names(self) -> frozenset[str] | Unknown:
        found: Any = self._piece(ACTIONS["buckets"], self._listed)
        return found if isinstance(found, Unknown) else frozenset(found)

    def _listed(self) -> list[str]:
        out: list[str] = []
        more: dict[str, Any] = {}
        while True:
            answer = call(self.client("s3"), "list_buckets", MaxBuckets=PAGE, **more)
            for told in answer.get("Buckets", ()):
                out.append(str(told["Name"]))
                self._regions[told["Name"]] = told.get("BucketRegion") or ""
            if not answer.get("ContinuationToken"):
                return out
            more = {"ContinuationToken": answer["ContinuationToken"]}

    def buckets(self, account: AccountState, names: Sequence[str]) -> Iterator[BucketState]:
        """The states of buckets, in the order of the names; one that is gone meanwhile is left out."""
        keys = KeyReader(
            lambda region: self.client("kms", region), lambda region: self._asked("kms", region), self._piece
        )
        with ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="posture") as pool:
            for state in pool.map(lambda name: self._bucket(account, name, keys), names):
                if state is not None:
                    yield state

    def _bucket(self, account: AccountState, name: str, keys: KeyReader) -> BucketState | None:
        try:
            return self._read(account, name, keys)
        except SourceError as err:  # no client for its region
            return self._nothing(account, name, Unknown("", str(err), Why.FAILED))

    def _read(self, account: AccountState, name: str, keys: KeyReader) -> BucketState | None:
        client = self.client("s3")
        where = self._piece(
            ACTIONS["location"], lambda: read.location(call(client, "get_bucket_location", Bucket=name))
        )
        if isinstance(where, Unknown):
            if where.code == "NoSuchBucket":
                return None
            where = self._regions.get(name) or where
        if isinstance(where, str) and not self._other:
            client = self.client("s3", where)
        pieces: dict[str, Any] = {"location": where}
        away = where if isinstance(where, Unknown) and where.code in _AWAY else None
        for piece, how in PIECES.items():
            if away is not None:
                pieces[piece] = replace(away, action=ACTIONS[piece])
                continue
            pieces[piece] = self._piece(ACTIONS[piece], _asking(client, how, name), how.absent, how.nothing)
            if isinstance(pieces[piece], Unknown) and pieces[piece].code in _AWAY:
                away = pieces[piece]
        pieces |= keys.pieces(pieces["encryption"], where if isinstance(where, str) else "")
        return BucketState(name=name, account=account, **pieces)

    def _nothing(self, account: AccountState, name: str, why: Unknown) -> BucketState:
        names = ["location", *PIECES, "key", "key_rotation", "key_policy", "key_aliases"]
        pieces: dict[str, Any] = {piece: replace(why, action=ACTIONS[piece]) for piece in names}
        return BucketState(name=name, account=account, **pieces)


def _asking(client: Any, how: Piece, bucket: str) -> Callable[[], Any]:
    def ask() -> Any:
        answer = call(client, how.operation, Bucket=bucket)
        found = how.read(answer)
        while token := answer.get("NextContinuationToken"):
            answer = call(client, how.operation, Bucket=bucket, ContinuationToken=token)
            found += how.read(answer)
        return found

    return ask


def _made(service: str, config: AwsConfig) -> Any:
    if service == "s3":
        client = s3_client(config)
        client.meta.events.register("before-parse.s3", _no_listing)
        return client
    client = service_client(service, config)
    if service == "s3control":
        client.meta.events.register("before-call.s3-control", _plain_host)
    return client


def _plain_host(params: dict[str, Any], **more: Any) -> None:
    """Take the account out of the host where that is a number: `111122223333.127.0.0.1` is nowhere."""
    params["url"] = re.sub(r"//\d{12}\.(?=\d+\.\d+\.\d+\.\d+\b)", "//", params["url"])


def _no_listing(response_dict: dict[str, Any], **more: Any) -> None:
    """Refuse a listing of objects in answer to something else: so a server answers that knows no such request.

    Read as it stands it would be an answer without a word, and that means "not configured".
    """
    body = response_dict.get("body")
    if isinstance(body, bytes) and b"<ListBucketResult" in body[:300]:  # none of our requests lists objects
        response_dict["status_code"] = 501
        response_dict["body"] = b"<Error><Code>NotImplemented</Code></Error>"
