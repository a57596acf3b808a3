"""How `offline` goes about a question: what it searches, reads and delegates, and in which order."""

from __future__ import annotations

import pytest
from pydantic import JsonValue

from tests.offline_kit import PYTHON, QUESTION, Shelf, Talk, plan_text, request, specs
from workbench.events.content import text_content
from workbench.events.request import AssistantMessage, ToolCallBlock, ToolResultBlock, UserMessage
from workbench.providers.offline.provider import turn_for
from workbench.tools.documents import document_tools

PLAN = ("SEARCH: context managers", "SEARCH: exceptions", "SEARCH: generators", "SYNTHESIZE: how they interact")
COMPARE = "Compare PgBouncer pool modes for use with prepared statements and ORM features"
SUBAGENT = "You work on this one task for another agent. Call submit_answer with a dense summary."


def queries(asked: list[tuple[str, dict[str, JsonValue]]]) -> list[JsonValue]:
    """Return what is searched for."""
    return [given["query"] for tool, given in asked if tool == "search_docs"]


def names(asked: list[tuple[str, dict[str, JsonValue]]]) -> list[JsonValue]:
    """Return what is read."""
    return [given["name"] for tool, given in asked if tool == "fetch_doc"]


def test_a_plan_s_searches_are_made_first_and_word_for_word() -> None:
    """The plan steers: its search steps are the first searches, all at once, in its order and its own words."""
    replaced = ("SEARCH: pg_hba.conf authentication methods", *PLAN[1:])
    asked = Talk.about(PYTHON, QUESTION, plan_text(*replaced)).step()
    assert queries(asked) == ["pg_hba.conf authentication methods", "exceptions", "generators"]
    assert len(asked) == 3


def test_without_a_plan_the_parts_of_the_question_are_searched() -> None:
    """No plan, no loss: the question itself is taken apart."""
    assert queries(Talk.about(PYTHON, QUESTION).step())[:3] == ["context managers", "exceptions", "generators"]


def test_it_says_what_it_does_before_it_does_it() -> None:
    """Every turn thinks and speaks, so that a person who watches understands the calls."""
    talk = Talk.about(PYTHON, QUESTION)
    talk.answer()
    assert all(turn.thinking and turn.text for turn in talk.turns)


def test_it_reads_what_the_searches_named() -> None:
    """After the searches it reads, at once, a passage for each topic."""
    talk = Talk.about(PYTHON, QUESTION, plan_text(*PLAN))
    talk.step()
    read = names(talk.step())
    assert 2 <= len(read) <= 4
    assert {"context-managers::0", "exceptions::0", "yield::0"} <= set(read)


def test_an_edited_search_changes_what_is_read() -> None:
    """Passages come from the results, so a result that a person changed leads elsewhere."""
    talk = Talk.about(PYTHON, QUESTION, plan_text(*PLAN))
    talk.step()
    edited = talk.edited("0.1", "tuples::0  Tuples and exceptions\n  Tuples are about exceptions.")
    assert "tuples::0" in names(edited.step())
    prose = talk.edited("0.1", "Have a look at lists::0, there it says what exceptions do.")
    assert "lists::0" in names(prose.step())


def test_one_call_a_turn_where_calls_are_not_parallel() -> None:
    """Told to make one call at a time it does the same work in more turns."""
    at_once = Talk.about(PYTHON, QUESTION, plan_text(*PLAN))
    one_by_one = Talk.about(PYTHON, QUESTION, plan_text(*PLAN), parallel=False)
    assert at_once.answer() == one_by_one.answer()
    assert all(len(turn.calls) == 1 for turn in one_by_one.turns)
    assert len(one_by_one.turns) > len(at_once.turns)
    assert len(one_by_one.turns) <= 10


def test_a_step_to_verify_waits_for_the_reading() -> None:
    """A claim is checked after the passages are read, not before."""
    talk = Talk.about(PYTHON, QUESTION, plan_text(*PLAN[:2], "VERIFY: generators and exceptions", PLAN[3]))
    assert queries(talk.step()) == ["context managers", "exceptions"]
    assert queries(talk.step()) == []
    assert queries(talk.step()) == ["generators and exceptions"]


def test_things_to_compare_are_given_to_subagents_at_once() -> None:
    """A comparison is delegated, one subagent a thing, and answered from what they bring back."""
    reports = [
        "Prepared statements\nSession pooling keeps prepared statements alive for the client. [modes::1]",
        "ORM features\nTransaction pooling breaks ORM features that rely on a session. [modes::2]",
    ]
    talk = Talk.about(PYTHON, COMPARE, reports=reports)
    asked = talk.step()
    assert [tool for tool, _ in asked] == ["spawn_subagent", "spawn_subagent"]
    assert "prepared statements" in str(asked[0][1]["task"])
    assert "ORM features" in str(asked[1][1]["task"])
    answer = talk.answer()
    assert len(talk.turns) == 2
    assert "Session pooling keeps prepared statements alive for the client. [modes::1]" in answer["answer"]
    assert {citation["source"] for citation in answer["citations"]} == {"modes::1", "modes::2"}


def test_what_a_subagent_did_not_find_is_said() -> None:
    """A thing that nothing was found about is named in the comparison, in its own words and not as a finding."""
    reports = ["Lists are mutable sequences of many items. [lists::0]", "On tuples I found nothing."]
    answer = Talk.about(PYTHON, "Compare lists and tuples", reports=reports).answer()
    assert answer["answer"].endswith("On tuples I found nothing.")
    assert [citation["source"] for citation in answer["citations"]] == ["lists::0"]


def test_without_subagents_a_comparison_is_searched() -> None:
    """Where `spawn_subagent` is not offered, the same things are looked up directly."""
    tools = tuple(spec for spec in specs() if spec.name != "spawn_subagent")
    talk = Talk.about(PYTHON, "Compare lists and tuples", tools=tools)
    assert queries(talk.step()) == ["lists", "tuples"]
    answer = talk.answer()["answer"]
    assert "Lists are mutable" in answer
    assert "Tuples are immutable" in answer


def test_what_subagents_could_not_do_is_searched() -> None:
    """Subagents that fail cost a step, not the answer."""
    talk = Talk.about(PYTHON, "Compare lists and tuples", errors={"spawn_subagent": "stopped: step limit"})
    talk.step()
    assert queries(talk.step()) == ["lists", "tuples"]
    assert "Lists are mutable" in talk.answer()["answer"]


def test_a_subagent_works_in_several_rounds() -> None:
    """A subagent follows up what it reads before it gives a summary."""
    tools = tuple(spec for spec in specs() if spec.name != "spawn_subagent")
    passages = {
        f"pool::{at}": f"Pool modes {at} decide with {setting} when a server connection is released."
        for at, setting in enumerate(
            ["server_reset_query", "pool_grace_time", "query_wait_limit", "client_login_check"]
        )
    } | {
        f"{word}::0": f"{word} takes prepared statements off a connection." for word in ("server_reset_query", "other")
    }
    task = f"Find out about pool modes with prepared statements.\n\nFocus: prepared statements\n\n{SUBAGENT}"
    talk = Talk.about(Shelf(passages), task, tools=tools)
    answer = talk.answer()
    assert 5 <= len(talk.turns) <= 10
    searched = [str(call.input["query"]) for call in talk.calls("search_docs")]
    assert any("server_reset_query" in query for query in searched)
    assert "another agent" not in " ".join(searched)
    assert answer["citations"]


def test_a_message_on_the_way_adds_a_search_and_steers_the_answer() -> None:
    """What a person types during a run is looked for next and has weight in the answer."""
    talk = Talk.about(PYTHON, "How do context managers interact with exceptions?")
    talk.step("also look at tuples")
    assert any("tuples" in str(query) for query in queries(talk.step()))
    assert "Tuples are immutable" in talk.answer()["answer"]


def test_a_plan_changed_on_the_way_goes_on_from_there() -> None:
    """Searches that were made are not made again; new ones are."""
    talk = Talk.about(PYTHON, QUESTION, plan_text(*PLAN))
    talk.step(plan_text(PLAN[0], "SEARCH: tuples", PLAN[3], changed=True))
    assert queries(talk.step()) == ["tuples"]


def test_a_further_question_goes_on_with_the_conversation() -> None:
    """After an answer the next message is a new question, with the subject of the one before."""
    talk = Talk.about(PYTHON, "How do context managers interact with exceptions?")
    talk.answer()
    talk.say("and what about generators?")
    assert queries(talk.step()) == ["generators context managers"]
    assert "generator function" in talk.answer()["answer"]


def test_a_note_is_saved_where_one_is_asked_for() -> None:
    """ "Remember that …" is written down once, before the answer."""
    talk = Talk.about(PYTHON, "Remember that our style guide forbids bare except. What is a context manager?")
    talk.answer()
    notes = talk.calls("save_note")
    assert [note.input["text"] for note in notes] == ["our style guide forbids bare except."]


def test_an_empty_search_is_tried_in_other_words_once() -> None:
    """A search without hits is made once more in other words; then it says what is missing."""
    talk = Talk.about(
        PYTHON, "How does zork_grue interact with exceptions?", plan_text("SEARCH: zork_grue", "SEARCH: exceptions")
    )
    talk.step()
    assert queries(talk.step()) == ["zork grue"]
    answer = talk.answer()["answer"]
    assert "On zork_grue I found nothing." in answer


def test_nothing_found_is_said() -> None:
    """Where the library says nothing, neither does the answer, and it says so."""
    answer = Talk.about(PYTHON, "What is a zorkmid?").answer()
    assert answer["answer"].startswith("I found nothing that answers this.")
    assert answer["citations"] == []


def test_a_failed_call_is_mentioned_and_not_repeated() -> None:
    """A denied call is gone on without, and the answer says what is missing because of it."""
    talk = Talk.about(
        PYTHON, "How do context managers interact with exceptions?", errors={"fetch_doc": "denied: not today"}
    )
    answer = talk.answer()["answer"]
    read = [call.input["name"] for call in talk.calls("fetch_doc")]
    assert len(read) == len(set(read))
    assert "denied: not today" in answer
    assert "A context manager is an object" in answer


def test_a_call_that_was_not_run_is_asked_for_again() -> None:
    """ "Not run" is no result: the search is still to be made."""
    talk = Talk.about(PYTHON, QUESTION, plan_text(*PLAN))
    talk.step()
    stopped = talk.edited("0.1", "not run: the run was stopped before this call had a result", is_error=True)
    assert queries(stopped.step()) == ["exceptions"]


def test_an_input_changed_by_the_operator_is_what_counts() -> None:
    """A search that ran with other words is not made again in the old ones, and its hits are read."""
    talk = Talk.about(PYTHON, QUESTION, plan_text(*PLAN))
    talk.step()
    ran = (
        'ran with {"query": "exceptions tuples"} instead, by the operator\ntuples::0  Tuples\n  Tuples and exceptions.'
    )
    changed = talk.edited("0.1", ran)
    asked = changed.step()
    assert queries(asked) == []
    assert "tuples::0" in names(asked)


def test_elided_results_are_not_fetched_again() -> None:
    """A result that was left out to save room was there all the same."""
    talk = Talk.about(PYTHON, QUESTION, plan_text(*PLAN))
    talk.step()
    talk.step()
    first = talk.calls("fetch_doc")[0]
    shorter = talk.edited(first.id, "[left out to save room: 900 bytes that began with 'with::0  The with statement']")
    assert first.input["name"] not in names(shorter.step())


def test_tools_that_are_not_offered_are_not_called() -> None:
    """With search alone it answers from what the search shows; without submit_answer it ends in plain text."""
    talk = Talk.about(PYTHON, "What is a context manager?", tools=specs("search_docs"))
    answer = talk.answer()["answer"]
    assert {call for turn in talk.turns for call, _ in turn.calls} == {"search_docs"}
    assert "A context manager is an object" in answer


def test_a_refused_answer_is_given_as_text_in_the_end() -> None:
    """An answer that is refused twice is not submitted for ever."""
    talk = Talk.about(PYTHON, "What is a context manager?", errors={"submit_answer": "invalid input"})
    for _ in range(8):
        if not talk.step():
            break
    assert len(talk.calls("submit_answer")) == 2
    assert "A context manager is an object" in talk.turns[-1].text


def test_a_summary_keeps_what_later_turns_need() -> None:
    """After early steps were summarised, it neither repeats their searches nor forgets their sentences."""
    talk = Talk.about(PYTHON, QUESTION, plan_text(*PLAN))
    talk.step()
    talk.step()
    talk.say("Summarise the conversation.")
    summary = turn_for(request(messages=talk.messages, purpose="summary")).text
    later = Talk.about(PYTHON, f"Summary of the work so far:\n{summary}", QUESTION, plan_text(*PLAN))
    answer = later.answer()
    assert len(later.turns) == 1
    assert "A context manager is an object" in answer["answer"]
    assert "context-managers::0" in {citation["source"] for citation in answer["citations"]}


def test_the_prompt_of_a_summary_is_no_question() -> None:
    """What the summariser is told to do is not what the conversation was about."""
    talk = Talk.about(PYTHON, QUESTION)
    talk.answer()
    talk.say("Summarise the conversation so far.")
    summary = turn_for(request(messages=talk.messages, purpose="summary")).text
    assert summary.startswith(f"Asked: {QUESTION}")


def test_the_judge_takes_what_most_agree_on() -> None:
    """Asked which of several answers to trust, it names the one that the others bear out."""
    listed = "1. The port is 5432 by default. [a::0]\n2. Nobody knows.\n3. By default the port is 5432. [a::0] [b::1]"
    assert turn_for(request(listed, purpose="judge")).text.startswith(("3:", "1:"))


@pytest.mark.parametrize("purpose", ["plan", "step", "summary", "judge"])
def test_malformed_conversations_are_read_as_far_as_they_go(purpose: str) -> None:
    """Missing results, results of nothing, turns in a row and empty messages never raise."""
    call = ToolCallBlock(id="0.0", tool="search_docs", input={"query": ["not", "text"]})
    odd = ToolCallBlock(id="0.0", tool="fetch_doc", input={}, invalid="cut off")
    stray = UserMessage(results=(ToolResultBlock(call="9.9", content=()),))
    result = UserMessage(results=(ToolResultBlock(call="0.0", content=text_content("::0\n\x00\u202e  ")),))
    for messages in (
        [],
        [UserMessage()],
        [stray],
        [AssistantMessage(content=(call,))],
        [AssistantMessage(content=(call, odd)), result, AssistantMessage(content=()), stray],
        [UserMessage(content=text_content("Follow this plan:\nnonsense\n: \n7. SEARCH:")), result],
    ):
        turn_for(request(messages=messages, purpose=purpose))  # type: ignore[arg-type]


async def test_the_shelf_speaks_like_the_real_tools() -> None:
    """What these tests feed to `offline` is word for word what the real document tools say."""
    context = type("Context", (), {"pace": 0.0})()
    search, fetch = document_tools(PYTHON)
    for query in ("context managers", "nothing at all like zork"):
        assert await search.call({"query": query, "limit": 8}, context) == PYTHON.searched(query, 8)
    assert await fetch.call({"name": "with::0"}, context) == PYTHON.fetched("with::0")
