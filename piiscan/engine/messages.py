"""What a conductor writes to a worker: objects and tasks as plain data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from piiscan.model import ObjectRef
from piiscan.ports import Task


def ref_to_json(ref: ObjectRef) -> list[Any]:
    """A ref as plain data, its fields in their order."""
    moment = ref.modified.isoformat() if ref.modified is not None else None
    return [ref.source, ref.key, ref.size, ref.etag, moment, ref.version, ref.denied, ref.handle, ref.part]


def ref_from_json(data: Sequence[Any]) -> ObjectRef:
    """The ref that `ref_to_json` gave."""
    source, key, size, etag, moment, version, denied, handle, part = data
    modified = datetime.fromisoformat(moment) if moment else None
    span = (part[0], part[1]) if part is not None else None
    return ObjectRef(source, key, size, etag, modified, version, denied, handle, part=span)


def task_to_json(task: Task) -> dict[str, Any]:
    """A task as plain data."""
    return {**asdict(task), "key": task.key.hex()}
