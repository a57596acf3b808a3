"""o opens what is no text, of the selected call or message."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.builders import Call, RunLog, agent_record
from tests.tui.fake_driver import FakeDriver
from tests.tui.kit import select, stage
from workbench.events.codec import result_fields
from workbench.events.content import Block, DocumentBlock, ImageBlock, TextBlock
from workbench.events.edit import MessageAdded, ResultEdited
from workbench.tui.dialogs.choice import ChoiceDialog
from workbench.tui.flows import opening as flow
from workbench.tui.opening import Opened
from workbench.views.selection import Selection

PNG = ImageBlock(data=b"\x89PNG\r\n\x1a\n", media_type="image/png")
NAMED = ImageBlock(data=PNG.data, media_type="image/png", name="a.png")
PDF = DocumentBlock(data=b"%PDF-1.7", media_type="application/pdf", name="paper.pdf")
CALL = Selection("call", step=0, call="0.0")


def log_with(*blocks: Block) -> RunLog:
    """Return a run whose one result has these blocks."""
    log = RunLog(agent=agent_record(plan="off"))
    log.step([Call("look")])
    log.add(ResultEdited(call="0.0", replaces="0" * 64, **result_fields(blocks, is_error=False)))
    return log


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Return what was opened; a PDF is refused."""
    blocks: list[Any] = []

    def open_block(block: Any) -> Opened:
        blocks.append(block)
        return Opened(Path("/private/block"), "it is odd" if block is PDF else "")

    monkeypatch.setattr(flow, "open_block", open_block)
    return blocks


async def test_the_only_block_is_opened_at_once(opened: list[Any]) -> None:
    """Its placeholder names kind, size and key."""
    async with stage(FakeDriver(log_with(TextBlock(text="seen"), PNG))) as acted:
        await select(acted, CALL)
        await acted.shows("▣ image/png · 8 B  o opens it")
        await acted.press("o")
        await acted.until(lambda: opened == [PNG])
        await acted.until(lambda: "Opened /private/block" in acted.notices)


async def test_one_of_several_is_chosen(opened: list[Any]) -> None:
    """Each stands with its label; a digit takes it. What may not be opened is saved, and its path copied."""
    async with stage(FakeDriver(log_with(PNG, PDF))) as acted:
        await select(acted, CALL)
        await acted.press("o")
        await acted.opens(ChoiceDialog)
        await acted.shows("▣ application/pdf · 8 B · paper.pdf")
        await acted.press("2")
        await acted.until(lambda: opened == [PDF])
        await acted.until(lambda: acted.app.clipboard == "/private/block")
        assert "Saved, not opened, as it is odd: /private/block (the path is copied)" in acted.notices
        await acted.press("o")
        await acted.opens(ChoiceDialog)
        await acted.press("escape")
        await acted.closes()
        assert opened == [PDF]


async def test_a_message_may_hold_an_image(opened: list[Any]) -> None:
    """What a person said is looked at like what a tool returned."""
    log = log_with(TextBlock(text="seen"))
    log.add(MessageAdded(content=(TextBlock(text="Look:"), PNG)))
    async with stage(FakeDriver(log)) as acted:
        await select(acted, Selection("message", index=1))
        await acted.shows("▣ image/png · 8 B  o opens it")
        await acted.press("o")
        await acted.until(lambda: opened == [PNG])


async def test_text_is_nothing_to_open(opened: list[Any]) -> None:
    """Where there is nothing but text, or nothing that could hold more, a sentence says so."""
    async with stage(FakeDriver(log_with(TextBlock(text="seen")))) as acted:
        await select(acted, CALL)
        await acted.press("o")
        await acted.until(lambda: any("nothing here but text" in notice for notice in acted.notices))
        await select(acted, Selection("step", step=0))
        await acted.press("o")
        await acted.until(lambda: any("Select a call with a result" in notice for notice in acted.notices))
    assert opened == []


async def test_what_was_given_with_a_question_is_opened(opened: list[Any]) -> None:
    """The timeline names it below the question, the inspector with its key."""
    log = RunLog(agent=agent_record(plan="off"), task="What is this?", attached=(NAMED,))
    async with stage(FakeDriver(log)) as acted:
        await acted.shows("What is this?")
        await acted.shows("▣ image/png · 8 B · a.png")
        await select(acted, Selection("message", index=0))
        await acted.until(lambda: acted.shown().count("▣ image/png · 8 B · a.png") == 2)
        await acted.press("o")
        await acted.until(lambda: opened == [NAMED])
