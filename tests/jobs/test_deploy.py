"""The files of `deploy/` that run jobs: they parse, and call commands and options that exist."""

from __future__ import annotations

import configparser
import shlex
from pathlib import Path
from typing import Any

import typer.main
import yaml  # type: ignore[import-untyped]

from piiscan import __version__
from piiscan.cli.main import app
from piiscan.jobs.schedule import read_schedule
from tests.jobs.clock import BEGIN

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"


def unit(name: str) -> configparser.RawConfigParser:
    """A unit file; a key that comes several times keeps its last value."""
    parser = configparser.RawConfigParser(strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string((DEPLOY / "systemd" / name).read_text("utf-8"))
    return parser


def check_command(words: list[str]) -> None:
    command: Any = typer.main.get_command(app)
    while words and words[0] in getattr(command, "commands", {}):
        command = command.commands[words.pop(0)]
    known = {name for parameter in command.params for name in parameter.opts}
    assert words
    assert set(words) <= known, words


def test_the_service_and_its_timer() -> None:
    service, timer = unit("piiscan-jobs.service"), unit("piiscan-jobs.timer")
    assert service["Service"]["Type"] == "oneshot"
    assert service["Service"]["User"] != "root"
    assert service["Service"]["NoNewPrivileges"] == "yes"
    program, *words = shlex.split(service["Service"]["ExecStart"])
    assert Path(program).name == "piiscan"
    check_command(words)
    assert timer["Timer"]["Persistent"] == "true"
    assert timer["Timer"]["OnCalendar"] == "*:0/5"
    assert timer["Install"]["WantedBy"] == "timers.target"


def test_the_cron_job_of_kubernetes() -> None:
    claim, cron = yaml.safe_load_all((DEPLOY / "kubernetes" / "cronjob.yaml").read_text("utf-8"))
    assert (claim["kind"], cron["kind"], cron["apiVersion"]) == ("PersistentVolumeClaim", "CronJob", "batch/v1")
    assert cron["spec"]["concurrencyPolicy"] == "Forbid"
    read_schedule(cron["spec"]["schedule"], "UTC", BEGIN)
    pod = cron["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert pod["restartPolicy"] == "Never"
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    (container,) = pod["containers"]
    assert container["image"] == f"piiscan:{__version__}"
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert container["securityContext"]["allowPrivilegeEscalation"] is False
    assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    check_command(list(container["args"]))
    env = {entry["name"]: entry["value"] for entry in container["env"]}
    mounts = {mount["mountPath"]: mount["name"] for mount in container["volumeMounts"]}
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert set(mounts.values()) == set(volumes)
    for name in ("PIISCAN_DB", "XDG_STATE_HOME"):  # what must outlive the pod
        volume = volumes[mounts["/" + env[name].split("/")[1]]]
        assert volume["persistentVolumeClaim"]["claimName"] == claim["metadata"]["name"]
    for name in ("HOME", "XDG_CACHE_HOME"):  # the rest of the file system is read-only
        assert "emptyDir" in volumes[mounts["/" + env[name].split("/")[1]]]
