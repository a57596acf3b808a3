"""A setting written by the program: the line is there, and everything that the person wrote is as it was."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from workbench.config.saving import save_setting
from workbench.errors import ConfigError


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", 'theme = "paper"\n'),
        ('theme = "old"\n', 'theme = "paper"\n'),
        ('theme="old"  # I like it\nplan = "ask"\n', 'theme = "paper"  # I like it\nplan = "ask"\n'),
        ("theme = 'old'\r\nplan = 'ask'\r\n", "theme = \"paper\"\r\nplan = 'ask'\r\n"),
        ("# theme = no\nplan = 'ask'", "# theme = no\nplan = 'ask'\ntheme = \"paper\"\n"),
        ("# mine\n\n[keys]\nfork = 'f2'\n", "# mine\n\ntheme = \"paper\"\n\n[keys]\nfork = 'f2'\n"),
        ("[keys]\ntheme = 'f2'\n", "theme = \"paper\"\n\n[keys]\ntheme = 'f2'\n"),
    ],
)
def test_one_line_is_written(tmp_path: Path, before: str, after: str) -> None:
    """Comments, order, line ends and tables stay; the line of the setting alone is new."""
    file = tmp_path / "settings.toml"
    file.write_bytes(before.encode())
    save_setting(file, "theme", "paper")
    assert file.read_bytes().decode() == after


def test_a_file_that_is_not_there_is_made(tmp_path: Path) -> None:
    """The first setting needs no preparation, and nobody else can read it."""
    file = tmp_path / "folder" / "settings.toml"
    save_setting(file, "theme", "paper")
    assert file.read_text() == 'theme = "paper"\n'
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    """Whoever keeps their settings elsewhere and links them finds the change there, with the file's own mode."""
    real = tmp_path / "dotfiles.toml"
    real.write_text('plan = "ask"\n')
    real.chmod(0o640)
    link = tmp_path / "settings.toml"
    link.symlink_to(real)
    save_setting(link, "theme", "paper")
    assert link.is_symlink()
    assert real.read_text() == 'plan = "ask"\ntheme = "paper"\n'
    assert stat.S_IMODE(real.stat().st_mode) == 0o640


@pytest.mark.parametrize(
    "before",
    [
        "theme = [",
        'theme = """\nold\n"""\n',
        'docs = """\ntheme = "a"\n"""\n',
        'theme = "a\\"b"\n',
        b"\xff",
        "theme = 3\n",
    ],
)
def test_what_cannot_be_changed_safely_is_left_alone(tmp_path: Path, before: str | bytes) -> None:
    """A file that the program does not understand is not touched; the person is told the line."""
    file = tmp_path / "settings.toml"
    data = before if isinstance(before, bytes) else before.encode()
    file.write_bytes(data)
    with pytest.raises(ConfigError, match=r'theme = "paper"') as caught:
        save_setting(file, "theme", "paper")
    assert "settings.toml" in str(caught.value)
    assert file.read_bytes() == data
    assert list(tmp_path.iterdir()) == [file]


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    """A file in the place of the folder is named, not raised."""
    (tmp_path / "folder").write_text("")
    with pytest.raises(ConfigError, match="cannot be changed"):
        save_setting(tmp_path / "folder" / "settings.toml", "theme", "paper")
