"""What a wrong question, model or folder gets: one sentence, exit 2, nothing written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli_harness import Shell, by_step, use_script
from tests.harness import Rig, answer
from workbench.providers.scripted import Turn
from workbench.tools.declaring import tool

HOSTILE = "\x1b]0;owned\x07\x9b2J\u202eevil\r[@click=app.quit()]x[/] 中文"


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Return a command line on a database that is not there yet."""
    return Shell(tmp_path / "runs.db", capsys)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([""], "the question is empty; write what you want to know"),
        (["  \n "], "the question is empty"),
        ([], "a question is needed without a screen"),
        (["-m", "nonsense", "What?"], "there is no model 'nonsense'"),
        (["-m", "", "What?"], "--model: it is empty"),
        (["--docs", "/no/such/folder", "What?"], "'/no/such/folder' is not a folder"),
    ],
)
def test_what_cannot_be_run_is_refused(shell: Shell, words: list[str], said: str) -> None:
    """A run that cannot begin leaves no trace in the log."""
    assert said in shell.refused("run", *words)


def test_a_folder_without_documents_is_refused(shell: Shell, tmp_path: Path) -> None:
    """An empty folder, a file in place of a folder, and a folder of pictures are no documents."""
    folder = tmp_path / "docs"
    folder.mkdir()
    file = tmp_path / "file.txt"
    file.write_text("text")
    for path in (folder, file):
        assert str(path) in shell.refused("run", "--docs", str(path), "What?")
    (folder / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))
    assert str(folder) in shell.refused("run", "--docs", str(folder), "What?")


def test_a_run_that_another_process_drives_is_refused(shell: Shell, tmp_path: Path) -> None:
    """Two drivers of one run would tear it apart: the second is told who has it, and looking still works."""
    turns = [Turn("Now.", [("look", {})]), answer()]

    @tool(permission="ask")
    async def look() -> str:
        """Look."""
        return "x"

    with Rig(tmp_path, turns, [look]) as rig:
        run = rig.start()
        rig.wait(run, lambda state: state.reason == "permission")
        said = shell.refused("resume", run, "--approve", "0.0")
        assert run in said or run[:8] in said
        assert "pid " in said
        assert shell("show", run, "--json").json["status"] == "awaiting_approval"


def test_text_of_strangers_is_inert(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever bytes a question, a model, a tool or an error has, none of them reaches the terminal as control."""

    @tool(read_only=True)
    async def look(word: str) -> str:
        """Look."""
        return HOSTILE

    turn = Turn(HOSTILE, [("look", {"word": HOSTILE}), (HOSTILE, {HOSTILE: 1})])
    use_script(monkeypatch, by_step([turn, answer(HOSTILE, HOSTILE)]), [look])
    printed = [
        shell("run", HOSTILE, "--plan", "off"),
        shell("runs"),
        shell("show", "@last"),
        shell("diff", "@last", "@last"),
    ]
    printed += [shell("show", "@last", "--json"), shell("run", HOSTILE, "--plan", "off", "--json")]
    printed += [shell("show", HOSTILE), shell(HOSTILE), shell("fork", "@last", "--at", HOSTILE)]
    for each in printed:
        assert not set(each.out + each.err) & set("\x1b\x07\x9b\u202e\r"), each
    assert [each.code for each in printed] == [0] * 6 + [2] * 3


def test_a_result_of_five_megabytes_is_told_in_a_few_lines(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """One line of 5 MB, where its tool may give so much, costs nobody anything, and is kept whole."""

    @tool(read_only=True, max_output=5_000_000)
    async def look() -> str:
        """Look."""
        return "x" * 5_000_000

    use_script(monkeypatch, by_step([Turn("Now.", [("look", {})]), answer()]), [look])
    printed = shell("run", "--plan", "off", "What?")
    assert printed.code == 0
    assert len(printed.out) < 5_000
    assert len(shell("show", "@last").out) < 5_000
    assert shell("show", "@last", "--json").json["steps"][0]["calls"][0]["result"] == "x" * 5_000_000


@pytest.mark.parametrize("option", ["--search", "--model", "--at"])
def test_two_dashes_are_a_value_like_any_other(shell: Shell, option: str) -> None:
    """`--search=--` looks for them, and what cannot be two dashes is refused by name."""
    command = {"--search": ["runs"], "--model": ["run", "What?"], "--at": ["fork", "aaaa"]}[option]
    printed = shell(*command, f"{option}=--")
    assert "unexpected" not in printed.err
    assert (printed.code, printed.out) == ((0, printed.out) if option == "--search" else (2, ""))
