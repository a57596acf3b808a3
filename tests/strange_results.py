"""What tools, models and strangers may answer to harm a terminal or to fool a person: twenty classes of texts.

`strange_results` makes any number of them, the same ones each time. Every sequence in them that a terminal obeys
holds a canary: numbers or letters that no screen of ours ever sends, so that one that came through is told from the
colours and moves of Textual. `strange_run` puts them into every place of a run that holds somebody's words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from random import Random
from typing import Any, Final

from pydantic import JsonValue

from tests.run_log import Call, RunLog, agent_record, tool_spec
from workbench.events.base import Event
from workbench.events.call import SubagentStarted
from workbench.events.content import normalise_json, normalise_text
from workbench.events.plan import PlanApproved, PlanEdited, PlanProposed, PlanStep
from workbench.events.run import BreakpointHit, Caller

NUMBER: Final = "7719"
"""Stands as a parameter in every hostile control sequence; no row, column or colour of ours is that large."""
WORD: Final = "Y2FuYXJ5"
"""Stands in what a hostile sequence would hand to the terminal: a clipboard, a title, a link."""
CANARIES: Final = re.compile(
    rf"(?:\x1b\[|\x9b)[?;0-9]*{NUMBER}|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c]*{WORD}"
    r"|\x1bc|\x1b#8|\x1b\(0|\x1bM\x1bM|\x0e"
)
"""A hostile sequence that a terminal would obey."""

_WORDS: Final = ("pool", "transaction", "prepared", "statements", "server", "query", "result", "42", "docs")
_BIDI: Final = "\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c"
_HIDDEN: Final = (
    "\u200b\u200c\u200d\u2060\u2063\ufeff\u00ad\u034f\u180e\u115f\u3164\ufe0f\U000e0041\U000e007f\U000e0100"
)


def _words(chance: Random, most: int = 6) -> str:
    return " ".join(chance.choices(_WORDS, k=chance.randint(1, most)))


def _mixed(chance: Random, attacks: Sequence[str], most: int = 4) -> str:
    """Return words with attacks between and within them."""
    pieces: list[str] = []
    for attack in chance.choices(attacks, k=chance.randint(1, most)):
        pieces += [_words(chance, 3), attack]
    return "".join(pieces) + _words(chance, 2)


def _csi(chance: Random) -> str:
    return _mixed(chance, [f"\x1b[{NUMBER}{end}" for end in "mHJKABCDSTXh"] + [f"\x1b[?{NUMBER}l", f"\x1b[2;{NUMBER}r"])


def _clipboard_and_title(chance: Random) -> str:
    osc = [f"52;c;{WORD}", f"0;{WORD}", f"2;{WORD}", f"9;{WORD}", f"4;1;{WORD}", f"1337;{WORD}", f"777;notify;{WORD}"]
    return _mixed(chance, [f"\x1b]{what}{end}" for what in osc for end in ("\x07", "\x1b\\", "\x9c")])


def _links(chance: Random) -> str:
    return _mixed(
        chance, [f"\x1b]8;;https://{WORD}.example/\x1b\\click\x1b]8;;\x1b\\", f"\x1b]8;id={WORD};file:///\x07"]
    )


def _eight_bit(chance: Random) -> str:
    strings = [f"{begin}{WORD}\x9c" for begin in ("\x9d0;", "\x90q", "\x9e", "\x9f")]
    return _mixed(chance, [f"\x9b{NUMBER}m", "\x84\x85", *strings])


def _strings(chance: Random) -> str:
    attacks = [f"\x1b{begin}{WORD}\x1b\\" for begin in ("P1$r", "_G", "^", "X")]
    return _mixed(chance, [*attacks, f"\x1bPtmux;\x1b\x1b]52;c;{WORD}\x07\x1b\\"])


def _resets(chance: Random) -> str:
    return _mixed(chance, ["\x1bc", "\x1b#8", "\x1b(0", "\x0e", "\x1bM\x1bM", f"\x1b[!p\x1b[{NUMBER}t", "\x1b=\x1b>"])


def _split(chance: Random) -> str:
    whole = f"\x1b]52;c;{WORD}\x07\x1b[{NUMBER};1H"
    at = chance.randrange(1, len(whole))
    return chance.choice(
        [whole[:at], whole[at:], f"{whole[:at]}\n{whole[at:]}", f"\x1b{whole}\x1b", f"{_words(chance)}\x1b"]
    )


def _markup(chance: Random) -> str:
    attacks = [
        "[/]", "[@click=app.quit()]x[/]", "[red]", "[/red]", "[bold", "[link=https://x]", "[$error]", "[b on blue]",
        "[[", "[@click=app.bell]press[/@click]", "\\[", "[/foo]", "[not a tag]", "[#ff0000]", "[]", "[a='b]", ":smile:",
    ]  # fmt: skip
    return _mixed(chance, attacks)


def _markdown(chance: Random) -> str:
    attacks = ["# ", "**", "`", "\n---\n", f"[x](javascript:{WORD})", "<script>", "&#27;[2J", "${wb}", "{0.__class__}"]
    return _mixed(chance, attacks)


def _bidi(chance: Random) -> str:
    return _mixed(chance, [*_BIDI, "\u202etxt.exe\u202c", "שלום", "مرحبا"], 8)


def _zero_width(chance: Random) -> str:
    return _mixed(chance, [*_HIDDEN, "".join(chr(0xE0000 + ord(letter)) for letter in "allow")], 8)


def _wide(chance: Random) -> str:
    return _mixed(chance, ["你好世界", "ｆｕｌｌ", "한국어", "ﾊﾝｶｸ", "、。", "\u3000", "㍿", "𠀀𠀁", "ก็"], 8)


def _emoji(chance: Random) -> str:
    return _mixed(chance, ["👩‍👩‍👧‍👦", "🇫🇷", "🇫", "👍🏽", "🏽", "❤️", "❤", "1️⃣", "🏳️‍🌈", "☎︎", "🫠", "🧑🏿‍🚀"], 8)


def _combining(chance: Random) -> str:
    stack = "".join(map(chr, chance.choices(range(0x300, 0x36F), k=chance.choice([1, 4, 60]))))
    return _mixed(chance, [f"e{stack}", stack, f"你{stack}", "\u20dd", "क्षि", "\u0e33"])


def _line_ends(chance: Random) -> str:
    return _mixed(
        chance, ["\r", "\n", "\r\n", "\n\r", "\u2028", "\u2029", "\x85", "\v", "\f", "\t", "\n\n\n", "\r\r"], 8
    )


def _controls(chance: Random) -> str:
    return _mixed(chance, [chr(code) for code in (*range(0x20), 0x7F, *range(0x80, 0xA0))] + ["\b \b" * 8, "\x00"], 8)


def _long(chance: Random) -> str:
    piece = chance.choice(["x", "你", "a b ", "é", "[/]", "\u202e", f"\x1b[{NUMBER}m", "\t"])
    return piece * chance.choice([60, 161, 400]) + _words(chance)


def _surrogates(chance: Random) -> str:
    return _mixed(
        chance, ["\ud800", "\udfff", "\ud83d", "\udc00\ud800", "\ufffe", "\uffff", "\ufdd0", "\U0010ffff", "\ufffd"], 6
    )


def _our_own_words(chance: Random) -> str:
    return chance.choice([
        "╰──────────────╯\n o  Allow once   r  Allow for the rest of this run   d  Deny",
        " Enter let it take effect · Esc back · ? help",
        "╭ Permission ─────╮\n│ shell wants to run: ls │\n╰─────╯",
        "✓ completed: answered", "STEP 0 · 3 calls ∥ 212 ms", "▌ ✎ edited by you", "⏵ executing tools  step 3/10",
        "| ", "│ │ │", "…", "⏎ ␍ �", "ANSWER", "run a4f7c2e19b305d68", "workbench: a bug. Press q.",
    ]) + _words(chance)  # fmt: skip


def _json(chance: Random) -> str:
    keys = [f"\x1b]0;{WORD}\x07", "[/]", "\u202ekey", "a\nb", "", "__proto__", "你" * 20, "\x00", "k" * 200, "tool_use"]
    value: JsonValue = {key: _words(chance) for key in chance.sample(keys, 3)}
    for _ in range(chance.randrange(5)):
        value = {chance.choice(keys): [value, None, 2**70, 1e308]}
    return json.dumps(value, ensure_ascii=chance.random() < 0.5)


CLASSES: Final[dict[str, Callable[[Random], str]]] = {
    "control sequences": _csi,
    "clipboard and title": _clipboard_and_title,
    "links": _links,
    "eight-bit controls": _eight_bit,
    "strings of the terminal": _strings,
    "resets": _resets,
    "split sequences": _split,
    "markup": _markup,
    "other markup": _markdown,
    "bidirectional": _bidi,
    "hidden letters": _zero_width,
    "wide letters": _wide,
    "emoji": _emoji,
    "combining marks": _combining,
    "line ends": _line_ends,
    "control characters": _controls,
    "long lines": _long,
    "surrogates": _surrogates,
    "our own words": _our_own_words,
    "json": _json,
}
"""What each class makes of a source of chance."""


def strange_results(count: int, seed: int = 10_000) -> list[str]:
    """Return texts of all classes in turn, about one in eight of two classes at once."""
    chance = Random(seed)
    made: list[str] = []
    for make in islice(cycle(CLASSES.values()), count):
        text = make(chance)
        if chance.random() < 0.125:
            text += chance.choice(list(CLASSES.values()))(chance)
        made.append(text)
    return made


@dataclass
class Deck:
    """Texts that are dealt one after the other, again from the first when all were."""

    texts: Sequence[str]
    at: int = 0

    def deal(self) -> str:
        """Return the next text."""
        self.at += 1
        return self.texts[(self.at - 1) % len(self.texts)]

    def safe(self) -> str:
        """Return the next text as an event may hold it: the engine keeps no half characters."""
        return normalise_text(self.deal())

    def fields(self, count: int) -> dict[str, JsonValue]:
        """Return an input with strange keys and values, also nested ones."""
        made: dict[str, JsonValue] = {self.safe(): self.safe() for _ in range(count)}
        made[self.safe()] = normalise_json([{self.deal(): [self.deal(), 2**64, None]}])
        return made


_FATES: Final[tuple[dict[str, Any], ...]] = (
    {}, {"is_error": True, "outcome": "error"}, {"ends_as": "cancelled"}, {"is_error": True, "outcome": "exception"},
    {"begins": -0.1}, {"effect": "effectful"},
)  # fmt: skip
CALLS_A_STEP: Final = 5


def strange_run(results: Sequence[str], run: str = "a4f7c2e19b305d68", *, ends: bool = True, child: str = "") -> RunLog:
    """Return a run with one call for each result, and the same texts in all its other places.

    A run that does not end waits with calls of every kind that asks something of a person or still runs. With
    `child`, its last call is a subagent of that name.
    """
    deck = Deck(results)
    agent = agent_record().model_copy(
        update={
            "model": deck.safe(),
            "instructions": deck.safe(),
            "tools": (tool_spec(deck.safe()).model_copy(update={"description": deck.safe()}), tool_spec("shell")),
        }
    )
    log = RunLog(run, deck.safe(), agent=agent)
    _plan(log, deck)
    for first in range(0, len(results), CALLS_A_STEP):
        _step(log, deck, results[first : first + CALLS_A_STEP])
        if first == 0:
            log.say(deck.safe())
            log.edit_result("0.0", normalise_text(results[0]))
            log.sequential(deck.safe())
    if ends:
        log.answer(deck.safe(), [(deck.safe(), deck.safe()) for _ in range(3)])
    else:
        _waiting(log, deck, child)
    return log


def _plan(log: RunLog, deck: Deck) -> None:
    steps = tuple(PlanStep(action=deck.safe(), text=deck.safe()) for _ in range(3))
    events: list[Event] = [PlanProposed(steps=steps), PlanEdited(steps=steps[:2]), PlanApproved(by="operator")]
    log.plan(["SEARCH: x"], approve=False)
    for event in events[1:] if log.run.endswith("0") else events:
        log.add(event)
    log.plan_step(0)


def _step(log: RunLog, deck: Deck, results: Sequence[str]) -> None:
    calls = []
    for number, result in enumerate(results):
        fate = _FATES[(number + len(log.state.steps)) % len(_FATES)]
        attempts = ((deck.safe(), 0.02, 0.01),) if number % 2 else ()
        call = Call(
            deck.safe(), deck.fields(2), normalise_text(result), attempts=attempts, progress=deck.safe(), **fate
        )
        calls.append(call)
    log.step(calls, text=deck.safe(), thinking=deck.safe(), broken=deck.safe())


def _waiting(log: RunLog, deck: Deck, child: str) -> None:
    calls = [
        Call(deck.safe(), deck.fields(2), seconds=None, progress=deck.safe()),
        Call(deck.safe(), deck.fields(2), ends_as="unknown", effect="effectful"),
        Call(deck.safe(), deck.fields(4), asks=deck.safe(), effect="effectful"),
    ]
    if child:
        calls.append(Call(deck.safe(), {"task": deck.safe()}, seconds=None))
    log.step(calls, text=deck.safe(), thinking=deck.safe())
    step = len(log.state.steps) - 1
    if child:
        log.add(SubagentStarted(call=f"{step}.3", run=child, task=deck.safe(), focus=deck.safe(), role=deck.safe()))
    log.add(BreakpointHit(rule=deck.safe(), why=deck.safe(), call=f"{step}.2"))


def strange_child(results: Sequence[str], run: str, caller: Caller) -> RunLog:
    """Return the run of a subagent, with strange texts in it."""
    deck = Deck(results)
    log = RunLog(run, deck.safe(), agent=agent_record(plan="off"), caller=caller, role=deck.safe())
    log.step([Call(deck.safe(), deck.fields(1), deck.safe())], text=deck.safe())
    return log
