"""`piiscan policy pack build|keygen|sign|show|apply|drift`: one signed file for what many machines look for."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from piiscan.cli.options import ConfigFile, database

if TYPE_CHECKING:
    from piiscan.config import Config

File = Annotated[str, typer.Argument(metavar="FILE", help="The policy pack.")]
Trust = Annotated[
    list[str] | None,
    typer.Option("--trust", metavar="KEY|FILE", help="A public key, or a file of one; may be repeated."),
]
Stores = Annotated[
    list[str] | None, typer.Option("--db", metavar="FILE", help="Database; may be repeated (default: as for scans).")
]
Folder = Annotated[
    str, typer.Option("--dir", metavar="DIR", help="Where this machine has its packs (default: PIISCAN_POLICY_DIR).")
]
Json = Annotated[bool, typer.Option("--json", help="JSON lines.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    group = typer.Typer(help="What is looked for, for many machines (docs/policy-packs.md).", no_args_is_help=True)
    pack = typer.Typer(help="Policy packs: one signed file each.", no_args_is_help=True)
    for function in (build, keygen, sign, show, apply, drift):
        pack.command(function.__name__)(function)
    group.add_typer(pack, name="pack")
    app.add_typer(group, name="policy")


def build(
    folder: Annotated[str, typer.Argument(metavar="FOLDER", help="With pack.toml and the files of the pack.")],
    out: Annotated[str, typer.Option("-o", "--out", metavar="FILE", help="The pack, not signed yet.")],
) -> int:
    """Make a policy pack of a folder, once all in it has been tried; the same folder makes the same bytes."""
    from piiscan.policypack.check import check_pack, check_secrets
    from piiscan.policypack.source import read_source

    pack = read_source(Path(folder))
    check_pack(pack)
    check_secrets(pack)
    _write(Path(out), pack.to_bytes())
    print(f"{out}: {pack.label}, {len(pack.files)} files, digest {pack.digest}, not signed")
    return 0


def keygen(out: Annotated[str, typer.Option("-o", "--out", metavar="FILE", help="The private key.")]) -> int:
    """Make a key: the private one for who signs, FILE.pub for who trusts."""
    from piiscan.policypack.signing import key_id, make_key, read_public

    public = make_key(Path(out))
    print(f"{public}\nid {key_id(read_public(public))}; private key in {out}, public key in {out}.pub")
    return 0


def sign(
    file: File,
    key: Annotated[
        str, typer.Option("--key", metavar="FILE|REFERENCE", help="A private key: a file, or a reference to one.")
    ],
    out: Annotated[str, typer.Option("-o", "--out", metavar="FILE", help="Default: the pack itself.")] = "",
) -> int:
    """Sign a policy pack; signatures by other keys stay."""
    from piiscan.policypack.pack import read_pack
    from piiscan.policypack.signing import read_private
    from piiscan.policypack.signing import sign as signed

    before = read_pack(_read(file), file)
    after = signed(before, read_private(key, _config("").aws))
    _write(Path(out or file), after.to_bytes())
    print(f"{out or file}: {after.label}, signed by {', '.join(sorted(after.signatures))}")
    return 0


def show(file: File, trust: Trust = None, config_file: ConfigFile = "") -> int:
    """Show what is in a policy pack, who signed it, and until when it can be applied."""
    from piiscan.errors import ConfigError
    from piiscan.policypack.pack import read_pack
    from piiscan.policypack.signing import trusted_keys, verify
    from piiscan.report.escape import printable

    pack = read_pack(_read(file), file)
    config = _config(config_file)
    try:
        state = f"holds, by the trusted key {verify(pack, trusted_keys([*(trust or ()), *config.policy.trust]))}"
    except ConfigError as err:
        state = f"refused: {err}"
    told = {
        "pack": pack.label,
        "description": pack.description,
        "valid until": f"the end of {pack.expires.isoformat()} (UTC)",
        "digest": pack.digest,
        "signed by": ", ".join(sorted(pack.signatures)) or "nobody",
        "signature": state,
        "locked": ", ".join(pack.locked) or "nothing",
    }
    for name, text in told.items():
        print(f"{name:<12} {printable(text)}")
    for name in sorted(pack.files):
        print(f"file         {name} ({len(pack.files[name].encode()):,} bytes)")
    return 0


def apply(
    file: File,
    trust: Trust = None,
    db: Stores = None,
    folder: Folder = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done.")] = False,
    config_file: ConfigFile = "",
) -> int:
    """Put a policy pack in force on this machine and in its databases, or refuse it and change nothing."""
    from datetime import UTC, datetime

    from piiscan.policypack.apply import apply_pack, verified
    from piiscan.policypack.signing import trusted_keys
    from piiscan.report.escape import printable

    now, config = datetime.now(UTC), _config(config_file)
    found = verified(_read(file), file, trusted_keys([*(trust or ()), *config.policy.trust]), now)
    outcomes = apply_pack(found, _base(folder), _stores(db, config), now, allow=config.allow, dry=dry_run)
    for outcome in outcomes:
        print(f"{printable(outcome.place)}: {found.pack.label}: {'would be: ' if dry_run else ''}{outcome.state}")
    wanted = {sink for rule in found.parts.alerts for sink in rule.sinks} - {sink.name for sink in config.sinks}
    for sink in sorted(wanted):
        sys.stderr.write(f"piiscan: no sink {sink!r} is configured here: alerts fail until there is one\n")
    return 0


def drift(
    db: Stores = None, folder: Folder = "", json_: Json = False, trust: Trust = None, config_file: ConfigFile = ""
) -> int:
    """Say what is other than the policy packs that were applied; exit 1 when something is."""
    from dataclasses import asdict
    from datetime import UTC, datetime

    from piiscan.policypack.drift import drift_of
    from piiscan.policypack.signing import trusted_keys
    from piiscan.report.escape import printable

    config = _config(config_file)
    stores = [path for path in _stores(db, config) if db or path.exists()]
    trusted = trusted_keys([*(trust or ()), *config.policy.trust])
    found = drift_of(_base(folder), stores, trusted, datetime.now(UTC), config_file or None)
    for one in found:
        if json_:
            print(json.dumps(asdict(one)))
        else:
            print(printable(f"{one.place}: {one.pack}: {one.kind} {one.item}: {one.said}"))
    if not found and not json_:
        print("no drift")
    return 1 if found else 0


def _read(file: str) -> bytes:
    """The bytes of a pack, read once: what is verified is what is used. Raises: ConfigError."""
    from piiscan.errors import ConfigError
    from piiscan.policypack.pack import MOST_BYTES

    try:
        with open(file, "rb") as stream:
            return stream.read(MOST_BYTES + 1)
    except OSError as err:
        raise ConfigError(f"{file}: the policy pack cannot be read ({err.strerror})") from None


def _write(path: Path, data: bytes) -> None:
    """Write a file whole, or not at all."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as stream:
        stream.write(data)
    os.chmod(stream.name, 0o644)
    os.replace(stream.name, path)


def _config(config_file: str) -> Config:
    """The machine's own configuration: whose packs it takes is nothing that a pack says."""
    from piiscan.config import load_config

    return load_config({}, config_file=config_file or None, policies=False)


def _base(folder: str) -> Path:
    from piiscan.policies import base_folder

    return Path(os.path.abspath(folder)) if folder else base_folder()


def _stores(db: list[str] | None, config: Config) -> list[Path]:
    return [Path(name) for name in db] if db else [database("", config.db)]
