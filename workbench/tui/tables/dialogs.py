"""Keys of dialogs and of fields in which a person types."""

from __future__ import annotations

from typing import Final

from workbench.tui.action import Action

ACTIONS: Final = (
    Action("leave", ("escape",), "leave", "Leave without doing anything.", "Workbench", scope="dialog", rank=90,
           in_palette=False),
    Action("apply", ("ctrl+s", "ctrl+enter"), "preview", "Show what the edit changes before it takes effect.",
           "Call and edit", scope="edit", rank=10, priority=True, in_palette=False),
    Action("take", ("enter",), "let it take effect", "Let the edit take effect, once its preview is shown.",
           "Call and edit", scope="preview", rank=10, in_palette=False),
    Action("back", ("escape",), "back to the editor", "Back from the preview to the editor.", "Call and edit",
           scope="preview", rank=20, in_palette=False),
    Action("external", ("ctrl+e",), "$EDITOR", "Edit in your own editor.", "Call and edit", scope="text", rank=20,
           priority=True, in_palette=False),
    Action("give", ("ctrl+s", "ctrl+enter"), "give it", "Give what was typed as the call's result.", "Call and edit",
           scope="hand", rank=10, priority=True, in_palette=False),
    Action("fork_now", ("ctrl+s", "ctrl+enter"), "fork", "Show what the fork changes; unchanged, make it.",
           "Call and edit", scope="fork", rank=10, priority=True, in_palette=False),
    Action("ask", ("enter",), "ask", "Ask the question that was typed or chosen.", "Workbench", scope="invitation",
           rank=10, in_palette=False, is_native=True),
    Action("choose", ("up", "down"), "choose", "Go between the line and the questions.", "Workbench",
           scope="invitation", rank=20, in_palette=False, is_native=True, shown="↑ ↓"),
    Action("submit", ("enter",), "done", "Take what was typed.", "Workbench", scope="line", rank=10,
           in_palette=False, is_native=True),
    Action("start", ("enter",), "start", "Start a run on the question.", "Workbench", scope="question", rank=10,
           in_palette=False, is_native=True),
    Action("earlier", ("up", "down"), "earlier questions", "Step through the questions asked before.", "Workbench",
           scope="question", rank=20, in_palette=False, is_native=True, shown="↑ ↓"),
    Action("next_field", ("tab",), "next field", "Go to the next field.", "Workbench", scope="question", rank=30,
           in_palette=False, is_native=True),
    Action("send", ("enter",), "send", "Send what was typed.", "Workbench", scope="prompt", rank=10,
           in_palette=False, is_native=True),
    Action("older", ("up",), "older", "What was typed before.", "Workbench", scope="prompt", rank=20,
           in_palette=False),
    Action("newer", ("down",), "newer", "What was typed after.", "Workbench", scope="prompt", in_palette=False),
    Action("leave_prompt", ("escape",), "leave", "Back to the panes.", "Workbench", scope="prompt", rank=30,
           in_palette=False),
)  # fmt: skip
