"""`workbench models`: the models that are known, what they can do and cost, and whether a key is there."""

from __future__ import annotations

import argparse
import difflib
from collections.abc import Iterable, Sequence

from workbench.cli.paper import Paper, out
from workbench.errors import ModelNotFoundError
from workbench.providers.catalog import KEYS, Model, has_key, known_models
from workbench.providers.registry import KNOWN
from workbench.views.segments import Line, Segment
from workbench.views.text import inert

_HEAD = ("model", "calls", "context", "in $/M", "out $/M", "key", "")
_UNKNOWN = "?"
_OTHERS = (
    ("openai-chat:MODEL@URL", "any server that speaks Chat Completions: llama.cpp, Ollama, vLLM, LM Studio"),
    ("recorded:RUN", "a recorded run answers, and costs nothing"),
)


def execute(args: argparse.Namespace) -> int:
    """Print the list; raises `ModelNotFoundError` for a provider that there is none of."""
    if args.provider is not None and args.provider not in KNOWN:
        near = difflib.get_close_matches(args.provider, KNOWN, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise ModelNotFoundError(f"there is no provider {args.provider!r}: {hint}there are {', '.join(KNOWN)}")
    models = [model for model in known_models() if args.provider in (None, model.provider)]
    paper = out()
    if args.json:
        paper.json([_plain(model) for model in models])
        return 0
    if models:
        paper.lines(_table(models))
    others = [(name, what) for name, what in _OTHERS if args.provider in (None, name.partition(":")[0])]
    if others:
        paper.say("")
    for name, what in others:
        paper.lines([(Segment(f"{name:<23}", "key"), Segment(what))])
    _tell_keys({model.provider for model in models}, paper)
    return 0


def _plain(model: Model) -> dict[str, object]:
    return {
        "model": model.full_name,
        "provider": model.provider,
        "name": model.name,
        "parallel_tool_calls": model.parallel,
        "context": model.context,
        "input_price": model.input_price,
        "output_price": model.output_price,
        "has_key": model.has_key,
        "until": model.until,
    }


def _table(models: Sequence[Model]) -> Iterable[Line]:
    rows = [_HEAD, *(_row(model) for model in models)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD))]
    for number, row in enumerate(rows):
        cells = [
            text.ljust(width) if column in (0, 1, 5, 6) else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ]
        if number == 0:
            yield (Segment("  ".join(cells), "muted"),)
            continue
        key = models[number - 1].has_key
        yield (
            Segment(inert(cells[0]), "muted" if key is False else "key"),
            Segment("  " + "  ".join(cells[1:5]) + "  "),
            Segment(cells[5], "muted" if key is False else "ok"),
            Segment(f"  {cells[6]}".rstrip(), "waiting"),
        )


def _row(model: Model) -> tuple[str, ...]:
    return (
        model.full_name,
        "∥ many" if model.parallel else "one",
        _tokens(model.context) if model.name else "any",
        _price(model.input_price),
        _price(model.output_price),
        {True: "✓ set", False: "not set", None: "✓ none needed"}[model.has_key],
        "" if model.until is None else f"until {model.until}",
    )


def _tokens(count: int | None) -> str:
    if count is None:
        return _UNKNOWN
    return f"{count / 1_000_000:g}M" if count >= 1_000_000 else f"{count // 1000}k"


def _price(dollars: float | None) -> str:
    return _UNKNOWN if dollars is None else "free" if dollars == 0 else f"{dollars:.2f}"


def _tell_keys(providers: set[str], paper: Paper) -> None:
    """Say which variables hold the keys that are missing."""
    missing = [name for name in KEYS if name in providers and not has_key(name)]
    if missing:
        paper.say("")
    for name in missing:
        paper.say(f"{name} needs {' or '.join(KEYS[name])} in the environment", "muted")
