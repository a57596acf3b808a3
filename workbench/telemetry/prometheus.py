"""Metrics for Prometheus; those of the command line are served on loopback from its start to its end.

Every measurement is a fact's; the names here are what dashboards and alerts are written against, so they stay.
"""

from __future__ import annotations

import errno
import io
import logging
import sys
import threading
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from workbench.driver.feed import Trouble
from workbench.errors import UserError
from workbench.telemetry.facts import CallEnded, Fact, FellBack, ModelAgain, StepMeasured, ToolAgain, TurnEnded
from workbench.telemetry.labels import MOST_MODELS, MOST_TOOLS, Names, model_name

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

LOOPBACK: Final = "127.0.0.1"
STOP_SECONDS: Final = 0.05
"""How often the server looks whether it is to end."""
MODEL_BUCKETS: Final = (0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
TOOL_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
STEP_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.2, 0.5, 1.0, 5.0, 30.0)
"""Finest around what `config.targets` wants of a step."""
MISSING: Final = "metrics need an extra: pip install 'workbench[metrics]'"


class Metrics:
    """Counts facts in a registry: one of its own, unless another is given."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        """Raise `UserError` where the extra is not installed."""
        try:
            from prometheus_client import CollectorRegistry, Counter, Histogram
        except ModuleNotFoundError:
            raise UserError(MISSING) from None
        self.registry = registry = registry or CollectorRegistry()
        self._models, self._tools = Names(MOST_MODELS), Names(MOST_TOOLS)

        def counter(name: str, what: str, *labels: str) -> Counter:
            return Counter(f"workbench_{name}", what, labels, registry=registry)

        def histogram(name: str, what: str, buckets: tuple[float, ...], *labels: str) -> Histogram:
            return Histogram(f"workbench_{name}", what, labels, buckets=buckets, registry=registry)

        self._requests = counter("model_requests", "Requests to a model, each attempt.", "model", "status")
        self._model_seconds = histogram(
            "model_latency_seconds", "From a request to the last byte of a whole turn.", MODEL_BUCKETS, "model"
        )
        self._model_retries = counter("model_retries", "Turns that broke and were tried again.", "model")
        self._tokens = counter("tokens", "Tokens as the provider counts them.", "model", "kind")
        self._cost = counter("cost_dollars", "What turns cost, where their price is known.", "model")
        self._unpriced = counter("unpriced_turns", "Turns whose price is not known.", "model")
        self._tool_seconds = histogram(
            "tool_latency_seconds", "From a call's start to its tool's result.", TOOL_BUCKETS, "tool", "status"
        )
        self._tool_retries = counter(
            "tool_retries", "Attempts of calls that failed and were followed by another.", "tool"
        )
        self._aggregation = histogram(
            "aggregation_seconds", "From the last result of a step to the next request.", STEP_BUCKETS
        )
        self._whole = histogram(
            "calls_to_results_seconds", "From the end of a turn to the request with its results.", STEP_BUCKETS
        )
        self._fallbacks = counter("fallbacks", "Runs that went sequential because calls failed.", "model")
        self._deeds: dict[type[Any], Any] = {
            TurnEnded: self._turn, CallEnded: self._call, StepMeasured: self._step,
            ModelAgain: lambda fact: self._model_retries.labels(self._model(fact.model)).inc(),
            ToolAgain: lambda fact: self._tool_retries.labels(self._tools(fact.tool)).inc(),
            FellBack: lambda fact: self._fallbacks.labels(self._model(fact.stretch.model)).inc(),
        }  # fmt: skip

    def take(self, fact: Fact | Trouble) -> None:
        """Count one."""
        deed = self._deeds.get(type(fact))
        if deed is not None:
            deed(fact)

    def close(self) -> None:
        """Do nothing: the registry goes with the program."""

    def _model(self, model: str) -> str:
        return self._models(model_name(model))

    def _turn(self, fact: TurnEnded) -> None:
        model, usage = self._model(fact.model), fact.usage
        self._requests.labels(model, fact.status).inc()
        if fact.seconds is not None:
            self._model_seconds.labels(model).observe(fact.seconds)
        for kind, count in (
            ("input", usage.input_tokens), ("output", usage.output_tokens),
            ("cache_read", usage.cache_read_tokens), ("cache_write", usage.cache_write_tokens),
        ):  # fmt: skip
            if count > 0:
                self._tokens.labels(model, kind).inc(count)
        if usage.cost is None:
            self._unpriced.labels(model).inc()
        else:
            self._cost.labels(model).inc(usage.cost)

    def _call(self, fact: CallEnded) -> None:
        if fact.seconds is not None:
            self._tool_seconds.labels(self._tools(fact.tool), fact.status).observe(fact.seconds)

    def _step(self, fact: StepMeasured) -> None:
        self._aggregation.observe(fact.aggregation)
        self._whole.observe(fact.whole)


class MetricsServer:
    """Answers on loopback, on daemon threads of its own; port 0 takes any that is free."""

    def __init__(self, registry: CollectorRegistry, port: int) -> None:
        """Raise `UserError` where the port cannot be had."""
        from prometheus_client import make_wsgi_app

        try:
            self._server = make_server(LOOPBACK, port, make_wsgi_app(registry), _Server, _Quiet)
        except OSError as error:
            known = {errno.EADDRINUSE: "it is in use; name another", errno.EACCES: "this user may not use it"}
            why = known.get(error.errno or 0, error.strerror or str(error))
            raise UserError(f"metrics cannot be served on port {port}: {why}") from None
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(STOP_SECONDS,), name="workbench-metrics", daemon=True
        )
        self._thread.start()

    @property
    def address(self) -> str:
        """Where the metrics are."""
        return f"http://{LOOPBACK}:{self._server.server_port}/metrics"

    def close(self) -> None:
        """Answer no more, and give the port back."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class ServedMetrics(Metrics):
    """Metrics that are served while they are counted."""

    def __init__(self, port: int) -> None:
        """Raise `UserError` where the extra is not installed or the port cannot be had."""
        super().__init__()
        self._served = MetricsServer(self.registry, port)

    def close(self) -> None:
        """Serve no more."""
        self._served.close()


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ARG002 - the base class' names
        """Write it down; the base class prints it over the screen."""
        logging.getLogger("workbench.telemetry").debug("a scrape broke off: %r", sys.exc_info()[1])


class _Quiet(WSGIRequestHandler):
    """Writes nothing over the screen."""

    timeout = 10
    """Seconds: nobody keeps a thread by saying nothing."""

    def get_stderr(self) -> Any:
        """Return where the kit writes tracebacks."""
        return io.StringIO()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class' name
        """Say nothing."""
