"""No widget is given a text that could be taken as markup: read off the code itself."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Final

import pytest

TUI: Final = Path(__file__).parents[2] / "workbench" / "tui"
SWITCHABLE: Final = frozenset({"Static", "Label", "OptionList", "notify"})
"""What takes its text as markup unless it is told not to; `Static(id=…)` too, as it is filled later."""
ALWAYS: Final = frozenset({
    "Option", "Button", "Checkbox", "RadioButton", "Collapsible", "TabPane", "Tab", "Tree", "DataTable", "Markdown",
    "SelectionList", "Link", "Digits", "Placeholder", "Hit", "DiscoveryHit", "from_markup", "add_option", "add_column",
    "add_row", "add_leaf",
})  # fmt: skip
"""What takes every plain str as markup."""
IMPORTS: Final = "from textual.widgets import Button, Hit, Label, Option, OptionList, Static\n"
TITLES: Final = frozenset({"border_title", "border_subtitle", "tooltip", "loading_text"})
MAKERS: Final = frozenset({"Content", "plain", "content", "contents", "highlight"})
"""What makes text that is no markup; so does every function of the file that says that it returns `Content`."""


def _name(called: ast.expr) -> str:
    match called:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case ast.Subscript(value=value):
            return _name(value)
    return ""


def _is_ours(value: ast.expr, makers: AbstractSet[str]) -> bool:
    """Whether a value is a text of ours as it stands in the code, or was made to be no markup."""
    match value:
        case ast.Constant():
            return True
        case ast.Call(func=called):
            return _name(called) in makers
        case ast.IfExp(body=one, orelse=other):
            return _is_ours(one, makers) and _is_ours(other, makers)
    return False


def _of_textual(tree: ast.Module) -> set[str]:
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    return {alias.name for node in imports if str(node.module).startswith("textual") for alias in node.names}


def _makers(tree: ast.Module) -> set[str]:
    functions = (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    return {node.name for node in functions if node.returns is not None and ast.unparse(node.returns) == "Content"}


def _is_risky(call: ast.Call, textuals: AbstractSet[str], makers: AbstractSet[str]) -> bool:
    name = _name(call.func)
    if isinstance(call.func, ast.Name) and name not in textuals:
        return False
    if name in SWITCHABLE:
        return not any(word.arg == "markup" and ast.unparse(word.value) == "False" for word in call.keywords)
    at = 1 if name == "Hit" else 0  # after its score
    return name in ALWAYS and not all(_is_ours(text, makers) for text in call.args[at : at + 1])


def risks(code: str) -> Iterator[str]:
    """Yield each place at which a text could be taken as markup."""
    tree = ast.parse(code)
    textuals, makers = _of_textual(tree), MAKERS | _makers(tree)
    for node in ast.walk(tree):
        match node:
            case ast.Call():
                is_risky = _is_risky(node, textuals, makers)
            case ast.Assign(targets=[ast.Attribute(attr=name)], value=value) if name in TITLES:
                is_risky = not _is_ours(value, makers)
            case _:
                continue
        if is_risky:
            yield f"{node.lineno}: {ast.unparse(node)[:80]}"


@pytest.mark.parametrize("file", sorted(TUI.rglob("*.py")), ids=lambda file: str(file.relative_to(TUI)))
def test_no_text_could_be_markup(file: Path) -> None:
    """Whatever is shown in a widget is a text of ours, or can be nothing but text."""
    assert list(risks(file.read_text("utf-8"))) == []


@pytest.mark.parametrize(
    "code",
    ["Static(name)", "Static(id='x')", "Label(f'{x}', markup=True)", "Option(label)", "w.border_title = f'{run}'",
     "self.notify(text)", "OptionList(*options)", "Button(state.task)", "Hit(1, _name(x) + y, deed)"],
)  # fmt: skip
def test_what_could_be_is_found(code: str) -> None:
    """The check sees what it is there for."""
    assert list(risks(IMPORTS + code))


@pytest.mark.parametrize(
    "code",
    ["Static('x', markup=False)", "Static(plain(x), markup=False)", "Option(content(line), id=x)", "Button('ok')",
     "w.border_title = Content(x)", "w.border_title = ''", "self.notify(text, markup=False)"],
)  # fmt: skip
def test_what_could_not_be_is_let_be(code: str) -> None:
    """It says nothing of what is harmless."""
    assert not list(risks(IMPORTS + code))
