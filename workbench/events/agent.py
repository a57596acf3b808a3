"""What a run remembers of its agent: plain values, so that the log can be read without the agent's code."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, Literal, Self

from pydantic import JsonValue, field_validator

from workbench.errors import AgentError
from workbench.events.base import Frozen

Effect = Literal["read_only", "idempotent", "effectful"]
"""What running a call again may do to the world; `effectful` unless the tool's author says otherwise."""
Permission = Literal["allow", "ask", "deny"]
PlanMode = Literal["ask", "auto", "off"]
Exposure = Literal["private", "untrusted", "outward"]
"""What a tool brings into a run or lets out of it: private data, words of strangers, an effect that others can see."""
HostedTool = Literal["web_search", "code_execution"]
"""A tool that the model's provider runs itself, in the middle of a turn."""


class McpOrigin(Frozen):
    """Where a tool of an MCP server comes from."""

    server: str
    tool: str
    """The server's own name of it."""


class ToolSpec(Frozen):
    """A tool as the model sees it (`name`, `description`, `input_schema`) and as the engine treats it (the rest)."""

    name: str
    description: str
    input_schema: dict[str, JsonValue]
    """JSON Schema of the input object."""
    effect: Effect = "effectful"
    permission: Permission = "allow"
    exclusive: str | None = None
    """Name of a lock that the call holds while it runs."""
    timeout: float = 60.0
    """Seconds for one attempt."""
    retries: int = 3
    """Attempts after the first, for transient failures of read-only or idempotent tools."""
    max_concurrency: int | None = None
    group: str = ""
    """The group that it is switched on and off with; empty for a tool that is always there."""
    every_time: bool = False
    """A person who is asked is asked at each call: leave for the rest of the run is not to be had."""
    subject: str | None = None
    """The field of the input that the patterns of permission rules look at; None: the whole input as JSON."""
    exposure: tuple[Exposure, ...] = ()
    max_output: int = 1_000_000
    """Bytes of a result; what is more is left out of it, and the result says so."""
    mcp: McpOrigin | None = None
    """None for tools that are no MCP server's."""


class ToolGroup(Frozen):
    """Tools that are switched on and off together while a run goes on."""

    name: str
    description: str = ""
    active: bool = False
    model_may_switch: bool = False
    """The model may switch it too, with `switch_tools`."""
    notes: str = ""
    """What the model is told of them once they are on."""


def switch(groups: Iterable[ToolGroup], wanted: Mapping[str, bool]) -> tuple[ToolGroup, ...]:
    """Return groups, of which those that are named are on or off as wanted."""
    return tuple(group.model_copy(update={"active": wanted.get(group.name, group.active)}) for group in groups)


class Written(Frozen):
    """What a person writes in a program: a name that it has not is refused, for a *deny* that is misspelled is none.

    A log may hold more than is known here.
    """

    def __new__(cls, **given: Any) -> Self:
        """Make one; what is read from a log is given afterwards."""
        if unknown := sorted(given.keys() - cls.model_fields.keys()):
            near = difflib.get_close_matches(unknown[0], cls.model_fields, n=1)
            hint = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(cls.model_fields)}"
            raise AgentError(f"{cls.__name__} has no {unknown[0]!r}; {hint}")
        return super().__new__(cls)


class PermissionRules(Written):
    """What may run, by rules such as `fetch_doc` or `shell(git status*)`; deny wins over ask, and ask over allow."""

    allow: tuple[str, ...] = ()
    ask: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()


class ModelParameters(Written):
    """How the model is asked."""

    max_tokens: int = 4096
    temperature: float | None = None
    tool_choice: str = "auto"
    effort: str | None = None
    """Thinking effort, for models that have it."""
    hosted_tools: tuple[HostedTool, ...] = ()
    """Tools that the provider may run, where it has them."""

    @field_validator("hosted_tools", mode="before")
    @classmethod
    def _as_names(cls, value: Any) -> Any:
        """Take a list too, or names with commas between them: so they are typed."""
        if isinstance(value, str):
            value = [name.strip() for name in value.split(",") if name.strip()]
        return tuple(dict.fromkeys(value)) if isinstance(value, list) else value


class Limits(Written):
    """Where a run stops, resumably. None means no limit."""

    steps: int | None = 10
    tokens: int | None = None
    cost: float | None = None
    """US dollars."""
    seconds: float | None = None
    """Driven time, pauses excluded."""
    calls_at_once: int = 5
    subagents: int | None = 8
    subagent_steps: int = 15
    request_tokens: int = 120_000
    """Budget of one request; above it the oldest results are elided."""
    planner_tokens: int = 512
    """What a plan may take."""
    summary_tokens: int = 1500
    """What a summary may take: a subagent's, which is cut there, and that of the work so far, which is asked so."""
    wrong_answers: int = 3
    """How many answers that do not fit the wanted schema are given back to the model before the run fails."""


class ModelRetries(Written):
    """How often a turn of the model is tried where it breaks, and what is waited in between."""

    attempts: int | None = None
    """None for the provider's own."""
    first_wait: float = 1.0
    """Seconds before the second attempt, doubling; what the server wants wins."""
    longest_wait: float = 60.0


class Role(Written):
    """A kind of subagent that the model may choose."""

    name: str
    good_at: str
    instructions: str | None = None
    model: str | None = None
    tools: tuple[str, ...] | None = None
    ensemble: int = 1
    """How many subagents work on one task of this role, each by itself."""
    settle: Literal["vote", "judge"] = "vote"
    """Who chooses between their answers where they contradict each other."""


class CorpusRecord(Frozen):
    """The documents of a run."""

    path: str | None = None
    """Absolute folder; None for the embedded library."""
    title: str
    fingerprint: str


class AgentRecord(Frozen):
    """The agent as it was when the run started, or as it is after edits."""

    name: str = "researcher"
    instructions: str
    model: str
    parameters: ModelParameters = ModelParameters()
    tools: tuple[ToolSpec, ...] = ()
    planner: str = ""
    """What the planner's turn is asked, after the task."""
    subagent: str = ""
    """What a subagent is told after its task; its last message is its summary."""
    summary: str = ""
    """What the model is asked where the oldest turns no longer fit; empty for the one that ships."""
    limits: Limits = Limits()
    retries: ModelRetries = ModelRetries()
    roles: tuple[Role, ...] = ()
    groups: tuple[ToolGroup, ...] = ()
    permissions: PermissionRules = PermissionRules()
    """Beside what each tool declares of itself."""
    output: dict[str, JsonValue] | None = None
    """JSON Schema that the answer has to fit; None for an answer in words."""
    hooks: tuple[str, ...] = ()
    """Names of the hooks that see what happens; their code is in no log."""
    plan: PlanMode = "auto"
    parallel_tool_calls: bool = True
    eager: bool = True
    pace: float = 0.0
    """Seconds by which the embedded model and library slow down, so that a person can watch; 0 for full speed."""
    path: str | None = None
    """The file that defines the agent; None for the embedded one."""
    digest: str | None = None
    """SHA-256 of that file."""
    corpus: CorpusRecord | None = None
    live_tools: bool = False
    """With a recorded model: tools that only read are run, instead of giving what was recorded."""

    @property
    def offered_tools(self) -> tuple[ToolSpec, ...]:
        """The tools that the model sees now: those of no group, and those of groups that are switched on."""
        if not self.groups:
            return self.tools
        off = {group.name for group in self.groups if not group.active}
        return tuple(tool for tool in self.tools if tool.group not in off)
