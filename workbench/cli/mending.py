"""What helps after a run failed, with the command lines for it: going on as it is, or a fork with something changed.

The log holds a failure as a sentence. Whether it lasts is told by the turn that was discarded for it; of what kind it
is, by how the sentence begins.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from workbench.cli.workplace import Workplace
from workbench.providers.failures import KINDS
from workbench.state.run_state import RunState
from workbench.views.show import short

REFUSED: Final = "refused: "
"""How the reason of a discarded turn begins whose failure lasts."""
_BESIDE_THE_RUN: Final = ("unauthorised", "forbidden", "quota", "tls", "address", "redirected")
"""Failures that are mended at the provider or in the settings: then the same request is answered."""
_OF_THE_MODEL: Final = ("model_not_found", "context_too_long", "too_large")
_OF_THE_REQUEST: Final = ("bad_request",)
_OF_THE_WORDS: Final = ("filtered",)
_REFUSAL: Final = "the model refused to go on"


def mending(state: RunState, place: Workplace, reason: str) -> Iterator[tuple[str, str]]:
    """Yield what helps a failed run and the command that does it; `reason` is why its last turn was discarded."""
    name, error = short(state.run), state.error or ""
    again = place.command("resume", name)
    fork = ("fork", name, "--at", _before_failure(state))
    other = place.command(*fork, "-m", "MODEL")
    kind = next((kind for kind, failure in KINDS.items() if error.startswith(failure.sentence)), "")
    if state.steps and state.steps[-1].is_cut:
        if state.steps[-1].turn.stop_reason == "max_tokens":
            longer = ("fork", name, "--at", str(state.steps[-1].index), "--param", "max_tokens=N")
            yield "ask again with more tokens", place.command(*longer)
        else:
            yield (
                "ask again with less before it",
                place.command("fork", name, "--at", "S", "--limit", "request_tokens=N"),
            )
        yield "let it go on", place.command("resume", name, "--say", "Go on.")
        return
    is_recorded = state.agent is not None and state.agent.model.startswith("recorded:")
    if not reason.startswith(REFUSED):
        yield "try again with", again
    elif kind in _BESIDE_THE_RUN:
        yield "when that is mended, go on with", again
        yield "go on with another model", other
    elif kind in _OF_THE_WORDS or error.startswith(_REFUSAL):
        yield "ask another model", other
        yield "ask in other words", place.command(*fork, "--say", "TEXT")
    elif kind in _OF_THE_REQUEST:
        yield "ask another model", other
        yield "ask it otherwise", place.command(*fork, "--param", "NAME=VALUE")
    elif kind in _OF_THE_MODEL or is_recorded:
        yield "go on with another model", other
    else:
        yield "try again with", again
        yield "go on with another model", other


def _before_failure(state: RunState) -> str:
    """Return the place before the turn that failed; a plan or a summary that failed leaves nothing behind."""
    last = state.steps[-1] if state.steps else None
    return str(last.index) if last is not None and last.turn.status != "finished" else "end"
