"""How `offline` takes a question apart: what it plans, and when no plan is needed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.offline_kit import QUESTION, request
from workbench.engine.planner import read_plan
from workbench.events.content import TextBlock
from workbench.providers.offline.provider import turn_for
from workbench.providers.offline.question import analyse, steering_topics

PROMPT = "Before you begin: is one look-up enough to answer this? Then reply with the one word SIMPLE."


def planned(question: str) -> list[str]:
    """Return the plan for a question, line by line; empty for SIMPLE."""
    text = turn_for(request(question, PROMPT, purpose="plan")).text
    if text == "SIMPLE":
        return []
    steps = read_plan([TextBlock(text=text)]).steps
    assert [str(step) for step in steps] == text.splitlines()
    return text.splitlines()


@pytest.mark.parametrize(
    "question",
    [
        "Which port does Postgres use?",
        "What is a context manager?",
        "What does __exit__ return?",
        "How do decorators work?",
        "How many arguments does __exit__ take?",
        "什么是生成器？",
        "Postgres 默认端口是多少？",
    ],
)
def test_one_fact_needs_no_plan(question: str) -> None:
    """A question that one look-up answers is SIMPLE, so nobody is asked to approve anything."""
    assert planned(question) == []


def test_topics_of_a_question_become_searches() -> None:
    """Each topic gets a search of its own, then what connects them is checked and the answer put together."""
    assert planned(QUESTION) == [
        "SEARCH: context managers",
        "SEARCH: exceptions",
        "SEARCH: generators",
        "VERIFY: exceptions and generators with context managers",
        "SYNTHESIZE: how context managers interact with exceptions and generators",
    ]


def test_two_topics_are_also_searched_together() -> None:
    """With two topics there is room for a third search at once: both together."""
    assert planned("How does PgBouncer transaction pooling interact with prepared statements?") == [
        "SEARCH: PgBouncer transaction pooling",
        "SEARCH: prepared statements",
        "SEARCH: PgBouncer transaction pooling prepared statements",
        "SYNTHESIZE: how PgBouncer transaction pooling interacts with prepared statements",
    ]


def test_a_comparison_is_planned_thing_by_thing() -> None:
    """What is compared for several uses gets one step a use, so that each can be given to a subagent."""
    assert planned("Compare PgBouncer pool modes for use with prepared statements and ORM features") == [
        "COMPARE: PgBouncer pool modes with prepared statements",
        "COMPARE: PgBouncer pool modes with ORM features",
        "SYNTHESIZE: compare PgBouncer pool modes for use with prepared statements and ORM features",
    ]


def test_a_focus_becomes_a_step_to_verify() -> None:
    """ "Focused on changes since version 14" is looked at in a step of its own, and short forms are spelled out."""
    assert planned("Compare auth approaches in Postgres for a web app, focused on changes since version 14") == [
        "SEARCH: authentication approaches in PostgreSQL",
        "SEARCH: web application",
        "VERIFY: changes since version 14 in authentication in PostgreSQL",
        "SYNTHESIZE: compare auth approaches in Postgres for a web app, focused on changes since version 14",
    ]


def test_chinese_questions_are_taken_apart() -> None:
    """Topics of a Chinese question are found without spaces to cut at."""
    assert planned("上下文管理器如何与异常和生成器交互？")[:3] == [
        "SEARCH: 上下文管理器",
        "SEARCH: 异常",
        "SEARCH: 生成器",
    ]
    assert planned("比较列表和元组的区别")[0] == "COMPARE: 列表与元组"


@pytest.mark.parametrize(
    ("question", "things"),
    [
        ("lists vs tuples", ("lists", "tuples")),
        ("Explain the difference between lists and tuples", ("lists", "tuples")),
        ("How do lists differ from tuples?", ("lists", "tuples")),
        ("Which is better for caching, dicts or sets?", ("dicts", "sets")),
        ("Compare session and transaction pooling", ("session pooling", "transaction pooling")),
    ],
)
def test_things_to_compare(question: str, things: tuple[str, ...]) -> None:
    """People ask for comparisons in many forms."""
    assert analyse(question).things == things


def test_without_documents_there_is_nothing_to_plan() -> None:
    """An agent without `search_docs` gets no plan of searches."""
    assert turn_for(request(QUESTION, PROMPT, purpose="plan", tools=())).text == "SIMPLE"


@pytest.mark.parametrize(
    ("message", "topics"),
    [
        ("focus on generators", ("generators",)),
        ("also look at async with", ("async",)),
        ("Please also check contextlib and ExitStack", ("contextlib", "ExitStack")),
        ("be brief", ()),
        ("answer now", ()),
        ("重点关注生成器", ("生成器",)),
    ],
)
def test_messages_on_the_way_name_topics(message: str, topics: tuple[str, ...]) -> None:
    """A message typed during a run is read for what it wants looked at; manners and orders are no topics."""
    assert steering_topics(message) == topics


def test_a_further_question_borrows_its_subject() -> None:
    """ "And what about …" keeps the subject of the question before."""
    follow_up = analyse("and what about coroutines?", analyse(QUESTION))
    assert follow_up.parts == ("coroutines",)
    assert follow_up.queries == ("coroutines context managers",)


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=300))
def test_every_question_gets_a_plan_that_can_be_read(question: str) -> None:
    """Whatever is asked, the planner's turn is SIMPLE or three to five steps in the form that the engine reads."""
    text = turn_for(request(question, PROMPT, purpose="plan")).text
    steps = read_plan([TextBlock(text=text)]).steps
    assert text == "SIMPLE" or 3 <= len(steps) <= 5
