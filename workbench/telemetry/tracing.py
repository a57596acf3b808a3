"""Spans on their way to a collector, by OTLP over HTTP, as the standard `OTEL_*` variables say.

The provider is our own: what a program that uses the package, or a tool, does with OpenTelemetry is left alone.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping
from typing import Final

from workbench.errors import UserError
from workbench.telemetry.genai import captures_content
from workbench.telemetry.telling import Teller

LEAVE_SECONDS: Final = 2.0
"""How long the end of the program waits for a collector."""
MISSING: Final = "spans need an extra: pip install 'workbench[otel]'"


def sent_spans(environ: Mapping[str, str]) -> Teller:
    """Return what sends spans; raises `UserError` where the extra is not installed or the environment is wrong."""
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, OTELResourceDetector, Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor

        from workbench.telemetry.spans import GivenIds, Spans
    except ModuleNotFoundError:
        raise UserError(MISSING) from None
    from workbench.version import __version__

    class SentSpans(Spans):
        """Ends in time, whatever the collector does."""

        def close(self) -> None:
            """Send what was not sent yet, as far as that goes quickly."""
            closing = threading.Thread(target=super().close, name="workbench-spans", daemon=True)
            closing.start()
            closing.join(LEAVE_SECONDS)

    logging.getLogger("opentelemetry").addHandler(logging.NullHandler())  # else its last words go to the screen
    ids = GivenIds()
    try:
        named = Resource.create({SERVICE_NAME: "workbench", SERVICE_VERSION: __version__})
        named = named.merge(OTELResourceDetector().detect())  # what a person calls it wins
        provider = TracerProvider(resource=named, id_generator=ids, shutdown_on_exit=False)
        provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    except ValueError as error:
        raise UserError(f"the OTEL_* variables cannot be used: {error}") from None
    return SentSpans(provider, ids, content=captures_content(environ))
