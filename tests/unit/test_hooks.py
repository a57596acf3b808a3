"""Hooks see a run on its way and may change it; what they changed is in the log, and the run follows from that."""

from __future__ import annotations

import asyncio
import random
import threading
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from tests.harness import Rig
from tests.hook_kit import changes, check_log, hook
from tests.loop_kit import Lab, answer, asks, patiently
from workbench.agent.hooks import METHODS, Answer, Call, Context, Hooks, Turn
from workbench.agent.spec import AgentSpec
from workbench.cli.narrator import Narrator
from workbench.debugger.address import find_cut, parse_address
from workbench.engine import hook_values, hooks
from workbench.errors import ToolError, TransientModelError
from workbench.events.call import CallFinished, CallStarted, OutcomeUnknown, PermissionDecided
from workbench.events.content import DocumentBlock, plain_text, text_content
from workbench.events.edit import MessageAdded
from workbench.events.request import ProviderParts, Request, ToolCallBlock, UserMessage
from workbench.events.run import HookChanged, RunFinished, RunPaused, RunStarted
from workbench.events.turn import TurnFinished, TurnText
from workbench.providers import scripted
from workbench.providers.base import Delta, PartsDelta, TurnEnd
from workbench.providers.scripted import ScriptedProvider
from workbench.state.fold import fold
from workbench.state.history import History
from workbench.tools.base import ToolResult
from workbench.tools.declaring import tool
from workbench.views.inspector import inspector_lines
from workbench.views.parts import Scene
from workbench.views.segments import line_text
from workbench.views.selection import Selection
from workbench.views.show import run_document, show_lines
from workbench.views.steps import step_parts


@tool(read_only=True)
async def look(word: str) -> str:
    """Look a word up."""
    return f"{word}!"


@tool
async def write(word: str) -> str:
    """Write a word down."""
    return f"wrote {word}"


LOOK = asks(("look", {"word": "a"}))


PARTS = ProviderParts(provider="scripted", parts=["signed"])


class Signed(ScriptedProvider):
    """A model whose turns have parts that only it understands."""

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        """Stream the next turn, with its parts."""
        async for delta in super().stream(request):
            if isinstance(delta, TurnEnd):
                yield PartsDelta(PARTS)
            yield delta


def signed(script: list[scripted.Turn], *hooks: Hooks) -> Lab:
    """Return a run with such a model."""
    model = Signed(script)
    lab = Lab([], [look, write], provider=model, hooks=hooks, model="scripted")
    lab.model = model
    return lab


def said_last(lab: Lab, request: int = -1) -> str:
    """Return what a person or a hook said last in a request."""
    last = lab.requests[request].messages[-1]
    assert isinstance(last, UserMessage)
    return plain_text(last.content)


async def test_the_task_is_changed_before_anything_is_asked() -> None:
    """The log has both; files that came with it stay."""
    lab = Lab([answer()], hooks=(hook(before_run=lambda task: f"{task} In short."),))
    file = DocumentBlock(data=b"%PDF", media_type="application/pdf", name="a.pdf")
    await lab.journal.append(RunStarted(task=(*text_content("What?"), file), agent=lab.agent, date="2026-09-21"))
    await lab.run()
    assert lab.state.task == "What? In short."
    assert lab.requests[0].messages[0].content == (*text_content("What? In short."), file)
    assert changes(lab) == [("before_run", "What?", "What? In short.")]
    await check_log(lab)


async def test_the_task_is_changed_once_also_by_a_plan() -> None:
    """Before the planner is asked, and not again before the first step, nor in what is forked from there."""
    shout = hook(before_run=lambda task: f"{task}!")
    lab = Lab([answer()], plan_turn=scripted.Turn("SEARCH: a"), plan="auto", hooks=(shout,))
    await lab.run()
    assert lab.state.task == "What?!"
    assert len(lab.all(HookChanged)) == 1
    cut = next(record.seq for record in lab.journal.records if record.event.kind == "turn_started")
    again = Lab([answer()], plan_turn=scripted.Turn("SEARCH: a"), hooks=(shout,), records=lab.journal.records[:cut])
    await again.run()
    assert again.state.task == "What?!"


async def test_the_answer_is_changed_before_the_run_ends_with_it() -> None:
    """By its text or as a whole; the next hook sees what the one before made of it."""
    first = hook("First", after_run=lambda answer: answer.text + " indeed")
    second = hook("Second", after_run=lambda answer: Answer(answer.text.upper(), citations=()))
    lab = Lab([answer("42", "x::1")], hooks=(first, second))
    state = await lab.run()
    assert (state.answer, state.citations) == ("42 INDEED", ())
    assert [event.hook for event in lab.all(HookChanged)] == ["First", "Second"]
    assert changes(lab)[1] == ("after_run", "42 indeed", "42 INDEED")
    await check_log(lab)


class Number(BaseModel):
    """A number."""

    value: int


async def test_a_changed_object_has_to_fit_as_well() -> None:
    """Text and object stay the same thing; what does not fit is a failure of the hook."""
    good = hook(after_run=lambda answer: {"value": answer.output["value"] + 1})
    lab = Lab([asks(("submit_answer", {"value": 1}))], output=Number, hooks=(good,))
    state = await lab.run()
    assert (state.output, state.answer) == ({"value": 2}, '{\n  "value": 2\n}')
    for wrong in ("two", {"value": "two"}):
        bad = hook(after_run=lambda _, wrong=wrong: wrong)
        lab = Lab([asks(("submit_answer", {"value": 1}))], output=Number, hooks=(bad,))
        assert (await lab.run()).output == {"value": 1}
        assert changes(lab)[0][:2] == ("failed", "after_run")


async def test_words_are_added_before_a_turn_and_stay() -> None:
    """They enter after the results, once for each turn, and the model reads them in every later request."""
    seen: list[Context] = []

    def add(context: Context) -> str | None:
        seen.append(context)
        return f"Turn {context.step} begins." if context.step < 2 else None

    lab = Lab([LOOK, LOOK, answer()], [look], hooks=(hook(before_turn=add),))
    await lab.run()
    assert "Turn 0 begins." in said_last(lab, 0)
    assert said_last(lab, 1) == "Turn 1 begins."
    assert "Turn 0 begins." in plain_text(lab.requests[2].messages[0].content)  # type: ignore[arg-type]
    assert [context.step for context in seen] == [0, 1, 2]
    assert len(seen[1].messages) == 3
    assert seen[1].tokens > 0
    await check_log(lab)


async def test_a_turn_that_is_asked_again_is_told_once() -> None:
    """A crash, or a breakpoint, between the words and the turn does not repeat them."""
    add = hook(before_turn=lambda _: "Think.")
    lab = Lab([answer()], hooks=(add,))
    await lab.run()
    started = next(record.seq for record in lab.journal.records if record.event.kind == "turn_started")
    again = Lab([answer()], hooks=(add,), records=lab.journal.records[:started])
    await again.run()
    assert len(again.all(HookChanged)) == 1
    assert said_last(again, 0).count("Think.") == 1


async def test_a_turn_is_changed_before_it_counts() -> None:
    """Its text, its calls, and what is only its provider's; the original stands in the event."""

    def change(turn: Turn) -> Turn | None:
        if turn.step:
            return None
        first, _second = turn.calls
        return replace(turn, text="I look.", calls=(replace(first, input={"word": "b"}), Call("look", {"word": "c"})))

    turn = asks(("look", {"word": "a"}), ("write", {"word": "x"}), text="I look and write.")
    lab = signed([turn, answer()], hook(after_turn=change))
    state = await lab.run()
    stored = lab.all(TurnFinished)[0]
    assert stored.provider_parts is None
    assert [(call.id, call.input) for call in stored.calls] == [("0.0", {"word": "b"}), ("0.2", {"word": "c"})]
    assert [lab.text("0.0"), lab.text("0.2")] == ["b!", "c!"]
    assert state.call("0.1") is None
    ((what, before, after),) = changes(lab)
    assert (what, 'write {"word": "x"}' in before, after.startswith("I look.\n")) == ("after_turn", True, True)
    await check_log(lab)


async def test_a_turn_that_no_hook_changes_stays_verbatim() -> None:
    """What only its provider understands goes back as it came."""
    lab = signed([LOOK, answer()], hook(after_turn=lambda _: None))
    await lab.run()
    assert lab.all(TurnFinished)[0].provider_parts == PARTS
    assert lab.requests[1].messages[1].provider_parts == PARTS  # type: ignore[union-attr]


async def test_the_input_of_a_call_is_changed_before_it_runs() -> None:
    """The model is told what ran instead, and by whom; a person is asked about what would run."""
    lab = Lab([LOOK, answer()], [look], hooks=(hook(before_call=_shout),))
    await lab.run()
    call = lab.call("0.0")
    assert (call.input, call.original_input, call.hook, call.edited) == ({"word": "A"}, {"word": "a"}, "Test", False)
    assert lab.all(CallStarted)[0].input == {"word": "A"}
    assert lab.sent_results()[0][1].startswith('ran with {"word": "A"} instead, by a hook of the agent')
    assert lab.state.own_edits == []
    await check_log(lab)


def _shout(call: Call) -> dict[str, Any] | None:
    word = call.input.get("word")
    return {"word": word.upper()} if isinstance(word, str) else None


async def test_a_person_is_asked_about_what_would_run() -> None:
    """Hooks are shown a call before; what a person allowed is not changed any more, by nobody's next process."""
    asking = tool(permission="ask")(write.function)
    lab = Lab([asks(("write", {"word": "a"})), answer()], [asking], hooks=(hook(before_call=_shout),))
    state = await lab.run()
    assert state.reason == "permission"
    asked = next(record.event for record in lab.journal.records if record.event.kind == "permission_asked")
    assert asked.input == {"word": "A"}  # type: ignore[attr-defined]
    await check_log(lab)


async def test_what_a_person_allowed_is_not_changed_any_more() -> None:
    """Not by another process either, whose hooks may be others."""
    asking = tool(permission="ask")(write.function)
    turn = asks(("write", {"word": "a"}))
    lab = Lab([turn, answer()], [asking], hooks=(hook(before_call=lambda _: None),))
    await lab.run()
    again = Lab([answer()], [asking], hooks=(hook(before_call=_shout),), records=lab.journal.records)
    await again.journal.append(PermissionDecided(call="0.0", verdict="allow"))
    await again.run()
    assert again.call("0.0").input == {"word": "a"}


async def test_nothing_starts_beside_an_answer_that_a_hook_still_looks_at() -> None:
    """A call whose own hook was quicker is answered "not run", as beside any answer."""
    quick, slow = asyncio.Event(), asyncio.Event()

    async def look_on(call: Call) -> None:
        if call.tool == "submit_answer":
            await slow.wait()
        else:
            quick.set()

    turn = asks(("look", {"word": "b"}), ("submit_answer", {"answer": "42"}))
    lab = Lab([turn], [look], hooks=(hook(before_call=look_on),))
    task = await lab.started()
    await patiently(quick.wait())
    for _ in range(10):
        await asyncio.sleep(0)
    slow.set()
    await lab.finish(task)
    assert lab.call("0.0").outcome == "not_run"
    assert lab.state.answer == "42"


async def test_a_call_is_denied_with_words_for_the_model() -> None:
    """A `ToolError` is a result; the siblings run."""

    def deny(call: Call) -> None:
        if call.input.get("word") == "x":
            raise ToolError("x is secret")

    turn = asks(("look", {"word": "x"}), ("look", {"word": "b"}))
    lab = Lab([turn, answer()], [look], hooks=(hook(before_call=deny),))
    await lab.run()
    assert lab.sent_results(1) == [("0.0", "denied by a hook of the agent: x is secret.", True), ("0.1", "b!", False)]
    assert lab.call("0.0").outcome == "denied"
    assert [event.call for event in lab.all(CallStarted)] == ["0.1", "1.0"]
    assert changes(lab) == [("denied", '{"word": "x"}', "x is secret")]
    await check_log(lab)


async def test_an_answer_is_denied_too() -> None:
    """So a hook can ask for a better one; nothing beside it starts before it was looked at."""

    def deny(call: Call) -> None:
        if call.tool == "submit_answer" and "why" not in str(call.input.get("answer")):
            raise ToolError("say why")

    turn = asks(("look", {"word": "b"}), ("submit_answer", {"answer": "42"}))
    lab = Lab([turn, answer("42, and why")], [look], hooks=(hook(before_call=deny),))
    assert (await lab.run()).answer == "42, and why"


async def test_the_result_of_a_call_is_changed_before_the_model_sees_it() -> None:
    """As text, JSON or an error; what a hook sees is the call as it ran."""
    seen: list[tuple[Call, ToolResult]] = []

    def change(call: Call, result: ToolResult) -> Any:
        seen.append((call, result))
        return {
            "a": "[redacted]",
            "b": {"n": 1},
            "c": ToolResult(text_content("no"), is_error=True),
        }.get(str(call.input["word"]))

    turn = asks(*(("look", {"word": word}) for word in "abcd"))
    lab = Lab([turn, answer()], [look], hooks=(hook(after_call=change),))
    await lab.run()
    assert [(text, error) for _, text, error in lab.sent_results(1)] == [
        ("[redacted]", False), ('{"n":1}', False), ("no", True), ("d!", False),
    ]  # fmt: skip
    assert lab.call("0.2").outcome == "error"
    assert {before for _, before, _ in changes(lab)} == {"a!", "b!", "c!"}
    assert sorted(call.id for call, _ in seen) == ["0.0", "0.1", "0.2", "0.3"]
    await check_log(lab)


async def test_a_result_that_is_not_whole_says_so_to_hooks() -> None:
    """It stays so where only its text is another; a hook that gives a whole one says that it is whole."""
    seen: list[bool] = []

    @tool(read_only=True)
    async def tail(word: str) -> ToolResult:
        """Look at the end."""
        return ToolResult(text_content(word), interrupted=True)

    def change(call: Call, result: ToolResult) -> str | ToolResult:
        seen.append(result.interrupted)
        return "cut" if call.input["word"] == "a" else ToolResult(text_content("whole"))

    calls = asks(("tail", {"word": "a"}), ("tail", {"word": "b"}))
    lab = Lab([calls, answer()], [tail], hooks=(hook(after_call=change),))
    await lab.run()
    await check_log(lab)
    assert (seen, [call.partial for call in lab.state.steps[0].asked_calls]) == ([True, True], [True, False])


async def test_no_result_is_shown_where_no_tool_ran() -> None:
    """What was refused is the engine's own word, and is not changed."""
    seen: list[str] = []
    lab = Lab(
        [asks(("look", {}), ("nothing", {})), answer()],
        [look],
        hooks=(hook(after_call=lambda call, _: seen.append(call.id)),),
    )
    await lab.run()
    assert seen == []


async def test_what_a_person_says_is_heard_before_the_model_hears_it() -> None:
    """In the run and after it ended; messages that nobody changes stay as they are."""
    hide = hook(on_message=lambda content: plain_text(content).replace("secret", "***"))
    lab = Lab([LOOK, answer(), answer()], [look], hooks=(hide,))
    await lab.begin()
    await lab.journal.append(MessageAdded(content=text_content("a secret")))
    await lab.run()
    await lab.journal.append(MessageAdded(content=text_content("more secret")), MessageAdded(content=text_content("x")))
    await lab.run()
    sent = [plain_text(message.content) for request in lab.requests for message in request.messages[::2]]  # type: ignore[arg-type]
    assert not any("secret" in text for text in sent)
    assert said_last(lab) == "more ***\nx" or said_last(lab) == "more ***\n\nx"
    assert changes(lab) == [("on_message", "a secret", "a ***"), ("on_message", "more secret", "more ***")]
    await check_log(lab)


async def test_a_message_that_comes_while_hooks_look_at_another_is_heard_as_well() -> None:
    """No request is made of what was not heard."""
    lab: Lab

    async def hear(content: Any) -> str:
        if len(lab.all(MessageAdded)) < 3:
            await lab.journal.append(MessageAdded(content=text_content("late secret")))
        return plain_text(content).replace("secret", "***")

    lab = Lab([answer()], hooks=(hook(on_message=hear),))
    await lab.begin()
    await lab.journal.append(MessageAdded(content=text_content("first secret")))
    await lab.run()
    assert "secret" not in said_last(lab, 0)
    assert said_last(lab, 0).count("***") == 3
    await check_log(lab)


async def test_a_message_that_comes_while_the_model_fails_is_heard_before_it_is_asked_again() -> None:
    """Also where nothing else happens between two attempts."""
    hold = asyncio.Event()
    hide = hook(on_message=lambda content: plain_text(content).replace("secret", "***"))
    broken = scripted.Turn("x", hold=hold, error=TransientModelError("broken", kind="truncated"))
    lab = Lab([broken, answer()], hooks=(hide,))
    task = await lab.started()
    await lab.until(lambda: lab.state.active_turn is not None)
    await lab.journal.append(MessageAdded(content=text_content("a secret")))
    hold.set()
    await lab.finish(task)
    assert said_last(lab).endswith("a ***")
    assert "secret" not in said_last(lab)
    await check_log(lab)


async def test_a_message_is_heard_once_also_after_a_crash() -> None:
    """What a hook made of it is not shown to it again."""
    twice = hook(on_message=lambda content: plain_text(content) + "!")
    lab = Lab([answer()], hooks=(twice,))
    await lab.begin()
    await lab.journal.append(MessageAdded(content=text_content("Go")))
    await lab.run()
    started = next(record.seq for record in lab.journal.records if record.event.kind == "turn_started")
    again = Lab([answer()], hooks=(twice,), records=lab.journal.records[:started])
    await again.run()
    assert said_last(again, 0).endswith("Go!")


async def test_what_is_shown_is_changed_and_the_model_reads_what_it_said() -> None:
    """Of a turn's text and of the answer, in every view; nothing of the rest is stored or shown while it is written."""
    hide = hook(on_output=lambda text: text.replace("secret", "***"))
    turn = asks(("look", {"word": "a"}), text="The secret is out. " * 3)
    lab = Lab([turn, answer("the secret")], [look], hooks=(hide,))
    state = await lab.run()
    assert "secret" in plain_text(lab.requests[1].messages[1].content[:1])  # type: ignore[arg-type]
    assert (state.answer, state.told_answer) == ("the secret", "the ***")
    shown = "\n".join(line_text(line) for line in show_lines(state, {}, 100))
    assert "secret" not in shown
    assert shown.count("***") == 4
    assert not any("secret" in draft for draft in lab.journal.drafts)
    assert lab.all(TurnText) == []
    await check_log(lab)


async def test_a_fork_after_a_turn_shows_what_the_hook_wanted() -> None:
    """What is shown of a turn belongs to it, wherever the log is cut."""
    hide = hook(on_output=lambda text: text.replace("secret", "***"))
    lab = Lab([asks(("look", {"word": "a"}), text="The secret."), answer()], [look], hooks=(hide,))
    await lab.run()
    history = History()
    for record in lab.journal.records:
        history.append(record)
    cut = find_cut(history, parse_address("0.turn"))
    assert cut.state.steps[0].turn.text_blocks == ["The ***."]


async def test_drafts_pass_through_the_hook(monkeypatch: pytest.MonkeyPatch) -> None:
    """The text that is being written is shown as the hook wants it, and not at all where the hook fails."""
    monkeypatch.setattr("workbench.engine.turns.SHOW_EVERY", -1.0)
    monkeypatch.setattr("workbench.engine.turns.STORE_EVERY", -1.0)
    hold = asyncio.Event()
    turn = scripted.Turn("a secret", calls=[("look", {"word": "a"})], hold=hold)
    lab = Lab([turn, answer()], [look], hooks=(hook(on_output=lambda text: text.replace("secret", "***")),))
    task = await lab.started()
    await lab.until(lambda: lab.journal.drafts)
    hold.set()
    await lab.finish(task)
    assert any("***" in draft for draft in lab.journal.drafts)
    assert not any("secret" in draft for draft in lab.journal.drafts)
    assert lab.all(TurnText) == []


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("how", ["raises", "exits", "cancels", "returns nonsense", "takes too long"])
async def test_a_hook_that_fails_changes_nothing(method: str, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run goes on without it, comes to the same answer, and says what happened."""
    monkeypatch.setattr(hooks, "HOOK_SECONDS", 0.01 if how == "takes too long" else 20.0)

    async def fail(*_: Any) -> Any:
        match how:
            case "raises":
                raise ValueError("broken")
            case "exits":
                raise SystemExit(3)
            case "cancels":
                raise asyncio.CancelledError
            case "returns nonsense":
                return Nonsense()
            case _:
                await asyncio.Event().wait()
        return None

    turn = asks(("look", {"word": "a"}), text="I look.")
    lab = Lab([turn, answer()], [look], hooks=(hook(**{method: fail}),))
    await lab.begin()
    await lab.journal.append(MessageAdded(content=text_content("Hm.")))
    state = await lab.run()
    assert state.answer == "42"
    assert lab.text("0.0") == "a!" or (method, how) == ("after_call", "returns nonsense")
    failures = [event for event in lab.all(HookChanged) if event.what == "failed"]
    if (method, how) != ("after_call", "returns nonsense"):  # any value is a result
        assert failures
        assert {event.before for event in failures} == {method}
    await check_log(lab)


class Nonsense:
    """What nobody can use."""


async def test_hooks_that_are_not_async_run_on_threads() -> None:
    """So that they cannot block the loop; one that returns a coroutine is waited for."""
    names: set[str] = set()

    class Sync(Hooks):
        def before_turn(self, context: Context) -> Any:
            names.add(threading.current_thread().name)

            async def later() -> str:
                return f"Step {context.step}."

            return later()

        def before_call(self, call: Call) -> Any:
            names.add(threading.current_thread().name)
            raise ToolError("never")

    lab = Lab([LOOK, answer()], [look], hooks=(Sync(),))
    await lab.run()
    assert names == {"workbench-tool"}
    assert said_last(lab, 0).endswith("Step 0.")
    assert lab.call("0.0").outcome == "denied"


async def test_a_thread_that_never_returns_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is counted, and the run goes on."""
    monkeypatch.setattr(hooks, "HOOK_SECONDS", 0.01)
    release = threading.Event()

    class Stuck(Hooks):
        def before_run(self, task: str) -> None:
            release.wait(20)

    lab = Lab([answer()], hooks=(Stuck(),))
    assert (await lab.run()).answer == "42"
    assert "longer than" in changes(lab)[0][2]
    assert lab.threads.abandoned == 1
    release.set()


@pytest.mark.parametrize(
    ("method", "early"), [("before_call", False), ("after_call", False), ("after_turn", False), ("before_turn", True)]
)
async def test_no_call_starts_early_where_a_hook_may_change_it(method: str, early: bool) -> None:
    """A hook that only watches other things leaves speed as it is."""
    started = asyncio.Event()

    @tool(read_only=True)
    async def see(word: str) -> str:
        """See a word."""
        started.set()
        return word

    if not early:
        started.set()
    turn = asks(("see", {"word": "a"}), hold=started)
    lab = Lab([turn, answer()], [see], hooks=(hook(**{method: lambda *_: None}),))
    await lab.run()
    assert lab.all(CallStarted)[0].eager is early


async def test_a_run_without_the_code_of_its_hooks_goes_on_and_says_so() -> None:
    """Once; and only the hooks that the log names are asked."""
    lab = Lab(
        [LOOK, answer()],
        [look],
        hooks=(hook("Guard", before_call=_shout),),
        live_hooks=(hook("Other", before_call=_shout),),
    )
    state = await lab.run()
    assert lab.text("0.0") == "a!"
    assert state.missing_hooks == {"Guard"}
    assert changes(lab) == [("missing", "", "its code is not here")]
    assert "hook Guard is not here" in "\n".join(line_text(line) for line in show_lines(state, {}, 80))


@pytest.mark.parametrize("method", [name for name in METHODS if name not in ("after_run", "after_call")])
async def test_a_person_does_not_wait_for_a_hook(method: str) -> None:
    """Stopped while one looks, the run rests at once, and the hook is asked again when it goes on."""
    asked = asyncio.Event()
    times: list[int] = []

    async def look_on(*_: Any) -> None:
        if not times:
            times.append(1)
            asked.set()
            await asyncio.Event().wait()
        times.append(2)

    turn = asks(("look", {"word": "a"}), text="I look.")
    lab = Lab([turn, turn, answer()], [look], hooks=(hook(**{method: look_on}),))
    await lab.begin()
    await lab.journal.append(MessageAdded(content=text_content("Hm.")))
    task = await lab.started()
    await patiently(asked.wait())
    lab.loop.pause()
    await lab.finish(task)
    assert lab.state.status_and_reason == ("interrupted", "paused")
    assert isinstance(lab.journal.records[-1].event, RunPaused)
    state = await lab.go_on()
    assert state.answer == "42"
    assert times[:2] == [1, 2]
    await check_log(lab)


async def test_an_effect_whose_result_a_hook_still_looks_at_is_unknown_when_stopped_hard() -> None:
    """The first press waits for the hook, as for the effect; the second leaves a person to say what happened."""
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def look_on(*_: Any) -> None:
        asked.set()
        await go_on.wait()

    for presses in (1, 2):
        lab = Lab([asks(("write", {"word": "a"})), answer()], [write], hooks=(hook(after_call=look_on),))
        task = await lab.started()
        await patiently(asked.wait())
        for _ in range(presses):
            lab.loop.pause()
        if presses == 1:
            go_on.set()
        await lab.finish(task)
        assert bool(lab.all(OutcomeUnknown)) is (presses == 2)
        assert bool(lab.all(CallFinished)) is (presses == 1)
        asked.clear()
        go_on.clear()


async def test_a_person_who_speaks_while_a_hook_looks_at_the_answer_goes_first() -> None:
    """The run does not end with an answer to what was asked before."""
    lab: Lab

    async def look_on(_: Answer) -> None:
        if not lab.all(MessageAdded):
            await lab.journal.append(MessageAdded(content=text_content("And why?")))

    lab = Lab([answer("42"), answer("because")], hooks=(hook(after_run=look_on),))
    assert (await lab.run()).answer == "because"
    assert len(lab.all(RunFinished)) == 1


async def test_long_texts_are_cut_in_the_event_and_nowhere_else() -> None:
    """64 KB and a word on how much there is."""
    long = "x" * (hook_values.LONGEST_TEXT + 1000)
    lab = Lab([answer()], hooks=(hook(before_turn=lambda _: long, before_run=lambda _: long),))
    await lab.run()
    assert all(len(event.after) < hook_values.LONGEST_TEXT + 100 for event in lab.all(HookChanged))
    assert "66,536 characters in all" in lab.all(HookChanged)[0].after
    assert long in said_last(lab, 0)
    await check_log(lab)


async def test_a_value_that_is_changed_in_place_changes_nothing_by_itself() -> None:
    """A copy is what a hook sees; returned, it counts."""

    def spoil(call: Call) -> Call | None:
        call.input["word"] = "z"  # type: ignore[index]
        return call if call.id == "0.1" else None

    lab = Lab(
        [asks(("look", {"word": "a"}), ("look", {"word": "b"})), answer()], [look], hooks=(hook(before_call=spoil),)
    )
    await lab.run()
    assert [lab.text("0.0"), lab.text("0.1")] == ["a!", "z!"]


async def test_a_conversation_is_copied_for_hooks_once() -> None:
    """So a long run with a hook before each turn stays linear; what it does to its copy stays there."""
    shown: list[Context] = []

    def spoil(context: Context) -> None:
        shown.append(context)
        for block in context.messages[1].content if len(context.messages) > 1 else ():
            if isinstance(block, ToolCallBlock):
                block.input["word"] = "z"

    looks = [asks(("look", {"word": "a"})) for _ in range(4)]
    lab = Lab([*looks, answer()], [look], hooks=(hook(before_turn=spoil),))
    await lab.run()
    await check_log(lab)
    first, last = (shown[number].messages for number in (2, 4))
    assert len(last) > len(first)
    assert all(one is other for one, other in zip(first[:-1], last, strict=False))


async def test_views_tell_what_hooks_did() -> None:
    """A line each: without a screen, in `show`, in its JSON and in the inspector."""
    lab = Lab(
        [asks(("look", {"word": "a"}), text="Look."), answer()],
        [look],
        hooks=(hook("Redact", before_call=_shout, after_call=lambda _, result: "r", on_output=lambda text: text * 2),),
    )
    state = await lab.run()
    shown = "\n".join(line_text(line) for line in show_lines(state, {}, 100))
    wanted = ["hook Redact changed the input of 0.0", "hook Redact changed the result of 0.0"]
    assert all(words in shown for words in [*wanted, "hook Redact changed what is shown"])
    assert [note["what"] for note in run_document(state, {})["hooks"]][:2] == ["on_output", "before_call"]
    narrator, seen, told = Narrator(100), fold([]), ""
    for record in lab.journal.records:
        seen = fold([record], seen)
        told += "\n".join(line_text(line) for line in narrator.lines(record, seen)) + "\n"
    assert all(words in told for words in wanted)
    parts = step_parts(state.steps[0], Scene(state, 100))
    drawn = "\n".join(line_text(line) for part in parts for line in part.draw(Selection("none")))
    assert all(words in drawn for words in wanted)
    sheet = "\n".join(line_text(line) for line in inspector_lines(state, Selection("call", step=0, call="0.0"), {}, 80))
    assert "by hook Redact" in sheet


METHODS_AT_RANDOM: dict[str, Callable[[random.Random], Callable[..., Any]]] = {
    "before_run": lambda chance: lambda task: chance.choice([None, task + "?", 3]),
    "before_turn": lambda chance: lambda _: chance.choice([None, "Mind the gap.", text_content("Two."), ""]),
    "after_turn": lambda chance: (
        lambda turn: chance.choice(
            [None, turn.text + "+", replace(turn, calls=(*turn.calls, Call("look", {"word": "new"}))), Nonsense()]
        )
    ),
    "before_call": lambda chance: lambda call: chance.choice([None, {**call.input, "word": "w"}, [], call]),
    "after_call": lambda chance: lambda _, result: chance.choice([None, "r", {"a": [1]}, result]),
    "after_run": lambda chance: lambda answer: chance.choice([None, answer.text + ".", 7]),
    "on_message": lambda chance: lambda content: chance.choice([None, "hm", text_content("so"), 1]),
    "on_output": lambda chance: lambda text: chance.choice([None, "", text[:3], text]),
}


@pytest.mark.parametrize("seed", range(25))
async def test_with_any_hooks_the_log_is_the_whole_truth(seed: int) -> None:
    """The fold of the log is the live state, and every request comes out of it again as it was sent."""
    chance = random.Random(seed)
    hooks_ = tuple(
        hook(f"H{number}", **{name: make(chance) for name, make in METHODS_AT_RANDOM.items() if chance.random() < 0.6})
        for number in range(chance.randint(1, 3))
    )
    script = [asks(("look", {"word": "a"}), ("write", {"word": "b"}), text="I look."), LOOK, answer(), answer()]
    lab = Lab([*script, *[answer()] * 9], [look, write], hooks=hooks_)
    await lab.begin()
    await lab.journal.append(MessageAdded(content=text_content("Be quick.")))
    await lab.run()
    await check_log(lab)
    await lab.journal.append(MessageAdded(content=text_content("And then?")))
    await lab.run()
    await check_log(lab)
    assert lab.state.status == "completed"


def test_a_driver_knows_the_hooks_of_its_agent(tmp_path: Path) -> None:
    """They act in runs of the whole program, and in their subagents."""
    spec = AgentSpec(plan="off", hooks=(hook("Shout", before_call=_shout),))
    child = [asks(("look", {"word": "deep"})), answer("found")]
    script = [asks(("spawn_subagent", {"task": "t"})), *child, answer("done")]
    with Rig(tmp_path, script, [look], spec=spec) as rig:
        run = rig.start()
        state = rig.finish(run)
        assert state.agent is not None
        assert state.agent.hooks == ("Shout",)
        inner = state.call("0.0")
        assert inner is not None
        assert inner.child is not None
        below = rig.state(inner.child).call("0.0")
        assert below is not None
        assert below.input == {"word": "DEEP"}
