"""Makes checks of answers: each in a way in which it cannot hold up or break what else goes on.

A pattern is searched in a process of its own, because Python's search cannot be interrupted; a function runs on a
thread that is left behind when it takes too long; a judge is a recorded run, so that its words and its cost are in the
log like everything else that a model said.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Final, TypeVar

from workbench.agent.spec import prompt
from workbench.debugger.checks import (
    Check,
    FunctionCheck,
    JudgeCheck,
    PatternCheck,
    Verdict,
    judge_task,
    judge_verdict,
    parse_check,
    together,
    verdict_of,
)
from workbench.driver.runs import write_start
from workbench.errors import UserError
from workbench.events.agent import AgentRecord, Limits
from workbench.events.content import text_content
from workbench.events.library import RunHidden, RunJudged, RunNamed
from workbench.state.run_state import RunState

if TYPE_CHECKING:
    from workbench.driver.session import Session

T = TypeVar("T")

PATTERN_SECONDS: Final = 5.0
FUNCTION_SECONDS: Final = 30.0
LONGEST_ANSWER: Final = 1_000_000
"""Characters of an answer that a pattern is searched in."""
_SEARCH: Final = (
    "import json, re, sys; pattern, text = json.loads(sys.stdin.buffer.read()); found = re.search(pattern, text); "
    "print(json.dumps(found and found[0][:80]))"
)


class TakesTooLongError(Exception):
    """A check did not come to an end in time."""


class Checker:
    """Checks answers for a session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def judge(self, state: RunState, rules: tuple[str, ...]) -> RunJudged:
        """Return the verdict of all rules on a run that is over; one that gave no answer fails."""
        if state.answer is None:
            return RunJudged(run=state.run, passed=False, why="it gave no answer")
        verdicts: list[Verdict] = []
        judges: list[str] = []
        for rule in rules:
            check = parse_check(rule)
            if isinstance(check, JudgeCheck):
                verdict, judge = await self._ask_judge(check, state)
                judges.append(judge)
            else:
                verdict = await _made(check, state.answer)
            verdicts.append(verdict)
        found = together(verdicts)
        return RunJudged(run=state.run, passed=found.passed, why=found.why, judges=tuple(judges))

    async def _ask_judge(self, check: JudgeCheck, state: RunState) -> tuple[Verdict, str]:
        """Let a model judge in a run of its own, which lists leave out, and return that run."""
        session = self._session
        before = state.agent or AgentRecord(instructions="", model="")
        agent = AgentRecord(
            name="judge",
            instructions=prompt("judge"),
            model=check.model or before.model,
            limits=Limits(steps=2, subagents=0),
            plan="off",
            corpus=before.corpus,
        )
        task = judge_task(state.task, state.answer or "", check.criterion)
        judge = await write_start(session, text_content(task), agent)
        told = (RunHidden(run=judge, hidden=True), RunNamed(run=judge, name=f"judge of {state.run[:8]}"))
        await session.store.append_remarks(told, session.time.now())
        session.unbroken.add(judge)
        live = await session.revive(judge)
        session.mover.drive(live)
        if live.task is not None:
            await asyncio.wait({live.task})
        if live.state.status != "completed":
            why = live.state.error or f"it is {live.state.status}"
            return Verdict(None, f"the judge gave no verdict: {why}"), judge
        return judge_verdict(live.state.answer), judge


async def usable(rules: tuple[str, ...], session: Session) -> tuple[str, ...]:
    """Return rules as they are written down; raises `UserError` for one that could not be used."""
    written: list[str] = []
    for rule in rules:
        check = parse_check(rule)
        if isinstance(check, JudgeCheck) and check.model is not None:
            session.settings.make_provider(check.model, 0.0)
        if isinstance(check, FunctionCheck):
            check = _located(check)
            try:
                await _on_thread(lambda found=check: _function(found), FUNCTION_SECONDS)  # type: ignore[misc]
            except TakesTooLongError:
                raise UserError(f"{check.source!r} took more than {FUNCTION_SECONDS:.0f} s to import") from None
            written.append(f"function:{check.source}:{check.name}")
        else:
            written.append(rule.strip())
    return tuple(written)


def _located(check: FunctionCheck) -> FunctionCheck:
    """Return the check with the whole path of its file, so that it means the same from any folder."""
    if not check.source.endswith(".py"):
        return check
    path = Path(check.source).expanduser()
    if not path.is_file():
        raise UserError(f"there is no file {check.source!r} to take the function {check.name!r} from")
    return FunctionCheck(str(path.resolve()), check.name)


async def _made(check: Check, answer: str) -> Verdict:
    """Make a check that needs no model; whatever goes wrong in it becomes words."""
    try:
        if isinstance(check, PatternCheck):
            return await _on_thread(lambda: _searched(check.pattern, answer), PATTERN_SECONDS + 5)
        if isinstance(check, FunctionCheck):
            return await _on_thread(lambda: verdict_of(_function(check)(answer)), FUNCTION_SECONDS)
    except TakesTooLongError:
        return Verdict(None, f"the function took more than {FUNCTION_SECONDS:.0f} s, and was left behind")
    except Exception as error:  # noqa: BLE001 - the person's own code; what it raises is told, not raised
        return Verdict(None, f"the check could not be made: {type(error).__name__}: {error}")
    return Verdict(None, "this check cannot be made here")


def _searched(pattern: str, answer: str) -> Verdict:
    """Search a pattern, in a process that can be ended: a bad pattern may take longer than anybody lives."""
    given = json.dumps([pattern, answer[:LONGEST_ANSWER]]).encode()
    command = [sys.executable, "-I", "-S", "-c", _SEARCH]
    try:
        done = subprocess.run(command, input=given, capture_output=True, timeout=PATTERN_SECONDS, check=True)  # noqa: S603 - our own program
    except subprocess.TimeoutExpired:
        return Verdict(None, f"the pattern took more than {PATTERN_SECONDS:.0f} s; a simpler one does not try as much")
    found = json.loads(done.stdout)
    return Verdict(False, "nothing in it matches") if found is None else Verdict(True, f"matches {found!r}")


def _function(check: FunctionCheck) -> Callable[[str], object]:
    """Return the function that a check names; raises `UserError` where it is not there."""
    try:
        module = _file(check.source) if check.source.endswith(".py") else importlib.import_module(check.source)
    except Exception as error:
        raise UserError(f"{check.source!r} cannot be imported: {type(error).__name__}: {error}") from error
    function = getattr(module, check.name, None)
    if not callable(function):
        raise UserError(f"{check.source!r} has no function {check.name!r}")
    found: Callable[[str], object] = function
    return found


def _file(path: str) -> ModuleType:
    """Import a file by its path, anew each time, and under no name that others could find it by."""
    spec = importlib.util.spec_from_file_location("workbench_check", path)
    if spec is None or spec.loader is None:
        raise ImportError("Python does not know how")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def _on_thread(work: Callable[[], T], seconds: float) -> T:
    """Do work on a thread that nobody waits for longer than that."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[T] = loop.create_future()

    def tell(result: T | None, error: Exception | None) -> None:
        if done.cancelled():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result: T | None = None
        failed: Exception | None = None
        try:
            result = work()
        except SystemExit as error:
            failed = UserError(f"it wanted to end the program ({error.code})")
        except Exception as error:  # noqa: BLE001 - handed to whoever waits
            failed = error
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell, result, failed)

    threading.Thread(target=run, name="workbench-check", daemon=True).start()
    try:
        return await asyncio.wait_for(done, seconds)
    except TimeoutError:
        raise TakesTooLongError from None
