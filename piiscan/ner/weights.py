"""The file of weights: arrays behind a header, mapped into memory so that processes share them.

Format: safetensors (eight bytes of length, a JSON header of `dtype`, `shape` and `data_offsets` by name, the bytes).
"""

from __future__ import annotations

import hashlib
import json
import mmap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from piiscan.errors import ConfigError

Arrays = dict[str, npt.NDArray[Any]]

_TYPES = {"F32": "<f4", "F16": "<f2", "I8": "<i1", "U16": "<u2", "U32": "<u4"}
_NAMES = {np.dtype(code): name for name, code in _TYPES.items()}
_ALIGN = 64


def read(path: Path, sha256: str = "") -> tuple[Arrays, dict[str, str]]:
    """The arrays of a file and its notes.

    Raises: ConfigError naming the file, and the digest when that is not `sha256`.
    """
    try:
        with path.open("rb") as file:
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as err:
        raise ConfigError(f"{path}: the model that finds names cannot be read ({type(err).__name__})") from None
    if sha256 and (found := hashlib.sha256(mapped).hexdigest()) != sha256:
        raise ConfigError(f"{path}: the model that finds names is damaged: its SHA-256 is {found}, not {sha256}")
    data = np.frombuffer(mapped, np.uint8)
    try:
        size = int.from_bytes(bytes(data[:8]), "little")
        header = json.loads(bytes(data[8 : 8 + size]))
        notes = header.pop("__metadata__", {})
        return {name: _array(data[8 + size :], entry) for name, entry in header.items()}, dict(notes)
    except (ValueError, KeyError, TypeError, IndexError) as err:
        raise ConfigError(f"{path}: the model that finds names is damaged ({type(err).__name__})") from None


def _array(data: npt.NDArray[np.uint8], entry: Mapping[str, Any]) -> npt.NDArray[Any]:
    begin, end = entry["data_offsets"]
    return data[begin:end].view(_TYPES[entry["dtype"]]).reshape(entry["shape"])


def write(path: Path, arrays: Mapping[str, npt.NDArray[Any]], notes: Mapping[str, str]) -> str:
    """Write a file; its SHA-256. The same arrays give the same bytes."""
    header: dict[str, Any] = {"__metadata__": dict(sorted(notes.items()))}
    parts: list[bytes] = []
    at = 0
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        content = array.astype(array.dtype.newbyteorder("<")).tobytes()
        header[name] = {
            "dtype": _NAMES[array.dtype], "shape": list(array.shape), "data_offsets": [at, at + len(content)],
        }  # fmt: skip
        fill = -len(content) % _ALIGN
        parts.append(content + bytes(fill))
        at += len(content) + fill
    head = json.dumps(header, sort_keys=True).encode()
    head += b" " * (-(len(head) + 8) % _ALIGN)
    whole = len(head).to_bytes(8, "little") + head + b"".join(parts)
    path.write_bytes(whole)
    return hashlib.sha256(whole).hexdigest()
