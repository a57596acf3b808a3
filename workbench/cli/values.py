"""Values that people give on the command line: CALL=TEXT, @FILE, JSON, plans; each wrong one gets a sentence."""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

from workbench.driver.attaching import attached
from workbench.errors import AddressError, UserError
from workbench.events.content import Content, normalise_json, normalise_text
from workbench.events.plan import PlanStep

_CALL = re.compile(r"\d{1,9}\.\d{1,9}")
_PLAN_LINE = re.compile(r"(?P<action>[^\W\d_][\w -]{0,39}?)\s*(?::\s*(?P<text>.*))?")


def call_id(option: str, text: str) -> str:
    """Return the id of a call; raises `AddressError` where `text` is none."""
    if not _CALL.fullmatch(text):
        raise AddressError(f"{option} expects a call, STEP.CALL such as 3.1 (both count from 0), not {text!r}")
    step, _, call = text.partition(".")
    return f"{int(step)}.{int(call)}"


def call_value(option: str, text: str, what: str) -> tuple[str, str]:
    """Return the two parts of CALL=`what`."""
    call, sign, value = text.partition("=")
    if not sign:
        raise UserError(f"{option} expects CALL={what}, such as {option} 3.1=…, not {text!r}")
    return call_id(option, call), value


def parameter(text: str) -> tuple[str, Any]:
    """Return name and value of a model's parameter."""
    return named_value("--param", text, "temperature=0.2")


def named_value(option: str, text: str, example: str) -> tuple[str, Any]:
    """Return name and value of NAME=VALUE; a value that is no JSON is a text."""
    name, sign, value = text.partition("=")
    if not sign or not name.strip():
        raise UserError(f"{option} expects NAME=VALUE, such as {option} {example}, not {text!r}")
    try:
        read = json.loads(value)
    except (ValueError, RecursionError):
        read = value
    return normalise_text(name.strip()), normalise_json(read)


def run_value(option: str, text: str, what: str) -> tuple[str, str]:
    """Return the two parts of RUN=`what`."""
    run, sign, value = text.partition("=")
    if not sign or not run:
        raise UserError(f"{option} expects RUN={what}, such as {option} @last=…, not {text!r}")
    return run, value


def text_or_file(option: str, value: str) -> str:
    """Return `value` itself, or what stands in the file where it is @FILE; `@@` stands for an `@` at the beginning."""
    if value.startswith("@@"):
        return normalise_text(value[1:])
    return read_file(option, value[1:]) if value.startswith("@") else normalise_text(value)


def read_file(option: str, name: str) -> str:
    """Return what a file says; raises `UserError` naming the option and the file."""
    try:
        return Path(name).expanduser().read_text("utf-8")
    except UnicodeDecodeError:
        raise UserError(f"{option}: the file {name!r} is not UTF-8 text") from None
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise UserError(f"{option}: the file {name!r} cannot be read: {why}") from None


def files_of(args: argparse.Namespace) -> Content:
    """Return the files that are given with a message; raises `UserError` where there is none to give them with."""
    if args.attach and args.say is None:
        raise UserError("--attach is for files that belong to a message; write it with --say")
    return attached(args.attach)


def json_object(option: str, text: str) -> dict[str, Any]:
    """Return a JSON object; raises `UserError` saying what it is instead, and where it breaks."""
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise UserError(
            f"{option} expects CALL=JSON; the JSON breaks at character {error.pos}: {error.msg}. "
            f'Quote it for the shell: {option} \'3.1={{"query": "…"}}\''
        ) from None
    except (RecursionError, ValueError) as error:
        raise UserError(f"{option} expects CALL=JSON; it cannot be read: {error}") from None
    if not isinstance(value, dict):
        raise UserError(f'{option} expects a JSON object, such as {{"query": "…"}}, not {text[:60]!r}')
    return {normalise_text(key): normalise_json(item) for key, item in value.items()}


def plan_file(option: str, value: str, words: str) -> list[PlanStep]:
    """Return the steps of a plan file, one a line as `ACTION: text`; `words` says what else might stand there."""
    if not value.startswith("@"):
        raise UserError(f"{option} expects {words}, not {value!r}; a plan file has lines like SEARCH: what to look for")
    steps: list[PlanStep] = []
    for number, line in enumerate(read_file(option, value[1:]).splitlines(), 1):
        if not line.strip():
            continue
        match = _PLAN_LINE.fullmatch(line.strip())
        if match is None or (match["text"] is None and not match["action"].isupper()):
            raise UserError(f"{option}: line {number} of {value[1:]!r} is {line.strip()[:60]!r}; expected ACTION: text")
        steps.append(PlanStep(action=match["action"].upper(), text=match["text"] or ""))
    if not steps:
        raise UserError(f"{option}: the file {value[1:]!r} has no steps; expected lines like SEARCH: what to look for")
    return steps
