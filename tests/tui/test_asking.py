"""Saying something to a run, and asking a new question: what is typed, chosen and attached."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pytest
from textual.widgets import Input

from tests.builders import (
    QUESTION,
    forked_run,
    live_run,
    researched_run,
)
from tests.tui.fake_driver import FakeDriver
from tests.tui.kit import driven, stage
from workbench.driver.commands import (
    AgentOptions,
    Say,
    StartRun,
)
from workbench.errors import UserError
from workbench.events.agent import PlanMode
from workbench.events.content import ImageBlock
from workbench.tui.dialogs import question
from workbench.tui.dialogs.question import QuestionDialog
from workbench.tui.widgets.prompt import Prompt

PNG = ImageBlock(data=b"\x89PNG\r\n\x1a\n", media_type="image/png", name="a.png")


async def test_a_message_goes_to_the_run() -> None:
    """m opens a line; what is typed enters after the current results."""
    log = live_run()
    driver = driven(log)
    async with stage(driver) as acted:
        await acted.press("m")
        await acted.write("And ports?")
        await acted.press("enter")
        await acted.gives(driver, [Say(log.run, "And ports?")])
        assert acted.main.timeline.has_focus


async def test_a_completed_run_goes_on_with_a_further_question() -> None:
    """The answer to a further question is a fork at the end, and the screen goes there."""
    log, fork = researched_run(), forked_run()
    driver = FakeDriver(log, fork)
    driver.answers[Say] = lambda _: fork.run
    async with stage(driver, run=log.run) as acted:
        await acted.press("m")
        await acted.write("And ports?")
        await acted.press("enter")
        await acted.until(lambda: acted.watched.run == fork.run)
        await acted.gives(driver, [Say(log.run, "And ports?")])


async def test_a_new_question_has_files(tmp_path: Path) -> None:
    """They are named in a line of their own; one that cannot be given is named, and nothing starts."""
    path, log = tmp_path / "a.png", researched_run()
    path.write_bytes(PNG.data)
    driver = FakeDriver(log)
    driver.answers[StartRun] = lambda _: log.run
    async with stage(driver) as acted:
        await acted.press("n")
        dialog = await acted.opens(QuestionDialog)
        dialog.query_one("#question").value = "What is this?"
        dialog.query_one("#files").value = str(tmp_path / "none.png")
        await acted.press("enter")
        await acted.shows("there is no file")
        dialog.query_one("#files").value = str(path)
        await acted.press("enter")
        await acted.closes()
        (command,) = driver.commands
        assert (command.task, command.attached) == ("What is this?", (PNG,))


async def test_a_message_names_its_files(tmp_path: Path) -> None:
    """`@FILE` gives a file with a message; where it cannot, nothing is said and the message stands there again."""
    path, log, fork = tmp_path / "a.png", researched_run(), forked_run()
    path.write_bytes(PNG.data)
    driver = FakeDriver(log, fork)
    driver.answers[Say] = lambda _: fork.run
    async with stage(driver, run=log.run) as acted:
        await acted.press("m")
        acted.main.query_one(Prompt).line.value = f"And @{tmp_path}/none.png"
        await acted.press("enter")
        await acted.until(lambda: any("there is no file" in said for said in acted.notices))
        await acted.press("m")
        assert acted.main.query_one(Prompt).line.value == f"And @{tmp_path}/none.png"
        acted.main.query_one(Prompt).line.value = f"And @{path}"
        await acted.press("enter")
        await acted.until(lambda: acted.watched.run == fork.run)
        await acted.gives(driver, [Say(log.run, f"And @{path}", (PNG,))])


async def test_a_new_question_has_documents_model_and_plan() -> None:
    """n asks for a question; the choices are optional, the last question is one key away."""
    log = researched_run()
    driver = FakeDriver(log)
    driver.answers[StartRun] = lambda _: log.run
    async with stage(driver) as acted:
        await acted.press("n")
        dialog = await acted.opens(QuestionDialog)
        await acted.press("enter")
        await acted.shows("Write a question first.")
        await acted.press("up", "tab")
        await acted.write("/nowhere")
        await acted.press("enter")
        await acted.shows("There is no folder '/nowhere'.")
        dialog.query_one("#docs").value = "~nobody-of-that-name/x"
        await acted.press("enter")
        await acted.shows("There is no folder '~nobody-of-that-name/x'.")
        dialog.query_one("#docs").value = "/nowhere"
        for _ in "/nowhere":
            await acted.press("backspace")
        await acted.press("tab")
        await acted.write("offline")
        await acted.press("enter")
        await acted.closes()
        (command,) = driver.commands
        assert (command.task, command.options.model, command.options.plan) == (QUESTION, "offline", None)


@pytest.mark.parametrize(("typed", "shown"), [(None, "as the agent says"), ("off", "no plan"), ("ask", "ask me")])
async def test_a_new_question_leaves_the_plan_to_the_agent(typed: PlanMode | None, shown: str) -> None:
    """Nothing is chosen of it unless a person does, here or behind `workbench run`."""
    log = researched_run()
    driver = FakeDriver(log)
    driver.answers[StartRun] = lambda _: log.run
    options = AgentOptions(plan=typed, fallback=AgentOptions(plan="ask"))
    async with stage(driver, options=options) as acted:
        await acted.press("n")
        dialog = await acted.opens(QuestionDialog)
        await acted.shows(shown)
        dialog.query_one("#question").value = "What is this?"
        await acted.press("enter")
        await acted.closes()
        await acted.gives(driver, [StartRun("What is this?", options)])
        await acted.press("n")
        dialog = await acted.opens(QuestionDialog)
        dialog.query_one("#question").value = "And this?"
        dialog.query_one("#plan").value = "auto"
        await acted.press("enter")
        await acted.closes()
        assert driver.commands[-1] == StartRun("And this?", replace(options, plan="auto"))


async def test_files_are_read_beside_the_screen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow disk holds up no screen: the dialog can be left while it reads, and then nothing starts."""
    goes, is_read = threading.Event(), threading.Event()
    threads: list[threading.Thread] = []

    def read(_: Any) -> tuple[ImageBlock, ...]:
        threads.append(threading.current_thread())
        goes.wait(20)
        is_read.set()
        return (PNG,)

    monkeypatch.setattr(question, "attached", read)
    driver = FakeDriver(researched_run())
    async with stage(driver) as acted:
        await acted.press("n")
        dialog = await acted.opens(QuestionDialog)
        dialog.query_one("#question").value = "What is this?"
        dialog.query_one("#files").value = "a.png"
        await acted.press("enter")
        await acted.until(lambda: bool(threads))
        assert threads[0] is not threading.main_thread()
        await acted.press("escape")
        await acted.closes()
        goes.set()
        await acted.until(is_read.is_set)
        assert not driver.commands


@pytest.mark.parametrize("kind", ["question", "message"])
async def test_what_cannot_be_asked_or_said_stands_there_again(kind: Literal["question", "message"]) -> None:
    """For a file that cannot be read as for a key that is missing."""

    def refuse(_: Any) -> str:
        raise UserError("there is no key")

    driver = FakeDriver(researched_run())
    driver.answers[StartRun] = driver.answers[Say] = refuse
    async with stage(driver) as acted:

        def is_told(said: str) -> bool:
            return any(said in notice for notice in acted.notices)

        line = acted.main.query_one(Prompt).line
        for text, said in (("Why @./none?", "there is no file './none'"), ("Why?", "there is no key")):
            acted.main.open_prompt(kind, "")
            line.value = text
            await acted.press("enter")
            await acted.until(partial(is_told, said))
            acted.main.open_prompt(kind, "")
            assert line.value == text


async def test_a_new_question_keeps_what_was_typed_and_set() -> None:
    """What was typed behind `workbench run`, and the settings, hold for every run that is begun on the screen."""
    log = researched_run()
    driver = FakeDriver(log)
    driver.answers[StartRun] = lambda _: log.run
    settings = AgentOptions(model="openai:gpt-6-sol", parameters={"max_tokens": 99}, plan="auto")
    options = AgentOptions(
        parameters={"effort": "high"}, limits={"subagents": 1}, retries={"attempts": 2}, live_tools=True,
        sequential=True, max_steps=4, fallback=settings,
    )  # fmt: skip
    async with stage(driver, options=options) as acted:
        await acted.press("n")
        await acted.opens(QuestionDialog)
        await acted.shows("openai:gpt-6-sol")
        await acted.shows("as the agent says")
        await acted.press("up", "enter")
        await acted.closes()
        await acted.gives(driver, [StartRun(QUESTION, options)])


async def test_a_question_that_cannot_be_started_stays_in_its_dialog() -> None:
    """The sentence stands below it, as for a folder that is none; with another model it starts."""
    log = researched_run()
    driver = FakeDriver(log)

    def start(command: StartRun) -> str:
        if command.options.model == "foo:bar":
            raise UserError("there is no provider 'foo'")
        return log.run

    driver.answers[StartRun] = start
    async with stage(driver) as acted:
        await acted.press("n")
        dialog = await acted.opens(QuestionDialog)
        dialog.query_one("#question").value = "What is this?"
        dialog.query_one("#model").value = "foo:bar"
        await acted.press("enter")
        await acted.shows("there is no provider 'foo'")
        assert acted.dialog is dialog
        assert not acted.notices
        assert dialog.query_one("#question", Input).value == "What is this?"
        dialog.query_one("#model", Input).value = "offline"
        await acted.press("enter")
        await acted.closes()
        assert [command.options.model for command in driver.commands] == ["foo:bar", "offline"]


async def test_a_second_enter_starts_no_second_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """A run may take a while to begin; leaving meanwhile gives it up."""
    asked: list[StartRun] = []
    gate = asyncio.Event()

    async def ask(command: Any) -> Any:
        if not isinstance(command, StartRun):
            return await answered(command)
        asked.append(command)
        await gate.wait()
        return log.run

    log = researched_run()
    driver = FakeDriver(log)
    answered = driver.ask
    monkeypatch.setattr(driver, "ask", ask)
    async with stage(driver) as acted:
        await acted.press("n")
        await acted.opens(QuestionDialog)
        await acted.write("Why?")
        await acted.press("enter", "enter")
        await acted.until(lambda: asked)
        await acted.press("enter")
        assert len(asked) == 1
        gate.set()
        await acted.closes()
