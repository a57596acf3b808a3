"""The page on settings: every key is there, with a type, a default, an example that works and what it means."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from workbench.config.settings import KEYS, Settings, load_settings

PAGE = (Path(__file__).parents[2] / "docs" / "settings.md").read_text("utf-8")
ROWS = {
    cells[0].strip("`"): cells
    for line in PAGE.splitlines()
    if line.startswith("| `") and len(cells := [cell.strip() for cell in line.strip("|").split("|")]) == 5
}
EXAMPLES = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)


def test_every_setting_has_a_row_and_no_other() -> None:
    """Whoever looks for a setting finds it, and finds none that does not exist."""
    assert set(ROWS) == set(KEYS)
    assert all(all(cells) for cells in ROWS.values())


@pytest.mark.parametrize("key", KEYS)
def test_the_example_of_a_setting_works(tmp_path: Path, key: str) -> None:
    """What the page shows can be copied."""
    example = ROWS[key][3].strip("`")
    (tmp_path / "settings.toml").write_text(example)
    assert getattr(load_settings(tmp_path / "settings.toml"), key) is not None
    assert key in example


@pytest.mark.parametrize("example", EXAMPLES)
def test_the_longer_examples_work(tmp_path: Path, example: str) -> None:
    """A whole settings file of the page is a settings file, and its actions and keys exist."""
    from workbench.tui.keymap import check_keys

    file = tmp_path / "settings.toml"
    file.write_text(example)
    settings = load_settings(file)
    assert settings != Settings()
    assert check_keys(settings.keys, file) or not settings.keys
