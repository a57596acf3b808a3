"""`workbench fork`: go on from a place in a run with something changed; the parent stays as it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli_harness import QUESTION, Printed, Shell, by_step, use_script
from tests.harness import answer
from workbench.driver.commands import ForkRun
from workbench.driver.forking import Forks
from workbench.events.content import plain_text
from workbench.events.request import UserMessage
from workbench.providers.scripted import Turn
from workbench.tools.declaring import tool


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Return a command line on a database that is not there yet."""
    return Shell(tmp_path / "runs.db", capsys)


@pytest.fixture
def looked(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let the model look up three words at once and answer with what it found; return the words that were looked up."""
    words: list[str] = []

    @tool(read_only=True)
    async def look(word: str) -> str:
        """Look a word up."""
        words.append(word)
        return f"found {word}"

    def script(request: Any) -> Turn:
        results = [
            plain_text(block.content)
            for message in request.messages
            if isinstance(message, UserMessage)
            for block in message.results
        ]
        if not results:
            return Turn("Three at once.", [("look", {"word": word}) for word in ("a", "b", "c")])
        return answer(f"{request.model}: {', '.join(results)}; {request.instructions[:9]}")

    use_script(monkeypatch, script, [look])
    return words


def start(shell: Shell) -> str:
    """Return a finished run."""
    assert shell("run", "--plan", "off", "What?").code == 0
    return shell.last()


def forked(shell: Shell, printed: Printed, parent: str) -> dict[str, Any]:
    """Return the fork that a command printed, which must be the last run."""
    assert printed.code == 0, printed
    shown: dict[str, Any] = shell("show", "@last", "--json").json
    assert printed.out.splitlines()[0] == shown["id"]
    assert shown["parent"] == parent
    return shown


def test_a_result_is_replaced_and_its_siblings_are_kept(shell: Shell, looked: list[str]) -> None:
    """One of three concurrent results is edited: nothing runs again, the answer differs, the parent does not."""
    run = start(shell)
    before = shell("export", run).out
    printed = shell("fork", run, "--result", "0.1=nothing at all")
    shown = forked(shell, printed, run)
    assert "found a, nothing at all, found c" in shown["answer"]
    assert looked == ["a", "b", "c"]
    assert [call["edited"] for call in shown["steps"][0]["calls"]] == [False, True, False]
    assert "fork at 0.1: " in printed.err
    assert shell("export", run).out == before


def test_an_input_is_replaced_and_that_call_alone_runs(shell: Shell, looked: list[str]) -> None:
    """Another input runs its call again and no other."""
    run = start(shell)
    printed = shell("fork", run, "--input", '0.2={"word": "z"}')
    assert "found a, found b" in forked(shell, printed, run)["answer"]
    assert looked == ["a", "b", "c", "z"]
    assert "runs again: 0.2" in printed.err


def test_a_call_runs_again_as_it_was(shell: Shell, looked: list[str]) -> None:
    """`--rerun`, and a call named by `--at`, repeat that call alone."""
    run = start(shell)
    forked(shell, shell("fork", run, "--rerun", "0.0"), run)
    forked(shell, shell("fork", run, "--at", "0.1"), run)
    assert looked == ["a", "b", "c", "a", "b"]


def test_places_are_where_a_fork_leaves_its_parent(shell: Shell, looked: list[str]) -> None:
    """Before a turn all is kept up to it, after a turn its calls run, at the end the run goes on."""
    run = start(shell)
    forked(shell, shell("fork", run, "--at", "1"), run)
    assert len(looked) == 3
    forked(shell, shell("fork", run, "--at", "0.turn"), run)
    assert len(looked) == 6
    assert forked(shell, shell("fork", run, "--say", "More?"), run)["fork_at"] == "end"


def test_several_edits_of_one_step_go_together(shell: Shell, looked: list[str], tmp_path: Path) -> None:
    """Results, inputs, the turn's text and the instructions change in one fork; texts may come from files."""
    run = start(shell)
    path = tmp_path / "new.txt"
    path.write_text("Be brief.")
    printed = shell(
        "fork", run, "--result", "0.0=A", "--input", '0.1={"word": "B"}', "--instructions", f"@{path}", "--text", "Hm."
    )  # fmt: skip
    shown = forked(shell, printed, run)
    assert "A, " in shown["answer"]
    assert shown["answer"].endswith("; Be brief.")
    assert shown["steps"][0]["text"] == "Hm."


def test_a_plan_is_replaced(shell: Shell, tmp_path: Path) -> None:
    """Another plan makes another run, whose first search is the one that stands there."""
    assert shell("run", QUESTION).code == 0
    run = shell.last()
    path = tmp_path / "plan.txt"
    path.write_text("SEARCH: nonlocal statement\nSYNTHESIZE: an answer\n")
    shown = forked(shell, shell("fork", run, "--plan", f"@{path}"), run)
    assert shown["fork_at"] == "plan"
    assert "nonlocal" in shown["steps"][0]["calls"][0]["input"]["query"]
    skipped = forked(shell, shell("fork", run, "--plan", "skip"), run)
    assert skipped["plan"]["status"] == "skipped"


def test_a_fork_that_is_not_driven_prints_its_id_alone(shell: Shell, looked: list[str]) -> None:
    """`--no-drive` is for scripts: the id on stdout, the fork made, nothing run."""
    run = start(shell)
    printed = shell("fork", run, "--at", "0.1", "--no-drive")
    assert printed.out.strip() == shell.last()
    assert looked == ["a", "b", "c"]
    assert shell("resume", "@last").code == 0
    assert looked == ["a", "b", "c", "b"]


def test_json_begins_with_the_fork_and_leaves_out_what_is_inherited(shell: Shell, looked: list[str]) -> None:
    """`--json` prints the fork's own events only, and nothing else on stdout."""
    run = start(shell)
    events = shell("fork", run, "--result", "0.1=x", "--json").events
    assert [event["kind"] for event in events[:2]] == ["run_forked", "result_edited"]
    assert {event["run"] for event in events} == {shell.last()}
    assert events[0]["parent"] == run
    assert events[1]["result"][0]["text"] == "x"


def test_effects_that_cannot_be_undone_are_told(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fork before something that changed the world says so, before anything is spent."""

    @tool
    async def act() -> str:
        """Change the world."""
        return "done"

    use_script(monkeypatch, by_step([Turn("Now.", [("act", {})]), answer()]), [act])
    run = start(shell)
    printed = shell("fork", run, "--at", "0", "--no-drive")
    assert "simulated: act ran as call 0.0, and that is not undone" in printed.err


def test_a_fork_is_recorded_with_its_parent(shell: Shell, looked: list[str], tmp_path: Path) -> None:
    """The recording of a fork holds what it needs, so that it can be imported anywhere."""
    run = start(shell)
    path = tmp_path / "x.jsonl"
    forked(shell, shell("fork", run, "--result", "0.1=x", "--record", str(path)), run)
    assert path.read_text() == shell("export", "@last").out
    assert path.read_text().count('{"run":{') == 2


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--at", "99"], "the run has no step 99; it has steps 0 to 1"),
        (["--at", "0.9"], "step 0 has no call 0.9; it has 0.0, 0.1, 0.2"),
        (["--at", "nowhere"], "'nowhere' is no place in a run; write `plan`"),
        (["--at", "plan"], "this run has no plan"),
        (["--result", "0.9=x"], "step 0 has no call 0.9"),
        (["--result", "x=1"], "--result expects a call, STEP.CALL such as 3.1"),
        (["--result", "0.1"], "--result expects CALL=TEXT or CALL=@FILE"),
        (["--result", "0.1=@/no/such/file"], "the file '/no/such/file' cannot be read"),
        (["--at", "1", "--result", "0.1=x"], "fork at `0.1` to change it"),
        (["--result", "0.1=x", "--rerun", "0.1"], "call 0.1 is changed twice"),
        (["--input", '0.1={"word": '], "--input expects CALL=JSON; the JSON breaks at character 9"),
        (["--input", "0.1=[1]"], "--input expects a JSON object"),
        (["--input", "0.1=" + "[" * 100_000], "--input expects CALL=JSON; it cannot be read"),
        (["--at", "0", "--text", "x"], "a turn's text is changed after that turn"),
        (["--plan", "approve"], "--plan expects skip or @FILE, not 'approve'"),
        (["--plan", "skip"], "this run has no plan"),
        (["--say", " "], "the new message is empty"),
        (["--instructions", ""], "the new instructions is empty"),
    ],
)
def test_a_wrong_edit_is_refused(shell: Shell, looked: list[str], options: list[str], said: str) -> None:
    """What cannot be changed there is told with the place where it can, and no fork is made."""
    run = start(shell)
    assert said in shell.refused("fork", run, *options)


def test_a_model_that_does_not_exist_is_refused(shell: Shell) -> None:
    """A fork onto a model that nobody provides is not made."""
    assert shell("run", "What is a context manager?").code == 0
    assert "there is no model 'nonsense:x'" in shell.refused("fork", "@last", "-m", "nonsense:x")


def test_a_fork_asks_the_model_with_other_parameters(shell: Shell, looked: list[str]) -> None:
    """--param, as often as there are parameters; numbers are numbers, and what is no JSON is a text."""
    parent = start(shell)
    given = ("--param", "temperature=0.2", "--param", "max_tokens=2000", "--param", "effort=high")
    made = shell("fork", parent, "--at", "0", *given, "--json")
    assert made.code == 0, made
    [edited] = [json.loads(line) for line in made.out.splitlines() if '"agent_edited"' in line]
    parameters = edited["agent"]["parameters"]
    assert (parameters["temperature"], parameters["max_tokens"], parameters["effort"]) == (0.2, 2000, "high")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("temperature", "--param expects NAME=VALUE, such as --param temperature=0.2, not 'temperature'"),
        ("warmth=1", "'warmth' is no parameter of a model; there are max_tokens"),
        ("max_tokens=many", "max_tokens = 'many' cannot be used"),
    ],
)
def test_a_parameter_that_is_none_is_a_sentence(shell: Shell, looked: list[str], given: str, why: str) -> None:
    """And no fork is made."""
    parent = start(shell)
    made = shell("fork", parent, "--param", given)
    assert made.code == 2
    assert why in made.err
    assert shell.last() == parent


def test_a_fork_says_what_it_costs_before_it_goes_on(shell: Shell, looked: list[str]) -> None:
    """What is sent again, what that costs, and what the rest may."""
    parent = start(shell)
    said = shell("fork", parent, "--at", "1", "--no-drive").err
    assert "sent again: " in said
    assert "cost: nothing" in said
    assert "the rest: about $0, if like the parent's 1 step after here" in said


def test_the_head_of_a_fork_names_its_own_model(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told with what the fork changes, not as its parent was."""
    use_script(monkeypatch, by_step([answer("one")]))
    assert shell("run", "What?", "--plan", "off", "-m", "first").code == 0
    fork = shell("fork", "@last", "--at", "0", "-m", "second", "--headless")
    assert fork.code == 0
    head = next(line for line in fork.out.splitlines() if " · fork of " in line)
    assert head.endswith(" · second")
    assert "  ✎ changed: model" in fork.out.splitlines()


def test_what_cannot_be_undone_is_told_before_anything_is_done(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """The preview stands there when the fork is made, and so before its first token."""

    @tool
    async def act() -> str:
        """Do it."""
        return "done"

    use_script(monkeypatch, by_step([Turn("Now.", [("act", {})]), answer()]), [act])
    run = start(shell)
    told: list[str] = []
    make = Forks.make

    async def made(forks: Forks, command: ForkRun) -> tuple[str, str]:
        told.append(shell.said())
        return await make(forks, command)

    monkeypatch.setattr(Forks, "make", made)
    assert shell("fork", run, "--at", "0").code == 0
    assert "simulated: act ran as call 0.0, and that is not undone" in told[0]


def test_a_warning_is_told_once(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """By the preview, and not again by the fork."""
    use_script(monkeypatch, by_step([answer()]))
    run = start(shell)
    printed = shell("fork", run, "--at", "0", "-m", "openai-chat:x", "--param", "hosted_tools=web_search")
    assert printed.code == 0, printed
    assert printed.err.count("openai-chat:x runs no web_search at its provider") == 1


def test_without_a_key_nothing_is_forked(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """One sentence and exit 2, for one fork as for a race; one that is not to go on needs no key."""
    with monkeypatch.context() as patched:
        use_script(patched, by_step([answer()]))
        run = start(shell)
    for more in ([], ["--repeat", "2"]):
        assert "there is no model 'scripted'" in shell.refused("fork", run, "--at", "0", *more)
    assert shell("fork", run, "--at", "0", "--no-drive").code == 0
