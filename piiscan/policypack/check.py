"""A policy pack tried out: examples of its rules, its packs, lists, alert rules and weights; and no secret in it."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from piiscan import countries
from piiscan.alert import evaluate
from piiscan.allow import load_allow
from piiscan.catalogue import default_folder, load_rule
from piiscan.classify.build import chosen_rules
from piiscan.classify.stack import Stack
from piiscan.config import Config, merge
from piiscan.errors import CatalogueError, ConfigError, PiiscanError
from piiscan.model import Rule
from piiscan.policies import laid_over, read_folder
from piiscan.policypack.install import write_files
from piiscan.policypack.pack import PolicyPack
from piiscan.policypack.parts import Parts, read_parts
from piiscan.selftest import check_rule
from piiscan.store.duck import open_for_writing


def check_pack(pack: PolicyPack) -> Parts:
    """What a pack sets, once all of it has been tried in a folder of its own. Raises: ConfigError."""
    try:
        parts = read_parts(pack)
        with tempfile.TemporaryDirectory(prefix="piiscan-policy-") as draft:
            folder = Path(draft)
            write_files(folder, pack)
            try:
                _check_rules(folder, pack)
                _check_selection(folder, pack)
                _check_questions(folder / "asked.duckdb", parts)
            except PiiscanError as err:
                raise ConfigError(str(err).replace(f"{draft}/", "")) from None
    except ConfigError as err:
        raise ConfigError(f"{pack.label}: {err}") from None
    return parts


def _check_rules(folder: Path, pack: PolicyPack) -> None:
    seen: dict[str, str] = {}
    for name in sorted(name for name in pack.files if name.startswith("rules/")):
        rule = load_rule(folder / name)
        if rule.id in seen:
            raise CatalogueError(f"{name}: id: {rule.id} is the id of {seen[rule.id]}, too")
        seen[rule.id] = name
        if problems := _examples(rule):
            raise CatalogueError(f"{name}: {problems[0]}")


def _examples(rule: Rule) -> Sequence[str]:
    stack = Stack([rule], cache=False)

    def classify(_: object, text: str, column: str) -> list[tuple[int, int, float]]:
        return [(m.start, m.end, m.confidence) for m in stack.classify(text, column=column)]

    return check_rule(rule, classify)


def _check_selection(folder: Path, pack: PolicyPack) -> None:
    """Packs of rules and allow lists, as a machine without settings of its own would take them."""
    policy = read_folder(folder)
    for name in policy.packs:
        if (default_folder() / "packs" / f"{name}.toml").is_file() or countries.globs(name, default_folder()):
            raise CatalogueError(f"packs/{name}.toml: the catalogue has a pack of this name")
    config = merge(Config(), policy.settings, pack.label)
    config = laid_over(config, [(policy, config)], {})
    if policy.packs or {"packs", "rules"} & set(policy.settings):
        chosen_rules(merge(config, {"packs": [*config.packs, *policy.packs.values()]}, pack.label))
    load_allow(config.allow)


def _check_questions(path: Path, parts: Parts) -> None:
    """Alert rules and weights, by an empty database. Raises: ConfigError."""
    if not parts.alerts and not parts.weights:
        return
    con = open_for_writing(path)
    known = [str(term) for (term,) in con.execute("SELECT term FROM risk_weights ORDER BY rowid").fetchall()]
    con.close()
    if unknown := sorted(set(parts.weights) - set(known)):
        raise ConfigError(f"weights.toml: {unknown[0]!r} is none of {', '.join(known)}")
    for rule in parts.alerts:
        try:
            evaluate(path, rule)
        except ConfigError as err:
            raise ConfigError(f"alerts.toml: {err}") from None


def check_secrets(pack: PolicyPack) -> None:
    """See that no file has a credential in clear; values of allow lists are none. Raises: ConfigError, without it."""
    from piiscan.scanner import Scanner

    scanner = Scanner(merge(Config(), {"ner": False, "packs": ["secrets"]}, pack.label))
    texts = {name: text for name, text in pack.files.items() if not name.startswith("allow/")}
    for name, text in sorted({**texts, "pack.toml: description": pack.description}.items()):
        for match in scanner.classify(text):
            line = text.count("\n", 0, match.start) + 1
            raise ConfigError(
                f"{name}: line {line}: a secret in clear ({match.rule}): take it out; in an example of a rule write a "
                "character of it as a TOML escape"
            )
