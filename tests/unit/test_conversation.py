"""Requests: whatever happened to a run, what the model is sent is a history that every provider accepts."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.builders import QUESTION
from tests.loop_kit import Lab, answer, asks
from workbench.clock import ManualClock
from workbench.conversation.messages import answered, problems
from workbench.debugger.address import parse_address
from workbench.debugger.fork import Edits, plan_fork
from workbench.engine import attempts
from workbench.errors import Retry, ToolError, TransientModelError, UserError
from workbench.events.agent import Limits, ModelParameters
from workbench.events.base import Event
from workbench.events.call import OutcomeResolved, PermissionDecided
from workbench.events.content import TextBlock, plain_text, text_content
from workbench.events.edit import AgentEdited, InputEdited, MessageAdded, TextEdited
from workbench.events.request import (
    AssistantMessage,
    ProviderParts,
    Request,
    ToolCallBlock,
    ToolResultBlock,
    Usage,
    UserMessage,
)
from workbench.events.run import RunForked, RunResumed
from workbench.events.turn import TurnStarted
from workbench.providers.base import CallClosed, CallInput, CallOpened, PartsDelta, TurnEnd
from workbench.providers.scripted import Turn
from workbench.state.history import History
from workbench.tools.declaring import tool


@pytest.fixture(autouse=True)
def no_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let attempts follow at once."""
    monkeypatch.setattr(attempts, "FIRST_WAIT", 0.0)


@tool(read_only=True)
async def look(word: str) -> str:
    """Look a word up."""
    if word == "broken":
        raise ConnectionError("gone")
    return f"found {word} " + word * 40


@tool()
async def act(word: str) -> str:
    """Do something."""
    if word == "broken":
        raise ToolError("it cannot be done")
    if word == "retry":
        raise Retry("not yet")
    return f"did {word}"


@tool(permission="ask")
def delete(word: str) -> str:
    """Delete something, when allowed."""
    return f"deleted {word}"


TOOLS = [look, act, delete]


# Random journeys.

CALLS: Sequence[tuple[str, Mapping[str, Any] | str]] = [
    ("look", {"word": "a"}),
    ("look", {"word": "b"}),
    ("look", {"word": "broken"}),
    ("look", {"wrod": "a"}),
    ("look", '{"word": "cut'),
    ("act", {"word": "x"}),
    ("act", {"word": "broken"}),
    ("act", {"word": "retry"}),
    ("delete", {"word": "y"}),
    ("nothing", {}),
    ("submit_answer", {"answer": "42"}),
    ("submit_answer", {"anwser": "42"}),
]
BREAKS = [None, None, None, TransientModelError("overloaded", kind="overloaded")]


class Journey:
    """A run, its pauses, resumptions, decisions and forks, all drawn at random beforehand."""

    def __init__(self, script: list[list[int]], pauses: list[int], picks: list[int], *, tokens: int, plan: str) -> None:
        self.script, self.pauses, self.picks, self.tokens, self.plan = script, pauses, picks, tokens, plan
        self.asked = 0
        self.lab = self._lab("run 0")

    def _lab(self, run: str, **options: Any) -> Lab:
        limits = Limits(steps=6, request_tokens=self.tokens)
        planned = Turn("SEARCH: a\nSYNTHESIZE: b")
        return Lab(self._turn, TOOLS, run=run, limits=limits, plan=self.plan, plan_turn=planned, **options)

    def _turn(self, request: Request) -> Turn:
        if request.purpose == "summary":
            return Turn("Things were looked up.")
        self.asked += 1
        if self.asked > len(self.script):
            return answer()
        chosen = self.script[self.asked - 1]
        calls = [CALLS[number % len(CALLS)] for number in chosen]
        return Turn("Hm." if len(calls) % 2 else "", calls, error=BREAKS[sum(chosen) % 4], error_after_calls=True)

    async def travel(self) -> None:
        """Go on, whatever comes, as long as there are picks."""
        for number, pick in enumerate(self.picks):
            self._pause_later()
            await self.lab.run()
            check_fronts(self.lab)
            state = self.lab.state
            reason = state.status_and_reason[1]
            if state.status == "completed" or pick % 3 == 0:
                await self._fork(pick, f"run {number + 1}")
            elif reason == "permission":
                waiting = next(call.id for call in state.steps[-1].asked_calls if call.status == "waiting")
                verdict = "allow" if pick % 2 else "deny"
                await self._write(PermissionDecided(call=waiting, verdict=verdict))  # type: ignore[arg-type]
            elif reason == "outcome_unknown":
                unknown = next(call.id for call in state.steps[-1].asked_calls if call.status == "unknown")
                if pick % 2:
                    await self._write(OutcomeResolved(call=unknown, answer="rerun"))
                else:
                    self.lab.loop.answer_call(unknown, text_content("by hand"), is_error=False)
            else:
                await self._write(RunResumed(limits=Limits(request_tokens=self.tokens)))
                if pick % 2:
                    await self._write(MessageAdded(content=text_content(f"message {pick}")))
        await self.lab.run()
        check_fronts(self.lab)

    async def _write(self, event: Event) -> None:
        await self.lab.journal.append(event)

    def _pause_later(self) -> None:
        """Press pause, once or twice, when so many more events are written."""
        if not self.pauses:
            return
        journal, loop, append = self.lab.journal, self.lab.loop, self.lab.journal.append
        at = self.lab.state.seq + 1 + self.pauses[-1]
        presses = 1 + self.pauses.pop() % 2

        async def pressing(*events: Event, durable: bool = False) -> None:
            await append(*events, durable=durable)
            if self.lab.state.seq >= at:
                journal.append = append  # type: ignore[method-assign]
                for _ in range(presses):
                    loop.pause()

        journal.append = pressing  # type: ignore[method-assign]

    async def _fork(self, pick: int, run: str) -> None:
        history = History()
        for record in self.lab.journal.records:
            history.append(record)
        places = ["plan", "end", f"seq:{pick % len(history.records)}"]
        for step in history.live.steps:
            places += [str(step.index), f"{step.index}.turn", *step.calls]
        address = places[pick % len(places)]
        edits = [
            Edits(),
            Edits(results={address: text_content("edited")}),
            Edits(inputs={address: {"word": "edited"}}),
            Edits(text="I say otherwise."),
            Edits(say="A further message."),
            Edits(reruns=(address,)),
        ][pick // 7 % 6]
        try:
            plan = plan_fork(history, parse_address(address), edits)
        except UserError:
            plan = plan_fork(history, parse_address("end"), Edits(say="Go on, please."))
        self.lab = self._lab(run, records=history.records[: plan.cut.seq + 1])
        await self.lab.journal.append(*plan.events)


def check_fronts(lab: Lab) -> None:
    """Fail where the front of a request changed though nothing was left out or summed up between."""
    steps = [request for request in lab.requests if request.purpose == "step"]
    starts = [record for record in lab.journal.records if isinstance(record.event, TurnStarted)]
    changes = [record.seq for record in lab.journal.records if record.event.kind.startswith("context_")]
    own = [record for record in starts if record.run == lab.state.run and record.event.purpose == "step"]  # type: ignore[attr-defined]
    for index in range(1, len(steps)):
        between = range(own[index - 1].seq, own[index].seq)
        if not any(seq in between for seq in changes):
            before, after = steps[index - 1].messages[:-1], steps[index].messages
            assert after[: len(before)] == before
            last, same = steps[index - 1].messages[-1], after[len(before)]
            assert isinstance(last, UserMessage)
            assert isinstance(same, UserMessage)
            assert same.results == last.results
            assert same.content[: len(last.content)] == last.content


@given(
    script=st.lists(st.lists(st.integers(0, 11), max_size=4), max_size=5),
    pauses=st.lists(st.integers(0, 12), max_size=4),
    picks=st.lists(st.integers(0, 10_000), min_size=1, max_size=6),
    tokens=st.sampled_from([120_000, 120_000, 900]),
    plan=st.sampled_from(["off", "auto"]),
)
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_request_of_any_journey_is_acceptable(
    script: list[list[int]], pauses: list[int], picks: list[int], tokens: int, plan: str
) -> None:
    """Random turns, failures, pauses, resumptions, decisions, edits and forks: no request breaks a provider's rules.

    On the way the fold of the log equals the state after every event, and the front of requests holds still.
    """
    asyncio.run(Journey(script, pauses, picks, tokens=tokens, plan=plan).travel())


# The rules, one by one.


def call(number: str) -> ToolCallBlock:
    """Return a wish to call."""
    return ToolCallBlock(id=number, tool="look", input={})


def result(number: str) -> ToolResultBlock:
    """Return a result."""
    return ToolResultBlock(call=number, content=text_content("r"))


def said(text: str = "hello", *results: ToolResultBlock) -> UserMessage:
    """Return a message of the user."""
    return UserMessage(results=results, content=text_content(text) if text else ())


@pytest.mark.parametrize(
    ("messages", "problem"),
    [
        ([], "does not begin"),
        ([AssistantMessage(content=(call("0.0"),)), said("", result("0.0"))], "does not begin"),
        ([said(), said()], "both of the user"),
        ([said(), AssistantMessage(content=(call("0.0"),)), said()], r"answers \[\]; asked were \['0.0'\]"),
        ([said(), AssistantMessage(content=(call("0.0"),)), said("", result("0.0"), result("0.0"))], "twice"),
        ([said(), AssistantMessage(content=(call("0.0"),)), said("", result("0.1"))], "asked were"),
        ([said("", result("0.0"))], "asked were"),
        ([UserMessage()], "empty"),
        ([said(), AssistantMessage(content=()), said()], "empty turn"),
        ([said(), AssistantMessage(content=(TextBlock(text="x"),))], "ends with a turn"),
    ],
)
def test_what_providers_refuse_is_named(messages: Any, problem: str) -> None:
    """The rule that the other tests stand on can itself fail."""
    assert any(re.search(problem, sentence) for sentence in problems(messages))


def test_results_are_completed_and_put_in_order() -> None:
    """Each call gets exactly one result in the model's order; strangers go, the first of two counts."""
    turn = AssistantMessage(content=(call("0.1"), call("0.0"), call("0.2")))
    again = result("0.0").model_copy(update={"content": text_content("again")})
    message = answered(turn, said("more", result("0.0"), again, result("0.1"), result("9.9")))
    assert [block.call for block in message.results] == ["0.1", "0.0", "0.2"]
    assert plain_text(message.results[1].content) == "r"
    assert message.results[2].is_error
    assert plain_text(message.results[2].content).startswith("not run")
    assert message.content == text_content("more")
    assert problems([said(), turn, message]) == []


async def journey_of(run: str, found: str = "found", **options: Any) -> Lab:
    """Return a finished run of two steps whose tool says `found`."""

    @tool(name="look", read_only=True)
    async def looks(word: str) -> str:
        return f"{found} {word}"

    lab = Lab([asks(("look", {"word": "a"}), text="Hm."), answer()], [looks], run=run, **options)
    await lab.run()
    return lab


async def test_equal_situations_have_equal_keys_whatever_run_model_and_time() -> None:
    """A recorded run can answer for another; other instructions, tools or results make other keys."""
    later = ManualClock(wall=1_900_000_000.0)
    one, two = await journey_of("run one"), await journey_of("run two", clock=later, model="other:model@http://x")
    keys = [[event.request_key for event in lab.all(TurnStarted)] for lab in (one, two)]
    assert keys[0] == keys[1]
    assert len(set(keys[0])) == 2
    other_result = [event.request_key for event in (await journey_of("r", "nothing")).all(TurnStarted)]
    assert other_result[0] == keys[0][0]
    assert other_result[1] != keys[0][1]
    other_words = [event.request_key for event in (await journey_of("r", instructions="Be brief.")).all(TurnStarted)]
    assert set(other_words).isdisjoint(keys[0])


async def test_a_broken_attempt_leaves_keys_as_they_would_be_without_it() -> None:
    """What broke left no trace, so the next request's key is that of a run in which nothing broke."""
    broken = Turn("half", error=TransientModelError("x", kind="overloaded"))
    lab = Lab([broken, asks(("look", {"word": "a"}), text="Hm."), answer()], [look])
    await lab.run()
    whole = Lab([asks(("look", {"word": "a"}), text="Hm."), answer()], [look])
    await whole.run()
    keys = [event.request_key for event in lab.all(TurnStarted)]
    assert keys[1:] == [event.request_key for event in whole.all(TurnStarted)]


async def test_keys_do_not_know_that_eager_calls_of_a_broken_attempt_took_the_first_numbers() -> None:
    """The ids in the request go on counting; its key is that of a run in which nothing broke."""
    hold = asyncio.Event()
    calls = [("look", {"word": "b"}), ("look", {"word": "a"})]
    broken = asks(
        ("look", {"word": "a"}), hold=hold, error=TransientModelError("x", kind="overloaded"), error_after_calls=True
    )
    lab, whole = Lab([broken, asks(*calls), answer()], [look]), Lab([asks(*calls), answer()], [look])
    task = await lab.started()
    await lab.until(lambda: lab.statuses() == ["finished"])
    hold.set()
    await lab.finish(task)
    await whole.run()
    assert [sent for sent, _, _ in lab.sent_results()] == ["0.1", "0.2"]
    keys = [[event.request_key for event in run.all(TurnStarted)] for run in (lab, whole)]
    assert keys[0][1:] == keys[1]


async def test_nothing_of_ours_is_in_a_request() -> None:
    """No run id and no duration; the date is the one with which the run began."""
    clock = ManualClock()

    @tool()
    async def slow(word: str) -> str:
        clock.advance(123.456)
        return "slow"

    lab = Lab([asks(("slow", {"word": "a"})), answer()], [slow], run="cafe0123deadbeef", clock=clock)
    await lab.run()
    text = str(lab.requests)
    assert "cafe0123" not in text
    assert "123.4" not in text
    assert "Today is 2026-09-21." in lab.requests[0].instructions


async def test_the_front_of_requests_is_the_same_object_by_object() -> None:
    """Each request begins with the whole one before it, unchanged, so that a provider's cache holds."""
    lab = Lab([*[asks(("look", {"word": word}), text="Hm.") for word in "abcd"], answer()], [look])
    await lab.run()
    for before, after in zip(lab.requests, lab.requests[1:], strict=False):
        assert after.messages[: len(before.messages)] == before.messages
        assert after.instructions == before.instructions
        assert after.tools == before.tools


async def test_an_edited_input_is_said_at_the_head_of_its_result_and_nowhere_else() -> None:
    """The model's turn stays as it wrote it; the mark stays even when the result itself is left out."""
    script = [asks(("delete", {"word": "a"})), *[asks(("look", {"word": "b" * 9})) for _ in range(4)], answer()]
    lab = Lab(script, TOOLS, limits=Limits(steps=None, request_tokens=900))
    await lab.run()
    await lab.journal.append(InputEdited(call="0.0", input={"word": "x" * 900}, replaces=""))
    await lab.run()  # asks again: what a person allows is one input, and no other
    await lab.journal.append(PermissionDecided(call="0.0", verdict="allow"))
    await lab.run()
    first, last = lab.requests[1].messages, lab.requests[-1].messages
    assert isinstance(first[1], AssistantMessage)
    assert [block.input for block in first[1].content if isinstance(block, ToolCallBlock)] == [{"word": "a"}]
    for messages in (first, last):
        assert isinstance(messages[2], UserMessage)
        head = plain_text(messages[2].results[0].content).split("\n")[0]
        assert head == f'ran with {{"word": "{"x" * 900}"}} instead, by the operator'
    assert "0.0" in lab.state.elided


class Signing:
    """A provider that signs its turns and keeps what it was sent."""

    def __init__(self) -> None:
        self.seen: list[list[ProviderParts | None]] = []

    async def stream(self, request: Request) -> Any:
        """Ask for one call, then answer."""
        self.seen.append([m.provider_parts for m in request.messages if isinstance(m, AssistantMessage)])
        is_last = len(request.messages) > 3
        yield PartsDelta(ProviderParts(provider="signing", parts={"signature": len(request.messages)}))
        yield CallOpened(0, "submit_answer" if is_last else "look")
        yield CallInput(0, '{"answer": "42"}' if is_last else '{"word": "a"}')
        yield CallClosed(0)
        yield TurnEnd("tool_calls", Usage())


async def test_parts_of_a_provider_go_back_verbatim_and_to_nobody_else() -> None:
    """An edit of the text strips that turn's; another provider gets none; the signed turn itself is not rebuilt."""
    signing = Signing()
    lab = Lab([], [look], provider=signing, model="signing:one")
    await lab.run()
    parts = [ProviderParts(provider="signing", parts={"signature": length}) for length in (1, 3)]
    assert signing.seen == [[], parts[:1], parts]
    cut = next(record.seq for record in lab.journal.records if record.event.kind == "turn_finished")
    agent = lab.agent.model_copy(update={"model": "signing:two"})
    for edit, expected in (
        (AgentEdited(agent=agent, changed=("model",)), parts[:1]),
        (AgentEdited(agent=agent.model_copy(update={"model": "other:x"}), changed=("model",)), [None]),
        (TextEdited(step=0, text="Otherwise.", replaces=""), [None]),
    ):
        again = Signing()
        fork = Lab([], [look], provider=again, records=lab.journal.records[: cut + 1], run="fork")
        forked = RunForked(parent="r1", cut=cut, made_from="r1", address="0.turn")
        await fork.journal.append(forked, edit)
        await fork.run()
        assert again.seen[0] == expected


async def test_a_turn_that_said_nothing_is_not_sent_back() -> None:
    """An empty turn ends the run; a further message follows the one before it in one user message."""
    lab = Lab([Turn(" \n"), answer()])
    await lab.begin(QUESTION)
    await lab.run()
    assert lab.state.status_and_reason == ("completed", "halted")
    await lab.journal.append(MessageAdded(content=text_content("Well?")))
    await lab.run()
    assert [message.role for message in lab.requests[-1].messages] == ["user"]


async def test_a_plan_is_asked_for_without_thinking() -> None:
    """It may take few tokens, and thinking would eat them up; the steps think as the person chose."""
    lab = Lab([answer()], plan_turn=Turn("SIMPLE"), plan="auto", parameters=ModelParameters(effort="high"))
    await lab.run()
    assert [(request.purpose, request.parameters.effort) for request in lab.requests] == [
        ("plan", None),
        ("step", "high"),
    ]
