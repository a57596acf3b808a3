"""Ways to begin other than a question: the tour, a recorded session, an agent of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from workbench.config.resources import shipped
from workbench.driver.commands import ImportedFile, ImportFile
from workbench.tui.actions import key_of
from workbench.tui.dialogs.page import PageDialog
from workbench.views.segments import Line, Segment

if TYPE_CHECKING:
    from workbench.tui.flows import Flow
    from workbench.tui.screens.main import MainScreen

SESSION: Final = "comparison.jsonl"
"""The recorded session that is offered at the first start."""
EXAMPLE: Final = '''\
from workbench import Agent, tool


@tool(read_only=True)
async def get_weather(city: str) -> str:
    """Return today's weather of a city."""
    return f"It rains in {city}."


agent = Agent(
    model="offline",
    instructions="You answer questions about the weather.",
    tools=[get_weather],
    plan="off",
)
'''
"""An agent of one's own; docs/your-agent.md explains it."""
_BEFORE: Final = (
    "An agent is instructions, a model and tools; a tool is a plain Python function. "
    "This file is one; {copies} copies it. With it in weather.py: workbench run -a weather.py"
)
_AFTER: Final = (
    "workbench new writes a longer one with comments. Your own documents need no code: workbench run --docs DIR. "
    "The model that answers is chosen with -m; offline, the embedded one, is the default."
)


async def take_tour(screen: MainScreen) -> None:
    """Take the guided tour; its run stands in the list like any other."""
    await screen.workbench.begin_tour()


async def open_session(screen: MainScreen) -> None:
    """Take in a recorded session and look at it."""
    imported: ImportedFile = await screen.bridge.ask(ImportFile(str(shipped("sessions") / SESSION)))
    await screen.open_run(imported.newest)


async def show_own_agent(screen: MainScreen) -> None:
    """Show how an agent of one's own runs here."""
    lines: list[Line] = [(Segment(line, "key"),) for line in EXAMPLE.splitlines()]
    await screen.ask_in(
        PageDialog("Bring your own agent", _BEFORE.format(copies=key_of("copy_page")), lines, _AFTER, copies=EXAMPLE)
    )


BEGINNINGS: Final[dict[str, Flow]] = {"tour": take_tour, "session": open_session, "agent": show_own_agent}
"""What each way of the invitation does."""
