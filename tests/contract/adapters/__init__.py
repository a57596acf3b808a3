"""One module an API: how it says what a script says. Each has an `ADAPTER`; all of them are found by themselves."""

from __future__ import annotations

import importlib
import pkgutil

from tests.contract.script import Adapter


def adapters() -> list[Adapter]:
    """Return all adapters, by name."""
    modules = [importlib.import_module(f"{__name__}.{found.name}") for found in pkgutil.iter_modules(__path__)]
    return sorted((module.ADAPTER for module in modules), key=lambda adapter: adapter.name)
