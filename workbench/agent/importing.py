"""Modules out of files and by name; what goes wrong in them is told with the line on which it stands."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import sys
import traceback
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import CodeType, ModuleType
from typing import Final

from pydantic import ValidationError

from workbench.errors import AgentError, WorkbenchError
from workbench.tools.arguments import first_problem

ENDINGS: Final = (".py", ".toml")
"""Of files in which agents stand."""
EXPECTED: Final = "an agent is named FILE.py, FILE.py:name, FILE.toml or package.module:name"


def is_file(where: str) -> bool:
    """Return whether a person means a file, rather than a module."""
    return where.endswith(ENDINGS) or "/" in where or "\\" in where


def imported(where: str, folder: Path) -> ModuleType:
    """Return the module that stands in a file, from `folder` on, or is named; raises `AgentError` with the line."""
    if not is_file(where):
        return imported_module(where)
    path = (folder / Path(where).expanduser()).resolve()
    if not path.is_file():
        raise AgentError(f"there is no file {str(path)!r}")
    return imported_file(path)


def allow_imports_from(folder: Path) -> None:
    """Let modules of a folder be imported, after all that is installed; for good: functions import when called."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def imported_module(name: str) -> ModuleType:
    """Return a module by its name; raises `AgentError` with the line."""
    if not all(name.split(".")):
        raise AgentError(f"{name!r} is no agent; {EXPECTED}")
    try:
        allow_imports_from(Path.cwd())
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is not None and (name == error.name or name.startswith(f"{error.name}.")):
            ends_wrongly = f"the file {name!r} ends neither in {' nor in '.join(ENDINGS)}"
            what = ends_wrongly if Path(name).is_file() else f"there is no module {name!r}"
            raise AgentError(f"{what}; {EXPECTED}") from None
        raise _told(error, name, None) from error
    except (Exception, SystemExit) as error:
        raise _told(error, name, None) from error


class _AsWritten(SourceFileLoader):
    """Runs what stands in a file, and never what lies beside it as its compiled form."""

    def get_code(self, fullname: str) -> CodeType | None:  # noqa: ARG002 - the signature of loaders
        return self.source_to_code(self.get_data(self.path), self.path)


def imported_file(path: Path) -> ModuleType:
    """Import a file by its path, anew each time."""
    name = f"workbench_agent_{path.stem}_{hashlib.sha256(str(path).encode()).hexdigest()[:8]}"
    spec = importlib.util.spec_from_file_location(name, path, loader=_AsWritten(name, str(path)))
    if spec is None or spec.loader is None:
        raise AgentError(f"{path.name} cannot be imported: it is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and annotations look their module up there
    try:
        allow_imports_from(path.parent)
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise _told(error, path.name, path) from error
    return module


def _told(error: BaseException, name: str, path: Path | None) -> AgentError:
    """Return what went wrong while an agent was imported, with the line."""
    if isinstance(error, SyntaxError):
        where = Path(error.filename or name).name
        line = f", line {error.lineno}" if error.lineno else ""  # zero bytes stand on none
        return AgentError(f"{where}{line}: it is not Python: {error.msg}")
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if path is None or Path(frame.filename) == path]
    outside = [frame for frame in own if "importlib" not in frame.filename]
    line = f", line {outside[-1].lineno}" if outside else ""
    where = Path(outside[-1].filename).name if outside else name
    if isinstance(error, SystemExit):
        return AgentError(
            f'{where}{line}: it ends the program when it is imported; put that behind if __name__ == "__main__":'
        )
    return AgentError(f"{where}{line}: {_words(error)}")


def _words(error: BaseException) -> str:
    """Return what an error says, in one line."""
    if isinstance(error, ValidationError):
        return f"{error.title}: {first_problem(error)}"
    said = str(error) if isinstance(error, WorkbenchError) else f"{type(error).__name__}: {error}"
    return " ".join(said.split())


def find_module(name: str) -> ModuleSpec | None:
    """Find a module, also from the working directory on, without importing the packages above it: that runs them."""
    first, *rest = name.split(".")
    spec = importlib.util.find_spec(first) or PathFinder.find_spec(first, [str(Path.cwd())])
    for part in rest:
        folders = spec.submodule_search_locations if spec is not None else None
        spec = PathFinder.find_spec(part, list(folders)) if folders is not None else None
    return spec
