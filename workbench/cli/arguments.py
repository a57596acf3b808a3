"""What can be typed: commands, options, and the sentences about what cannot. Nothing is done here."""

from __future__ import annotations

import argparse
from typing import TypeAlias

from workbench.cli.options import (
    add_agent,
    add_asks,
    add_attach,
    add_breaks,
    add_limits,
    add_manner,
    add_model,
    add_output,
    add_parameters,
    add_permissions,
    add_reach,
    add_retries,
    add_telemetry,
    count,
    text,
)
from workbench.cli.parser import Parser
from workbench.version import __version__

_RUN = "id, unique beginning of one, or @last"
_WHERE = (
    "plan, S (before step S), S.turn (after its turn), S.C (call C of step S), seq:N (as of event N, as lists of runs "
    "say it), or end; all count from 0"
)
_EXITS = "exit status: 0 completed, 1 failed, 2 wrong usage, 3 waiting for an answer or at a limit, 130 interrupted"


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Return what was asked for; raises `UserError`, or `SystemExit` where help or version was printed."""
    return _parser().parse_args(argv)


def _parser() -> Parser:
    parser = Parser(
        prog="workbench",
        description="A time-travel debugger for LLM agents. Without a command it opens the workbench.",
        epilog=_EXITS,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"workbench {__version__}")
    _add_common(parser, top=True)
    add_telemetry(parser, top=True)
    parser.set_defaults(command=None)
    commands = parser.add_subparsers(metavar="COMMAND", parser_class=Parser, title="commands")
    for add in (
        _add_run,
        _add_open,
        _add_resume,
        _add_fork,
        _add_runs,
        _add_show,
        _add_diff,
        _add_export,
        _add_import,
        _add_purge,
        _add_models,
        _add_tools,
        _add_mcp,
        _add_doctor,
        _add_demo,
        _add_new,
    ):
        _add_common(add(commands))
    return parser


_Commands: TypeAlias = "argparse._SubParsersAction[Parser]"  # noqa: SLF001 - it has no public name


def _command(commands: _Commands, name: str, summary: str, more: str = "") -> Parser:
    made = commands.add_parser(
        name,
        help=summary,
        description=f"{summary[:1].upper()}{summary[1:]}. {more}".strip(),
        epilog=_EXITS if name in ("run", "resume", "fork") else None,
        allow_abbrev=False,
    )
    made.set_defaults(command=name)
    return made


def _add_common(parser: Parser, *, top: bool = False) -> None:
    """Add what every command takes; `top` gives the defaults, so that both places of an option work."""
    parser.add_argument(
        "--db",
        metavar="PATH",
        type=text,
        default=None if top else argparse.SUPPRESS,
        help="the database; else WORKBENCH_DB, else one in your data folder",
    )
    parser.add_argument(
        "--debug",
        action="store_true",
        default=False if top else argparse.SUPPRESS,
        help="show the traceback of an unexpected error",
    )
    parser.add_argument(
        "--verbose",
        action="store_true",
        default=False if top else argparse.SUPPRESS,
        help="write more into the log file, which `workbench doctor` names",
    )


def _add_run(commands: _Commands) -> Parser:
    parser = _command(
        commands,
        "run",
        "ask a question and watch the run",
        "On a terminal it opens the workbench; without one, or with --headless or --json, it prints.",
    )
    parser.add_argument("question", nargs="?", metavar="QUESTION", help="what the agent is to find out")
    add_agent(parser, "the agent that is asked")
    add_attach(parser, "the question")
    parser.add_argument("--docs", metavar="DIR", type=text, help="folder of documents to search in")
    parser.add_argument(
        "--plan",
        choices=("ask", "auto", "off"),
        help="wait for your approval of the plan, go on with it, or make none (default: ask on a terminal, else auto)",
    )
    parser.add_argument(
        "--instructions", metavar="TEXT|@FILE", type=text, help="what the model is told before everything else"
    )
    add_model(parser)
    add_parameters(parser)
    add_reach(parser)
    add_retries(parser)
    add_manner(parser)
    add_permissions(parser)
    add_breaks(parser)
    add_limits(parser)
    add_output(parser, "--text")
    add_telemetry(parser)
    return parser


def _add_open(commands: _Commands) -> Parser:
    parser = _command(
        commands,
        "open",
        "show a run, or what a session file holds",
        "A live run is watched, any moment of it looked at and forked. Opening lets nothing go on; answering what a "
        "run waits for there, or resuming it, does. A session file is imported first.",
    )
    parser.add_argument("target", metavar="RUN|FILE", type=text, help=f"{_RUN}; or a session file")
    parser.add_argument("--at", metavar="WHERE", type=text, help=_WHERE)
    add_telemetry(parser)
    return parser


def _add_resume(commands: _Commands) -> Parser:
    parser = _command(commands, "resume", "let a run go on, with the answers that it waits for")
    parser.add_argument("run", metavar="RUN", type=text, help=_RUN)
    parser.add_argument(
        "--plan", metavar="approve|skip|@FILE", type=text, help="decide on the plan; FILE has lines ACTION: text"
    )
    parser.add_argument("--approve", metavar="CALL", action="append", default=[], help="allow a call that asks")
    parser.add_argument("--deny", metavar="CALL=REASON", action="append", default=[], help="deny a call that asks")
    parser.add_argument(
        "--result", metavar="CALL=TEXT|@FILE", action="append", default=[], help="give the result of a call"
    )
    parser.add_argument(
        "--rerun", metavar="CALL", action="append", default=[], help="run a call of unknown outcome again"
    )
    parser.add_argument(
        "--fail", metavar="CALL", action="append", default=[], help="count a call of unknown outcome as failed"
    )
    parser.add_argument(
        "--unknown", metavar="CALL", action="append", default=[], help="tell the model that its outcome is unknown"
    )
    parser.add_argument(
        "--tools", metavar="NAME=on|off", action="append", default=[], help="switch a group of tools, before it goes on"
    )
    parser.add_argument("--say", metavar="TEXT", help="add a message")
    add_attach(parser, "--say")
    add_agent(parser, "the agent of the run, where its file moved or changed")
    add_reach(parser)
    add_asks(parser)
    add_permissions(parser)
    add_breaks(parser)
    add_limits(parser)
    add_output(parser, "--text")
    add_telemetry(parser)
    return parser


def _add_fork(commands: _Commands) -> Parser:
    parser = _command(
        commands,
        "fork",
        "go on from a place in a run, with something changed",
        "Without --at the place is that of the call that is edited, or the end.",
    )
    parser.add_argument("run", metavar="RUN", type=text, help=_RUN)
    parser.add_argument("--at", metavar="WHERE", type=text, help=_WHERE)
    parser.add_argument(
        "--result", metavar="CALL=TEXT|@FILE", action="append", default=[], help="replace a call's result"
    )
    parser.add_argument(
        "--input", metavar="CALL=JSON", action="append", default=[], help="run a call with another input"
    )
    parser.add_argument("--rerun", metavar="CALL", action="append", default=[], help="run a call again")
    parser.add_argument(
        "--text", metavar="TEXT|@FILE", dest="turn_text", help="replace what the model said in the turn at the place"
    )
    parser.add_argument("--plan", metavar="@FILE|skip", type=text, help="replace the plan; FILE has lines ACTION: text")
    parser.add_argument("--instructions", metavar="@FILE", help="go on with other instructions")
    parser.add_argument("--say", metavar="TEXT", help="add a message")
    add_attach(parser, "--say")
    parser.add_argument("--no-drive", action="store_true", help="make the fork and leave it at that")
    _add_race(parser)
    add_agent(parser, "the agent of the run, where its file moved or changed")
    add_model(parser)
    add_parameters(parser)
    add_reach(parser)
    add_retries(parser)
    add_manner(parser)
    add_permissions(parser)
    add_breaks(parser)
    add_limits(parser)
    add_output(parser)
    add_telemetry(parser)
    return parser


def _add_race(parser: Parser) -> None:
    group = parser.add_argument_group(
        "race: several forks of the same place, and a table of what became of them",
        "Progress goes to stderr, the table to stdout, with --json as one object. The exit status is 0 if all "
        "completed and, with a check, at least one passed; 1 if one failed or none passed; 3 if one waits for an "
        "answer or reached a limit; 130 if one was stopped, by Ctrl-C or a breakpoint.",
    )
    group.add_argument("--repeat", metavar="N", type=count, help="N forks of each variant: one proves nothing")
    group.add_argument("--at-once", metavar="K", type=count, help="how many run at the same time (default: 4)")
    group.add_argument(
        "--vary", metavar="FIELD=A,B|@FILE.toml", action="append", default=[],
        help="a variant for each value of model, temperature, max_tokens or effort; or the variants of a file, each a "
        "table of its name with model, parameters, instructions, say, text, plan, results or inputs",
    )  # fmt: skip
    group.add_argument(
        "--check", metavar="RULE", action="append", default=[],
        help="judge each answer: pattern:REGEX, function:FILE.py:NAME (a Python function of the answer), "
        "judge:CRITERION or judge[MODEL]:CRITERION",
    )  # fmt: skip
    group.add_argument("--csv", metavar="FILE", type=text, help="write a line for each run")
    group.add_argument("--markdown", metavar="FILE", type=text, help="write a table of the variants")
    group.add_argument("--go-on", action="store_true", help="RUN is one of a race that was stopped: go on with it")


def _add_runs(commands: _Commands) -> Parser:
    parser = _command(commands, "runs", "list the runs")
    parser.add_argument("--json", action="store_true", help="one JSON list, subagents' runs included")
    parser.add_argument("--all", action="store_true", help="hidden runs and subagents' runs too")
    parser.add_argument("--search", metavar="TEXT", help="only those that say TEXT")
    parser.add_argument(
        "--hide", metavar="RUN", action="append", default=[], help="hide a run; `purge` removes it for good"
    )
    parser.add_argument("--unhide", metavar="RUN", action="append", default=[], help="show a hidden run again")
    parser.add_argument("--mark", metavar="RUN", action="append", default=[], help="mark a run")
    parser.add_argument("--unmark", metavar="RUN", action="append", default=[], help="take a run's mark back")
    for option, value, what in (
        ("--name", "TEXT", "give a run a name"),
        ("--tag", "A,B", "set a run's tags, separated by commas"),
        ("--note", "TEXT|@FILE", "write a note on a run"),
    ):
        parser.add_argument(
            option, metavar=f"RUN={value}", action="append", default=[], help=f"{what}; an empty one takes it back"
        )
    return parser


def _add_show(commands: _Commands) -> Parser:
    parser = _command(commands, "show", "print a run")
    parser.add_argument("run", metavar="RUN", type=text, help=_RUN)
    parser.add_argument("--json", action="store_true", help="one JSON object, with whole results")
    return parser


def _add_diff(commands: _Commands) -> Parser:
    parser = _command(commands, "diff", "compare two runs")
    parser.add_argument("a", metavar="RUN", type=text, help=_RUN)
    parser.add_argument("b", metavar="RUN", type=text, help="the other one")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    return parser


def _add_export(commands: _Commands) -> Parser:
    parser = _command(
        commands,
        "export",
        "write a run as a session file",
        "With it go the runs that it was forked from, and its subagents.",
    )
    parser.add_argument("run", metavar="RUN", type=text, help=_RUN)
    parser.add_argument(
        "-o", "--output", metavar="FILE", type=text, default="-", help="where to; - for stdout (default)"
    )
    parser.add_argument("--forks", action="store_true", help="the forks of these runs too")
    return parser


def _add_import(commands: _Commands) -> Parser:
    parser = _command(
        commands,
        "import",
        "take in the runs of a session file",
        "They can be looked at and forked; they are never driven.",
    )
    parser.add_argument("file", metavar="FILE", type=text, help="a session file, plain or gzipped")
    return parser


def _add_purge(commands: _Commands) -> Parser:
    parser = _command(
        commands,
        "purge",
        "remove hidden runs for good",
        "Those that a visible fork reads from stay. `workbench runs --hide RUN` hides a run.",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")
    return parser


def _add_models(commands: _Commands) -> Parser:
    parser = _command(
        commands,
        "models",
        "list the models that are known",
        "Others can be named too; their provider says whether they exist. Prices come from lists that are shipped.",
    )
    parser.add_argument("provider", nargs="?", metavar="PROVIDER", help="only those of one provider")
    parser.add_argument("--json", action="store_true", help="one JSON list")
    return parser


def _add_tools(commands: _Commands) -> Parser:
    parser = _command(
        commands,
        "tools",
        "list the tools of the agent as a model sees them",
        "With about the tokens that each takes of every request, and what should be mended: schemas over 200 tokens, "
        "missing descriptions, names that a provider refuses. A tool that cannot be used at all exits 2.",
    )
    add_agent(parser, "the agent whose tools they are")
    parser.add_argument("--json", action="store_true", help="one JSON list, with the schemas")
    return parser


def _add_mcp(commands: _Commands) -> Parser:
    parser = _command(
        commands,
        "mcp",
        "list the MCP servers and their tools",
        "It starts the servers of your settings and says whether they are as you accepted them.",
    )
    parser.add_argument("server", nargs="?", metavar="NAME", type=text, help="only this one, with what changed of it")
    parser.add_argument("--accept", metavar="NAME", type=text, help="accept a server as it was when it was refused")
    parser.add_argument("--json", action="store_true", help="one JSON list")
    return parser


def _add_doctor(commands: _Commands) -> Parser:
    return _command(commands, "doctor", "say what is here, what is missing, and whether the database is sound")


def _add_demo(commands: _Commands) -> Parser:
    return _command(
        commands,
        "demo",
        "take the guided tour",
        "Two minutes through plan, interrupt, edit, fork and compare, on a database that is thrown away afterwards.",
    )


def _add_new(commands: _Commands) -> Parser:
    parser = _command(
        commands,
        "new",
        "write an agent to begin with",
        "A commented file that runs: Python, or TOML for an agent without code. What is there already is kept.",
    )
    parser.add_argument("file", nargs="?", default="my_agent.py", metavar="FILE", help="default: my_agent.py")
    return parser
