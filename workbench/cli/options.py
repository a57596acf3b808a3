"""Options that several commands share, and the values that can be typed behind them."""

from __future__ import annotations

import argparse
import math

from workbench.config.asking import LIMITS
from workbench.debugger.breakpoints import parse_rule
from workbench.errors import AgentError, BreakpointError


def add_agent(parser: argparse.ArgumentParser, what: str) -> None:
    """Let an agent be named."""
    parser.add_argument(
        "-a", "--agent", metavar="AGENT", type=text, default=None,
        help=f"{what}: FILE.py, FILE.py:name, FILE.toml or package.module:name; it runs with all that you may do",
    )  # fmt: skip


def add_model(parser: argparse.ArgumentParser) -> None:
    """Let the model be named."""
    parser.add_argument(
        "-m", "--model", metavar="MODEL", type=text, help="provider:model[@base_url], or offline (default)"
    )


def add_parameters(parser: argparse.ArgumentParser) -> None:
    """Let it be said how the model is asked."""
    parser.add_argument(
        "--param",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="ask the model with another parameter, such as temperature=0.2, max_tokens=2000, tool_choice=any or "
        "effort=high",
    )


def add_reach(parser: argparse.ArgumentParser) -> None:
    """Let it be said how the model is reached; nothing of it is kept with the run."""
    group = parser.add_argument_group("how the model is reached; the settings file may say it for good")
    group.add_argument("--base-url", metavar="URL", type=text, help="where the model's provider answers")
    group.add_argument(
        "--header", metavar="NAME=VALUE", action="append", default=[], type=text,
        help="send a header with each request; $NAME in it stands for a variable of the environment",
    )  # fmt: skip
    group.add_argument("--region", metavar="REGION", type=text, help="where Bedrock runs (default: us-east-1)")
    group.add_argument(
        "--reach", metavar="NAME=VALUE", action="append", default=[], type=text,
        help="connect_timeout, first_byte_timeout, byte_timeout or silence_timeout in seconds, connections at once, or "
        "transport=aiohttp",
    )  # fmt: skip


def add_manner(parser: argparse.ArgumentParser) -> None:
    """Let it be said how the run goes about it."""
    parser.add_argument("--sequential", action="store_true", help="one call at a time")
    parser.add_argument("--pace", metavar="SECONDS", type=seconds, help="slow the embedded model down, to be watched")
    parser.add_argument("--live-tools", action="store_true", help="with recorded:RUN, run the tools that only read")
    add_asks(parser)


def add_attach(parser: argparse.ArgumentParser, what: str) -> None:
    """Let files be given with what is said."""
    parser.add_argument(
        "--attach",
        metavar="FILE",
        action="append",
        default=[],
        help=f"give a file with {what}: PNG, JPEG, GIF, WebP, PDF or text; as often as wanted",
    )


def add_asks(parser: argparse.ArgumentParser) -> None:
    """Let calls that would ask be denied."""
    parser.add_argument("--deny-asks", action="store_true", help="deny calls that would ask you, instead of waiting")


def add_permissions(parser: argparse.ArgumentParser) -> None:
    """Let permission rules be added to those of the agent and of the settings."""
    group = parser.add_argument_group(
        "permissions; RULE is a tool and perhaps what its calls are about, such as fetch_doc or 'shell(git status*)'",
        "As often as wanted; deny wins over ask, ask over allow. See docs/permissions.md.",
    )
    for option, what in (
        ("--allow", "let such calls run without asking"),
        ("--ask", "ask before such calls"),
        ("--deny-rule", "deny such calls"),
    ):
        name = option.removeprefix("--").removesuffix("-rule")
        group.add_argument(
            option, metavar="RULE", dest=f"{name}_rules", action="append", default=[], type=permission, help=what
        )


def add_breaks(parser: argparse.ArgumentParser) -> None:
    """Let the run stop at breakpoints."""
    parser.add_argument(
        "--break",
        metavar="RULE",
        dest="breaks",
        action="append",
        default=[],
        type=rule,
        help="stop there, as often as wanted: tool:NAME, input:PATTERN, result:PATTERN, error, tokens:N, cost:DOLLARS, "
        "step, diverge:RUN",
    )


def add_limits(parser: argparse.ArgumentParser) -> None:
    """Let the run stop at limits."""
    group = parser.add_argument_group("limits; a run that reaches one can be resumed with a higher one")
    group.add_argument("--max-steps", metavar="N", type=count)
    group.add_argument("--max-tokens", metavar="N", type=count)
    group.add_argument("--max-cost", metavar="DOLLARS", type=amount)
    group.add_argument("--max-seconds", metavar="N", type=amount)
    group.add_argument(
        "--limit", metavar="NAME=VALUE", action="append", default=[],
        help=f"another limit, by its name in the settings file: {', '.join(LIMITS)}",
    )  # fmt: skip


def add_retries(parser: argparse.ArgumentParser) -> None:
    """Let it be said how broken turns are tried again."""
    parser.add_argument(
        "--retry", metavar="NAME=VALUE", action="append", default=[],
        help="how a turn that breaks is tried again: attempts in all, first_wait and longest_wait in seconds",
    )  # fmt: skip


def add_output(parser: argparse.ArgumentParser, *streamed: str) -> None:
    """Let it be said what is printed; `streamed` are further names of `--turn-text`."""
    group = parser.add_argument_group("output")
    kind = group.add_mutually_exclusive_group()
    kind.add_argument("--headless", action="store_true", help="print the run as text, also on a terminal")
    kind.add_argument("--json", action="store_true", help="print one event a line as JSON, and nothing else on stdout")
    group.add_argument(
        *streamed, "--turn-text", dest="streamed", action="store_true", help="with --json: streamed text as well"
    )
    group.add_argument("--record", metavar="FILE", type=text, help="append the run to a session file as it goes")


def add_telemetry(parser: argparse.ArgumentParser, *, top: bool = False) -> None:
    """Let it be watched from outside; `top` gives the defaults, so that both places of an option work."""
    group = parser.add_argument_group("for other programs to watch; see docs/telemetry.md")
    group.add_argument(
        "--metrics-port", metavar="PORT", type=port, default=None if top else argparse.SUPPRESS,
        help="serve metrics for Prometheus on this port of loopback, while the program lives",
    )  # fmt: skip
    group.add_argument(
        "--otel", action="store_true", default=False if top else argparse.SUPPRESS,
        help="send OpenTelemetry spans to OTEL_EXPORTER_OTLP_ENDPOINT, or to localhost:4318 where that is not set",
    )  # fmt: skip


def text(value: str) -> str:
    """Return a text that says something."""
    if not value.strip():
        raise argparse.ArgumentTypeError("it is empty")
    return value


def rule(value: str) -> str:
    """Return the rule of a breakpoint."""
    try:
        return parse_rule(value).rule
    except BreakpointError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def permission(value: str) -> str:
    """Return a permission rule."""
    from workbench.policy import parse_rule as parse_permission  # what it reads rules for is heavy to import

    try:
        return parse_permission(value).text
    except AgentError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def count(value: str) -> int:
    """Return a whole number above 0."""
    if not (value.isascii() and value.isdigit() and 0 < int(value) < 1 << 53):
        raise argparse.ArgumentTypeError(f"expected a whole number above 0, not {value!r}")
    return int(value)


def port(value: str) -> int:
    """Return the number of a port."""
    if not (value.isascii() and value.isdigit() and 0 < int(value) < 65536):
        raise argparse.ArgumentTypeError(f"expected a port from 1 to 65535, not {value!r}")
    return int(value)


def amount(value: str) -> float:
    """Return a number above 0."""
    number = _number(value)
    if number <= 0:
        raise argparse.ArgumentTypeError(f"expected a number above 0, not {value!r}")
    return number


def seconds(value: str) -> float:
    """Return a number of seconds, 0 or more."""
    number = _number(value)
    if number < 0:
        raise argparse.ArgumentTypeError(f"expected a number of seconds, 0 or more, not {value!r}")
    return number


def _number(value: str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise argparse.ArgumentTypeError(f"expected a number, not {value!r}")
    return number
