"""Runs of programs, observed: counted in the program's registry, spans below its own, and nothing where not asked."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, Sampler
from opentelemetry.trace import SpanKind, StatusCode
from prometheus_client import REGISTRY, CollectorRegistry

from tests.fork_kit import everything_said
from tests.harness import answer
from tests.telemetry_kit import KEY, SECRET, Story, breaks, flaky, look
from workbench import Agent, Limits, ModelRetries, Retry, Store, UserError, observe, tool
from workbench.errors import TransientModelError
from workbench.events.request import AssistantMessage, Request
from workbench.providers.base import Delta, HostedStarted
from workbench.providers.scripted import ScriptedProvider, Turn
from workbench.telemetry import nested_spans, programs
from workbench.telemetry.prometheus import Metrics


class Collector:
    """A program's own provider, with what it got."""

    def __init__(self, sampler: Sampler | None = None) -> None:
        self._kept = InMemorySpanExporter()
        self.provider = TracerProvider(sampler=sampler, shutdown_on_exit=False)
        self.provider.add_span_processor(SimpleSpanProcessor(self._kept))
        self.tracer = self.provider.get_tracer("program")

    @property
    def all(self) -> Sequence[ReadableSpan]:
        """Return all spans, as they ended."""
        return self._kept.get_finished_spans()

    def named(self, name: str) -> list[ReadableSpan]:
        """Return those of a name."""
        return [span for span in self.all if span.name == name]

    def above(self, span: ReadableSpan) -> str | None:
        """Return the name of the span above."""
        return next(iter(self._way(span)), None)

    def ways(self, name: str) -> list[tuple[str, ...]]:
        """Return the names of what is above each span of a name, up to the top."""
        return [self._way(span) for span in self.named(name)]

    def _way(self, span: ReadableSpan) -> tuple[str, ...]:
        if span.parent is None:
            return ()
        (found,) = (one for one in self.all if one.context and one.context.span_id == span.parent.span_id)
        return (found.name, *self._way(found))


@pytest.fixture(autouse=True)
def _alone() -> Iterator[None]:
    """Leave nothing observed behind."""
    yield
    programs._CURRENT.clear()


def story_agent() -> Agent:
    """Return an agent in whose run everything happens that telemetry tells of."""
    return Agent(
        model=ScriptedProvider(Story()), tools=[look, flaky(), breaks], name="teller", subagents=True, subagent="",
        retries=ModelRetries(first_wait=0.0), limits=Limits(),
    )  # fmt: skip


def brief() -> Agent:
    """Return an agent that looks once and answers; it can be asked again and again."""

    def script(request: Request) -> Turn:
        said = isinstance(request.messages[-1], AssistantMessage) or any(
            isinstance(message, AssistantMessage) for message in request.messages
        )
        return answer("done") if said else Turn(calls=[("look", {"word": "a"})])

    return Agent(model=ScriptedProvider(script), tools=[look], name="brief")


KEPT = pytest.mark.parametrize("kept", [False, True], ids=["in memory", "in a store"])


def place(kept: bool, folder: Path) -> Path | None:
    """Return where the run is kept."""
    return folder / "runs.db" if kept else None


@KEPT
async def test_a_run_is_counted_in_the_programs_registry(tmp_path: Path, *, kept: bool) -> None:
    """The same metrics as of the command line, with and without a store, subagents included."""
    registry = CollectorRegistry()
    with observe(metrics=registry, spans=False):
        result = await story_agent().run("What?", store=place(kept, tmp_path))
    assert result.is_completed, result.error

    def value(name: str, **labels: str) -> float | None:
        return registry.get_sample_value(f"workbench_{name}", labels)

    model = "own:ScriptedProvider"
    assert value("model_requests_total", model=model, status="ok") == 6
    assert value("model_requests_total", model=model, status="broken") == 1
    assert value("model_retries_total", model=model) == 1
    assert value("tool_latency_seconds_count", tool="look", status="ok") == 2
    assert value("tool_latency_seconds_count", tool="breaks", status="exception") == 3
    assert value("tool_retries_total", tool="flaky") == 1
    assert value("tokens_total", model=model, kind="cache_read") == 4 * 30
    assert value("calls_to_results_seconds_count") == 4
    assert value("fallbacks_total", model=model) == 1


@KEPT
async def test_spans_stand_below_the_programs_own(tmp_path: Path, *, kept: bool) -> None:
    """A trace of the program has the run in it, its turns and calls below it, and the subagent below its call."""
    collector = Collector()
    with observe(metrics=False, spans=collector.provider), collector.tracer.start_as_current_span("request"):
        result = await story_agent().run("What?", store=place(kept, tmp_path))
    assert result.is_completed, result.error
    assert len({span.context.trace_id for span in collector.all if span.context}) == 1
    (top,), (child,) = collector.named("invoke_agent teller"), collector.named("invoke_agent teller (subagent)")
    assert collector.above(top) == "request"
    assert collector.above(child) == "execute_tool spawn_subagent"
    assert {collector.above(span) for span in collector.all if span.name.startswith(("chat", "execute_tool"))} == {
        "invoke_agent teller", "invoke_agent teller (subagent)",
    }  # fmt: skip
    assert len(collector.named("chat ScriptedProvider")) == 7
    for span in collector.all:
        assert (span.start_time or 0) <= (span.end_time or 0)
    said = dict(top.attributes or {})
    assert said["gen_ai.operation.name"] == "invoke_agent"
    assert said["gen_ai.agent.name"] == "teller"
    assert said["gen_ai.conversation.id"] == said["workbench.run.id"] == result.run_id
    assert dict(child.attributes or {})["gen_ai.conversation.id"] == result.run_id
    spawning = dict(collector.named("execute_tool spawn_subagent")[0].attributes or {})
    assert (spawning["gen_ai.tool.call.id"], spawning["workbench.call.status"]) == ("2.0", "ok")
    assert {span.status.status_code for span in collector.named("execute_tool breaks")} == {StatusCode.ERROR}
    assert collector.named("chat ScriptedProvider")[0].kind is SpanKind.CLIENT
    text = "".join(span.to_json() for span in collector.all)
    assert SECRET not in text
    assert KEY not in text


@KEPT
async def test_what_a_tool_traces_itself_stands_below_its_call(tmp_path: Path, *, kept: bool) -> None:
    """On the event loop, on a thread, in a second attempt and inside of a subagent; beside it nothing is current."""
    collector = Collector()
    tries: list[str] = []

    @tool(read_only=True)
    async def ask(word: str) -> str:
        with collector.tracer.start_as_current_span(f"query {word}"):
            await asyncio.sleep(0)
        return word

    @tool(read_only=True)
    def fetch(word: str) -> str:
        with collector.tracer.start_as_current_span(f"fetch {word}"):
            tries.append(word)
        if len(tries) == 1:
            raise Retry("again")
        return word

    def script(request: Request) -> Turn:
        said = any(isinstance(message, AssistantMessage) for message in request.messages)
        if everything_said(request).startswith("task"):
            return answer("seen") if said else Turn(calls=[("ask", {"word": "inside"})])
        if said:
            return answer("done")
        calls = [("ask", {"word": "outside"}), ("fetch", {"word": "it"}), ("spawn_subagent", {"task": "task"})]
        return Turn(calls=calls)

    agent = Agent(
        model=ScriptedProvider(script), tools=[ask, fetch], name="tracer", subagents=True, subagent="", plan="off"
    )
    with observe(metrics=False, spans=collector.provider), collector.tracer.start_as_current_span("request"):
        result = await agent.run("What?", store=place(kept, tmp_path))
        with collector.tracer.start_as_current_span("after"):
            assert result.is_completed, result.error
    run = ("invoke_agent tracer", "request")
    subagent = ("invoke_agent tracer (subagent)", "execute_tool spawn_subagent", *run)
    assert collector.ways("query outside") == [("execute_tool ask", *run)]
    assert collector.ways("query inside") == [("execute_tool ask", *subagent)]
    assert collector.ways("fetch it") == [("execute_tool fetch", *run)] * 2
    assert collector.ways("after") == [("request",)]


class SearchesAndBreaks(ScriptedProvider):
    """A model that uses a tool of its provider in a turn that breaks, and then does as it is told."""

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        """Stream the next turn."""
        if len(self.requests) == 0:
            self.requests.append(request)
            yield HostedStarted(0, "web_search", {"query": "x"})
            raise TransientModelError("gone", kind="broken")
        async for delta in super().stream(request):
            yield delta


@KEPT
async def test_a_call_of_a_provider_whose_end_nobody_tells_is_no_span(tmp_path: Path, *, kept: bool) -> None:
    """It is given up with its turn, and does not last until the end of the run."""
    collector = Collector()
    agent = Agent(
        model=SearchesAndBreaks([answer("done")]), name="brief", plan="off", retries=ModelRetries(first_wait=0.0)
    )
    with observe(metrics=False, spans=collector.provider):
        result = await agent.run("What?", store=place(kept, tmp_path))
    assert result.is_completed, result.error
    assert [span.name for span in collector.all if span.name.startswith("execute_tool")] == [
        "execute_tool submit_answer"
    ]


async def test_whoever_is_refused_takes_nothing_from_a_run_that_goes_on(tmp_path: Path) -> None:
    """A run that somebody resumes by mistake while it goes on traces its tools as before; at the end nothing stays."""
    collector, began, gate = Collector(), asyncio.Event(), asyncio.Event()

    @tool(read_only=True)
    async def work(word: str) -> str:
        with collector.tracer.start_as_current_span(f"query {word}"):
            began.set()
            await gate.wait()
        return word

    def script(request: Request) -> Turn:
        said = sum(isinstance(message, AssistantMessage) for message in request.messages)
        return answer("done") if said == 2 else Turn(calls=[("work", {"word": "ab"[said]})])

    agent = Agent(model=ScriptedProvider(script), tools=[work], name="brief", plan="off")
    with observe(metrics=False, spans=collector.provider):
        async with Store(tmp_path / "runs.db") as store:
            going = asyncio.create_task(agent.run("What?", store=store))
            await began.wait()
            (run,) = store.session.live
            with pytest.raises(UserError):
                await agent.resume(run, store=store)
            gate.set()
            assert (await going).is_completed
            assert store.session.around_calls == {}
    assert [way[0] for word in "ab" for way in collector.ways(f"query {word}")] == ["execute_tool work"] * 2


async def test_runs_at_the_same_time_stay_below_what_they_were_asked_in() -> None:
    """Two requests of a server that overlap are two traces."""
    collector = Collector()
    agent = brief()

    async def handle(name: str) -> None:
        with collector.tracer.start_as_current_span(name):
            await agent.run("What?")

    with observe(metrics=False, spans=collector.provider):
        await asyncio.gather(handle("one"), handle("two"))
    tops = collector.named("invoke_agent brief")
    assert {collector.above(span) for span in tops} == {"one", "two"}
    of_trace = [{span.name for span in collector.all if span.context and span.context.trace_id == each} for each in {
        span.context.trace_id for span in tops if span.context
    }]  # fmt: skip
    whole = {"invoke_agent brief", "chat ScriptedProvider", "execute_tool look", "execute_tool submit_answer"}
    assert [names - {"one", "two"} for names in of_trace] == [whole, whole]


async def test_a_run_that_goes_on_leads_back_to_where_it_was(tmp_path: Path) -> None:
    """A resumed run and a fork have a link to the span before, in the trace of whoever goes on."""
    collector = Collector()
    agent = brief()
    with observe(metrics=False, spans=collector.provider):
        async with Store(tmp_path / "runs.db") as store:
            stopped = await Agent(
                model=agent.model, tools=[look], name="brief", limits=Limits(steps=1)
            ).run("What?", store=store)  # fmt: skip
            assert stopped.reason == "step_limit"
            with collector.tracer.start_as_current_span("later"):
                ended = await agent.resume(stopped.run_id, store=store, max_steps=5)
                assert ended.is_completed, ended.error
                more = await agent.resume(stopped.run_id, store=store, say="And?")
    first, second, fork = collector.named("invoke_agent brief")
    assert (collector.above(first), collector.above(second), collector.above(fork)) == (None, "later", "later")
    for span, before in ((second, first), (fork, second)):
        assert [link.context for link in span.links] == [before.context]
    names = [dict(span.attributes or {})["gen_ai.conversation.id"] for span in (first, second, fork)]
    assert names == [stopped.run_id, stopped.run_id, more.run_id]
    assert dict(fork.links[0].attributes or {})["workbench.fork.made_from"] == stopped.run_id


async def test_a_subagent_that_goes_on_stands_below_its_call_again(tmp_path: Path) -> None:
    """Stopped with its caller and resumed, it is found below the call that waits for it."""
    collector = Collector()
    began, gate = asyncio.Event(), asyncio.Event()

    @tool(read_only=True)
    async def hold(word: str) -> str:
        began.set()
        await gate.wait()
        return word

    def script(request: Request) -> Turn:
        if any(isinstance(message, AssistantMessage) for message in request.messages):
            return answer("done")
        is_child = everything_said(request).startswith("task")
        return Turn(calls=[("hold", {"word": "w"}) if is_child else ("spawn_subagent", {"task": "task"})])

    agent = Agent(model=ScriptedProvider(script), tools=[hold], name="holder", subagents=True, subagent="")
    with observe(metrics=False, spans=collector.provider):
        async with Store(tmp_path / "runs.db") as store:
            running = agent.stream("What?", store=store)
            task = asyncio.ensure_future(running)
            await began.wait()
            await running.stop()
            stopped = await task
            assert stopped.status == "interrupted"
            gate.set()
            ended = await agent.resume(stopped.run_id, store=store)
            assert ended.is_completed, ended.error
    tops, children = collector.named("invoke_agent holder"), collector.named("invoke_agent holder (subagent)")
    assert [collector.above(span) for span in tops] == [None, None]
    assert [collector.above(span) for span in children] == ["execute_tool spawn_subagent"] * 2
    assert {dict(span.attributes or {})["gen_ai.conversation.id"] for span in (*tops, *children)} == {stopped.run_id}
    assert [len(span.links) for span in (*tops, *children)] == [0, 1, 0, 1]


@KEPT
async def test_a_run_that_is_cancelled_leaves_no_span_open(tmp_path: Path, *, kept: bool) -> None:
    """What was under way ends with the run, so that the trace is whole."""
    collector = Collector()
    began = asyncio.Event()

    @tool(read_only=True)
    async def hold(word: str) -> str:
        began.set()
        await asyncio.Event().wait()
        return word

    model = ScriptedProvider([Turn(calls=[("hold", {"word": "a"})])])
    with observe(metrics=False, spans=collector.provider):
        running = asyncio.ensure_future(
            Agent(model=model, tools=[hold], name="held").run("?", store=place(kept, tmp_path))
        )
        await began.wait()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
    (top,) = collector.named("invoke_agent held")
    assert dict(top.attributes or {})["workbench.run.status"] == "interrupted"
    assert collector.above(collector.named("execute_tool hold")[0]) == "invoke_agent held"


async def test_a_run_that_could_not_be_ended_is_told_as_left() -> None:
    """A run whose log ends in the middle still gives its spans, those of its calls too."""
    collector = Collector()
    with observe(metrics=False, spans=collector.provider):
        follower = programs.followed()
        assert follower is not None
        is_cut = False
        async for record in story_agent().stream("What?"):
            if not is_cut:
                follower.take(record)
            is_cut = is_cut or record.event.kind == "subagent_started"
        follower.close()
    left = [span for span in collector.all if dict(span.attributes or {}).get("workbench.run.status") == "left"]
    assert [span.name for span in left] == ["invoke_agent teller", "invoke_agent teller (subagent)"]
    assert "execute_tool spawn_subagent" in {collector.above(span) for span in left}


async def test_words_are_in_spans_where_they_were_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable that others know turns it on, without keys."""
    monkeypatch.setenv("OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT", "true")
    collector = Collector()
    with observe(metrics=False, spans=collector.provider):
        await story_agent().run("What?")
    text = "".join(span.to_json() for span in collector.all)
    assert SECRET in text
    assert KEY not in text


async def test_a_trace_that_nobody_keeps_has_no_spans() -> None:
    """The program's sampler decides."""
    collector = Collector(ALWAYS_OFF)
    with observe(metrics=False, spans=collector.provider):
        assert (await brief().run("What?")).is_completed
    assert not collector.all


async def test_by_default_it_is_what_the_program_has_set_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """The default registry, and the provider of the moment at which a run begins, also if it was set later."""
    collector = Collector()
    try:
        with observe():
            assert (await brief().run("What?")).is_completed  # no provider is set: spans go nowhere
            monkeypatch.setattr(trace, "_TRACER_PROVIDER", collector.provider)
            assert (await brief().run("What?")).is_completed
        assert len(collector.named("invoke_agent brief")) == 1
        labels = {"model": "own:ScriptedProvider", "status": "ok"}
        assert REGISTRY.get_sample_value("workbench_model_requests_total", labels) == 4
        with observe(metrics=True, spans=False):  # the same names once more
            assert (await brief().run("What?")).is_completed
        assert REGISTRY.get_sample_value("workbench_model_requests_total", labels) == 6
    finally:
        for metric in set(REGISTRY._collector_to_names):
            if str(getattr(metric, "_name", "")).startswith("workbench_"):
                REGISTRY.unregister(metric)
        programs._METRICS.pop(REGISTRY, None)


async def test_another_call_takes_the_place_of_the_one_before() -> None:
    """A notebook's cell that is run twice counts each run once; whoever closes the older one ends nothing."""
    first, second = CollectorRegistry(), CollectorRegistry()
    older = observe(metrics=first, spans=False)
    newer = observe(metrics=second, spans=False)
    older.close()
    await brief().run("What?")
    newer.close()
    await brief().run("What?")
    labels = {"model": "own:ScriptedProvider", "status": "ok"}
    assert first.get_sample_value("workbench_model_requests_total", labels) is None
    assert second.get_sample_value("workbench_model_requests_total", labels) == 2


async def test_what_fails_in_it_stops_no_run(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """A registry or an exporter that raises is written to the log, once."""

    def fails(*_: object) -> None:
        raise RuntimeError("no metrics today")

    monkeypatch.setattr(Metrics, "take", fails)
    with observe(metrics=CollectorRegistry(), spans=False):
        assert (await brief().run("What?")).is_completed
    assert [record.getMessage() for record in caplog.records if record.name == "workbench.telemetry"] == [
        "telemetry failed"
    ]


async def test_a_fact_that_cannot_be_made_stops_no_run(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Nor does a mistake of ours."""
    monkeypatch.setattr("workbench.telemetry.deriving.Meter.take", lambda *_: 1 / 0)
    with observe(metrics=CollectorRegistry(), spans=False):
        assert (await brief().run("What?")).is_completed
    assert len([record for record in caplog.records if record.name == "workbench.telemetry"]) == 1


@pytest.mark.parametrize(
    ("asked", "missing", "said"),
    [
        ({"metrics": True}, "prometheus_client", "metrics need an extra: pip install 'workbench[metrics]'"),
        ({"spans": True}, "opentelemetry.trace", "spans need an extra: pip install 'workbench[otel]'"),
        ({"metrics": False, "spans": False}, "", "metrics=False and spans=False leave nothing to observe"),
    ],
)
def test_what_cannot_be_had_is_refused(
    monkeypatch: pytest.MonkeyPatch, asked: dict[str, bool], missing: str, said: str
) -> None:
    """Whoever asks for it learns what to install; what was observed before still is."""
    with observe(metrics=CollectorRegistry(), spans=False) as before:
        if missing:
            monkeypatch.setitem(sys.modules, missing, None)
            monkeypatch.delitem(sys.modules, "workbench.telemetry.nested_spans", raising=False)
        with pytest.raises(UserError) as refused:
            observe(**asked)
        assert str(refused.value).startswith(said)
        assert before in programs._CURRENT


def test_a_kit_that_is_not_there_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """`observe()` does what it can; without any kit it says so."""
    installed = {"prometheus_client"}

    def find(kit: str) -> object | None:
        if kit.startswith("opentelemetry"):
            raise ModuleNotFoundError(kit)
        return kit if kit in installed else None

    monkeypatch.setattr(programs, "find_spec", find)
    monkeypatch.setattr(programs, "_metrics_in", lambda _: Metrics())
    followed = observe().follow(lambda _: None)
    assert [type(teller) for teller in followed._telling._tellers] == [Metrics]
    installed.clear()
    with pytest.raises(UserError, match="nothing to observe with"):
        observe()


@pytest.mark.usefixtures("unmeasured")
def test_what_is_not_asked_for_is_not_loaded() -> None:
    """A program that observes nothing pays nothing."""
    program = (
        "import sys; from workbench import Agent, observe; Agent(model='offline').run_sync('What is a list?'); "
        "print(*sorted(sys.modules), sep='\\n')"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    loaded = set(run.stdout.splitlines())
    assert "workbench.telemetry.programs" in loaded
    assert not {"prometheus_client", "opentelemetry", "workbench.telemetry.deriving"} & loaded


def test_only_so_many_runs_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program that runs for months keeps no list of all that it ran."""
    monkeypatch.setattr(nested_spans, "MOST_REMEMBERED", 2)
    remembered = nested_spans.Remembered()
    for run in ("a", "b", "a", "c"):
        remembered.keep(run, trace.INVALID_SPAN_CONTEXT)
    assert list(remembered._spans) == ["a", "c"]
