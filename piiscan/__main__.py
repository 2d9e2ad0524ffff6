"""The command, as `piiscan` and as `python -m piiscan`."""

from __future__ import annotations

import os
import signal


def run() -> None:
    """Import the command line, then run it; it and its workers multiply small matrices, each on its own core.

    A Ctrl-C during the imports ends the process as it ends one that never asked for the signal: no line of ours could
    answer it yet, and Python would print a traceback or wrap the interrupt in an error of its own.
    """
    for library in ("OPENBLAS", "OMP", "MKL"):
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    heard = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if heard:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from piiscan.cli.main import run as command

    if heard:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    command()


if __name__ == "__main__":
    run()
