"""From what a person asked for to an observer that tells it; what is not asked for is not imported."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from workbench.driver.driver import Driver
from workbench.errors import UserError
from workbench.telemetry.log_lines import LogLines
from workbench.telemetry.observer import Observer
from workbench.telemetry.telling import Teller
from workbench.telemetry.watching import Watching

ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
"""Variables of the environment that say where spans go."""

logger = logging.getLogger("workbench.telemetry")


@contextmanager
def telemetry(driver: Driver, watching: Watching, environ: Mapping[str, str] = os.environ) -> Iterator[None]:
    """Observe a driver that is not started yet, until after it was closed.

    Raises `UserError` where what was asked for cannot be had.
    """
    tellers: list[Teller] = [LogLines()]
    if watching.metrics_port is not None:
        from workbench.telemetry.prometheus import ServedMetrics

        tellers.append(ServedMetrics(watching.metrics_port))
    try:
        if (spans := _spans(watching, environ)) is not None:
            tellers.append(spans)
        observer = Observer(driver, tellers)
    except BaseException:
        for teller in tellers:
            teller.close()
        raise
    observer.start()
    try:
        yield
    finally:
        observer.close()


def wants_spans(environ: Mapping[str, str]) -> bool:
    """Whether the environment says that spans are to be sent, and where."""
    exporters = environ.get("OTEL_TRACES_EXPORTER", "otlp").split(",")
    return any(environ.get(name) for name in ENDPOINTS) and "otlp" in (name.strip() for name in exporters)


def _spans(watching: Watching, environ: Mapping[str, str]) -> Teller | None:
    """Return what sends spans where that is wanted; an environment that wants it for others too is never an error."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return None
    if not watching.otel and not wants_spans(environ):
        return None
    from workbench.telemetry.tracing import sent_spans

    try:
        return sent_spans(environ)
    except UserError as error:
        if watching.otel:
            raise
        logger.warning("spans are not sent: %s", error)
        return None
