"""`recorded:RUN` on the command line, with the embedded model's own run as the recording."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli_harness import QUESTION, Shell


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


@pytest.mark.parametrize(("plan", "settings"), [("off", ""), ("auto", "plan = 'off'")])
def test_a_run_is_told_again_with_a_plan_or_without(
    plan: str, settings: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it was recorded, whatever the settings say of new runs; what was typed wins, and the sentence says why not."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    (tmp_path / "workbench").mkdir()
    (tmp_path / "workbench" / "settings.toml").write_text(settings)
    shell = Shell(tmp_path / "runs.db", capsys)
    assert shell("run", QUESTION, "--plan", plan).code == 0
    first = shell.last()
    told = shell("run", "-m", f"recorded:{first}")
    again = shell("show", "@last", "--json").json
    assert told.code == 0, told
    assert again["answer"] == shell("show", first, "--json").json["answer"]
    assert (again["plan"] is None) == (plan == "off")
    if plan == "off":
        parted = shell("run", "-m", f"recorded:{first}", "--plan", "auto")
        assert parted.code == 1
        said = f"this run asks for a plan, and run {first[:8]} made none: start it again with --plan off"
        assert said in " ".join(parted.out.split())


def test_a_plan_that_was_approved_is_not_asked_for_without_a_screen(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who is asked is the concern of the new run."""
    shell = Shell(tmp_path / "runs.db", capsys)
    assert shell("run", QUESTION, "--plan", "ask").code == 3
    assert shell("resume", "@last", "--plan", "approve").code == 0
    assert shell("run", "-m", "recorded:@last").code == 0


def test_a_recording_in_the_settings_plans_as_it_did(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the model is written makes no difference."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    shell = Shell(tmp_path / "runs.db", capsys)
    assert shell("run", QUESTION, "--plan", "off").code == 0
    (tmp_path / "workbench").mkdir()
    (tmp_path / "workbench" / "settings.toml").write_text(f"model = 'recorded:{shell.last()}'")
    told = shell("run", QUESTION)
    assert told.code == 0, told
    assert shell("show", "@last", "--json").json["plan"] is None
