"""The log of the program: one object a line, for its user alone, without keys, and never on the screen."""

from __future__ import annotations

import json
import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.telemetry_kit import KEY, SECRET, told
from workbench.driver.feed import Trouble
from workbench.telemetry import log_file
from workbench.telemetry.log_file import FILES, ProgramLog
from workbench.telemetry.log_lines import LogLines


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return where the log is to be."""
    return tmp_path / "state" / "workbench.log"


def lines(path: Path) -> list[dict[str, Any]]:
    """Return the lines of a log."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


@pytest.fixture(autouse=True)
def _nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> Iterator[None]:
    yield
    assert capfd.readouterr() == ("", "")


def test_a_line_is_an_object_and_the_file_is_ones_own(path: Path) -> None:
    """Whoever reads the log needs no parser of ours, and nobody else reads it."""
    with ProgramLog(path):
        logging.getLogger("workbench.x").info(
            "%s\nhappened", "this", extra={"given": {"run": "r1", "wait": 0.5, "no": None}}
        )
    (line,) = lines(path)
    assert line.pop("at").endswith("+00:00")
    assert line == {"level": "info", "logger": "workbench.x", "message": "this\nhappened", "run": "r1", "wait": 0.5}
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_others_could_read_is_closed_to_them(path: Path) -> None:
    """A log that a careless copy left open is one's own again."""
    path.parent.mkdir()
    path.touch(0o644)
    with ProgramLog(path):
        logging.getLogger("workbench").info("x")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_nothing_is_written_where_nothing_is_said(path: Path) -> None:
    """A command that has nothing to tell leaves no file."""
    with ProgramLog(path):
        pass
    assert not path.exists()


def test_libraries_write_there_and_only_what_matters(path: Path) -> None:
    """What a kit warns of is in the log; what it chats is there only with --verbose."""
    for verbose, expected in ((False, ["warning"]), (True, ["warning", "debug", "warning"])):
        with ProgramLog(path, verbose=verbose):
            for name in ("httpx", "anthropic", "openai._base_client", "mcp.client"):
                logger = logging.getLogger(name)
                before = logger.level
                logger.setLevel(logging.NOTSET)
                logger.debug("chat")
                if name == "httpx":
                    logger.warning("broken")
                logger.setLevel(before)
        said = [line["level"] for line in lines(path) if line["logger"] == "httpx"]
        assert said == expected


def test_keys_never_enter_it(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever says a key, in words, in values or in a traceback: the file has none."""
    monkeypatch.setenv("SOME_API_KEY", "my own + secret")
    with ProgramLog(path, verbose=True):
        logging.getLogger("openai").debug("Request options: %s", {"headers": {"Authorization": f"Bearer {KEY}"}})
        logging.getLogger("workbench").info("x", extra={"given": {"error": "key my own + secret refused"}})
        try:
            int(f"{KEY} is wrong")
        except ValueError:
            logging.getLogger("workbench").exception("it broke")
    text = path.read_text("utf-8")
    assert KEY not in text
    assert "secret refused" not in text
    assert text.count("[key]") >= 3
    assert "ValueError" in lines(path)[-1]["traceback"]


def test_it_is_cut_into_files_that_stay_few(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However much is said, the folder holds so many files of so many bytes."""
    assert (log_file.LARGEST, FILES) == (5_000_000, 5)
    monkeypatch.setattr(log_file, "LARGEST", 1000)
    with ProgramLog(path):
        for number in range(200):
            logging.getLogger("workbench").info("line %d", number)
    files = sorted(path.parent.iterdir())
    assert [file.name for file in files] == ["workbench.log", *(f"workbench.log.{number}" for number in range(1, 5))]
    assert all(file.stat().st_size <= 1000 for file in files)
    assert all(stat.S_IMODE(file.stat().st_mode) == 0o600 for file in files)
    assert lines(path)[-1]["message"] == "line 199"


def test_two_processes_share_it(path: Path) -> None:
    """When another process moves the file on, this one goes on in the new one."""
    with ProgramLog(path):
        logging.getLogger("workbench").info("first")
        _written(path, 1)
        path.rename(path.with_name("workbench.log.1"))
        logging.getLogger("workbench").info("second")
    assert [line["message"] for line in lines(path)] == ["second"]


def _written(path: Path, count: int) -> None:
    """Wait until so many lines are there."""
    for _ in range(100_000):
        if path.exists() and path.read_text("utf-8").count("\n") >= count:
            return
        os.sched_yield()
    pytest.fail("nothing was written")


@pytest.mark.parametrize("how", ["file", "folder"])
def test_a_log_that_cannot_be_written_stops_nothing(path: Path, how: str) -> None:
    """A state folder that is none is no reason to fail, and nothing is printed."""
    if how == "file":
        path.parent.write_text("in the way")
    else:
        path.mkdir(parents=True)
    with ProgramLog(path):
        logging.getLogger("workbench").warning("lost")


def test_the_loggers_are_as_before_when_it_is_closed(path: Path) -> None:
    """A program that uses the package finds its own logging as it was."""
    root = logging.getLogger()
    before = (root.level, list(root.handlers), logging.getLogger("workbench").level)
    with ProgramLog(path, verbose=True):
        assert root.level == logging.DEBUG
    assert (root.level, list(root.handlers), logging.getLogger("workbench").level) == before


def test_a_run_is_told_without_its_words(tmp_path: Path, path: Path) -> None:
    """The log says that a run began, what was tried again and how it ended; what was asked is in the run alone."""
    with ProgramLog(path):
        run, (child,) = told(tmp_path, LogLines())
    said = [(line["message"], line.get("run")) for line in lines(path)]
    assert said == [
        ("run begins", run), ("model is asked again", run), ("tool is tried again", run),
        ("calls run one by one", run), ("run begins", child), ("run rests", child), ("run rests", run),
    ]  # fmt: skip
    again = lines(path)[1]
    assert (again["level"], again["model"], again["error_kind"]) == ("warning", "scripted", "overloaded")
    assert lines(path)[-1]["status"] == "completed"


def test_verbose_tells_each_turn_and_call(tmp_path: Path, path: Path) -> None:
    """With --verbose the log is enough to see what a run did and how long that took, still without its words."""
    with ProgramLog(path, verbose=True):
        told(tmp_path, LogLines())
    messages = [line["message"] for line in lines(path) if line["logger"] == "workbench.run"]
    assert (messages.count("turn"), messages.count("call"), messages.count("step")) == (7, 9, 4)
    assert SECRET not in path.read_text("utf-8")


def test_trouble_is_written_down(path: Path) -> None:
    """What the screen shows as a sentence is in the log with its details."""
    with ProgramLog(path):
        LogLines().take(Trouble("the disk is full", run="r1", level="warning", detail="Traceback"))
    (line,) = lines(path)
    assert (line["level"], line["message"], line["run"], line["detail"]) == (
        "warning",
        "the disk is full",
        "r1",
        "Traceback",
    )
