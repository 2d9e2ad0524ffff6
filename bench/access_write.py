"""The requests of `bench.access_logs` as log files: records of CloudTrail and lines of S3, as AWS writes them."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np

from bench.access_logs import ACCOUNT, OBJECTS, START, Actor, World, bucket_name, happenings, key_of, logged

OWNER = "79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be"
IN_FILE = {"trail": 10_000, "lines": 5_000}
_VERBS = ("GetObject", "HeadObject", "PutObject", "ListObjects", "DeleteObject", "CopyObject")
_OPERATIONS = (
    "REST.GET.OBJECT", "REST.HEAD.OBJECT", "REST.PUT.OBJECT", "REST.GET.BUCKET", "REST.DELETE.OBJECT",
    "REST.COPY.OBJECT_GET",
)  # fmt: skip
_AGENT = (
    "aws-sdk-java/2.29.6 md/io#sync md/http#Apache ua/2.1 os/Linux#6.1 lang/java#21.0.5 md/OpenJDK_64-Bit_Server_VM"
)


def identity(actor: Actor) -> str:
    """The userIdentity of a record of CloudTrail."""
    account = actor.account
    if actor.kind == "anonymous":
        found: dict[str, Any] = {"type": "AWSAccount", "principalId": "", "accountId": "anonymous"}
    elif actor.kind == "service":
        found = {"type": "AWSService", "invokedBy": actor.name}
    elif actor.kind == "user":
        arn = f"arn:aws:iam::{account}:user/{actor.name}"
        found = {
            "type": "IAMUser", "principalId": "AIDAEXAMPLE" + actor.name.upper(), "arn": arn, "accountId": account,
            "accessKeyId": "AKIAEXAMPLE", "userName": actor.name,
        }  # fmt: skip
    else:
        issuer = f"arn:aws:iam::{account}:role/apps/{actor.name}"
        found = {
            "type": "AssumedRole", "principalId": f"AROAEXAMPLE{actor.name.upper()}:run",
            "arn": f"arn:aws:sts::{account}:assumed-role/{actor.name}/run", "accountId": account,
            "accessKeyId": "ASIAEXAMPLE", "sessionContext": {
                "sessionIssuer": {
                    "type": "Role", "principalId": f"AROAEXAMPLE{actor.name.upper()}", "arn": issuer,
                    "accountId": account, "userName": actor.name,
                },
                "attributes": {"creationDate": "2026-08-03T06:00:00Z", "mfaAuthenticated": "false"},
            },
        }  # fmt: skip
    return json.dumps(found, separators=(",", ":"))


def requester(actor: Actor) -> str:
    """The requester of a line of an access log."""
    if actor.kind == "service":
        return f"svc:{actor.name}"
    if actor.kind == "role":
        return f"arn:aws:sts::{actor.account}:assumed-role/{actor.name}/run"
    return "-" if actor.kind == "anonymous" else actor.principal()


def records(made: World, day: int, seed: int) -> Iterator[tuple[str, str]]:
    """The requests of a day as (log, text of the record)."""
    rng = np.random.default_rng([seed, day])
    found = happenings(made, day, rng)
    count = len(found["who"])
    names = rng.bytes(8 * count).hex().upper()
    ids = rng.bytes(16 * count).hex()
    hosts = base64.b64encode(rng.bytes(57 * 4096)).decode()
    who = found["who"].tolist()
    actors = {n: (made.habits[n].actor if n >= 0 else made.planted[-1 - n].actor) for n in set(who)}
    buckets = {n: (made.habits[n].bucket if n >= 0 else made.planted[-1 - n].bucket) for n in set(who)}
    users = {n: identity(a) for n, a in actors.items()}
    requesters = {n: requester(a) for n, a in actors.items()}
    keys = [key_of(place) for place in range(OBJECTS)]
    date = START + timedelta(days=day)
    iso, clf = date.strftime("%Y-%m-%dT"), date.strftime("%d/%b/%Y:")
    rows = zip(
        who, found["time"].tolist(), found["verb"].tolist(), found["status"].tolist(), found["object"].tolist(),
        found["size"].tolist(), found["ip"].tolist(), range(count), strict=True,
    )  # fmt: skip
    for n, time, verb, status, place, size, ip, at in rows:
        bucket, actor = buckets[n], actors[n]
        address = (made.planted[-1 - n].ip if n < 0 else "") or actor.ips[ip]
        clock = f"{time // 3600:02d}:{time // 60 % 60:02d}:{time % 60:02d}"
        request, host = names[16 * at : 16 * at + 16], hosts[at % 4096 * 76 : at % 4096 * 76 + 76]
        asked = bucket_name(bucket), keys[place] if verb != 3 else "", verb, status, size
        for log in logged(bucket):
            if log == "trail":
                uid = ids[32 * at : 32 * at + 32]
                yield log, trail_record(users[n], f"{iso}{clock}Z", address, asked, request, host, uid)
            else:
                yield log, log_line(requesters[n], f"{clf}{clock} +0000", address, asked, request, host)


_Asked = tuple[str, str, int, int, int]


def trail_record(user: str, when: str, ip: str, asked: _Asked, request: str, host: str, uid: str) -> str:
    """A record of CloudTrail, as it writes them."""
    name, key, verb, status, size = asked
    error = '"errorCode":"AccessDenied","errorMessage":"Access Denied",' if status == 403 else ""
    copy = f',"x-amz-copy-source":"{name}/{key}"' if verb == 5 else ""
    target = f',"key":"{"copies/" if verb == 5 else ""}{key}"' if key else ""
    sent = size if verb == 0 and status == 200 else 0
    return (
        f'{{"eventVersion":"1.11","userIdentity":{user},"eventTime":"{when}",'
        f'"eventSource":"s3.amazonaws.com","eventName":"{_VERBS[verb]}","awsRegion":"eu-west-1",'
        f'"sourceIPAddress":"{ip}","userAgent":"[{_AGENT}]",{error}"requestParameters":{{"bucketName":'
        f'"{name}","Host":"{name}.s3.eu-west-1.amazonaws.com"{target}{copy}}},"responseElements":null,'
        f'"additionalEventData":{{"SignatureVersion":"SigV4","CipherSuite":"TLS_AES_128_GCM_SHA256",'
        f'"bytesTransferredIn":{size if verb == 2 else 0},"AuthenticationMethod":"AuthHeader","x-amz-id-2":'
        f'"{host}","bytesTransferredOut":{sent}}},"requestID":"{request}","eventID":"{uid[:8]}-{uid[8:12]}-'
        f'{uid[12:16]}-{uid[16:20]}-{uid[20:]}","readOnly":true,"resources":[{{"type":"AWS::S3::Object",'
        f'"ARN":"arn:aws:s3:::{name}/{key}"}},{{"accountId":"{ACCOUNT}","type":"AWS::S3::Bucket","ARN":'
        f'"arn:aws:s3:::{name}"}}],"eventType":"AwsApiCall","managementEvent":false,"recipientAccountId":'
        f'"{ACCOUNT}","eventCategory":"Data"}}'
    )


def log_line(who: str, when: str, ip: str, asked: _Asked, request: str, host: str) -> str:
    """A line of a server access log, as S3 writes them."""
    name, key, verb, status, size = asked
    quoted = key.replace(" ", "%2520") if key else "-"
    error, sent = "AccessDenied" if status == 403 else "-", size if verb == 0 and status == 200 else "-"
    return (
        f"{OWNER} {name} [{when}] {ip} {who} {request} {_OPERATIONS[verb]} {quoted} "
        f'"GET /{quoted} HTTP/1.1" {status} {error} {sent} {size} 24 17 "-" "{_AGENT}" - {host} SigV4 '
        f"TLS_AES_128_GCM_SHA256 AuthHeader {name}.s3.eu-west-1.amazonaws.com TLSv1.3 - -\n"
    )


def write_day(folder: Path, made: World, day: int, seed: int) -> tuple[int, int]:
    """The log files of a day; how many records they have, and how many requests these are of."""
    date = START + timedelta(days=day)
    held: dict[str, list[str]] = {"trail": [], "lines": []}
    files = dict.fromkeys(held, 0)
    total = twice = 0

    def flush(log: str) -> None:
        if not held[log]:
            return
        if log == "trail":
            path = (
                folder
                / f"AWSLogs/{ACCOUNT}/CloudTrail/eu-west-1/{date:%Y/%m/%d}"
                / (f"{ACCOUNT}_CloudTrail_eu-west-1_{date:%Y%m%d}T{files[log]:04d}Z_example.json.gz")
            )
            text = '{"Records":[' + ",".join(held[log]) + "]}"
        else:
            path = folder / f"access/{date:%Y-%m-%d}-{files[log]:06d}.gz"
            text = "".join(held[log])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(text.encode(), 1))
        files[log] += 1
        held[log].clear()

    for log, text in records(made, day, seed):
        held[log].append(text)
        total += 1
        if len(held[log]) == IN_FILE[log]:
            flush(log)
    for log in held:
        flush(log)
    found = happenings(made, day, np.random.default_rng([seed, day]))
    twice = len(found["who"])
    return total, twice
