"""The pages say what the program does: views, settings, rule keys, commands, links."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest

from piiscan import rulefile
from piiscan.cli.main import command as whole
from piiscan.config import AlertConfig, AwsConfig, Config, PostureConfig, SinkConfig
from piiscan.policies import PolicyConfig
from piiscan.store.ingest import DuckStore
from tools import rules_page

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "classifiers" / "README.md"])
_ROW = re.compile(r"^\| `(?P<name>[\w.]+)` \| (?P<type>[^|]*?) \| (?P<rest>.*) \|$")


def tables(page: str) -> dict[str, list[tuple[str, str, str]]]:
    """The rows (name, second cell, the other cells) of the table below each heading of a page of `docs/`."""
    out: dict[str, list[tuple[str, str, str]]] = {}
    heading = ""
    for line in (ROOT / "docs" / page).read_text("utf-8").splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ").strip("`")
        elif found := _ROW.match(line):
            out.setdefault(heading, []).append((found["name"], found["type"], found["rest"]))
    return out


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckStore]:
    folder = tmp_path_factory.mktemp("docs")
    made = DuckStore(folder / "empty.duckdb", key_file=folder / "key")
    yield made
    made.close()


def test_the_sql_page_has_every_view_and_column(store: DuckStore) -> None:
    rows = store.query(
        "SELECT table_name, column_name, data_type FROM information_schema.columns "
        "WHERE starts_with(table_name, 'v_') ORDER BY table_name, ordinal_position"
    )
    schema: dict[str, list[tuple[str, str]]] = {}
    for view, column, kind in rows:
        schema.setdefault(view, []).append((column, kind))
    page = {view: [row[:2] for row in found] for view, found in tables("sql.md").items() if view.startswith("v_")}
    assert page == schema


def test_every_column_can_be_selected_by_its_bare_name(store: DuckStore) -> None:
    for view, rows in tables("sql.md").items():
        if view.startswith("v_"):
            store.query(f"SELECT {', '.join(row[0] for row in rows)} FROM {view}")


def test_the_examples_of_the_sql_page_run(store: DuckStore) -> None:
    blocks = re.findall(r"```sql\n(.*?)```", (ROOT / "docs" / "sql.md").read_text("utf-8"), re.DOTALL)
    queries = [query for block in blocks for query in block.split(";") if query.strip()]
    assert len(queries) >= 5
    for query in queries:
        store.query(query)


def _settings(of: type[Any]) -> list[tuple[str, str]]:
    """Name and default of each setting, as the page writes them."""
    out = []
    for field in fields(of):
        if field.default_factory is not MISSING:
            out.append((field.name, ""))
        elif field.default is MISSING:
            out.append((field.name, "must be given"))
        else:
            value = list(field.default) if isinstance(field.default, tuple) else field.default
            out.append((field.name, f"`{json.dumps(value)}`"))
    return out


def test_the_configuration_page_has_every_key() -> None:
    page = tables("configuration.md")
    documented = {"Keys": Config, "[aws]": AwsConfig, "[posture]": PostureConfig, "[policy]": PolicyConfig}
    for heading, of in (documented | {"[[alerts]]": AlertConfig, "[[sinks]]": SinkConfig}).items():
        found = [(name, rest.split("|")[0].strip()) for name, _, rest in page[heading]]
        assert found == _settings(of), heading


def test_the_rules_page_and_the_counts_are_as_generated() -> None:
    assert rules_page.PAGE.read_text("utf-8") == rules_page.page(), "run: python -m tools.rules_page"
    assert rules_page.README.read_text("utf-8") == rules_page.readme(), "run: python -m tools.rules_page"


def test_the_rules_page_knows_the_loaders_keys() -> None:
    assert {name for name in rulefile.KEYS if name != "pack"} | {"checksum"} == set(rules_page.TABLES)
    for table in rules_page.TABLES:
        for key in rules_page.keys(table):
            assert rules_page.meaning(table, key)
    named = {f"{table}.{key}" if table else key for table in rules_page.TABLES for key in rules_page.keys(table)}
    assert set(rules_page.SAID) <= named


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


def commands() -> Iterator[tuple[str, list[str]]]:
    """Every command line of piiscan that a page shows in a block or between backticks."""
    for page in PAGES:
        text = page.read_text("utf-8")
        shown = [line for block in re.findall(r"```\w*\n(.*?)```", text, re.DOTALL) for line in block.splitlines()]
        shown += re.findall(r"`(piiscan [^`]+)`", re.sub(r"```.*?```", "", text, flags=re.DOTALL))
        for line in shown:
            found = re.search(r"(?:^|[/| ])piiscan ((?:[a-z]|--version).*)", line)
            if found and not line.lstrip().startswith(("Description", "#")):
                yield page.name, shlex.split(re.split(r"\s(?:#|2>>|\|\|)", found[1])[0])


def test_pages_show_commands_and_options_that_exist() -> None:
    seen = 0
    for page, words in commands():
        command: Any = whole()
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]
        known = {name for parameter in command.params for name in parameter.opts}
        assert not hasattr(command, "commands") or not words or words[0].startswith("--"), (page, words)
        for word in words:
            if word.startswith("--"):
                assert word in known, (page, words)
        seen += 1
    assert seen > 20
