"""What a person is about to change in a fork: the texts before and after, and the edits that they make together.

It knows the run and the place, and no widget. What is possible where, the driver says; here is only offered what
makes sense at a place.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Final, Literal

from pydantic import JsonValue

from workbench.debugger.address import Place, parse_address
from workbench.debugger.parameters import read_parameters
from workbench.driver.commands import ForkEdits
from workbench.engine.planner import parse_plan_line
from workbench.errors import AddressError, EditRefusedError
from workbench.events.agent import ModelParameters
from workbench.events.plan import PlanStep
from workbench.state.parts import CallState
from workbench.state.run_state import RunState
from workbench.views.show import step_text

Kind = Literal["result", "input", "text", "plan", "say", "model", "parameters", "instructions"]

KINDS: Final[dict[Kind, tuple[str, str]]] = {
    "result": ("the call's result", "What the model is to see in place of the recorded result."),
    "input": ("the call's input", "The call runs again with this; its siblings keep their results."),
    "text": ("the turn's text", "What the model is to have said; its calls stay."),
    "plan": ("the plan", "A step a line, such as SEARCH: context managers. Empty: go on without a plan."),
    "say": ("a message", "Enters the conversation at this place."),
    "model": ("the model", "provider:model, such as anthropic:claude-sonnet-5-5, or offline."),
    "parameters": ("the parameters", "How the model is asked; null leaves a value to the provider."),
    "instructions": ("the instructions", "What the model is told before everything else."),
}
"""What can be changed: its name, and a word on it."""
JSON_KINDS: Final = frozenset[Kind]({"input", "parameters"})
"""What is written as JSON."""


@dataclass(slots=True)
class ForkDraft:
    """The texts of one fork, by what they change."""

    state: RunState
    """The run as of the end, to take texts from."""
    address: str
    result: str = ""
    """The recorded result of the call at the place, as text."""
    texts: dict[Kind, str] = field(default_factory=dict)
    """What was typed, where it differs from what stands there."""

    @property
    def place(self) -> Place | None:
        """The place, or None where the address is none."""
        try:
            return parse_address(self.address)
        except AddressError:
            return None

    @property
    def call(self) -> CallState | None:
        """The call at the place, or None."""
        place = self.place
        return self.state.call(place.call) if place is not None and place.kind == "call" else None

    @property
    def kinds(self) -> list[Kind]:
        """What can be changed at the place."""
        place = self.place
        first: list[Kind] = []
        if place is not None and place.kind == "call":
            first = ["result", "input"]
        elif place is not None and place.kind == "turn":
            first = ["text"]
        elif place is not None and place.kind == "plan":
            first = ["plan"]
        return [*first, "say", "model", "parameters", "instructions"]

    def before(self, kind: Kind) -> str:
        """Return what stands there now."""
        agent, place = self.state.agent, self.place
        match kind:
            case "result":
                return self.result
            case "input":
                return json.dumps(self.call.input, ensure_ascii=False, indent=2) if self.call is not None else ""
            case "text":
                is_there = place is not None and place.step < len(self.state.steps)
                return step_text(self.state.steps[place.step]) if place is not None and is_there else ""
            case "plan":
                return "\n".join(str(step) for step in self.state.plan.steps) if self.state.plan is not None else ""
            case "model":
                return agent.model if agent is not None else ""
            case "parameters":
                return json.dumps(agent.parameters.model_dump(), indent=2) if agent is not None else ""
            case "instructions":
                return agent.instructions if agent is not None else ""
            case "say":
                return ""

    def now(self, kind: Kind) -> str:
        """Return what is to stand there."""
        return self.texts.get(kind, self.before(kind))

    def write(self, kind: Kind, text: str) -> None:
        """Take what was typed."""
        if text == self.before(kind):
            self.texts.pop(kind, None)
        else:
            self.texts[kind] = text

    def problem(self) -> str:
        """Return why the texts make no edits, as a sentence; empty where they do."""
        if self.place is None:
            return f"{self.address!r} is no place: write plan, 2 (before turn 2), 2.turn, 2.1 (a call), or end."
        for kind, text in self.texts.items():
            if kind in self.kinds and (why := self._problem_of(kind, text)):
                return why
        return ""

    def _problem_of(self, kind: Kind, text: str) -> str:
        if kind == "input":
            return json_problem(text)
        if kind == "parameters":
            return json_problem(text, PARAMETERS_FORM) or self._parameters_problem(json.loads(text))
        if kind in ("model", "instructions", "text") and not text.strip():
            return f"{KINDS[kind][0].capitalize()} cannot be empty."
        return ""

    def _parameters_problem(self, wanted: dict[str, JsonValue]) -> str:
        agent = self.state.agent
        try:
            read_parameters(agent.parameters if agent else ModelParameters(), wanted, agent.tools if agent else None)
        except EditRefusedError as error:
            return f"{str(error)[:1].upper()}{str(error)[1:]}."
        return ""

    def _changed_parameters(self, text: str | None) -> dict[str, JsonValue] | None:
        if text is None:
            return None
        before = json.loads(self.before("parameters") or "{}")
        return {name: value for name, value in json.loads(text).items() if before.get(name, ...) != value} or None

    def changes(self) -> list[tuple[Kind, str, str]]:
        """Return what is changed: the text before and the text that is to be."""
        return [(kind, self.before(kind), self.texts[kind]) for kind in self.kinds if kind in self.texts]

    def edits(self) -> ForkEdits:
        """Return the edits; only where there is no `problem`."""
        texts = {kind: text for kind, text in self.texts.items() if kind in self.kinds}
        call = self.call.id if self.call is not None else ""
        plan = read_plan_text(texts.get("plan", ""))
        return ForkEdits(
            results={call: texts["result"]} if "result" in texts else {},
            inputs={call: json.loads(texts["input"])} if "input" in texts else {},
            text=texts.get("text"),
            plan=plan if "plan" in texts and plan else None,
            skip_plan="plan" in texts and not plan,
            model=texts.get("model"),
            parameters=self._changed_parameters(texts.get("parameters")),
            instructions=texts.get("instructions"),
            say=texts.get("say") or None,
        )


INPUT_FORM: Final = 'An input is a JSON object, such as {"query": "with statement"}.'
PARAMETERS_FORM: Final = 'Parameters are a JSON object, such as {"temperature": 0.2}.'


def json_problem(text: str, form: str = INPUT_FORM) -> str:
    """Return why `text` is no JSON object, as a sentence; empty where it is one. `form` says what is expected."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        return f"This is no JSON: {error.msg} at line {error.lineno}, column {error.colno}."
    except RecursionError:
        return "This JSON is nested too deeply."
    return "" if isinstance(value, dict) else form


def read_step(text: str, action: str = "SEARCH") -> PlanStep:
    """Return the plan's step that a person typed; without a word of its own it keeps `action`."""
    return parse_plan_line(text) or PlanStep(action=action, text=text.strip())


def read_plan_text(text: str) -> list[PlanStep]:
    """Return the steps that lines of text name."""
    return [read_step(line) for line in text.splitlines() if line.strip()]
