"""`piiscan import macie DIR`: a whole configuration taken over, each thing imported or refused with its reason."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from piiscan import catalogue
from piiscan.allow import load_allow
from piiscan.classify.stack import Stack
from piiscan.model import RuleId, Severity
from tests.importing.macie_saved import FILTERS, IDENTIFIERS, JOBS, LISTS, save
from tests.support.cli import Cli
from tests.support.s3 import s3_server

ALL = [
    *((case, case["identifier"], "identifier") for case in IDENTIFIERS),
    *((case, case["list"], "allow list") for case in LISTS),
    *((case, case["filter"], "filter") for case in FILTERS),
    *((case, case["job"], "job") for case in JOBS),
]


@pytest.fixture(scope="module")
def cli(tmp_path_factory: pytest.TempPathFactory, cache: Path) -> Cli:
    return Cli(tmp_path_factory.mktemp("import"), cache)


@pytest.fixture(scope="module")
def told(cli: Cli) -> dict[str, dict[str, Any]]:
    """What the import of all of it said, by Macie's id."""
    save(cli.root / "saved")
    lines = cli.good("import", "macie", "saved", "--json").lines()
    return {line["id"]: line for line in lines}


def _id(data: dict[str, Any]) -> str:
    return str(data.get("jobId") or data["id"])


def test_the_configuration_is_as_macies_service_model_has_it() -> None:
    import botocore.session
    from botocore.validate import ParamValidator

    model = botocore.session.get_session().get_service_model("macie2")
    outputs = {
        "identifier": "GetCustomDataIdentifier", "allow list": "GetAllowList", "filter": "GetFindingsFilter",
        "job": "DescribeClassificationJob",
    }  # fmt: skip
    for _, data, kind in ALL:
        shape = model.operation_model(outputs[kind]).output_shape
        assert ParamValidator().validate(data, shape).generate_report() == "", data["name"]
        assert set(data) <= set(shape.members)


def test_our_shapes_are_those_of_the_service_model() -> None:
    """What `shape.py` writes down by hand has every key of the model, at every depth."""
    import botocore.session

    from piiscan.importing.macie_config import shape

    model = botocore.session.get_session().get_service_model("macie2")

    def compare(ours: Any, theirs: Any, where: str) -> None:
        if theirs.type_name == "structure" and isinstance(ours, dict):
            assert set(theirs.members) <= set(ours), where
            for key, member in theirs.members.items():
                compare(ours[key], member, f"{where}.{key}")
        elif theirs.type_name == "list" and isinstance(ours, list):
            compare(ours[0], theirs.member, where)
        elif theirs.type_name == "map" and isinstance(ours, shape.Each):
            compare(ours.of, theirs.value, where)

    for operation, ours in (
        ("GetAllowList", shape.ALLOW_LIST),
        ("GetFindingsFilter", shape.FILTER),
        ("DescribeClassificationJob", shape.JOB),
    ):
        compare(ours, model.operation_model(operation).output_shape, operation)


def test_bar_9_all_of_it_is_imported_or_refused_with_its_reason(told: dict[str, dict[str, Any]]) -> None:
    assert [len(cases) for cases in (IDENTIFIERS, LISTS, FILTERS, JOBS)] == [40, 10, 12, 6]
    assert len(told) == 68
    for case, data, kind in ALL:
        line = told[_id(data)]
        assert (line["kind"], line["name"]) == (kind, data["name"])
        if "refused" in case:
            assert line["outcome"] == "refused", line
            assert case["refused"] in line["reason"], line
            assert line["made"] == []
        else:
            assert line["outcome"] in ("imported", "remarks"), line
            assert (line["reason"], line["state"]) == ("", "new")
            assert line["made"]


@pytest.mark.parametrize("case", IDENTIFIERS, ids=lambda case: case["identifier"]["id"][:8])
def test_bar_9_each_identifier_finds_its_own_examples(
    cli: Cli, told: dict[str, dict[str, Any]], case: dict[str, Any]
) -> None:
    line = told[case["identifier"]["id"]]
    if "refused" in case:
        assert line["outcome"] == "refused"
        return
    rule = catalogue.load_rule(cli.root / "macie" / line["made"][0])
    assert rule.name == case["identifier"]["name"]
    stack = Stack([rule], cache=False)
    for text, values in case["finds"]:
        assert [match.value for match in stack.classify(text)] == values, text
    for text in case["not"]:
        assert [match.value for match in stack.classify(text)] == [], text


def test_names_that_are_not_unique_or_not_latin_get_rules_of_their_own(
    cli: Cli, told: dict[str, dict[str, Any]]
) -> None:
    rules = {rule.id: rule for rule in catalogue.own_rules([cli.root / "macie" / "rules"])}
    assert len(rules) == sum("refused" not in case for case in IDENTIFIERS)
    staff = [rule for rule in rules.values() if rule.name == "Staff badge"]
    assert {"custom.staff_badge"} < {str(rule.id) for rule in staff}
    assert len(staff) == 2
    assert rules[RuleId("custom.insurance_policy")].severity == ((1, Severity.LOW), (100, Severity.HIGH))
    assert rules[RuleId("custom.user_handle")].least == 5


@pytest.mark.parametrize("case", [case for case in LISTS if "allows" in case], ids=lambda case: case["list"]["name"])
def test_allow_lists_allow_what_macies_do(cli: Cli, told: dict[str, dict[str, Any]], case: dict[str, Any]) -> None:
    line = told[case["list"]["id"]]
    path = cli.root / "macie" / line["made"][-1]
    (entry,) = load_allow([str(path)]).entries
    assert entry.among([*case["allows"], *case["reports"]]) == set(case["allows"])
    assert path.stat().st_mode & 0o077 == 0
    assert case.get("remarks", "") in " ".join(line["remarks"])


@pytest.mark.parametrize("case", [case for case in JOBS if "expect" in case], ids=lambda case: case["job"]["name"])
def test_jobs_have_what_macies_have(cli: Cli, told: dict[str, dict[str, Any]], case: dict[str, Any]) -> None:
    line, want = told[case["job"]["jobId"]], dict(case["expect"])
    name = line["made"][0].removeprefix("job ")
    job = json.loads(cli.good("job", "show", name, "--json").text)
    settings = job["settings"]
    assert (job["schedule"], job["targets"], job["paused"]) == (want["schedule"], want["targets"], want["paused"])
    for key in ("include", "exclude", "ner", "max_object_bytes", "sample", "aws"):
        assert settings.get(key) == want.get(key), key
    assert [Path(pack).stem for pack in settings["packs"]] == want["packs"]
    for key in ("rules", "allow"):
        files = settings.get(key, [])
        assert len(files) == want.get(key, 0)
        assert all(Path(file).is_absolute() and Path(file).is_file() for file in files)
    for word in case["remarks"]:
        assert word in " ".join(line["remarks"]), word


def test_the_packs_of_jobs_are_those_of_macies_identifiers(cli: Cli, told: dict[str, dict[str, Any]]) -> None:
    rules = catalogue.load_rules()
    by_macie = {rule.id for rule in rules if rule.macie}
    folder = cli.root / "macie" / "packs"
    chosen = {
        path.stem: {rule.id for rule in catalogue.select(rules, [catalogue.load_pack(str(path))])}
        for path in folder.glob("*.toml")
    }
    assert chosen["macie-all"] == by_macie
    assert chosen["macie-monthly-cards"] == {r.id for r in rules if (r.macie or "").startswith("CREDIT_CARD_NUMBER")}
    assert chosen["macie-once-own-identifiers"] == set()


def test_a_job_scans_with_what_was_imported(cli: Cli, told: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("ORD-20310001 and a card number 4242 4242 4242 4242\n")
    job = json.loads(cli.good("job", "show", "Once-own-identifiers", "--json").text)["settings"]
    flags = [x for file in job["rules"] for x in ("--rules", file)] + ["--pack", job["packs"][0]]
    cli.scan(tmp_path, *flags, "--db", "other.duckdb")
    assert cli.sql("SELECT rule FROM v_findings", db="other.duckdb") == [{"rule": "custom.order_number"}]


def test_an_imported_job_runs(tmp_path: Path, cache: Path) -> None:
    cli = Cli(tmp_path, cache)
    order = next(case["identifier"] for case in IDENTIFIERS if case["identifier"]["name"] == "Order number")
    (tmp_path / "saved.json").write_text(json.dumps([order, JOBS[3]["job"], LISTS[0]["list"]]))
    with s3_server() as s3:
        found, left_out = b"ORD-20310001 4242 4242 4242 4242", gzip.compress(b"ORD-20310002")
        s3.make("amzn-s3-demo-a", {"in.txt": found, "raw/out.gz": left_out, "in.gz": left_out})
        s3.make("amzn-s3-demo-b", {"raw/in.txt": found})
        cli.good("import", "macie", "saved.json", "--endpoint-url", s3.url)
        cli.good("job", "run", "--due", "--quiet")
        cli.good("job", "run", "--due", "--quiet")
    rows = cli.sql("SELECT source[19:] AS bucket, object, rule FROM v_findings ORDER BY ALL")
    assert [(row["bucket"], row["object"], row["rule"]) for row in rows] == [
        ("a", "in.gz", "custom.order_number"), ("a", "in.txt", "custom.order_number"),
        ("b", "raw/in.txt", "custom.order_number"),
    ]  # fmt: skip
    assert cli.sql("SELECT outcome FROM v_job_runs") == [{"outcome": "done"}]  # once
    again = cli.good("import", "macie", "saved.json", "--endpoint-url", s3.url, "--json").lines()
    assert {line["state"] for line in again} == {"unchanged"}


def test_filters_that_archive_are_suppressions_in_force(cli: Cli, told: dict[str, dict[str, Any]]) -> None:
    rows = cli.sql("SELECT number, source, predicate, owner, reason FROM v_suppressions WHERE in_force ORDER BY number")
    wanted = [c["filter"] for c in FILTERS if "selects" in c and c["filter"]["action"] == "ARCHIVE"]
    assert [row["reason"] for row in rows] == [f"Macie filter {one['id']}: {one['name']}" for one in wanted]
    assert {row["owner"] for row in rows} == {"piiscan import macie"}
    assert rows[1]["source"] == "s3://amzn-s3-demo-scratch"
    assert rows[1]["predicate"] is None
    assert told[wanted[1]["id"]]["made"] == [f"suppression {rows[1]['number']}"]


def test_a_second_import_changes_nothing(cli: Cli, told: dict[str, dict[str, Any]]) -> None:
    def state() -> tuple[Any, ...]:
        files = {path: path.read_bytes() for path in sorted((cli.root / "macie").rglob("*")) if path.is_file()}
        jobs = cli.sql("SELECT * FROM v_jobs ORDER BY job")
        return files, jobs, cli.sql("SELECT * FROM v_suppressions ORDER BY number"), cli.sql("SELECT * FROM v_audit")

    before = state()
    lines = cli.good("import", "macie", "saved", "--json").lines()
    assert {line["state"] for line in lines} == {"unchanged", ""}
    assert [line["outcome"] for line in lines] == [line["outcome"] for line in told.values()]
    assert state() == before


def test_what_was_changed_by_hand_stays_until_replace(tmp_path: Path, cache: Path) -> None:
    cli = Cli(tmp_path, cache)
    some = [case["identifier"] for case in IDENTIFIERS if case["identifier"]["name"] in ("Contract", "Customer")]
    some += [FILTERS[0]["filter"], FILTERS[1]["filter"], JOBS[0]["job"], JOBS[2]["job"]]
    (tmp_path / "saved.json").write_text(json.dumps(some))
    cli.good("import", "macie", "saved.json")
    rule, gone = cli.root / "macie/rules/custom/contract.toml", cli.root / "macie/rules/custom/customer.toml"
    mine = rule.read_text() + "# mine\n"
    rule.write_text(mine)
    gone.unlink()
    cli.good("job", "add", "Monthly-cards", "s3://amzn-s3-demo-shop", "--schedule", "daily 03:00", "--replace")
    cli.good("job", "rm", "Nightly-HR-scan")
    cli.good("triage", "rm", "1", "--reason", "I want to see them")
    by = {line["name"]: line for line in cli.good("import", "macie", "saved.json", "--json").lines()}
    for name, word in {
        "Contract": "changed by hand", "Customer": "removed by hand", "Monthly cards": "changed by hand",
        "Nightly HR scan": "removed by hand", FILTERS[0]["filter"]["name"]: "ended by hand",
    }.items():  # fmt: skip
        assert word in by[name]["reason"], by[name]
    assert (rule.read_text(), gone.exists()) == (mine, False)
    again = {line["name"]: line for line in cli.good("import", "macie", "saved.json", "--json", "--replace").lines()}
    assert again["Contract"]["state"] == again["Monthly cards"]["state"] == "updated"
    assert again["Customer"]["state"] == again["Nightly HR scan"]["state"] == "new"
    assert again[FILTERS[0]["filter"]["name"]]["state"] == "new"
    assert "# mine" not in rule.read_text()
    assert cli.sql("SELECT count(*) AS n FROM v_suppressions WHERE in_force") == [{"n": 2}]
    third = cli.good("import", "macie", "saved.json", "--json").lines()
    assert {line["state"] for line in third} == {"unchanged"}


def test_what_macie_changed_is_brought_up_to_date(cli: Cli, tmp_path: Path) -> None:
    folder, to = tmp_path / "saved", tmp_path / "out"
    folder.mkdir()
    one, job = dict(FILTERS[1]["filter"]), dict(JOBS[2]["job"])
    for bucket, state, day in (("amzn-s3-demo-x", "new", 31), ("amzn-s3-demo-y", "updated", 3), ("", "unchanged", 3)):
        bucket = bucket or "amzn-s3-demo-y"
        one["findingCriteria"] = {"criterion": {"resourcesAffected.s3Bucket.name": {"eq": [bucket]}}}
        job["scheduleFrequency"] = {"monthlySchedule": {"dayOfMonth": day}}
        (folder / "both.json").write_text(json.dumps([one, job]))
        lines = cli.good("import", "macie", folder, "--json", "-o", to, "--db", tmp_path / "own.duckdb").lines()
        assert [line["state"] for line in lines] == [state, state], lines
    rows = cli.sql("SELECT source, in_force FROM v_suppressions ORDER BY number", db=tmp_path / "own.duckdb")
    assert rows == [
        {"source": "s3://amzn-s3-demo-x", "in_force": False},
        {"source": "s3://amzn-s3-demo-y", "in_force": True},
    ]


def test_a_dry_run_writes_nothing(cli: Cli, told: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    dry = cli.good("import", "macie", "saved", "--dry-run", "-o", tmp_path / "x", "--db", tmp_path / "x.duckdb")
    assert list(tmp_path.iterdir()) == []
    assert f"{sum('refused' in case for case, *_ in ALL)} refused" in dry.text
    assert "would be imported" in dry.text
    assert "imported  identifier  Order number: rules/custom/order_number.toml" in dry.text
    assert "EMP12345" not in dry.text + dry.said


def test_a_folder_without_anything_of_macie_is_exit_code_2(cli: Cli, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{"Buckets": []}')
    done = cli.run("import", "macie", tmp_path)
    assert done.code == 2
    assert "nothing of Macie" in done.said
    assert cli.run("import", "macie").code == 2
    assert cli.run("import", "macie", tmp_path, "--live").code == 2
    assert cli.run("import", "macie", tmp_path / "none").code == 2
    assert cli.run("import", "macie", tmp_path, "--at", "26:00").code == 2
