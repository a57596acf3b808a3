"""What may be wrong with a session file: ways to break one line, and files that are made to burst."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Callable
from typing import Any

from workbench.interchange.session import LARGEST_FILE, LONGEST_LINE, LONGEST_MIXED_LINE

Break = Callable[[list[str], random.Random], None]


def _event(lines: list[str], chance: random.Random, kind: str = "") -> int:
    """Return the index of an event's line, of a given kind where one is given."""
    wanted = f'"event":{{"kind":"{kind}"' if kind else '"event":'
    return chance.choice([index for index, line in enumerate(lines) if wanted in line])


def _edit(lines: list[str], index: int, **changes: Any) -> None:
    lines[index] = json.dumps({**json.loads(lines[index]), **changes}, separators=(",", ":"))


def _edit_event(lines: list[str], index: int, **changes: Any) -> None:
    _edit(lines, index, event={**json.loads(lines[index])["event"], **changes})


def _edit_run(lines: list[str], chance: random.Random, **changes: Any) -> None:
    index = chance.choice([index for index, line in enumerate(lines) if line.startswith('{"run":{')])
    _edit(lines, index, run={**json.loads(lines[index])["run"], **changes})


def _cut_line(lines: list[str], chance: random.Random) -> None:
    index = chance.randrange(1, len(lines) - 1)
    lines[index] = lines[index][: chance.randrange(1, len(lines[index]) - 1)]


def _drop_event(lines: list[str], chance: random.Random) -> None:
    runs = [index for index in range(3, len(lines) - 1) if lines[index][:26] == lines[index + 1][:26]]
    del lines[chance.choice(runs)]


BREAKS: dict[str, Break] = {
    "cut line": _cut_line,
    "no json": lambda lines, chance: lines.insert(chance.randrange(1, len(lines)), "not json"),
    "a number": lambda lines, chance: lines.insert(chance.randrange(1, len(lines)), "7"),
    "a list": lambda lines, chance: lines.insert(chance.randrange(1, len(lines)), '[{"run":"x"}]'),
    "no run": lambda lines, chance: lines.insert(chance.randrange(1, len(lines)), '{"seq":1}'),
    "deep": lambda lines, chance: lines.insert(chance.randrange(1, len(lines)), '{"run":' + "[" * 99 + "]" * 99 + "}"),
    "very deep": lambda lines, chance: lines.insert(chance.randrange(1, len(lines)), "[" * 100_000),
    "key twice": lambda lines, chance: lines.__setitem__(1, f'{lines[1][:-1]},"x":1,"x":1}}'),
    "NaN": lambda lines, chance: _edit(lines, _event(lines, chance), at=float("nan")),
    "infinite": lambda lines, chance: lines.__setitem__(
        i := _event(lines, chance, "call_finished"), lines[i].replace('"elapsed":', '"elapsed":1e999,"x":')
    ),
    "half a surrogate": lambda lines, chance: _edit_event(lines, _event(lines, chance), extra="\ud800"),
    "an unknown run": lambda lines, chance: _edit(lines, _event(lines, chance), run="feedfeedfeedfeed"),
    "seq as text": lambda lines, chance: _edit(lines, _event(lines, chance), seq="0"),
    "a huge seq": lambda lines, chance: _edit(lines, _event(lines, chance), seq=2**70),
    "a gap": _drop_event,
    "time before time": lambda lines, chance: _edit(lines, _event(lines, chance), at=-5),
    "a field missing": lambda lines, chance: _edit_event(
        lines, _event(lines, chance, "turn_finished"), usage=chance.choice([None, 3, "x", {"input_tokens": "many"}])
    ),
    "a newer kind": lambda lines, chance: _edit_event(lines, _event(lines, chance), v=chance.randrange(2, 99)),
    "a step out of order": lambda lines, chance: _edit_event(
        lines, _event(lines, chance, "turn_finished"), step=chance.randrange(50, 99)
    ),
    "a run twice": lambda lines, chance: lines.append(chance.choice([x for x in lines if x.startswith('{"run":{')])),
    "a bad id": lambda lines, chance: _edit_run(lines, chance, id=chance.choice(["", "../../x", "a b", "\x1b[2J", 7])),
    "a wrong root": lambda lines, chance: _edit_run(lines, chance, root="feedfeedfeedfeed"),
    "a wrong depth": lambda lines, chance: _edit_run(lines, chance, depth=chance.choice([7, -1, "0", 2**40])),
    "a wrong cut": lambda lines, chance: _edit_run(lines, chance, cut=chance.choice([-1, "1", 2**40])),
}
"""Each takes lines and a random number, and breaks one thing."""


def bombs() -> dict[str, bytes]:
    """Return files whose lines, lists or archives are larger than they look."""
    header = b'{"format":"workbench-session","version":1}\n'
    orphan = b'{"run":{"id":"feed","root":"feed","created":1,"depth":0,"parent":"dead","cut":1}}\n'
    skipped = b'{"run":"feed","x":"' + b"x" * 400_000 + b'"}\n'
    return {
        "long": header + b'{"run":"' + b"x" * LONGEST_LINE + b'"}\n',
        "endless": header + b"x" * (LONGEST_LINE + 1),
        "wide": header + b'{"run":[' + b"[]," * (LONGEST_MIXED_LINE // 3 - 10) + b"[]]}\n",
        "keys": header
        + b'{"run":{'
        + b",".join(b'"%x":1' % key for key in range(LONGEST_MIXED_LINE // 10 - 9))
        + b"}}\n",
        "floats": header + b'{"run":[' + b"1.5," * (LONGEST_LINE // 4 - 10) + b"1]}\n",
        "bomb": gzip.compress(header + orphan + skipped * 250, 9),
        "large": header + b"\n" * LARGEST_FILE,
    }
