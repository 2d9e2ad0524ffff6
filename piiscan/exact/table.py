"""The columns of a CSV file, as batches of strings: streamed, so that its size does not matter."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from piiscan.errors import ConfigError

BLOCK = 8 << 20
"""Bytes of the file that are read at a time."""
_HEADER = 1 << 16


def header_of(path: Path) -> tuple[list[str], str]:
    """The column names of a CSV file and what separates them. Raises: ConfigError."""
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
            line = stream.readline(_HEADER).decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8; convert it first") from None
    except (OSError, EOFError) as err:
        raise ConfigError(f"{path}: cannot be read ({getattr(err, 'strerror', None) or type(err).__name__})") from None
    sign = max(",;\t|", key=line.count)
    names = next(csv.reader([line], delimiter=sign), [])
    if not names:
        raise ConfigError(f"{path}: no header line with the names of the columns")
    return [name.strip() for name in names], sign


def check(path: Path, wanted: Sequence[str]) -> tuple[list[str], str]:
    """`header_of`, with each wanted column in it once. Raises: ConfigError."""
    names, sign = header_of(path)
    for name in wanted:
        if names.count(name) != 1:
            how = "no column" if name not in names else "more than one column"
            raise ConfigError(f"{path}: {how} {name!r} in its first line")  # which may hold values, and is not shown
    return names, sign


def batches(path: Path, wanted: Sequence[str], skipped: list[int]) -> Iterator[list[list[str]]]:
    """The values of the wanted columns, a batch of rows at a time; `skipped[0]` counts rows of another width.

    Raises: ConfigError, which tells nothing of the content.
    """
    import pyarrow as pa
    from pyarrow import csv as arrow

    names, sign = check(path, wanted)

    def odd(row: Any) -> str:
        skipped[0] += 1
        return "skip"

    try:
        with pa.input_stream(str(path), compression="detect") as stream:
            reader = arrow.open_csv(
                stream,
                read_options=arrow.ReadOptions(block_size=BLOCK, column_names=names, skip_rows=1, use_threads=False),
                parse_options=arrow.ParseOptions(delimiter=sign, newlines_in_values=True, invalid_row_handler=odd),
                convert_options=arrow.ConvertOptions(
                    column_types={name: pa.string() for name in wanted},
                    include_columns=list(wanted),
                    strings_can_be_null=False,
                ),
            )
            for batch in reader:
                yield [column.to_pylist() for column in batch.columns]
    except pa.ArrowInvalid as err:
        if "Empty CSV" in str(err):
            return
        # Arrow's own message quotes the row.
        raise ConfigError(f"{path}: not a readable CSV file (UTF-8, one header line, a row a line)") from None
    except OSError as err:
        raise ConfigError(f"{path}: cannot be read ({err.strerror or type(err).__name__})") from None
