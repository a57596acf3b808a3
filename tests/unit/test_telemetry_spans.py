"""Spans: one for each run, turn and call, in a tree that holds over processes, without words unless they are wanted."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, Sampler
from opentelemetry.semconv._incubating.attributes import gen_ai_attributes
from opentelemetry.trace import SpanKind, StatusCode

from tests.fork_kit import everything_said
from tests.harness import WAIT, Rig, answer
from tests.telemetry_kit import KEY, SECRET, SPEC, look, observed, told
from workbench.driver.commands import AgentOptions, ForkEdits, ForkRun, ResumeRun
from workbench.errors import PermanentModelError
from workbench.events.request import AssistantMessage, Request
from workbench.providers.scripted import Turn
from workbench.telemetry import genai
from workbench.telemetry.span_ids import run_span, trace_id
from workbench.telemetry.spans import GivenIds, Spans
from workbench.tools.declaring import tool


class Collector:
    """Spans in memory."""

    def __init__(self, *, content: bool = False, sampler: Sampler | None = None) -> None:
        self._kept, ids = InMemorySpanExporter(), GivenIds()
        provider = TracerProvider(id_generator=ids, sampler=sampler, shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._kept))
        self.spans = Spans(provider, ids, content=content)

    @property
    def all(self) -> Sequence[ReadableSpan]:
        """Return all of them, as they ended."""
        return self._kept.get_finished_spans()

    def named(self, name: str) -> list[ReadableSpan]:
        """Return those of a name."""
        return [span for span in self.all if span.name == name]


def ids(span: ReadableSpan) -> tuple[int, int]:
    """Return trace and span."""
    context = span.get_span_context()
    assert context is not None
    return context.trace_id, context.span_id


def above(span: ReadableSpan) -> int | None:
    """Return the span above."""
    return span.parent.span_id if span.parent is not None else None


def attribute(span: ReadableSpan, name: str) -> object:
    """Return an attribute; None where it has none."""
    return (span.attributes or {}).get(name)


def test_a_run_is_a_tree_of_its_turns_calls_and_subagents(tmp_path: Path) -> None:
    """A backend shows the run on top, its turns and calls below it, and the subagent below the call that spawned it."""
    collector = Collector()
    run, (child,) = told(tmp_path, collector.spans)
    top, below = (
        next(span for span in collector.all if attribute(span, "workbench.run.id") == each) for each in (run, child)
    )
    assert ids(top) == (trace_id(run), run_span(run))
    assert top.parent is None
    assert {ids(span)[0] for span in collector.all} == {trace_id(run)}
    (spawning,) = collector.named("execute_tool spawn_subagent")
    assert above(below) == ids(spawning)[1]
    assert above(spawning) == ids(top)[1]
    turns = collector.named("chat scripted")
    assert [above(span) for span in turns] == [ids(one)[1] for one in (top, top, top, top, below, below, top)]
    assert len({ids(span)[1] for span in collector.all}) == len(collector.all)
    for span in collector.all:
        assert span.start_time is not None
        assert span.end_time is not None
        assert span.start_time <= span.end_time


def test_spans_have_the_names_of_the_convention(tmp_path: Path) -> None:
    """A backend that knows the convention finds model, tokens, tools and errors."""
    collector = Collector()
    run, _ = told(tmp_path, collector.spans)
    broken, whole = collector.named("chat scripted")[:2]
    assert whole.kind is SpanKind.CLIENT
    assert {name: attribute(whole, name) for name in (
        "gen_ai.operation.name", "gen_ai.provider.name", "gen_ai.request.model", "gen_ai.conversation.id",
        "gen_ai.usage.input_tokens", "gen_ai.usage.output_tokens", "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_creation.input_tokens", "gen_ai.response.finish_reasons", "error.type",
    )} == {
        "gen_ai.operation.name": "chat", "gen_ai.provider.name": "scripted", "gen_ai.request.model": "scripted",
        "gen_ai.conversation.id": run, "gen_ai.usage.input_tokens": 100, "gen_ai.usage.output_tokens": 20,
        "gen_ai.usage.cache_read.input_tokens": 30, "gen_ai.usage.cache_creation.input_tokens": 7,
        "gen_ai.response.finish_reasons": ("tool_calls",), "error.type": None,
    }  # fmt: skip
    assert (broken.status.status_code, attribute(broken, "error.type")) == (StatusCode.ERROR, "overloaded")
    assert whole.status.status_code is StatusCode.UNSET
    failed = collector.named("execute_tool breaks")
    assert [attribute(span, "error.type") for span in failed] == ["exception"] * 3
    assert all(span.status.status_code is StatusCode.ERROR for span in failed)
    (flaky,) = collector.named("execute_tool flaky")
    assert [event.name for event in flaky.events] == ["workbench.retry"]
    assert attribute(flaky, "gen_ai.tool.call.id") == "0.1"


def test_the_names_are_those_of_the_published_convention() -> None:
    """A name that the convention does not have, or has no more, is seen when its package is updated."""
    published = {value for value in vars(gen_ai_attributes).values() if isinstance(value, str)}
    ours = {value for value in vars(genai).values() if isinstance(value, str) and value.startswith("gen_ai.")}
    assert ours <= published
    assert {"gen_ai.system", "gen_ai.prompt", "gen_ai.completion"}.isdisjoint(ours)


@pytest.mark.parametrize("content", [False, True])
def test_words_are_there_only_where_they_were_asked_for(tmp_path: Path, *, content: bool) -> None:
    """What was asked and answered leaves the machine only when a person says so, and keys never do."""
    collector = Collector(content=content)
    told(tmp_path, collector.spans)
    text = "".join(span.to_json() for span in collector.all)
    assert (SECRET in text) is content
    assert KEY not in text
    assert ("[key]" in text) is content
    first = collector.named("execute_tool look")[0]
    arguments = attribute(first, "gen_ai.tool.call.arguments")
    assert arguments == (json.dumps({"word": SECRET}) if content else None)
    assert (attribute(first, "gen_ai.tool.call.result") is not None) is content
    messages = attribute(collector.named("chat scripted")[1], "gen_ai.output.messages")
    assert (messages is not None) is content
    if content:
        (message,) = json.loads(str(messages))
        assert [part["type"] for part in message["parts"]] == ["text", "tool_call", "tool_call"]


def test_a_run_that_goes_on_elsewhere_continues_its_trace(tmp_path: Path) -> None:
    """Another process adds to the trace, below the span in which the run began."""
    first, second = Collector(), Collector()
    with observed(rig := Rig(tmp_path, [Turn(calls=[("look", {"word": "a"})])], [look], spec=SPEC), first.spans):
        run = rig.start(max_steps=1)
        rig.wait(run, lambda state: state.end is not None)
    with observed(again := Rig(tmp_path, [answer("done")], [look], spec=SPEC), second.spans):
        again.ask(ResumeRun(run, AgentOptions(max_steps=5)))
        again.wait(run, lambda state: state.status_and_reason == ("completed", "answered"))
    (began,), (went_on,) = first.named("invoke_agent researcher"), second.named("invoke_agent researcher")
    assert ids(began) == (trace_id(run), run_span(run))
    assert (ids(went_on)[0], above(went_on)) == ids(began)
    assert ids(went_on)[1] != ids(began)[1]
    assert attribute(began, "workbench.run.reason") == "step_limit"
    (turn,) = second.named("chat scripted")
    assert above(turn) == ids(went_on)[1]


def test_a_subagent_that_goes_on_elsewhere_stays_in_the_trace_of_its_caller(tmp_path: Path) -> None:
    """A subagent that was interrupted with its caller is found in the same trace, below where it began."""
    began, gate = threading.Event(), asyncio.Event()

    @tool(read_only=True)
    async def hold(word: str) -> str:
        if not began.is_set():
            began.set()
            await gate.wait()
        return word

    def script(request: Request) -> Turn:
        if any(isinstance(message, AssistantMessage) for message in request.messages):
            return answer("done")
        is_child = everything_said(request).startswith("task")
        return Turn(calls=[("hold", {"word": "w"}) if is_child else ("spawn_subagent", {"task": "task"})])

    first, second = Collector(), Collector()
    with observed(rig := Rig(tmp_path, script, [hold], spec=SPEC), first.spans):
        run = rig.start()
        assert began.wait(WAIT)
    with observed(again := Rig(tmp_path, script, [hold], spec=SPEC), second.spans):
        again.ask(ResumeRun(run))
        state = again.wait(run, lambda state: state.status_and_reason == ("completed", "answered"))
    (child,) = state.steps[0].calls["0.0"].children
    assert {ids(span)[0] for span in (*first.all, *second.all)} == {trace_id(run)}
    stretches = [span for span in second.all if attribute(span, "workbench.run.id") == child]
    assert [above(span) for span in stretches] == [run_span(child)]
    assert {ids(span)[1] for span in first.all}.isdisjoint(ids(span)[1] for span in second.all)


def test_a_fork_is_a_trace_of_its_own_that_names_its_parent(tmp_path: Path) -> None:
    """A fork is not part of its parent, and leads back to it."""
    collector = Collector()
    script = [Turn(calls=[("look", {"word": "a"})]), answer("done"), answer("other")]
    with observed(rig := Rig(tmp_path, script, [look], spec=SPEC), collector.spans):
        run = rig.start()
        rig.finish(run)
        fork = rig.ask(ForkRun(run, "0.0", ForkEdits(results={"0.0": "another"})))
        rig.finish(fork)
    parent, forked = collector.named("invoke_agent researcher")
    assert ids(forked) == (trace_id(fork), run_span(fork))
    assert [(link.context.trace_id, link.context.span_id) for link in forked.links] == [ids(parent)]
    assert dict(forked.links[0].attributes or {})["workbench.fork.address"] == "0.0"
    assert not parent.links


def test_a_run_that_fails_says_why(tmp_path: Path) -> None:
    """An error is one in every backend, and says what the provider said."""
    collector = Collector()
    script = [Turn("x", error=PermanentModelError("the key is refused", kind="unauthorised"))]
    with observed(rig := Rig(tmp_path, script, spec=SPEC), collector.spans):
        rig.finish(rig.start())
    (run,), (turn,) = collector.named("invoke_agent researcher"), collector.named("chat scripted")
    assert (run.status.status_code, attribute(run, "error.type")) == (StatusCode.ERROR, "error")
    assert turn.status.description == "the key is refused"
    assert attribute(turn, "error.type") == "refused"


def test_a_sampler_takes_whole_traces(tmp_path: Path) -> None:
    """Who keeps one trace in a hundred gets no turns without their run."""
    collector = Collector(sampler=ParentBased(ALWAYS_OFF))
    told(tmp_path, collector.spans)
    assert not collector.all


@pytest.mark.parametrize(
    ("value", "expected"),
    [("", False), ("false", False), ("NO_CONTENT", False), ("EVENT_ONLY", False), ("true", True), ("SPAN_ONLY", True)],
)
def test_content_is_asked_for_by_the_standard_variable(value: str, *, expected: bool) -> None:
    """Nothing else than the variable that others know turns it on."""
    assert genai.captures_content({genai.CAPTURE_CONTENT: value}) is expected
    assert not genai.captures_content({})


def test_ids_follow_from_runs() -> None:
    """Two processes give the same ids, and no two things share one."""
    from workbench.telemetry.span_ids import event_span

    makers: list[Callable[[], int]] = [
        lambda: trace_id("r1"), lambda: trace_id("r2"), lambda: run_span("r1"), lambda: run_span("r2"),
        lambda: event_span("r1", 1), lambda: event_span("r1", 2), lambda: event_span("r2", 1),
    ]  # fmt: skip
    made = [make() for make in makers]
    assert made == [make() for make in makers]
    assert len(set(made)) == len(made)
    assert 0 < trace_id("r1") < 1 << 128
    assert 0 < run_span("r1") < 1 << 64
