"""Model names to providers. A provider's file is imported only when its model is asked for."""

from __future__ import annotations

from workbench.errors import ModelNotFoundError
from workbench.providers.base import Provider

KNOWN = ("offline",)
"""Providers that can be named, before the colon where a model follows."""


def provider_for(model: str, pace: float = 0.0) -> Provider:
    """Return the provider of a model name, `provider:model[@base_url]`.

    `pace` slows the embedded model down, in seconds a turn. Raises `ModelNotFoundError` for a name that no provider
    knows.
    """
    if model == "offline":
        from workbench.providers.offline import OfflineProvider

        return OfflineProvider(pace=pace)
    raise ModelNotFoundError(
        f"there is no model {model!r} in this version; there is {', '.join(KNOWN)!r}, which needs no key. "
        "Leave out the model, or name it so."
    )
