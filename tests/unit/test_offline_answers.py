"""The answers of `offline`: quoted from what came back, changed by what a person changes, broken by nothing."""

from __future__ import annotations

import re
import time
import unicodedata
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.offline_kit import PYTHON, QUESTION, Shelf, Talk, plan_text, request
from workbench.providers.offline.provider import turn_for
from workbench.providers.offline.sentences import clean, is_prose, sentences

TOPICS = ("flumox gates", "quibble caches", "wendel tokens")
ASKED = "How do flumox gates interact with quibble caches and wendel tokens?"
_VERBS = ("guard", "replace", "delay", "invalidate", "inherit", "reorder")
_OBJECTS = ("the outer ledger", "every pending batch", "a closed session", "their own parents", "the slow path")

facts = st.builds(
    "{} {} {} after {} rounds.".format,
    st.sampled_from([topic.capitalize() for topic in TOPICS]),
    st.sampled_from(_VERBS),
    st.sampled_from(_OBJECTS),
    st.integers(2, 999),
)
bodies = st.lists(facts, min_size=1, max_size=4, unique=True).map("\n\n".join)
shelves = st.lists(bodies, min_size=1, max_size=6).map(
    lambda found: Shelf({f"{TOPICS[at % 3].split()[0]}::{at}": body for at, body in enumerate(found)})
)
fresh = st.builds(
    "{} never {} {} before round {}.".format,
    st.sampled_from([topic.capitalize() for topic in TOPICS]),
    st.sampled_from(_VERBS),
    st.sampled_from(_OBJECTS),
    st.integers(1000, 9999),
)
# The last is what a person may type: no title, no full stop.
shapes = st.sampled_from(["{name}  Edited\n\n{text}", "{text}", "{name}  {text}", "I know better: {text}", "{bare}"])


def outcome(talk: Talk) -> tuple[str, list[dict[str, str]]]:
    """Return the answer of a talk and its citations."""
    given_ = talk.answer()
    return given_["answer"], given_["citations"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(shelf=shelves, text=fresh, shape=shapes, at=st.integers(0, 3))
def test_an_edited_passage_changes_the_answer_or_its_citations(shelf: Shelf, text: str, shape: str, at: int) -> None:
    """`offline` is not canned: put other words in the place of a passage that was read, and the outcome is another."""
    talk = Talk.about(shelf, ASKED)
    before = outcome(talk)
    read = talk.calls("fetch_doc")
    if not read:
        return
    call = read[at % len(read)]
    body = shape.format(name=call.input["name"], text=text, bare=text.rstrip("."))
    after = outcome(talk.edited(call.id, body))
    assert after != before
    assert any(citation["quote"] and citation["quote"] in body for citation in after[1])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(shelf=shelves, text=fresh, at=st.integers(0, 3))
def test_a_sentence_put_at_the_head_of_a_passage_is_heard(shelf: Shelf, text: str, at: int) -> None:
    """The rest of the passage stays; what was put in is quoted, because the search had shown something else there."""
    talk = Talk.about(shelf, ASKED)
    talk.answer()
    if not (read := talk.calls("fetch_doc")):
        return
    call = read[at % len(read)]
    title, _, body = talk.results()[call.id].partition("\n\n")
    _, citations = outcome(talk.edited(call.id, f"{title}\n\n{text}\n\n{body}"))
    assert text in [citation["quote"] for citation in citations]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(shelf=shelves, text=fresh, at=st.integers(0, 3))
def test_an_edited_search_changes_the_answer_or_its_citations(shelf: Shelf, text: str, at: int) -> None:
    """Free words in the place of a search's result are heard, although they name no passage."""
    talk = Talk.about(shelf, ASKED)
    before = outcome(talk)
    searches = talk.calls("search_docs")
    call = searches[at % len(searches)]
    after = outcome(talk.edited(call.id, text))
    assert after != before
    assert any(citation["quote"] in text for citation in after[1])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(shelf=shelves)
def test_every_quote_stands_in_a_result(shelf: Shelf) -> None:
    """A citation can be checked: its words stand in a result character for character, and its source was named."""
    talk = Talk.about(shelf, ASKED, plan_text(*(f"SEARCH: {topic}" for topic in TOPICS), "SYNTHESIZE: all"))
    answer, citations = outcome(talk)
    results = talk.results().values()
    for citation in citations:
        assert any(citation["quote"] in result for result in results)
        assert any(citation["source"] in result for result in results)
    quotes = [citation["quote"] for citation in citations]
    assert len(quotes) == len(set(quotes))
    for paragraph in answer.split("\n\n"):
        for sentence in re.findall(r"[^.\n\]]+after \d+ rounds\.", paragraph):
            assert any(sentence.strip() in result for result in results)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    replies=st.lists(st.one_of(st.text(max_size=400), st.binary(max_size=200).map(lambda raw: raw.decode("latin-1")))),
    asked=st.text(max_size=80),
)
def test_no_result_breaks_it(replies: list[str], asked: str) -> None:
    """Whatever bytes tools or people put into results, it goes on to an answer, and no control character enters it."""
    talk = Talk.about(PYTHON, asked or "?", plan_text("SEARCH: context managers", "SEARCH: exceptions"))
    for reply in replies[:3]:
        if not (asked_now := talk.step()) or asked_now[0][0] == "submit_answer":
            break
        talk = talk.edited(f"{len(talk.turns) - 1}.0", reply)
    answer = talk.answer()["answer"].replace("\n", "")
    assert not any(unicodedata.category(character) in ("Cc", "Cf", "Cs") for character in answer)


@pytest.mark.parametrize("piece", ["a", "[", "!", " \n", "a::1 ", "*a", "a. ", "  ", "a.b-c/"])
def test_huge_results_are_read_in_bounded_time(piece: str) -> None:
    """A line of five megabytes is looked at only as far as is useful."""
    talk = Talk.about(PYTHON, QUESTION)
    talk.step()
    started = time.process_time()
    talk.edited("0.0", piece * (5_000_000 // len(piece))).step()
    assert time.process_time() - started < 5


def test_what_reads_otherwise_than_the_search_had_shown_is_heard() -> None:
    """A weak sentence is cited when somebody put it where the search had shown another one."""
    body = "\n\n".join(f"Flumox gates guard quibble caches and wendel tokens in round {at}." for at in range(5))
    talk = Talk.about(Shelf({"both::0": body}), ASKED)
    talk.answer()
    text = "Nobody has had a look at the gates since the wall was built."
    _, citations = outcome(talk.edited(talk.calls("fetch_doc")[0].id, f"both::0  Both\n\n{text}\n\n{body}"))
    assert text in [citation["quote"] for citation in citations]


def test_a_strong_sentence_does_not_silence_the_others() -> None:
    """A text that speaks of every topic at once leads the answer; what else is known of each is still said."""
    talk = Talk.about(PYTHON, QUESTION)
    talk.answer()
    text = "Context managers swallow every exception, and generators are closed twice."
    answer, _ = outcome(talk.edited(talk.calls("fetch_doc")[-1].id, text))
    assert text in answer.partition("\n\n")[0]
    assert "A context manager is an object" in answer
    assert "Exceptions are a means" in answer


def test_every_passage_that_was_read_is_heard() -> None:
    """What was read and bears on the question is cited, also where other passages say it better."""
    better = "Flumox gates guard quibble caches and wendel tokens alike, {} and always."
    passages = {f"both::{at}": "\n\n".join(better.format(f"{at}{more}") for more in range(6)) for at in range(3)}
    shelf = Shelf(passages | {"gates::0": "Some gates are painted green on the inside of the northern wall."})
    talk = Talk.about(shelf, ASKED)
    cited = {citation["source"] for citation in talk.answer()["citations"]}
    read = [call.input["name"] for call in talk.calls("fetch_doc")]
    assert "gates::0" in read
    assert set(read) <= cited


def test_equal_requests_get_equal_turns() -> None:
    """Nothing but the request decides: the same conversation gives the same turn, every time."""
    talk = Talk.about(PYTHON, QUESTION)
    talk.answer()
    for end in range(1, len(talk.messages), 2):
        asked = request(messages=talk.messages[:end])
        assert turn_for(asked) == turn_for(asked.__class__(**{name: getattr(asked, name) for name in asked.__slots__}))


def test_an_answer_reads_well() -> None:
    """Paragraphs by topic, whole sentences, definitions first, each with the passage that it stands in."""
    talk = Talk.about(PYTHON, QUESTION, plan_text("SEARCH: context managers", "SEARCH: exceptions", "SYNTHESIZE: it"))
    answer = talk.answer()["answer"]
    assert "Context managers\nA context manager is an object that defines the runtime context" in answer
    assert "[context-managers::0]" in answer
    assert "Exceptions are a means of breaking out" in answer
    assert "EXPRESSION" not in answer


def test_a_quote_keeps_the_line_breaks_of_its_passage_and_the_answer_does_not() -> None:
    """The citation is exact, the answer is prose."""
    shelf = Shelf(
        {"with::0": "If an exception caused the suite to be exited,\n   its type is passed to the exit method."}
    )
    given_ = Talk.about(shelf, "How are exceptions passed on by the exit method?").answer()
    assert "exited, its type is passed" in given_["answer"]
    assert "exited,\n   its type" in given_["citations"][0]["quote"]


def test_a_setting_is_named_before_what_is_said_of_it() -> None:
    """What stands under the name of a setting is quoted with that name."""
    shelf = Shelf({"config::0": "listen_port\n\nWhich port to listen on for TCP sockets.\n\nDefault: 6432"})
    answer = Talk.about(shelf, "Which port does PgBouncer use?").answer()["answer"]
    assert "listen_port: Which port to listen on for TCP sockets." in answer


def test_a_short_answer_is_short() -> None:
    """ "Be brief" leaves two sentences."""
    answer = Talk.about(PYTHON, f"{QUESTION} Be brief.").answer()["answer"]
    assert answer.count("::") <= 2


def test_a_small_budget_is_kept_roughly() -> None:
    """`max_tokens` bounds what is submitted."""
    shelf = Shelf({f"a::{at}": f"Flumox gates number {at} guard the outer ledger for round {at}." for at in range(9)})
    whole = Talk.about(shelf, "How do flumox gates guard the ledger?").answer()
    small = Talk.about(shelf, "How do flumox gates guard the ledger?", max_tokens=150).answer()
    assert len(str(small)) < len(str(whole))
    assert len(str(small)) < 150 * 5


def test_chinese_is_answered_in_chinese() -> None:
    """A Chinese question about Chinese documents gets Chinese sentences and Chinese words around them."""
    shelf = Shelf(
        {
            "上下文管理器::0": "上下文管理器是一个定义了进入和退出运行时上下文的对象。它通常由 with 语句调用。",
            "异常::0": "异常是中断代码块正常控制流程的一种方式。异常可以由外围的代码块处理。",
        }
    )
    talk = Talk.about(shelf, "上下文管理器如何与异常和协程池交互？")
    answer = talk.answer()["answer"]
    assert "上下文管理器是一个定义了进入和退出运行时上下文的对象。" in answer
    assert "异常是中断代码块正常控制流程的一种方式。" in answer
    assert "关于协程池，没有找到任何内容。" in answer
    assert "搜索" in talk.turns[0].text


def test_markup_is_not_repeated() -> None:
    """Roles, stars and backquotes of documentation formats are left out, the words in them are kept."""
    raw = "1. See the *context manager* :ref:`with <with>` and ``__exit__`` in [the docs](http://x.y)."
    assert clean(raw) == "See the context manager with and __exit__ in the docs."


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("The suite is executed before the exit method.", True),
        ("第一句话说的是上下文管理器。", True),
        ("manager = (EXPRESSION); enter = type(manager).", False),
        ("and this begins in the middle of a sentence.", False),
        ("The following code:", False),
        ("A sentence with \x1b[31mcolour\x1b[0m is left out.", False),
    ],
)
def test_only_whole_sentences_are_quoted(text: str, whole: bool) -> None:
    """Code, fragments and text with control characters are no sentences."""
    assert is_prose(text) is whole


def test_a_sentence_that_leans_on_another_brings_it_along() -> None:
    """ "Otherwise …" makes no sense alone."""
    found = sentences("If it fails, the exception is raised again by the block. Otherwise it is dropped at the end.")
    assert found[1].text.startswith("If it fails") or found[0].is_dependent


def test_tools_of_other_agents_are_asked_about_the_topic() -> None:
    """With tools that it has never seen it asks the harmless ones that fit, and answers from what they say."""
    from workbench.events.agent import ToolSpec
    from workbench.events.content import JsonBlock
    from workbench.events.request import AssistantMessage, ToolCallBlock, ToolResultBlock, UserMessage

    def spec(name: str, description: str, **parameters: str) -> ToolSpec:
        properties: Any = {key: {"type": kind} for key, kind in parameters.items()}
        schema = {"type": "object", "properties": properties, "required": list(parameters)}
        return ToolSpec(name=name, description=description, input_schema=schema)

    tools = (
        spec("weather", "Return the weather in a city.", city="string"),
        spec("delete_city", "Delete a city from the weather database.", city="string"),
        spec("paint", "Return a picture of the weather.", canvas="object"),
    )
    asked = request("What is the weather in Paris?", tools=tools)
    turn = turn_for(asked)
    assert turn.calls == (("weather", {"city": "Paris"}),)
    call = ToolCallBlock(id="0.0", tool="weather", input={"city": "Paris"})
    result = ToolResultBlock(call="0.0", content=(JsonBlock(value={"city": "Paris", "sky": "cloudy"}),))
    messages = [*asked.messages, AssistantMessage(content=(call,)), UserMessage(results=(result,))]
    last = turn_for(request(messages=messages, tools=tools))
    assert last.calls == ()
    assert "sky: cloudy" in last.text
