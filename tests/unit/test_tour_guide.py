"""Who leads the tour: when it tells, when it presses keys, and when it leaves them to the person."""

from __future__ import annotations

from typing import Any, cast

from workbench.tui.actions import change_keys
from workbench.tui.tour.guide import AGAIN_SECONDS, KEY_SECONDS, LETTER_SECONDS, Guide
from workbench.tui.tour.script import SCRIPT, Chapter


class Screen:
    """What is so, and what was pressed."""

    def __init__(self) -> None:
        self.facts: set[str] = set()
        self.pressed: list[str] = []
        self.now = 0.0

    def guide(self, *script: Chapter) -> Guide:
        """Return a guide on this screen."""
        return Guide(cast("Any", self), self.pressed.append, script)

    def after(self, guide: Guide, seconds: float) -> None:
        """Let time pass in small steps."""
        end = self.now + seconds
        while self.now < end:
            self.now += 0.01
            guide.tick(self.now)


def has(fact: str) -> Any:
    """Return whether a screen has a fact."""
    return lambda screen: fact in screen.facts


FORK = Chapter("Fork", "f forks.", deeds=("e", "f"), until=has("forked"), seconds=3.0)
END = Chapter("End", "That was it.", seconds=2.0)


def test_a_chapter_waits_for_its_moment_and_lets_its_words_be_read() -> None:
    """Nothing is told too early, and no key is pressed before the words were read."""
    screen = Screen()
    guide = screen.guide(Chapter("Plan", "The plan.", when=has("plan"), deeds=("e",), until=has("edited"), seconds=3.0))
    screen.after(guide, 10)
    assert not screen.pressed
    screen.facts.add("plan")
    screen.after(guide, 2.9)
    assert not screen.pressed
    screen.after(guide, 0.2 + KEY_SECONDS)
    assert screen.pressed == ["e"]


def test_keys_are_pressed_one_by_one_and_the_last_again_until_it_happened() -> None:
    """A key that came too early for the screen is pressed again, and a chapter ends when its deed is done."""
    screen = Screen()
    guide = screen.guide(FORK, END)
    screen.after(guide, 3.1 + 2 * KEY_SECONDS)
    assert screen.pressed == ["e", "f"]
    screen.after(guide, AGAIN_SECONDS + 0.1)
    assert screen.pressed == ["e", "f", "f"]
    screen.facts.add("forked")
    screen.after(guide, 0.1)
    assert guide.scene.title == "End"
    screen.after(guide, 2.1)
    assert guide.is_over


def test_a_text_is_typed_letter_by_letter_and_never_twice() -> None:
    """A text comes as if a person wrote it; waiting for its effect does not write it again."""
    screen = Screen()
    guide = screen.guide(Chapter("Write", "Write.", deeds=("r",), text="ab", last="enter", until=has("x"), seconds=0.0))
    screen.after(guide, 0.1 + 2 * KEY_SECONDS + 3 * LETTER_SECONDS + 2 * AGAIN_SECONDS)
    assert screen.pressed[:4] == ["r", "a", "b", "enter"]
    assert set(screen.pressed[4:]) == {"enter"}


def test_what_a_person_did_is_not_done_again() -> None:
    """Who does the deed while the words stand there is taken to the next chapter without a key of the guide."""
    screen = Screen()
    guide = screen.guide(FORK, END)
    screen.after(guide, 1)
    screen.facts.add("forked")
    screen.after(guide, 0.1)
    assert (guide.scene.title, screen.pressed) == ("End", [])


def test_whoever_takes_over_keeps_the_keys_until_they_give_them_back() -> None:
    """After a key of the person the guide only tells; asked to go on, it presses again, and once more, at once."""
    screen = Screen()
    guide = screen.guide(FORK, END)
    screen.after(guide, 1)
    guide.take_over()
    screen.after(guide, 60)
    assert not screen.pressed
    assert not guide.scene.is_led
    guide.go_on()
    screen.after(guide, 0.1 + KEY_SECONDS)
    assert screen.pressed == ["e"]
    skipping = screen.guide(FORK, END)
    screen.after(skipping, 0.1)
    skipping.go_on()
    screen.after(skipping, 0.1 + KEY_SECONDS)
    assert screen.pressed == ["e", "e"]


def test_the_tour_takes_about_two_minutes() -> None:
    """Reading and keys of all chapters together stay under two minutes; the run itself takes some of that."""
    seconds = 0.0
    for chapter in SCRIPT[:-1]:
        letters = len(chapter.text)
        seconds += chapter.seconds + (len(chapter.presses) - letters) * KEY_SECONDS + letters * LETTER_SECONDS
    assert 60 < seconds < 110


def test_the_tour_speaks_of_the_keys_that_a_person_has() -> None:
    """Whoever gave actions other keys is told of those, and the guide presses those."""
    change_keys({"toggle": ("f9",), "plan_edit": ("ctrl+k",)})
    try:
        plan, stop = SCRIPT[0], next(chapter for chapter in SCRIPT if chapter.title == "Interrupt")
        assert plan.presses[:2] == ("ctrl+k", "down")
        assert "ctrl+k edits it, r replaces a step" in plan.words
        assert (stop.presses, "f9 stops everything" in stop.words) == (("f9",), True)
    finally:
        change_keys({})


def test_every_word_of_the_tour_names_actions_that_there_are() -> None:
    """No chapter tells of an action that the registry does not have, or leaves a brace."""
    assert all("{" not in chapter.words and "}" not in chapter.words for chapter in SCRIPT)
