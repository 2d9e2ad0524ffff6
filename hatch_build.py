"""Builds the compiled passes at installation, where a C compiler is; without one the package is plain Python."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCE = Path("piiscan/passes/passes.c")
LIBRARY = SOURCE.with_name("_passes.dll" if sys.platform == "win32" else "_passes.so")


class Passes(BuildHookInterface):
    """Compiles `passes.c` beside its source, and names the wheel after the platform when that worked."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it collects files; `version` is `editable` for an installation from a checkout."""
        if self.target_name != "wheel" or os.environ.get("PIISCAN_NO_NATIVE") == "1":
            return
        target = Path(self.root, LIBRARY)
        made = Path(self.root, f".passes-{os.getpid()}.tmp")  # not where packages and tests look
        compiler = shlex.split(os.environ.get("CC", "cc"))
        flags = ["-O3", "-shared", "-fPIC", "-fvisibility=hidden"]
        try:
            subprocess.run([*compiler, *flags, "-o", made, Path(self.root, SOURCE)], check=True, capture_output=True)  # noqa: S603
        except (OSError, subprocess.CalledProcessError) as err:
            self.app.display_warning(f"the passes were not compiled ({type(err).__name__}): numpy does their work")
            return
        os.replace(made, target)
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{platform}"
        build_data["pure_python"] = False
        if version != "editable":
            build_data["force_include"][str(target)] = LIBRARY.as_posix()
