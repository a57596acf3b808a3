"""The list of breakpoints: each switched on or off, added, changed, deleted, brought back.

What is changed holds at once, also for runs that move: whoever opened the dialog gives the function that does it. A
rule that cannot be used is told of below the line in which it stands, and nothing has changed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar, Final

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from workbench.debugger.breakpoints import parse_rule
from workbench.driver.commands import BreakpointSetting
from workbench.errors import UserError
from workbench.tui.actions import bindings, in_scope, offered
from workbench.tui.context import Context, Scope
from workbench.tui.dialogs.base import Dialog
from workbench.tui.paint import contents, plain
from workbench.tui.widgets.field import Field
from workbench.tui.widgets.keys import Keys
from workbench.views.breakpoints import breakpoint_lines, example_lines, meaning
from workbench.views.text import inert, one_line

Settings = tuple[BreakpointSetting, ...]
Apply = Callable[[Settings], Awaitable[Settings]]
"""Lets a list be in force and returns it as it is then; raises `UserError` where it cannot."""
LOW: Final = 34
"""Rows of a screen below which there is no room for the list beside the line."""


class BreakpointsDialog(Dialog[None]):
    """Shows the list until the person leaves it. `hits` counts what each rule stopped in the run on the screen."""

    SCOPES: ClassVar[tuple[Scope, ...]] = ("breakpoints", "dialog")
    BINDINGS: ClassVar[list[BindingType]] = [*bindings("breakpoints")]

    DEFAULT_CSS = """
    BreakpointsDialog #list {
        height: auto;
        max-height: 16;
        border: none;
        padding: 0;
    }
    BreakpointsDialog #list:focus {
        border: none;
    }
    BreakpointsDialog #none {
        display: none;
    }
    BreakpointsDialog.-empty #none {
        display: block;
    }
    BreakpointsDialog.-empty #list {
        display: none;
    }
    BreakpointsDialog #writing {
        display: none;
        height: auto;
        margin-top: 1;
    }
    BreakpointsDialog.-writing #writing {
        display: block;
    }
    BreakpointsDialog.-writing.-low #list, BreakpointsDialog.-writing #none {
        display: none;
    }
    BreakpointsDialog.-low #writing {
        margin-top: 0;
    }
    BreakpointsDialog #meaning {
        color: $wb-ok;
        min-height: 1;
        height: auto;
        padding: 0 1;
    }
    BreakpointsDialog #meaning.-wrong {
        color: $wb-error;
    }
    BreakpointsDialog #examples {
        margin-top: 1;
        padding: 0 1;
    }
    """

    def __init__(self, settings: Sequence[BreakpointSetting], apply: Apply, hits: Mapping[str, int]) -> None:
        super().__init__("Breakpoints")
        self._settings: Settings = tuple(settings)
        self._apply, self._hits = apply, hits
        self._deleted: list[tuple[int, BreakpointSetting]] = []
        """What was deleted and where it stood, the last one last."""
        self._changing: int | None = None
        """Place of the breakpoint that is being changed; None while a new one is written."""

    def body(self) -> ComposeResult:
        """Build the list, and the line for a rule."""
        nothing = plain("No breakpoints: runs go on until they end, or you pause them.", "muted")
        yield Static(nothing, id="none", markup=False)
        yield OptionList(id="list", markup=False)
        with Vertical(id="writing"):
            yield Static(id="label", markup=False)
            yield Field(id="rule", placeholder="where a run is to stop")
            yield Static(id="meaning", markup=False)
            yield Static(id="examples", markup=False)

    def on_mount(self) -> None:
        """Show the list; with nothing in it, begin with a new one."""
        super().on_mount()
        self._fit()
        self._show(0)
        self.query_one("#list").focus()

    def on_resize(self, _: events.Resize) -> None:
        """Use the room there is."""
        self._fit()
        self._show(self._place)

    def _fit(self) -> None:
        self.set_class(self.app.size.height < LOW, "-low")
        self.query_one("#examples", Static).update(contents(example_lines(self._width)))

    @property
    def _width(self) -> int:
        """Cells of a line, beside frame, padding and scroll bar."""
        return max(min(self.app.size.width * 9 // 10, 104) - 8, 40)

    @property
    def scopes(self) -> tuple[Scope, ...]:
        """Whose keys hold: those of the list, or those of the line."""
        return ("line", "dialog") if self._is_writing else self.SCOPES

    def show_keys(self) -> None:
        """Show the keys that mean something now."""
        context = Context(scope=self.scopes[0])
        useless = set() if self._settings else {"breakpoint_switch", "breakpoint_edit", "breakpoint_delete"}
        useless |= set() if self._deleted else {"breakpoint_undo"}
        keys = [action for action in offered(in_scope(*self.scopes), context) if action.id not in useless]
        self.query_one(Keys).show(keys, context)

    # The list

    @property
    def _place(self) -> int | None:
        """Where the cursor is."""
        return self.query_one("#list", OptionList).highlighted if self._settings else None

    def _show(self, place: int | None) -> None:
        """Show the list with the cursor on a place."""
        shown = self.query_one("#list", OptionList)
        shown.set_options(Option(self._option(setting)) for setting in self._settings)
        self.set_class(not self._settings, "-empty")
        if self._settings:
            shown.highlighted = min(max(place or 0, 0), len(self._settings) - 1)
        self.show_keys()

    def _option(self, setting: BreakpointSetting) -> Content:
        return contents(breakpoint_lines(setting, self._hits.get(setting.rule, 0), self._width))

    async def _put(self, settings: Sequence[BreakpointSetting], place: int) -> bool:
        """Let a list be in force and show it; return whether that was possible."""
        try:
            self._settings = await self._apply(tuple(settings))
        except UserError as error:
            self._tell(str(error), is_wrong=True)
            return False
        self._tell("")
        self._show(place)
        return True

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Switch what Enter was pressed on."""
        event.stop()
        self.call_later(self.do_breakpoint_switch)

    async def do_breakpoint_switch(self) -> None:
        """Switch the breakpoint on or off."""
        if (place := self._place) is not None:
            chosen = self._settings[place]
            await self._put(self._with(place, replace(chosen, is_enabled=not chosen.is_enabled)), place)

    async def do_breakpoint_delete(self) -> None:
        """Delete the breakpoint."""
        if (place := self._place) is not None:
            deleted = self._settings[place]
            if await self._put((*self._settings[:place], *self._settings[place + 1 :]), place):
                self._deleted.append((place, deleted))
                self.show_keys()

    async def do_breakpoint_undo(self) -> None:
        """Bring back what was deleted last."""
        if self._deleted:
            place, deleted = self._deleted[-1]
            if await self._put((*self._settings[:place], deleted, *self._settings[place:]), place):
                self._deleted.pop()
                self.show_keys()

    def _with(self, place: int, setting: BreakpointSetting) -> Settings:
        return (*self._settings[:place], setting, *self._settings[place + 1 :])

    # The line

    @property
    def _is_writing(self) -> bool:
        return self.has_class("-writing")

    async def do_breakpoint_add(self) -> None:
        """Write a new one."""
        self._write(None, "Where shall runs stop?", "")

    async def do_breakpoint_edit(self) -> None:
        """Change the rule."""
        if (place := self._place) is not None:
            self._write(place, "Where shall runs stop instead?", self._settings[place].rule)

    def _tell(self, sentence: str, *, is_wrong: bool = False) -> None:
        """Say something about the rule below its line, or about the list where none is being written."""
        said = inert(one_line(sentence, 600))
        self.show_problem("" if self._is_writing else said)
        below = self.query_one("#meaning", Static)
        below.update(Content(said))
        below.set_class(is_wrong, "-wrong")

    def _write(self, place: int | None, label: str, value: str) -> None:
        self._changing = place
        self.add_class("-writing")
        self._tell(meaning(value))
        self.query_one("#label", Static).update(plain(label, "muted"))
        field = self.query_one("#rule", Input)
        field.value, field.cursor_position = value, len(value)
        field.focus()
        self.show_keys()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say what the rule means as far as it is written."""
        event.stop()
        self._tell(meaning(event.value))

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the rule, or say what is wrong with it."""
        event.stop()
        try:
            rule = parse_rule(event.value).rule
        except UserError as error:
            self._tell(str(error), is_wrong=True)
            return
        known = [setting.rule for setting in self._settings]
        if rule in known and known.index(rule) != self._changing:
            self._tell(f"{rule} is in the list already", is_wrong=True)
            return
        place = len(known) if self._changing is None else self._changing
        is_on = self._settings[place].is_enabled if self._changing is not None else True
        if await self._put(self._with(place, BreakpointSetting(rule, is_on)), place):
            self._stop_writing()

    def _stop_writing(self) -> None:
        self.remove_class("-writing")
        self.query_one("#list").focus()
        self.show_keys()

    async def do_leave(self) -> None:
        """Leave the line, or the list."""
        if self._is_writing:
            self._stop_writing()
        else:
            self.dismiss(None)
