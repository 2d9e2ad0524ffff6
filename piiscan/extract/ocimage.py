"""Container images saved as a tar (`docker save`, OCI layouts): where their files stand, layers in their order.

Source: Docker image specification v1.2, "Combined image JSON + filesystem changeset format"; OCI image layout and
image manifest specifications 1.1.
"""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator
from typing import Any, BinaryIO

_FIRST = re.compile(
    rb"(?:\./)?(?:blobs/|oci-layout|index\.json|manifest\.json|repositories|(?:sha256:)?[0-9a-f]{64}(?:/|\.json|\0))"
)
_ENTRIES = 100_000
_JSON = 16 << 20
"""Bytes of a manifest that is still read."""
_MANIFESTS = 1_000

Entry = tuple[str, int, int]
"""Name, offset and size of a file in the tar."""


def is_image(stream: BinaryIO) -> bool:
    """Whether the first entry of a tar is one that only images begin with; the position is kept."""
    if stream.seekable():
        begin = stream.tell()
        head = stream.read(512)
        stream.seek(begin)
    elif isinstance(stream, io.BufferedReader):
        head = stream.peek(512)[:512]
    else:
        return False
    return _FIRST.match(head) is not None


def layers(stream: BinaryIO) -> list[Entry]:
    """All files of an image, manifests first, then the layers from the lowest up, then the rest.

    Empty when there is no manifest, or when the tar has what only a full reader knows (long names, sparse files).
    Manifest lists are followed. The position is kept.
    """
    begin = stream.tell()
    try:
        entries = list(_entries(stream, begin))
        by_name = {name.removeprefix("./"): (name, at, size) for name, at, size in entries}
        first, order = _order(stream, by_name)
    except (ValueError, OSError, TypeError, AttributeError):
        # A manifest that is damaged: the files are read in the order of the tar.
        return []
    finally:
        stream.seek(begin)
    if not order:
        return []
    picked = [by_name[name] for name in dict.fromkeys((*first, *order)) if name in by_name]
    known = {entry[1] for entry in picked}
    return picked + [entry for entry in entries if entry[1] not in known]


def _entries(stream: BinaryIO, at: int) -> Iterator[Entry]:
    """The files with content. Raises: ValueError for what is not plain, or when the tar breaks off."""
    end = stream.seek(0, io.SEEK_END)
    for _ in range(_ENTRIES):
        stream.seek(at)
        head = stream.read(512)
        if len(head) < 512 or not head[0]:
            return
        kind = head[156:157]
        size = int(head[124:136].strip(b"\0 ") or b"0", 8)
        if kind not in (b"\0", b"0", b"1", b"2", b"5") or size < 0:
            raise ValueError
        is_file = kind in (b"\0", b"0")
        if is_file and size:
            if at + 512 + size > end:
                raise ValueError
            prefix = head[345:500].split(b"\0")[0] if head[257:263] == b"ustar\0" else b""
            name = head[:100].split(b"\0")[0]
            yield (prefix + b"/" + name if prefix else name).decode("utf-8", "surrogateescape"), at + 512, size
        at += 512 + ((size + 511) // 512 * 512 if is_file else 0)
    raise ValueError


def _order(stream: BinaryIO, entries: dict[str, Entry]) -> tuple[list[str], list[str]]:
    """Names of the manifests, and those of the layers in the order in which they lie one over the other."""
    first: list[str] = []
    order: list[str] = []
    listed = _loaded(stream, entries.get("manifest.json"))
    for image in listed if isinstance(listed, list) else []:
        if isinstance(image, dict):
            first.append(str(image.get("Config", "")))
            order += [str(name) for name in image.get("Layers") or []]
    if order:
        return ["manifest.json", *first], order
    todo = [_loaded(stream, entries.get("index.json"))]
    for _ in range(_MANIFESTS):
        if not todo:
            break
        manifest = todo.pop(0)
        if not isinstance(manifest, dict):
            continue
        for kind in ("manifests", "layers"):
            for item in manifest.get(kind) or []:
                name = _blob(item)
                if kind == "layers":
                    order.append(name)
                elif name not in first:
                    first.append(name)
                    todo.append(_loaded(stream, entries.get(name)))
    return ["index.json", *first], order


def _blob(item: Any) -> str:
    digest = str(item.get("digest", "")) if isinstance(item, dict) else ""
    return "blobs/" + digest.replace(":", "/", 1)


def _loaded(stream: BinaryIO, entry: Entry | None) -> Any:
    if entry is None or entry[2] > _JSON:
        return None
    stream.seek(entry[1])
    try:
        return json.loads(stream.read(entry[2]))
    except RecursionError:
        return None
