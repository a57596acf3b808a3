"""`RunLoop`: decide from the state, act, again; until nothing goes on without a person."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Literal

from workbench.agent.hooks import Answer
from workbench.agent.spec import summary_prompt
from workbench.conversation.builder import Conversation, Prepared
from workbench.engine.breakpoints import Hits
from workbench.engine.context import elision, summary_end
from workbench.engine.decide import Action, Approve, Dispatch, Fail, Finish, Propose, Rest, Tell, Think, next_action
from workbench.engine.dispatch import Dispatcher
from workbench.engine.hooks import HookRunner, HookStoppedError
from workbench.engine.journal import Journal
from workbench.engine.limits import limit_reached, out_of_time, seconds_left
from workbench.engine.orders import Again, MoreTime, Settle
from workbench.engine.planner import read_plan
from workbench.engine.surroundings import Surroundings
from workbench.engine.turns import TurnRunner
from workbench.errors import ModelError, StoreError, UserError
from workbench.events.base import Event
from workbench.events.content import Content, TextBlock, normalise_text, text_content
from workbench.events.plan import PlanApproved, PlanStepFinished
from workbench.events.request import Purpose
from workbench.events.run import AnswerRefused, ContextSummarised, LimitReached, RunFinished, RunPaused
from workbench.events.turn import TurnFinished
from workbench.state.run_state import RunState

PauseWhen = Literal["now", "step"]
NO_OBJECT = "Words alone are no answer here. Give it with submit_answer, as an object that fits its schema."


class RunLoop:
    """Moves one run forward. All methods belong to one event loop."""

    def __init__(self, journal: Journal, around: Surroundings) -> None:
        self._journal, self._around = journal, around
        self._conversation = Conversation(journal.contents)
        self._hooks = HookRunner(journal, around)
        self.calls = Dispatcher(journal, around, self._hooks)
        self._turns = TurnRunner(journal, self._conversation, self.calls, around, self._hooks)
        self._pause: PauseWhen | None = None
        self._presses = 0
        self._went_on_at = -1
        """Seq of the last event before the run went on."""
        self.only_step = False
        """Stop before the turn that follows the next step to be closed."""

    @property
    def state(self) -> RunState:
        """The run as it is."""
        return self._journal.state

    @property
    def is_stopping(self) -> bool:
        """Whether a person stopped it and it is not at rest yet."""
        return self._pause == "now"

    def pause(self, when: PauseWhen = "now") -> None:
        """Stop.

        `now` breaks off the stream and all but effectful calls, pressed again those too; `step` waits for the next
        turn.
        """
        if when == "step":
            self._pause = self._pause or "step"
            return
        self._pause = "now"
        self._presses += 1
        self._turns.stop()
        self._hooks.stop()
        self.calls.stop("soft" if self._presses == 1 else "hard")

    def skip_wait(self) -> bool:
        """Ask the model again at once, where that is waited for; return whether it was."""
        return self._turns.skip_wait()

    async def run(self) -> None:
        """Go on until the run ends, or rests, or is paused.

        Errors of the model end the run as failed, resumably. Others, such as `StaleDriverError` and `StoreError`, come
        out, and leave the log as a crash would.
        """
        self._pause, self._presses, self._went_on_at = None, 0, self.state.seq
        self.calls.reset()
        self._hooks.reset()
        try:
            await self._go_on()
            await self.calls.obey_rest()
        except BaseException:
            self.calls.abandon()
            raise

    async def _go_on(self) -> None:
        try:
            if not isinstance(next_action(self.state), Rest) and (missing := self._hooks.missing):
                await self._journal.append(*missing)
            while not await self._advance():
                pass
        except StoreError:
            raise
        except (ModelError, UserError) as error:
            await self.calls.close_stream()
            failed = self._finished("failed", "error", error=normalise_text(str(error)))
            await self._journal.append(failed, durable=True)

    async def _advance(self) -> bool:
        """Do the next thing; return whether the loop is over."""
        state = self.state
        if self.calls.has_orders and state.open_step is not None and state.end is None:
            await self.calls.run()
            await self._follow_plan()
            return False
        action = next_action(state)
        if self._is_held(action):
            self.only_step = False
            if state.breakpoint and state.end is None:
                await self._journal.append(RunPaused(reason="breakpoint"), durable=True)
            elif not state.is_resting:
                await self._journal.append(RunPaused(), durable=True)
            return True
        match action:
            case Rest():
                return True
            case Propose() | Think():
                with suppress(HookStoppedError):  # then it is held before the same turn, and is asked again later
                    return await (self._propose() if isinstance(action, Propose) else self._think(action.step))
            case Approve():
                await self._journal.append(PlanApproved(by="auto"))
            case Dispatch():
                await self.calls.run()
                await self._follow_plan()
            case Tell():
                told = text_content(NO_OBJECT)
                await self._journal.append(AnswerRefused(step=action.step, content=told))
            case Finish() | Fail():
                return await self._finish(action)
        return False

    def _is_held(self, action: Action) -> bool:
        """Whether a breakpoint, or a person, wants the loop to stop before `action`.

        A person lets what is over already be finished all the same; a breakpoint stops before that, too.
        """
        if self.state.breakpoint:
            return True
        if isinstance(action, Finish | Fail):
            return False
        before_turn = self._pause == "step" or (self.only_step and self._has_stepped)
        return self._pause == "now" or (before_turn and not isinstance(action, Dispatch))

    @property
    def _has_stepped(self) -> bool:
        """Whether a step was closed since the run went on."""
        last = self.state.steps[-1].finished_seq if self.state.steps else None
        return last is not None and last > self._went_on_at

    async def _propose(self) -> bool:
        """Ask for a plan; return whether the loop is over."""
        agent = self.state.agent
        if await self._is_at_limit():
            return True
        await self._note(await self._hooks.before_run())
        turn = await self._turn("plan", 0, agent.planner if agent else "")
        if turn is not None:
            await self._journal.append(turn, read_plan(turn.content), durable=True)
        return False

    async def _turn(self, purpose: Purpose, step: int, prompt: str = "") -> TurnFinished | None:
        """Return a turn of the model, or None where a person stopped it, or where the time of the run was over."""
        turn = await self._turns.think(purpose, step, prompt, seconds_left(self.state, self._around.budget))
        if turn is None and self._turns.is_out_of_time:
            await self._end_at(out_of_time(self.state, self._around.budget))
        return turn

    async def _is_at_limit(self) -> bool:
        """Stop where a limit forbids another turn; return whether one does."""
        reached = limit_reached(self.state, self._around.budget)
        if reached is not None:
            await self._end_at(reached)
        return reached is not None

    async def _end_at(self, reached: LimitReached) -> None:
        await self._journal.append(reached, self._finished("interrupted", reached.limit), durable=True)

    async def _think(self, step: int) -> bool:
        if await self._is_at_limit():
            return True
        breakpoints = self._around.breakpoints()
        if await self._stops(breakpoints.before_turn(self.state, has_stepped=self._has_stepped)):
            return False
        await self._note(await self._hooks.before_run())
        if not self._hooks.is_prepared(step):
            await self._note(await self._hooks.before_turn(step, await self._prepared(step)))
        await self._make_room(step)
        if self._pause == "now" or self.state.end is not None:
            return False  # stopped while room was made: no turn begins any more
        if breakpoints.are_set:
            key = (await self._prepared(step)).key
            if await self._stops(breakpoints.before_request(self.state, step, key)):
                return False
        turn = await self._turn("step", step)
        if turn is not None:
            await self.calls.run(opening=turn, beside=self._turns.beside)
            await self._follow_plan()
        return False

    async def _note(self, changes: Sequence[Event]) -> None:
        """Write down what hooks changed."""
        if changes:
            await self._journal.append(*changes)

    async def _prepared(self, step: int) -> Prepared:
        """Return the request of a step as it would be sent now, made of what hooks have heard alone."""
        await self._hooks.hear(step)
        return await self._conversation.prepare(self.state, "step")

    async def _stops(self, hits: Hits) -> bool:
        """Write down what was hit; return whether anything was."""
        if hits:
            await self._journal.append(*hits)
        return bool(hits)

    async def _make_room(self, step: int) -> None:
        """Bring the request under its budget: oldest results first, then a summary of the oldest turns."""
        tokens = (await self._prepared(step)).tokens
        elided = elision(self.state, tokens)
        if elided is not None:
            await self._journal.append(elided)
            tokens = (await self._prepared(step)).tokens
        through = summary_end(self.state, tokens, was_elided=elided is not None)
        if through is not None:
            turn = await self._turn("summary", step, summary_prompt(self.state.agent))
            if turn is not None:
                text = "\n".join(block.text for block in turn.content if isinstance(block, TextBlock)).strip()
                summed_up = [ContextSummarised(through=through, summary=text)] if text else []
                await self._journal.append(turn, *summed_up)

    async def _follow_plan(self) -> None:
        """Mark as done what the closed step was doing of the plan."""
        plan, step = self.state.plan, self.state.steps[-1]
        if plan is not None and plan.status == "approved" and step.is_closed:
            done = [PlanStepFinished(index=index) for index, now in enumerate(plan.progress) if now == "doing"]
            if done:
                await self._journal.append(*done)

    async def _finish(self, action: Finish | Fail) -> bool:
        """End the run; return whether it is over: a person may speak while hooks look at the answer."""
        if isinstance(action, Fail):
            await self._journal.append(self._finished("failed", "error", error=action.error), durable=True)
            return True
        answer, changes = await self._hooks.after_run(Answer(action.answer, action.output, action.citations))
        changes += await self._hooks.on_output(answer.text, None)
        if next_action(self.state) != action:
            return False
        reason: Literal["answered", "halted"] = "answered" if action.reason == "answered" else "halted"
        output = None if answer.output is None else dict(answer.output)
        finished = self._finished("completed", reason).model_copy(
            update={"answer": answer.text, "citations": answer.citations, "output": output}
        )
        await self._journal.append(*changes, finished, durable=True)
        return True

    def _finished(
        self,
        status: Literal["completed", "failed", "interrupted"],
        reason: Literal["answered", "halted", "error", "step_limit", "token_limit", "cost_limit", "time_limit"],
        *,
        error: str | None = None,
    ) -> RunFinished:
        state = self.state
        return RunFinished(
            status=status, reason=reason, steps=state.finished_steps, subagent_steps=state.child_steps, error=error
        )

    def answer_call(self, call: str, content: Content, *, is_error: bool) -> None:
        """Give one call the result that a person wrote; its siblings go on."""
        self.calls.order(Settle(call, content, is_error))

    def cancel_call(self, call: str) -> None:
        """Give one call up; its siblings go on."""
        self.calls.order(Settle(call))

    def retry_call(self, call: str) -> None:
        """Leave the attempt of one call that runs, and begin the next; its siblings go on."""
        self.calls.order(Again(call))

    def give_time(self, call: str, seconds: float) -> None:
        """Let one call take so much longer."""
        self.calls.order(MoreTime(call, seconds))

    def wake(self) -> None:
        """Look at the state again: a person decided something."""
        self.calls.wake()
