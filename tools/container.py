"""Runs the steps of deploy/Dockerfile that make the program, without a container engine: `python -m tools.container`.

The first stage's RUN steps that call Python are run in a scratch folder that stands for `/`, on a copy of what the
ignore file lets in. Then the second stage's environment and commands are tried on the result: the version, a scan, and
the server with its health check. What apt installs is left to the image.
Source: Docker, "Dockerfile reference" (escaped line ends, exec and shell forms, ARG, ENV).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = ROOT / "deploy" / "Dockerfile"
PLACES = ("/src", "/wheels", "/opt/piiscan", "/data", "/tmp")  # noqa: S108 - of the image
TRIES = 100


@dataclass
class Stage:
    """One stage: its instructions in order, and what they set."""

    steps: list[tuple[str, str]] = field(default_factory=list)

    def all(self, name: str) -> list[str]:
        """The arguments of every instruction of this name."""
        return [text for found, text in self.steps if found == name]

    def environment(self) -> dict[str, str]:
        """ARG and ENV, the names of the first with their defaults."""
        pairs = [word for text in (*self.all("ARG"), *self.all("ENV")) for word in text.split()]
        return dict(word.split("=", 1) for word in pairs if "=" in word)


def read(path: Path = DOCKERFILE) -> list[Stage]:
    """The stages of a Dockerfile."""
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.lstrip().startswith("#")]
    stages: list[Stage] = []
    for line in re.sub(r"\\\n\s*", "", "\n".join(lines)).splitlines():
        name, _, text = line.strip().partition(" ")
        if name == "FROM":
            stages.append(Stage())
        if name:
            stages[-1].steps.append((name.upper(), text.strip()))
    return stages


def allowed() -> list[str]:
    """What the ignore file lets into the build."""
    lines = DOCKERFILE.with_name("Dockerfile.dockerignore").read_text("utf-8").splitlines()
    return [line.removeprefix("!") for line in lines if line.startswith("!")]


def moved(text: str, root: Path) -> str:
    """A command or a value with the places of the image below `root`."""
    return re.sub(rf"(?<![\w.])({'|'.join(PLACES)})(?![\w-])", lambda found: f"{root}{found[1]}", text)


def build(stage: Stage, root: Path) -> None:
    """The steps of the first stage that call Python."""
    source = root / "src"
    source.mkdir()
    skip = shutil.ignore_patterns("__pycache__", "*.so", "*.duckdb*")
    for name in allowed():
        origin = ROOT / name
        if origin.is_dir():
            shutil.copytree(origin, source / name, ignore=skip)
        else:
            shutil.copy2(origin, source / name)
    env = clean() | {name: moved(value, root) for name, value in stage.environment().items()}
    path = os.pathsep.join([os.path.dirname(os.path.realpath(sys.executable)), env["PATH"]])
    for step in stage.all("RUN"):
        if not step.startswith("apt-get"):
            run(["/bin/sh", "-ec", moved(step, root)], source, env | {"PATH": path})


def clean() -> dict[str, str]:
    """The environment without what is ours alone."""
    return {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL_ENV", "PIISCAN", "XDG", "AWS"))}


def run(command: list[str], cwd: Path, env: dict[str, str]) -> str:
    """What a command prints. Ends the program when it fails."""
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        sys.exit(f"code {done.returncode}: {' '.join(command)[:300]}\n{done.stdout[-2000:]}{done.stderr[-4000:]}")
    return done.stdout


def try_out(stage: Stage, root: Path) -> None:
    """The installed program, in the environment of the second stage."""
    env = clean() | {name: moved(value, root) for name, value in stage.environment().items()}
    env["PATH"] = env["PATH"].replace("$PATH", os.environ["PATH"])
    data, tree = root / "data", root / "tree"
    for folder in (data, tree, root / "tmp"):
        folder.mkdir()
    program = shutil.which("piiscan", path=env["PATH"])
    assert program is not None
    assert Path(program).is_relative_to(root), program
    print(run([program, "--version"], data, env).strip())
    for name, text in (("a.txt", "His SSN: 219-10-1001 is on file.\n"), ("b.csv", "id,email\n1,a@mail.example.org\n")):
        (tree / name).write_text(text)
    found = json.loads(run([program, "scan", str(tree), "--workers", "1", "--json"], data, env))
    assert found["objects"]["scanned"] == 2, found
    assert found["findings"]["total"] >= 2, found
    where = run([str(Path(program).with_name("python")), "-c", "import piiscan; print(piiscan.__file__)"], data, env)
    assert Path(where.strip()).is_relative_to(root), where
    serve(program, stage, data, env)


def serve(program: str, stage: Stage, data: Path, env: dict[str, str]) -> None:
    """The command of the image, and its health check once more often than it should need to be."""
    command = [program, *json.loads(stage.all("CMD")[0])]
    check = json.loads(stage.all("HEALTHCHECK")[0].partition(" CMD ")[2])
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command += ["--listen", f"127.0.0.1:{port}"]
    check = [word.replace("9464", port) for word in check]
    check[0] = str(Path(program).with_name("python"))
    with subprocess.Popen(command, cwd=data, env=env, stderr=subprocess.DEVNULL) as server:  # noqa: S603
        try:
            for _ in range(TRIES):
                well = subprocess.run(check, env=env, capture_output=True, check=False)  # noqa: S603
                if well.returncode == 0 or server.poll() is not None:
                    break
                time.sleep(0.1)
            assert well.returncode == 0, well.stderr.decode()
        finally:
            server.terminate()
    assert server.returncode == 0, server.returncode
    print("scan, serve and health check: ok")


def main() -> None:
    """Build and try."""
    first, last = read()
    with tempfile.TemporaryDirectory(prefix="piiscan-container-") as folder:
        root = Path(folder)
        started = time.monotonic()
        build(first, root)
        print(f"built and installed in {time.monotonic() - started:.0f} s")
        try_out(last, root)


if __name__ == "__main__":
    main()
