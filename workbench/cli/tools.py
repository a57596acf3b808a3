"""`workbench tools`: an agent's tools as a model sees them, what each takes of a request, and what is wrong."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from workbench.agent.spec import researcher
from workbench.cli.paper import out
from workbench.cli.workplace import find_workplace
from workbench.events.agent import ToolSpec
from workbench.tools.checks import check_toolkit, tool_findings
from workbench.tools.library import NoDocuments, NotesInMemory
from workbench.views.tools import tool_documents, tool_lines


def execute(args: argparse.Namespace) -> int:
    """Print the list; raises `AgentError` where a tool cannot be used."""
    found = tool_findings(specs_of(args))
    paper = out()
    if args.json:
        paper.json(tool_documents(found))
    else:
        paper.lines(tool_lines(found))
    return 0


def specs_of(args: argparse.Namespace) -> Sequence[ToolSpec]:
    """Return the declarations of the agent's tools, which were checked; they are not to be called."""
    make = find_workplace(args).agent or researcher
    toolkit = make(NoDocuments(), NotesInMemory(), None).toolkit
    check_toolkit(toolkit)
    return toolkit.specs
