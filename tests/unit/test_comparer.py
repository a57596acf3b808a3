"""Why two runs differ, and which differences are more than what followed: the rule, case by case."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tests.builders import Call, RunLog, agent_record, forked_run, live_run, researched_run
from workbench.debugger import matching
from workbench.debugger.align import align, common_events, digest_of
from workbench.debugger.divergence import Comparer, Comparison, Spot
from workbench.debugger.matching import matching_places
from workbench.events.content import text_content
from workbench.events.edit import AgentEdited, TextEdited
from workbench.events.plan import PlanApproved, PlanSkipped
from workbench.state.history import History

A, B = "a" * 16, "b" * 16


def history_of(log: RunLog) -> History:
    """Return a log's history."""
    history = History()
    for record in log.records:
        history.append(record)
    return history


def compare(a: RunLog, b: RunLog, digests: dict[tuple[str, int], str] | None = None) -> Comparison:
    """Return how two runs compare."""
    return Comparer(history_of(a), history_of(b)).compare(digests)


def found(comparison: Comparison) -> list[tuple[str, bool]]:
    """Return the kinds of differences, and whether each is independent."""
    return [(item.kind, item.independent) for item in comparison.differences]


def plain(run: str, *words: str, task: str = "What?", model: str = "offline") -> RunLog:
    """Return a run that looks words up, one a step."""
    agent = agent_record(plan="off").model_copy(update={"model": model})
    log = RunLog(run, task, agent=agent)
    for word in words:
        log.step([Call("look", {"word": word}, f"found {word}")], text=f"I look for {word}.")
    return log


def fork_of(log: RunLog, step: int, address: str, run: str = B) -> RunLog:
    """Return a fork that keeps everything up to the end of a step."""
    return log.fork(run, log.state.steps[step].finished_seq or 0, address=address)


# The cause


def test_an_edited_result_is_the_cause_and_what_came_after_follows() -> None:
    """The edit is named, and another input of the next step is no difference of its own."""
    comparison = compare(researched_run(), forked_run())
    assert comparison.cause is not None
    assert (comparison.cause.at, comparison.cause.words) == ("0.1", "result of 0.1 edited")
    assert found(comparison) == [("result", True), ("input", False), ("answer", True)]


def test_a_changed_model_is_named_with_both() -> None:
    """A person reads from which model to which."""
    parent = plain(A, "one", "two")
    fork = fork_of(parent, 0, "1")
    assert parent.state.agent is not None
    agent = parent.state.agent.model_copy(update={"model": "other", "instructions": "Be brief."})
    fork.add(AgentEdited(agent=agent, changed=("instructions", "model")))
    cause = compare(parent, fork).cause
    assert cause is not None
    assert (cause.at, cause.words) == ("1", "instructions changed, model changed from offline to other")
    fork.step([Call("look", {"word": "three"})], text="Three, then.")
    assert found(compare(parent, fork)) == [("agent", True), ("words", False), ("input", False)]


def test_every_edit_has_words() -> None:
    """Input, text, message and plan edits are told by what they are."""
    parent = plain(A, "one", "two")
    fork = fork_of(parent, 0, "0.0")
    fork.edit_input("0.0", {"word": "else"})
    fork.add(TextEdited(step=0, text="Another text.", replaces=""))
    fork.say("Please hurry.")
    cause = compare(parent, fork).cause
    assert cause is not None
    assert cause.words == "input of 0.0 edited, text of turn 0 edited, message added"
    planned = RunLog(A)
    planned.plan(["SEARCH: a"], approve=False)
    changed = planned.fork(B, len(planned.records) - 1, address="plan")
    changed.edit_plan(["SEARCH: b"])
    changed.add(PlanApproved(by="operator"))
    cause = compare(planned, changed).cause
    assert cause is not None
    assert (cause.at, cause.words) == ("plan", "plan edited")
    skipped = planned.fork(B, len(planned.records) - 1, address="plan")
    skipped.add(PlanSkipped())
    cause = compare(planned, skipped).cause
    assert cause is not None
    assert cause.words == "plan skipped"


def test_two_forks_of_one_tell_both_edits() -> None:
    """Neither fork is the other's parent; what each changed is said by side."""
    parent = plain(A, "one", "two")
    left = fork_of(parent, 0, "0.0")
    left.edit_result("0.0", "left")
    right = fork_of(parent, 0, "1", "c" * 16)
    right.say("Hurry.")
    cause = compare(left, right).cause
    assert cause is not None
    assert (cause.at, cause.words) == ("0.0", "in a result of 0.0 edited; in b message added")


def test_unrelated_runs_part_at_the_first_turn_that_differs() -> None:
    """Two runs of one task are compared by what they did, and the agents' difference is told beside it."""
    comparison = compare(plain(A, "one", "two"), plain(B, "one", "three", model="other"))
    assert comparison.cause is not None
    assert comparison.cause.at == "1"
    assert comparison.cause.words == "turn 1 says something else (the agents differ: model offline and other)"
    assert comparison.alignment.shared_steps == 1


def test_runs_with_different_tasks_say_so() -> None:
    """Whatever they did in common, the tasks come first."""
    cause = compare(plain(A, "one"), plain(B, "one", task="Why?")).cause
    assert cause is not None
    assert (cause.at, cause.words) == ("the start", "they have different tasks")


def test_a_call_that_failed_once_is_the_cause() -> None:
    """The same call with another outcome parts two runs that did the same until then."""
    one, other = plain(A), plain(B)
    one.step([Call("look", {"word": "x"}, "found x")])
    other.step([Call("look", {"word": "x"}, "no answer", outcome="timeout", is_error=True)])
    cause = compare(one, other).cause
    assert cause is not None
    assert (cause.at, cause.words) == ("0.0", "look 0.0: an error in b only")


# What is no difference


def test_what_is_still_to_come_is_no_difference() -> None:
    """A live run that has not got as far as the other does not differ from it."""
    ahead = plain(A, "one", "two", "three")
    ahead.answer("42")
    behind = plain(B, "one")
    assert compare(ahead, behind).cause is None
    assert found(compare(ahead, behind)) == []
    behind.begin_turn()
    behind.stream("I look")
    assert compare(ahead, behind).cause is None
    over = plain(B, "one")
    over.finish("completed", "halted", answer="42")
    cause = compare(ahead, over).cause
    assert cause is not None
    assert (cause.at, cause.words) == ("1", "step 1 only in a")


def test_a_call_that_runs_is_not_compared() -> None:
    """A result that is still to come is neither the same nor another."""
    done, running = plain(A), plain(B)
    done.step([Call("look", {"word": "x"}, "found")])
    running.step([Call("look", {"word": "x"}, seconds=None)])
    comparison = compare(done, running)
    assert comparison.cause is None
    assert comparison.alignment.rows[0].calls[0].open
    assert comparison.alignment.shared_steps == 0
    assert compare(live_run(), live_run()).cause is None


# Independent or not


@pytest.mark.parametrize(
    ("second", "kinds"),
    [
        (Call("look", {"word": "b"}, "found b"), [("input", False)]),
        (Call("look", {"word": "a"}, "another"), [("result", True)]),
        (Call("look", {"word": "b"}, "broke", is_error=True, outcome="error"), [("input", True)]),
        (Call("read", {"name": "b"}, "found b"), [("only", False), ("only", False)]),
        (Call("read", {"name": "b"}, "broke", is_error=True, outcome="error"), [("only", False), ("only", True)]),
    ],
)
def test_after_the_divergence_only_some_differences_stand_by_themselves(
    second: Call, kinds: list[tuple[str, bool]]
) -> None:
    """Another input follows; another result for the same input, and an error on one side, do not."""
    one, other = plain(A, "x"), plain(B, "y")
    one.step([Call("look", {"word": "a"}, "found a")], text="Next.")
    other.step([second], text="Next.")
    comparison = compare(one, other)
    assert found(comparison)[:2] == [("words", True), ("input", True)]
    assert sorted(found(comparison)[2:]) == sorted(kinds)


def test_a_message_in_the_middle_stands_by_itself() -> None:
    """What a person said on one side only is told, even between steps that are the same."""
    one, other = plain(A, "x", "y", "z"), plain(B, "x")
    other.say("And please be brief.")
    for word in ("y", "z"):
        other.step([Call("look", {"word": word}, f"found {word}")], text=f"I look for {word}.")
    comparison = compare(one, other)
    assert comparison.alignment.shared_steps == 1
    assert [(item.spot, item.independent) for item in comparison.differences] == [(Spot("message", "1", "1"), True)]


def test_failed_and_completed_differ_by_an_error() -> None:
    """How a run ended stands by itself where one of the two failed."""
    one, other = plain(A, "x"), plain(B, "x")
    one.finish("completed", "halted", answer="42")
    other.finish("failed", "error", error="no model")
    assert found(compare(one, other)) == [("end", True)]


# Results byte for byte


def test_results_are_compared_by_their_bytes_once_they_are_read() -> None:
    """Same size and first line look the same; the digests decide, and only doubtful results are asked for."""
    one, other = plain(A), plain(B)
    for log, tail in ((one, "left!"), (other, "right")):
        log.step([Call("look", {"word": "x"}, f"first\n{tail}"), Call("look", {"word": "y"}, "short")])
    first = compare(one, other)
    assert first.cause is None
    refs = first.alignment.undecided
    assert [run for run, _ in refs] == [A, B]
    contents = [text_content("first\nleft!"), text_content("first\nright")]
    digests = {ref: digest_of(content) for ref, content in zip(refs, contents, strict=True)}
    second = compare(one, other, digests)
    assert found(second) == [("result", True)]
    assert not second.alignment.undecided
    same = compare(one, other, dict.fromkeys(refs, "equal"))
    assert same.cause is None
    assert not same.alignment.undecided


# Runs that go on


def test_asked_again_it_says_what_a_fresh_comparison_says() -> None:
    """Whatever was kept from earlier looks, each look at growing runs equals one from scratch."""
    parent, fork = researched_run(), forked_run()
    left, right = History(), History()
    comparer: Comparer | None = None
    for number in range(max(len(parent.records), len(fork.records))):
        for history, log in ((left, parent), (right, fork)):
            if number < len(log.records):
                history.append(log.records[number])
        if number == len(parent.records) // 2:
            comparer = Comparer(left, right)
        if comparer is not None:
            assert comparer.compare().alignment.rows == align(left.live, right.live).rows


def test_what_was_inherited_is_known_without_comparing() -> None:
    """Two lineages have their common events counted by who owns them."""
    parent, fork = researched_run(), forked_run()
    cut = fork.state.cut
    assert cut is not None
    assert common_events(parent.records, fork.records) == cut + 1
    assert common_events(parent.records, parent.records) == len(parent.records)
    assert common_events(plain(A).records, plain(B).records) == 0


def test_thousands_of_equal_steps_are_matched_without_comparing_each_with_each(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Steps that all look alike pair up in order, however many there are."""
    same = ["poll"] * 20_000
    assert matching_places(same, same[:-1]) == [(n, n) for n in range(19_999)]
    waves = [str(number % 7) for number in range(20_000)]
    places = matching_places(["start", *waves, "end"], ["start", "x", *waves, "y", "end"])
    assert places[0] == (0, 0)
    assert places[-1] == (20_001, 20_003)
    monkeypatch.setattr(matching, "SequenceMatcher", None)  # what compares each with each is for short stretches
    assert matching_places(waves, waves[3:] + waves[:10]) == []


def test_matches_rise_on_both_sides() -> None:
    """Whatever is in two sequences, what matches is equal and in order."""
    a, b = list("abcabbaxyzq"), list("cbabacxqzy")
    places = matching_places(a, b)
    assert all(a[one] == b[other] for one, other in places)
    assert places == sorted(set(places))
    assert all(one[0] < two[0] and one[1] < two[1] for one, two in pairwise(places))


def test_turns_that_think_something_else_differ() -> None:
    """The same words after other thoughts are a difference, and said to be one of thoughts."""
    one, other = plain(A), plain(B)
    one.step([Call("look", {"word": "x"})], text="Go.", thinking="This way.")
    other.step([Call("look", {"word": "x"})], text="Go.", thinking="That way.")
    comparison = compare(one, other)
    assert [item.words for item in comparison.differences] == ["turn 0 thinks something else"]
