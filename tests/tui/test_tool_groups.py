"""Groups of tools on the screen: switched by a key, shown where they take effect, refused with a sentence."""

from __future__ import annotations

from tests.builders import Call, RunLog, agent_record
from tests.tui.kit import driven, stage
from workbench.driver.commands import SwitchTools
from workbench.events.agent import ToolGroup
from workbench.events.run import ToolsSwitched
from workbench.tui.dialogs.choice import ChoiceDialog

GROUPS = (
    ToolGroup(name="web", description="What is on the web.\x1b[31m", active=True),
    ToolGroup(name="shop"),
)


def grouped() -> RunLog:
    """Return a live run of an agent with groups."""
    log = RunLog(agent=agent_record(plan="off").model_copy(update={"groups": GROUPS}))
    log.step([Call("search_docs", {"query": "x"}, seconds=0.1)])
    log.add(ToolsSwitched(groups={"shop": True}, by="operator"))
    log.step([Call("search_docs", {"query": "y"}, seconds=None)])
    return log


async def test_a_group_is_switched_off_and_on() -> None:
    """The dialog says how each stands and what it is for; one key switches one."""
    log = grouped()
    driver = driven(log)
    async with stage(driver, size=(150, 40)) as acted:
        await acted.shows("tools on: shop")
        await acted.press("O")
        await acted.opens(ChoiceDialog)
        await acted.shows("web: switch off")
        assert "What is on the web." in acted.shown()
        assert "shop: switch off" in acted.shown()
        await acted.press("1")
        await acted.closes()
        await acted.gives(driver, [SwitchTools(log.run, {"web": False})])
        assert any("The tools of web are off now." in notice for notice in acted.notices)


async def test_leaving_switches_nothing() -> None:
    """Escape leaves all as it is."""
    log = grouped()
    driver = driven(log)
    async with stage(driver) as acted:
        await acted.press("O")
        await acted.opens(ChoiceDialog)
        await acted.press("escape")
        await acted.closes()
        assert driver.commands == []


async def test_without_groups_a_sentence_says_so() -> None:
    """An agent may have none."""
    log = RunLog(agent=agent_record(plan="off"))
    log.step([Call("search_docs", {"query": "y"}, seconds=None)])
    async with stage(driven(log)) as acted:
        await acted.press("O")
        await acted.until(lambda: acted.notices == ["The agent of this run has no groups of tools."], "nothing said")
