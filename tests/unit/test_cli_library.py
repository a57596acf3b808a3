"""The commands that look, hand on and clean up: runs, show, diff, open, export, import, purge, doctor."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli_harness import Shell, by_step, content, use_script
from tests.harness import answer
from workbench.providers.scripted import Turn
from workbench.tools.declaring import tool


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Return a command line on a database that is not there yet."""
    return Shell(tmp_path / "runs.db", capsys)


@pytest.fixture
def family(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Return a run with a subagent, and a fork of it with another result."""

    @tool(read_only=True)
    async def look(word: str) -> str:
        """Look a word up."""
        return f"found {word}"

    looks = Turn("Both.", [("look", {"word": "alpha"}), ("look", {"word": "beta"})])
    spawn = Turn("Asking.", [("spawn_subagent", {"task": "Find gamma."})])
    steps = by_step([looks, spawn, answer("done", "x::1")])
    use_script(
        monkeypatch,
        lambda request: answer("gamma") if "Find gamma." in str(request.messages[0].content) else steps(request),
        [look],
    )
    assert shell("run", "--plan", "off", "What is alpha?").code == 0
    run = shell.last()
    assert shell("fork", run, "--result", "0.1=zirconium").code == 0
    return run, shell.last()


# runs


def test_a_fresh_machine_has_no_runs(shell: Shell) -> None:
    """Before the first run the list is empty, says how to begin, and makes no database."""
    assert "Start one with: workbench --db" in shell("runs").out
    assert shell("runs", "--json").json == []
    assert not shell.database.exists()


def test_runs_are_listed_newest_first(shell: Shell, family: tuple[str, str]) -> None:
    """A line a run: id, status, steps, what it was forked from, what it is about; subagents only when asked for."""
    run, fork = family
    lines = shell("runs").out.splitlines()
    assert [line[:8] for line in lines] == [fork[:8], run[:8]]
    assert "✓ completed" in lines[1]
    assert "  3 steps" in lines[1]
    assert lines[1].endswith("What is alpha?")
    assert f"✎ {run[:8]} at 0.1  What is alpha?" in lines[0]
    assert len(shell("runs", "--all").out.splitlines()) == 4
    assert f"subagent of {run[:8]} 1.0" in shell("runs", "--all").out


def test_the_list_as_json_has_what_programs_rely_on(shell: Shell, family: tuple[str, str]) -> None:
    """`runs --json` keeps its names: scripts read them."""
    run, fork = family
    listed = {row["id"]: row for row in shell("runs", "--json").json}
    assert len(listed) == 4
    assert {"id", "parent", "fork_at", "caller", "status", "task", "steps", "created"} <= set(listed[run])
    assert (listed[run]["parent"], listed[run]["fork_at"], listed[run]["caller"]) == (None, None, None)
    assert (listed[fork]["parent"], listed[fork]["fork_at"], listed[fork]["steps"]) == (run, "0.1", 3)
    assert {"run": run, "call": "1.0"} in [row["caller"] for row in listed.values()]


def test_runs_are_searched(shell: Shell, family: tuple[str, str]) -> None:
    """`--search` finds runs by what was said in them, results included; any text may be searched for."""
    run, fork = family
    assert [row["id"] for row in shell("runs", "--json", "--search", "zirconium").json] == [fork]
    assert run in [row["id"] for row in shell("runs", "--json", "--search", "beta").json]
    assert {run, fork} <= {row["id"] for row in shell("runs", "--json", "--search", "WHAT IS").json}
    assert shell("runs", "--json", "--search", "nowhere").json == []
    assert shell("runs", "--search", 'a" OR * NEAR(').code == 0
    none = shell("runs", "--search", "nowhere").out
    assert none == f"No run fits. All that there are: workbench --db {shell.database} runs --all\n"


def test_runs_are_hidden_shown_again_and_purged(shell: Shell, family: tuple[str, str]) -> None:
    """Hiding keeps everything; purging removes what is hidden and not needed, after saying what."""
    run, fork = family
    assert "No run is hidden" in shell("purge").out
    assert shell("runs", "--hide", run[:6]).code == 0
    assert [line[:8] for line in shell("runs").out.splitlines()] == [fork[:8]]
    kept = shell("purge", "--yes")
    assert "0 runs removed" in kept.out
    assert f"stayed hidden, because a visible fork reads from them: {run[:8]}" in kept.out
    assert shell("show", fork).code == 0
    assert shell("runs", "--unhide", run).code == 0
    assert shell("runs", "--hide", fork).code == 0
    assert "without a terminal say it with --yes" in shell("purge").err
    assert f"  {fork[:8]}  What is alpha?" in shell("purge", "--yes").out
    assert {row["id"] for row in shell.runs() if not row["caller"]} == {run}
    assert shell("show", run).code == 0


def test_runs_are_named_noted_tagged_and_marked(shell: Shell, family: tuple[str, str], tmp_path: Path) -> None:
    """What people say about runs is written down, listed, and taken back by saying nothing."""
    run, _ = family
    (tmp_path / "note.txt").write_text("first\nsecond")
    said = shell(
        "runs", "--name", f"{run[:6]}=The good one", "--tag", f"{run}=#a, b", "--mark", run,
        "--note", f"{run}=@{tmp_path / 'note.txt'}",
    )  # fmt: skip
    assert said.code == 0
    assert f"run {run[:8]} is named 'The good one'" in said.out
    assert "★ The good one  #a  #b" in shell("runs").out
    row = next(row for row in shell.runs() if row["id"] == run)
    assert (row["name"], row["tags"], row["note"], row["marked"]) == ("The good one", ["a", "b"], "first\nsecond", True)
    shell("runs", "--name", f"{run}=", "--tag", f"{run}=", "--note", f"{run}=", "--unmark", run)
    row = next(row for row in shell.runs() if row["id"] == run)
    assert (row["name"], row["tags"], row["note"], row["marked"]) == (None, [], None, False)
    assert "--name expects RUN=TEXT" in shell.refused("runs", "--name", "marmalade")


def test_hiding_what_is_not_there_is_refused(shell: Shell, family: tuple[str, str]) -> None:
    """A wrong id among right ones changes nothing."""
    run, _ = family
    assert "there is no run 'zzzz'" in shell.refused("runs", "--hide", run, "--hide", "zzzz")
    assert not any(row["hidden"] for row in shell.runs())


# show, open, diff


def test_a_run_is_shown(shell: Shell, family: tuple[str, str]) -> None:
    """`show` prints the run as text, `open` does the same where there is no terminal."""
    run, _ = family
    shown = shell("show", run[:5])
    assert shown.code == 0
    assert "  ✓ 0.1 look  beta" in shown.out
    assert "found beta" in shown.out
    assert "answered (3 steps; subagents ran 1)" in shown.out
    assert shell("open", run).out == shown.out


def test_a_run_is_shown_as_it_was(shell: Shell, family: tuple[str, str]) -> None:
    """`open --at` shows the run as of a place in it."""
    run, _ = family
    early = shell("open", run, "--at", "1").out
    assert "STEP 0" in early
    assert "STEP 1" not in early
    assert "has no step 9" in shell.refused("open", run, "--at", "9")
    assert "is no place in a run" in shell.refused("open", run, "--at", "x y")


def test_two_runs_are_compared(shell: Shell, family: tuple[str, str]) -> None:
    """`diff` finds the call whose result was edited."""
    run, fork = family
    compared = shell("diff", run, fork, "--json").json
    assert (compared["shared_steps"], compared["diverged_at"]) == (0, "0.1")
    assert compared["answer"] == {"a": "done", "b": "done"}
    assert "diverged at 0.1" in shell("diff", run, fork).out
    assert "there is no run" in shell.refused("diff", run, "zzzz")


@pytest.mark.parametrize("command", [["show"], ["open"], ["resume"], ["fork"], ["export"], ["diff", "@last"]])
def test_a_run_that_is_not_there_is_named(shell: Shell, family: tuple[str, str], command: list[str]) -> None:
    """An unknown run is told with those there are; a prefix that fits several names them."""
    assert "there is no run 'zzzz'; the newest are " in shell.refused(*command, "zzzz")
    starts = [row["id"][:1] for row in shell.runs()]
    shared = next((start for start in starts if starts.count(start) > 1), None)
    if shared is not None:
        assert "is the beginning of" in shell.refused(*command, shared)


# export, import


def test_a_session_goes_from_one_database_to_another(
    shell: Shell, family: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What was exported is imported, shown, forked and exported again, byte for byte; it is never driven."""
    run, fork = family
    path = tmp_path / "x.jsonl"
    exported = shell("export", fork, "-o", str(path))
    assert exported.out.startswith(f"{path}: 4 runs, ")
    assert path.read_text() == shell("export", fork).out
    other = Shell(tmp_path / "other.db", capsys)
    imported = other("import", str(path))
    assert imported.out.startswith("4 runs are new. Look with: workbench --db ")
    assert imported.out.strip().endswith(f"open {fork[:8]}")
    assert "Nothing is new" in other("import", str(path)).out
    assert other("export", fork).out == path.read_text()
    assert other("show", run, "--json").json == shell("show", run, "--json").json
    assert "imported" in other("runs").out
    assert "was imported; fork it" in other.refused("resume", fork) or "completed" in other.refused("resume", fork)
    assert other("fork", fork, "--result", "0.0=x").code == 0
    assert other("show", "@last", "--json").json["parent"] in (run, fork)


def test_only_what_belongs_to_a_run_is_exported(shell: Shell, family: tuple[str, str]) -> None:
    """A run goes with its subagents and its ancestors, with its forks only if they are asked for."""
    run, fork = family
    assert shell("export", run).out.count('{"run":{') == 2
    assert fork not in shell("export", run).out
    assert shell("export", run, "--forks").out.count('{"run":{') == 4
    child = next(row["id"] for row in shell.runs() if row["caller"] and row["caller"]["run"] == run)
    assert shell("export", child).out == shell("export", run).out


def test_a_session_file_is_opened(
    shell: Shell, family: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`open FILE` takes a file in and shows the run it is about, gzipped or not."""
    path = tmp_path / "x.jsonl.gz"
    path.write_bytes(gzip.compress(shell("export", family[1]).out.encode()))
    other = Shell(tmp_path / "other.db", capsys)
    assert other("open", str(path)).out == shell("show", family[1]).out


def test_a_file_cut_short_is_taken_and_told(
    shell: Shell, family: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Half a download is half a session: what is whole comes in, and the sentences are on stderr."""
    text = shell("export", family[1]).out
    path = tmp_path / "x.jsonl"
    path.write_text(text[: len(text) // 2])
    other = Shell(tmp_path / "other.db", capsys)
    printed = other("import", str(path))
    assert printed.code == 0
    assert "x.jsonl is cut short in line " in printed.err
    assert other.runs()


def test_a_file_that_is_no_session_is_refused(shell: Shell, tmp_path: Path) -> None:
    """Nothing is imported, and no database made, for a file of another kind, a newer one, or none."""
    path = tmp_path / "x.jsonl"
    for text, said in (
        ("hello", "is not a session file"),
        ('{"format":"workbench-session","version":9}\n', "Use a newer workbench"),
        ('{"format":"workbench-session","version":1}\n', "holds no whole run; nothing was imported"),
        ('{"format":"workbench-session","version":1}\n{}\n', "line 2: expected a run or an event"),
    ):
        path.write_text(text)
        for command in ("import", "open"):
            assert said in shell.refused(command, str(path))
    assert "there is no session file" in shell.refused("import", str(tmp_path / "none"))
    assert "there is no session file" in shell.refused("open", "none.jsonl")
    os.mkfifo(tmp_path / "pipe")
    assert "is a device, a pipe or a socket; expected a session" in shell.refused("import", str(tmp_path / "pipe"))
    assert not shell.database.exists()


def test_other_content_under_the_same_id_is_refused(shell: Shell, family: tuple[str, str], tmp_path: Path) -> None:
    """A file that contradicts what is here changes nothing."""
    path = tmp_path / "x.jsonl"
    path.write_text(shell("export", family[0]).out.replace("found alpha", "found omega"))
    assert "exists here with other content" in shell.refused("import", str(path))


def test_exports_never_write_over_other_files(shell: Shell, family: tuple[str, str], tmp_path: Path) -> None:
    """A wrong -o costs nobody a file; a session file is replaced whole."""
    notes = tmp_path / "notes.txt"
    notes.write_text("mine")
    assert "choose another name" in shell.refused("export", family[0], "-o", str(notes))
    assert "cannot be written" in shell.refused("export", family[0], "-o", str(tmp_path / "no" / "x.jsonl"))
    path = tmp_path / "x.jsonl"
    for run in family:
        assert shell("export", run, "-o", str(path)).code == 0
        assert path.read_text() == shell("export", run).out
    assert notes.read_text() == "mine"
    assert sorted(file.name for file in tmp_path.iterdir() if file.name.startswith(".")) == []


# databases


@pytest.mark.parametrize("command", [["runs"], ["show", "@last"], ["run", "What?"], ["resume", "@last"], ["purge"]])
def test_a_file_that_is_no_database_is_left_alone(shell: Shell, command: list[str]) -> None:
    """A foreign file, another program's database, a newer one and a damaged one are told apart and never written."""
    import sqlite3

    shell.database.write_bytes(b"just text, longer than the header of a database would be" * 4)
    assert "is not a workbench database" in shell.refused(*command)
    shell.database.unlink()
    with sqlite3.connect(shell.database) as connection:
        connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    assert "it is a SQLite database of another program" in shell.refused(*command)


@pytest.mark.parametrize(
    "command", [["runs"], ["show", "@last"], ["run", "What?"], ["runs", "--search", "x"], ["purge"]]
)
def test_a_pipe_is_no_database(shell: Shell, command: list[str]) -> None:
    """What is no file is named as such, whatever the command, and stays as it is, with nothing beside it."""
    os.mkfifo(shell.database)
    printed = shell(*command)
    assert printed.code == 2
    assert "it is a device, a pipe or a socket. Name a file with --db." in printed.err
    assert shell.database.is_fifo()
    assert list(shell.database.parent.iterdir()) == [shell.database]


def test_a_newer_database_is_refused(shell: Shell) -> None:
    """A database of a newer program names the version that is needed, and stays as it is."""
    import sqlite3

    shell("run", "What is a context manager?")
    with sqlite3.connect(shell.database) as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    for command in (["runs"], ["run", "What?"], ["doctor"]):
        printed = shell(*command)
        assert "has version 99; this workbench reads up to" in printed.out + printed.err
        assert printed.code == (1 if command == ["doctor"] else 2)


def test_a_damaged_database_is_refused(shell: Shell) -> None:
    """A torn file is told as such, with how to rescue what is left; nothing is written to it."""
    shell("run", "What is a context manager?")
    whole = shell.database.read_bytes()
    shell.database.write_bytes(whole[: len(whole) // 2 + 100])
    assert "is damaged" in shell.refused("run", "What?")
    assert "is damaged" in shell.refused("runs")


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    """Let nothing be written in a folder: by its mode, and for root, who may write anywhere, by its attribute."""
    root = os.geteuid() == 0
    subprocess.run(["chattr", "+i", str(folder)] if root else ["chmod", "500", str(folder)], check=True)
    try:
        yield
    finally:
        subprocess.run(["chattr", "-i", str(folder)] if root else ["chmod", "700", str(folder)], check=True)


def test_a_read_only_place_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing can be written, a run is refused with what to do, and nothing is left behind."""
    folder = tmp_path / "locked"
    folder.mkdir()
    with read_only(folder):
        assert "cannot be " in Shell(folder / "runs.db", capsys).refused("run", "What?")
    assert list(folder.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A database below a file cannot be; the sentence names the folder."""
    (tmp_path / "file").write_text("x")
    assert "cannot be made" in Shell(tmp_path / "file" / "sub" / "runs.db", capsys).refused("run", "What?")


# doctor


def test_the_doctor_finds_all_well(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """`doctor` tells versions, places, the database, themes and which keys are set; never a key itself."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-secret-value")
    assert shell("doctor").code == 0
    assert not shell.database.exists()
    shell("run", "What is a context manager?")
    printed = shell("doctor")
    assert printed.code == 0
    names = [line[2:].split()[0] for line in printed.out.splitlines()]
    assert {"workbench", "python", "sqlite", "terminal", "cache", "config", "database", "themes", "keys"} <= set(names)
    assert "with full-text search" in printed.out
    assert f"{shell.database}, " in printed.out
    assert "1 runs, 0 hidden" in printed.out
    assert "OPENAI_API_KEY" in printed.out
    assert "sk-secret-value" not in printed.out + printed.err


def test_the_doctor_tells_what_is_wrong(shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What does not work is marked, and the exit code says that there is something."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "workbench").mkdir()
    (tmp_path / "workbench" / "settings.toml").write_text("modle = 1\n")
    shell.database.write_text("x" * 200)
    printed = shell("doctor")
    assert printed.code == 1
    assert "✗ settings  the settings file" in printed.out
    assert "✗ database " in printed.out
    assert shell.database.read_text() == "x" * 200


def test_looking_writes_nothing(shell: Shell, family: tuple[str, str]) -> None:
    """Commands that only look leave the log as it is."""
    before = content(shell.database)
    for command in (["runs"], ["show", "@last"], ["diff", *family], ["export", "@last"], ["doctor"], ["open", "@last"]):
        assert shell(*command).code == 0
    assert content(shell.database) == before
    assert json.loads(shell("show", "@last", "--json").out)["status"] == "completed"


@pytest.mark.parametrize(("typed", "left"), [("y", 1), ("", 2), ("no", 2)])
def test_purging_asks_on_a_terminal(
    shell: Shell, family: tuple[str, str], monkeypatch: pytest.MonkeyPatch, typed: str, left: int
) -> None:
    """Only a yes removes anything; Enter alone does not."""
    shell("runs", "--hide", family[1])
    monkeypatch.setattr("workbench.cli.purge.has_terminal", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _: typed)
    printed = shell("purge")
    assert printed.code == 0
    assert ("Nothing was removed." in printed.out) == (left == 2)
    assert len([row for row in shell.runs() if not row["caller"]]) == left
