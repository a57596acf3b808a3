"""`workbench fork --repeat N`: a race without a screen, its table, its files, and what its exit status says."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pytest

from tests.cli_harness import Shell, ctrl_c, use_script
from tests.harness import answer
from workbench.events.content import plain_text
from workbench.events.request import Request, UserMessage
from workbench.providers.scripted import Turn
from workbench.tools.declaring import tool


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Return a command line on a database with one run, which looked three words up."""

    @tool(read_only=True)
    async def look(word: str) -> str:
        """Look a word up."""
        return f"found {word}"

    def script(request: Request) -> Turn:
        results = [
            plain_text(block.content)
            for message in request.messages
            if isinstance(message, UserMessage)
            for block in message.results
        ]
        if not results:
            return Turn("Three at once.", [("look", {"word": word}) for word in ("a", "b", "c")])
        return answer(f"{request.model} {request.parameters.temperature}: {', '.join(results)}")

    use_script(monkeypatch, script, [look])
    made = Shell(tmp_path / "runs.db", capsys)
    assert made("run", "--plan", "off", "What?").code == 0
    return made


def rows_of(shell: Shell) -> list[dict[str, Any]]:
    """Return the forks in the order in which they were made."""
    return [row for row in reversed(shell.runs()) if row["parent"]]


def test_one_moment_is_repeated(shell: Shell) -> None:
    """Five forks of one call, a table with their spread on stdout, progress on stderr, exit 0."""
    parent = shell.last()
    printed = shell("fork", parent, "--rerun", "0.1", "--repeat", "5", "--at-once", "2")
    assert printed.code == 0, printed
    assert "5✓" in printed.out
    assert "from – to" in printed.out
    assert "middle half" in printed.out
    assert "1 of 5" in printed.out
    assert "5 runs, 2 at a time" in printed.err
    assert "5/5  again 0.1 · " in printed.err
    assert len(rows_of(shell)) == 5


def test_one_run_is_said_to_prove_nothing(shell: Shell) -> None:
    """A table of one run each has no spread, and says why that is not enough."""
    printed = shell("fork", "@last", "--at", "0.1", "--vary", "temperature=0,1")
    assert printed.code == 0
    assert "from – to" not in printed.out
    assert "one sample of a model proves nothing" in printed.err
    assert "--repeat N makes more" in printed.err


def test_values_and_files_name_variants(shell: Shell, tmp_path: Path) -> None:
    """A list of values makes a variant each, a file a variant for each table; all have the options' edits in common."""
    file = tmp_path / "variants.toml"
    file.write_text('[careful]\nparameters = { temperature = 0.25 }\n[other]\nresults = { "0.2" = "no c" }\n')
    printed = shell("fork", "@last", "--result", "0.1=no b", "--vary", "model=x,y", "--vary", f"@{file}", "--json")
    assert printed.code == 0, printed
    runs = printed.json["runs"]
    assert {run["variant"]: run["answer"] for run in runs} == {
        "model x": "x None: found a, no b, found c",
        "model y": "y None: found a, no b, found c",
        "careful": "scripted 0.25: found a, no b, found c",
        "other": "scripted None: found a, no b, no c",
    }
    assert [one["variant"] for one in printed.json["variants"]] == ["model x", "model y", "careful", "other"]


def test_a_check_decides_on_the_exit_status(shell: Shell) -> None:
    """0 as soon as one passes, 1 where none does; the rate stands in the table with its interval."""
    run = shell.last()
    varied = ("fork", run, "--at", "0.1", "--repeat", "2", "--vary", "temperature=0,1")
    some = shell(*varied, "--check", "pattern:scripted 1")
    assert some.code == 0
    assert "2/2" in some.out
    assert "34–100 %" in some.out
    assert shell(*varied, "--check", "pattern:never").code == 1


def test_a_judge_without_a_verdict_decides_nothing(shell: Shell) -> None:
    """A judge that comes to no verdict is told of, and the run counts as neither passed nor failed."""
    printed = shell("fork", "@last", "--rerun", "0.1", "--check", "judge:x", "--json")
    (run,) = printed.json["runs"]
    assert run["verdict"]["passed"] is None
    assert "the judge gave no verdict" in run["verdict"]["why"]
    assert printed.json["variants"][0]["passed"] is None
    assert printed.code == 1


def test_the_embedded_model_can_be_the_judge(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Without a key a race with a judge runs, too: by the words of the criterion, and it says that this is all."""
    shell = Shell(tmp_path / "runs.db", capsys)
    assert shell("run", "--plan", "off", "What is a context manager?").code == 0
    run = shell.last()
    good = shell("fork", run, "--at", "1", "--check", "judge:It mentions the context manager.", "--json").json["runs"][
        0
    ]
    bad = shell("fork", run, "--at", "1", "--check", "judge:It mentions PgBouncer pooling.", "--json").json["runs"][0]
    assert good["verdict"]["passed"] is True
    assert bad["verdict"]["passed"] is False
    assert "The answer lacks: PgBouncer, pooling." in bad["verdict"]["why"]
    assert "compares words" in bad["verdict"]["why"]


def test_csv_and_markdown_are_written(shell: Shell, tmp_path: Path) -> None:
    """A line a run and a table of variants; a file that is there already is never overwritten, before anything runs."""
    table, sheet = tmp_path / "race.md", tmp_path / "race.csv"
    words = ("fork", shell.last(), "--rerun", "0.1", "--repeat", "2", "--csv", str(sheet), "--markdown", str(table))
    assert shell(*words).code == 0
    rows = list(csv.DictReader(io.StringIO(sheet.read_text("utf-8"))))
    assert [(row["variant"], row["number"], row["ended"]) for row in rows] == [
        ("again 0.1", "1", "completed"),
        ("again 0.1", "2", "completed"),
    ]
    assert "| again 0.1 | 2 | 2 completed |" in table.read_text("utf-8")
    assert "there is a file" in shell.refused(*words)


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (["--vary", "colour=red"], "--vary expects model, temperature"),
        (["--vary", "model=a,,b"], "has an empty value"),
        (["--vary", "temperature=warm"], "expected a number"),
        (["--vary", "@nowhere.toml"], "cannot be read"),
        (["--check", "good"], "is no check; write pattern:REGEX"),
        (["--repeat", "101"], "starts at most 100"),
        (["--repeat", "2", "--vary", "temperature=0,0"], "needs a name of its own"),
        (["--go-on", "--repeat", "2"], "--go-on takes a race as it is"),
        (["--go-on"], "is in no race"),
        (["--repeat", "2", "--csv", "nowhere/race.csv"], "there is no folder"),
        (["--repeat", "2", "--no-drive", "--break", "step"], "--break is for runs that go on at once"),
    ],
)
def test_what_makes_no_race_is_refused(shell: Shell, words: list[str], why: str) -> None:
    """One sentence, nothing written, exit 2."""
    assert why in shell.refused("fork", shell.last(), *words)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("[a", "is no TOML"),
        ("x = 1", "has no variants"),
        ("[a]\nmodle = 'x'", "variant 'a' has 'modle'; there are model"),
        ("[a]\nsay = 3", "'say' of variant 'a' is 3; expected text"),
        ("[a]\nresults = 3", "expected a table"),
        ("[a]\nplan = ['nothing']", 'expected "skip" or a list'),
        ("[a]\ninputs = { '0.1' = 3 }", "expected a table of its fields"),
    ],
)
def test_a_file_of_variants_is_read_strictly(shell: Shell, tmp_path: Path, text: str, why: str) -> None:
    """A misspelt key would make a variant that is none, so it is refused by name."""
    file = tmp_path / "variants.toml"
    file.write_text(text)
    assert why in shell.refused("fork", shell.last(), "--vary", f"@{file}")


def test_a_breakpoint_stops_runs_of_a_race(shell: Shell) -> None:
    """Each run stops at it and says so, the race is not done and exits 130, and it goes on from there."""
    printed = shell("fork", shell.last(), "--rerun", "0.1", "--repeat", "2", "--break", "tool:look")
    assert printed.code == 130, printed
    assert printed.err.count("stopped at a breakpoint") == 2
    assert "0 of 2 are done; go on with:" in printed.err
    again = shell("fork", "@last", "--go-on")
    assert again.code == 0, again
    assert "2✓" in again.out


def test_ctrl_c_stops_all_and_the_race_can_go_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What runs is paused, what waited did not begin, exit 130; the printed command finishes the race."""
    press = ctrl_c(monkeypatch)
    presses: list[bool] = []

    @tool(read_only=True)
    async def look() -> str:
        """Look."""
        if presses:
            presses.pop()
            await press()
        return "found"

    def script(request: Request) -> Turn:
        is_done = any(isinstance(one, UserMessage) and one.results for one in request.messages)
        return answer("done") if is_done else Turn("", [("look", {})])

    use_script(monkeypatch, script, [look])
    shell = Shell(tmp_path / "runs.db", capsys)
    assert shell("run", "--plan", "off", "What?").code == 0
    run = shell.last()
    presses.append(True)  # the first fork presses it
    printed = shell("fork", run, "--at", "0", "--repeat", "3", "--at-once", "1")
    assert printed.code == 130, printed
    assert "0 of 3 are done; go on with: workbench --db" in printed.err
    words = printed.err.rpartition("workbench --db ")[2].split()[1:]
    assert words[0] == "fork"
    assert words[2] == "--go-on"
    again = shell(*words)
    assert again.code == 0, again
    assert "3✓" in again.out
