"""An errand: what one call of `spawn_subagent` asks for, and what comes of it. Values in, values out; nothing runs.

Whatever a subagent's caller reads of it holds nothing of ours, such as run ids: members are told apart by number.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from workbench.agent.spec import JUDGE, OFFLINE, child_record, judge_record, subagent_prompt
from workbench.conversation.builder import provider_of
from workbench.engine.settling import Given, Vote, agree, settled_words, vote
from workbench.errors import ToolError, WorkbenchError
from workbench.events.agent import AgentRecord, Exposure, Limits, Role
from workbench.events.call import MemberAnswer, SubagentsSettled, SubagentStarted
from workbench.events.content import text_content
from workbench.events.run import Caller, RunStarted
from workbench.state.run_state import RunState
from workbench.tools.base import ToolResult

CHARACTERS_PER_TOKEN = 4
"""About: by it what a subagent gives back is cut to its tokens."""
SAID = 240
"""Characters of what a member said that are told beside the answer that was settled on."""
WHY = "Why:"
"""Begins the paragraph in which a judge says what decided it."""
SHARED = ("token_limit", "cost_limit", "time_limit")
"""Limits that a run shares with its subagents."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an ensemble."""

    settled: SubagentsSettled
    text: str = ""
    """The answer that was settled on; empty where there is none."""
    sources: tuple[str, ...] = ()
    answers: tuple[Given, ...] = ()
    """Those that were compared."""
    wants_judge: bool = False
    """They contradict each other, and a judge is to settle that."""

    @property
    def result(self) -> ToolResult:
        """The result of the call."""
        members = self.settled.answers
        if not self.text:
            why = "; ".join(f"{answer.member}: {answer.said}" for answer in members)
            said = f"None of the {len(members)} subagents gave an answer; {why}."
            return ToolResult(text_content(said), is_error=True)
        note = f"[{len(members)} subagents worked on this: {settled_words(self.settled)}]"
        return ToolResult(text_content(f"{_with_sources(self.text, self.sources)}\n\n{note}"))


@dataclass(frozen=True, slots=True)
class Errand:
    """What one call asks for."""

    call: str
    caller: str
    """The run that asks."""
    agent: AgentRecord
    """Of the caller."""
    date: str
    task: str
    focus: str = ""
    role: Role | None = None
    role_name: str | None = None
    exposures: tuple[Exposure, ...] = ()
    """What the calls of the caller brought in, and with the task comes to its subagents."""

    @property
    def size(self) -> int:
        """How many subagents work on it."""
        return max(1, self.role.ensemble) if self.role is not None else 1

    @property
    def is_ensemble(self) -> bool:
        """Whether several answers are compared."""
        return self.size > 1

    # Beginning.

    def announced(self, run: str, member: int, *, judges: bool = False) -> SubagentStarted:
        """Return the event that names a subagent in its caller's log."""
        return SubagentStarted(
            call=self.call,
            run=run,
            task=self.task,
            focus=self.focus,
            role=JUDGE if judges else self.role_name,
            member=member,
            judges=judges,
        )

    def start(self) -> RunStarted:
        """Return the beginning of a subagent that works on the task."""
        agent = child_record(self.agent, self.role_name)
        said = self._asked
        if asked := subagent_prompt(agent):
            said = f"{said}\n\n{asked}"
        return self._started(said, agent, self.role_name)

    def judge_start(self, outcome: Outcome) -> RunStarted:
        """Return the beginning of the subagent that settles the answers of the others."""
        parts = [f"The task:\n{_quoted(self._asked)}"]
        for number, given in enumerate(outcome.answers):
            sources = f"\nIts sources: {', '.join(given.sources)}" if given.sources else ""
            parts.append(f"Answer {number}:\n{_quoted(_bounded(given.text, self.agent))}{sources}")
        return self._started("\n\n".join(parts), judge_record(self.agent), JUDGE)

    @property
    def _asked(self) -> str:
        return f"{self.task}\n\nFocus: {self.focus}" if self.focus else self.task

    def _started(self, said: str, agent: AgentRecord, role: str | None) -> RunStarted:
        caller = Caller(run=self.caller, call=self.call)
        return RunStarted(
            task=text_content(said),
            agent=agent,
            date=self.date,
            caller=caller,
            role=role,
            depth=1,
            exposures=self.exposures,
        )

    # What came of it.

    def report(self, state: RunState) -> ToolResult:
        """Return what the one subagent gives back."""
        if state.status == "completed":
            return ToolResult(text_content(summary_text(state)))
        if state.steps and state.steps[-1].is_cut:
            return ToolResult(text_content(f"{summary_text(state)}\n\n[cut here, at the subagent's limit of tokens]"))
        return ToolResult(text_content(f"The subagent gave no answer; {no_answer_words(state)}."), is_error=True)

    def compare(self, states: Mapping[int, RunState]) -> Outcome:
        """Return the answer that most of the members agree with; where all agree, no judge is wanted."""
        answered = self._answered(states)
        if not answered:
            return Outcome(SubagentsSettled(call=self.call, by="vote", answers=self._stands(states, set())))
        numbers, answers = list(answered), tuple(answered.values())
        found = vote(answers)
        wants_judge = self.role is not None and self.role.settle == "judge" and len(found.agreeing) < len(answers)
        why = _undecided(found, len(answers))
        if wants_judge and provider_of(self.agent.model) == OFFLINE:
            wants_judge, why = False, "offline cannot judge, so most votes count"
        stands = self._stands(states, {numbers[place] for place in found.agreeing})
        order = (found.chosen, *(place for place in found.agreeing if place != found.chosen))
        return Outcome(
            SubagentsSettled(call=self.call, by="vote", answers=stands, why=why),
            _bounded(answers[found.chosen].text, self.agent),
            _sources_in(answers[place] for place in order),
            answers,
            wants_judge,
        )

    def judged(self, states: Mapping[int, RunState], judge: RunState) -> Outcome:
        """Return the answer that the judge chose or merged; one that gave none leaves it to the vote."""
        voted = self.compare(states)
        text, why = _judgement(judge)
        if not text:
            why = f"the judge gave no answer, so most votes count: {no_answer_words(judge)}"
            return replace(voted, settled=voted.settled.model_copy(update={"why": why}), wants_judge=False)
        sources = tuple(dict.fromkeys(citation.source for citation in judge.citations)) or _sources_in(voted.answers)
        chosen = Given(text, sources)
        agreeing = {number for number, given in self._answered(states).items() if agree(chosen, given)}
        settled = SubagentsSettled(call=self.call, by="judge", answers=self._stands(states, agreeing), why=why)
        return Outcome(settled, _bounded(text, self.agent), sources, voted.answers)

    def _answered(self, states: Mapping[int, RunState]) -> dict[int, Given]:
        """Return what the members answered, by number; those that did not are left out."""
        return {
            number: Given(state.answer or "", tuple(citation.source for citation in state.citations))
            for number, state in sorted(states.items())
            if number < self.size and state.status == "completed" and (state.answer or "").strip()
        }

    def _stands(self, states: Mapping[int, RunState], agreeing: set[int]) -> tuple[MemberAnswer, ...]:
        answered = self._answered(states)
        return tuple(
            MemberAnswer(
                member=number,
                run=states[number].run,
                said=_short(answered[number].text if number in answered else no_answer_words(states[number])),
                stand="failed" if number not in answered else "agrees" if number in agreeing else "differs",
            )
            for number in sorted(states)
            if number < self.size
        )


def read_errand(caller: RunState, call: str, arguments: Mapping[str, object]) -> Errand:
    """Return what a call asks for; raises `ToolError` for a role that there is not, naming those that there are."""
    agent = caller.agent
    if agent is None or caller.depth > 0:
        raise WorkbenchError("a subagent cannot have subagents")
    name = str(arguments.get("role") or "") or None
    role = next((one for one in agent.roles if one.name == name), None)
    if name is not None and role is None and agent.roles:
        names = ", ".join(one.name for one in agent.roles)
        raise ToolError(f"there is no role {name!r}; there are: {names}.")
    return Errand(
        call=call,
        caller=caller.run,
        agent=agent,
        date=caller.date,
        task=str(arguments.get("task", "")),
        focus=str(arguments.get("focus") or ""),
        role=role,
        role_name=name,
        exposures=tuple(sorted(caller.exposures)),
    )


def summary_text(state: RunState) -> str:
    """Return what a finished child gives back: its answer and where it comes from, of bounded size."""
    sources = list(dict.fromkeys(citation.source for citation in state.citations))
    return _with_sources(_bounded(state.answer or "", state.agent), sources)


def no_answer_words(state: RunState) -> str:
    """Return why a subagent gave no answer."""
    if state.error:
        return state.error
    if state.status == "completed":
        return "it said nothing"
    reason = (state.reason or "error").replace("_", " ")
    shared = ", which it shares with its caller and all of its subagents" if state.reason in SHARED else ""
    return f"it stopped: {reason}{shared}"


def _undecided(found: Vote, count: int) -> str:
    """Say where a vote decided nothing, and the first answer is given."""
    if count > 1 and len(found.agreeing) == 1:
        return "no two agree, so the first answer is given"
    return "as many agree with another answer, so the first is given" if found.is_tied else ""


def _judgement(judge: RunState) -> tuple[str, str]:
    """Return what a judge answered and why; nothing where it gave no answer."""
    answer = (judge.answer or "").strip() if judge.status == "completed" else ""
    said, mark, why = answer.rpartition(f"\n{WHY}")
    return (said.strip(), " ".join(why.split())) if mark else (answer, "")


def _sources_in(answers: Iterable[Given]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(source for given in answers for source in given.sources))


def _bounded(text: str, agent: AgentRecord | None) -> str:
    answer = text.strip()
    tokens = (agent.limits if agent is not None else Limits()).summary_tokens
    if len(answer) > tokens * CHARACTERS_PER_TOKEN:
        answer = answer[: tokens * CHARACTERS_PER_TOKEN].rsplit(" ", 1)[0] + f" … (cut to {tokens:,} tokens)"
    return answer


def _with_sources(answer: str, sources: Sequence[str]) -> str:
    return f"{answer}\n\nSources: {', '.join(sources)}" if sources else answer


def _short(text: str) -> str:
    said = " ".join(text.split())
    return said if len(said) <= SAID else f"{said[:SAID].rsplit(' ', 1)[0]} …"


def _quoted(text: str) -> str:
    return "\n".join(f"> {line}" for line in text.splitlines())
