"""Builds the small compiled libraries at installation, where a C compiler is; without one all is plain Python."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

SOURCES = (Path("piiscan/passes/passes.c"), Path("piiscan/ner/lexer.c"))
ENDING = ".dll" if sys.platform == "win32" else ".so"


class Passes(BuildHookInterface):
    """Compiles each library beside its source, and names the wheel after the platform when that worked."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Called by hatchling before it collects files; `version` is `editable` for an installation from a checkout."""
        if self.target_name != "wheel" or os.environ.get("PIISCAN_NO_NATIVE") == "1":
            return
        for source in SOURCES:
            library = source.with_name(f"_{source.stem}{ENDING}")
            if not self._compiled(source, library):
                continue
            platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
            build_data["tag"] = f"py3-none-{platform}"
            build_data["pure_python"] = False
            if version != "editable":
                build_data["force_include"][str(Path(self.root, library))] = library.as_posix()

    def _compiled(self, source: Path, library: Path) -> bool:
        made = Path(self.root, f".{source.stem}-{os.getpid()}.tmp")  # not where packages and tests look
        compiler = shlex.split(os.environ.get("CC", "cc"))
        flags = ["-O3", "-shared", "-fPIC", "-fvisibility=hidden"]
        try:
            subprocess.run([*compiler, *flags, "-o", made, Path(self.root, source)], check=True, capture_output=True)  # noqa: S603
        except (OSError, subprocess.CalledProcessError) as err:
            self.app.display_warning(f"{source} was not compiled ({type(err).__name__}): Python does its work")
            return False
        os.replace(made, Path(self.root, library))
        return True
