"""The command line: one file a command, errors as one sentence, exit codes as documented.

Modules of commands import only what `--help` needs; everything heavy is imported inside the functions.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from functools import cache
from typing import Any, NoReturn

import typer

from piiscan import __version__
from piiscan.errors import ConfigError, PiiscanError, StoreError

app = typer.Typer(
    name="piiscan",
    help="Find sensitive data in S3 buckets and directory trees; findings go to a DuckDB file.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(value: bool) -> None:
    if value:
        typer.echo(f"piiscan {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: bool = typer.Option(
        False, "--version", callback=_version, is_eager=True, help="Show the version and end."
    ),
    verbose: bool = typer.Option(False, "--verbose", "-v", help="Log what happens to stderr (names and codes only)."),
    log_level: str = typer.Option(
        "", "--log-level", metavar="LEVEL", envvar="PIISCAN_LOG_LEVEL", help="debug, info, warning or error (default)."
    ),
    log_format: str = typer.Option(
        "", "--log-format", metavar="FORMAT", envvar="PIISCAN_LOG_FORMAT", help="text (default) or json."
    ),
) -> None:
    """Options of all commands."""
    # Rules and plans by the ten thousand, none in a cycle: the collector's default costs 0.2 s of a cold start.
    gc.set_threshold(50_000, 20, 20)
    from piiscan.logs import FORMATS, LEVELS, set_up

    for option, text, known in (("level", log_level, LEVELS), ("format", log_format, FORMATS)):
        if text and text not in known:
            raise ConfigError(f"--log-{option}: {text!r} is none of {', '.join(known)}")
    set_up(log_level or ("info" if verbose else "error"), log_format or "text")


def _register() -> None:
    from piiscan.cli import (
        access,
        alert,
        buckets,
        check,
        config,
        coverage,
        db,
        diff,
        doctor,
        eval,
        explain,
        extract,
        find,
        import_,
        job,
        policy,
        report,
        risk,
        rules,
        scan,
        secrets,
        serve,
        show,
        sql,
        top,
        triage,
        watch,
    )

    modules = (
        scan, report, coverage, sql, extract, check, rules, explain, show, find, diff, top, risk, triage, alert, job,
        import_, secrets, serve, watch, buckets, policy, eval, access, db, doctor, config,
    )  # fmt: skip
    for module in modules:
        module.register(app)


_register()


@cache
def command() -> Any:
    """All commands, as they are parsed; made once."""
    return typer.main.get_command(app)


def run() -> None:
    """The entry point: run the app and turn what went wrong into one line and an exit code."""
    try:
        result = command()(standalone_mode=False)
    except PiiscanError as err:
        fail(str(err), err.exit_code)
    except typer.Exit as err:
        sys.exit(err.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        fail("stopped", 130)
    except BrokenPipeError:
        _reader_is_gone()
    except SystemExit as err:
        # click makes an exit code 1 of a broken pipe, which would say that there are findings.
        if isinstance(err.__context__, BrokenPipeError):
            _reader_is_gone()
        raise
    except OSError as err:
        if err.errno == 28:
            fail("the disk is full; what was committed is safe, free some space and run again", StoreError.exit_code)
        fail(f"{err.strerror or type(err).__name__}: {err.filename or ''}".rstrip(": "), 2)
    except Exception as err:
        if _interrupted(err):
            fail("stopped", 130)
        from piiscan.store.query import memory_error

        if (short := memory_error(err)) is not None:
            fail(str(short), short.exit_code)
        _damage(err)
        show = getattr(err, "show", None)
        if callable(show):  # a usage error of click, which typer may bring under its own name
            show()
            sys.exit(2)
        if os.environ.get("PIISCAN_DEBUG") == "1":
            from piiscan.trace import without_messages

            sys.stderr.write(without_messages(err))
        fail(f"unexpected {type(err).__name__}; set PIISCAN_DEBUG=1 to see where", 2)
    else:
        sys.exit(result if isinstance(result, int) else 0)


def _interrupted(err: BaseException | None) -> bool:
    """Whether an error is what something else made of a Ctrl-C.

    Python wraps one that comes while a class is made, and DuckDB ends the statement that it interrupts with an error.
    """
    while err is not None:
        if isinstance(err, KeyboardInterrupt) or (isinstance(err, RuntimeError) and str(err) == "Query interrupted"):
            return True
        err = err.__cause__ or err.__context__
    return False


def _damage(err: Exception) -> None:
    """End with a sentence when what a command met is a damaged database."""
    from pathlib import Path

    from piiscan.store.duck import Damaged, explain, from_duckdb

    if from_duckdb(err) and isinstance(told := explain(err, Path("the database")), Damaged):
        fail(str(told), told.exit_code)


def _reader_is_gone() -> NoReturn:
    """End as a process does that writes into a closed pipe; nothing is left to say."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    sys.exit(141)


def fail(message: str, code: int) -> None:
    """Print one line to stderr and end."""
    from piiscan.logs import as_json, json_line
    from piiscan.report.escape import printable

    if as_json():
        fields = {"event": "failed", "message": message, "exit_code": code}
        sys.stderr.write(json_line(time.time(), "error", "piiscan", fields) + "\n")
    else:
        sys.stderr.write(f"piiscan: {printable(message)}\n")
    sys.exit(code)
