"""Skills: what is loaded, what is refused with a sentence and a line, and that nothing outside a skill is ever read."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from workbench.errors import AgentError, ToolError
from workbench.tools import front_matter
from workbench.tools.base import Tool, ToolContext
from workbench.tools.skills import LONGEST_DESCRIPTION, MOST_BYTES, load_skills, skill_tools

MATTER = "---\nname: {name}\ndescription: {description}\n---\n"


def skill(
    folder: Path, name: str = "letters", description: str = "How letters are written.", body: str = "Hm."
) -> Path:
    """Make a skill and return its folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "SKILL.md").write_text(MATTER.format(name=name, description=description) + body, "utf-8")
    return folder


async def read(tool: Tool, **given: Any) -> str:
    """Call the tool as the engine does."""
    result = tool.call(tool.validate(given), cast("ToolContext", SimpleNamespace(pace=0)))
    return str(await cast("Any", result))


async def test_a_skill_is_offered_by_name_and_read_when_asked_for(tmp_path: Path) -> None:
    """The description of the one tool lists the skills; the body comes without its front matter, other files whole."""
    letters = skill(tmp_path / "skills" / "letters", body="Write to people.\n")
    skill(tmp_path / "skills" / "poems", "poems", "How poems are made.")
    (letters / "parts").mkdir()
    (letters / "parts" / "greeting.md").write_text("Dear sir", "utf-8")
    (tmp_path / "skills" / "no-skill").mkdir()
    (tool,) = skill_tools(load_skills([tmp_path / "skills"]))
    assert tool.name == "read_skill"
    assert (tool.spec.effect, tool.spec.exposure) == ("read_only", ())
    assert "- letters: How letters are written.\n- poems: How poems are made.\n" in tool.spec.description
    assert cast("Any", tool.spec.input_schema)["properties"]["name"]["enum"] == ["letters", "poems"]
    assert await read(tool, name="letters") == "Write to people."
    assert await read(tool, name="letters", file="parts/greeting.md") == "Dear sir"
    assert await read(tool, name="letters", file="./parts/greeting.md") == "Dear sir"


def test_one_folder_may_be_a_skill_itself_and_named_twice(tmp_path: Path) -> None:
    """A path may lead to a skill; naming it again, or the folder around it, does no harm."""
    folder = skill(tmp_path / "letters")
    assert [found.name for found in load_skills([folder, tmp_path, str(folder)])] == ["letters"]
    assert skill_tools(()) == ()


@pytest.mark.parametrize(
    ("said", "read_as"),
    [
        ("plain words: with a colon", "plain words: with a colon"),
        ("'it''s quoted'", "it's quoted"),
        ('"a \\"word\\" and a \\\\"', 'a "word" and a \\'),
        ("words # a comment", "words"),
        ("words   # a comment", "words"),
        (">-\n  folded\n  over lines", "folded over lines"),
        ("|\n  kept\n  lines", "kept lines"),
        ("goes on\n  below", "goes on below"),
        ("words\nallowed-tools: [a, b]\nmetadata:\n  author: me\nlist:\n- a", "words"),
    ],
)
def test_the_forms_of_front_matter_that_people_write(tmp_path: Path, said: str, read_as: str) -> None:
    """Plain, quoted, folded, with comments, and beside fields that are passed over."""
    skill(tmp_path / "a", "a", said)
    assert load_skills([tmp_path / "a"])[0].description == read_as


@pytest.mark.parametrize("end", ["", "x", "# c"])
@pytest.mark.parametrize("said", ["words", ">", "'quoted'", ""])
def test_long_lines_take_no_long_time(said: str, end: str) -> None:
    """A skill may come from a stranger, and is read when its agent loads."""
    with suppress(front_matter.FrontMatterError):
        front_matter.read(f"---\nname: {said}{' ' * 200_000}{end}\n---\n")


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("", 1, "begin with a line ---"),
        ("# A heading\n", 1, "begin with a line ---"),
        ("---\nname: a\n", 1, "not closed"),
        ("---\nname: a\n---\n", 1, "does not say its description"),
        ("---\ndescription: a\n---\n", 1, "does not say its name"),
        ("---\nname:\ndescription: a\n---\n", 1, "does not say its name"),
        ("---\nname: a\nname: b\ndescription: c\n---\n", 3, "a second time"),
        ("---\nname: a\njust words\n---\n", 3, "no line of the form"),
        ("---\nname: a\ndescription: 'open\n---\n", 3, "has to end with it"),
        ("---\nname: a\ndescription: !!python/object x\n---\n", 3, "in quotes"),
        ("---\nname: a\ndescription: &anchor x\n---\n", 3, "in quotes"),
        ("---\nname: a\n\tdescription: x\n---\n", 3, "tab"),
        ("---\nname: a b\ndescription: x\n---\n", 2, "no name"),
        ("---\nname: ../a\ndescription: x\n---\n", 2, "no name"),
        (f"---\nname: {'a' * 65}\ndescription: x\n---\n", 2, "no name"),
        (f"---\nname: a\ndescription: {'x' * (LONGEST_DESCRIPTION + 1)}\n---\n", 3, "1,025 characters"),
    ],
)
def test_bad_front_matter_is_a_sentence_with_file_and_line(tmp_path: Path, text: str, line: int, says: str) -> None:
    """The person who wrote it finds the place."""
    (tmp_path / "SKILL.md").write_text(text, "utf-8")
    with pytest.raises(AgentError, match=says) as error:
        load_skills([tmp_path])
    assert str(error.value).startswith(f"{tmp_path / 'SKILL.md'}:{line}: ")


def test_names_are_unique(tmp_path: Path) -> None:
    """Two folders with one name are told apart by nobody."""
    skill(tmp_path / "a", "same")
    skill(tmp_path / "b", "same")
    with pytest.raises(AgentError, match="two skills are named 'same'"):
        load_skills([tmp_path])


def test_what_is_no_skill_is_a_sentence(tmp_path: Path) -> None:
    """No folder, a folder without skills, bytes that are no text, more than there is room for."""
    with pytest.raises(AgentError, match="no such folder"):
        load_skills([tmp_path / "nowhere"])
    with pytest.raises(AgentError, match=r"no SKILL\.md"):
        load_skills([tmp_path])
    (skill(tmp_path / "bytes") / "SKILL.md").write_bytes(b"---\nname: \xff\n---\n")
    with pytest.raises(AgentError, match="UTF-8"):
        load_skills([tmp_path / "bytes"])
    skill(tmp_path / "large", body="x" * MOST_BYTES)
    with pytest.raises(AgentError, match="larger than 256 KiB"):
        load_skills([tmp_path / "large"])


@pytest.mark.parametrize(
    "file",
    [
        "../secret.txt",
        "parts/../../secret.txt",
        "..",
        ".",
        "/etc/passwd",
        "//etc/passwd",
        "~/.ssh/id_rsa",
        "parts/..",
        "parts/../SKILL.md",
        "..\\secret.txt",
        "C:\\secret.txt",
        "SKILL.md\0.txt",
        "link.txt",
        "linked/secret.txt",
        "loop",
        "parts",
        "pipe",
        "a" * 5000,
        "nothing.md",
        " ",
        "SKILL.md/x",
    ],
)
async def test_no_path_leads_out_of_a_skill(tmp_path: Path, file: str) -> None:
    """Whatever a model asks for is a file in the folder, or an error that it can read, at once."""
    (tmp_path / "secret.txt").write_text("the secret", "utf-8")
    folder = skill(tmp_path / "letters")
    (folder / "parts").mkdir()
    (folder / "link.txt").symlink_to(tmp_path / "secret.txt")
    (folder / "linked").symlink_to(tmp_path)
    (folder / "loop").symlink_to(folder / "loop")
    os.mkfifo(folder / "pipe")
    (tool,) = skill_tools(load_skills([folder]))
    with pytest.raises(ToolError) as error:
        await read(tool, name="letters", file=file)
    assert "the secret" not in str(error.value)


async def test_a_file_that_is_not_there_is_answered_with_those_that_are(tmp_path: Path) -> None:
    """The model can mend it; so it can a wrong name."""
    folder = skill(tmp_path / "letters")
    (folder / "greeting.md").write_text("Dear sir", "utf-8")
    (tool,) = skill_tools(load_skills([folder]))
    with pytest.raises(ToolError, match=r"it has: SKILL\.md, greeting\.md"):
        await read(tool, name="letters", file="greetings.md")
    with pytest.raises(ToolError, match="there are: letters"):
        await read(tool, name="poems")
    (folder / "large.md").write_text("x" * (MOST_BYTES + 1), "utf-8")
    with pytest.raises(ToolError, match="larger"):
        await read(tool, name="letters", file="large.md")


def test_links_among_skills_are_refused(tmp_path: Path) -> None:
    """Neither a skill nor its SKILL.md may lie elsewhere; the folder that a person names may be a link."""
    elsewhere = skill(tmp_path / "elsewhere")
    (tmp_path / "skills").mkdir()
    (tmp_path / "skills" / "linked").symlink_to(elsewhere)
    with pytest.raises(AgentError, match="may not be a link"):
        load_skills([tmp_path / "skills"])
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "SKILL.md").symlink_to(elsewhere / "SKILL.md")
    with pytest.raises(AgentError, match="leads out"):
        load_skills([tmp_path / "other"])
    (tmp_path / "named").symlink_to(elsewhere)
    assert load_skills([tmp_path / "named"])[0].folder == elsewhere


def test_a_link_without_an_end_is_a_sentence(tmp_path: Path) -> None:
    """A SKILL.md that leads nowhere is told of as such."""
    (tmp_path / "SKILL.md").symlink_to(tmp_path / "gone")
    with pytest.raises(AgentError):
        load_skills([tmp_path])
