"""What models cost: US dollars for tokens, from price lists that come with a package, so nothing is looked up online.

The package is large and slow to import, so it is imported only when a price is asked for. A model that it does not know
has no price: None, never 0.
"""

from __future__ import annotations

import re
from functools import lru_cache

from workbench.events.request import Usage

FREE = ("offline", "scripted", "recorded")
"""Providers that cost nothing."""
LISTS = {"anthropic": "anthropic", "openai": "openai", "openai-chat": "openai", "bedrock": "aws"}
"""Our providers, and what the price lists call them."""
_MODEL = re.compile(r"(?P<provider>[^:]+):(?P<name>.+?)(?:@(?P<url>https?://.+))?", re.DOTALL)


def price(model: str, usage: Usage) -> float | None:
    """Return what `usage` costs with a model named `provider:model[@base_url]`; None where no price is known."""
    if model.partition(":")[0] in FREE:
        return 0.0
    match = _MODEL.fullmatch(model)
    if match is None or match["provider"] not in LISTS:
        return None
    used = (usage.input_tokens, usage.output_tokens, usage.cache_read_tokens, usage.cache_write_tokens)
    return _listed(match["provider"], match["name"], match["url"], *used)


@lru_cache(maxsize=4096)
def _listed(
    provider: str, name: str, url: str | None, input_: int, output: int, read: int, written: int
) -> float | None:
    """Return the price from the lists; at a place of its own a model costs what that place takes, if it is listed."""
    from genai_prices import Usage as Tokens
    from genai_prices import calc_price

    tokens = Tokens(input_tokens=input_, output_tokens=output, cache_read_tokens=read, cache_write_tokens=written)
    try:
        found = (
            calc_price(tokens, name, provider_id=LISTS[provider])
            if url is None
            else calc_price(tokens, name, provider_api_url=url)
        )
    except (LookupError, ValueError):
        return None
    return float(found.total_price)
