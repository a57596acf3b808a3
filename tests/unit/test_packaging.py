"""What somebody gets who installs the program: everything it needs, and nothing else."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build a wheel with the build backend itself, offline, and return the folder into which it was unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    build = f"from hatchling.build import build_wheel; build_wheel({str(folder)!r})"
    run = subprocess.run([sys.executable, "-c", build], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "site")
    return folder / "site"


@pytest.fixture(scope="module")
def contents(installed: Path) -> set[PurePosixPath]:
    """Return the path of every installed file."""
    files = (file.relative_to(installed) for file in installed.rglob("*") if file.is_file())
    return {PurePosixPath(file.as_posix()) for file in files}


@pytest.mark.parametrize("kind", ["themes", "sessions"])
def test_themes_and_sessions_are_installed(contents: set[PurePosixPath], kind: str) -> None:
    """Every theme and every recorded session of the checkout lies where an installed program looks for it."""
    ours = {file.name for file in (ROOT / kind).iterdir() if file.suffix in {".toml", ".jsonl"}}
    assert ours
    assert {PurePosixPath("workbench/_data", kind, name) for name in ours} <= contents


def test_an_installed_program_finds_its_own_files(installed: Path, tmp_path: Path) -> None:
    """Away from the checkout the themes inside the package are read, from whatever folder it is started in."""
    (tmp_path / "themes").mkdir()
    program = "from workbench.config.resources import shipped; print(shipped('themes'))"
    run = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout.strip() == str(installed / "workbench" / "_data" / "themes"), run.stderr


def test_every_file_of_the_package_is_installed(contents: set[PurePosixPath]) -> None:
    """Code, prompts, styles and the mark that the package is typed are all there."""
    ours = {
        PurePosixPath(file.relative_to(ROOT).as_posix())
        for file in (ROOT / "workbench").rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert PurePosixPath("workbench/py.typed") in ours
    assert ours <= contents


def test_nothing_else_is_installed(contents: set[PurePosixPath]) -> None:
    """No tests and no papers land among other people's packages, and the licence does."""
    tops = {path.parts[0] for path in contents}
    assert {top for top in tops if not top.endswith(".dist-info")} == {"workbench"}
    assert any(path.name == "LICENSE" for path in contents)
