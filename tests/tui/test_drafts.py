"""Plans and forks while a person edits them: plain values, no screen."""

from __future__ import annotations

import pytest

from tests.builders import researched_run, waiting_plan
from workbench.driver.commands import ForkEdits
from workbench.events.plan import PlanStep
from workbench.tui.fork_draft import ForkDraft, Kind, json_problem, read_plan_text, read_step
from workbench.tui.plan_draft import PlanDraft
from workbench.tui.typed import Typed

STEPS = (
    PlanStep(action="SEARCH", text="a"),
    PlanStep(action="SEARCH", text="b"),
    PlanStep(action="SYNTHESIZE", text="c"),
)


def texts(draft: PlanDraft) -> str:
    """Return the texts of a plan's steps, one letter each."""
    return "".join(step.text for step in draft.steps)


def test_a_step_is_replaced_with_or_without_its_word() -> None:
    """What is typed without a word such as SEARCH keeps the word that stood there."""
    draft = PlanDraft(STEPS)
    draft.replace("COMPARE: a with b")
    assert draft.steps[0] == PlanStep(action="COMPARE", text="a with b")
    draft.replace("only words")
    assert draft.steps[0] == PlanStep(action="COMPARE", text="only words")
    draft.replace("   ")
    assert draft.steps[0].text == "only words"


def test_every_change_can_be_undone_in_order() -> None:
    """Undo takes back one change after the other, and then says that nothing is left."""
    draft = PlanDraft(STEPS)
    draft.move(1)
    assert texts(draft) == "bac"
    draft.delete()
    assert texts(draft) == "bc"
    draft.add("SEARCH: d")
    assert texts(draft) == "bcd"
    assert [draft.undo(), texts(draft)] == [True, "bc"]
    assert [draft.undo(), texts(draft)] == [True, "bac"]
    assert [draft.undo(), texts(draft)] == [True, "abc"]
    assert not draft.undo()
    assert not draft.is_changed


def test_the_last_step_stays() -> None:
    """A plan without steps is no plan; going on without one is another key."""
    draft = PlanDraft(STEPS[:1])
    assert "A plan needs a step" in draft.delete()
    assert len(draft.steps) == 1


def test_steps_that_are_done_cannot_be_touched() -> None:
    """In mid-run only what is still to be done can be changed or moved."""
    draft = PlanDraft(STEPS, done=1)
    draft.move_cursor(-5)
    assert draft.cursor == 1
    draft.move(-1)
    assert texts(draft) == "abc"
    draft.delete()
    assert texts(draft) == "ac"


@pytest.mark.parametrize(
    ("line", "step"),
    [
        ("SEARCH: pg_hba.conf", PlanStep(action="SEARCH", text="pg_hba.conf")),
        ("2. VERIFY: the ports", PlanStep(action="VERIFY", text="the ports")),
        ("what about ports", PlanStep(action="SEARCH", text="what about ports")),
    ],
)
def test_lines_are_read_as_people_write_them(line: str, step: PlanStep) -> None:
    """A number in front is no part of a step, and a step without a word is a search."""
    assert read_step(line) == step
    assert read_plan_text(f"\n{line}\n\n") == [step]


def test_a_fork_gathers_what_was_changed() -> None:
    """Several changes at one place are one fork; what was typed back to what it was is none."""
    draft = ForkDraft(researched_run().state, "0.1", result="as it was")
    assert draft.kinds[:2] == ["result", "input"]
    draft.write("result", "changed")
    draft.write("model", "offline")
    draft.write("say", "look again")
    assert draft.problem() == ""
    assert draft.edits() == ForkEdits(results={"0.1": "changed"}, say="look again")
    draft.write("result", "as it was")
    assert draft.edits() == ForkEdits(say="look again")


def test_an_empty_plan_goes_on_without_one() -> None:
    """Emptying the plan in the fork dialog skips it."""
    draft = ForkDraft(waiting_plan().state, "plan")
    draft.write("plan", "")
    assert draft.edits() == ForkEdits(skip_plan=True)
    draft.write("plan", "SEARCH: one thing")
    assert draft.edits() == ForkEdits(plan=[PlanStep(action="SEARCH", text="one thing")])


@pytest.mark.parametrize(
    ("address", "kind", "text", "says"),
    [
        ("nowhere", "say", "x", "is no place"),
        ("0.1", "input", '{"query": ', "This is no JSON"),
        ("0.1", "input", "[1]", "JSON object"),
        ("0.1", "model", " ", "cannot be empty"),
        ("0.turn", "text", " ", "cannot be empty"),
    ],
)
def test_what_cannot_be_an_edit_is_told(address: str, kind: Kind, text: str, says: str) -> None:
    """A sentence says what is wrong before anything is asked of the run."""
    draft = ForkDraft(researched_run().state, address)
    draft.write(kind, text)
    assert says in draft.problem()


def test_json_of_any_depth_is_refused_in_words() -> None:
    """Brackets without end are a sentence, too."""
    assert json_problem("[" * 100_000) != ""
    assert json_problem('{"a": 1}') == ""


def test_what_was_typed_comes_back_newest_first() -> None:
    """Up goes to older lines, down back to what was being typed."""
    typed = Typed(["two", "one", "two"])
    assert typed.step(-1, "thr") == "two"
    assert typed.step(-1, "two") == "one"
    assert typed.step(-1, "one") == "one"
    assert typed.step(1, "one") == "two"
    assert typed.step(1, "two") == "thr"
