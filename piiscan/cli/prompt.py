"""The prompt of `piiscan sql`: questions that end with a semicolon, a history, completion of views and columns.

Standard input that is no terminal is read in the same way, without a prompt. What is typed may hold values, so the
history is private to the user; a line that begins with a space is not kept.
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
from pathlib import Path
from typing import Any

from piiscan.errors import PiiscanError
from piiscan.keys import state_dir
from piiscan.report.answers import FORMS, render
from piiscan.store.query import rows
from piiscan.store.snapshot import open_newest, say_age

HELP = """Questions end with a semicolon. .views lists the views, .columns VIEW the columns of one,
.form table|csv|json|md changes how rows are shown, .quit (or Ctrl-D) ends.
docs/sql.md describes each view, docs/cookbook.md has questions to begin with."""
_WORDS = re.findall(
    r"\w+",
    "SELECT FROM WHERE GROUP BY ORDER LIMIT HAVING JOIN LEFT USING WITH DISTINCT AND OR NOT LIKE CASE WHEN THEN ELSE "
    "END DESC ASC NULL IS IN AS ON count sum max min",
)
KEPT = 1_000
"""Lines of the history."""


class _Names:
    """The views and their columns, for completion."""

    def __init__(self, database: Path) -> None:
        con, _ = open_newest(database)
        try:
            found = con.execute(
                "SELECT table_name, column_name, data_type FROM information_schema.columns "
                "WHERE starts_with(table_name, 'v_') ORDER BY table_name, ordinal_position"
            ).fetchall()
        finally:
            con.close()
        self.columns: dict[str, list[tuple[str, str]]] = {}
        for view, column, kind in found:
            self.columns.setdefault(view, []).append((column, kind))
        self._all = sorted({*self.columns, *(c for cs in self.columns.values() for c, _ in cs), *_WORDS})

    def complete(self, text: str, state: int) -> str | None:
        """The candidate of that number for the word before the cursor, as readline asks for it."""
        folded = text.casefold()
        matching = [name for name in self._all if name.casefold().startswith(folded)]
        return matching[state] if state < len(matching) else None


@contextlib.contextmanager
def _line_editing(names: _Names) -> Any:
    """History and completion while a terminal is asked; without the readline module there are none."""
    try:
        import readline
    except ImportError:
        yield
        return
    path = state_dir() / "sql-history"
    with contextlib.suppress(OSError):
        readline.read_history_file(path)
    readline.set_completer(names.complete)
    readline.set_completer_delims(" \t\n,;()=<>.")
    readline.parse_and_bind("tab: complete")
    try:
        yield
    finally:
        readline.set_history_length(KEPT)
        with contextlib.suppress(OSError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            old = os.umask(0o077)
            try:
                readline.write_history_file(path)
            finally:
                os.umask(old)


def ask(database: Path, form: str, *, raw_csv: bool, timeout: float, memory: str) -> int:
    """Read questions until the input ends, and print the answers. The exit code: 2 when a question of a file failed.

    Raises: StoreError when the database cannot be opened.
    """
    names = _Names(database)
    terminal = sys.stdin.isatty()
    failed = False
    with _line_editing(names) if terminal else contextlib.nullcontext():
        if terminal:
            sys.stdout.write(f"{database}: {len(names.columns)} views. .help says what else there is.\n")
        waiting = ""
        while (line := _line("" if not terminal else "   ...> " if waiting else "piiscan> ")) is not None:
            if not waiting and line.strip().startswith("."):
                word, _, rest = line.strip().partition(" ")
                if word in (".quit", ".exit"):
                    break
                form = _told(word, rest.strip(), names, form)
                continue
            waiting += line + "\n"
            if not line.rstrip().endswith(";") or not waiting.strip(" ;\n"):
                waiting = waiting if waiting.strip(" ;\n") else ""
                continue
            question, waiting = waiting, ""
            failed |= not _answered(database, question, form, raw_csv, timeout, memory)
        if waiting.strip():
            failed |= not _answered(database, waiting, form, raw_csv, timeout, memory)
    return 2 if failed and not terminal else 0


def _line(prompt: str) -> str | None:
    """One line of the input; None at its end."""
    try:
        if prompt:
            return input(prompt)
        line = sys.stdin.readline()
        return line.rstrip("\n") if line else None
    except EOFError:
        sys.stdout.write("\n")
        return None
    except KeyboardInterrupt:
        sys.stdout.write("\n")
        return ""


def _answered(database: Path, question: str, form: str, raw_csv: bool, timeout: float, memory: str) -> bool:
    """Print the answer to a question, or why there is none."""
    try:
        columns, found, age = rows(database, question, timeout, memory)
    except (PiiscanError, KeyboardInterrupt) as err:
        sys.stderr.write(f"{err or 'stopped'}\n")
        return False
    say_age(age)
    for chunk in render(columns, found, form, raw_csv=raw_csv):
        sys.stdout.write(chunk)
    sys.stdout.flush()
    return True


def _told(word: str, rest: str, names: _Names, form: str) -> str:
    """Do what a line that begins with a dot says; the form of the answers from now on."""
    out = sys.stdout
    if word == ".views":
        out.write("\n".join(names.columns) + "\n")
    elif word == ".columns" and rest in names.columns:
        out.write("\n".join(f"{column:<22} {kind}" for column, kind in names.columns[rest]) + "\n")
    elif word == ".columns":
        out.write(f"{rest or 'that'}: no such view\n")
    elif word == ".form" and rest in FORMS:
        return rest
    elif word == ".form":
        out.write(f"one of {', '.join(FORMS)}\n")
    else:
        out.write(HELP + "\n")
    out.flush()
    return form
