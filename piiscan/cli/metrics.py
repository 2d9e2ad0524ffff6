"""`--metrics-file FILE`: the metrics of a database, for node_exporter's textfile collector."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any


def write_metrics_file(file: str, database: Path, query: Callable[[str], Sequence[tuple[Any, ...]]]) -> int:
    """Write them; 0, or exit code 2 once it was told that the file cannot be written. Raises: StoreError."""
    from piiscan.metrics.database import text_of, write_metrics
    from piiscan.report.escape import printable

    text = text_of(database, query)
    try:
        write_metrics(Path(file), text)
    except OSError as err:
        sys.stderr.write(f"piiscan: {printable(file)}: the metrics cannot be written ({err.strerror})\n")
        return 2
    return 0
