"""`offline` with tools of one's own: which it asks, what it does about failures, roles, skills and groups of tools."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.offline_kit import PYTHON, SUBMIT, Talk, request, specs
from workbench.events.agent import Effect, ToolSpec
from workbench.events.content import text_content
from workbench.events.request import AssistantMessage, Message, ToolCallBlock, ToolResultBlock, UserMessage
from workbench.providers.offline.provider import turn_for
from workbench.providers.offline.turn import Turn
from workbench.tools.control import submit_answer
from workbench.tools.skills import load_skills, skill_tools

Says = str | Exception
Wish = tuple[str, dict[str, Any]]


def tool(name: str, description: str, *, effect: Effect = "read_only", **parameters: Any) -> ToolSpec:
    """Return a tool; a parameter is its schema, or its type alone. One with a default is optional."""
    properties = {key: {"type": kind} if isinstance(kind, str) else kind for key, kind in parameters.items()}
    required = [key for key, schema in properties.items() if "default" not in schema]
    schema: dict[str, Any] = {"type": "object", "properties": properties, "required": required}
    return ToolSpec(name=name, description=description, input_schema=schema, effect=effect)


@dataclass
class Course:
    """A run in small: its tools answer with what is given for them, an exception as an error result."""

    tools: Sequence[ToolSpec]
    answers: Mapping[str, Says | Sequence[Says] | Callable[[dict[str, Any]], Says]] = field(default_factory=dict)
    instructions: str = "You answer questions."
    parallel: bool = True
    turns: list[Turn] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)

    def ask(self, question: str, most: int = 9) -> str:
        """Go on to the answer and return its words."""
        self.messages.append(UserMessage(content=text_content(question)))
        for _ in range(most):
            turn = self._turn()
            if not turn.calls or turn.calls[0][0] == SUBMIT:
                return str(turn.calls[0][1]["answer"]) if turn.calls else turn.text
        raise AssertionError(f"no answer after {most} turns: {self.asked}")

    @property
    def asked(self) -> list[list[Wish]]:
        """What was asked for, turn by turn, without the answer."""
        return [[(name, dict(given)) for name, given in turn.calls if name != SUBMIT] for turn in self.turns[:-1]]

    @property
    def names(self) -> list[list[str]]:
        """The tools asked for, turn by turn."""
        return [[name for name, _ in turn] for turn in self.asked]

    def _turn(self) -> Turn:
        made = request(messages=self.messages, tools=(*self.tools, submit_answer.spec), parallel=self.parallel)
        values = {name: getattr(made, name) for name in made.__slots__}
        turn, number = turn_for(made.__class__(**{**values, "instructions": self.instructions})), len(self.turns)
        self.turns.append(turn)
        calls = [
            ToolCallBlock(id=f"{number}.{at}", tool=name, input=given) for at, (name, given) in enumerate(turn.calls)
        ]
        self.messages.append(AssistantMessage(content=tuple(calls)))
        self.messages.append(UserMessage(results=tuple(self._result(call) for call in calls)))
        return turn

    def _result(self, call: ToolCallBlock) -> ToolResultBlock:
        says = self.answers.get(call.tool, "done")
        before = [name for turn in self.turns[:-1] for name, _ in turn.calls].count(call.tool)
        said: Any = says(call.input) if callable(says) else says
        if isinstance(said, list | tuple):
            said = said[min(before, len(said) - 1)]
        is_error = isinstance(said, Exception)
        return ToolResultBlock(call=call.id, content=text_content(str(said)), is_error=is_error)


STATION = tool("get_weather", "Return the weather of a city from the station there.", city="string")
ARCHIVE = tool(
    "get_climate", "Return the usual weather of a city, for when the station does not answer.", city="string"
)
OSLO = "What is the weather in Oslo?"


# Several at once

REPOSITORY: Any = {"folder": {"type": "string", "default": "."}}
CHECKS = [
    tool("check_quality", "Check the code of a repository for mistakes.", **REPOSITORY),
    tool("run_tests", "Run the tests of a repository.", effect="effectful", **REPOSITORY),
    tool("check_dependencies", "Check what a repository depends on.", **REPOSITORY),
    tool("check_documentation", "Check whether a repository is documented.", **REPOSITORY),
]
CHECKER = "You check repositories: check_quality, run_tests, check_dependencies and check_documentation, all at once."


def test_all_checks_that_the_instructions_name_run_at_once() -> None:
    """The question, the instructions and the tools share their words; no name is special."""
    course = Course(CHECKS, {"run_tests": "12 tests passed."}, CHECKER)
    answer = course.ask("Check this repository.")
    assert [sorted(names) for names in course.names] == [sorted(each.name for each in CHECKS)]
    assert "12 tests passed." in answer


def test_a_path_in_the_question_is_handed_to_each() -> None:
    """Also where the parameter has a default; one call a turn where one at a time is wanted."""
    course = Course(CHECKS, {}, CHECKER, parallel=False)
    course.ask("Check the repository in ./projects/demo please.")
    assert [len(turn) for turn in course.asked] == [1, 1, 1, 1]
    assert {str(given["folder"]) for turn in course.asked for _, given in turn} == {"./projects/demo"}


def test_what_changes_something_is_not_called_because_it_fits() -> None:
    """Without instructions that name it, a tool with effects stays alone; so it does where they forbid it."""
    spoken = "You check repositories: quality, tests, dependencies and documentation, all at once."
    for instructions in (
        "You check repositories.",
        spoken,
        "You check repositories. Never call run_tests unless told.",
    ):
        course = Course(CHECKS, {}, instructions)
        course.ask("Check this repository.")
        assert "run_tests" not in course.names[0]
        assert len(course.names[0]) == 3


def test_proper_names_side_by_side_are_asked_for_one_by_one() -> None:
    """Two cities are two calls of one turn."""
    course = Course([STATION], {"get_weather": lambda given: f"It rains in {given['city']}."})
    answer = course.ask("What is the weather in Oslo and Bergen?")
    assert course.asked == [[("get_weather", {"city": "Oslo"}), ("get_weather", {"city": "Bergen"})]]
    assert "It rains in Oslo." in answer
    assert "It rains in Bergen." in answer


def test_what_an_agent_is_for_is_asked_where_no_word_fits() -> None:
    """The instructions and the tool share the word that the question lacks; without that nothing is asked."""
    course = Course([STATION], {"get_weather": "It rains in Oslo."}, "You answer questions about the weather.")
    assert "It rains in Oslo." in course.ask("Is it raining in Oslo?")
    assert course.asked == [[("get_weather", {"city": "Oslo"})]]
    course = Course([STATION])
    assert "nothing" in course.ask("Is it raining in Oslo?")
    assert course.names == []


# Failures


def test_a_failure_that_may_pass_is_tried_once_more() -> None:
    """The second attempt answers; the failure is no part of the answer then."""
    course = Course([STATION], {"get_weather": [TimeoutError("timed out after 5 s"), "It rains in Oslo."]})
    answer = course.ask(OSLO)
    assert course.asked == [[("get_weather", {"city": "Oslo"})]] * 2
    assert "that may pass" in course.turns[1].thinking
    assert "It rains in Oslo." in answer
    assert "timed out" not in answer


def test_it_is_not_tried_a_third_time() -> None:
    """Twice is enough; then it is said what is missing."""
    course = Course([STATION], {"get_weather": OSError("temporarily unavailable")})
    answer = course.ask(OSLO)
    assert course.names == [["get_weather"]] * 2
    assert "get_weather Oslo gave no result (temporarily unavailable)" in answer
    assert "nothing" in answer


def test_what_may_have_taken_effect_is_not_done_twice() -> None:
    """A tool that only looks as if it read something, and of which nobody said so, is believed to have effects."""
    fetch = tool("get_ticket", "Return a ticket for a city.", effect="effectful", city="string")
    why = OSError("timed out after 60 s. It may have taken effect: look before you try again.")
    course = Course([fetch], {"get_ticket": why})
    course.ask("Which ticket for Oslo?")
    assert course.names == [["get_ticket"]]


def test_another_tool_takes_the_place_of_one_that_fails_for_good() -> None:
    """It takes the same kind of input, its description fits, and it waits until it is needed."""
    course = Course(
        [ARCHIVE, STATION],
        {"get_weather": OSError("the station burnt down"), "get_climate": "It mostly rains in Oslo."},
    )
    answer = course.ask(OSLO)
    assert course.asked == [[("get_weather", {"city": "Oslo"})], [("get_climate", {"city": "Oslo"})]]
    assert "get_climate" in course.turns[1].thinking
    assert "It mostly rains in Oslo." in answer
    assert "get_weather Oslo gave no result (the station burnt down); get_climate answered in its place." in answer


def test_first_again_then_the_other_then_plain_words() -> None:
    """All three ways, one after the other; nothing is pretended at the end."""
    course = Course(
        [STATION, ARCHIVE], {"get_weather": OSError("busy, try again"), "get_climate": OSError("no such city")}
    )
    answer = course.ask(OSLO)
    assert course.names == [["get_weather"], ["get_weather"], ["get_climate"]]
    assert "I found nothing that answers this." in answer
    assert "busy, try again" in answer
    assert "no such city" in answer


def test_a_tool_that_finds_nothing_is_followed_by_another() -> None:
    """An empty result is no failure, but no answer either."""
    course = Course([STATION, ARCHIVE], {"get_weather": "no data", "get_climate": "It mostly rains in Oslo."})
    assert "It mostly rains in Oslo." in course.ask(OSLO)
    assert course.names == [["get_weather"], ["get_climate"]]


def test_an_input_is_handed_over_under_another_name() -> None:
    """Where the other tool calls its one parameter differently."""
    mirror = tool("mirror", "Mirror of the weather of each city.", place="string")
    course = Course([STATION, mirror], {"get_weather": OSError("gone"), "mirror": "It rains in Oslo."})
    course.ask(OSLO)
    assert course.asked[1] == [("mirror", {"place": "Oslo"})]


def test_a_tool_for_something_else_is_no_stand_in() -> None:
    """Taking a text is not enough."""
    other = tool("find_recipe", "Find a recipe by what is in the fridge.", ingredient="string")
    course = Course([STATION, other], {"get_weather": OSError("gone")})
    course.ask(OSLO)
    assert course.names == [["get_weather"]]


def test_an_invalid_input_is_mended_once() -> None:
    """The reason names the field and the bound."""
    days = tool("forecast", "Return the weather forecast for some days.", days={"type": "integer"})
    why = ValueError("invalid input for forecast: days: Input should be less than or equal to 7")
    course = Course([days], {"forecast": [why, "Rain all week."]})
    answer = course.ask("What is the weather forecast for 30 days?")
    assert [given["days"] for turn in course.asked for _, given in turn] == [30, 7]
    assert "Rain all week." in answer
    assert "invalid" not in answer


@pytest.mark.parametrize("why", ["denied by the operator: not now", "not allowed: rule deny shell"])
def test_a_refusal_stands(why: str) -> None:
    """What a person or a rule did not allow is neither tried again nor done another way."""
    course = Course([STATION, ARCHIVE], {"get_weather": PermissionError(why)})
    assert why.partition(":")[0] in course.ask(OSLO)
    assert course.names == [["get_weather"]]


words = st.text(st.characters(codec="utf-8"), max_size=40)
kinds = st.recursive(
    st.sampled_from(
        [
            "string",
            "integer",
            "boolean",
            {"type": "number", "minimum": 3, "exclusiveMaximum": 5},
            {"enum": ["oslo", 3, None]},
            {"enum": []},
            {"$ref": "#/$defs/gone"},
            {"type": "string", "pattern": "^(a"},
            {"type": ["string", "null"], "maxLength": 3},
            {"anyOf": [{"type": "null"}, {"type": "string"}]},
            {},
        ]
    ),
    lambda inner: st.one_of(
        st.builds(lambda kind: {"type": "array", "items": kind if isinstance(kind, dict) else {"type": kind}}, inner),
        st.builds(lambda kind: {"type": "object", "properties": {"x": kind}, "required": ["x", "y"]}, inner),
    ),
    max_leaves=3,
)
drawn = st.builds(
    lambda name, said, effect, given: tool(name, said, effect=effect, **given),
    st.sampled_from(["get_weather", "send-mail", "x", "check_all", "weatherInOslo", "find_7"]),
    st.one_of(words, st.sampled_from(["Return the weather.", "Mirror of the weather if a station fails.", "Send it."])),
    st.sampled_from(["read_only", "effectful"]),
    st.dictionaries(st.sampled_from(["city", "to", "text", "path", "limit", "from", "days"]), kinds, max_size=3),
)
errors = st.one_of(words, st.sampled_from(["try again", "invalid input for x: days: at most 3; city: bad", "no data"]))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    tools=st.lists(drawn, max_size=4, unique_by=lambda one: one.name),
    question=st.one_of(words, st.sampled_from([OSLO, "Send a mail to a@b.no from /tmp/x.txt", "查一下奥斯陆的天气"])),
    instructions=words,
    says=st.lists(st.one_of(errors, errors.map(ValueError)), min_size=1, max_size=3),
    parallel=st.booleans(),
)
def test_whatever_the_tools_are_it_comes_to_an_answer(
    tools: list[ToolSpec], question: str, instructions: str, says: list[Says], parallel: bool
) -> None:
    """No schema, no description, no result and no question breaks it or lets it go on for ever."""
    course = Course(tools, {one.name: says for one in tools}, instructions, parallel)
    course.ask(question, most=40)
    made = [(name, str(given)) for turn in course.asked for name, given in turn]
    assert all(made.count(one) <= 2 for one in made)


# What is ordered

MAIL = tool("send_mail", "Send a mail to somebody.", effect="effectful", to="string", body="string")


def test_what_the_question_orders_is_done_after_what_it_needs_to_know() -> None:
    """The mail is written out of what the station said, and sent once."""
    course = Course([MAIL, STATION], {"get_weather": "It rains in Oslo.", "send_mail": "sent"})
    course.ask("Look up the weather in Oslo and send a mail to anna@example.com.")
    assert course.names == [["get_weather"], ["send_mail"]]
    given = course.asked[1][0][1]
    assert given["to"] == "anna@example.com"
    assert "It rains in Oslo." in given["body"]


def test_quoted_words_are_what_is_written() -> None:
    """A person who says what to write is taken at their word; an effect that failed is not repeated."""
    course = Course([MAIL], {"send_mail": OSError("timed out. It may have taken effect: look before you try again.")})
    answer = course.ask('Please send a mail to anna@example.com: "See you at nine."')
    assert course.asked == [[("send_mail", {"to": "anna@example.com", "body": "See you at nine."})]]
    assert "may have taken effect" in answer


def test_notes_are_kept_and_found_by_tools_that_it_has_never_seen() -> None:
    """What is to be remembered is the fact itself; a query is given also where it may be left out."""
    remember = tool("remember", "Keep something.", effect="idempotent", key="string", text="string")
    recall = tool("recall", "Find what was remembered.", query={"type": "string", "default": ""})
    course = Course([remember, recall], {"recall": "The harbour closes at nine."})
    course.ask("Remember that the harbour closes at nine.")
    assert course.asked[-1][0][0] == "remember"
    assert course.asked[-1][0][1]["text"] == "the harbour closes at nine."
    course = Course([remember, recall], {"recall": "The harbour closes at nine."})
    assert "The harbour closes at nine." in course.ask("What was remembered about the harbour?")
    assert [(name, "harbour" in given["query"]) for name, given in course.asked[0]] == [("recall", True)]


@pytest.mark.parametrize(
    "question", ["How do I send a mail?", "Do not send a mail to anna@example.com.", "Who may send a mail to Anna?"]
)
def test_what_is_only_spoken_of_is_not_done(question: str) -> None:
    """An order stands at the beginning of a clause."""
    course = Course([MAIL])
    course.ask(question)
    assert course.names == []


# Roles


def spawn(good_at: Mapping[str, str], *, required: bool = False) -> ToolSpec:
    """Return `spawn_subagent` with roles to choose from."""
    listed = "\n".join(f"- {name}: {said}" for name, said in good_at.items())
    role = {"type": "string", "enum": list(good_at), "description": f"Which kind of subagent:\n{listed}"}
    schema: dict[str, Any] = {
        "type": "object",
        "properties": {"task": {"type": "string"}, "focus": {"type": "string"}, "role": role},
        "required": ["task", *(["role"] if required else [])],
    }
    return ToolSpec(name="spawn_subagent", description="Let a subagent work.", input_schema=schema, effect="idempotent")


ROLES = {
    "security": "attacks, passwords and permissions",
    "cost": "prices and budgets",
    "law": "contracts and licences",
}


def test_roles_whose_words_fit_get_their_part_at_once() -> None:
    """Each gets the part of the question that is its own, with what is common to all."""
    course = Course([spawn(ROLES)], {"spawn_subagent": lambda given: f"The {given['role']} of it is fine in general."})
    answer = course.ask("Shall we move to the new host? Look at prices, and who gets permissions.")
    assert [[given["role"] for _, given in turn] for turn in course.asked] == [["security", "cost"]]
    tasks = {given["role"]: given["task"] for _, given in course.asked[0]}
    assert all(task.startswith("Shall we move to the new host?") for task in tasks.values())
    assert "permissions" not in tasks["cost"]
    assert "prices" not in tasks["security"]
    assert "The cost of it is fine in general." in answer
    assert "The security of it is fine in general." in answer


def test_what_a_role_has_tools_for_is_left_to_it() -> None:
    """The tools that the role is said to have are not asked as well, unless the subagent could not answer."""
    price = tool("get_price", "Return the price of a host.", host="string")
    roles = spawn({"buyer": "good at prices; has get_price"})
    course = Course([roles, price], {"spawn_subagent": "The price of Nimbus is 40 euros a month."})
    course.ask("What are the prices of Nimbus?")
    assert course.names == [["spawn_subagent"]]
    course = Course(
        [roles, price], {"spawn_subagent": OSError("no budget left"), "get_price": "It is 40 euros a month."}
    )
    assert "It is 40 euros a month." in course.ask("What are the prices of Nimbus?")
    assert course.names == [["spawn_subagent"], ["get_price"]]


def test_without_other_means_every_role_is_asked() -> None:
    """An agent that can only spawn does not answer out of nothing."""
    course = Course([spawn(ROLES)], {"spawn_subagent": "Blue is fine for everybody who comes here."})
    course.ask("Which colour?")
    assert [given["role"] for _, given in course.asked[0]] == list(ROLES)


def test_roles_are_chosen_beside_documents_too() -> None:
    """With `search_docs` a role that fits is given the question; where none fits it searches itself."""
    tools = (*specs("search_docs", "fetch_doc", "submit_answer"), spawn({"python": "exceptions", "law": "licences"}))
    talk = Talk.about(PYTHON, "How do exceptions work?", tools=tools, reports=["Exceptions break out of the flow."])
    assert [(name, given["role"]) for name, given in talk.step()] == [("spawn_subagent", "python")]
    assert "Exceptions break out of the flow." in talk.answer()["answer"]
    other = Talk.about(PYTHON, "How do generators work?", tools=tools)
    assert other.step()[0][0] == "search_docs"


def test_a_comparison_names_a_role_where_one_has_to_be_given() -> None:
    """Things that are compared go to the role that fits, or the first."""
    tools = (*specs("search_docs", "fetch_doc", "submit_answer"), spawn(ROLES, required=True))
    asked = Talk.about(PYTHON, "Compare lists and tuples.", tools=tools, reports=["Fine."]).step()
    assert [(name, given["role"]) for name, given in asked] == [("spawn_subagent", "security")] * 2


def test_tools_of_ones_own_are_asked_beside_documents() -> None:
    """Searches and tools that fit go out in one turn; one that does not fit is left alone."""
    own = tool("count_exceptions", "Count the exceptions of a module.", module="string")
    tools = (*specs("search_docs", "fetch_doc", "submit_answer"), own, STATION)
    talk = Talk.about(PYTHON, "How many exceptions has the module json?", tools=tools)
    assert {name for name, _ in talk.step()} == {"count_exceptions", "search_docs"}
    assert "exceptions" in talk.answer()["answer"]
    assert talk.calls("get_weather") == []


# Skills and groups


@pytest.fixture
def reader(tmp_path: Path) -> ToolSpec:
    """Return the tool that reads two skills."""
    for name, description in (("postcards", "How postcards are written."), ("weather", "How to report the weather.")):
        (tmp_path / name).mkdir()
        matter = f"---\nname: {name}\ndescription: {description}\n---\n"
        (tmp_path / name / "SKILL.md").write_text(f"{matter}Read it first.", "utf-8")
    return skill_tools(load_skills([tmp_path]))[0].spec


def test_a_skill_that_fits_is_read_first_and_once(reader: ToolSpec) -> None:
    """What it says works like instructions: a tool that it names for such a question is called."""
    course = Course(
        [reader, STATION, tool("ring_bell", "Ring.", effect="effectful")],
        {"read_skill": "For the weather, call ring_bell.", "get_weather": "It rains in Oslo."},
    )
    answer = course.ask(OSLO)
    assert course.asked[0] == [("read_skill", {"name": "weather"})]
    assert sorted(course.names[1]) == ["get_weather", "ring_bell"]
    assert "It rains in Oslo." in answer
    assert "ring_bell" not in answer.partition("[")[0]


def test_a_skill_that_does_not_fit_is_not_read(reader: ToolSpec) -> None:
    """Nor is one read twice; beside documents it is read first, too."""
    course = Course([reader, STATION])
    course.ask("What about the harvest?")
    assert course.names == []
    tools = (*specs("search_docs", "fetch_doc", "submit_answer"), reader)
    talk = Talk.about(PYTHON, "How do exceptions look on postcards?", tools=tools)
    assert talk.step() == [("read_skill", {"name": "postcards"})]
    assert talk.step()[0][0] == "search_docs"


GROUPS = tool(
    "switch_tools",
    "Switch groups of tools on or off.\n- sea: tides and waves of harbours\n- sky: stars and planets",
    sea={"type": "boolean", "default": False},
    sky={"type": "boolean", "default": False},
)


def test_a_group_is_switched_on_where_only_its_words_fit() -> None:
    """And its tools are asked when they are there."""
    tides = tool("get_tides", "Return the tides of a harbour.", harbour="string")
    course = Course([GROUPS, STATION], {"get_tides": "High water is at nine."})
    course.messages.append(UserMessage(content=text_content("When are the tides in Bergen?")))
    assert course._turn().calls == (("switch_tools", {"sea": True}),)
    course.tools = [GROUPS, STATION, tides]
    assert course._turn().calls == (("get_tides", {"harbour": "Bergen"}),)


def test_no_group_is_switched_on_where_a_tool_at_hand_fits() -> None:
    """Nor one twice, when its tools do not come."""
    course = Course([GROUPS, STATION], {"get_weather": "It rains in Oslo."})
    course.ask(OSLO)
    assert course.names == [["get_weather"]]
    course = Course([GROUPS, STATION], {"switch_tools": OSError("not now")})
    course.ask("When do the stars rise?")
    assert course.names == [["switch_tools"]]
