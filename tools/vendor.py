"""`python -m tools.vendor [--write]`: the foreign JavaScript of this repository, made anew, held against its hashes.

`vendor.toml` beside this file names each file, the npm package and version that it comes from, its SHA-256. Packages
are fetched with `npm`, from the registry that it is set to; ECharts is cut down to what the page draws with. Without
`--write` nothing is changed: exit code 1 when a file here or made anew is not the one of the manifest.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
MANIFEST = Path(__file__).with_suffix(".toml")
ENTRY = """
import * as core from "echarts/core";
import { LineChart, TreemapChart } from "echarts/charts";
import { GridComponent, TooltipComponent } from "echarts/components";
import { LabelLayout } from "echarts/features";
import { SVGRenderer } from "echarts/renderers";
core.use([LineChart, TreemapChart, GridComponent, TooltipComponent, LabelLayout, SVGRenderer]);
export const init = core.init;
"""
"""The parts of ECharts that are kept. The SVG renderer sets styles through the CSSOM, which a strict policy permits."""
BANNER = (
    "/* Apache ECharts {version}, Apache-2.0; zrender, BSD-3-Clause; tslib, 0BSD. Cut down, see tools/vendor.py. */"
)


def manifest() -> dict[str, Any]:
    """What `vendor.toml` says."""
    return tomllib.loads(MANIFEST.read_text("utf-8"))


def digest(data: bytes) -> str:
    """SHA-256, hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def fetched(folder: Path, packages: dict[str, str]) -> Path:
    """The folder of the packages, each at its version; nothing of theirs is run on the way."""
    (folder / "package.json").write_text("{}")
    wanted = [f"{name}@{version}" for name, version in packages.items()]
    command = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--no-save", "--save-exact", *wanted]
    subprocess.run(command, cwd=folder, check=True, stdout=sys.stderr)  # noqa: S603
    return folder / "node_modules"


def charts(modules: Path, version: str) -> bytes:
    """ECharts with what the page needs, in one script that defines `echarts`."""
    (entry := modules.parent / "entry.js").write_text(ENTRY)
    (program,) = (modules / "@esbuild").glob("*/bin/esbuild")
    command = [
        *(program, entry, "--bundle", "--minify", "--format=iife", "--global-name=echarts", "--charset=ascii"),
        *("--target=es2020", "--legal-comments=none", '--define:process.env.NODE_ENV="production"'),
        f"--banner:js={BANNER.format(version=version)}",
    ]
    return subprocess.run(command, check=True, capture_output=True).stdout  # noqa: S603


def made(modules: Path, packages: dict[str, str], path: str, source: str) -> bytes:
    """The bytes of one file."""
    if source == "charts":
        return charts(modules, packages["echarts"])
    data = (modules / source).read_bytes()
    return data if path.endswith(".js") else re.sub(rb"[ \t]+\n", b"\n", data.replace(b"\r\n", b"\n"))


def main() -> int:
    """Make all files and compare; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tools.vendor", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put the files in place, and their hashes in the manifest")
    write = parser.parse_args().write
    listed = manifest()
    text, wrong = MANIFEST.read_text("utf-8"), 0
    with tempfile.TemporaryDirectory() as scratch:
        modules = fetched(Path(scratch), listed["packages"])
        for entry in listed["file"]:
            data = made(modules, listed["packages"], entry["path"], entry["from"])
            path = ROOT / entry["path"]
            if write:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
                text = text.replace(entry["sha256"], digest(data)) if entry["sha256"] else text
            same = digest(data) == entry["sha256"] and path.exists() and path.read_bytes() == data
            wrong += not same
            print(f"{'same' if same else 'other'}  {digest(data)}  {len(data):>8,}  {entry['path']}")
    if write:
        MANIFEST.write_text(text, "utf-8")
        return 0
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
