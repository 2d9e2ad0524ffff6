"""Lines held against the service models of botocore, more strictly than its own validator does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.loaders
import botocore.model
import botocore.validate


@cache
def aws(service: str, shape: str) -> Any:
    """A shape of an AWS service."""
    model = botocore.loaders.Loader().load_service_model(service, "service-2")
    return botocore.model.ServiceModel(model).shape_for(shape)


def unknown(value: Any, shape: Any, path: str = "") -> Iterator[str]:
    """What botocore's validator lets through: unknown members, values that an enumeration lacks, empty strings."""
    if shape.type_name == "structure":
        for key, inner in value.items():
            if key in shape.members:
                yield from unknown(inner, shape.members[key], f"{path}.{key}")
            else:
                yield f"{path}.{key}: unknown"
    elif shape.type_name in ("list", "map"):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from unknown(inner, shape.value if isinstance(value, dict) else shape.member, f"{path}[]")
    elif shape.type_name == "string":
        if getattr(shape, "enum", None) and value not in shape.enum:
            yield f"{path}: {value}"
        if (pattern := shape.metadata.get("pattern")) and not re.search(pattern, value):
            yield f"{path}: does not match"


def wrong(value: Any, shape: Any) -> list[str]:
    """All that is wrong with a value of a shape."""
    report = botocore.validate.ParamValidator().validate(value, shape)
    return [*([report.generate_report()] if report.has_errors() else []), *unknown(value, shape)]
