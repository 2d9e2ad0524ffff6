"""Folders of policy packs made for a test, and what is needed to sign and apply them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from piiscan.policypack.apply import Outcome, Verified, apply_pack, verified
from piiscan.policypack.pack import PolicyPack, hash_of
from piiscan.policypack.signing import key_id, sign

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
PRIVATE = bytes(range(32))
OTHER = bytes(range(32, 64))

RULE = r"""
id       = "acme.badge"
name     = "Badge"
category = "custom"
[severity]
steps = { 1 = "high" }
[match]
before  = '[^\w-]'
pattern = 'B-[A-Z]{2}-\d{6}'
after   = '[^\w-]'
[confidence]
match = 0.8
[[example]]
text = "badge B-LX-204417 lost"
find = ["B-LX-204417"]
[[example]]
text = "B-AA-000001"
find = ["B-AA-000001"]
[[negative]]
text    = "B-LX-2044171"
stopped = "match"
[[negative]]
text    = "B-L-204417"
stopped = "match"
"""
JOBS = """
[[jobs]]
name     = "nightly"
targets  = ["s3://example-bucket"]
schedule = "daily 02:00"
[[jobs]]
name     = "weekly"
targets  = ["/srv/share"]
schedule = "weekly sun 04:00"
full     = true
[jobs.settings]
sample = 50.0
"""
ALERTS = """
[[alerts]]
name  = "badges"
sinks = ["file"]
sql   = "SELECT object, rule, count FROM v_findings WHERE rule = 'acme.badge'"
"""
SMALL = {"settings.toml": "threshold = 0.6\n", "jobs.toml": JOBS, "weights.toml": "severity.high = 50\n"}
WHOLE = SMALL | {
    "rules/acme/badge.toml": RULE,
    "packs/acme.toml": 'name  = "acme"\nrules = ["acme.*"]\n',
    "allow/known.toml": '[[allow]]\ntext_file = "words/known.txt"\nrule = ["acme.badge"]\n',
    "allow/words/known.txt": "B-AA-000001\n",
    "settings.toml": 'threshold = 0.6\nner = false\npacks = ["acme"]\n',
    "alerts.toml": ALERTS,
}


def public(private: bytes = PRIVATE) -> bytes:
    return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def trusted(private: bytes = PRIVATE) -> dict[str, bytes]:
    return {key_id(public(private)): public(private)}


def made(
    files: Mapping[str, str] = SMALL,
    version: int = 1,
    *,
    name: str = "acme",
    expires: date = date(2027, 6, 30),
    locked: tuple[str, ...] = (),
) -> PolicyPack:
    """A pack that nobody signed."""
    digests = {file: hash_of(text.encode()) for file, text in files.items()}
    return PolicyPack(name, version, "What every team looks for", expires, locked, digests, dict(files), {})


def signed(pack: PolicyPack, private: bytes = PRIVATE) -> bytes:
    return sign(pack, private).to_bytes()


@cache
def _verified(data: bytes, now: datetime) -> Verified:
    return verified(data, "pack", trusted(), now)


def applied(
    pack: PolicyPack, base: Path, *stores: Path, now: datetime = NOW, dry: bool = False, allow: tuple[str, ...] = ()
) -> list[str]:
    """What became of the machine and of each database."""
    found = _verified(signed(replace(pack, signatures={})), now)
    outcomes: list[Outcome] = apply_pack(found, base, stores, now, dry=dry, allow=allow)
    assert [outcome.place for outcome in outcomes] == [str(base), *map(str, stores)]
    return [outcome.state for outcome in outcomes]


def written(folder: Path, files: Mapping[str, str], head: str = "") -> Path:
    """A folder to build a pack of."""
    texts = {"pack.toml": head or 'name = "acme"\nversion = 1\nexpires = 2099-01-01\n', **files}
    for name, text in texts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return folder
