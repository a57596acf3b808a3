"""The examples of docs/tools.md do what the page says, and it names all that can be declared."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import workbench
from tests.loop_kit import Lab, answer, asks
from workbench.tools.checks import check_toolkit
from workbench.tools.declaring import Declared

DOCS = Path(workbench.__file__).parents[1] / "docs"
EXAMPLES = re.findall(r"```python\n(.*?)```", (DOCS / "tools.md").read_text("utf-8"), re.DOTALL)


def names_of(example: int) -> dict[str, Any]:
    """Return what an example defines."""
    names: dict[str, Any] = {"__name__": "example"}
    exec(compile(EXAMPLES[example], "example.py", "exec", dont_inherit=True), names)
    return names


def test_all_that_can_be_declared_is_named() -> None:
    """On this page or on the one that it refers to."""
    text = (DOCS / "tools.md").read_text("utf-8") + (DOCS / "your-agent.md").read_text("utf-8")
    assert [name for name in Declared.__annotations__ if not re.search(rf"`[^`]*\b{name}=", text)] == []


async def test_the_declared_tool_works() -> None:
    """The model sees neither the key nor the parts of the docstring as description."""
    forecast = names_of(0)["forecast"]
    assert forecast.spec.description.endswith("day by day.")
    assert list(forecast.spec.input_schema["properties"]) == ["place", "days", "unit"]
    lab = Lab([asks(("forecast", {"place": {"name": "Oslo"}}), ("forecast", {"place": {}})), answer()], [forecast])
    await lab.run()
    assert lab.text("0.0") == "Oslo: rain for 3 days"
    assert "place.name: Field required" in lab.text("0.1")


async def test_the_parts_are_put_together() -> None:
    """As the page says."""
    lab = Lab([asks(("watch", {"city": "Oslo"})), answer()], [names_of(1)["watch"]])
    await lab.run()
    assert lab.text("0.0") == "0 h: rain\n1 h: rain\n2 h: rain\n\nIt was dry in the end.\n"


def test_the_page_needs_no_name_that_is_not_public() -> None:
    """Its examples import of workbench what docs/api.md tells of."""
    assert not re.search(r"(from|import) workbench\.", "".join(EXAMPLES))


def test_the_toolkit_is_one() -> None:
    """With the names that the page gives, and a tool that switches its group."""
    kit = names_of(2)["kit"]
    assert kit.names == ("lookup", "search", "lookup_2", "switch_tools")
    check_toolkit(kit)
