"""What is other than the policy packs say, each kind of it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from piiscan.jobs.store import JobStore
from piiscan.policies import VARIABLE, folder_in_force
from piiscan.policypack.drift import drift_of
from piiscan.policypack.pack import read_pack
from tests.policypack.folder import ALERTS, NOW, OTHER, SMALL, applied, made, signed, trusted

FILES = SMALL | {"alerts.toml": ALERTS, "allow/known.txt": "x\n"}
SINK = '[[sinks]]\nname = "file"\nkind = "jsonl"\npath = "alerts.jsonl"\n'


class Place:
    """A machine and a database to which a pack was applied."""

    def __init__(self, root: Path) -> None:
        self.root, self.base, self.store = root, root / "policy", root / "a.duckdb"
        self.config("")
        applied(made(FILES, 2), self.base, self.store)
        folder = folder_in_force(self.base, "acme")
        assert folder is not None
        self.folder = folder

    def config(self, text: str) -> None:
        path = self.root / "config" / "piiscan" / "config.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + SINK)

    def sql(self, *statements: str) -> None:
        store = JobStore(self.store)
        for statement in statements:
            store.query(statement)
        store.close()

    def found(
        self, *more: Path, days: int = 0, keys: dict[str, bytes] | None = None
    ) -> list[tuple[str, str, str, str]]:
        drift = drift_of(self.base, [self.store, *more], keys or {}, NOW + timedelta(days=days))
        return [(Path(one.place).name, one.kind, one.item, one.said) for one in drift]


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv(VARIABLE, str(tmp_path / "policy"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    return Place(tmp_path)


def test_there_is_none_to_begin_with_and_each_kind_is_told(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    assert place.found(keys=trusted()) == []

    place.config("threshold = 0.9\n")
    assert place.found() == [("policy", "setting", "threshold", "0.9 here, 0.6 in the pack")]
    place.config("")
    monkeypatch.setenv("PIISCAN_THRESHOLD", "0.8")
    assert place.found() == [("policy", "setting", "threshold", "0.8 here, 0.6 in the pack")]
    monkeypatch.delenv("PIISCAN_THRESHOLD")
    assert place.found(days=400) == [("policy", "expired", "acme", "since the end of 2027-06-30")]
    (told,) = place.found(keys=trusted(OTHER))
    assert told[:3] == ("policy", "signature", "signed.json")
    assert "not trusted" in told[3]

    (place.folder / "allow/known.txt").write_text("y\n")
    (place.folder / "allow/mine.txt").write_text("z\n")
    (place.folder / "jobs.toml").unlink()
    assert place.found() == [
        ("policy", "file", "allow/known.txt", "changed"),
        ("policy", "file", "allow/mine.txt", "not of the pack"),
        ("policy", "file", "jobs.toml", "missing"),
    ]


def test_a_sink_that_is_not_there(place: Place) -> None:
    (place.root / "config/piiscan/config.toml").write_text("")
    assert place.found() == [("policy", "sink", "file", "not configured here; the alert rule 'badges' wants it")]


BUCKET = ["s3://example-bucket"]
JOB: dict[str, tuple[Callable[[JobStore], object], list[str]]] = {
    "schedule": (
        lambda s: s.add("nightly", BUCKET, "daily 05:00", "UTC", {}, {"policy": "acme"}, NOW, replace=True),
        ["schedule: daily 05:00 here, daily 02:00 in the pack"],
    ),
    "all of it": (
        lambda s: s.add("nightly", ["/x"], "daily 02:00", "Europe/Berlin", {"sample": 1.0}, {}, NOW, replace=True),
        [
            'options: {} here, {"policy": "acme"} in the pack',
            'settings: {"sample": 1.0} here, {} in the pack',
            'targets: ["/x"] here, ["s3://example-bucket"] in the pack',
            "time_zone: Europe/Berlin here, UTC in the pack",
        ],
    ),
    "paused": (lambda s: s.pause("nightly"), ["paused: true here, false in the pack"]),
    "removed": (lambda s: s.remove("nightly", NOW), ["removed by hand"]),
}  # fmt: skip


def test_jobs_and_weights_that_were_changed(place: Place) -> None:
    before = place.store.read_bytes()
    for change, said in JOB.values():
        store = JobStore(place.store)
        change(store)
        store.close()
        assert place.found() == [("a.duckdb", "job", "nightly", one) for one in said]
        place.store.write_bytes(before)
    place.sql("UPDATE risk_weights SET weight = 1.5 WHERE term IN ('severity.high', 'severity.low')")
    assert place.found() == [("a.duckdb", "weight", "severity.high", "weight: 1.5 here, 50 in the pack")]
    place.sql("UPDATE policy_packs SET expires = '2020-01-01'")
    assert place.found()[0] == ("a.duckdb", "expired", "acme", "since the end of 2020-01-01")


def test_places_with_other_versions(place: Place, tmp_path: Path) -> None:
    old, none = tmp_path / "old.duckdb", tmp_path / "none.duckdb"
    applied(made(FILES), tmp_path / "elsewhere", old)
    JobStore(none).close()
    assert place.found(old, none) == [
        ("old.duckdb", "version", "acme", "version 1; version 2 is elsewhere"),
        ("none.duckdb", "missing", "acme", "not applied; version 2 is elsewhere"),
    ]
    place.sql("UPDATE policy_packs SET digest = 'another'")
    assert [told[1:] for told in place.found()] == [
        ("version", "acme", "version 2 is not the same pack everywhere")
    ] * 2  # fmt: skip


def test_what_cannot_be_read_is_drift(place: Place) -> None:
    (place.folder / "settings.toml").write_text("threshold =")
    found = place.found()
    assert [told[:3] for told in found] == [
        ("policy", "configuration", "configuration"),
        ("policy", "file", "settings.toml"),
    ]
    (place.folder / "signed.json").write_bytes(b"{}")
    assert [told[1:3] for told in place.found()] == [
        ("configuration", "configuration"),
        ("file", "acme"),
        ("missing", "acme"),
    ]


def test_a_folder_that_is_gone_is_drift(place: Place) -> None:
    shutil.rmtree(place.folder)
    assert ("policy", "file", "acme") in [told[:3] for told in place.found()]


def test_a_record_with_another_signature_is_told(place: Place) -> None:
    false = read_pack(signed(made(FILES, 2)), "x")
    data = false.to_bytes().replace(next(iter(false.signatures.values())).encode(), b"0" * 128)
    (place.folder / "signed.json").write_bytes(data)
    (told,) = place.found(keys=trusted())
    assert told[1] == "signature"
    assert "tampered" in told[3]
