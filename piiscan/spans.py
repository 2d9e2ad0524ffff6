"""Traces of a run for OpenTelemetry: the extra `otel`, with `OTEL_EXPORTER_OTLP_ENDPOINT` or `..._TRACES_ENDPOINT` set.

Without both nothing is imported and each hook costs a look at a variable of this module. A span has numbers and names
of sources, never the key of an object, a value, or the message of an error: that may quote either.
Source: OpenTelemetry specification, "OpenTelemetry Protocol Exporter" (variables; OTLP over HTTP with protobuf).
"""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")
T = TypeVar("T")
Attribute = str | int | float | bool

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_OFF: AbstractContextManager[None] = nullcontext()


@functools.cache
def _tracer() -> Any:
    """The tracer; None when traces are off."""
    if not any(os.environ.get(name) for name in ENDPOINTS):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:  # the extra is not installed
        return None
    from piiscan import __version__

    given = {"service.version": __version__}
    if not os.environ.get("OTEL_SERVICE_NAME"):
        given["service.name"] = "piiscan"
    provider = TracerProvider(resource=Resource.create(given))  # it is flushed when the process ends
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider.get_tracer("piiscan", __version__)


def _named(attributes: Mapping[str, Attribute]) -> dict[str, Attribute]:
    return {f"piiscan.{name}": value for name, value in attributes.items()}


def _fail(made: Any, err: BaseException) -> None:
    """Mark a span as broken, by the kind of the error alone."""
    from opentelemetry.trace import Status, StatusCode

    made.set_status(Status(StatusCode.ERROR, type(err).__name__))
    made.set_attribute("error.type", type(err).__name__)


def span(name: str, **attributes: Attribute) -> AbstractContextManager[None]:
    """A block as a span, child of the block around it. Not for a block of a generator that yields: see `listed`."""
    return _OFF if _tracer() is None else _span(name, attributes)


@contextmanager
def _span(name: str, attributes: dict[str, Attribute]) -> Iterator[None]:
    options = {"record_exception": False, "set_status_on_exception": False}
    with _tracer().start_as_current_span(name, attributes=_named(attributes), **options) as made:
        try:
            yield
        except BaseException as err:
            _fail(made, err)
            raise


def spanned(name: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """A function whose calls are spans."""

    def wrap(function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            with span(name):
                return function(*args, **kwargs)

        return call

    return wrap


def note(**attributes: Attribute) -> None:
    """Attributes for the span of the block that this is in."""
    if _tracer() is not None:
        from opentelemetry.trace import get_current_span

        get_current_span().set_attributes(_named(attributes))


def listed(name: str, items: Iterable[T], **attributes: Attribute) -> Iterable[T]:
    """The same items, and a span from the first that is asked for to the last; how many, and the seconds they took."""
    return items if _tracer() is None else _listed(name, items, attributes)


def _listed(name: str, items: Iterable[T], attributes: dict[str, Attribute]) -> Iterator[T]:
    made = _tracer().start_span(name, attributes=_named(attributes))
    count, waited, asked = 0, 0.0, time.monotonic()
    try:
        for item in items:
            waited += time.monotonic() - asked
            count += 1
            yield item
            asked = time.monotonic()
    except BaseException as err:
        if not isinstance(err, GeneratorExit):
            _fail(made, err)
        raise
    finally:
        made.set_attributes(_named({"objects": count, "seconds_waited": round(waited, 6)}))
        made.end()


def began() -> int:
    """Now, for `record`; nanoseconds since 1970."""
    return time.time_ns()


def record(name: str, since: int, attributes: Mapping[str, Attribute], *, error: str = "") -> None:
    """A span from `since` to now, of what another process did; child of the block that this is in."""
    tracer = _tracer()
    if tracer is None:
        return
    made = tracer.start_span(name, start_time=since, attributes=_named(attributes))
    if error:
        from opentelemetry.trace import Status, StatusCode

        made.set_status(Status(StatusCode.ERROR, error))
    made.end()
