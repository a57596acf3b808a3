"""Metrics for Prometheus: each is there after a run that makes it, labels stay few, the server is on loopback."""

from __future__ import annotations

import re
import socket
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import Counter, Histogram

from tests.harness import Rig, answer
from tests.telemetry_kit import SPEC, look, observed, told
from workbench.errors import UserError
from workbench.events.base import Recorded
from workbench.events.call import CallFinished, CallStarted
from workbench.events.request import AssistantMessage, Request, Usage
from workbench.events.run import RunStarted
from workbench.providers.scripted import Turn
from workbench.telemetry.deriving import Deriver
from workbench.telemetry.labels import MOST_TOOLS, OTHER, Names, model_name
from workbench.telemetry.prometheus import Metrics, MetricsServer

DOCS = Path(__file__).parents[2] / "docs"
ALERTS = (DOCS / "examples" / "alerts.yml").read_text("utf-8")


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    """Return a sample's value."""
    return metrics.registry.get_sample_value(name, labels)


@pytest.fixture
def story(tmp_path: Path) -> Metrics:
    """Return what was counted of the story: a retry, a fallback, errors, a subagent."""
    metrics = Metrics()
    told(tmp_path, metrics)
    return metrics


EXPECTED: list[tuple[str, Mapping[str, str], float]] = [
    ("workbench_model_requests_total", {"model": "scripted", "status": "ok"}, 6),
    ("workbench_model_requests_total", {"model": "scripted", "status": "broken"}, 1),
    ("workbench_model_retries_total", {"model": "scripted"}, 1),
    ("workbench_model_latency_seconds_count", {"model": "scripted"}, 6),
    ("workbench_tokens_total", {"model": "scripted", "kind": "input"}, 4 * 100 + 2 * 10),
    ("workbench_tokens_total", {"model": "scripted", "kind": "output"}, 4 * 20 + 2 * 5),
    ("workbench_tokens_total", {"model": "scripted", "kind": "cache_read"}, 4 * 30),
    ("workbench_tokens_total", {"model": "scripted", "kind": "cache_write"}, 4 * 7),
    ("workbench_cost_dollars_total", {"model": "scripted"}, 1.0),
    ("workbench_tool_latency_seconds_count", {"tool": "look", "status": "ok"}, 2),
    ("workbench_tool_latency_seconds_count", {"tool": "flaky", "status": "ok"}, 1),
    ("workbench_tool_latency_seconds_count", {"tool": "breaks", "status": "exception"}, 3),
    ("workbench_tool_latency_seconds_count", {"tool": "spawn_subagent", "status": "ok"}, 1),
    ("workbench_tool_retries_total", {"tool": "flaky"}, 1),
    ("workbench_aggregation_seconds_count", {}, 4),
    ("workbench_calls_to_results_seconds_count", {}, 4),
    ("workbench_fallbacks_total", {"model": "scripted"}, 1),
]


@pytest.mark.parametrize(("name", "labels", "expected"), EXPECTED)
def test_each_metric_counts_what_happened(
    story: Metrics, name: str, labels: Mapping[str, str], expected: float
) -> None:
    """After a run with a retry, a fallback, errors and a subagent every metric has its figure."""
    assert value(story, name, **labels) == expected


def test_a_turn_without_a_price_is_no_free_one(tmp_path: Path) -> None:
    """Cost is of what has a price, and what has none is counted beside it."""
    metrics = Metrics()
    turn = Turn(calls=[("submit_answer", {"answer": "a", "citations": []})], usage=Usage(input_tokens=1, cost=None))
    with observed(rig := Rig(tmp_path, [turn], spec=SPEC), metrics):
        rig.finish(rig.start())
    assert value(metrics, "workbench_unpriced_turns_total", model="scripted") == 1
    assert value(metrics, "workbench_cost_dollars_total", model="scripted") is None


def test_a_model_cannot_make_labels(tmp_path: Path) -> None:
    """However many tools a model makes up, only those that the agent has become labels."""
    names = [f"tool_{number}" for number in range(10_000)]

    def script(request: Request) -> Turn:
        if any(isinstance(message, AssistantMessage) for message in request.messages):
            return answer("done")
        return Turn(calls=[("look", {"word": "a"}), *((names.pop(), {}) for _ in range(200))])

    metrics, refused = Metrics(), 0
    with observed(rig := Rig(tmp_path, script, [look], spec=SPEC), metrics):
        while names:
            state = rig.finish(rig.start())
            assert state.status_and_reason == ("completed", "answered")
            refused += sum(call.has_error for call in state.steps[0].calls.values())
    assert refused == 10_000
    tools = {
        sample.labels["tool"]
        for family in metrics.registry.collect()
        for sample in family.samples
        if "tool" in sample.labels
    }
    assert tools == {"look"}


def test_labels_are_bounded_whatever_the_log_says(tmp_path: Path) -> None:
    """An agent with ten thousand tools makes no more series than fit."""
    metrics, deriver = Metrics(), Deriver(lambda _: None)
    with Rig(tmp_path, [answer("done")], spec=SPEC) as rig:
        run = rig.start()
        rig.finish(run)
        first = rig.history(run).records[0]
    assert isinstance(first.event, RunStarted)
    records = [first]
    for number in range(10_000):
        call, seq = f"0.{number}", len(records)
        started: dict[str, Any] = {
            "tool": f"tool {number}\n",
            "input": {},
            "effect": "read_only",
            "permission": "allow",
        }
        ended: dict[str, Any] = {"outcome": "ok", "elapsed": 0.1, "size": 0, "first_line": "", "is_error": False}
        records.append(Recorded(run, seq, 0.0, CallStarted(call=call, **started)))
        records.append(Recorded(run, seq + 1, 0.0, CallFinished(call=call, **ended)))
    for record in records:
        for fact in deriver.take(record):
            metrics.take(fact)
    count = "workbench_tool_latency_seconds_count"
    assert value(metrics, count, tool=OTHER, status="ok") == 10_000 - MOST_TOOLS
    assert len(metrics._tools._known) == MOST_TOOLS


def test_names_beyond_the_bound_are_other() -> None:
    """The first come keep their names."""
    names = Names(2)
    assert [names(name) for name in ("a", "b", "c", "a", "", "x" * 101)] == ["a", "b", OTHER, "a", OTHER, OTHER]


@pytest.mark.parametrize(
    ("model", "label"),
    [
        ("offline", "offline"),
        ("anthropic:claude-sonnet-4-5", "anthropic:claude-sonnet-4-5"),
        ("openai-chat:qwen3@https://me:secret@host/v1", "openai-chat:qwen3"),
        ("recorded:00112233", "recorded"),
    ],
)
def test_a_label_of_a_model_has_no_address(model: str, label: str) -> None:
    """A server's address, and the password in it, is no label."""
    assert model_name(model) == label


def test_metrics_are_served_on_loopback_until_they_are_closed(
    story: Metrics, capsys: pytest.CaptureFixture[str]
) -> None:
    """Prometheus finds them there, and nobody prints anything."""
    server = MetricsServer(story.registry, 0)
    assert server.address.startswith("http://127.0.0.1:")
    with urllib.request.urlopen(server.address) as answered:
        page = answered.read().decode()
    assert 'workbench_model_requests_total{model="scripted",status="ok"} 6.0' in page
    buckets = re.findall(r'workbench_model_latency_seconds_bucket\{le="([^"]+)"', page)
    assert buckets == ["0.1", "0.5", "1.0", "2.0", "5.0", "10.0", "30.0", "60.0", "+Inf"]
    port = int(server.address.rpartition(":")[2].partition("/")[0])
    server.close()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0
    assert capsys.readouterr() == ("", "")


def test_a_port_in_use_is_said_in_a_sentence(story: Metrics) -> None:
    """Whoever typed the port learns what is wrong with it."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=rf"metrics cannot be served on port {port}: it is in use; name another"):
            MetricsServer(story.registry, port)


def test_the_example_of_alerts_names_metrics_that_exist(story: Metrics) -> None:
    """A rule that is copied from the page is about something, and its labels are those of the metric."""
    samples = {sample.name: sample for family in story.registry.collect() for sample in family.samples}
    expressions = re.findall(r"expr: (?:\|\n((?: {10,}.*\n)+)|(.+))", ALERTS)
    assert len(expressions) == ALERTS.count("- alert:")
    for found in expressions:
        text = "".join(found)
        named = re.findall(r"\b(workbench_\w+)(?:\{(\w+)(?:!=|=~|=))?", text)
        assert named, text
        for name, label in named:
            assert name in samples, name
            assert not label or label in samples[name].labels
        for label in re.findall(r"by \((\w+)\)", text):
            assert all(label in samples[name].labels for name, _ in named)
    assert "> 0.08" in ALERTS
    assert "> 0.1" in ALERTS


def test_the_page_has_every_metric_and_its_labels() -> None:
    """Whoever writes a dashboard finds all that there is, and nothing that there is not."""
    rows = re.findall(r"^\| `(workbench_\w+)` \| ([^|]*)\|", (DOCS / "telemetry.md").read_text("utf-8"), re.MULTILINE)
    written = {name.removesuffix("_total"): tuple(re.findall(r"`(\w+)`", labels)) for name, labels in rows}
    metrics = Metrics()
    there = vars(metrics).values()
    made = {item._name: item._labelnames for item in there if isinstance(item, Counter | Histogram)}
    assert written == made
