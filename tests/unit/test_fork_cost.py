"""About what a fork costs: what is sent again, what of it a cache holds, and what the rest may cost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.fork_kit import scene
from tests.run_log import Call, RunLog, agent_record
from workbench.debugger.address import parse_address
from workbench.debugger.cost import ForkCost
from workbench.debugger.fork import Edits, ForkPreview, plan_fork, preview
from workbench.driver.commands import ForkEdits, PreviewFork
from workbench.events.content import text_content
from workbench.events.request import Usage
from workbench.state.history import History
from workbench.views.fork_cost import cost_words

MODEL = "some:model"


def dollars(model: str, usage: Usage) -> float | None:
    """Price a token at a dollar, one from a cache at ten cents, those of other models not at all."""
    if model != MODEL:
        return None
    return usage.total_tokens - 0.9 * usage.cache_read_tokens


def three_steps() -> RunLog:
    """Return a run of two steps with two calls each, and an answer."""
    log = RunLog(agent=agent_record(plan="off").model_copy(update={"model": MODEL}))
    for topic in "ab":
        log.step([Call("search_docs", {"query": f"{topic}{number}"}, "found it" * 50) for number in range(2)])
    log.answer("42")
    return log


def cost_of(address: str, price: Any = dollars, **edits: Any) -> ForkCost:
    """Return what a fork of that run costs."""
    log = three_steps()
    history = History()
    for record in log.records:
        history.append(record)
    plan = plan_fork(history, parse_address(address), Edits(**edits))
    return preview(plan, log.records[plan.cut.seq + 1 :], (), price).cost


def turn_tokens(step: int) -> Usage:
    """Return what a turn of that run used."""
    return three_steps().state.steps[step].turn.usage


RESULT = 400 // 4
"""Tokens of each result."""


def test_before_a_turn_the_cache_holds_all_that_was_sent_for_it() -> None:
    """The parent sent the same request already."""
    cost = cost_of("1")
    assert cost.prefix_tokens == cost.cached_tokens == turn_tokens(0).total_tokens + 2 * RESULT
    assert cost.without_cache == pytest.approx(cost.prefix_tokens)
    assert cost.with_cache == pytest.approx(0.1 * cost.prefix_tokens)


def test_an_edited_call_ends_what_the_cache_holds() -> None:
    """Everything in front of it is as it was; its sibling behind it is sent anew."""
    before = turn_tokens(0).total_tokens
    first = cost_of("0.0", results={"0.0": text_content("x" * 800)})
    assert (first.cached_tokens, first.prefix_tokens) == (before, before + RESULT + 200)
    second = cost_of("0.1", results={"0.1": text_content("x" * 800)})
    assert (second.cached_tokens, second.prefix_tokens) == (before + RESULT, before + RESULT + 200)


def test_at_the_end_the_cache_holds_the_last_request() -> None:
    """What the last turn said and its results were never sent."""
    cost = cost_of("end", say="More?")
    assert cost.cached_tokens == turn_tokens(2).input_tokens
    assert cost.prefix_tokens > cost.cached_tokens


def test_a_changed_text_is_not_what_the_cache_holds() -> None:
    """The turn itself differs from what was sent."""
    assert cost_of("1.turn", text="Something else.").cached_tokens == turn_tokens(1).input_tokens


def test_another_front_loses_the_whole_cache() -> None:
    """Other instructions, another model or other tools stand before everything; other parameters do not."""
    agent = three_steps().state.agent
    assert agent is not None
    other = cost_of("1", agent=agent.model_copy(update={"instructions": "x"}))
    assert (other.cached_tokens, other.lost) == (0, ("instructions",))
    assert other.with_cache == other.without_cache
    assert "cache lost from the start (instructions changed)" in cost_words(other).sends
    warmer = agent.parameters.model_copy(update={"temperature": 0.9})
    assert cost_of("1", agent=agent.model_copy(update={"parameters": warmer})).cached_tokens > 0


def test_the_rest_is_judged_by_what_the_parent_used_after_the_cut() -> None:
    """Two turns of the parent at this price; none after its end."""
    cost = cost_of("1")
    assert cost.rest_steps == 2
    assert cost.rest == pytest.approx(turn_tokens(1).total_tokens + turn_tokens(2).total_tokens)
    assert cost_of("end", say="x").rest_steps == 0
    assert "took no step after here" in cost_words(cost_of("end", say="x")).rest


def test_a_model_without_a_price_is_unknown_and_never_nothing() -> None:
    """Neither what is sent nor the rest is a number then."""
    cost = cost_of("1", price=lambda *_: None)
    assert (cost.with_cache, cost.without_cache, cost.rest) == (None, None, None)
    words = cost_words(cost)
    assert words.cost == "unknown: no price is known for some:model"
    assert words.rest == "cost unknown; the parent took 2 steps more"


def test_the_beginning_is_estimated_by_its_size() -> None:
    """Before the first turn nobody has counted anything yet."""
    cost = cost_of("0")
    assert 20 < cost.prefix_tokens < 2_000
    assert cost.cached_tokens == cost.prefix_tokens


@pytest.mark.parametrize(
    ("cost", "sends", "money"),
    [
        (ForkCost("m", 20_000, 0, (), 0.06, 0.06), "none of which a cache can hold yet", "about $0.060 to send them"),
        (ForkCost("m", 20_000, 15_000, (), 0.0, 0.0), "hold 15.0 k (75 %)", "nothing: this model costs nothing"),
        (
            ForkCost("m", 20_000, 15_000, (), 0.02, 0.06),
            "20.0 k tokens; the cache should hold",
            "about $0.020; $0.060 if the cache forgot them",
        ),
    ],
)
def test_costs_are_said_in_plain_words(cost: ForkCost, sends: str, money: str) -> None:
    """How much is sent, what the cache holds, and what either comes to."""
    words = cost_words(cost)
    assert sends in words.sends
    assert words.cost == money


def test_the_driver_knows_the_prices(tmp_path: Path) -> None:
    """A preview of a fork to a model with a price says what that costs; the scripted one costs nothing."""
    with scene(tmp_path, "end") as at:
        at.rig.models["anthropic:claude-sonnet-4-5"] = at.rig.model
        free: ForkPreview = at.rig.ask(PreviewFork(at.run, "1", ForkEdits()))
        assert (free.cost.without_cache, free.cost.rest) == (0.0, 0.0)
        paid: ForkPreview = at.rig.ask(PreviewFork(at.run, "1", ForkEdits(model="anthropic:claude-sonnet-4-5")))
        assert paid.cost.lost == ("model",)
        assert (paid.cost.without_cache or 0) > 0
        assert (paid.cost.rest or 0) > 0
