"""What can be asked of a driver: plain values, so that they can cross threads.

Each command says what it answers with. Every command raises a `UserError` with a clear sentence where it cannot be
done.
"""

from __future__ import annotations

from workbench.driver.commands.agents import LIMITS, AgentOptions, LimitNames
from workbench.driver.commands.breakpoints import AddBreakpoints, BreakpointSetting, ListBreakpoints, SetBreakpoints
from workbench.driver.commands.deciding import (
    AnswerCall,
    ApprovePlan,
    CancelCall,
    DecidePermission,
    EditPlan,
    GiveTime,
    ResolveUnknown,
    RetryCall,
    SkipPlan,
    SwitchTools,
)
from workbench.driver.commands.files import ExportedFile, ExportRun, ImportedFile, ImportFile
from workbench.driver.commands.forking import ForkEdits, ForkRun, PreviewFork
from workbench.driver.commands.racing import (
    AwaitRace,
    OpenedRace,
    OpenRace,
    RepeatRace,
    ResumeRace,
    StartedRace,
    StartRace,
    StopRacers,
    Variant,
)
from workbench.driver.commands.reading import (
    FindInResults,
    FoundRun,
    IndexRuns,
    OpenedRun,
    OpenRun,
    ReadContents,
    ReadRequest,
    SearchRuns,
)
from workbench.driver.commands.runs import CancelWork, Label, ListRuns, PauseRun, ResumeRun, Say, SkipWait, StartRun

Command = (
    StartRun
    | OpenRun
    | ListRuns
    | ReadContents
    | FindInResults
    | ReadRequest
    | ResumeRun
    | PauseRun
    | SkipWait
    | ApprovePlan
    | SkipPlan
    | EditPlan
    | CancelCall
    | AnswerCall
    | RetryCall
    | GiveTime
    | DecidePermission
    | ResolveUnknown
    | SwitchTools
    | Say
    | ForkRun
    | PreviewFork
    | StartRace
    | RepeatRace
    | OpenRace
    | ResumeRace
    | AwaitRace
    | StopRacers
    | Label
    | CancelWork
    | IndexRuns
    | SearchRuns
    | ExportRun
    | ImportFile
    | ListBreakpoints
    | SetBreakpoints
    | AddBreakpoints
)

__all__ = [
    "LIMITS",
    "AddBreakpoints",
    "AgentOptions",
    "AnswerCall",
    "ApprovePlan",
    "AwaitRace",
    "BreakpointSetting",
    "CancelCall",
    "CancelWork",
    "Command",
    "DecidePermission",
    "EditPlan",
    "ExportRun",
    "ExportedFile",
    "FindInResults",
    "ForkEdits",
    "ForkRun",
    "FoundRun",
    "GiveTime",
    "ImportFile",
    "ImportedFile",
    "IndexRuns",
    "Label",
    "LimitNames",
    "ListBreakpoints",
    "ListRuns",
    "OpenRace",
    "OpenRun",
    "OpenedRace",
    "OpenedRun",
    "PauseRun",
    "PreviewFork",
    "ReadContents",
    "ReadRequest",
    "RepeatRace",
    "ResolveUnknown",
    "ResumeRace",
    "ResumeRun",
    "RetryCall",
    "Say",
    "SearchRuns",
    "SetBreakpoints",
    "SkipPlan",
    "SkipWait",
    "StartRace",
    "StartRun",
    "StartedRace",
    "StopRacers",
    "SwitchTools",
    "Variant",
]
