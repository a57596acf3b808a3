"""Commands and code of a model: bounded, without keys, and gone when their call is over, whatever they do."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from tests.loop_kit import Lab, answer, asks, patiently
from workbench.errors import AgentError, ToolError
from workbench.events.call import CallFinished, CallProgressed, PermissionDecided
from workbench.events.content import plain_text
from workbench.tools import processes
from workbench.tools.base import ToolResult
from workbench.tools.processes import passed_environment
from workbench.tools.python import python_tool
from workbench.tools.shell import shell_tool


async def whole(parts: AsyncGenerator[Any, None], heard: asyncio.Event | None = None) -> ToolResult:
    """Return the last of what a tool gives; `heard` is set with the first."""
    value = None
    async with aclosing(parts):
        async for part in parts:
            value = part
            if heard is not None:
                heard.set()
    assert isinstance(value, ToolResult)
    return value


async def run(folder: Path, command: str) -> ToolResult:
    """Run a command as the engine does."""
    (shell,) = shell_tool(folder)
    return await patiently(whole(shell.function(command=command)))


async def output(folder: Path, command: str) -> str:
    """Return what a command wrote that ended well."""
    result = await run(folder, command)
    assert not result.is_error
    return plain_text(result.content)


def is_alive(process: int) -> bool:
    """Whether a process still runs; a dead one that nobody asked for is no more."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


@pytest.fixture
def numbers(tmp_path: Path) -> Iterator[Callable[[], list[int]]]:
    """Give the process numbers that commands wrote to `pids`; what is alive at the end is killed."""

    def read() -> list[int]:
        file = tmp_path / "pids"
        return [int(line) for line in file.read_text().split()] if file.exists() else []

    yield read
    for process in read():
        if is_alive(process):
            os.kill(process, signal.SIGKILL)


async def test_output_and_exit_code_are_the_result(tmp_path: Path) -> None:
    """Both streams come together; a code that is not 0 is an error that the model sees."""
    assert await output(tmp_path, "echo one; echo two >&2; pwd") == f"one\ntwo\n{tmp_path}"
    assert await output(tmp_path, "true") == "done; it wrote nothing"
    failed = await run(tmp_path, "echo no; exit 3")
    assert (plain_text(failed.content), failed.is_error) == ("no\n[exit code 3]", True)
    killed = await run(tmp_path, "kill -SEGV $$")
    assert (plain_text(killed.content), killed.is_error) == ("[ended by SIGSEGV]", True)


async def test_there_is_no_input(tmp_path: Path) -> None:
    """A program that asks gets the end of a file, and does not wait for ever."""
    assert await output(tmp_path, "cat; echo over") == "over"


async def test_the_environment_has_no_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only names from a list are passed on, and what the agent's author gave."""
    for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "GITHUB_TOKEN", "LD_PRELOAD", "MY"):
        monkeypatch.setenv(name, "CANARY")
    monkeypatch.setenv("LC_TIME", "C")
    text = await output(tmp_path, "env")
    assert "CANARY" not in text
    assert {line.partition("=")[0] for line in text.splitlines()} <= {
        *passed_environment({}), "PWD", "OLDPWD", "SHLVL", "_", "WORKBENCH_CALL",
    }  # fmt: skip
    (shell,) = shell_tool(tmp_path, environment={"MINE": "given"})
    result = await patiently(whole(shell.function(command="echo $MINE $LC_TIME $TERM")))
    assert plain_text(result.content) == "given C dumb"


IGNORES = "trap '' TERM HUP INT; echo $$ >> pids; while :; do sleep 0.05; done"
LOUD = IGNORES.replace("while", "echo working; while")
HIDDEN = f"""setsid sh -c "setsid sh -c \\"{IGNORES.replace("$", chr(92) * 3 + "$")}\\" &" &"""


@pytest.mark.parametrize(
    "command",
    [
        f'sh -c "{IGNORES}" & until [ -s pids ]; do :; done; echo over',
        f'nohup sh -c "{IGNORES}" > /dev/null 2>&1 & until [ -s pids ]; do :; done; echo over',
        f'setsid sh -c "{IGNORES}" & until [ -s pids ]; do :; done; echo over',
        f"({HIDDEN}) ; until [ -s pids ]; do :; done; echo over",
    ],
    ids=["in the group", "nohup", "session of its own", "twice removed"],
)
async def test_what_a_command_leaves_behind_is_ended(
    tmp_path: Path, numbers: Callable[[], list[int]], command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Though it ignores being asked, holds the output open, or left the group."""
    monkeypatch.setattr(processes, "GRACE", 0.1)
    assert await output(tmp_path, command) == "over"
    assert numbers()
    assert not [process for process in numbers() if is_alive(process)]


async def test_where_the_system_tells_less_the_group_is_ended_all_the_same(
    tmp_path: Path, numbers: Callable[[], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a list of processes, the group is what is known of a command."""
    monkeypatch.setattr(processes, "GRACE", 0.1)
    monkeypatch.setattr(processes, "_SEES_PROCESSES", False)
    assert await output(tmp_path, f'sh -c "{IGNORES}" & until [ -s pids ]; do :; done; echo over') == "over"
    assert numbers()
    assert not [process for process in numbers() if is_alive(process)]


async def begun(tmp_path: Path, numbers: Callable[[], list[int]], command: str) -> asyncio.Task[ToolResult]:
    """Start a command and wait until it said that it runs."""
    heard = asyncio.Event()
    (shell,) = shell_tool(tmp_path)
    task = asyncio.create_task(whole(shell.function(command=command), heard))
    await patiently(heard.wait())
    assert numbers()
    return task


async def test_a_cancelled_command_is_ended(
    tmp_path: Path, numbers: Callable[[], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The shell and its grandchild, which ignores TERM, are gone when the cancelled task is done."""
    monkeypatch.setattr(processes, "GRACE", 0.1)
    command = f'sh -c "{IGNORES}" & echo $$ >> pids; until [ $(wc -l < pids) -ge 2 ]; do :; done; echo on; wait'
    task = await begun(tmp_path, numbers, command)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await patiently(task)
    assert len(numbers()) == 2
    assert not [process for process in numbers() if is_alive(process)]


async def test_a_command_may_end_in_its_own_way_when_asked(tmp_path: Path, numbers: Callable[[], list[int]]) -> None:
    """TERM comes first, and it has time to clean up."""
    command = "trap 'echo cleaned > cleaned; exit' TERM; echo $$ >> pids; echo on; while :; do sleep 0.02; done"
    task = await begun(tmp_path, numbers, command)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await patiently(task)
    assert (tmp_path / "cleaned").read_text() == "cleaned\n"


async def test_a_second_cancel_kills_at_once(
    tmp_path: Path, numbers: Callable[[], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that closes down does not wait out the time that was given."""
    monkeypatch.setattr(processes, "GRACE", 3600.0)
    waiting = asyncio.Event()
    sleep = asyncio.sleep

    async def noticed(seconds: float) -> None:
        waiting.set()
        await sleep(seconds)

    monkeypatch.setattr("workbench.tools.processes.asyncio.sleep", noticed)
    task = await begun(tmp_path, numbers, LOUD)
    task.cancel()
    await patiently(waiting.wait())
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await patiently(task)
    assert not [process for process in numbers() if is_alive(process)]


async def test_a_flood_is_cut_in_the_middle(tmp_path: Path) -> None:
    """Beginning and end are there, the bytes between are counted; memory and result stay small."""
    text = await output(tmp_path, "echo first; yes 123456789 | head -c 5000000; echo last")
    assert text.startswith("first\n123456789\n")
    assert text.endswith("last")
    assert "bytes are left out here]" in text
    assert len(text) < processes.SHOWN + 100_000


async def test_an_endless_flood_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A command that only writes does not write until its time is over."""
    monkeypatch.setattr(processes, "FLOOD", 3_000_000)
    result = await run(tmp_path, "yes")
    assert result.is_error
    assert plain_text(result.content).endswith("[ended, because it had written 3 MB]")


async def test_bytes_that_are_no_text_are_shown_as_such(tmp_path: Path) -> None:
    """Half letters and other bytes become marks."""
    assert await output(tmp_path, r"printf 'a\377\000b'") == "a\ufffd\0b"


@pytest.mark.parametrize("command", ["a\0b", "x" * 100_001])
async def test_a_command_that_no_system_takes_is_a_sentence(tmp_path: Path, command: str) -> None:
    """Nothing is started."""
    with pytest.raises(ToolError, match="it holds a NUL, or more than 100,000 bytes"):
        await run(tmp_path, command)


async def test_a_folder_that_is_gone_is_a_sentence(tmp_path: Path) -> None:
    """When the tool is made, and when it runs."""
    with pytest.raises(AgentError, match="is not there"):
        shell_tool(tmp_path / "no")
    (tmp_path / "sub").mkdir()
    (shell,) = shell_tool(tmp_path / "sub")
    (tmp_path / "sub").rmdir()
    with pytest.raises(ToolError, match="cannot be started"):
        await whole(shell.function(command="true"))


async def test_nothing_stays_open(tmp_path: Path) -> None:
    """Neither descriptors nor dead processes pile up."""
    await output(tmp_path, "true")
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(10):
        await output(tmp_path, "true")
        with pytest.raises(ToolError):
            await run(tmp_path, "\0")
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)  # noqa: ASYNC222 - it does not wait


async def test_code_runs_in_an_interpreter_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It sees its folder's files and imports nothing of them; what it does to itself does nothing to the agent."""
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    (tmp_path / "json.py").write_text("print('mine')")
    (python,) = python_tool(tmp_path)

    async def ran(code: str) -> tuple[str, bool]:
        result = await patiently(whole(python.function(code=code)))
        return plain_text(result.content), result.is_error

    assert await ran("import json, os; print(json.dumps(sorted(os.listdir())), 'ü')") == ('["json.py"] ü', False)
    assert await ran("import os; os._exit(7)") == ("[exit code 7]", True)
    text, is_error = await ran("1/0")
    assert is_error
    assert text.endswith("ZeroDivisionError: division by zero\n[exit code 1]")


def test_each_call_is_asked_for_with_what_would_be_started(tmp_path: Path) -> None:
    """Exact arguments, folder and names; never an answer for all calls."""
    (shell,), (python,) = shell_tool(tmp_path, environment={"MINE": "1"}), python_tool(tmp_path)
    seen = shell.previewed({"command": "echo 'a\nb' | sh"}).splitlines()
    assert seen[0] == r"""argv: ['/bin/sh', '-c', "echo 'a\nb' | sh"]"""
    assert seen[1] == f"folder: {str(tmp_path)!r}"
    assert {"MINE", "PATH", "TERM", "WORKBENCH_CALL"} <= set(seen[2].removeprefix("environment: ").split(", "))
    assert python.previewed({"code": "print(1)\n"}).endswith("\nCODE:\nprint(1)\n")
    for item, subject in ((shell, "command"), (python, "code")):
        assert (item.spec.effect, item.spec.permission, item.spec.every_time) == ("effectful", "ask", True)
        assert item.spec.subject == subject
        assert item.spec.exposure == ("private", "untrusted", "outward")


async def allowed(tmp_path: Path, command: str, **options: Any) -> tuple[Lab, asyncio.Task[None]]:
    """Start a run whose model asks for a command, and let a person allow it."""
    lab = Lab([asks(("shell", {"command": command})), answer()], shell_tool(tmp_path, **options))
    await lab.run()
    await lab.journal.append(PermissionDecided(call="0.0", verdict="allow"))
    return lab, await lab.started()


async def test_a_pause_ends_a_command_in_the_middle(
    tmp_path: Path, numbers: Callable[[], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second press stops it; nothing of it runs on, and nobody claims to know what it did."""
    monkeypatch.setattr(processes, "GRACE", 0.1)
    lab, task = await allowed(tmp_path, LOUD)
    await lab.until(lambda: lab.all(CallProgressed))
    assert lab.all(CallProgressed)[0].text.startswith("working\n")
    lab.loop.pause()
    lab.loop.pause()
    await lab.finish(task)
    assert lab.statuses() == ["unknown"]
    await settled()
    assert not [process for process in numbers() if is_alive(process)]


async def test_a_command_that_takes_too_long_is_ended(
    tmp_path: Path, numbers: Callable[[], list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The model sees what had come, and hears that it may have taken effect."""
    monkeypatch.setattr(processes, "GRACE", 0.1)
    lab, task = await allowed(tmp_path, f"printf 'half a l\\303'; printf '\\266ffel'; {IGNORES}", timeout=0.3)
    await lab.finish(task)
    finished = lab.all(CallFinished)[0]
    assert (finished.outcome, finished.partial) == ("timeout", True)
    assert lab.text("0.0").startswith("half a löffel")
    assert "may have taken effect" in lab.text("0.0")
    await settled()
    assert not [process for process in numbers() if is_alive(process)]


async def settled() -> None:
    """Wait for what was left winding down: the tools' own tasks."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        await patiently(asyncio.ensure_future(asyncio.wait(others)))
