"""`AgentSpec`: a user's definition of an agent, with live tools, and its plain record for the log."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cache
from importlib.resources import files
from typing import Literal, TypeVar

from workbench.agent.hooks import Hooks
from workbench.events.agent import (
    AgentRecord,
    CorpusRecord,
    Limits,
    ModelParameters,
    ModelRetries,
    PermissionRules,
    PlanMode,
    Role,
    ToolSpec,
)
from workbench.policy import check_rules, joined_rules
from workbench.tools.control import (
    SPAWN_SUBAGENT,
    SUBMIT_ANSWER,
    SWITCH_TOOLS,
    Output,
    answer_schema,
    spawn_spec,
    spawn_subagent,
    submit_answer,
    with_answer,
)
from workbench.tools.documents import document_tools
from workbench.tools.library import Library, Notebook
from workbench.tools.mcp.server import McpServer
from workbench.tools.notes import note_tools
from workbench.tools.toolkit import Toolkit

OFFLINE = "offline"
"""Name of the embedded model, which is the default so that nobody's money is spent unasked."""


JUDGE, JUDGE_STEPS = "judge", 3
"""The role of the subagent that settles what an ensemble answered, and how many steps that may take."""
Unsaid = Literal["instructions", "assistant"]
"""Instructions that ship: those of a researcher in documents, and those of an agent with any tools."""
SUMMARY_TOKENS = "{summary_tokens}"
"""In the prompts of subagents and summaries stands for the limit of that name."""


@cache
def prompt(name: str) -> str:
    """Return a prompt that ships, by the name of its file; read once, for each run begins with four of them."""
    return files("workbench.agent").joinpath("prompts", f"{name}.md").read_text("utf-8").strip()


def subagent_prompt(agent: AgentRecord) -> str:
    """Return what a subagent is told after its task."""
    return _filled(agent.subagent, agent)


def summary_prompt(agent: AgentRecord | None) -> str:
    """Return what the model is asked where its oldest turns no longer fit."""
    text = agent.summary if agent is not None else ""
    return _filled(text or prompt("summary"), agent)


def _filled(text: str, agent: AgentRecord | None) -> str:
    limits = agent.limits if agent is not None else Limits()
    return text.replace(SUMMARY_TOKENS, f"{limits.summary_tokens:,}")


@dataclass(frozen=True, slots=True)
class AgentSpec:
    """Everything that makes an agent what it is.

    What is None is left to the person's settings, and where they say nothing to the defaults; so are the fields of
    `parameters`, `limits` and `retries` that are not given when those are made.
    """

    name: str = "researcher"
    instructions: str | None = None
    model: str | None = None
    parameters: ModelParameters = field(default_factory=ModelParameters)
    toolkit: Toolkit = field(default_factory=Toolkit)
    planner: str | None = None
    subagent: str | None = None
    summary: str | None = None
    limits: Limits = field(default_factory=Limits)
    retries: ModelRetries = field(default_factory=ModelRetries)
    roles: tuple[Role, ...] = ()
    permissions: PermissionRules = field(default_factory=PermissionRules)
    """Beside what each tool declares, and beside the person's own rules."""
    plan: PlanMode | None = None
    parallel_tool_calls: bool | None = None
    eager: bool = True
    pace: float | None = None
    path: str | None = None
    digest: str | None = None
    corpus: CorpusRecord | None = None
    mcp: tuple[McpServer, ...] = ()
    """Servers whose tools join those of `toolkit` when a run begins; the record has the tools."""
    unsaid: Unsaid = "instructions"
    """Which of the prompts that ship it is told where nobody says instructions."""
    output: Output | None = None
    """The form of the answer, a pydantic model or a JSON Schema; None for an answer in words."""
    hooks: tuple[Hooks, ...] = ()

    def record(self, base: AgentRecord | None = None) -> AgentRecord:
        """Return the plain values that the log keeps; what is not said here is as in `base`, or by default.

        Raises `AgentError` for a permission rule that cannot be read.
        """
        base = base or default_record(self.unsaid)
        check_rules(self.permissions)
        said = {name: value for name in _LEFT_OPEN if (value := getattr(self, name)) is not None}
        values = {
            **dict(base),
            **said,
            "name": self.name,
            "parameters": _over(base.parameters, self.parameters),
            "tools": with_answer(self._tools(), self.output),
            "groups": self.toolkit.groups,
            "output": None if self.output is None else answer_schema(self.output),
            "limits": _over(base.limits, self.limits),
            "retries": _over(base.retries, self.retries),
            "hooks": tuple(hook.name for hook in self.hooks),
            "roles": self.roles,
            "permissions": joined_rules(base.permissions, self.permissions),
            "eager": self.eager,
            "path": self.path,
            "digest": self.digest,
            "corpus": self.corpus,
        }
        return AgentRecord.model_validate(values)

    def _tools(self) -> tuple[ToolSpec, ...]:
        """Return the tools as the model sees them: `spawn_subagent` says which roles there are."""
        specs = self.toolkit.specs
        return tuple(spawn_spec(spec, self.roles, specs) if spec.name == SPAWN_SUBAGENT else spec for spec in specs)


_LEFT_OPEN = ("instructions", "model", "planner", "subagent", "summary", "plan", "parallel_tool_calls", "pace")
"""What an agent need not say."""
_Said = TypeVar("_Said", ModelParameters, Limits, ModelRetries)


def default_record(instructions: Unsaid = "instructions") -> AgentRecord:
    """Return an agent without tools of which nothing was said."""
    return AgentRecord(
        instructions=prompt(instructions),
        model=OFFLINE,
        planner=prompt("planner"),
        subagent=prompt("subagent"),
        summary=prompt("summary"),
    )


def _over(base: _Said, said: _Said) -> _Said:
    """Return `base` with the fields that were given when `said` was made."""
    return base.model_copy(update={name: getattr(said, name) for name in said.model_fields_set})


def child_record(record: AgentRecord, role: str | None) -> AgentRecord:
    """Return the agent of a subagent: no plan, no subagents of its own, its own budget of steps.

    A role may bring its own instructions, model and choice of tools; those that it names are always there, whatever
    group they are of. So is `submit_answer`, which takes words, whatever the caller's own answer has to be.
    """
    chosen = next((item for item in record.roles if item.name == role), None)
    names = set(chosen.tools) if chosen and chosen.tools is not None else {spec.name for spec in record.tools}
    tools = tuple(
        submit_answer.spec if spec.name == SUBMIT_ANSWER and record.output is not None else spec
        for spec in record.tools
        if spec.name != SPAWN_SUBAGENT and (spec.name in names or spec.name == SUBMIT_ANSWER)
    )
    groups = record.groups
    if chosen and chosen.tools is not None:
        tools = tuple(spec.model_copy(update={"group": ""}) for spec in tools if spec.name != SWITCH_TOOLS)
        groups = ()
    return record.model_copy(
        update={
            "name": role or f"{record.name} (subagent)",
            "instructions": (chosen and chosen.instructions) or record.instructions,
            "model": (chosen and chosen.model) or record.model,
            "tools": tools,
            "groups": groups,
            "output": None,
            "plan": "off",
            "roles": (),
            "limits": record.limits.model_copy(update={"steps": record.limits.subagent_steps, "subagents": 0}),
        }
    )


def judge_record(record: AgentRecord) -> AgentRecord:
    """Return the agent that settles what an ensemble answered: no tools but `submit_answer`, prompted to compare."""
    child = child_record(record, None)
    tools = tuple(spec for spec in child.tools if spec.name == SUBMIT_ANSWER)
    limits = child.limits.model_copy(update={"steps": JUDGE_STEPS})
    parameters = child.parameters.model_copy(update={"hosted_tools": (), "tool_choice": "auto"})
    changes = {"name": JUDGE, "instructions": prompt("settle"), "tools": tools, "limits": limits}
    return child.model_copy(update={**changes, "groups": (), "parameters": parameters, "subagent": ""})


def researcher(library: Library, notebook: Notebook, corpus_path: str | None = None) -> AgentSpec:
    """Return the embedded agent: a researcher with documents, notes and subagents."""
    toolkit = Toolkit(
        (*document_tools(library, found=corpus_path is not None), *note_tools(notebook), spawn_subagent, submit_answer)
    )
    corpus = CorpusRecord(path=corpus_path, title=library.title, fingerprint=library.fingerprint)
    return replace(AgentSpec(), toolkit=toolkit, corpus=corpus)
