"""Models that are known by name: what each can do, and which names have been retired.

A list of this kind is never complete. A name that is not in it is asked of its provider all the same, which then says
whether it exists; the list only makes the usual ones easy to find, and tells what a retired one is followed by.
Context and prices come from the price lists of a package, so they are not written down twice.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from workbench.clock import SystemClock
from workbench.errors import ModelNotFoundError
from workbench.events.agent import HostedTool
from workbench.providers.prices import LISTS

CURRENT: Final[dict[str, tuple[str, ...]]] = {
    "anthropic": (
        "claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-fable-5-2", "claude-mythos-5-2",
        "claude-opus-5", "claude-sonnet-5", "claude-opus-4-8", "claude-opus-4-7", "claude-opus-4-6",
        "claude-sonnet-4-6", "claude-haiku-4-5",
    ),
    "openai": (
        "gpt-6.2-astra", "gpt-6.2-sol", "gpt-6.1-terra", "gpt-6-luna", "gpt-6-astra", "gpt-6-sol", "gpt-5.6-sol",
        "gpt-5.6-terra", "gpt-5.6-luna", "gpt-5.5", "gpt-5.4", "gpt-5.4-mini",
    ),
    "bedrock": (
        "global.anthropic.claude-opus-5-5", "global.anthropic.claude-sonnet-5-5", "global.anthropic.claude-haiku-5-5",
        "global.anthropic.claude-opus-5", "global.amazon.nova-2-lite-v1:0", "amazon.nova-premier-v1:0",
        "amazon.nova-pro-v1:0", "amazon.nova-lite-v1:0",
    ),
}  # fmt: skip
"""Names that can be used, the newest of a family first."""

RETIRED: Final[dict[str, dict[str, str]]] = {
    "anthropic": {
        "claude-2": "2025-07-21", "claude-3-sonnet": "2025-07-21", "claude-3-5-sonnet": "2025-10-28",
        "claude-3-opus": "2026-01-05", "claude-3-7-sonnet": "2026-02-19", "claude-3-5-haiku": "2026-02-19",
        "claude-3-haiku": "2026-04-20", "claude-opus-4-0": "2026-06-15", "claude-sonnet-4-0": "2026-06-15",
        "claude-mythos-preview": "2026-06-30", "claude-sonnet-4-5": "2026-11-30", "claude-opus-4-5": "2027-01-22",
    },
    "openai": {
        "gpt-3.5-turbo": "2026-10-23", "gpt-4-32k": "2025-06-06", "gpt-4-turbo": "2026-10-23", "gpt-4": "2026-10-23",
        "gpt-4o": "2027-01-14", "gpt-4o-mini": "2027-01-14", "gpt-4.1": "2027-01-14", "gpt-4.1-mini": "2027-01-14",
        "gpt-4.1-nano": "2026-10-23", "chatgpt-4o-latest": "2026-02-17", "o1": "2026-10-23", "o1-mini": "2025-10-27",
        "o1-preview": "2025-07-28", "o3": "2026-12-11", "o3-mini": "2026-10-23", "o4-mini": "2026-10-23",
        "gpt-5": "2026-12-11", "gpt-5-mini": "2026-12-11", "gpt-5-nano": "2026-12-11",
        "gpt-5-chat-latest": "2026-07-23", "gpt-5.1-codex": "2026-07-23", "gpt-5.1": "2027-04-01",
        "gpt-5.4-nano": "2027-04-01", "codex-mini-latest": "2026-02-12",
    },
}  # fmt: skip
"""Names with the day from which their maker serves them no more, as the SDKs say; dated names follow them."""

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
_ONE_AT_A_TIME: Final = ("o1", "o1-mini", "o1-preview", "o3", "o3-mini", "o4-mini")
"""Models whose API refuses several calls in one turn; dated names follow them."""


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

    @property
    def full_name(self) -> str:
        """The name by which the model is asked for."""
        return f"{self.provider}:{self.name}" if self.name else self.provider


def calls_in_parallel(model: str) -> bool:
    """Whether a model, `provider:name`, can ask for several calls in one turn, as far as is known."""
    provider, _, name = model.partition(":")
    return provider not in ("openai", "openai-chat") or not any(_is_of(name, known) for known in _ONE_AT_A_TIME)


def hosted_by(model: str) -> tuple[HostedTool, ...]:
    """Return the tools that the provider of a model, `provider:name`, runs itself."""
    return _HOSTED.get(model.partition(":")[0], ())


def retired_on(provider: str, name: str) -> str | None:
    """Return the day from which a model is not served any more, as YYYY-MM-DD; None where none is known."""
    return next((day for known, day in RETIRED.get(provider, {}).items() if _is_of(name, known)), None)


def refuse_retired(provider: str, name: str) -> None:
    """Raise `ModelNotFoundError` for a model that its maker serves no more, with those that can be used."""
    day = retired_on(provider, name)
    today = datetime.fromtimestamp(SystemClock().wall(), tz=UTC).date().isoformat()
    if day is not None and day <= today:
        now = ", ".join(f"{provider}:{current}" for current in CURRENT[provider][:4])
        raise ModelNotFoundError(f"{provider}:{name} was retired on {day}; current models are {now}")


def known_models() -> Iterator[Model]:
    """Yield every model that is known, with its context and price; reads the price lists, which are slow to import."""
    yield Model("offline", "", input_price=0.0, output_price=0.0)
    for provider, names in CURRENT.items():
        for name in names:
            context, prices = _listed(provider, name)
            yield Model(
                provider,
                name,
                parallel=calls_in_parallel(f"{provider}:{name}"),
                context=context,
                input_price=prices[0],
                output_price=prices[1],
                has_key=has_key(provider),
            )


def has_key(provider: str) -> bool:
    """Whether a provider finds a key: in the environment, or in the SDK's own configuration."""
    if provider == "anthropic":
        from workbench.providers.anthropic import has_credentials

        return has_credentials()
    if provider == "bedrock":
        from workbench.providers.bedrock import has_credentials as has_credentials_of_aws

        return has_credentials_of_aws()
    return any(os.environ.get(name, "").strip() for name in KEYS.get(provider, ()))


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
