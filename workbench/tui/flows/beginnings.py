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
from pathlib import Path

from workbench.agent.spec import AgentSpec
from workbench.driver.settings import DriverSettings
from workbench.tools.declaring import tool
from workbench.tools.toolkit import Toolkit
from workbench.tools.control import submit_answer
from workbench.tui.app import WorkbenchApp


@tool(read_only=True)
async def get_weather(city: str) -> str:
    """Return today's weather of a city."""
    return f"It rains in {city}."


def agent(library, notebook, folder):
    return AgentSpec(name="weather", toolkit=Toolkit([get_weather, submit_answer]), plan="off")


if __name__ == "__main__":
    WorkbenchApp(DriverSettings(Path("weather.db"), Path(".cache"), make_agent=agent)).run()
'''
"""A whole program with an agent of its own; docs/your-agent.md explains it."""
_BEFORE: Final = (
    "An agent is instructions, a model and tools; a tool is a plain Python function. "
    "This file is a whole workbench with one of its own; {copies} copies it:"
)
_AFTER: Final = (
    "Your own documents need no code: workbench run --docs DIR. "
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
