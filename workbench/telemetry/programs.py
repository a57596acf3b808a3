"""`observe`: what a program says to have its runs counted and traced. Until it does, nothing is imported for it.

A run is followed where it goes on, on the program's own event loop: each of its events makes facts at once. No server
is started, and what a registry or a provider holds stays there.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from importlib.util import find_spec
from types import TracebackType
from typing import TYPE_CHECKING, Self

from workbench.errors import UserError

if TYPE_CHECKING:
    from opentelemetry.trace import TracerProvider
    from prometheus_client import CollectorRegistry

    from workbench.events.base import Recorded
    from workbench.telemetry.facts import Kin
    from workbench.telemetry.nested_spans import NestedSpans
    from workbench.telemetry.prometheus import Metrics

MISSING = "there is nothing to observe with: pip install 'workbench[metrics]' or 'workbench[otel]'"


def observe(
    *, metrics: CollectorRegistry | bool | None = None, spans: TracerProvider | bool | None = None
) -> Observation:
    """Let all runs that this program begins from now on be counted, and be spans below its current one.

    `metrics` is a registry of Prometheus, True for its default one; `spans` a provider of OpenTelemetry, True for the
    one that the program has set. What is not said is done where its kit is installed; raises `UserError` where one is
    missing that was asked for. Another call takes the place of the one before; `close` ends it, as does leaving
    `with observe():`.
    """
    if metrics is False and spans is False:
        raise UserError("metrics=False and spans=False leave nothing to observe; leave one of them out")
    metrics = _is_installed("prometheus_client") if metrics is None else metrics
    spans = _is_installed("opentelemetry.trace") if spans is None else spans
    if metrics is False and spans is False:
        raise UserError(MISSING)
    _CURRENT[:] = [Observation(metrics, spans)]
    return _CURRENT[0]


class Observation:
    """What is made of the runs of a program."""

    def __init__(self, metrics: CollectorRegistry | bool, spans: TracerProvider | bool) -> None:
        self._metrics = None if metrics is False else _metrics_in(None if metrics is True else metrics)
        self._spans = None if spans is False else _spans_of(None if spans is True else spans)

    def __enter__(self) -> Self:
        """Observe as long as the block goes on."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Observe no more."""
        self.close()

    def close(self) -> None:
        """Observe no run that begins from here on; what goes on is told to its end."""
        if self in _CURRENT:
            _CURRENT.remove(self)

    def follow(self, find_kin: Callable[[str], Kin | None]) -> Followed:
        """Follow a run that begins where this is called."""
        return Followed(find_kin, self._metrics, self._spans() if self._spans is not None else None)


class Followed:
    """A run of a program and its subagents, followed to where it rests."""

    def __init__(
        self, find_kin: Callable[[str], Kin | None], metrics: Metrics | None, spans: NestedSpans | None
    ) -> None:
        from workbench.telemetry.deriving import Deriver
        from workbench.telemetry.telling import Telling

        self._deriver, self._spans = Deriver(find_kin), spans
        self._telling = Telling([teller for teller in (metrics, spans) if teller is not None])
        self._at = 0.0

    def take(self, record: Recorded) -> None:
        """Tell what follows from the next event of one of them."""
        self._at = record.at
        self._telling.tell(self._deriver.take(record))

    def around_call(self, run: str, call: str) -> AbstractContextManager[object]:
        """Return what a call is started in, so that what its tool traces stands below it."""
        return self._spans.around_call(run, call) if self._spans is not None else nullcontext()

    def close(self) -> None:
        """Tell that what still moves is left."""
        self._telling.tell(self._deriver.leave(self._at))
        self._telling.close()


def followed(find_kin: Callable[[str], Kin | None] = lambda _: None) -> Followed | None:
    """Return what follows a run that begins here; None where nobody observes. `find_kin` knows runs that go on."""
    return _CURRENT[0].follow(find_kin) if _CURRENT else None


_CURRENT: list[Observation] = []
"""What observes; one at most."""
_METRICS: dict[CollectorRegistry, Metrics] = {}
"""What counts in a registry, which takes each name once; both stay as long as the program."""


def _is_installed(kit: str) -> bool:
    try:
        return find_spec(kit) is not None
    except ModuleNotFoundError:  # what it is a part of is missing
        return False


def _metrics_in(registry: CollectorRegistry | None) -> Metrics:
    from workbench.telemetry.prometheus import MISSING as NO_METRICS
    from workbench.telemetry.prometheus import Metrics

    try:
        from prometheus_client import REGISTRY
    except ModuleNotFoundError:
        raise UserError(NO_METRICS) from None
    registry = registry or REGISTRY
    if registry not in _METRICS:
        _METRICS[registry] = Metrics(registry)
    return _METRICS[registry]


def _spans_of(provider: TracerProvider | None) -> Callable[[], NestedSpans]:
    from workbench.telemetry.genai import captures_content
    from workbench.telemetry.tracing import MISSING as NO_SPANS

    try:
        from opentelemetry.trace import get_tracer_provider

        from workbench.telemetry.nested_spans import NestedSpans, Remembered
    except ModuleNotFoundError:
        raise UserError(NO_SPANS) from None
    remembered, content = Remembered(), captures_content(os.environ)

    def spans() -> NestedSpans:
        return NestedSpans(provider or get_tracer_provider(), remembered, content=content)

    return spans
