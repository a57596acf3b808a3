"""A coding agent: it checks a repository in four ways at once, each a process or a look at files with a time limit.

    workbench run -a docs/examples/repository.py "Check the repository in ./my-project."

The code is checked with ruff where that is installed, and else compiled; the tests are run with pytest where the
project has it, and else with unittest. Running tests runs the project's code, so name a repository that you trust, or
write permission="ask" beside `run_tests`.
"""

import asyncio
import importlib.util
import re
import sys
import tomllib
from pathlib import Path

from workbench import Agent, ToolError, tool

SECONDS = 120
MOST = 4_000  # characters of a program's output that the model is shown
SKIPPED = {".git", ".venv", "venv", "node_modules", "__pycache__", "build", "dist"}


def repository(folder: str) -> Path:
    """Return the folder, where it is one."""
    path = Path(folder).expanduser().resolve()
    if not path.is_dir():
        raise ToolError(f"{folder!r} is no folder")
    return path


def python_files(root: Path) -> list[Path]:
    """Return the Python files of a repository."""
    return sorted(file for file in root.rglob("*.py") if not SKIPPED & set(file.relative_to(root).parts))


async def run(root: Path, *command: str) -> tuple[int, str]:
    """Run a program in a folder, without a shell, and return its exit status and the end of what it printed."""
    process = await asyncio.create_subprocess_exec(
        *command,
        cwd=root,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        printed, _ = await asyncio.wait_for(process.communicate(), SECONDS)
    except TimeoutError:
        raise ToolError(f"{command[0]} was stopped after {SECONDS} s") from None
    finally:
        if process.returncode is None:  # too long, or the call was given up
            process.kill()
            await process.wait()
    return process.returncode or 0, printed.decode(errors="replace")[-MOST:].strip()


@tool(read_only=True, timeout=SECONDS + 10)
async def check_quality(folder: str = ".") -> str:
    """Check the code of a repository for mistakes."""
    root = repository(folder)
    if importlib.util.find_spec("ruff"):
        status, printed = await run(root, sys.executable, "-m", "ruff", "check", "--no-cache", ".")
        return f"Quality: ruff found {'nothing' if status == 0 else 'something'} to change.\n{printed}"
    files, wrong = python_files(root), []
    for file in files:
        try:
            compile(file.read_bytes(), str(file.relative_to(root)), "exec")
        except (SyntaxError, ValueError) as error:
            wrong.append(f"{file.relative_to(root)}: {error}")
    return "\n".join([f"Quality: {len(wrong)} of {len(files)} Python files do not compile.", *wrong])[:MOST]


@tool(timeout=SECONDS + 10)
async def run_tests(folder: str = ".") -> str:
    """Run the tests of a repository."""
    root = repository(folder)
    has_pytest = importlib.util.find_spec("pytest") is not None
    runner = ("pytest", "-q", "-p", "no:cacheprovider") if has_pytest else ("unittest", "discover")
    status, printed = await run(root, sys.executable, "-B", "-m", *runner)
    said = {0: "all pass", 5: "there are none"}.get(status, "some fail")
    return f"Tests: {said}.\n{printed if status else printed.rpartition(chr(10))[2]}"


@tool(read_only=True)
def check_dependencies(folder: str = ".") -> str:
    """Check what a repository depends on, and whether versions are said."""
    root = repository(folder)
    found: list[str] = []
    if (file := root / "pyproject.toml").is_file():
        try:
            project = tomllib.loads(file.read_text("utf-8")).get("project", {})
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ToolError(f"pyproject.toml cannot be read: {error}") from None
        found += project.get("dependencies", [])
    for file in sorted(root.glob("requirements*.txt")):
        lines = (line.partition("#")[0].strip() for line in file.read_text("utf-8").splitlines())
        found += [line for line in lines if line and not line.startswith("-")]
    loose = [name for name in found if not re.search(r"[=<>~@]", name)]
    said = f"Without a version: {', '.join(loose)}." if loose else "All of them say a version."
    return f"Dependencies: the repository names {len(found)}. {said if found else ''}".strip()


@tool(read_only=True)
def check_documentation(folder: str = ".") -> str:
    """Check whether a repository is documented: a README, and docstrings."""
    root = repository(folder)
    readme = any(root.glob("README*"))
    files = python_files(root)
    silent = [file for file in files if not re.match(r"\s*(?:#.*\s*)*[rR]?[\"']", file.read_text("utf-8", "replace"))]
    named = f": {', '.join(str(file.relative_to(root)) for file in silent[:9])}" if silent else ""
    return (
        f"Documentation: there is {'a' if readme else 'no'} README. "
        f"{len(silent)} of {len(files)} Python files begin without a docstring{named}."
    )


agent = Agent(
    name="repository",
    model="offline",
    instructions=(
        "You check repositories. Call check_quality, run_tests, check_dependencies and check_documentation on the "
        "repository, all in one turn. Then say what each of them found, and what to do first."
    ),
    tools=[check_quality, run_tests, check_dependencies, check_documentation],
    plan="off",
)
