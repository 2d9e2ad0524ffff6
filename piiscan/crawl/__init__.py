"""Room 1, what is there: from a target on the command line to a source of objects."""

from __future__ import annotations

import os
import re
import stat
from dataclasses import dataclass, replace
from pathlib import Path

from piiscan.config import Config
from piiscan.errors import SourceError
from piiscan.ports import Source
from piiscan.vaults import SERVICES

STDIN = "stdin:"
ACCOUNT = "account://"
"""Before the number of an account of which nothing could be listed."""
VAULTS = tuple(f"{service}:" for service in SERVICES)
_VAULT = re.compile(r"(//\d{12}/[a-z0-9-]+)(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Target:
    """One TARGET of a scan: the source, and what of it is meant."""

    source: str
    """`file:///absolute/dir`, `s3://bucket`, `s3://` and the ARN of an access point, `ssm://ACCOUNT/REGION`,
    `secretsmanager://ACCOUNT/REGION`, or `stdin:`."""
    prefix: str = ""
    """Key prefix (S3), or the one key that is meant (a single file)."""
    single: bool = False
    by_pattern: bool = False
    """A bucket that a pattern stands for."""
    role: str = ""
    """The role, by ARN, that it is read in, where it is of another account."""


def parse_target(text: str) -> Target:
    """The target that `text` names. Raises: SourceError when a path does not exist, or a URL is of no known kind."""
    if text == "-":
        return Target(STDIN, "-", True)
    if text.startswith("s3://"):
        bucket, prefix = _bucket_of(text)
        if not bucket:
            raise SourceError(f"{text}: a bucket is wanted, as in s3://bucket/prefix")
        return Target(f"s3://{bucket}", prefix)
    if text.startswith(VAULTS):
        return _vault_of(text)
    if not text.removeprefix("file://"):
        raise SourceError("an empty target: name a directory, a file, - or s3://bucket (/ for the whole system)")
    if "://" in text and not text.startswith("file://"):
        raise SourceError(f"{text}: only paths, -, s3://, ssm: and secretsmanager: are known")
    try:
        path = Path(os.path.realpath(text.removeprefix("file://")))
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError, ValueError):
        raise SourceError(f"{text}: no such file or directory") from None
    except OSError as err:
        raise SourceError(f"{text}: cannot be reached ({err.strerror})") from None
    if stat.S_ISDIR(status.st_mode):
        return Target(f"file://{escape(str(path))}")
    return Target(f"file://{escape(str(path.parent))}", path.name, True)


def _vault_of(url: str) -> Target:
    """A vault by its address, or without one that of the credentials, which `crawl.buckets.meant` finds out.

    >>> _vault_of("ssm:///app").prefix, _vault_of("secretsmanager:prod/").prefix
    ('/app/', 'prod/')
    """
    service, _, rest = url.partition(":")
    named = _VAULT.match(rest)
    source, prefix = (f"{service}:{named[1]}", named[2]) if named else (f"{service}:", rest.removeprefix("//"))
    if service == "ssm":
        below = prefix.strip("/")
        prefix = f"/{below}/" if below else ""
    return Target(source, prefix.removeprefix("/") if service != "ssm" else prefix)


_ACCESS_POINT = re.compile(r"(arn:aws[a-z-]*:s3:[a-z0-9-]+:\d{12}:accesspoint)[:/]([a-z0-9-]+)(?:/(.*))?", re.DOTALL)
"""Source: Amazon S3 User Guide, "Referencing access points"."""


def _bucket_of(url: str) -> tuple[str, str]:
    """Bucket, or ARN of an access point, and prefix of an address. Raises: SourceError.

    >>> _bucket_of("s3://logs/2026/a"), _bucket_of("s3://arn:aws:s3:eu-west-1:123456789012:accesspoint/audit/2026/")
    (('logs', '2026/a'), ('arn:aws:s3:eu-west-1:123456789012:accesspoint/audit', '2026/'))
    """
    named = url.removeprefix("s3://")
    if named.startswith("arn:"):
        found = _ACCESS_POINT.fullmatch(named)
        if found is None:
            raise SourceError(f"{url}: of ARNs only s3://arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME[/prefix] is known")
        return f"{found[1]}/{found[2]}", found[3] or ""
    bucket, _, prefix = named.partition("/")
    return bucket, prefix


def open_source(target: Target, config: Config) -> Source:
    """The source of a target. Raises: SourceError, ConfigError."""
    if target.role:
        config = replace(config, aws=replace(config.aws, role_arn=target.role))
    if target.source.startswith(ACCOUNT):
        from piiscan.crawl.accounts import RefusedAccount

        return RefusedAccount(target.source, target.prefix)
    if target.source.startswith("s3://"):
        from piiscan.crawl.pace import Pace
        from piiscan.crawl.s3 import S3Source

        # The conductor, which lists, and each worker have an equal share of what the store may be asked.
        shares = (config.workers or os.cpu_count() or 1) + 1
        paces = Pace(config.aws.max_rps / shares), Pace(config.aws.max_mbps * 1e6 / shares)
        return S3Source(target.source, target.prefix, config.aws, paces=paces)
    if target.source.startswith(VAULTS):
        from piiscan.crawl.vault import VaultSource

        return VaultSource(target.source, target.prefix, config.aws, decrypt=config.decrypt)
    from piiscan.crawl.local import LocalSource

    return LocalSource(target.source, only=target.prefix if target.single else "")


_LOOKS_ESCAPED = re.compile(r"\\(?=x(?:[89a-f][0-9a-f]|5c))")
_ESCAPED = re.compile(rb"\\x([89a-f][0-9a-f]|5c)")


def escape(path: str) -> str:
    r"""A path in which bytes that are not UTF-8 (surrogate escapes) stand as `\xNN`.

    The backslash of a name that only looks like that becomes `\x5c`, so that no two paths have one key.

    >>> print(escape("bad" + chr(0xDCFF)), escape(r"looks\xff"))
    bad\xff looks\x5cxff
    """
    if "\\x" in path:
        path = _LOOKS_ESCAPED.sub(r"\\x5c", path)
    if path.isascii():
        return path
    return "".join(f"\\x{ord(c) - 0xDC00:02x}" if "\udc80" <= c <= "\udcff" else c for c in path)


def unescape(key: str) -> str:
    r"""The path that `escape` made printable.

    >>> [unescape(escape(p)) == p for p in ("bad" + chr(0xDCFF), r"looks\xff", r"both\x5c" + chr(0xDC80))]
    [True, True, True]
    """
    raw = key.encode("utf-8", "surrogateescape")
    return os.fsdecode(_ESCAPED.sub(lambda found: bytes([int(found[1], 16)]), raw))
