"""What fills the context: the parts of the next request, weighed from the state alone.

Results are not read, their sizes are in the log. Tokens are estimated as the engine estimates them, so a part is
right to about a tenth and the whole says the same as the budget does.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from workbench.conversation.budget import request_budget
from workbench.conversation.builder import BYTES_PER_TOKEN, elision_mark, system_text, tools_json
from workbench.events.content import TextBlock, context_size
from workbench.events.request import ThinkingBlock, TurnBlock
from workbench.state.parts import Said, StepMark, StepState
from workbench.state.run_state import RunState


@dataclass(frozen=True, slots=True)
class Weights:
    """Estimated tokens of the parts of one request."""

    instructions: int = 0
    tools: int = 0
    plan: int = 0
    messages: int = 0
    """What people said, the task included, and what is asked after all else."""
    summary: int = 0
    """What stands for the oldest turns."""
    turns: int = 0
    """The model's own words, thoughts and calls."""
    results: tuple[tuple[int, int], ...] = ()
    """Of each step whose results are sent: its index and their tokens."""
    left_out: int = 0
    """What elision and summaries keep out of the request; not part of the total."""
    budget: int = 0
    """What the request may have (see `request_budget`): above it the oldest results are left out."""

    @property
    def total(self) -> int:
        """Tokens of the whole request."""
        own = self.instructions + self.tools + self.plan + self.messages + self.summary + self.turns
        return own + sum(tokens for _, tokens in self.results)


def weigh(state: RunState, prompt: str = "") -> Weights:
    """Return what fills the request that would be sent now; `prompt` is said after all else."""
    agent = state.agent
    if agent is None:
        return Weights()
    through = state.summary[0] if state.summary is not None else -1
    plan = messages = turns = left_out = 0
    messages += len(prompt.encode())
    results: list[tuple[int, int]] = []
    for entry in state.entries:
        match entry:
            case Said(kind="plan"):
                plan += context_size(entry.content)
            case Said():
                messages += context_size(entry.content)
            case StepMark(index):
                step = state.steps[index]
                said, sent, saved = _step(state, step)
                if index <= through:
                    left_out += said + sent + saved
                    continue
                turns += said
                left_out += saved
                if sent:
                    results.append((index, _tokens(sent)))
    return Weights(
        instructions=_tokens(len(system_text(state).encode())),
        tools=_tokens(len(tools_json(agent.offered_tools).encode())),
        plan=_tokens(plan),
        messages=_tokens(messages),
        summary=_tokens(len(state.summary[1].encode())) if state.summary is not None else 0,
        turns=_tokens(turns),
        results=tuple(results),
        left_out=_tokens(left_out),
        budget=request_budget(agent),
    )


def _step(state: RunState, step: StepState) -> tuple[int, int, int]:
    """Return the bytes of a step's turn, of its results as they are sent, and of what elision keeps out of them."""
    said = sum(_block_size(block) for block in step.turn.content)
    sent = saved = 0
    for call in step.asked_calls:
        if call.result is None:
            continue
        mark = len(elision_mark(call.result).encode()) if call.id in state.elided else None
        sent += call.result.size if mark is None else mark
        saved += 0 if mark is None else max(0, call.result.size - mark)
    return said, sent, saved


def _block_size(block: TurnBlock) -> int:
    if isinstance(block, TextBlock | ThinkingBlock):
        return len(block.text.encode())
    return len(block.tool) + len(json.dumps(block.input, ensure_ascii=False).encode())


def _tokens(size: int) -> int:
    return -(-size // BYTES_PER_TOKEN)
