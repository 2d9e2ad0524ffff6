"""Live secrets and parameters: are all found, is nothing else, and what does looking for them cost.

    python -m bench.live secrets [--secrets 500] [--objects 5000] [--seed N]
    python -m bench.live parameters [--parameters 10000] [--seed N]

The first plants secrets and look-alikes in files (tests/support/planted.py) and scans with and without --match-live;
the second fills Parameter Store and reads it through a proxy that throttles a third of all requests, three times each.
Both against moto's server. Prints what was found of what was planted, and CPU seconds of the commands.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3

from tests.support.planted import files, value
from tests.support.s3 import s3_server
from tests.support.throttled import THROTTLED, throttled
from tests.support.trees import ssn

REGION = "eu-west-1"
KNOWN: dict[str, Any] = {"region_name": REGION, "aws_access_key_id": "testing", "aws_secret_access_key": "testing"}


def piiscan(root: Path, url: str, *args: object) -> tuple[float, float, str]:
    """CPU seconds, seconds and output of a command; it must end well."""
    env = {**os.environ, "HOME": str(root), "AWS_ENDPOINT_URL": url, "AWS_DEFAULT_REGION": REGION, "NO_PROXY": "*"}
    env |= {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "XDG_CACHE_HOME": str(root / "cache")}
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    command = [sys.executable, "-m", "piiscan", *map(str, args)]
    done = subprocess.run(command, env=env, cwd=root, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode not in (0, 4):
        raise SystemExit(done.stderr[-2000:])
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return cpu, time.monotonic() - began, done.stdout


def asked(root: Path, url: str, query: str, db: str) -> list[dict[str, Any]]:
    """Rows of a query."""
    return [json.loads(line) for line in piiscan(root, url, "sql", query, "--json", "--db", db)[2].splitlines()]


def secrets(root: Path, count: int, objects: int, seed: int) -> None:
    """Bar: all found, nothing else."""
    tree, truth, almost = root / "tree", set(), 0
    for one in files(count, count, objects, seed):
        path = tree / one.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(one.data)
        truth |= {(one.name, f"s{number}") for number in one.secrets}
    with s3_server() as server:
        vault = boto3.client("secretsmanager", endpoint_url=server.url, **KNOWN)
        for number in range(count):
            secret = value(number, seed)
            told = json.dumps({"username": "app", "password": secret}) if number % 2 else secret
            vault.create_secret(Name=f"s{number}", SecretString=told)
        plain = piiscan(root, server.url, "scan", tree, "--no-ner", "--quiet", "--db", "plain.duckdb")
        live = piiscan(root, server.url, "scan", tree, "--no-ner", "--quiet", "--match-live", "--db", "live.duckdb")
        rows = asked(root, server.url, "SELECT object, secret FROM v_live_secrets", "live.duckdb")
    found = {(row["object"], row["secret"]) for row in rows}
    almost = len(found - truth)
    print(f"{objects} objects, {count} secrets, {count} look-alikes, seed {seed}")
    print(f"found {len(found & truth)} of {len(truth)}, false {almost}")
    print(f"CPU {plain[0]:.1f} s without, {live[0]:.1f} s with --match-live: {live[0] / plain[0]:.2f} times")


def parameters(root: Path, count: int, seed: int) -> None:
    """Bar: all accounted for, plain secrets found, with a third of all requests throttled."""
    rng = random.Random(seed)
    kinds = [rng.choice(("plain", "list", "secret", "number", "secure")) for _ in range(count)]
    with s3_server() as server:
        ssm = boto3.client("ssm", endpoint_url=server.url, **KNOWN)

        def put(number: int) -> None:
            kind = kinds[number]
            last = {"secret": "db_password", "number": "social_security_number"}.get(kind, "setting")
            told = {"secret": value(number, seed), "number": ssn(number), "list": "a,b,c"}.get(kind, f"value {number}")
            named = {"list": "StringList", "secure": "SecureString"}.get(kind, "String")
            ssm.put_parameter(Name=f"/app{number % 7}/{number:05}/{last}", Value=told, Type=named)

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(put, range(count)))

        def busy(operation: str, body: bytes, times: int) -> Any:
            return THROTTLED if times < 3 and zlib.crc32(body) % 3 == 0 else None

        with throttled(server.url, busy) as proxy:
            cpu, took, out = piiscan(root, proxy.url, "scan", "ssm:", "--no-ner", "--json", "--db", "ssm.duckdb")
        rows = asked(root, server.url, "SELECT parameter, advice FROM v_parameters", "ssm.duckdb")
        reasons = "SELECT outcome, split_part(reason, ':', 1) AS reason, count(*) AS n FROM v_objects GROUP BY ALL"
        outcomes = asked(root, server.url, reasons, "ssm.duckdb")
    summary = json.loads(out)
    wanted = {f"/app{n % 7}/{n:05}/db_password" for n, kind in enumerate(kinds) if kind == "secret"}
    advised = {row["parameter"] for row in rows if row["advice"]}
    print(
        f"{count} parameters, seed {seed}; {sum(proxy.said.values())} of {sum(proxy.asked.values())} requests throttled"
    )
    print(f"listed {summary['listed']}; outcomes {outcomes}; SecureStrings {kinds.count('secure')}")
    print(f"plain secrets advised on {len(advised & wanted)} of {len(wanted)}, others {len(advised - wanted)}")
    print(f"CPU {cpu:.1f} s, {took:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("secrets", "parameters"))
    parser.add_argument("--secrets", type=int, default=500)
    parser.add_argument("--objects", type=int, default=5_000)
    parser.add_argument("--parameters", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="bench-live-"))
    try:
        if given.what == "secrets":
            secrets(root, given.secrets, given.objects, given.seed)
        else:
            parameters(root, given.parameters, given.seed)
    finally:
        shutil.rmtree(root, ignore_errors=True)


if __name__ == "__main__":
    main()
