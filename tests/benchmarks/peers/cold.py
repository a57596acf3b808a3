"""What a program waits for before anything of its own begins: the walls of imports."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from tests.benchmarks.measure import Table, now
from tests.benchmarks.peers.frameworks import OWN, Place
from tests.benchmarks.peers.loops import ms
from tests.benchmarks.peers.running import Failed, Lab, run_quietly

TIMES = 4
BARE = "bare interpreter"
STARTS = (
    (BARE, OWN, ("-c", "pass")),
    ("`workbench --version`", OWN, ("-m", "workbench", "--version")),
    ("**workbench**, `Agent`", OWN, ("-c", "from workbench import Agent; Agent")),
    ("the SDK of Anthropic", OWN, ("-c", "import anthropic; anthropic.AsyncAnthropic")),
    ("the SDK of OpenAI", OWN, ("-c", "import openai; openai.AsyncOpenAI")),
    ("LangGraph, `create_agent`", "langgraph", ("-c", "from langchain.agents import create_agent")),
    ("OpenAI Agents, `Agent` and `Runner`", "openai_agents", ("-c", "from agents import Agent, Runner")),
    ("Pydantic AI, `Agent`", "pydantic_ai", ("-c", "from pydantic_ai import Agent")),
    ("Strands, `Agent`", "strands", ("-c", "from strands import Agent")),
    ("AgentScope, `Agent`", "agentscope", ("-c", "from agentscope.agent import Agent")),
    ("smolagents, `ToolCallingAgent`", "smolagents", ("-c", "from smolagents import ToolCallingAgent")),
)


def table(lab: Lab) -> Table:
    """Start each several times, in turns, after once to warm the disk; its own bare interpreter beside it."""
    walls: dict[str, list[float]] = {}
    more: dict[str, list[float]] = {}
    failed: dict[str, str] = {}
    for number in range(TIMES + 1):
        for title, key, arguments in STARTS:
            place = lab.places.find(key)
            if title in failed or not isinstance(place, Place):
                failed.setdefault(title, str(place))
                continue
            bare, took = _wall(place.python, ("-c", "pass")), _wall(place.python, arguments)
            if isinstance(took, Failed) or isinstance(bare, Failed):
                failed[title] = took.why if isinstance(took, Failed) else "its interpreter does not start"
            elif number:
                walls.setdefault(title, []).append(took)
                more.setdefault(title, []).append(took - bare)
        print(f"cold start, round {number} of {TIMES}", file=sys.stderr, flush=True)
    lines: list[tuple[str, ...]] = [
        (title, failed[title], "–") if title in failed else (title, ms(walls[title], 0), _more(title, more[title]))
        for title, _, _ in STARTS
    ]
    note = f"The wall of a whole process; median (least–most) of {TIMES}, in turns, the files in the system's cache."
    return Table("Cold start", ("what", "ms", "more than the bare interpreter, ms"), lines, note)


def _more(title: str, samples: list[float]) -> str:
    return "–" if title == BARE else f"{median(samples) * 1e3:.0f}"


def _wall(python: Path, arguments: tuple[str, ...]) -> float | Failed:
    with tempfile.TemporaryDirectory() as home:
        start = now()
        try:
            done = run_quietly([str(python), *arguments], home, 60)
        except (OSError, subprocess.SubprocessError) as error:
            return Failed(f"it did not start: {type(error).__name__}")
        took = now() - start
    if done.returncode:
        return Failed((done.stderr.strip().splitlines() or [f"it ended with code {done.returncode}"])[-1][:160])
    return took
