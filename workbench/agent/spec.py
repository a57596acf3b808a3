"""`AgentSpec`: a user's definition of an agent, with live tools, and its plain record for the log."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from importlib.resources import files

from workbench.events.agent import AgentRecord, CorpusRecord, Limits, ModelParameters, PlanMode, Role
from workbench.tools.base import Toolkit
from workbench.tools.control import SPAWN_SUBAGENT, SUBMIT_ANSWER, spawn_subagent, submit_answer
from workbench.tools.documents import document_tools
from workbench.tools.library import Library, Notebook
from workbench.tools.notes import note_tools

OFFLINE = "offline"
"""Name of the embedded model, which is the default so that nobody's money is spent unasked."""


def prompt(name: str) -> str:
    """Return one of the prompts that ship with the package: `instructions`, `planner`, `subagent`, `judge`."""
    return files("workbench.agent").joinpath("prompts", f"{name}.md").read_text("utf-8").strip()


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """Everything that makes an agent what it is."""

    name: str = "researcher"
    instructions: str = field(default_factory=lambda: prompt("instructions"))
    model: str = OFFLINE
    parameters: ModelParameters = field(default_factory=ModelParameters)
    toolkit: Toolkit = field(default_factory=Toolkit)
    planner: str = field(default_factory=lambda: prompt("planner"))
    subagent: str = field(default_factory=lambda: prompt("subagent"))
    limits: Limits = field(default_factory=Limits)
    roles: tuple[Role, ...] = ()
    plan: PlanMode = "auto"
    parallel_tool_calls: bool = True
    eager: bool = True
    pace: float = 0.0
    path: str | None = None
    digest: str | None = None
    corpus: CorpusRecord | None = None

    def record(self) -> AgentRecord:
        """Return the plain values that the log keeps."""
        return AgentRecord(
            name=self.name,
            instructions=self.instructions,
            model=self.model,
            parameters=self.parameters,
            tools=self.toolkit.specs,
            planner=self.planner,
            subagent=self.subagent,
            limits=self.limits,
            roles=self.roles,
            plan=self.plan,
            parallel_tool_calls=self.parallel_tool_calls,
            eager=self.eager,
            pace=self.pace,
            path=self.path,
            digest=self.digest,
            corpus=self.corpus,
        )


def child_record(record: AgentRecord, role: str | None) -> AgentRecord:
    """Return the agent of a subagent: no plan, no subagents of its own, its own budget of steps.

    A role may bring its own instructions, model and choice of tools. `submit_answer` is always there.
    """
    chosen = next((item for item in record.roles if item.name == role), None)
    names = set(chosen.tools) if chosen and chosen.tools is not None else {spec.name for spec in record.tools}
    tools = tuple(
        spec
        for spec in record.tools
        if spec.name != SPAWN_SUBAGENT and (spec.name in names or spec.name == SUBMIT_ANSWER)
    )
    return record.model_copy(
        update={
            "name": role or f"{record.name} (subagent)",
            "instructions": (chosen and chosen.instructions) or record.instructions,
            "model": (chosen and chosen.model) or record.model,
            "tools": tools,
            "plan": "off",
            "roles": (),
            "limits": record.limits.model_copy(update={"steps": record.limits.subagent_steps, "subagents": 0}),
        }
    )


def researcher(library: Library, notebook: Notebook, corpus_path: str | None = None) -> AgentSpec:
    """Return the embedded agent: a researcher with documents, notes and subagents."""
    toolkit = Toolkit((*document_tools(library), *note_tools(notebook), spawn_subagent, submit_answer))
    corpus = CorpusRecord(path=corpus_path, title=library.title, fingerprint=library.fingerprint)
    return replace(AgentSpec(), toolkit=toolkit, corpus=corpus)
