"""Commands to deeds: one place that says what each command does to a session."""

from __future__ import annotations

from typing import Any, assert_never

from workbench.driver import commands as c
from workbench.driver import decisions, files, finding, in_flight, runs
from workbench.driver.session import Session


async def obey(session: Session, command: c.Command) -> Any:  # noqa: C901, PLR0911, PLR0912 - one case a command
    """Do what `command` asks and return its answer; raises `UserError` where it cannot be done."""
    match command:
        case c.StartRun():
            return await runs.start(session, command)
        case c.OpenRun():
            return await runs.open_run(session, command.run)
        case c.ListRuns():
            return await session.rows.listed(hidden=command.hidden, limit=command.limit, also=command.also)
        case c.ReadContents():
            return await session.store.bodies(command.refs)
        case c.FindInResults():
            return await finding.find_in_results(session, command)
        case c.ReadRequest():
            return await runs.read_request(session, command)
        case c.ResumeRun():
            return await runs.resume(session, command)
        case c.PauseRun():
            return await runs.pause(session, command)
        case c.SkipWait():
            return await runs.skip_wait(session, command)
        case c.ApprovePlan() | c.SkipPlan() | c.EditPlan():
            return await decisions.decide_plan(session, command)
        case c.CancelCall() | c.AnswerCall() | c.DecidePermission() | c.ResolveUnknown():
            return await decisions.decide_call(session, command)
        case c.SwitchTools():
            return await decisions.switch_tools(session, command)
        case c.RetryCall() | c.GiveTime():
            return await in_flight.change_running(session, command)
        case c.Say():
            return await decisions.say(session, command)
        case c.ForkRun():
            return await _fork(session, command)
        case c.PreviewFork():
            return await session.forks.preview(command)
        case c.StartRace() | c.RepeatRace() | c.OpenRace() | c.ResumeRace() | c.AwaitRace() | c.StopRacers():
            return await session.races.obey(command)
        case c.Label():
            return await runs.label(session, command.event)
        case c.CancelWork():
            return session.works.give_up(command.work)
        case c.IndexRuns():
            return await session.searches.update()
        case c.SearchRuns():
            return await session.searches.find(command.text)
        case c.ExportRun():
            return await files.export_run(session, command)
        case c.ImportFile():
            return await files.import_file(session, command)
        case c.ListBreakpoints() | c.SetBreakpoints() | c.AddBreakpoints():
            return await session.breakpoints.obey(command)
        case _:
            assert_never(command)


async def _fork(session: Session, command: c.ForkRun) -> str:
    run, root = await session.forks.make(command)
    if command.edits.options.deny_asks:
        session.deny_asks.add(root)
    if command.drive:
        await session.go_on(root)
    else:
        await session.release(root)
    return run
