"""The exact request of a turn and its raw response, turn by turn, and the copies to take along."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Static

from workbench.debugger.requests import SentRequest, SentTurn, sent_turns
from workbench.driver.commands import ReadRequest
from workbench.events.request import Request
from workbench.interchange.request_copy import Api, api_of, curl, python, request_json, response_json
from workbench.tui.actions import bindings, key_of
from workbench.tui.bridge import Bridge, Changes
from workbench.tui.clipping import copy
from workbench.tui.context import Scope
from workbench.tui.dialogs.choice import Choice, ChoiceDialog
from workbench.tui.opening import private_folder, write_private
from workbench.tui.paint import content
from workbench.tui.screens.live import LiveScreen
from workbench.tui.watching import Watched
from workbench.tui.widgets.folds import Folds
from workbench.tui.widgets.keys import Keys
from workbench.views.request_parts import request_head, request_parts, response_head, response_parts
from workbench.views.segments import Segment
from workbench.views.text import inert, one_line

_APIS = (
    Choice("messages", "a", "Anthropic's Messages API", "POST /v1/messages"),
    Choice("chat", "o", "Chat Completions API", "POST /v1/chat/completions, local servers too"),
)


class RequestScreen(LiveScreen):
    """One turn at a time: what was sent, and what came back."""

    SCOPES: ClassVar[tuple[Scope, ...]] = ("request",)
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("request")]
    AUTO_FOCUS = "Folds"

    DEFAULT_CSS = """
    RequestScreen > #tabs {
        height: 1;
        background: $panel;
    }
    """

    def __init__(self, bridge: Bridge, watched: Watched, seq: int) -> None:
        """`seq` is that of the turn's `turn_started`."""
        super().__init__(bridge)
        self._watched = watched
        self._turns: list[SentTurn] = sent_turns(watched.history.records)
        self._seen = len(watched.history.records)
        self._place = next((place for place, turn in enumerate(self._turns) if turn.seq == seq), 0)
        self._sent: SentRequest | None = None
        self._shows_response = False

    def compose(self) -> ComposeResult:
        """Build the tabs, the page and the keys."""
        yield Static(id="tabs", markup=False)
        yield Folds(id="page")
        yield Keys(last="request_leave", id="keys")

    def on_mount(self) -> None:
        """Read the request."""
        self.show_keys()
        self._read()

    @property
    def turn(self) -> SentTurn:
        """The turn that is shown."""
        return self._turns[self._place]

    def look(self, changes: Changes) -> None:  # noqa: ARG002 - the records say it all
        """Take in what came of the turn that is shown, and turns that began meanwhile."""
        records = self._watched.history.records
        if not self.is_mounted or len(records) == self._seen:
            return
        last = self._turns.pop()
        self._turns += sent_turns(records[last.seq :])
        self._seen = len(records)
        if self.turn.seq >= last.seq and self._sent is not None:
            self._show()
        self._show_tabs()

    # What is shown

    def _read(self) -> None:
        self._sent = None
        self._show_tabs()
        self.work(partial(self._fetch, self.turn.seq), group="request", exclusive=True)

    async def _fetch(self, seq: int) -> None:
        self._sent = await self.bridge.ask(ReadRequest(self._watched.run, seq))
        self._show()

    def _show(self) -> None:
        sent, turn, page = self._sent, self.turn, self.query_one(Folds)
        began = self._watched.history.records[0].at
        if self._shows_response:
            page.show(response_head(turn, began), response_parts(turn))
        elif sent is not None:
            page.show(request_head(sent, turn, began), request_parts(sent.request))

    def _show_tabs(self) -> None:
        names = [("request", not self._shows_response), ("response", self._shows_response)]
        pieces = [Segment(" ")]
        for name, is_here in names:
            pieces.append(Segment(f"[{name}] " if is_here else f" {name}  ", "title" if is_here else "muted"))
        place = f" {inert(self._watched.run)[:8]} · turn {self._place + 1} of {len(self._turns)}"
        self.query_one("#tabs", Static).update(content([*pieces, Segment(place, "muted")]))

    # What a person does

    async def do_request_leave(self) -> None:
        """Back to the run."""
        self.dismiss()

    async def do_request_before(self) -> None:
        """Show the turn before."""
        self._go(-1)

    async def do_request_after(self) -> None:
        """Show the turn after."""
        self._go(1)

    def _go(self, by: int) -> None:
        to = self._place + by
        if not 0 <= to < len(self._turns):
            self.say("This is the first turn." if by < 0 else "This is the last turn so far.")
            return
        self._place = to
        self._read()

    async def do_request_tab(self) -> None:
        """Change between request and response."""
        self._shows_response = not self._shows_response
        self._show_tabs()
        self._show()
        self.query_one(Folds).action_edge(-1)

    async def do_request_all(self) -> None:
        """Open everything, or fold everything."""
        self.query_one(Folds).toggle_all()

    async def _request(self) -> SentRequest:
        """Return the request that is shown, read if it is not yet."""
        sent: SentRequest = self._sent or await self.bridge.ask(ReadRequest(self._watched.run, self.turn.seq))
        return sent

    async def do_copy_json(self) -> None:
        """Copy what is shown as JSON."""
        if not self._shows_response:
            copy(self, request_json((await self._request()).request), "the request as JSON", else_do=_files())
        elif self.turn.finished is not None:
            copy(self, response_json(self.turn.finished), "the response as JSON", else_do=_files())
        else:
            self.say("This attempt has no finished response to copy.")

    async def do_copy_python(self) -> None:
        """Copy the request as a script."""
        text = python(await self._reached())
        copy(self, text, "the request as a Python script", else_do=_files())

    async def do_copy_curl(self) -> None:
        """Copy the request as a command; for a model without an HTTP API, ask in which one to tell it."""
        request = await self._reached()
        api = api_of(request.model)
        if api is None:
            api = await self._asked_api(request.model)
        if api is not None:
            copy(self, curl(request, api), "the request as a curl command", else_do=_files())

    async def _reached(self) -> Request:
        """Return the request with the address that this process asks at, which the log does not hold, in its model."""
        request = (await self._request()).request
        address = self.workbench.address_of(request.model)
        return request if address is None else replace(request, model=f"{request.model}@{address}")

    async def _asked_api(self, model: str) -> Api | None:
        name = one_line(model, 40)
        facts = [(Segment(f"{name} has no HTTP API. Its request can be told in that of another:", "muted"),)]
        chosen = await self.ask_in(ChoiceDialog("As curl", facts, _APIS))
        apis: dict[str | None, Api] = {"messages": "messages", "chat": "chat"}
        return apis.get(chosen)

    async def do_copy_part(self) -> None:
        """Copy the part at the cursor, as it was recorded."""
        part = self.query_one(Folds).current
        if part is None or not part.text:
            self.say("There is nothing to copy at the cursor.")
        else:
            copy(self, part.text, else_do=_files())

    async def do_write_copies(self) -> None:
        """Write everything that can be copied to files in a new private folder."""
        turn, texts = self.turn, {"request.json": request_json((await self._request()).request)}
        request = await self._reached()
        texts["request.py"], api = python(request), api_of(request.model)
        for name, other in (("", api),) if api is not None else (("-messages", "messages"), ("-chat", "chat")):
            texts[f"request{name}.sh"] = curl(request, other)
        if turn.finished is not None:
            texts["response.json"] = response_json(turn.finished)
        folder = await asyncio.to_thread(_write, texts)
        self.workbench.copy_to_clipboard(folder)
        self.say(f"Written to {folder} (the path is copied): {', '.join(texts)}")


def _files() -> str:
    """Say what to do with more than a terminal takes."""
    return f"{key_of('write_copies')} writes files"


def _write(texts: dict[str, str]) -> str:
    folder = private_folder()
    for name, text in texts.items():
        write_private(folder / name, text.encode())
    return str(folder)
