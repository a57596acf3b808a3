"""One table of actions: no two keys clash where a person is, and everything that is offered can be done."""

from __future__ import annotations

import dataclasses
from collections import Counter
from inspect import iscoroutinefunction
from typing import Any, get_args

import pytest
from textual.binding import Binding
from textual.widget import Widget
from textual.widgets import OptionList

from tests.builders import RunLog, agent_record, live_run, researched_run, troubled_run, waiting_plan
from workbench.tui.action import Action
from workbench.tui.actions import ACTIONS, bindings, in_scope, offered, shown_key
from workbench.tui.context import Context, Scope
from workbench.tui.dialogs.breakpoints import BreakpointsDialog
from workbench.tui.dialogs.by_hand import ByHandDialog
from workbench.tui.dialogs.edit import EditDialog
from workbench.tui.dialogs.filter import FilterDialog
from workbench.tui.dialogs.fork import ForkDialog
from workbench.tui.dialogs.help import help_lines
from workbench.tui.flows import FLOWS, flow_of
from workbench.tui.screens.metrics import MetricsScreen
from workbench.tui.screens.request import RequestScreen
from workbench.tui.widgets.plan_editor import PlanEditor
from workbench.tui.widgets.timeline import Timeline
from workbench.views.segments import line_text
from workbench.views.selection import NOTHING, Selection

SCOPES: tuple[Scope, ...] = get_args(Scope)
MODAL: tuple[Scope, ...] = ("breakpoints",)
"""Scopes of dialogs in which nothing is typed: they lie on top, and the keys of the main screen do not hold there."""
TEXT_FIELDS: tuple[Scope, ...] = ("prompt", "find_line", "invitation", "edit", "hand", "text", "line", "question")


def keys_of(actions: tuple[Action, ...]) -> list[str]:
    """Return all keys of actions."""
    return [key for action in actions for key in action.keys]


@pytest.mark.parametrize("scope", SCOPES)
def test_no_key_means_two_things_in_one_place(scope: Scope) -> None:
    """Within one focus every key stands for one action."""
    twice = [key for key, count in Counter(keys_of(in_scope(scope))).items() if count > 1]
    assert not twice


HIDDEN: dict[Scope, set[str]] = {"runs": {"r", "o", "u", "/"}, "find": {"n", "N"}}
"""Letters that a place of the main screen takes from it on purpose; the line of keys tells so there."""


@pytest.mark.parametrize("scope", ["runs", "find"])
def test_a_place_hides_few_keys_of_the_main_screen(scope: Scope) -> None:
    """A letter means one thing on the main screen, save in the plan, whose keys are told beside it, and these few."""
    hidden = set(keys_of(in_scope(scope))) & {key for key in keys_of(in_scope("main")) if len(key) == 1}
    assert hidden <= HIDDEN[scope]


@pytest.mark.parametrize(
    ("widget", "scopes"),
    [(Timeline, ("main", "app")), (OptionList, ("main", "runs", "app"))],
)
def test_a_focused_pane_takes_no_key_of_an_action(widget: type[Widget], scopes: tuple[Scope, ...]) -> None:
    """The lists leave alone every key that the registry gives to an action which they do not do themselves."""
    own = {binding.key for binding in Binding.make_bindings(widget.BINDINGS)}
    taken = {key for action in in_scope(*scopes) if not action.is_native and not action.priority for key in action.keys}
    assert not own & taken


@pytest.mark.parametrize("scope", ["edit", "hand", "text", "fork", "prompt", "find_line"])
def test_keys_beside_a_text_field_are_none_that_it_writes(scope: Scope) -> None:
    """What can be typed is typed: only other keys act while a text field has the focus."""
    assert not [key for key in keys_of(in_scope(scope)) if len(key) == 1]


def test_every_action_of_the_main_screen_does_something() -> None:
    """Flows and table name the same actions."""
    declared = {action.id for action in in_scope("find", "main", "runs") if not action.is_native}
    assert declared == set(FLOWS)
    assert all(iscoroutinefunction(flow_of(action)) for action in declared)


@pytest.mark.parametrize(
    ("owner", "scopes"),
    [
        (PlanEditor, ("plan", "plan_edit", "plan_typing")),
        (EditDialog, ("edit", "text", "preview", "dialog")),
        (ByHandDialog, ("hand", "text", "dialog")),
        (ForkDialog, ("fork", "dialog")),
        (RequestScreen, ("request",)),
        (BreakpointsDialog, ("breakpoints", "dialog")),
        (FilterDialog, ("filter", "dialog")),
        (MetricsScreen, ("metrics",)),
    ],
)
def test_widgets_do_all_actions_of_their_places(owner: type, scopes: tuple[Scope, ...]) -> None:
    """Each action of a widget or dialog has its method."""
    missing = [
        action.id for action in in_scope(*scopes) if not action.is_native and not hasattr(owner, f"do_{action.id}")
    ]
    assert not missing


def test_the_help_names_every_key() -> None:
    """Nothing can be done that the help does not tell of."""
    text = "\n".join(line_text(line) for line in help_lines(100))
    for action in ACTIONS.values():
        assert action.help.split(";")[0].rstrip(".")[:30] in text
        for key in action.keys:
            assert f"  {shown_key(key)}" in text


def test_the_help_begins_where_one_is() -> None:
    """In a race the keys of the race come first, elsewhere those of the main screen; each stands there once."""
    race = [line_text(line) for line in help_lines(100, "race")]
    assert race[0] == "Here, in a race"
    main = [line_text(line) for line in help_lines(100)]
    assert main[0].startswith("On the main screen")
    assert len(race) == len(main)


def test_bindings_come_from_the_table() -> None:
    """Textual gets a binding for each key, named after its action, so that keys can be given to other actions."""
    made = bindings("main")
    assert {binding.id for binding in made} >= {"fork.0", "toggle.0"}
    assert all(binding.action.startswith("do('") for binding in made)


def context_of(log: RunLog, selection: Selection = NOTHING, **changes: Any) -> Context:
    """Return the context of a run that this process drives."""
    context = Context(state=log.state, selection=selection, is_live=True, is_mine=True)
    return dataclasses.replace(context, **changes)


def test_refusals_say_why() -> None:
    """What cannot be done now is told in a sentence with a way out."""
    done = context_of(researched_run(), is_live=False)
    assert "m asks a further question" in ACTIONS["toggle"].refusal(done)
    assert ACTIONS["cancel"].refusal(done) == "Select a call first."
    call = context_of(researched_run(), Selection("call", step=0, call="0.1"))
    assert "in flight" in ACTIONS["cancel"].refusal(call)
    assert not ACTIONS["edit"].refusal(call)
    other = context_of(waiting_plan(), is_mine=False)
    assert "Another process" in ACTIONS["toggle"].refusal(other)
    imported = context_of(researched_run(), is_live=False, is_imported=True)
    assert "imported" in ACTIONS["toggle"].refusal(imported)
    past = context_of(waiting_plan(), is_scrubbing=True)
    assert "End returns" in ACTIONS["toggle"].refusal(past)
    assert "Open a run first" in ACTIONS["fork"].refusal(Context())


def test_what_waits_is_answered_even_while_siblings_run() -> None:
    """A call that asks can be answered wherever the cursor is."""
    context = context_of(troubled_run())
    assert context.waiting_call is not None
    assert context.waiting_call.id == "2.0"
    assert ACTIONS["answer"].name(context) == "resolve"
    asked = context_of(troubled_run(), Selection("call", step=2, call="2.2"))
    assert ACTIONS["answer"].name(asked) == "decide"


def test_the_line_of_keys_offers_what_can_be_done() -> None:
    """A run that moves can be paused; one that waits for its plan shows the plan's keys first."""
    running = offered(in_scope("main"), context_of(live_run()))
    assert [action.id for action in running][:2] == ["open", "toggle"]
    plan = context_of(waiting_plan(), scope="plan")
    assert [action.id for action in offered(in_scope("plan", "main"), plan)][:3] == [
        "plan_approve",
        "plan_edit",
        "plan_skip",
    ]


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, "Turn 0 is not finished yet; wait for its end to edit what stands in it."),
        ({"is_mine": False}, "Turn 0 is not finished yet; wait for its end to edit what stands in it."),
        ({"is_scrubbing": True}, "At this moment turn 0 is not finished yet; } goes on to the end of the step."),
    ],
)
def test_the_text_of_a_turn_that_streams_is_not_offered_to_be_edited(changes: dict[str, Any], why: str) -> None:
    """Whoever drives the run; the sentence promises nothing that a person cannot do there."""
    log = RunLog(agent=agent_record(plan="off"))
    log.begin_turn()
    log.stream("I look it up.")
    context = context_of(log, Selection("step", step=0), **changes)
    assert ACTIONS["edit"] not in offered(in_scope("main"), context)
    assert ACTIONS["edit"].refusal(context) == why


def test_a_run_that_is_played_goes_no_step() -> None:
    """What is played can be stopped, but only a run goes on for a step."""
    played = context_of(researched_run(), is_live=False, is_mine=False, is_scrubbing=True, is_playing=True)
    assert not ACTIONS["toggle"].refusal(played)
    assert ACTIONS["step"] not in offered(in_scope("main"), played)
    assert "End returns" in ACTIONS["step"].refusal(played)
