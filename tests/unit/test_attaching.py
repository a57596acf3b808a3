"""Files that a person gives with a question or a message: what is taken, what is refused, where they are shown."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.cli_harness import QUESTION, Shell
from tests.harness import Rig, answer
from workbench.debugger.fork import ForkPreview
from workbench.driver import attaching
from workbench.driver.attaching import attached, listed, mentioned
from workbench.driver.commands import AgentOptions, ForkEdits, ForkRun, PreviewFork, Say, StartRun
from workbench.errors import EditRefusedError, UserError
from workbench.events.content import (
    PAGE_BYTES,
    Content,
    DocumentBlock,
    ImageBlock,
    TextBlock,
    context_size,
    text_content,
)
from workbench.events.request import UserMessage
from workbench.providers.offline import OfflineProvider
from workbench.providers.scripted import ScriptedProvider, Turn
from workbench.providers.wire.blocks import takes, takes_less
from workbench.state.run_state import RunState
from workbench.tools.declaring import tool

PNG, PDF = b"\x89PNG\r\n\x1a\n rest", b"%PDF-1.7 rest"
STARTS = {
    "image/png": PNG,
    "image/jpeg": b"\xff\xd8\xff\xe0 rest",
    "image/gif": b"GIF89a rest",
    "image/webp": b"RIFF\x00\x00\x00\x00WEBP rest",
}
IMAGE = ImageBlock(data=PNG, media_type="image/png", name="a.png")
PAPER = DocumentBlock(data=PDF, media_type="application/pdf", name="paper.pdf")


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Shell:
    """Return a command line on a database that is not there yet."""
    return Shell(tmp_path / "runs.db", capsys)


def written(folder: Path, name: str, data: bytes) -> str:
    """Write a file and return its path."""
    path = folder / name
    path.write_bytes(data)
    return str(path)


# Reading


@pytest.mark.parametrize("kind", STARTS)
def test_an_image_is_known_by_its_bytes(tmp_path: Path, kind: str) -> None:
    """Whatever its name says."""
    name = written(tmp_path, "picture.txt", STARTS[kind])
    assert attached([name]) == (ImageBlock(data=STARTS[kind], media_type=kind, name="picture.txt"),)


def test_a_pdf_and_a_text_are_taken_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the order in which they are named; a text has its name in front, `~` is the home folder."""
    monkeypatch.setenv("HOME", str(tmp_path))
    written(tmp_path, "paper", PDF)
    written(tmp_path, "notes.md", "\ufeffeins, 二\n".encode())
    pdf, text = attached(["~/paper", "~/notes.md"])
    assert pdf == DocumentBlock(data=PDF, media_type="application/pdf", name="paper")
    assert text == TextBlock(text="The attached file notes.md:\neins, 二\n", name="notes.md")


def test_what_cannot_be_given_is_refused_with_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing, a folder, a pipe, empty, of another kind, too large: each names the file and what is wrong."""
    monkeypatch.setattr(attaching, "LARGEST", 100)
    monkeypatch.setattr(attaching, "LARGEST_TEXT", 50)
    os.mkfifo(tmp_path / "pipe")
    cases = {
        str(tmp_path / "none"): "there is no file",
        str(tmp_path): "is a folder",
        str(tmp_path / "pipe"): "is no plain file",
        "\x00": "'\\x00'",
        "~nobody-of-that-name/x": "cannot be attached",
        written(tmp_path, "empty.png", b""): "is empty",
        written(tmp_path, "sound.png", b"RIFF\x00\x00\x00\x00WAVE"): "it is no PNG, JPEG, GIF, WebP, PDF or UTF-8 text",
        written(tmp_path, "latin.txt", b"\xe4\xf6"): "whatever its name says",
        written(tmp_path, "large.png", PNG + b"x" * 100): "is too large to attach: at most 100 bytes",
        written(tmp_path, "large.txt", b"x" * 51): "the text",
    }
    for name, words in cases.items():
        with pytest.raises(UserError) as caught:
            attached([name])
        assert words in str(caught.value), name
        assert "\n" not in str(caught.value)
    half = written(tmp_path, "half.png", PNG + b"x" * 50)
    with pytest.raises(UserError, match="too large together"):
        attached([half, half])


def test_a_line_names_files_with_commas_between_them(tmp_path: Path) -> None:
    """A name that holds a comma itself is one file, where there is one."""
    assert listed(" a.png , ~/b c.pdf,,") == ["a.png", "~/b c.pdf"]
    odd = written(tmp_path, "a,b.png", PNG)
    assert listed(f" {odd} ") == [odd]
    assert listed("  ") == []


def test_a_message_names_files_with_an_at_sign(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each once; people and packages stay text, and a plain path that leads nowhere is refused."""
    monkeypatch.chdir(tmp_path)
    written(tmp_path, "a.png", PNG)
    assert mentioned("Is @a.png like @./a.png or @a.png? Ask @alice about @angular/core, or a@b.") == attached(
        ["a.png", "./a.png"]
    )
    with pytest.raises(UserError, match=r"there is no file './b\.png'"):
        mentioned("See @./b.png")


@pytest.mark.parametrize(
    "text",
    ["What is in @plan.txt?", "See @plan.txt.", "(@plan.txt)", "@plan.txt, please", "“@plan.txt”!", "《@plan.txt》。"],
)
def test_punctuation_is_no_part_of_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """A file that is named in a sentence is meant, also by its path."""
    monkeypatch.chdir(tmp_path)
    written(tmp_path, "plan.txt", b"x")
    assert mentioned(text) == attached(["plan.txt"])
    assert mentioned(text.replace("@", "@./")) == attached(["./plan.txt"])
    assert mentioned(text.replace("plan", "none")) == ()


def test_punctuation_is_part_of_a_name_that_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The longest name wins; one that leads nowhere is told without the sentence's marks."""
    monkeypatch.chdir(tmp_path)
    written(tmp_path, "a.", b"with")
    written(tmp_path, "a", b"without")
    assert mentioned("See @a..") == attached(["a."])
    assert mentioned("See @a!") == attached(["a"])
    with pytest.raises(UserError, match=r"there is no file './b\.png' to attach"):
        mentioned("Is it (in @./b.png)?")
    assert mentioned("@ @? @... (@)") == ()


# The command line


def test_a_question_has_its_files(shell: Shell, tmp_path: Path) -> None:
    """They are stored with it, named where the run is shown, and `offline` says that it cannot look at them."""
    files = [written(tmp_path, "a.png", PNG), written(tmp_path, "b.pdf", PDF), written(tmp_path, "c.md", b"# C")]
    given = [word for name in files for word in ("--attach", name)]
    printed = shell("run", QUESTION, *given)
    assert printed.code == 0
    assert printed.out.splitlines()[:4] == [
        QUESTION,
        "▣ image/png · 13 B · a.png",
        "▣ application/pdf · 13 B · b.pdf",
        "▣ text/plain · 3 B · c.md",
    ]
    assert "I cannot look at files that come with a question, so this leaves out a.png, b.pdf and c.md." in printed.out
    shown = shell("show", "@last", "--json").json
    assert shown["task"] == QUESTION
    assert shown["attached"] == [
        {"media_type": "image/png", "size": 13, "name": "a.png"},
        {"media_type": "application/pdf", "size": 13, "name": "b.pdf"},
        {"text": "The attached file c.md:\n# C"},
    ]
    assert shell.runs()[0]["task"] == QUESTION


def test_a_question_that_begins_like_a_file_is_a_question(shell: Shell, tmp_path: Path) -> None:
    """What was attached is known by a mark, never by its words."""
    asked = f"The attached file notes.txt:\n{QUESTION}"
    printed = shell("run", "--plan", "off", asked, "--attach", written(tmp_path, "c.md", b"# C"))
    assert printed.code == 0
    assert printed.out.splitlines()[:3] == [*asked.splitlines(), "▣ text/plain · 3 B · c.md"]
    assert "so this leaves out c.md." in printed.out
    shown = shell("show", "@last", "--json").json
    assert shown["attached"] == [{"text": "The attached file c.md:\n# C"}]
    assert shown["steps"][0]["calls"]
    assert "name" not in TextBlock(text="x").model_dump(mode="json")


def test_files_do_not_change_what_offline_looks_for(shell: Shell, tmp_path: Path) -> None:
    """Names and texts of files are no wishes of the person."""
    notes = written(tmp_path, "notes.md", b"decorators and closures and generators")
    shell("run", QUESTION)
    plain = [call["input"] for step in shell("show", "@last", "--json").json["steps"] for call in step["calls"][:9]]
    shell("run", QUESTION, "--attach", notes, "--attach", written(tmp_path, "closures.png", PNG))
    given = [call["input"] for step in shell("show", "@last", "--json").json["steps"] for call in step["calls"][:9]]
    assert given[:-1] == plain[:-1]


def test_a_message_has_its_files(shell: Shell, tmp_path: Path) -> None:
    """In a fork, and to a run that goes on."""
    name = written(tmp_path, "a.png", PNG)
    assert shell("run", QUESTION).code == 0
    assert shell("fork", "@last", "--say", "And this?", "--attach", name).code == 0
    (said,) = shell("show", "@last", "--json").json["messages"]
    assert (said["text"], said["attached"]) == (
        "And this?",
        [{"media_type": "image/png", "size": 13, "name": "a.png"}],
    )
    assert shell("resume", "@last", "--say", "And that?", "--attach", name).code == 0
    shown = shell("show", "@last").out
    assert shown.count("     ▣ image/png · 13 B · a.png") == 2


@pytest.mark.parametrize("command", ["run", "fork", "resume"])
def test_wrong_files_are_refused_before_anything_is_written(shell: Shell, tmp_path: Path, command: str) -> None:
    """One sentence, exit 2, and the log is as it was; so are files that nothing is said with."""
    assert shell("run", QUESTION).code == 0
    missing, name = str(tmp_path / "none.png"), written(tmp_path, "a.png", PNG)
    words = [QUESTION] if command == "run" else ["@last", "--say", "And?"]
    assert "there is no file" in shell.refused(command, *words, "--attach", name, "--attach", missing)
    if command != "run":
        assert "write it with --say" in shell.refused(command, "@last", "--attach", name)


def test_an_export_keeps_the_files(shell: Shell, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Also one that is larger than a line of a session file otherwise is: what is imported is what was asked."""
    large = written(tmp_path, "large.png", PNG + bytes(range(256)) * 20_000)
    assert shell("run", "--plan", "off", QUESTION, "--attach", large).code == 0
    assert shell("fork", "@last", "--say", "And?", "--attach", large, "--no-drive").code == 0
    run = shell.last()
    path = tmp_path / "run.jsonl"
    assert shell("export", "@last", "-o", str(path)).code == 0
    other = Shell(tmp_path / "other.db", capsys)
    assert other("import", str(path)).code == 0
    assert other("show", run, "--json").json["attached"] == shell("show", run, "--json").json["attached"]
    again = tmp_path / "again.jsonl"
    assert other("export", run, "-o", str(again)).code == 0

    def said(file: Path) -> list[Any]:
        lines = (json.loads(line) for line in file.read_text("utf-8").splitlines())
        events = (line.get("event", {}) for line in lines)
        return [one for one in events if one.get("kind") in ("run_started", "message_added")]

    assert said(again) == said(path)
    assert len(str(said(path))) > 12_000_000


# The driver


@tool(read_only=True)
async def look(word: str) -> tuple[ImageBlock, ...]:
    """Look a word up."""
    return (ImageBlock(data=PNG, media_type="image/png"),)


@tool(read_only=True)
async def read(word: str) -> str:
    """Read about a word."""
    return f"{word} " * 300


def seen(provider: ScriptedProvider) -> Content:
    """Return what was said in the last request."""
    last = provider.requests[-1].messages[-1]
    assert isinstance(last, UserMessage)
    return last.content


def test_the_model_is_given_question_and_files(tmp_path: Path) -> None:
    """In this order; the run is called by its question alone, and a message brings its files too."""
    with Rig(tmp_path, [answer("1"), answer("2")]) as rig:
        run = rig.ask(StartRun("What?", AgentOptions(), attached=(IMAGE, PAPER)))
        state = rig.finish(run)
        assert seen(rig.model) == (*text_content("What?"), IMAGE, PAPER)
        further = rig.ask(Say(run, "And?", (PAPER,)))
        rig.finish(further)
        assert seen(rig.model) == (*text_content("And?"), PAPER)
        with pytest.raises(EditRefusedError, match="say something with them"):
            rig.ask(ForkRun(run, "end", ForkEdits(attached=(PAPER,))))
        with pytest.raises(UserError, match="the question is empty"):
            rig.ask(StartRun(" ", AgentOptions(), attached=(IMAGE,)))
    assert state.task == "What?"


def test_a_recorded_question_is_asked_with_its_files(tmp_path: Path) -> None:
    """A recorded run is told again only to the question as it was."""
    with Rig(tmp_path, [answer("1")]) as rig:
        run = rig.ask(StartRun("What?", AgentOptions(), attached=(IMAGE,)))
        rig.finish(run)
        again = rig.finish(rig.ask(StartRun("", AgentOptions(model=f"recorded:{run}"))))
    assert again.status_and_reason == ("completed", "answered")
    assert again.question == (*text_content("What?"), IMAGE)


def test_a_large_image_leaves_room_in_the_context(tmp_path: Path) -> None:
    """Models count pixels and pages, not bytes: results are not left out because a picture has megabytes."""
    large = ImageBlock(data=PNG + bytes(3_000_000), media_type="image/png")
    script = [*[Turn(calls=[("read", {"word": "a"})])] * 3, answer("1")]
    with Rig(tmp_path, script, [read]) as rig:
        run = rig.ask(StartRun("What?", AgentOptions(), attached=(large,)))
        rig.finish(run)
        assert "context_elided" not in rig.kinds(run)
    book = DocumentBlock(data=PDF + bytes(10 * PAGE_BYTES), media_type="application/pdf")
    assert context_size((book,)) > 5 * context_size((large,))


def test_a_fork_says_which_files_its_model_is_only_told_of(tmp_path: Path) -> None:
    """Of the question, of results and of the new message; named, and none where the provider takes them."""
    models: Any = {"anthropic:m": ScriptedProvider([Turn(calls=[("look", {"word": "a"})]), answer("1")])}
    models |= {"bedrock:m": ScriptedProvider([]), "offline": OfflineProvider()}
    with Rig(tmp_path, [], [look], models=models) as rig:
        run = rig.ask(StartRun("What?", AgentOptions(model="anthropic:m"), attached=(IMAGE,)))
        rig.finish(run)

        def dropped(model: str, **edits: Any) -> tuple[str, ...]:
            preview: ForkPreview = rig.ask(PreviewFork(run, "end", ForkEdits(model=model, **edits)))
            return preview.dropped

        assert dropped("bedrock:m", say="And?", attached=(PAPER,)) == ()
        assert dropped("offline") == ("what a.png, image/png shows; a line says that it was there",)
        assert dropped("offline", say="And?", attached=(PAPER, PAPER)) == (
            "what a.png, image/png, paper.pdf, 1 more shows; a line says that it was there",
        )


def test_one_table_says_what_is_sent_as_it_is() -> None:
    """By the kind that a block says it has; what no API takes is told of in words."""
    assert takes("anthropic", IMAGE)
    assert not takes("anthropic", ImageBlock(data=b"", media_type="application/pdf"))
    assert not takes("offline", IMAGE)
    sheet = DocumentBlock(data=b"", media_type="text/csv")
    assert [takes(name, sheet) for name in ("openai", "openai-chat", "anthropic", "bedrock")] == [True] + [False] * 3
    assert takes_less("offline", "bedrock")
    assert takes_less("bedrock", "openai")
    assert not takes_less("openai", "bedrock")
    assert not takes_less("bedrock", "anthropic")


def test_a_state_without_a_task_has_no_question() -> None:
    """A run whose beginning is not there yet is shown all the same."""
    assert RunState().question == ()
