"""`workbench tools`: an agent's tools as a model sees them, what each takes of a request, and what is wrong."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import NamedTuple, cast

from workbench.agent.spec import researcher
from workbench.cli.paper import out
from workbench.events.agent import ToolSpec
from workbench.tools.checks import check_toolkit, tool_findings
from workbench.tools.library import Library, Notebook
from workbench.tools.toolkit import Toolkit
from workbench.views.tools import tool_documents, tool_lines


class _Unread(NamedTuple):
    """A library that is only declared, not opened."""

    title: str = ""
    fingerprint: str = ""


def execute(args: argparse.Namespace) -> int:
    """Print the list; raises `AgentError` where a tool cannot be used."""
    found = tool_findings(specs_of(args))
    paper = out()
    if args.json:
        paper.json(tool_documents(found))
    else:
        paper.lines(tool_lines(found))
    return 0


def specs_of(_: argparse.Namespace) -> Sequence[ToolSpec]:
    """Return the declarations of the agent's tools, which were checked."""
    toolkit = toolkit_of()
    check_toolkit(toolkit)
    return toolkit.specs


def toolkit_of() -> Toolkit:
    """Return the tools of the embedded agent, which are not to be called."""
    unread = _Unread()
    return researcher(cast("Library", unread), cast("Notebook", unread)).toolkit
