"""A dialog's text in the person's own editor, and back."""

from __future__ import annotations

from typing import Any

from textual.widgets import TextArea

from workbench.tui.dialogs.base import Dialog
from workbench.tui.external import edit_outside
from workbench.tui.widgets.field import is_too_large
from workbench.views.text import human_bytes


def write_outside(dialog: Dialog[Any], suffix: str = ".txt", *, otherwise: str = "") -> None:
    """Let the person's own editor write what stands in `#editor`; what goes wrong is told in the dialog.

    `otherwise` says where a text can be used that is too large for the dialog.
    """
    editor = dialog.query_one("#editor", TextArea)
    outcome = edit_outside(dialog.app, editor.text, suffix)
    if outcome.text is not None and is_too_large(outcome.text):
        size, rest = human_bytes(len(outcome.text.encode())), f"; {otherwise}" if otherwise else ""
        dialog.show_problem(f"{size} are too much for this editor{rest}. The text is as it was.")
        return
    dialog.show_problem(outcome.problem)
    if outcome.text is not None:
        editor.load_text(outcome.text)
