"""One frozen Config out of flags, environment, configuration files and defaults, in this order.

A configuration file found in the working directory comes from whoever wrote the tree that is being scanned, so
`./piiscan.toml` may only select and exclude. Everything else is taken from `--config`, `PIISCAN_CONFIG` or the user's
own `$XDG_CONFIG_HOME/piiscan/config.toml`.
"""

from __future__ import annotations

import os
import re
import tomllib
import types
import typing
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from piiscan.errors import ConfigError
from piiscan.limits import Limits
from piiscan.policies import PolicyConfig, in_force, laid_over

READERS = ("auto", "boto3", "obstore")
AT_RUNS = ("run", "group")
"""What an alert rule's `when` says beside times."""
LOCAL_KEYS = frozenset({"include", "exclude", "max_object_bytes"})
"""What the file of the working directory may say."""


@dataclass(frozen=True, slots=True)
class AwsConfig:
    """How S3 is reached, as in the AWS command line."""

    endpoint_url: str = ""
    profile: str = ""
    region: str = ""
    role_arn: str = ""
    """A role to assume for everything."""
    roles: tuple[str, ...] = ()
    """Roles of several accounts, by ARN, of which each account is scanned; with `org` one, by its name."""
    org: bool = False
    """Whether all accounts of the organisation are scanned, each in the role of that name."""
    no_sign_request: bool = False
    request_payer: bool = False
    max_rps: float = 0.0
    """Requests a second that all processes of a scan may make together; 0: as many as the store bears."""
    max_mbps: float = 0.0
    """Megabytes (10^6) a second that they may read together; 0: no bound."""
    bucket_tags: tuple[str, ...] = ()
    """Of the buckets that a pattern means, those with these tags alone: `KEY=VALUE`, or `KEY`."""
    inventory: str = ""
    """Manifest of an S3 Inventory (`s3://bucket/.../manifest.json`) that says what is in the bucket; empty: list it."""
    versions: bool = False
    """Whether versions that are not current are objects, too."""
    sse_c_key_file: str = ""
    """A file with the key of objects that are encrypted with one of the customer (SSE-C): 32 bytes, or their base64."""
    max_inventory_age: float = 172_800.0
    """Seconds that an inventory may be old; 0: any age."""
    ranged_from: int = 8 << 20
    """Bytes from which on an object is read in the ranges that its format needs, text aside; 0: always whole."""
    reader: str = "auto"
    """What reads objects: `boto3`; `obstore`, which must be installed; `auto`: obstore where it is installed."""


@dataclass(frozen=True, slots=True)
class PostureConfig:
    """The circle of trust of the buckets' checks, beside the own account and the own organisation."""

    accounts: tuple[str, ...] = ()
    """Twelve digits each."""
    organisations: tuple[str, ...] = ()
    """`o-...` each."""
    distributions: tuple[str, ...] = ()
    """CloudFront's, by id or ARN, and origin access identities."""


@dataclass(frozen=True, slots=True)
class AlertConfig:
    """One alert rule: SQL over the views; each row is an alert."""

    name: str
    sql: str
    severity: str = "high"
    sinks: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    """Columns that name a row; of two rows with the same, the second is the first again. Empty: all columns."""
    renotify: str = ""
    """When a row is told of again: never (empty), after a time (`7d`, `12h`), `on_change`, `on_increase` (a number)."""
    when: tuple[str, ...] = ("run",)
    """When it is evaluated: at the end of a `run`, during it after each `group` of objects, at times as jobs have."""
    time_zone: str = "UTC"
    """Of the times of `when`: an IANA name."""

    def renotify_after(self) -> timedelta:
        """The time of `renotify`. Raises: ConfigError when it is none."""
        found = re.fullmatch(r"(\d{1,4})([hdw])", self.renotify)
        if not found:
            raise ConfigError(
                f"alert {self.name!r}: renotify: {self.renotify!r} is no time (12h, 7d, 2w), on_change or on_increase"
            )
        return int(found[1]) * {"h": timedelta(hours=1), "d": timedelta(days=1), "w": timedelta(weeks=1)}[found[2]]


@dataclass(frozen=True, slots=True)
class SinkConfig:
    """One place that alerts go to; each kind has its own of these settings (docs/alerts.md).

    `secret` is a reference (`env:NAME`, `file:PATH`, `secretsmanager:NAME`, `ssm:PATH`); `url` and `user` may be one.
    """

    name: str
    kind: str
    url: str = ""
    path: str = ""
    secret: str = ""
    title: str = ""
    """What stands before the name of the alert."""
    private: bool = False
    """Whether the URL may lead to a private address."""
    to: tuple[str, ...] = ()
    """Recipients of a mail."""
    sender: str = ""
    user: str = ""
    host: str = ""
    port: int = 0
    """0: the usual one of the transport."""
    transport: str = ""
    """Of mail `starttls`, `tls` or `plain`; of syslog `udp`, `tcp` or `tls`; empty: the first of them."""
    facility: str = ""
    arn: str = ""
    bus: str = ""
    profile: str = ""
    region: str = ""


@dataclass(frozen=True, slots=True)
class Config:
    """Everything that steers a run. Sizes are bytes, times seconds."""

    workers: int = 0
    """Worker processes; 0: one for each core."""
    ner: bool = True
    ner_max_bytes: int = 1_000_000
    """Bytes of one object that the name recogniser reads, spread over it."""
    ner_model: str = ""
    """What finds names: empty for our own model, `spacy:PACKAGE` for a pipeline of spaCy's."""
    packs: tuple[str, ...] = ("default",)
    rules: tuple[str, ...] = ()
    """Folders with rules of one's own."""
    allow: tuple[str, ...] = ()
    """Allow lists: TOML, or plain text with one value a line."""
    threshold: float = 0.5
    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    sample: float = 100.0
    """Percent of the objects, by a hash of their key, in strata."""
    budget: int = 0
    """Bytes of objects that a run may read, the best first; 0: no bound. One object may go beyond it."""
    prices: str = ""
    """A file of prices (TOML) in place of the list prices that come along."""
    inline_ignore: bool = False
    """Whether lines of local files may say what is no finding in them."""
    max_objects: int = 0
    max_bytes: int = 0
    max_object_bytes: int = 0
    """Larger objects are skipped; 0: no limit."""
    max_values: int = 4_000_000
    """`store.max_values`: distinct values kept per object and rule."""
    part_bytes: int = 64 << 20
    """Bytes of the parts in which plain text is read side by side, from twice as many on; 0: always whole."""
    deadline: float = 60.0
    """Seconds for one object, plus one for each 2 MB; with OCR, one for each 20 kB as well."""
    limits: Limits = field(default_factory=Limits)
    """How far a scan goes into one object, and whether pictures are read."""
    passwords: str = ""
    """A file of passwords, one a line, that are tried on encrypted documents and archives."""
    key_file: str = ""
    db: str = ""
    exact: tuple[str, ...] = ()
    """Sets of exact values, made by `piiscan rules exact`."""
    decrypt: bool = False
    """Whether SecureStrings of Parameter Store are decrypted: to be read, and to be looked for with `match_live`."""
    match_live: bool = False
    """Whether values that Secrets Manager holds now are looked for in everything, by keyed hashes in memory."""
    presidio: tuple[str, ...] = ()
    """YAML registries of Presidio recognizers to run beside the rules."""
    aws: AwsConfig = field(default_factory=AwsConfig)
    posture: PostureConfig = field(default_factory=PostureConfig)
    policy: PolicyConfig = field(default_factory=PolicyConfig)
    alerts: tuple[AlertConfig, ...] = ()
    sinks: tuple[SinkConfig, ...] = ()

    def seconds_for(self, size: int) -> float:
        """How long an object of so many bytes may take; a scanned page of 40 kB gets two seconds for its picture."""
        return self.deadline + size / 2_000_000 + (size / 20_000 if self.limits.ocr else 0.0)

    def to_json(self) -> dict[str, Any]:
        """A plain form that `from_json` reads back."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Config:
        """The Config that `to_json` gave. Raises: ConfigError naming an unknown or wrong key."""
        found: Config = _build(cls, data, "config")
        return found


def _build(cls: type[Any], data: Mapping[str, Any], where: str) -> Any:
    hints = typing.get_type_hints(cls)
    unknown = set(data) - {f.name for f in fields(cls)}
    if unknown:
        raise ConfigError(f"{where}: unknown key {sorted(unknown)[0]!r}")
    if cls is AlertConfig and isinstance(data.get("when"), str):
        data = {**data, "when": [data["when"]]}  # one may stand alone
    values = {name: _coerce(hints[name], value, f"{where}: {name}") for name, value in data.items()}
    try:
        return cls(**values)
    except TypeError:
        missing = [f.name for f in fields(cls) if f.name not in values]
        raise ConfigError(f"{where}: missing one of {', '.join(missing)}") from None


def _coerce(hint: Any, value: Any, where: str) -> Any:
    if isinstance(hint, type) and hasattr(hint, "__dataclass_fields__"):
        if not isinstance(value, Mapping):
            raise ConfigError(f"{where}: a table is wanted")
        return _build(hint, value, where)
    if typing.get_origin(hint) is tuple:
        inner = typing.get_args(hint)[0]
        if isinstance(value, str) or not isinstance(value, list | tuple):
            raise ConfigError(f"{where}: a list is wanted")
        return tuple(_coerce(inner, item, where) for item in value)
    wanted: tuple[type, ...] = (int, float) if hint is float else (hint,)
    if not isinstance(value, wanted) or (isinstance(value, bool) and hint is not bool):
        raise ConfigError(f"{where}: {getattr(hint, '__name__', hint)} is wanted, got {type(value).__name__}")
    return float(value) if hint is float and isinstance(value, int | float) else value


def read_file(path: Path) -> dict[str, Any]:
    """The tables of one configuration file. Raises: ConfigError."""
    try:
        with path.open("rb") as handle:
            return tomllib.load(handle)
    except FileNotFoundError:
        raise ConfigError(f"{path}: no such configuration file") from None
    except tomllib.TOMLDecodeError as err:
        raise ConfigError(f"{path}: not valid TOML: {err}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not valid TOML: it is not UTF-8") from None
    except OSError as err:
        raise ConfigError(f"{path}: cannot be read ({err.strerror})") from None


_TABLES = {
    "store": {"max_values": "max_values"},
    "ner": {"max_bytes": "ner_max_bytes", "enabled": "ner", "model": "ner_model"},
}
"""Dotted spellings (`store.max_values`, `ner.max_bytes`) and the field that each sets."""


def _flat(data: Mapping[str, Any], where: str) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for name, value in data.items():
        table = _TABLES.get(name)
        if table is None or not isinstance(value, Mapping):
            out[name] = value
            continue
        for key, inner in value.items():
            if key not in table:
                raise ConfigError(f"{where}: unknown key '{name}.{key}'")
            out[table[key]] = inner
    return out


def load_config(
    flags: Mapping[str, Any], *, config_file: str | None = None, cwd: Path | None = None, policies: bool = True
) -> Config:
    """The configuration in force.

    `flags` holds what the command line set (None: not given); without `policies` no policy pack counts. Raises:
    ConfigError naming file and key.
    """
    cwd = cwd if cwd is not None else Path.cwd()
    config = Config()
    packs = [(pack, merge(Config(), pack.settings, f"{pack.folder}")) for pack in (in_force() if policies else ())]
    for pack, _ in packs:
        config = merge(config, pack.settings, f"{pack.folder}")
    local = cwd / "piiscan.toml"
    chosen = config_file or os.environ.get("PIISCAN_CONFIG")
    base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    trusted = Path(chosen) if chosen else Path(base) / "piiscan" / "config.toml"
    if local.is_file() and not (chosen and trusted.exists() and local.samefile(trusted)):
        data = _flat(read_file(local), str(local))
        refused = sorted(set(data) - LOCAL_KEYS)
        if refused:
            raise ConfigError(
                f"{local}: key {refused[0]!r} is not taken from the working directory (only "
                f"{', '.join(sorted(LOCAL_KEYS))}); pass the file with --config if you trust it"
            )
        config = merge(config, data, str(local))
    if chosen or trusted.is_file():
        config = merge(config, _flat(read_file(trusted), str(trusted)), str(trusted))
    given = {"environment": _environment(), "command line": {k: v for k, v in flags.items() if v is not None}}
    for where, data in given.items():
        config = merge(config, data, where)
    return laid_over(config, packs, given)


def merge(config: Config, data: Mapping[str, Any], where: str) -> Config:
    """The configuration with other settings, found `where`. Raises: ConfigError."""
    given = _build(Config, data, where)
    changes = {name: getattr(given, name) for name in data}
    for name in {"aws", "posture", "policy", "limits"} & set(data):
        changes[name] = replace(getattr(config, name), **{k: getattr(changes[name], k) for k in data[name]})
    merged = replace(config, **changes)
    if merged.aws.reader not in READERS:
        raise ConfigError(f"{where}: aws.reader is one of {', '.join(READERS)}")
    for name in ("max_inventory_age", "max_rps", "max_mbps", "ranged_from"):
        if getattr(merged.aws, name) < 0:
            raise ConfigError(f"{where}: aws.{name} cannot be negative")
    if not 0 < merged.sample <= 100:
        raise ConfigError(f"{where}: sample is a percentage over 0 and up to 100")
    if merged.budget and merged.sample < 100:
        raise ConfigError(f"{where}: sample and budget are two ways to read a part: one of them")
    if not 0 <= merged.threshold <= 1:
        raise ConfigError(f"{where}: threshold lies between 0 and 1")
    for name in (
        "workers", "budget", "max_objects", "max_bytes", "max_object_bytes", "max_values", "part_bytes",
        "ner_max_bytes", "deadline",
    ):  # fmt: skip
        if getattr(merged, name) < 0:
            raise ConfigError(f"{where}: {name} cannot be negative")
    for name, form in (("accounts", r"\d{12}"), ("organisations", r"o-[a-z0-9]{10,32}")):
        for text in getattr(merged.posture, name):
            if not re.fullmatch(form, text):
                raise ConfigError(f"{where}: posture.{name}: {text!r} is none")
    for item in fields(merged.limits):
        if isinstance(bound := getattr(merged.limits, item.name), int) and bound < 0:
            raise ConfigError(f"{where}: limits.{item.name} cannot be negative")
    return merged


_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?(|B|KB|MB|GB|TB|KIB|MIB|GIB|TIB)")


def read_size(text: str, where: str) -> int:
    """Bytes out of `50GB`, `1.5 TB`, `64MiB` or `1000`. Raises: ConfigError.

    >>> read_size("50GB", "--budget"), read_size("1.5kib", ""), read_size("7", "")
    (50000000000, 1536, 7)
    """
    found = _SIZE.fullmatch(text.strip().upper())
    if not found:
        raise ConfigError(f"{where}: {text!r} is no size, such as 50GB, 800MB or 1000000 (bytes)")
    unit = found[2].removesuffix("B")
    step = 1024 if unit.endswith("I") else 1000
    size = round(float(found[1]) * float(step) ** ("", "K", "M", "G", "T").index(unit[:1]))
    if size < 1:
        raise ConfigError(f"{where}: {text!r} is less than a byte")
    return size


def read_passwords(path: str) -> tuple[str, ...]:
    """The passwords of a file, one a line, in their order; none without a file. Raises: ConfigError."""
    if not path:
        return ()
    try:
        lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: the passwords are not UTF-8") from None
    except OSError as err:
        raise ConfigError(f"{path}: the passwords cannot be read ({err.strerror})") from None
    return tuple(dict.fromkeys(line for line in lines if line))


_SWITCH = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


def _environment() -> dict[str, Any]:
    """The `PIISCAN_*` variables that name a simple field."""
    out: dict[str, Any] = {}
    hints = typing.get_type_hints(Config)
    for name, hint in hints.items():
        text = os.environ.get(f"PIISCAN_{name.upper()}")
        if not text or isinstance(hint, types.GenericAlias) or hint not in (int, float, str, bool):
            continue
        try:
            out[name] = _SWITCH[text.lower()] if hint is bool else hint(text)
        except (KeyError, ValueError):
            raise ConfigError(f"PIISCAN_{name.upper()}: {hint.__name__} is wanted") from None
    return out
