"""The tables of models are those of the makers' SDKs that are installed, and names are refused on their day."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, get_args

import pytest

from tests.anthropic_kit import error, serving
from workbench.errors import ModelNotFoundError, PermanentModelError
from workbench.events.agent import ModelParameters
from workbench.events.content import TextBlock
from workbench.events.request import Request, UserMessage
from workbench.providers import catalog
from workbench.providers.catalog import calls_in_parallel, known_models, refuse_retired, retired_on
from workbench.providers.failures import model_error, status_error
from workbench.providers.names import CURRENT, ONE_AT_A_TIME, RETIRED
from workbench.providers.registry import Providers
from workbench.providers.remote import Endpoint

LEFT_OUT = {
    # the SDK keeps it, and says that the API knows no such model
    "gpt-5.1-mini",
    # speak rather than write
    "gpt-audio-mini",
    # served only to those who were let in for one field: security, life sciences, law
    "gpt-daybreak-blue-latest",
    "gpt-daybreak-red-latest",
    "gpt-5.6-cyber",
    "gpt-6-cyber",
    "gpt-rosalind-research",
    "gpt-6-rosalind",
    "gpt-6.2-astra-law",
}
"""Current names of the SDKs that are not in our list on purpose."""
DATED = re.compile(r"-(\d{4}-\d\d-\d\d|\d{8})$")


def literals(alias: Any) -> set[str]:
    """Return the strings in a union of literals, however deep."""
    found = {alias} if isinstance(alias, str) else set()
    return found.union(*(literals(part) for part in get_args(alias)))


def names_of_sdks() -> dict[str, set[str]]:
    """Return every name of a model that the SDKs know."""
    from anthropic.types import Model
    from openai.types.shared import AllModels, ResponsesModel

    return {"anthropic": literals(Model), "openai": literals(AllModels) | literals(ResponsesModel)}


def days_of_anthropic() -> Iterator[tuple[str, str]]:
    """Yield names and days, which the SDK keeps as `January 22nd, 2027`."""
    from anthropic._data import DEPRECATED_MODELS

    for name, told in DEPRECATED_MODELS.items():
        day = datetime.strptime(re.sub(r"(?<=\d)(st|nd|rd|th)", "", told), "%B %d, %Y").replace(tzinfo=UTC)
        yield name, day.date().isoformat()


def days_of_openai() -> Iterator[tuple[str, str]]:
    """Yield names and days, which stand below the SDK's `ChatModel` as a list in words."""
    from openai.types.shared import chat_model

    told = " ".join(inspect.getsource(chat_model).partition("Deprecated values:")[2].split())
    for entry in re.split(r" - (?=\")", told)[1:]:
        names, _, words = entry.partition('": ')
        day = re.search(r"Announced shutdown date: (\d{4}-\d\d-\d\d)", words)
        if day is None:
            assert "Not a supported model ID" in words, f"the SDK says it in other words: {entry}"
            continue
        for name in re.findall(r'"([^"]+)"', f'{names}"'):
            yield name, day[1]


def days_of_sdks() -> dict[str, dict[str, str]]:
    """Return the day of each name that the SDKs call deprecated."""
    days = {"anthropic": dict(days_of_anthropic()), "openai": dict(days_of_openai())}
    assert len(days["anthropic"]) >= 4, "the SDK keeps its days elsewhere"
    assert len(days["openai"]) >= 60, "the SDK keeps its days elsewhere"
    return days


def test_every_name_is_refused_on_the_day_that_its_sdk_says(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither earlier nor later, each dated name by itself."""
    wrong = [
        f"{provider}:{name} {day}, not {retired_on(provider, name)}"
        for provider, days in days_of_sdks().items()
        for name, day in days.items()
        if retired_on(provider, name) != day
    ]
    assert not wrong
    refuse_retired("anthropic", "claude-opus-5-5")
    monkeypatch.setattr(catalog, "_today", lambda: "2027-01-21")
    refuse_retired("anthropic", "claude-opus-4-5-20251101")
    monkeypatch.setattr(catalog, "_today", lambda: "2027-01-22")
    with pytest.raises(ModelNotFoundError, match="retired on 2027-01-22"):
        refuse_retired("anthropic", "claude-opus-4-5-20251101")


def test_every_name_that_is_served_is_listed() -> None:
    """What a maker's SDK knows can be found with `workbench models`, unless it is left out on purpose."""
    today = catalog._today()
    for provider, names in names_of_sdks().items():
        served = {name for name in names if (retired_on(provider, name) or "9") > today and name not in LEFT_OUT}
        families = {DATED.sub("", name) for name in served} - LEFT_OUT
        assert families <= set(CURRENT[provider]), f"{provider} lacks {sorted(families - set(CURRENT[provider]))}"
        assert set(CURRENT[provider]) <= names, "not known to the SDK"
    assert set().union(*names_of_sdks().values()) >= LEFT_OUT


def test_names_at_bedrock_are_those_of_the_price_list() -> None:
    """Amazon's SDK has no list of models, the prices do."""
    models = {model.name: model for model in known_models() if model.provider == "bedrock"}
    assert set(models) == set(CURRENT["bedrock"])
    assert all(model.input_price for model in models.values())


def test_no_name_stands_twice() -> None:
    """A name has one place, and one day; what is recommended has none."""
    for provider, names in CURRENT.items():
        assert len(names) == len(set(names))
        days = [name for of_day in RETIRED[provider].values() for name in of_day]
        assert len(days) == len(set(days))
        assert not set(names[:4]) & set(days)


@pytest.mark.parametrize(
    ("provider", "name", "day"),
    [
        ("openai", "gpt-4o-2024-05-13", "2026-10-23"),
        ("openai", "gpt-4o-2024-08-06", "2027-01-14"),
        ("openai", "gpt-4o-2099-01-01", "2027-01-14"),
        ("openai", "gpt-4-0613", "2026-10-23"),
        ("openai", "o1-pro-2025-03-19", "2026-10-23"),
        ("openai", "gpt-5.5", None),
        ("openai-chat", "gpt-3.5-turbo", "2026-10-23"),
        ("openai-chat", "qwen3", None),
        ("anthropic", "claude-opus-4-20250514", "2026-06-15"),
        ("anthropic", "claude-sonnet-4-20250514", "2026-06-15"),
        ("anthropic", "claude-opus-4-1-20250805", "2026-08-05"),
        ("anthropic", "claude-2.1", "2025-07-21"),
        ("anthropic", "claude-instant-1.2", "2024-11-06"),
        ("anthropic", "claude-3-5-sonnet-latest", "2025-10-28"),
        ("anthropic", "claude-opus-4-6", None),
        ("bedrock", "us.anthropic.claude-3-5-sonnet-20241022-v2:0", "2026-03-01"),
        ("bedrock", "anthropic.claude-opus-4-1-20250805-v1:0", "2027-01-08"),
        ("bedrock", "us.amazon.nova-premier-v1:0", "2026-09-14"),
        ("bedrock", "us-gov.anthropic.claude-3-5-sonnet-20240620-v1:0", None),
        ("bedrock", "global.anthropic.claude-opus-5", None),
        ("recorded", "claude-2", None),
    ],
)
def test_a_day_is_that_of_the_name_or_else_of_its_family(provider: str, name: str, day: str | None) -> None:
    """Dated names, `latest` and regions need no line of their own; one that has a line keeps it."""
    assert retired_on(provider, name) == day


def test_a_retired_name_is_told_with_the_current_ones() -> None:
    """Nobody has to look up what follows a model that is not served any more; four names are enough."""
    with pytest.raises(ModelNotFoundError) as caught:
        Providers()("anthropic:claude-3-sonnet-20240229")
    assert str(caught.value) == (
        "anthropic:claude-3-sonnet-20240229 was retired on 2025-07-21; current models are anthropic:claude-opus-5-5, "
        "anthropic:claude-sonnet-5-5, anthropic:claude-haiku-5-5, anthropic:claude-fable-5-2; `workbench models` lists "
        "more"
    )


@pytest.mark.parametrize(
    ("address", "variable", "is_refused"),
    [
        (None, None, True),
        ("https://api.openai.com/v1", None, True),
        ("https://eu.api.openai.com/v1", "http://127.0.0.1:1", True),
        ("https://mine.openai.azure.com/openai/v1", None, False),
        ("http://127.0.0.1:1", None, False),
        (None, "http://127.0.0.1:1", False),
    ],
)
@pytest.mark.parametrize("provider", ["openai", "openai-chat"])
def test_only_the_maker_has_retired_a_name(
    monkeypatch: pytest.MonkeyPatch, provider: str, address: str | None, variable: str | None, is_refused: bool
) -> None:
    """A gateway, Azure or a server of one's own may serve it for longer, wherever its address was written."""
    monkeypatch.setenv("OPENAI_API_KEY", "key-of-a-test")
    if variable:
        monkeypatch.setenv("OPENAI_BASE_URL", variable)
    providers = Providers({provider: Endpoint(base_url=address)})
    if is_refused:
        with pytest.raises(ModelNotFoundError, match="retired on 2026-10-23"):
            providers(f"{provider}:gpt-3.5-turbo")
    else:
        providers(f"{provider}:gpt-3.5-turbo")


def test_models_are_listed_until_their_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model that goes soon says until when; from that day it is not listed."""
    monkeypatch.setattr(catalog, "_today", lambda: "2026-12-10")
    assert {model.name: model.until for model in known_models()}["o3"] == "2026-12-11"
    monkeypatch.setattr(catalog, "_today", lambda: "2026-12-11")
    assert "o3" not in {model.name for model in known_models()}


def test_known_models_tell_what_they_cost() -> None:
    """Context and price come from the price lists; what is not listed is unknown, never 0."""
    models = {model.full_name: model for model in known_models()}
    assert models["offline"].input_price == 0.0
    sonnet = models["anthropic:claude-sonnet-5-5"]
    assert sonnet.context is not None
    assert sonnet.context >= 200_000
    assert sonnet.input_price is not None
    assert sonnet.output_price is not None
    assert 0 < sonnet.input_price < sonnet.output_price
    assert sonnet.has_key is False
    assert sonnet.until is None


def test_models_that_go_one_by_one() -> None:
    """All that reason in the way of o1, with a date or tuned; a name that only begins like one is none."""
    assert set(ONE_AT_A_TIME) == {DATED.sub("", name) for name in names_of_sdks()["openai"] if re.match(r"o\d", name)}
    for name in ("o3-mini", "o3-pro-2025-06-10", "o4-mini-deep-research", "ft:o4-mini-2025-04-16:mine::x"):
        assert not calls_in_parallel(f"openai:{name}")
        assert not calls_in_parallel(f"openai-chat:{name}")
    assert calls_in_parallel("openai:gpt-5")
    assert calls_in_parallel("openai-chat:o3-of-mine")
    assert calls_in_parallel("anthropic:claude-sonnet-5-5")


def test_a_model_that_the_api_does_not_know_is_told_with_current_ones() -> None:
    """Also after the provider's own sentence; other failures, and providers without a list, name none."""
    unknown = status_error(404, "not_found_error", "model: claude-0.", None)
    told = model_error(unknown, "anthropic")
    assert isinstance(told, PermanentModelError)
    assert told.kind == "model_not_found"
    assert str(told).startswith(
        "the provider has no such model for this key (404): model: claude-0; current models are "
    )
    assert str(told).count("anthropic:") == 4
    assert str(told).endswith("`workbench models` lists more")
    assert str(model_error(unknown)) == str(model_error(unknown, "scripted")) == str(unknown)
    other = status_error(401, "", "wrong", None)
    assert model_error(other, "anthropic") is other


@pytest.mark.parametrize(
    ("provider", "variable", "names"),
    [
        ("anthropic", "ANTHROPIC_BASE_URL", "anthropic:claude-opus-5-5"),
        ("openai", "OPENAI_BASE_URL", "openai:gpt-6.2-astra"),
        ("bedrock", "AWS_ENDPOINT_URL", "bedrock:global.anthropic.claude-opus-5-5"),
        ("openai-chat", "OPENAI_BASE_URL", None),
    ],
)
async def test_providers_name_current_models(
    monkeypatch: pytest.MonkeyPatch, provider: str, variable: str, names: str | None
) -> None:
    """A wrong name ends with right ones; a server whose address was written down has models of its own."""
    for key in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(key, "key-of-a-test")
    replies = [error(404, "not_found_error", "model: m-0")] * 2
    async with serving(*replies) as server:
        own = Providers({provider: Endpoint(base_url=server.url)})
        assert "current models" not in await failure_of(own, provider)
        monkeypatch.setenv(variable, server.url)
        said = await failure_of(Providers(), provider)
    assert (names in said) if names else ("current models" not in said)


async def failure_of(providers: Providers, provider: str) -> str:
    """Return what is said of a model that the API does not know."""
    asked = (UserMessage(content=(TextBlock(text="hello"),)),)
    request = Request("step", "", (), asked, f"{provider}:m-0", ModelParameters())
    with pytest.raises(PermanentModelError) as caught:
        async for _ in providers(request.model).stream(request):
            pass
    assert caught.value.kind == "model_not_found"
    return str(caught.value)
