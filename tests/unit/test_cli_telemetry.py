"""Telemetry from the command line: served, sent and written down where that is asked for, and never on the screen."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.cli_harness import Shell, by_step, use_script
from tests.harness import answer
from workbench.cli import screen
from workbench.config.settings import Settings, find_places
from workbench.providers.scripted import Turn
from workbench.telemetry.span_ids import trace_id
from workbench.tools.declaring import tool

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Return a shell with a state folder of its own."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return Shell(tmp_path / "runs.db", capsys)


def log_lines() -> list[dict[str, object]]:
    """Return what is in the log."""
    log = find_places().log
    return [json.loads(line) for line in log.read_text("utf-8").splitlines()] if log.exists() else []


def free_port() -> int:
    """Return a port that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def collector() -> Iterator[tuple[str, list[ExportTraceServiceRequest]]]:
    """Give a collector's address and what it got."""
    got: list[ExportTraceServiceRequest] = []

    class Takes(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(ExportTraceServiceRequest.FromString(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Takes) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", got
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("kind", ["run", "resume", "fork"])
def test_metrics_are_served_while_the_command_lives(shell: Shell, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    """Prometheus can ask while a run goes on, and the port is free afterwards."""
    port, pages = free_port(), list[str]()

    @tool(read_only=True)
    def scrape() -> str:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answered:
            pages.append(answered.read().decode())
        return "ok"

    use_script(monkeypatch, by_step([Turn(calls=[("scrape", {})]), answer()]), [scrape])
    if kind == "run":
        printed = shell("run", "x", "--headless", "--metrics-port", str(port))
    else:
        shell("run", "x", "--headless", "--plan", "off", "--break", "tool:scrape")
        more = ["--at", "0", "--headless"] if kind == "fork" else ["--headless"]
        printed = shell("--metrics-port", str(port), kind, "@last", *more)
    assert printed.code == 0, printed
    assert "workbench_model_requests" in pages[-1]
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_a_port_that_cannot_be_had_is_refused(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sentence says what is wrong, and nothing was begun."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for words in (["run", "x", "--headless"], ["run", "x", "--json"]):
            said = shell.refused(*words, "--metrics-port", port)
            assert said == f"metrics cannot be served on port {port}: it is in use; name another"
        monkeypatch.setattr("workbench.cli.home.on_screen", lambda _: True)
        monkeypatch.setattr(screen, "_show", lambda *_, **__: pytest.fail("the screen was shown"))
        assert shell.refused("--metrics-port", port) == said


@pytest.mark.parametrize("port", ["0", "65536", "-1", "x", "99999999999999999999"])
def test_a_port_that_is_none_is_refused(shell: Shell, port: str) -> None:
    """What cannot be a port is said to be none."""
    said = shell.refused("run", "x", "--headless", f"--metrics-port={port}")
    assert f"argument --metrics-port: expected a port from 1 to 65535, not {port!r}" in said


def test_the_home_screen_serves_metrics(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever keeps the workbench open can have it watched."""
    port, pages = free_port(), list[str]()

    def show(*_: object, **__: object) -> None:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answered:
            pages.append(answered.read().decode())

    monkeypatch.setattr("workbench.cli.home.on_screen", lambda _: True)
    monkeypatch.setattr(screen, "_show", show)
    assert shell("--metrics-port", str(port)).code == 0
    assert "workbench_aggregation_seconds" in pages[0]


def test_commands_that_drive_nothing_refuse_it(shell: Shell) -> None:
    """What would have no effect is an error."""
    said = shell.refused("--metrics-port", "9999", "runs")
    assert said == "--metrics-port and --otel are for commands that drive runs, not for runs"
    assert "not for show" in shell.refused("--otel", "show", "@last")


@pytest.mark.parametrize(
    ("words", "missing", "said"),
    [
        (["--metrics-port", "9999"], "prometheus_client", "metrics need an extra: pip install 'workbench[metrics]'"),
        (["--otel"], "opentelemetry.sdk.trace", "spans need an extra: pip install 'workbench[otel]'"),
    ],
)
def test_an_extra_that_is_not_installed_is_named(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, words: list[str], missing: str, said: str
) -> None:
    """Whoever asks for it learns what to install."""
    monkeypatch.setitem(sys.modules, missing, None)
    assert shell.refused("run", "x", "--headless", *words) == said


def test_the_settings_may_ask_for_spans(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """`otel = true` is `--otel` for good."""
    monkeypatch.setattr("workbench.cli.workplace.load_settings", lambda _: Settings(otel=True))
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    assert "workbench[otel]" in shell.refused("run", "x", "--headless")


def test_an_environment_for_others_is_no_error(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Variables that are set for all programs of a machine stop none of ours."""
    use_script(monkeypatch, by_step([answer()]))
    monkeypatch.setenv(ENDPOINT, "http://127.0.0.1:1")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    assert shell("run", "x", "--headless").code == 0
    assert "spans are not sent" in str([line["message"] for line in log_lines()])


@pytest.mark.parametrize("otel", [[], ["--otel"]])
def test_spans_go_where_the_environment_says(shell: Shell, monkeypatch: pytest.MonkeyPatch, otel: list[str]) -> None:
    """A collector gets the spans of a run before the command ends."""
    use_script(monkeypatch, by_step([Turn(calls=[("no_such_tool", {})]), answer()]))
    monkeypatch.setenv("OTEL_SERVICE_NAME", "mine")
    with collector() as (address, got):
        monkeypatch.setenv(ENDPOINT, address)
        printed = shell("run", "x", "--json", "--plan", "off", *otel)
    assert printed.code == 0
    resources = [resource for request in got for resource in request.resource_spans]
    spans = [span for resource in resources for scope in resource.scope_spans for span in scope.spans]
    chats, calls = ["chat scripted"] * 2, ["execute_tool submit_answer"]
    assert sorted(span.name for span in spans) == [*chats, *calls, "invoke_agent researcher"]
    assert {span.trace_id for span in spans} == {trace_id(shell.last()).to_bytes(16, "big")}
    named = {item.key: item.value.string_value for item in resources[0].resource.attributes}
    assert named["service.name"] == "mine"


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {ENDPOINT: "ADDRESS", "OTEL_SDK_DISABLED": "true"},
        {ENDPOINT: "ADDRESS", "OTEL_TRACES_EXPORTER": "none"},
    ],
)
def test_nothing_is_sent_unless_it_is_asked_for(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]
) -> None:
    """No variable, no spans; and those that turn it off for all programs do so here."""
    use_script(monkeypatch, by_step([answer()]))
    with collector() as (address, got):
        for name, value in environ.items():
            monkeypatch.setenv(name, value.replace("ADDRESS", address))
        assert shell("run", "x", "--headless").code == 0
    assert got == []


def test_a_collector_that_is_not_there_holds_nobody_up(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run ends as ever, the end waits no longer than it must, and only the log says that spans were lost."""
    monkeypatch.setattr("workbench.telemetry.tracing.LEAVE_SECONDS", 0.2)
    use_script(monkeypatch, by_step([answer()]))
    monkeypatch.setenv(ENDPOINT, f"http://127.0.0.1:{free_port()}")
    printed = shell("run", "x", "--json")
    assert printed.code == 0
    assert all(json.loads(line) for line in printed.out.splitlines())
    assert "opentelemetry" not in printed.err + shell.said()


def test_a_collector_that_says_nothing_is_left_behind(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """The end of the program waits for a collector a moment, and what it says later is not printed."""
    monkeypatch.setattr("workbench.telemetry.tracing.LEAVE_SECONDS", 0.05)
    monkeypatch.setattr(logging.getLogger("opentelemetry"), "handlers", [])
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    use_script(monkeypatch, by_step([answer()]))
    before = {*threading.enumerate()}
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        monkeypatch.setenv(ENDPOINT, f"http://127.0.0.1:{silent.getsockname()[1]}")
        assert shell("run", "x", "--headless").code == 0
        (left,) = [thread for thread in {*threading.enumerate()} - before if thread.name == "workbench-spans"]
    left.join()
    assert any(isinstance(handler, logging.NullHandler) for handler in logging.getLogger("opentelemetry").handlers)


def test_the_log_is_written_and_the_doctor_names_it(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a run the log says so, and whoever looks for it finds it."""
    assert "(nothing was written yet)" in shell("doctor").out
    use_script(monkeypatch, by_step([answer()]))
    plain, verbose = shell("run", "x", "--json"), shell("run", "x", "--json", "--verbose")
    assert all(json.loads(line) for printed in (plain, verbose) for line in printed.out.splitlines())
    assert verbose.err == plain.err
    runs = [line for line in log_lines() if line["logger"] == "workbench.run"]
    first, second = (sum(line["run"] == run["id"] for line in runs) for run in reversed(shell.runs()))
    assert (first, second > first) == (2, True)
    assert str(find_places().log) in shell("doctor").out
    assert find_places().log == Path(os.environ["XDG_STATE_HOME"]) / "workbench" / "workbench.log"


def test_commands_that_only_look_write_no_log(shell: Shell) -> None:
    """Listing runs leaves nothing behind."""
    shell("runs")
    shell("--verbose", "doctor")
    assert not find_places().log.exists()


def test_what_is_not_asked_for_is_not_loaded(tmp_path: Path) -> None:
    """A run without telemetry loads no kit of it."""
    program = (
        "import sys; from workbench.__main__ import main; code = main(sys.argv[1:]); "
        "print(code, *sorted(sys.modules), sep='\\n', file=sys.stderr)"
    )
    words = ["--db", str(tmp_path / "runs.db"), "run", "What is a list?", "--headless", "--plan", "off"]
    run = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True, check=False)
    loaded = set(run.stderr.splitlines())
    assert "0" in loaded, run.stderr
    assert "workbench.telemetry.observer" in loaded
    kits = {"prometheus_client", "opentelemetry.sdk", "workbench.telemetry.prometheus", "workbench.telemetry.spans"}
    assert not loaded & kits
