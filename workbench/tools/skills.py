"""Skills: folders with a `SKILL.md`, offered to the model by name and read when it asks for one.

Only folders that a person names are looked at, and nothing outside of them is ever read. A path is checked and then
opened, so somebody who can change the folder in between is not kept out: a skill is as trusted as its folder.
"""

# No postponed annotations: the schema of `read_skill` is made of the names that are known only where it is declared.

import asyncio
import os
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated

from pydantic import Field

from workbench.errors import AgentError, ToolError
from workbench.tools import front_matter
from workbench.tools.base import NAME, Tool
from workbench.tools.declaring import tool
from workbench.tools.front_matter import FrontMatterError

READ_SKILL = "read_skill"
SKILL_FILE = "SKILL.md"
MOST_BYTES = 256 * 1024
"""Of one file of a skill."""
MOST_SKILLS = 100
LONGEST_DESCRIPTION = 1024
MOST_NAMED = 20
"""Files that an error message names."""
MOST_ENTRIES = 1000
"""Files of a skill that are looked at for that."""


@dataclass(frozen=True, slots=True)
class Skill:
    """A folder that says how something is done."""

    name: str
    description: str
    """What it is good for, in the words by which a model chooses it."""
    folder: Path


class _UnreadableError(Exception):
    """Why a file cannot be read."""


def load_skills(paths: Iterable[str | Path]) -> tuple[Skill, ...]:
    """Return the skills of these folders, each a skill itself or a folder of skills; raises `AgentError`."""
    skills: dict[str, Skill] = {}
    for path in paths:
        for skill in _of_path(Path(path).expanduser()):
            if (other := skills.get(skill.name)) and other.folder != skill.folder:
                raise AgentError(f"two skills are named {skill.name!r}: {other.folder} and {skill.folder}")
            skills[skill.name] = skill
            if len(skills) > MOST_SKILLS:
                raise AgentError(f"{path}: an agent may have {MOST_SKILLS} skills, and these are more")
    return tuple(skills.values())


def skill_tools(skills: Sequence[Skill]) -> tuple[Tool, ...]:
    """Return the tool that reads `skills`; none where there are none."""
    if not skills:
        return ()
    by_name = {skill.name: skill for skill in skills}
    listed = "\n".join(f"- {skill.name}: {skill.description}" for skill in skills)
    described = (
        "Read how something is done, before you do it. Read a skill whenever its description fits the task:\n"
        f"{listed}\nA skill may name further files of its own; read those with `file`."
    )

    @tool(name=READ_SKILL, description=described, read_only=True)
    async def read_skill(
        name: Annotated[str, Field(description="Name of the skill", json_schema_extra={"enum": list(by_name)})],
        file: Annotated[
            str, Field(description="A file of the skill, by its path within it", min_length=1)
        ] = SKILL_FILE,
    ) -> str:
        if (skill := by_name.get(name)) is None:
            raise ToolError(f"there is no skill {name!r}; there are: {', '.join(by_name)}")
        return await asyncio.to_thread(_read_for_model, skill, file)

    return (read_skill,)


def _of_path(path: Path) -> list[Skill]:
    if not path.is_dir():
        raise AgentError(f"{path}: there is no such folder of skills")
    folder = path.resolve()
    if os.path.lexists(folder / SKILL_FILE):
        return [_load(folder)]
    found = []
    for inner in sorted(folder.iterdir()):
        if inner.is_dir() and os.path.lexists(inner / SKILL_FILE):
            if inner.is_symlink():
                raise AgentError(f"{inner}: a skill may not be a link; name the folder that it leads to")
            found.append(_load(inner))
    if not found:
        raise AgentError(f"{path}: there is no {SKILL_FILE} in it, nor in a folder of it")
    return found


def _load(folder: Path) -> Skill:
    path = folder / SKILL_FILE
    try:
        text = _text(folder, SKILL_FILE)
        matter = front_matter.read(text)
    except FileNotFoundError:
        raise AgentError(f"{path}: it is a link that leads nowhere") from None
    except _UnreadableError as error:
        raise AgentError(f"{path}: {error}") from None
    except FrontMatterError as error:
        raise AgentError(f"{path}:{error.line}: {error}") from None
    for wanted in ("name", "description"):
        if not matter.fields.get(wanted, "").strip():
            raise AgentError(f"{path}:{matter.lines.get(wanted, 1)}: the front matter does not say its {wanted}")
    name, description = matter.fields["name"].strip(), " ".join(matter.fields["description"].split())
    if not NAME.fullmatch(name):
        raise AgentError(f"{path}:{matter.lines['name']}: {name!r} is no name of 1 to 64 letters, digits, _ and -")
    if len(description) > LONGEST_DESCRIPTION:
        raise AgentError(
            f"{path}:{matter.lines['description']}: the description has {len(description):,} characters; "
            f"it may have {LONGEST_DESCRIPTION:,}"
        )
    return Skill(name, description, folder)


def _read_for_model(skill: Skill, file: str) -> str:
    try:
        text = _text(skill.folder, file)
    except FileNotFoundError:
        there = ", ".join(_files(skill.folder))
        raise ToolError(f"skill {skill.name} has no file {file!r}; it has: {there}") from None
    except _UnreadableError as error:
        raise ToolError(f"{file!r} of skill {skill.name}: {error}") from None
    if file != SKILL_FILE:
        return text
    try:
        return front_matter.split(text)[1] or text
    except FrontMatterError:
        return text


def _text(folder: Path, file: str) -> str:
    """Return the text of a file in `folder`; raises `FileNotFoundError` or `_UnreadableError`."""
    parts = PurePosixPath(file).parts
    if "\0" in file or "\\" in file or file.startswith(("/", "~")) or ".." in parts or not parts:
        raise _UnreadableError("only a path within the skill's own folder can be read")
    try:
        path = folder.joinpath(*parts).resolve(strict=True)
    except FileNotFoundError:
        raise
    except (OSError, RuntimeError, ValueError) as error:
        raise _UnreadableError(f"it cannot be read ({getattr(error, 'strerror', None) or error})") from None
    if not path.is_relative_to(folder.resolve()):
        raise _UnreadableError("it is a link that leads out of the skill's folder")
    try:
        # Neither a link put there since, nor a wait for the other end of a pipe.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    except OSError as error:
        raise _UnreadableError(f"it cannot be read ({error.strerror})") from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _UnreadableError("it is no file")
    with os.fdopen(descriptor, "rb") as opened:
        raw = opened.read(MOST_BYTES + 1)
    if len(raw) > MOST_BYTES:
        raise _UnreadableError(f"it is larger than {MOST_BYTES // 1024} KiB")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise _UnreadableError("it is not UTF-8 text") from None


def _files(folder: Path) -> list[str]:
    """Return the first files of a skill, by their paths within it."""
    found: list[str] = []
    looked_at = 0
    for inside, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            looked_at += 1
            found.append((Path(inside) / name).relative_to(folder).as_posix())
        if looked_at > MOST_ENTRIES or len(found) >= MOST_NAMED:
            break
    return found[:MOST_NAMED]
