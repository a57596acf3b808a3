"""What is set and typed about agents: it arrives in the run, wins in the right order, and wrong values are named."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.cli_harness import Shell
from workbench.agent.spec import AgentSpec, researcher
from workbench.cli.workplace import Workplace
from workbench.config.asking import LIMITS, PARAMETERS, PROMPTS, RETRIES, STOPS
from workbench.config.settings import find_places, load_settings
from workbench.driver.settings import DriverSettings
from workbench.errors import ConfigError
from workbench.events.agent import AgentRecord, Limits, ModelParameters, ModelRetries
from workbench.tools.library import Library, Notebook

DOCS = Path(__file__).parents[2] / "docs"
RUN = ("run", "What is a decorator?", "--json")
SETTINGS = """
plan = "off"
max_steps = 8
[parameters]
max_tokens = 100
[limits]
calls_at_once = 2
request_tokens = 7000
[retries]
attempts = 9
[prompts]
instructions = "@prompts/mine.md"
planner = "Plan."
summary = "@@ sum up"
"""


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Return a command line on a database that is not there yet."""
    return Shell(tmp_path / "runs.db", capsys)


@pytest.fixture
def set_to() -> Iterator[Callable[[str], Path]]:
    """Return a way to write the person's settings; they are gone after the test."""
    file = find_places().settings

    def write(text: str) -> Path:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    yield write
    file.unlink(missing_ok=True)


def agent_of(shell: Shell, *words: str) -> dict[str, Any]:
    """Return the agent that a run recorded when it began."""
    printed = shell(*RUN, *words)
    assert printed.code == 0, printed
    agent = printed.events[0]["agent"]
    assert isinstance(agent, dict)
    return agent


def test_settings_and_options_arrive_in_the_run(shell: Shell, set_to: Callable[[str], Path], tmp_path: Path) -> None:
    """Every table of the settings fills its part of the agent; what is typed wins, value by value."""
    prompts = set_to(SETTINGS).parent / "prompts"
    prompts.mkdir(exist_ok=True)
    (prompts / "mine.md").write_text("Be mine.\n")
    agent = agent_of(shell)
    assert (agent["plan"], agent["limits"]["steps"], agent["parameters"]["max_tokens"]) == ("off", 8, 100)
    assert (agent["limits"]["calls_at_once"], agent["limits"]["request_tokens"]) == (2, 7000)
    assert agent["retries"] == {"attempts": 9, "first_wait": 1.0, "longest_wait": 60.0}
    assert (agent["instructions"], agent["planner"], agent["summary"]) == ("Be mine.", "Plan.", "@ sum up")
    (tmp_path / "typed.md").write_text("Be typed.")
    agent = agent_of(
        shell, "--instructions", f"@{tmp_path}/typed.md", "--limit", "calls_at_once=3", "--limit", "planner_tokens=99",
        "--retry", "attempts=2", "--retry", "first_wait=0.5", "--param", "max_tokens=200", "--plan", "auto",
    )  # fmt: skip
    assert (agent["instructions"], agent["plan"], agent["parameters"]["max_tokens"]) == ("Be typed.", "auto", 200)
    limits = agent["limits"]
    assert (limits["calls_at_once"], limits["request_tokens"], limits["planner_tokens"]) == (3, 7000, 99)
    assert (agent["retries"]["attempts"], agent["retries"]["first_wait"]) == (2, 0.5)


def test_an_agent_that_speaks_for_itself_is_not_set(
    shell: Shell, set_to: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its model, its plan and its parameters stay, whatever the settings say for agents in general."""

    def make_agent(library: Library, notebook: Notebook, path: str | None) -> AgentSpec:
        own = ModelParameters(max_tokens=9000)
        return replace(researcher(library, notebook, path), model="offline", plan="off", parameters=own)

    def settings(place: Workplace) -> DriverSettings:
        return DriverSettings(place.database, place.places.cache, make_agent=make_agent)

    monkeypatch.setattr(Workplace, "driver_settings", settings)
    set_to('model = "recorded:gone"\nplan = "auto"\n[parameters]\nmax_tokens = 100\neffort = "low"')
    agent = agent_of(shell)
    assert (agent["model"], agent["plan"]) == ("offline", "off")
    assert (agent["parameters"]["max_tokens"], agent["parameters"]["effort"]) == (9000, "low")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--limit", "subagents"], "--limit expects NAME=VALUE, such as --limit request_tokens=8000, not 'subagents'"),
        (["--limit", "subagnts=1"], "'subagnts' is no limit; did you mean 'subagents'?"),
        (["--limit", "steps=1"], "the setting is max_steps, outside of tables, and the option --max-steps"),
        (["--limit", "summary_tokens=0"], "summary_tokens = 0 cannot be used; expected a whole number above 0"),
        (["--retry", "attempts=no"], "attempts = 'no' cannot be used; expected a whole number above 0"),
        (["--retry", "attempt=1"], "'attempt' is no value of retries; did you mean 'attempts'?"),
        (["--param", "temperature=99"], "temperature = 99 cannot be used; expected a number from 0 to 2"),
        (["--param", "tool_choice=nosuchtool"], "tool_choice = 'nosuchtool' cannot be used; expected one of auto, any"),
        (["--instructions", " "], "it is empty"),
        (["--instructions", "@/no/such"], "--instructions: the file '/no/such' cannot be read"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(shell: Shell, words: list[str], said: str) -> None:
    """The name, what was given and what is expected, before anything is written."""
    assert said in shell.refused(*RUN, *words)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("parameters.max_tokens = 0", "max_tokens = 0 cannot be used; expected a whole number above 0"),
        ("parameters.effort = 'banana'", "effort = 'banana' cannot be used; expected one of none, minimal"),
        ("limits.request_tokens = -1", "request_tokens = -1 cannot be used; expected a whole number above 0"),
        ("retries.longest_wait = 'x'", "longest_wait = 'x' cannot be used; expected a number of seconds"),
    ],
)
def test_a_value_that_no_run_could_have_is_told_at_once(
    shell: Shell, set_to: Callable[[str], Path], text: str, said: str
) -> None:
    """Not when a run begins behind a screen: every command names the file, and so does `doctor`."""
    file = set_to(text)
    refused = shell.refused(*RUN)
    assert said in refused
    assert str(file) in refused
    assert said in shell("doctor").out


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("limits = 3", "limits = 3; expected a table [limits] with calls_at_once"),
        ("limits.max_steps = 3", "'max_steps' is no limit"),
        ("limits.tokens = 3", "the setting is max_tokens, outside of tables"),
        ("retries = []", "expected a table [retries]"),
        ("prompts.sumary = 'x'", "'sumary' is no prompt; did you mean 'summary'?"),
        ("prompts.planner = 3", "prompts.planner = 3; expected a text that is not empty, or @FILE"),
        ("prompts.planner = ' '", "expected a text that is not empty"),
        ("prompts.planner = '@no.md'", "prompts.planner: the file '"),
    ],
)
def test_a_wrong_table_is_named(tmp_path: Path, text: str, said: str) -> None:
    """The file, the entry and what was expected, in one sentence."""
    (tmp_path / "settings.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path / "settings.toml")
    assert said in str(caught.value)
    assert "settings.toml" in str(caught.value)


def test_all_that_an_agent_has_can_be_set_and_is_on_its_page() -> None:
    """No value is left that only a programmer could change, and none that nobody could find."""
    assert set(PARAMETERS) == set(ModelParameters.model_fields)
    assert {*LIMITS, *STOPS} == set(Limits.model_fields)
    assert set(RETRIES) == set(ModelRetries.model_fields)
    assert set(PROMPTS) <= set(AgentRecord.model_fields)
    pages = {name: (DOCS / f"{name}.md").read_text("utf-8") for name in ("settings", "your-agent")}
    assert all(f"| `{name}` |" in pages["settings"] for name in (*LIMITS, *RETRIES, *PROMPTS))
    assert all(f"`{name}`" in pages["your-agent"] for name in ("parameters", "limits", "retries", *PROMPTS))
