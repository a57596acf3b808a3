"""Scenes: whole runs as logs, for tests of everything that reads events or states. `RunLog` writes them."""

from __future__ import annotations

from typing import Final

from tests.run_log import MODEL, QUESTION, START, TOOLS, Call, RunLog, agent_record, plan_step, tool_spec
from workbench.events.agent import Limits
from workbench.events.base import Recorded
from workbench.events.call import CallFinished, CallStarted
from workbench.events.codec import result_fields
from workbench.events.content import text_content
from workbench.events.plan import PlanApproved
from workbench.events.run import Caller

__all__ = [
    "ANSWER",
    "CITATIONS",
    "MODEL",
    "PLAN",
    "QUESTION",
    "START",
    "TOOLS",
    "Call",
    "RunLog",
    "agent_record",
    "child_log",
    "first_calls",
    "forked_run",
    "live_run",
    "long_run",
    "plan_step",
    "researched_run",
    "searched_run",
    "subagents_run",
    "tool_spec",
    "troubled_run",
    "waiting_plan",
]

PLAN: Final = (
    "SEARCH: how PgBouncer's transaction pooling assigns servers",
    "SEARCH: prepared statements and what they are bound to",
    "SYNTHESIZE: how the two interact",
)
ANSWER: Final = (
    "In transaction pooling a server connection belongs to a client only for one transaction, so a statement that was "
    "prepared in one transaction may not exist on the server that runs the next. Since version 1.21 PgBouncer tracks "
    "protocol-level prepared statements itself: with max_prepared_statements above 0 it prepares them again where they "
    "are missing. PREPARE and EXECUTE as SQL are still not supported in this mode."
)
CITATIONS: Final = (
    ("pgbouncer-config::14", "When this is set to a non-zero value PgBouncer tracks protocol-level named statements"),
    ("sql-prepare::0", "Prepared statements only last for the duration of the current database session"),
)


def first_calls() -> list[Call]:
    """Return three calls that run at once: quick, quicker, and one that was retried."""
    return [
        Call(
            "search_docs",
            {"query": "pgbouncer transaction pooling server assignment", "limit": 5},
            "pgbouncer-config::14 max_prepared_statements: When this is set to a non-zero value\n" * 14,
            seconds=0.18,
        ),
        Call(
            "search_docs",
            {"query": "prepared statements session lifetime"},
            "sql-prepare::0 Prepared statements only last for the duration of the current session.\n" * 9,
            seconds=0.12,
            begins=0.01,
        ),
        Call(
            "fetch_doc",
            {"name": "pgbouncer-features::2"},
            "SQL feature map for pooling modes. The following table lists various PostgreSQL features.\n" * 40,
            seconds=0.212,
            begins=0.02,
            attempts=(("timeout", 0.05, 0.05),),
        ),
    ]


def researched_run(run: str = "a4f7c2e19b305d68") -> RunLog:
    """Return a whole run: an edited plan, three calls at once, an answer with citations."""
    log = RunLog(run)
    log.plan(PLAN, approve=False)
    log.edit_plan(("SEARCH: pg_hba.conf authentication methods", *PLAN[1:]))
    log.add(PlanApproved(by="operator"), 0.5)
    log.plan_step(0)
    log.step(
        first_calls(),
        thinking="The question joins two topics that do not depend on each other, so both searches can run at once.",
        text="Two separate topics; I search for both at once.",
    )
    log.plan_step(0, done=True)
    log.plan_step(1, done=True)
    log.plan_step(2)
    log.answer(ANSWER, CITATIONS)
    return log


def waiting_plan() -> RunLog:
    """Return a run whose plan waits for a person."""
    log = RunLog()
    log.plan(PLAN, approve=False)
    return log


def live_run(lanes: int = 3) -> RunLog:
    """Return a run in the middle of its second step, with `lanes` calls of which the last ones still run."""
    log = RunLog()
    log.plan(PLAN)
    log.plan_step(0)
    log.step(first_calls(), text="Two separate topics; I search for both at once.")
    log.plan_step(0, done=True)
    log.plan_step(1)
    calls = [
        Call(
            ("search_docs", "fetch_doc")[number % 2],
            {"query": f"pool modes and prepared statements, part {number}"},
            f"pgbouncer-config::{number} pool_mode",
            seconds=None if number >= lanes // 3 else 0.4 + number / 10,
            begins=number * 0.02,
            progress="read 3 of 9 passages" if number % 4 == 2 else "",
        )
        for number in range(lanes)
    ]
    log.step(calls, thinking="What do the modes change?", text="Now the modes, one by one.")
    return log


def child_log(parent: str, call: str, run: str, task: str, *, steps: int = 3, done: bool = False) -> RunLog:
    """Return the log of a subagent."""
    agent = agent_record(plan="off", limits=Limits(steps=15))
    log = RunLog(run, task, agent=agent, caller=Caller(run=parent, call=call), at=START + 4)
    for number in range(steps):
        last = number == steps - 1 and not done
        log.step([Call("search_docs", {"query": f"{task} {number}"}, seconds=None if last else 0.3)], seconds=0.4)
    if done:
        log.answer(f"{task}: session pooling keeps them, transaction pooling needs tracking.", CITATIONS[:1])
    return log


def subagents_run(*, done: bool = False) -> tuple[RunLog, list[RunLog]]:
    """Return a run with two subagents at once, and their logs."""
    log = RunLog(task="Compare PgBouncer pool modes for use with prepared statements and ORM features")
    tasks = ("prepared statements in each pool mode", "ORM features in each pool mode")
    children = [
        child_log(log.run, f"0.{number}", f"{digit}1b2c3d4e5f60718", task, steps=8 - 5 * number, done=done)
        for number, (digit, task) in enumerate(zip("79", tasks, strict=True))
    ]
    calls = [
        Call(
            "spawn_subagent",
            {"task": task, "focus": "differences only"},
            f"{task}: session pooling keeps them; transaction pooling needs tracking.",
            seconds=14.2 - 3 * number if done else None,
            effect="idempotent",
            child=child,
        )
        for number, (task, child) in enumerate(zip(tasks, children, strict=True))
    ]
    log.step(calls, thinking="Two topics that need several searches each.", text="I hand both to subagents.")
    if done:
        log.answer(ANSWER, CITATIONS)
    return log, children


def forked_run() -> RunLog:
    """Return a fork of `researched_run` in which one result of three was replaced."""
    log = researched_run()
    step = log.state.steps[0]
    cut = step.finished_seq or 0
    forked = log.fork("9c1e0b7744aa21d3", cut, address="0.1", reset={"0.1": "answered"})
    forked.edit_result("0.1", "sql-prepare::0 Prepared statements last until the server is restarted.")
    forked.plan_step(2)
    forked.answer("Prepared statements survive in every mode, as they last until the server restarts.", CITATIONS[1:])
    return forked


def troubled_run() -> RunLog:
    """Return a run in which a call of every fate stands, and which waits for a person."""
    log = RunLog(agent=agent_record(plan="off"))
    log.step(
        [
            Call("search_docs", {"query": "auth_query"}, "pgbouncer-config::9 auth_query", begins=-0.2, seconds=0.3),
            Call(
                "fetch_doc",
                {"name": "pgbouncer-config::99"},
                "There is no passage pgbouncer-config::99; the nearest are pgbouncer-config::9, pgbouncer-config::19.",
                is_error=True,
                outcome="error",
                seconds=0.02,
            ),
            Call(
                "search_docs",
                {"query": "userlist.txt"},
                "TimeoutError: no answer within 60 s",
                is_error=True,
                outcome="timeout",
                seconds=0.9,
                attempts=(("timeout", 0.2, 0.05), ("connection reset", 0.1, 0.1), ("timeout", 0.2, 0.2)),
            ),
            Call(
                "fetch_doc", {"name": "auth-methods::3"}, "cancelled by the operator", ends_as="cancelled", seconds=0.5
            ),
            Call("search_docs", {"query": "scram"}, begins=-0.1, ends_as="discarded", seconds=0.2),
        ],
        thinking="Authentication has several parts.\nEach is short.\nNone depends on another.\nSo: all at once.\nGo.",
        text="I look at authentication from several sides.",
        broken="overloaded_error: the model is overloaded",
    )
    log.sequential()
    log.step(
        [
            Call("save_note", {"key": "auth", "text": "auth_query needs a function"}, "saved", seconds=0.01),
            Call("search_docs", {"query": "hba"}, "auth-pg-hba-conf::0 The file", seconds=0.12, begins=0.02),
        ],
        text="One by one now.",
    )
    log.say("Look at the file of users, too, please.")
    log.step(
        [
            Call(
                "shell",
                {"command": "psql -c 'show pool_mode' | tee /tmp/pool_mode"},
                ends_as="unknown",
                effect="effectful",
                seconds=0.4,
            ),
            Call("search_docs", {"query": "auth_file"}, ends_as="interrupted", seconds=0.3),
            Call("shell", {"command": "cat /etc/pgbouncer/userlist.txt"}, asks="runs a command", effect="effectful"),
        ],
        text="I look at the machine itself.",
    )
    return log


def long_run(steps: int = 5_000, calls: int = 4) -> list[Recorded]:
    """Return the records of a long run, made fast."""
    log = RunLog(agent=agent_record(plan="auto", limits=Limits(steps=None)))
    for number in range(steps):
        log.step(
            [
                Call(
                    ("search_docs", "fetch_doc")[lane % 2],
                    {"query": f"topic {number}.{lane} of the long run", "limit": 5},
                    f"topic-{number}::{lane} The first line of a passage that says what it is about.\nMore.",
                    seconds=0.05 + 0.04 * ((number + lane) % 5),
                    begins=0.01 * lane,
                    attempts=(("timeout", 0.02, 0.01),) if (number + lane) % 17 == 0 else (),
                )
                for lane in range(calls)
            ],
            thinking=f"Step {number} looks at four sides of its topic, which do not depend on each other.",
            text="The next topic, from four sides at once.",
            seconds=0.4,
        )
    log.answer(ANSWER, CITATIONS)
    return log.records


def searched_run() -> RunLog:
    """Return a run whose provider searched the web in the middle of its first turn, and which goes on by itself."""
    log = RunLog(agent=agent_record(plan="off"))
    log.begin_turn()
    log.add(
        CallStarted(
            call="0.0", tool="web_search", input={"query": "pgbouncer pools"}, effect="read_only", permission="allow",
            hosted=True,
        ),
        0.4,
    )  # fmt: skip
    found = text_content("PgBouncer — https://example.org/pools")
    fields = result_fields(found, is_error=False)
    log.add(CallFinished(call="0.0", outcome="ok", elapsed=1.2, by="provider", **fields), 1.2)
    log.finish_turn([("0.1", Call("fetch_doc", {"name": "pgbouncer-config::14"}))], text="I read the passage.")
    log.answer(ANSWER)
    return log
