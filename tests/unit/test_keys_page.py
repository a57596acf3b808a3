"""The page of keys says what the registry says."""

from __future__ import annotations

import pytest

from tests.keys_page import MOST, PAGE, STORIES, Story, keys_of, page
from workbench.tui.actions import DEFAULTS


def test_the_page_is_that_of_the_registry() -> None:
    """Whoever reads docs/keys.md presses the right keys; `python -m tests.keys_page --write` brings it up to date."""
    assert PAGE.read_text("utf-8") == page()


def test_every_action_is_on_the_page() -> None:
    """Nothing that can be done is left out, wherever it can be done."""
    text = page()
    assert [action.help for action in DEFAULTS.values() if f"| {action.help} |" not in text] == []


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.wish)
def test_a_story_takes_few_keys(story: Story) -> None:
    """Six keys at most from the wish to what was wished for, what is typed aside."""
    assert 1 <= len(keys_of(story)) <= MOST
