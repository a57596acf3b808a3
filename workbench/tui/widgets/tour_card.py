"""What the guide of the tour tells: a card at the foot of whatever screen is on top."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.widgets import Static

from workbench.tui.actions import ACTIONS, shown_key
from workbench.tui.paint import content, contents, plain
from workbench.tui.tour.guide import Scene
from workbench.views.segments import Line, Segment, split_row
from workbench.views.text import wrap

_BAR = 12


class TourCard(Vertical):
    """Title, words, and the keys that are pressed; those that were are marked."""

    DEFAULT_CSS = """
    TourCard {
        dock: bottom;
        height: auto;
        border: round $accent;
        border-title-color: $accent;
        border-title-style: bold;
        background: $surface;
        padding: 0 1;
    }
    TourCard > Static {
        height: auto;
    }
    """

    def __init__(self, scene: Scene) -> None:
        super().__init__()
        self._scene = scene
        self._drawn: object = None

    def compose(self) -> ComposeResult:
        """Build the two parts."""
        yield Static(id="words", markup=False)
        yield Static(id="foot", markup=False)

    def on_mount(self) -> None:
        """Show what is told."""
        self._redraw()

    def on_resize(self) -> None:
        """Fit the words to the width."""
        self._redraw()

    def show(self, scene: Scene) -> None:
        """Tell something."""
        self._scene = scene
        if self.is_mounted:
            self._redraw()

    def _redraw(self) -> None:
        width = max(self.content_size.width, 20)
        lines, foot = card_lines(self._scene, width)
        if (lines, foot) != self._drawn:
            self._drawn = (lines, foot)
            self.border_title = plain(f" tour {self._scene.number}/{self._scene.of} · {self._scene.title} ")
            self.query_one("#words", Static).update(contents(lines))
            self.query_one("#foot", Static).update(content(foot))


def card_lines(scene: Scene, width: int) -> tuple[list[Line], Line]:
    """Return the words, and the line of keys below them."""
    words: list[Line] = [(Segment(line),) for line in wrap(scene.words, width)]
    left: list[Segment] = []
    for number, key in enumerate(scene.keys):
        mark, style = ("✓", "ok") if number < scene.pressed else (" ", "key")
        left.append(Segment(f"{mark}{shown_key(key)} ", "ok" if style == "ok" else "key"))
    if scene.is_led and scene.share < 1:
        done = int(scene.share * _BAR)
        left += [Segment(" " if left else ""), Segment("━" * done, "bar"), Segment("─" * (_BAR - done), "bar_idle")]
    on, end = (shown_key(ACTIONS[name].keys[0]) for name in ("tour_on", "tour_end"))
    leads = "goes on now" if scene.is_led else "lets the tour go on"
    who = "" if scene.is_led else "you have the keys · "
    right = [Segment(who, "waiting"), Segment(on, "key"), Segment(f" {leads}  ", "muted"), Segment(end, "key")]
    return words, split_row(left, [*right, Segment(" ends the tour", "muted")], width, keep_right=True)
