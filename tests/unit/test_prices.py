"""Prices of models: known, free, or unknown, and never looked up online."""

from __future__ import annotations

import subprocess
import sys

import pytest

from workbench.events.request import Usage
from workbench.providers.prices import price

USED = Usage(input_tokens=10_000, output_tokens=1_000)


@pytest.mark.parametrize(
    "model",
    [
        "anthropic:claude-sonnet-4-5",
        "openai:gpt-5.5",
        "openai-chat:gpt-5.5",
        "bedrock:us.anthropic.claude-sonnet-4-20250514-v1:0",
        "openai-chat:openai/gpt-5@https://openrouter.ai/api/v1",
    ],
)
def test_models_of_every_provider_have_a_price(model: str) -> None:
    """Output costs more than input, and what a cache held costs less."""
    whole = price(model, USED)
    assert whole is not None
    assert 0.001 < whole < 1
    cached = price(model, USED.model_copy(update={"cache_read_tokens": 9_000}))
    assert cached is not None
    assert cached < whole
    assert (price(model, Usage(output_tokens=1_000)) or 0) > (price(model, Usage(input_tokens=1_000)) or 1)


@pytest.mark.parametrize("model", ["offline", "scripted"])
def test_the_embedded_models_cost_nothing(model: str) -> None:
    """Known to be free is something else than unknown."""
    assert price(model, USED) == 0.0


@pytest.mark.parametrize(
    "model",
    [
        "", "anthropic", "anthropic:", "anthropic:no-such-model", "some:model", "openai-chat:qwen3@http://127.0.0.1:11434/v1",
        "anthropic:claude\n\x00", "openai:" + "x" * 10_000,
    ],
)  # fmt: skip
def test_an_unknown_model_has_no_price(model: str) -> None:
    """Never 0 for a guess, whatever stands there."""
    assert price(model, USED) is None


def test_the_lists_are_read_only_when_a_price_is_asked_for() -> None:
    """The program starts without them."""
    code = "import sys, workbench.driver.driver, workbench.driver.forking; print('genai_prices' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
