"""`recorded:RUN` on the command line, with the embedded model's own run as the recording."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli_harness import Shell


def test_a_run_is_told_again_and_a_fork_of_it_shows_where_it_parts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a question it is the one of then; what was never asked ends the run with exit 1, a place and a diff."""
    shell = Shell(tmp_path / "runs.db", capsys)
    assert shell("run", "What is a context manager?", "--headless").code == 0
    first = shell("show", "@last", "--json").json
    told = shell("run", "-m", "recorded:@last", "--headless")
    again = shell("show", "@last", "--json").json
    assert told.code == 0
    assert (again["task"], again["answer"]) == (first["task"], first["answer"])
    assert again["id"] != first["id"]
    assert again["model"] == f"recorded:{first['id']}"

    parted = shell("fork", first["id"], "--result", "0.0=nothing at all", "-m", f"recorded:{first['id']}")
    assert parted.code == 1
    assert "the result of call 0.0" in " ".join((parted.out + parted.err).split())
    assert "+nothing at all" in parted.out + parted.err


def test_a_recording_that_is_not_there_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence, exit 2, nothing written."""
    shell = Shell(tmp_path / "runs.db", capsys)
    assert shell("run", "What is a context manager?", "--headless").code == 0
    assert "'zzz'" in shell.refused("run", "Why?", "-m", "recorded:zzz", "--headless")
    assert "recorded:RUN" in shell.refused("run", "Why?", "-m", "recorded:", "--headless")


def test_without_a_recording_a_question_is_needed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Only a recorded run brings its own question."""
    shell = Shell(tmp_path / "runs.db", capsys)
    assert "a question is needed" in shell.refused("run", "-m", "offline", "--headless")
