"""What fills the context, weighed from the state and drawn against the budget."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import Call, RunLog, agent_record, researched_run
from workbench.conversation.builder import Conversation
from workbench.conversation.weights import Weights, weigh
from workbench.events.agent import Limits
from workbench.events.call import ResultEvent
from workbench.events.run import ContextElided, ContextSummarised
from workbench.state.run_state import RunState
from workbench.views.context_meter import meter_lines
from workbench.views.segments import line_text, line_width


def shown(weights: Weights, width: int = 60, recorded: int | None = None) -> list[str]:
    """Return the meter's lines."""
    return [line_text(line).rstrip() for line in meter_lines(weights, width, recorded)]


def three_steps() -> RunLog:
    """Return a run of three steps with results of 4, 8 and 12 kB."""
    log = RunLog(agent=agent_record(plan="off", limits=Limits(request_tokens=10_000)))
    for number in (1, 2, 3):
        log.step([Call("look", {"word": "w"}, "x" * 4_000 * number)], text="Looking.")
    return log


async def test_the_parts_add_up_to_what_the_engine_counts() -> None:
    """Weighed without reading results, a request is as heavy as the engine finds it when it reads them."""
    log = researched_run()
    contents = {
        (record.run, record.seq): record.event.result for record in log.records if isinstance(record.event, ResultEvent)
    }

    async def load(refs: object) -> dict[tuple[str, int], tuple[object, ...]]:
        return dict(contents)

    prepared = await Conversation(load).prepare(log.state, "step")  # type: ignore[arg-type]
    assert weigh(log.state).total == pytest.approx(prepared.tokens, rel=0.15)


def test_results_are_weighed_by_step_and_left_out_ones_apart() -> None:
    """What elision and summaries keep out is told, and not counted."""
    log = three_steps()
    whole = weigh(log.state)
    assert [step for step, _ in whole.results] == [0, 1, 2]
    assert [tokens // 1_000 for _, tokens in whole.results] == [1, 2, 3]
    assert whole.left_out == 0
    log.add(ContextElided(calls=("0.0",), tokens_before=9, tokens_after=5))
    elided = weigh(log.state)
    assert elided.results[0][1] < 50
    assert elided.total + elided.left_out == pytest.approx(whole.total, abs=3)
    log.add(ContextSummarised(through=1, summary="It was x."))
    summed_up = weigh(log.state)
    assert [step for step, _ in summed_up.results] == [2]
    assert (summed_up.summary, summed_up.messages) == (3, whole.messages)
    assert summed_up.left_out > 3_000


def test_plan_and_prompt_are_weighed() -> None:
    """An approved plan and what is asked after all else are parts of their own kind."""
    state = researched_run().state
    assert weigh(state).plan > 20
    assert weigh(state, "x" * 400).messages == weigh(state).messages + 100
    assert weigh(RunState()) == Weights()


def test_the_bar_is_read_without_colour() -> None:
    """Each part has a texture of its own, in the bar and in its line; what was left out is hatched."""
    weights = Weights(
        instructions=100, tools=200, messages=50, turns=150, results=((0, 400),), left_out=200, budget=2_000
    )
    head, bar, _, *parts = shown(weights, 40)
    assert head == "≈ 900 of 2.0 k tokens · 45 %"
    assert bar == "██▓▓▓▓░▚▚▚▆▆▆▆▆▆▆▆╱╱╱╱" + "·" * 18
    assert [part[0] for part in parts] == ["█", "▓", "░", "▚", "▆", "╱"]
    assert parts[-1].split()[:4] == ["╱", "left", "out", "≈"]


def test_many_steps_are_named_by_the_largest() -> None:
    """Four lines of results, and one for the rest."""
    weights = Weights(results=tuple((step, 10 * (step % 7 + 1)) for step in range(10)), budget=1_000)
    lines = shown(weights)[3:]
    assert [line[2:18].strip() for line in lines] == [
        "results, step 3", "results, step 4", "results, step 5", "results, step 6", "6 other steps",
    ]  # fmt: skip


def test_a_request_above_its_budget_says_so() -> None:
    """The whole is what counts then, and the provider's own count stands beside the estimate."""
    lines = shown(Weights(messages=3_000, budget=1_000), recorded=2_900)
    assert lines[0] == "≈ 3.0 k of 1.0 k tokens · 300 % · recorded 2.9 k"
    assert lines[1] == "░" * 60
    assert shown(Weights(messages=1, budget=1_000))[0].endswith("<1 %")


numbers = st.integers(0, 300_000)


@given(
    st.builds(
        Weights, numbers, numbers, numbers, numbers, numbers, numbers,
        st.lists(st.tuples(st.integers(0, 99), numbers), max_size=9).map(tuple), numbers, numbers,
    ),
    st.integers(1, 160),
)  # fmt: skip
def test_lines_are_as_wide_as_they_should_be(weights: Weights, width: int) -> None:
    """Whatever the parts are, every line fits, and every part of the bar that has room is seen."""
    lines = meter_lines(weights, width)
    assert {line_width(line) for line in lines} == {width}
    textures = [line_text(line)[0] for line in lines[3:] if not line_text(line).startswith("╱")]
    if width >= 12:
        assert set(textures) <= set(line_text(lines[1]))
