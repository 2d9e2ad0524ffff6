"""deploy/Dockerfile as it is written; `python -m tools.container` runs its steps."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml  # type: ignore[import-untyped]

from piiscan.cli.serve import ADDRESS
from tests.jobs.test_deploy import DEPLOY
from tools import container

ROOT = Path(__file__).resolve().parents[1]
BUILD, IMAGE = container.read()


def test_it_runs_as_nobody_in_particular_and_writes_where_it_may() -> None:
    assert IMAGE.all("USER") == ["10001:10001"]
    assert json.loads(IMAGE.all("ENTRYPOINT")[0]) == ["piiscan"]
    assert json.loads(IMAGE.all("CMD")[0]) == ["serve"]
    assert IMAGE.all("VOLUME") == ["/data"]
    env = IMAGE.environment()
    assert {env["PIISCAN_DB"].split("/")[1], env["XDG_STATE_HOME"].split("/")[1]} == {"data"}
    assert {env["HOME"], env["XDG_CACHE_HOME"].rpartition("/")[0]} == {"/tmp"}


def test_it_agrees_with_the_cron_job() -> None:
    _, cron = yaml.safe_load_all((DEPLOY / "kubernetes" / "cronjob.yaml").read_text("utf-8"))
    pod = cron["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    user = pod["securityContext"]
    assert [f"{user['runAsUser']}:{user['runAsGroup']}"] == IMAGE.all("USER")
    asked = {entry["name"]: entry["value"] for entry in pod["containers"][0]["env"]}
    assert asked == {name: IMAGE.environment()[name] for name in asked}


def test_the_health_check_asks_where_the_server_answers() -> None:
    (check,) = IMAGE.all("HEALTHCHECK")
    code = json.loads(check.partition(" CMD ")[2])[-1]
    assert f"http://{ADDRESS}/healthz" in code
    compile(code, "healthcheck", "exec")


def test_nothing_secret_goes_in() -> None:
    for stage in (BUILD, IMAGE):
        assert not any(re.search(r"KEY|SECRET|TOKEN|PASSWORD", name) for name in stage.environment())
        assert not stage.all("ADD")
    assert IMAGE.all("COPY") == ["--from=build /opt/piiscan /opt/piiscan"]
    rules = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    assert next(line for line in rules if not line.startswith("#")) == "*"
    for name in container.allowed():
        assert (ROOT / name).exists(), name


def test_what_is_run_is_constrained() -> None:
    assert BUILD.environment()["PIP_CONSTRAINT"] == "/src/constraints.txt"
    steps = [step for step in BUILD.all("RUN") if not step.startswith("apt-get")]
    assert len(steps) == 2
    assert "pip wheel" in steps[0]
    assert "pip install" in steps[1]


def test_places_are_moved_whole() -> None:
    root = Path("/scratch")
    assert container.moved("/wheels/x /opt/piiscan/bin a/src /tmpfs /data", root) == (
        "/scratch/wheels/x /scratch/opt/piiscan/bin a/src /tmpfs /scratch/data"
    )
