"""`docs/keys.md`, made from the registry of actions: `python -m tests.keys_page --write`.

The stories name actions, not keys, so a key that changes in the registry changes on the page; a test compares the two.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from workbench.tui.actions import DEFAULTS, shown_key
from workbench.tui.key_places import by_place

PAGE: Final = Path(__file__).parents[1] / "docs" / "keys.md"
MOST: Final = 6
"""Keys that the way of a story may take; what is typed is not counted."""


class Press(NamedTuple):
    """One key of a story."""

    action: str
    what: str
    typed: str = ""
    """What is typed after it."""
    key: str = ""
    """Which of the action's keys, where it is not the first."""


class Story(NamedTuple):
    """What somebody wants, and the keys on the way there."""

    wish: str
    begins: str
    way: tuple[Press, ...]
    ends: str


STORIES: Final = (
    Story(
        "My agent took a wrong turn at step 7.",
        "`workbench open RUN`",
        (
            Press("find", "the place is found by its name, and read", typed="`7.1`"),
            Press("find_take", "the cursor stays on the call"),
            Press("edit", "its result opens in an editor", typed="the correction"),
            Press("apply", "before and after, what is kept, what runs again, what it costs"),
            Press("take", "the fork goes on from there"),
        ),
        "`workbench open RUN --at 7.1` begins at the third of them.",
    ),
    Story(
        "Which is better?",
        "the cursor is on the moment in question",
        (
            Press("race", "the run as it is, three times"),
            Press("race_add", "and another variant", typed="another result, or a message"),
            Press("race_start", "all of them run side by side"),
            Press("race_compare", "one of each beside the other"),
            Press("next_difference", "to the next difference"),
        ),
        "In the race `t` shows the table with the spread, `k` keeps one run and hides the others.",
    ),
    Story(
        "Stop. Not like that.",
        "a run whose calls are in flight, the turn that asks for them finished",
        (
            Press("toggle", "everything stops at once"),
            Press("move", "to a call that was stopped", key="up"),
            Press("edit", "its input opens in an editor", typed="the correction"),
            Press("apply", "before and after"),
            Press("take", "it goes on, that call with the new input"),
        ),
        "While the model still writes (`thinking`), its early calls cannot be edited yet; `f` forks before that turn."
        "\n\n"
        "The plan instead of the call:",
    ),
    Story(
        "Stop. Another plan.",
        "a run whose calls are in flight",
        (
            Press("toggle", "everything stops at once"),
            Press("plan", "to the steps that are not done"),
            Press("plan_replace", "this step becomes a line to type in", typed="another step"),
            Press("plan_take_all", "the changed plan holds"),
            Press("toggle", "the run goes on"),
        ),
        "",
    ),
    Story(
        "Look at this.",
        "`workbench open FILE` of a recorded session, with no key and no network",
        (
            Press("step_back", "a step back"),
            Press("step_on", "and on"),
            Press("play", "it plays from there"),
            Press("play", "4 times as fast"),
            Press("play", "16 times as fast"),
            Press("screenshot", "a picture of the screen as SVG"),
        ),
        "",
    ),
    Story(
        "It is my agent.",
        "a file of a few lines, as in [your-agent.md](your-agent.md)",
        (Press("ask", "it runs; everything above works with it"),),
        "The question is typed before it. With runs in the list, `n` asks for it.",
    ),
)

_INTRODUCTION: Final = """# Keys

`?` in the workbench shows every key, `ctrl+p` finds any action by its name, and [settings](settings.md#keys) say how to
give an action other keys. This page is made from the same registry, by `python -m tests.keys_page --write`.

## Five stories, keys counted

What is typed is not counted.
"""
_PLACES: Final = """## Every key, by place

The name in the last column is the one that the settings file knows. Where there is none, the key belongs to what has
the focus.
"""


def page() -> str:
    """Return the page as it has to be."""
    return "\n".join([_INTRODUCTION, *_stories(), _PLACES, *_places()]).rstrip() + "\n"


def keys_of(story: Story) -> list[str]:
    """Return the keys of a story as people read them."""
    return [shown_key(press.key or DEFAULTS[press.action].keys[0]) for press in story.way]


def _stories() -> Iterator[str]:
    for story in STORIES:
        keys = keys_of(story)
        count = f"{len(keys)} key{'s' if len(keys) != 1 else ''}"
        yield f"### {story.wish} {count}\n\nBegins with: {story.begins}.\n"
        yield "| | key | what happens |\n|---|---|---|"
        for number, (key, press) in enumerate(zip(keys, story.way, strict=True), 1):
            typed = f"; type {press.typed}" if press.typed else ""
            yield f"| {number} | {_code(key)} | {press.what}{typed} |"
        yield f"\n{story.ends}\n" if story.ends else ""


def _places() -> Iterator[str]:
    for title, actions in by_place(DEFAULTS.values()):
        yield f"### {title}\n\n| keys | what it does | name |\n|---|---|---|"
        for action in actions:
            keys = " ".join(_code(shown_key(key)) for key in action.keys)
            name = "" if action.is_native else f"`{action.id}`"
            yield f"| {keys} | {action.help} | {name} |"
        yield ""


def _code(key: str) -> str:
    return f"`{key}`" if key != "|" else "`\\|`"


def main() -> None:
    """Print the page, or write it."""
    parser = argparse.ArgumentParser(prog="python -m tests.keys_page", description=__doc__.splitlines()[0])
    parser.add_argument("--write", action="store_true", help="write docs/keys.md")
    if parser.parse_args().write:
        PAGE.write_text(page(), "utf-8")
    else:
        print(page(), end="")


if __name__ == "__main__":
    main()
