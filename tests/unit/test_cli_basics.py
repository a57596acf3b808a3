"""The program around its commands: quick where nothing is done, one sentence where something is wrong."""

from __future__ import annotations

import errno
import io
import json
import logging
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli_harness import Shell
from workbench import __version__
from workbench.__main__ import main
from workbench.cli import commands
from workbench.cli.paper import Paper, json_text
from workbench.errors import StaleDriverError
from workbench.views.segments import Segment

HEAVY = ("pydantic", "textual", "rich", "anthropic", "openai", "aiosqlite", "sqlite3", "asyncio")


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Return a command line on a database that is not there yet."""
    return Shell(tmp_path / "runs.db", capsys)


def ran(code: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in a process of its own."""
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("words", [["--version"], ["--help"], ["run", "--help"], ["nonsense"]])
@pytest.mark.usefixtures("unmeasured")
def test_what_needs_nothing_imports_nothing(words: list[str]) -> None:
    """`--version`, help and a mistyped command answer at once: nothing heavy is imported for them."""
    done = ran(
        f"import sys; from workbench.__main__ import main; main({words!r});"
        f"print([name for name in {HEAVY!r} if name in sys.modules], file=sys.stderr)"
    )
    assert done.stderr.splitlines()[-1] == "[]"


def test_commands_without_a_screen_do_not_import_it(tmp_path: Path) -> None:
    """Only the screen needs Textual; a run in a pipe starts without it."""
    done = ran(
        "import sys; from workbench.__main__ import main;"
        f"main(['--db', {str(tmp_path / 'runs.db')!r}, 'run', 'What is a context manager?']);"
        "print([name for name in ('textual', 'rich', 'anthropic', 'openai') if name in sys.modules], file=sys.stderr)"
    )
    assert done.stderr.splitlines()[-1] == "[]"


def test_the_version_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    """`--version` says which version this is."""
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"workbench {__version__}\n"


def test_help_names_every_command_and_the_exit_codes(capsys: pytest.CaptureFixture[str]) -> None:
    """Help alone is enough to find a command and to write a script around it."""
    assert main(["--help"]) == 0
    told = capsys.readouterr().out
    for command in ("run", "open", "resume", "fork", "runs", "show", "diff", "export", "import", "purge", "doctor"):
        assert f"\n    {command} " in told
    assert "130 interrupted" in " ".join(told.split())


def test_help_of_open_says_what_can_be_done_there(capsys: pytest.CaptureFixture[str]) -> None:
    """A run that is opened can be answered and resumed, and then goes on: help does not promise otherwise."""
    assert main(["open", "--help"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "drives nothing" not in told
    assert "Opening lets nothing go on; answering what a run waits for there, or resuming it, does." in told


@pytest.mark.parametrize("command", ["open", "fork"])
def test_help_names_every_form_of_a_place(capsys: pytest.CaptureFixture[str], command: str) -> None:
    """What lists and forks call a place can be typed, and help says so."""
    assert main([command, "--help"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    for form in ("plan, ", "S (before step S)", "S.turn (", "S.C (", "seq:N (as of event N", "or end;"):
        assert form in told


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nonsense"], "invalid choice: 'nonsense'"),
        (["run", "--max-steps", "0", "x"], "--max-steps: expected a whole number above 0, not '0'"),
        (["run", "--max-steps", "9" * 99, "x"], "expected a whole number above 0"),
        (["run", "--max-cost", "nan", "x"], "--max-cost: expected a number, not 'nan'"),
        (["run", "--pace", "-1", "x"], "--pace: expected a number of seconds, 0 or more, not '-1'"),
        (["run", "--plan", "perhaps", "x"], "invalid choice: 'perhaps'"),
        (["run", "--json", "--headless", "x"], "not allowed with argument"),
        (["run", "--recrod", "f", "x"], "unrecognized arguments: --recrod"),
        (["runs", "--foo"], "unrecognized arguments: --foo. See `workbench runs --help`"),
        (["show", "a", "b"], "unrecognized arguments: b. See `workbench show --help`"),
        (["--foo", "runs"], "unrecognized arguments: --foo. See `workbench --help`"),
        (["show"], "the following arguments are required: RUN"),
        (["show", ""], "it is empty"),
        (["--db", " ", "runs"], "--db: it is empty"),
    ],
)
def test_a_wrong_command_line_is_one_sentence(shell: Shell, words: list[str], said: str) -> None:
    """What was typed wrongly is named, with where to find help; no usage over half a screen, nothing written."""
    printed = shell.refused(*words)
    assert said in printed
    assert "--help`" in printed
    assert not shell.database.exists()


def test_the_database_may_be_named_before_and_after_the_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--db` means the same on both sides of the command, and `WORKBENCH_DB` does where neither is there."""
    path = tmp_path / "other.txt"
    path.write_text("no database")
    for words in (["--db", str(path), "runs"], ["runs", "--db", str(path)]):
        assert main(words) == 2
        assert "is not a workbench database" in capsys.readouterr().err


def test_the_environment_names_the_database(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`WORKBENCH_DB` is where runs are looked for, unless `--db` says otherwise."""
    path = tmp_path / "other.txt"
    path.write_text("no database")
    monkeypatch.setenv("WORKBENCH_DB", str(path))
    assert main(["runs"]) == 2
    assert str(path) in capsys.readouterr().err
    assert main(["--db", str(tmp_path / "none.db"), "runs"]) == 0


def test_without_a_terminal_the_workbench_says_what_to_do(shell: Shell) -> None:
    """`workbench` alone needs a terminal; in a pipe it says so and names what works."""
    assert "needs a terminal" in shell.refused()


def test_an_unexpected_error_is_written_down(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A bug gives one sentence that names the file with its details; the question is not in that file."""

    def broken(args: object) -> int:
        raise KeyError("oops")

    monkeypatch.setattr(commands, "execute", broken)
    assert main(["run", "my secret question"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("workbench: something unexpected went wrong (KeyError: 'oops'). The details are in ")
    assert said.count("\n") == 1
    path = Path(said.split("The details are in ")[1].split("; with --debug")[0])
    assert "Traceback" in path.read_text()
    assert "my secret question" not in path.read_text()
    with pytest.raises(KeyError):
        main(["--debug", "run", "x"])


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt(), 130), (StaleDriverError("gone"), 1)])
def test_other_ends_have_their_codes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], error: BaseException, code: int
) -> None:
    """Ctrl-C is 130 and says nothing; what is nobody's mistake is 1 with a sentence; neither shows a traceback."""

    def ending(args: object) -> int:
        raise error

    monkeypatch.setattr(commands, "execute", ending)
    assert main(["runs"]) == code
    assert "Traceback" not in capsys.readouterr().err


PRINTING = [
    ["run", "What is a context manager?"], ["runs"], ["runs", "--json"], ["show", "@last"], ["diff", "@last", "@last"],
    ["export", "@last"], ["models"], ["doctor"], ["--help"],
]  # fmt: skip


def printed_to(
    stdout: int, database: Path, words: list[str], before: Callable[[], None] | None = None
) -> tuple[int, str]:
    """Type a command whose stdout, buffered as it is for everybody, leads there; return its exit code and stderr."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    done = subprocess.run(
        [sys.executable, "-m", "workbench", "--db", str(database), *words],
        stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=60, check=False, env=environment, preexec_fn=before,
    )  # fmt: skip
    return done.returncode, done.stderr


@pytest.mark.parametrize("words", PRINTING, ids=" ".join)
def test_a_reader_that_stops_reading_is_no_error(shell: Shell, words: list[str]) -> None:
    """`workbench … | head` ends quietly, as everything in a pipe does."""
    shell("run", "What is a context manager?")
    reading, writing = os.pipe()
    os.close(reading)
    try:
        assert printed_to(writing, shell.database, words) == (141, "")
    finally:
        os.close(writing)


@pytest.mark.parametrize("words", [["runs", "--json"], ["models"], ["--help"]], ids=" ".join)
def test_a_disk_without_room_is_one_sentence(shell: Shell, tmp_path: Path, words: list[str]) -> None:
    """What cannot be printed is told as such, without a traceback and without a file of details."""
    shell("run", "What is a context manager?")
    most = 1 << 20  # what is more than the database needs
    with (tmp_path / "printed").open("w") as file:
        file.seek(most)
        code, said = printed_to(
            file.fileno(), shell.database, words, lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
        )
    assert (code, said) == (1, f"workbench: what is printed cannot be written: {os.strerror(errno.EFBIG)}\n")


@pytest.mark.parametrize("closed", [(1,), (0, 1, 2)])
@pytest.mark.parametrize("words", [["runs"], ["runs", "--json"], ["doctor"], ["--help"]], ids=" ".join)
def test_closed_streams_are_not_missed(shell: Shell, words: list[str], closed: tuple[int, ...]) -> None:
    """With `>&-` nothing is printed, nothing goes wrong, and no file that is opened later takes the stream's place."""
    shell("run", "What is a context manager?")

    def close() -> None:
        for descriptor in closed:
            os.close(descriptor)

    assert printed_to(subprocess.DEVNULL, shell.database, words, close) == (0, "")


def test_an_unexpected_error_of_a_command_without_a_log_is_not_printed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A command that keeps no log file shows its traceback with `--debug` only."""

    def broken(args: object) -> int:
        raise KeyError("oops")

    monkeypatch.setattr("workbench.cli.runs.execute", broken)
    monkeypatch.setattr(logging.getLogger("workbench"), "propagate", False)  # pytest listens above
    assert main(["runs"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


@pytest.mark.parametrize("imported", ["argparse", "asyncio", "workbench.cli.runs", "pydantic"])
def test_ctrl_c_at_the_very_start_ends_without_a_traceback(tmp_path: Path, imported: str) -> None:
    """Ctrl-C while the program is still being imported ends it with 130 and not a word."""
    code = f"""
import importlib.abc, os, signal, sys

class Press(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == {imported!r}:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Press())
sys.argv = ["workbench", "--db", {str(tmp_path / "runs.db")!r}, "runs"]
from workbench.__main__ import main
sys.exit(main())
"""
    done = ran(code)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_ctrl_c_stays_ignored_where_it_is(tmp_path: Path) -> None:
    """A program that was begun with Ctrl-C ignored, as `nohup` and scripts do in the background, keeps it so."""
    code = f"""
import os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN)
sys.argv = ["workbench", "--db", {str(tmp_path / "runs.db")!r}, "runs"]
from workbench.__main__ import main
code = main()
assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
sys.exit(code)
"""
    assert ran(code).returncode == 0


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say yes."""
        return True


@pytest.mark.parametrize(("no_colour", "coloured"), [("", True), ("1", False)])
def test_colours_are_for_terminals_and_can_be_turned_off(
    monkeypatch: pytest.MonkeyPatch, no_colour: str, coloured: bool
) -> None:
    """Output is coloured on a terminal only, and not where `NO_COLOR` is set."""
    monkeypatch.setenv("NO_COLOR", no_colour)
    for stream, expected in ((Terminal(), coloured), (io.StringIO(), False)):
        Paper(stream).lines([(Segment("good", "ok"), Segment("   "))])
        assert ("\x1b[32mgood\x1b[m" in stream.getvalue()) == expected
        assert stream.getvalue().endswith("good\n" if not expected else "\x1b[m\n")


def test_json_holds_nothing_that_a_terminal_obeys() -> None:
    """JSON printed on a terminal is as inert as text, and still means the same."""
    value = {"x": "\x1b[2J \x9b2J \u202e \U000e0041 é 中文 \u2028\ufffe"}
    text = json_text(value)
    assert json.loads(text) == value
    assert not set(text) & set("\x1b\x9b\u202e\U000e0041\u2028\ufffe")
    assert "é 中文" in text


def test_json_survives_a_pipe_that_is_not_utf_8() -> None:
    """Where the stream cannot hold a character, JSON escapes it instead of losing it."""
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="latin-1", errors="replace", write_through=True)
    paper = Paper(stream)
    paper.json({"x": "中文 \U0001f4a9"})
    paper.raw('{"x":"中文 \U0001f4a9"}\n')
    lines = raw.getvalue().decode("ascii").splitlines()
    assert [json.loads(line) for line in lines] == [{"x": "中文 \U0001f4a9"}] * 2
