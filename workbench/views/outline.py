"""What stands in a timeline, in order: which blocks there are, without looking at what is in them.

The order is the conversation's, with the plan where it was decided and what is not in the conversation yet below.
Blocks that cannot move any more are not looked at again, so that a long run costs no more than its end.
"""

from __future__ import annotations

from bisect import bisect_left
from itertools import islice
from typing import Literal, NamedTuple

from workbench.state.parts import Said, StepMark, StepState
from workbench.state.run_state import RunState
from workbench.views.filter import Filter
from workbench.views.selection import NOTHING, Selection

BlockKind = Literal["message", "fork", "plan", "planning", "step", "fold", "note", "end"]


class BlockKey(NamedTuple):
    """Names a block. `number` counts messages, steps, or entries of the conversation, by kind.

    A fold stands for steps that a filter hides, and is named after the first of them.
    """

    kind: BlockKind
    number: int = 0


class _Walk(NamedTuple):
    """How far the conversation was walked through."""

    blocks: int = 0
    entries: int = 0
    messages: int = 0
    steps: int = 0
    plan_placed: bool = False


class Outline:
    """The keys of a timeline's blocks; `update` follows a run, or any moment of it."""

    def __init__(self, chosen: Filter | None = None) -> None:
        """`chosen` says which steps are shown."""
        self.keys: list[BlockKey] = []
        self.messages: list[Said] = []
        """What people said, in the order of the blocks."""
        self.entered = 0
        """How many of the messages are in the conversation; the others wait."""
        self._chosen = chosen
        self._trail: list[_Walk] = []
        """How far the walk was before each entry, so that an earlier moment costs no more than a later one."""
        self._identity: tuple[object, ...] = ()

    def update(self, state: RunState) -> int:
        """Bring everything up to date and return how many keys at the front stand as they stood."""
        plan_seq = state.plan.proposed_seq if state.plan else -1
        identity = (state.run, state.parent, plan_seq)
        if identity != self._identity:
            self._trail.clear()
        self._identity = identity
        # The conversation only grows, so any two moments have its beginning in common; the last entry may still change.
        del self._trail[len(state.entries) :]
        settled = self._trail.pop() if self._trail else _Walk()
        del self.keys[settled.blocks :], self.messages[settled.messages :]
        first_planned = bisect_left(state.steps, plan_seq, key=lambda step: step.before_seq) if plan_seq >= 0 else None
        walk = self._walk(state, settled, first_planned)
        self.entered = walk.messages
        self._add_tail(state, walk, planned=first_planned is not None)
        return settled.blocks

    def _walk(self, state: RunState, walk: _Walk, first_planned: int | None) -> _Walk:
        """Walk on through the conversation to its end."""
        for entry in state.entries[walk.entries :]:
            self._trail.append(walk)
            due = not walk.plan_placed and first_planned is not None and first_planned <= walk.steps
            match entry:
                case StepMark(index):
                    keys = [BlockKey("plan")] if due else []
                    keys += self._step_keys(state.steps[index], follows_plan=due)
                    walk = walk._replace(steps=index + 1, plan_placed=walk.plan_placed or due)
                case Said(kind="plan") if due:
                    keys = [BlockKey("plan")]
                    walk = walk._replace(plan_placed=True)
                case Said(kind="plan" | "summary" | "notice"):
                    keys = [BlockKey("note", walk.entries)]
                case Said():
                    keys = [BlockKey("message", walk.messages)]
                    if walk.messages == 0 and state.parent is not None:
                        keys.append(BlockKey("fork"))
                    self.messages.append(entry)
                    walk = walk._replace(messages=walk.messages + 1)
            self.keys += keys
            walk = walk._replace(blocks=len(self.keys), entries=walk.entries + 1)
        return walk

    def _step_keys(self, step: StepState, *, follows_plan: bool = False) -> list[BlockKey]:
        """Return the key of a step, or of a fold where it is hidden; none where the fold before it takes it in."""
        if self._chosen is None or self._chosen.shows_step(step):
            return [BlockKey("step", step.index)]
        is_taken_in = bool(self.keys) and self.keys[-1].kind == "fold" and not follows_plan
        return [] if is_taken_in else [BlockKey("fold", step.index)]

    def folded(self, index: int, state: RunState) -> int:
        """Return how many steps the fold with this place among the keys stands for."""
        later = (key.number for key in islice(self.keys, index + 1, None) if key.kind in ("step", "fold"))
        return next(later, len(state.steps)) - self.keys[index].number

    def _add_tail(self, state: RunState, walk: _Walk, *, planned: bool) -> None:
        """Add what is not in the conversation: a plan that waits, the turn that streams, queued messages, the end."""
        if planned and not walk.plan_placed:
            self.keys.append(BlockKey("plan"))
        turn = state.plan_turn
        if turn is not None and (turn.status == "streaming" or (turn.status == "discarded" and not state.steps)):
            self.keys.append(BlockKey("planning"))
        for step in state.steps[walk.steps :]:
            self.keys += self._step_keys(step)
        self.messages += [entry for entry in state.queued if isinstance(entry, Said) and entry.kind == "message"]
        self.keys += [BlockKey("message", number) for number in range(walk.messages, len(self.messages))]
        if state.run:
            self.keys.append(BlockKey("end"))


def message_of(state: RunState, ordinal: int) -> tuple[Said, bool] | None:
    """Return the message that `Selection.index` counts, and whether it still waits to enter; None if there is none."""
    said = [(entry, False) for entry in state.entries if isinstance(entry, Said) and entry.kind in ("task", "message")]
    said += [(entry, True) for entry in state.queued if isinstance(entry, Said) and entry.kind == "message"]
    return said[ordinal] if 0 <= ordinal < len(said) else None


def main_selection(key: BlockKey) -> Selection:
    """Return what a block as a whole stands for."""
    match key.kind:
        case "message":
            return Selection("message", index=key.number)
        case "step":
            return Selection("step", step=key.number)
        case "plan" | "planning":
            return Selection("plan")
        case "end":
            return Selection("answer")
        case _:
            return NOTHING


def block_of(selection: Selection) -> BlockKey | None:
    """Return the block in which a selected thing stands, or None."""
    match selection.kind:
        case "message":
            return BlockKey("message", selection.index or 0)
        case "step" | "call":
            return BlockKey("step", selection.step or 0)
        case "plan" | "plan_step":
            return BlockKey("plan")
        case "answer":
            return BlockKey("end")
        case _:
            return None
