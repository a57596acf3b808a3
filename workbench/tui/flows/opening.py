"""What is no text opens with another program: images, documents, sounds in a result or in what a person said."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from workbench.errors import UserError
from workbench.events.content import Binary, Content, binary_blocks
from workbench.tui.actions import key_of
from workbench.tui.dialogs.choice import Choice, ChoiceDialog
from workbench.tui.opening import open_block
from workbench.views.binary import block_label
from workbench.views.outline import message_of
from workbench.views.segments import Segment
from workbench.views.selection import Selection

if TYPE_CHECKING:
    from workbench.tui.screens.main import MainScreen

_KEYS = "123456789abcdefghijklmnopqrstuvwxyz"
"""Keys that give one of several blocks."""


async def open_binary(screen: MainScreen) -> None:
    """Write a block of what is selected to a private file, and open that where it is of a safe kind."""
    blocks = binary_blocks(await _selected_content(screen))
    if not blocks:
        opens = key_of("open_block")
        raise UserError(f"There is nothing here but text; {opens} opens images and documents of a result or a message.")
    block = blocks[0] if len(blocks) == 1 else await _chosen(screen, blocks)
    if block is None:
        return
    opened = await asyncio.to_thread(open_block, block)
    if opened.problem:
        screen.workbench.copy_to_clipboard(str(opened.path))
        screen.say(f"Saved, not opened, as {opened.problem}: {opened.path} (the path is copied)", "warning")
    else:
        screen.say(f"Opened {opened.path}")


async def _selected_content(screen: MainScreen) -> Content:
    context, state = screen.context(), screen.watched.state
    match context.selection:
        case Selection(kind="call") if context.call is not None and context.call.result is not None:
            ref = (context.call.result.run, context.call.result.seq)
            return (await screen.bridge.contents(ref)).get(ref, ())
        case Selection(kind="message", index=int(index)) if (found := message_of(state, index)) is not None:
            return found[0].content
        case _:
            return ()


async def _chosen(screen: MainScreen, blocks: list[Binary]) -> Binary | None:
    choices = [
        Choice(str(number), key, block_label(block))
        for number, (key, block) in enumerate(zip(_KEYS, blocks, strict=False))
    ]
    heading = (Segment(f"{len(blocks)} blocks here are no text."),)
    chosen = await screen.ask_in(ChoiceDialog("Open which?", [heading], choices))
    return blocks[int(chosen)] if chosen is not None else None
