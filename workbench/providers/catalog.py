"""Models that are known by name: what each can do, and until when it is served. The names stand in `names.py`.

A list of this kind is never complete. A name that is not in it is asked of its provider all the same, which then says
whether it exists; the list only makes the usual ones easy to find, and tells what a retired one is followed by.
Context and prices come from the price lists of a package, so they are not written down twice.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Final

from workbench.clock import SystemClock
from workbench.errors import ModelNotFoundError
from workbench.events.agent import HostedTool
from workbench.providers.names import CURRENT, ONE_AT_A_TIME, RETIRED
from workbench.providers.prices import LISTS

KEYS: Final[dict[str, tuple[str, ...]]] = {
    "anthropic": ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN"),
    "openai": ("OPENAI_API_KEY",),
    "openai-chat": ("MODEL_API_KEY",),
    "bedrock": ("AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_BEARER_TOKEN_BEDROCK"),
}
"""Environment variables in which keys are looked for; any one of them is enough."""
_HOSTED: Final[dict[str, tuple[HostedTool, ...]]] = {
    "anthropic": ("web_search", "code_execution"),
    "openai": ("web_search", "code_execution"),
    "recorded": ("web_search", "code_execution"),
}
"""Tools that providers run themselves; a recorded run has what its provider had."""
_LISTED_AS: Final = {"openai-chat": "openai"}
"""Providers whose models stand under the name of another."""
_MOST_NAMES: Final = 4
"""So many current models a sentence names."""
_REGION: Final = re.compile(r"^[a-z]+\.(?=(anthropic|amazon)\.)")
"""Stands before a name at Bedrock. `us-gov` is none: what is served there has days of its own."""
_DAYS: Final = {
    provider: {name: day for day, names in days.items() for name in names} for provider, days in RETIRED.items()
}


@dataclass(frozen=True, slots=True)
class Model:
    """What is known of a model; None where nobody says."""

    provider: str
    name: str
    parallel: bool = True
    """Whether it can ask for several calls in one turn."""
    context: int | None = None
    """Tokens of the longest request."""
    input_price: float | None = None
    output_price: float | None = None
    """US dollars for a million tokens."""
    has_key: bool | None = None
    """Whether a key is set; None where none is needed."""
    until: str | None = None
    """The day from which it is not served any more, as YYYY-MM-DD; None where none is announced."""

    @property
    def full_name(self) -> str:
        """The name by which the model is asked for."""
        return f"{self.provider}:{self.name}" if self.name else self.provider


def calls_in_parallel(model: str) -> bool:
    """Whether a model, `provider:name`, can ask for several calls in one turn, as far as is known."""
    provider, _, name = model.partition(":")
    return provider not in ("openai", "openai-chat") or not is_one_at_a_time(name)


def is_one_at_a_time(name: str) -> bool:
    """Whether a model of OpenAI asks for one call a turn, and refuses a parameter that says so; also when tuned."""
    base = name.removeprefix("ft:").partition(":")[0]
    return any(_is_of(base, known) for known in ONE_AT_A_TIME)


def hosted_by(model: str) -> tuple[HostedTool, ...]:
    """Return the tools that the provider of a model, `provider:name`, runs itself."""
    return _HOSTED.get(model.partition(":")[0], ())


def retired_on(provider: str, name: str) -> str | None:
    """Return the day from which a model is not served any more, as YYYY-MM-DD; None where none is known.

    A name that is listed itself wins over its family, which its date follows.
    """
    days = _DAYS.get(_LISTED_AS.get(provider, provider), {})
    plain = _REGION.sub("", name, count=1) if provider == "bedrock" else name
    families = [known for known in days if _is_of(plain, known)]
    return days[max(families, key=len)] if families else None


def refuse_retired(provider: str, name: str) -> None:
    """Raise `ModelNotFoundError` for a model that its maker serves no more, with those that can be used."""
    day = retired_on(provider, name)
    if day is not None and day <= _today():
        raise ModelNotFoundError(f"{provider}:{name} was retired on {day}; {current_models(provider)}")


def current_models(provider: str) -> str:
    """Return a clause that names some current models of a provider; empty where none are listed for it."""
    listed = _LISTED_AS.get(provider, provider)
    names = [name for name in CURRENT.get(listed, ()) if retired_on(listed, name) is None]
    if not names:
        return ""
    some = ", ".join(f"{listed}:{name}" for name in names[:_MOST_NAMES])
    return f"current models are {some}; `workbench models` lists more"


def known_models() -> Iterator[Model]:
    """Yield every known model that is served today; reads the price lists, which are slow to import."""
    yield Model("offline", "", input_price=0.0, output_price=0.0)
    for provider, names in CURRENT.items():
        for name in names:
            until = retired_on(provider, name)
            if until is not None and until <= _today():
                continue
            context, prices = _listed(provider, name)
            yield Model(
                provider,
                name,
                parallel=calls_in_parallel(f"{provider}:{name}"),
                context=context,
                input_price=prices[0],
                output_price=prices[1],
                has_key=has_key(provider),
                until=until,
            )


def context_of(model: str) -> int | None:
    """Return how many tokens a model, `provider:name[@url]`, can read and write in one request; None where unknown.

    The first look at a model that is not ours reads the price lists, which are slow to import.
    """
    provider, _, name = model.partition(":")
    return _context(provider, name.partition("@")[0]) if provider in LISTS and name else None


@lru_cache(maxsize=256)
def _context(provider: str, name: str) -> int | None:
    return _listed(provider, name)[0]


def has_key(provider: str) -> bool:
    """Whether a provider finds a key: in the environment, or in the SDK's own configuration."""
    if provider == "anthropic":
        from workbench.providers.anthropic import has_credentials

        return has_credentials()
    if provider == "bedrock":
        from workbench.providers.bedrock import has_credentials as has_credentials_of_aws

        return has_credentials_of_aws()
    return any(os.environ.get(name, "").strip() for name in KEYS.get(provider, ()))


def _today() -> str:
    return datetime.fromtimestamp(SystemClock().wall(), tz=UTC).date().isoformat()


def _is_of(name: str, known: str) -> bool:
    """Whether a name is a known one, or that with a date or `latest` behind it."""
    rest = name.removeprefix(known)
    return name.startswith(known) and (not rest or rest == "-latest" or (rest[0] in "-@" and rest[1:3] == "20"))


def _listed(provider: str, name: str) -> tuple[int | None, tuple[float | None, float | None]]:
    """Return the context of a model, and what a million tokens cost in and out."""
    from genai_prices.data_snapshot import get_snapshot

    try:
        _, model = get_snapshot().find_provider_model(name, None, LISTS[provider], None)
    except LookupError:
        return None, (None, None)
    prices: Any = None
    with suppress(LookupError, ValueError, AssertionError):
        prices = model.get_prices(datetime.fromtimestamp(SystemClock().wall(), tz=UTC))
    return model.context_window, (_dollars(prices, "input_mtok"), _dollars(prices, "output_mtok"))


def _dollars(prices: Any, name: str) -> float | None:
    """Return a price; of one in tiers the first, which holds for requests of the usual length."""
    found = getattr(prices, name, None)
    found = getattr(found, "base", found)
    return None if found is None else float(found)
