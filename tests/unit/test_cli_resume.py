"""`workbench resume`: every answer that a waiting run needs can be given, and a wrong one changes nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.cli_harness import QUESTION, Shell, by_step, ctrl_c, use_script
from tests.harness import answer
from workbench.errors import PermanentModelError
from workbench.providers.scripted import Turn
from workbench.tools.declaring import tool


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Return a command line on a database that is not there yet."""
    return Shell(tmp_path / "runs.db", capsys)


@tool(permission="ask")
async def send(text: str) -> str:
    """Send a message."""
    return f"sent {text}"


def wait_for_plan(shell: Shell) -> str:
    """Return a run that waits for the approval of its plan."""
    assert shell("run", "--plan", "ask", QUESTION).code == 3
    return shell.last()


def wait_for_permission(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return a run that waits for the permission of two calls."""
    turn = Turn("Two.", [("send", {"text": "a"}), ("send", {"text": "b"})])
    use_script(monkeypatch, by_step([turn, answer()]), [send])
    assert shell("run", "--plan", "off", "Send.").code == 3
    return shell.last()


def wait_for_outcome(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> tuple[str, list[int]]:
    """Return a run with a call of unknown outcome, and how often that call ran."""
    ran: list[int] = []
    press = ctrl_c(monkeypatch)

    @tool
    async def act() -> str:
        """Press Ctrl-C twice in its first run."""
        ran.append(1)
        if len(ran) == 1:
            await press()
            await press()
            await asyncio.Event().wait()
        return "acted"

    use_script(monkeypatch, by_step([Turn("Now.", [("act", {})]), answer()]), [act])
    assert shell("run", "--plan", "off", "Act.").code == 130
    run = shell.last()
    printed = shell("resume", run)
    assert printed.code == 3
    assert "Call 0.0 act was interrupted; it may have taken effect" in printed.out
    for option in ("--rerun 0.0", "--result 0.0=TEXT", "--fail 0.0", "--unknown 0.0"):
        assert option in printed.out
    assert len(ran) == 1
    return run, ran


def call(shell: Shell, run: str, index: int = 0) -> dict[str, Any]:
    """Return a call of the run's first step."""
    found: dict[str, Any] = shell("show", run, "--json").json["steps"][0]["calls"][index]
    return found


def test_a_plan_is_approved(shell: Shell) -> None:
    """`--plan approve` lets the run follow its plan to the end; only what is new is told."""
    run = wait_for_plan(shell)
    printed = shell("resume", run[:6], "--plan", "approve")
    assert printed.code == 0
    assert printed.out.splitlines()[0] == "PLAN ✓ approved"
    assert shell("show", run, "--json").json["status"] == "completed"


def test_a_plan_is_skipped(shell: Shell) -> None:
    """`--plan skip` lets the run go on without a plan."""
    run = wait_for_plan(shell)
    assert shell("resume", run, "--plan", "skip").code == 0
    assert shell("show", run, "--json").json["plan"]["status"] == "skipped"


def test_a_plan_is_replaced_and_steers(shell: Shell, tmp_path: Path) -> None:
    """A plan file takes the place of the plan, and the first search is the one that stands there."""
    run = wait_for_plan(shell)
    path = tmp_path / "plan.txt"
    path.write_text("search: nonlocal statement\n\n  SYNTHESIZE\n")
    assert shell("resume", run, "--plan", f"@{path}").code == 0
    shown = shell("show", run, "--json").json
    assert [(step["action"], step["text"]) for step in shown["plan"]["steps"]] == [
        ("SEARCH", "nonlocal statement"),
        ("SYNTHESIZE", ""),
    ]
    assert "nonlocal" in shown["steps"][0]["calls"][0]["input"]["query"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: No such file"),
        (b"", "has no steps; expected lines like SEARCH:"),
        (b"SEARCH: x\nand then some prose\n", "line 2 of"),
        (b"\xff\xfe", "is not UTF-8 text"),
    ],
)
def test_a_plan_file_that_is_none_is_refused(shell: Shell, tmp_path: Path, content: bytes | None, said: str) -> None:
    """A plan that cannot be read is told with its file and line, and the run still waits."""
    run = wait_for_plan(shell)
    path = tmp_path / "plan.txt"
    if content is not None:
        path.write_bytes(content)
    assert said in shell.refused("resume", run, "--plan", f"@{path}")
    assert "expects approve, skip or @FILE, not 'yes'" in shell.refused("resume", run, "--plan", "yes")


def test_calls_are_allowed_and_denied(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each call that asks gets its own answer; a denied one never runs, and the model learns why."""
    run = wait_for_permission(shell, monkeypatch)
    printed = shell("resume", run, "--approve", "0.0", "--deny", "0.1=not that one")
    assert printed.code == 0
    assert call(shell, run, 0)["result"] == "sent a"
    denied = call(shell, run, 1)
    assert denied["outcome"] == "denied"
    assert "not that one" in denied["result"]


def test_one_answer_of_two_still_waits(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is not answered is asked again, and nothing is decided by default."""
    run = wait_for_permission(shell, monkeypatch)
    printed = shell("resume", run, "--approve", "0.0")
    assert printed.code == 3
    assert "--approve 0.1" in printed.out
    assert "--approve 0.0" not in printed.out


@pytest.mark.parametrize(
    ("options", "times", "result", "is_error"),
    [
        (["--rerun", "0.0"], 2, "acted", False),
        (["--result", "0.0=it took effect"], 1, "it took effect", False),
        (["--fail", "0.0"], 1, "failed", True),
        (["--unknown", "0.0"], 1, "took effect", True),
    ],
)
def test_an_unknown_outcome_has_four_answers(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, options: list[str], times: int, result: str, is_error: bool
) -> None:
    """Run again, give the result, fail, or say that nobody knows: each does that and nothing else."""
    run, ran = wait_for_outcome(shell, monkeypatch)
    assert shell("resume", run, *options).code == 0
    assert len(ran) == times
    assert result in call(shell, run)["result"]
    assert call(shell, run)["is_error"] == is_error


def test_a_result_comes_from_a_file(shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`CALL=@FILE` takes what the file says, `@@` stands for an @ itself."""
    run, _ = wait_for_outcome(shell, monkeypatch)
    path = tmp_path / "result.txt"
    path.write_text("from a file\nof two lines\n")
    assert "cannot be read" in shell.refused("resume", run, "--result", "0.0=@/no/such/file")
    assert shell("resume", run, "--result", f"0.0=@{path}").code == 0
    assert call(shell, run)["result"] == "from a file\nof two lines\n"


def test_a_limit_is_raised(shell: Shell) -> None:
    """A run that stopped at its limit goes on with a higher one, and stops again without."""
    assert shell("run", "--max-steps", "1", "--plan", "off", QUESTION).code == 3
    run = shell.last()
    assert shell("resume", run).code == 3
    assert shell("resume", run, "--max-steps", "20").code == 0


def test_a_further_question_goes_on_in_a_fork(shell: Shell) -> None:
    """A completed run stays as it is; the conversation goes on in a fork of its end, which `@last` then means."""
    assert shell("run", "What is a context manager?").code == 0
    run = shell.last()
    printed = shell("resume", run, "--say", "And what is a decorator?")
    assert printed.code == 0
    assert "YOU  And what is a decorator?" in printed.out
    shown = shell("show", "@last", "--json").json
    assert (shown["parent"], shown["fork_at"]) == (run, "end")
    assert "decorator" in shown["answer"].lower()
    assert shell("show", run, "--json").json["answer"] != shown["answer"]


def test_a_paused_run_takes_a_message(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a person says to a run that rests stands in the same run."""
    run = wait_for_permission(shell, monkeypatch)
    assert shell("resume", run, "--approve", "0.0", "--approve", "0.1", "--say", "Thanks.").code == 0
    assert shell.last() == run
    assert shell("show", run, "--json").json["messages"][0]["text"] == "Thanks."


def test_json_tells_only_what_is_new(shell: Shell) -> None:
    """`resume --json` prints the events of this going on, not those of before."""
    run = wait_for_plan(shell)
    before = len(shell.log(run))
    events = shell("resume", run, "--plan", "approve", "--json").events
    assert events[0]["kind"] == "plan_approved"
    assert events[-1]["kind"] == "run_finished"
    assert len(shell.log(run)) == before + len(events)


def test_a_failed_run_is_tried_again(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """After an error of the model the run can be resumed, without asking anew what was answered."""
    asked: list[int] = []

    def script(request: Any) -> Turn:
        asked.append(1)
        return Turn("x", error=PermanentModelError("no", kind="refused")) if len(asked) == 1 else answer("now")

    use_script(monkeypatch, script)
    printed = shell("run", "--plan", "off", "What?")
    run = shell.last()
    assert printed.code == 1
    assert f"try again with: workbench --db {shell.database} resume {run[:8]}" in printed.out
    assert shell("resume", run).code == 0


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--plan", "approve"], "has no plan that waits for an answer"),
        (["--approve", "9.9"], "has no call 9.9; its open step has 0.0, 0.1"),
        (["--approve", "x"], "--approve expects a call, STEP.CALL such as 3.1"),
        (["--rerun", "0.0"], "the outcome of call 0.0 is not unknown; it is waiting"),
        (["--approve", "0.0", "--deny", "0.0=no"], "call 0.0 is answered twice"),
        (["--result", "0.0"], "--result expects CALL=TEXT or CALL=@FILE"),
        (["--say", "  "], "--say is empty"),
    ],
)
def test_a_wrong_answer_changes_nothing(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, options: list[str], said: str
) -> None:
    """An answer that does not fit is refused before anything is written, also beside one that does."""
    run = wait_for_permission(shell, monkeypatch)
    assert said in shell.refused("resume", run, *options)
    assert said in shell.refused("resume", run, "--approve", "0.1", *options)


def test_a_completed_run_needs_something_to_do(shell: Shell) -> None:
    """A run that has ended is not resumed; the sentence says what can be done instead."""
    shell("run", "What is a context manager?")
    assert "is completed; say something further with --say, or fork it" in shell.refused("resume", "@last")
    assert "has its result already; replace it in a fork" in shell.refused("resume", "@last", "--result", "0.0=x")


def test_a_subagent_waits_and_is_answered(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A subagent that needs a person stops the whole run; the command names the subagent, and all of it goes on."""
    spawn = Turn("Both.", [("spawn_subagent", {"task": "Send it."}), ("send", {"text": "mine"})])
    child = by_step([Turn("Now.", [("send", {"text": "hi"})]), answer("sent")])
    root = by_step([spawn, answer("all done")])
    use_script(
        monkeypatch,
        lambda request: (child if "Send it." in str(request.messages[0].content) else root)(request),
        [send],
    )
    printed = shell("run", "--plan", "off", "Delegate.")
    run = shell.last()
    assert printed.code == 3
    below = next(row["id"] for row in shell.runs() if row["caller"])
    assert f"resume {below[:8]} --approve 0.0" in printed.out
    assert f"resume {run[:8]} --approve 0.1" in printed.out
    halfway = shell("resume", below[:8], "--approve", "0.0")
    assert halfway.code == 3
    assert "0.0 │   ✓ 0.0 " in halfway.out
    assert shell("resume", run, "--approve", "0.1").code == 0
    shown = shell("show", run, "--json").json
    assert shown["answer"] == "all done"
    assert [call["result"] for call in shown["steps"][0]["calls"]] == ["sent", "sent mine"]


def test_subagents_that_still_wait_are_known_to_who_comes_later(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """They say nothing when their caller goes on, and yet the command comes to its end and asks for them again."""
    spawn = Turn("Two.", [("spawn_subagent", {"task": f"Send it {way}."}) for way in ("east", "west")])
    child = by_step([Turn("Now.", [("send", {"text": "hi"})]), answer("sent")])
    root = by_step([spawn, answer("all done")])
    use_script(
        monkeypatch,
        lambda request: (child if "Send it" in str(request.messages[0].content) else root)(request),
        [send],
    )
    assert shell("run", "--plan", "off", "Delegate.").code == 3
    run = shell.last()
    below = [row["id"] for row in shell.runs() if row["caller"]]
    again = shell("resume", run)
    assert again.code == 3
    assert "waits for you: permission to give (1 step)" in again.out
    assert "executing" not in again.out
    assert all(f"resume {one[:8]} --approve 0.0" in again.out for one in below)
    halfway = shell("resume", below[0], "--approve", "0.0")
    assert halfway.code == 3
    assert f"resume {below[1][:8]} --approve 0.0" in halfway.out
    assert shell("resume", run, "--deny-asks").code == 0
    assert shell("show", run, "--json").json["answer"] == "all done"


def test_tools_are_switched_before_the_run_goes_on(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next request has them; what is wrong is a sentence, and nothing has changed."""
    seen: list[list[str]] = []

    @tool(read_only=True, group="web")
    async def browse() -> str:
        """Look on the web."""
        return "browsed"

    def model(request: Any) -> Turn:
        seen.append([spec.name for spec in request.tools])
        return answer("done")

    use_script(monkeypatch, model, [browse], plan=Turn("SEARCH: it")).add_group("web", "What is on the web.")
    run = wait_for_plan(shell)
    for option, said in (
        ("web", "--tools expects NAME=on or NAME=off, not 'web'"),
        ("=on", "--tools expects NAME=on or NAME=off"),
        ("shop=on", "has no group of tools 'shop'; it has web"),
    ):
        printed = shell("resume", run, "--plan", "approve", "--tools", option)
        assert printed.code == 2
        assert said in printed.err
    assert seen == []
    printed = shell("resume", run, "--plan", "approve", "--tools", "web=on")
    assert printed.code == 0
    assert "tools switched on: web" in printed.out
    assert [names[0] for names in seen] == ["browse"]
    printed = shell("resume", run, "--tools", "web=off")
    assert printed.code == 2
    assert "is completed" in printed.err
    assert "tools on: web" in shell("show", run).out
