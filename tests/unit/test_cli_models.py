"""Models on the command line: which there are, how they are reached and asked, and what is said of wrong ones."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.anthropic_kit import answer, ended, error, serving, started, text
from tests.cli_harness import Shell
from workbench.cli.arguments import parse
from workbench.cli.reaching import endpoints, typed_addresses
from workbench.config.asking import PARAMETERS
from workbench.config.reaching import REACH, read_providers
from workbench.config.settings import Settings, load_settings
from workbench.errors import ConfigError
from workbench.events.agent import ModelParameters
from workbench.providers import catalog

RUN = ("run", "What?", "--headless", "--plan", "off")


@pytest.fixture
def shell(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Shell:
    """Return a command line on an empty database."""
    return Shell(tmp_path / "runs.db", capsys)


def written_in(folder: Path) -> str:
    """Return all that any file in a folder holds, bytes as letters."""
    return "".join(path.read_bytes().decode("latin-1") for path in folder.rglob("*") if path.is_file())


def test_models_lists_what_is_known(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """Name, calls at once, context, price, key and last day of each; the model without a key comes first."""
    monkeypatch.setattr(catalog, "_today", lambda: "2026-11-25")
    printed = shell("models")
    assert printed.code == 0
    lines = printed.out.splitlines()
    assert lines[1].startswith("offline")
    sonnet = next(line for line in lines if line.startswith("anthropic:claude-sonnet-5-5"))
    assert sonnet.split() == ["anthropic:claude-sonnet-5-5", "∥", "many", "1M", "2.00", "10.00", "not", "set"]
    opus = next(line for line in lines if line.startswith("anthropic:claude-opus-4-5 "))
    assert opus.endswith("until 2027-01-22")
    assert "openai-chat:MODEL@URL" in printed.out
    assert "ANTHROPIC_API_KEY" in printed.out


def test_models_of_one_provider_as_json(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    """A script gets names, prices and whether a key is there, never the key."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "canary-1234567890")
    monkeypatch.setattr(catalog, "_today", lambda: "2026-11-25")
    printed = shell("models", "anthropic", "--json")
    listed: Any = printed.json
    assert {model["provider"] for model in listed} == {"anthropic"}
    assert all(model["has_key"] for model in listed)
    models = {model["name"]: model for model in listed}
    assert models["claude-opus-5-5"]["input_price"] > 0
    assert models["claude-mythos-5"]["input_price"] is None
    assert models["claude-opus-5-5"]["until"] is None
    assert models["claude-opus-4-5"]["until"] == "2027-01-22"
    assert "canary" not in printed.out


def test_a_provider_that_there_is_none_of(shell: Shell) -> None:
    """The nearest one is named."""
    assert "did you mean 'anthropic'" in shell.refused("models", "antropic")


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("anthropic:claude-opus-5", "ANTHROPIC_API_KEY"),
        ("openai:gpt-6-sol", "OPENAI_API_KEY"),
        ("bedrock:amazon.nova-pro-v1:0", "AWS_ACCESS_KEY_ID"),
        ("anthropic:claude-3-opus-20240229", "was retired on 2026-01-05; current models are anthropic:claude-opus-5-5"),
        ("openai-chat:gpt-3.5-turbo", "was retired on 2026-10-23; current models are openai:gpt-6.2-astra"),
        (
            "bedrock:us.anthropic.claude-3-5-sonnet-20241022-v2:0",
            "was retired on 2026-03-01; current models are bedrock:global.anthropic.claude-opus-5-5",
        ),
        ("claude-opus-5", "did you mean 'anthropic:claude-opus-5'"),
        ("openai-chat:qwen3@notaurl", "'notaurl' behind 'qwen3' is no address: "),
    ],
)
def test_a_model_that_cannot_be_asked_is_said_before_anything_is_written(shell: Shell, model: str, said: str) -> None:
    """No key, a retired or an unknown name: one sentence, exit 2, and no run."""
    assert said in shell.refused(*RUN, "-m", model)
    assert not shell.database.exists()


def test_a_gateways_name_of_a_model_may_hold_an_at_sign(shell: Shell) -> None:
    """Only the makers' own models have none in their names."""
    words = ["-m", "openai-chat:@cf/qwen3", "--base-url", "http://127.0.0.1:1", "--retry", "attempts=1"]
    assert "is no address" not in shell(*RUN, *words).err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--base-url", "127.0.0.1:8080"], "base_url"),
        (["--header", "x-team"], "--header expects NAME=VALUE"),
        (["--header", "x team=a"], "has a header 'x team'"),
        (["--header", "x-team=$NO_SUCH_VARIABLE"], "NO_SUCH_VARIABLE"),
        (["--reach", "byte_timeout=0"], "byte_timeout = 0; expected a number of seconds above 0"),
        (["--reach", "bite_timeout=1"], "--reach expects NAME=VALUE"),
        (["--reach", "transport=carrier-pigeon"], "one of httpx2, aiohttp"),
        (["--region", "US East"], "a region such as us-east-1"),
        (["--param", "temprature=1"], "no parameter of a model"),
        (["--param", "max_tokens=lots"], "max_tokens = 'lots' cannot be used"),
    ],
)
def test_what_cannot_be_used_is_one_sentence(shell: Shell, words: list[str], said: str) -> None:
    """Each wrong value is named with what was expected, before anything is written."""
    assert said in shell.refused(*RUN, *words)


def test_what_was_typed_is_for_the_model_that_was_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings say it for good; the command line wins, for the provider of the model alone."""
    monkeypatch.setenv("TEAM", "blue")
    settings = Settings(
        providers=read_providers(
            {
                "anthropic": {"headers": {"X-Team": "$TEAM", "x-old": "1"}, "byte_timeout": 90},
                "openai": {"connections": 3},
            }
        )
    )
    words = ["-m", "anthropic:m", "--base-url", "http://h:1", "--header", "x-old=2", "--reach", "connect_timeout=5"]
    found = endpoints(parse([*RUN, *words]), settings)
    asked = found["anthropic"]
    assert (asked.base_url, asked.byte_timeout, asked.connect_timeout) == ("http://h:1", 90.0, 5.0)
    assert asked.headers == {"x-team": "blue", "x-old": "2"}
    assert (found["openai"].base_url, found["openai"].connections) == (None, 3)


def test_addresses_that_a_person_typed_are_known() -> None:
    """Also those of the variants of a race, and of a judge."""
    words = ["fork", "@last", "-m", "openai:m@http://a:1", "--vary", "model=openai:n@http://b:2,offline"]
    words += ["--check", "judge[openai:j@https://c]:is it true?"]
    assert sorted(typed_addresses(parse(words))) == ["http://a:1", "http://b:2", "https://c"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("providers.antropic.region = 'x'", "did you mean 'anthropic'"),
        ("providers.anthropic.base_uri = 'http://x'", "did you mean 'base_url'"),
        ("providers = 3", "expected tables"),
        ("parameters = 3", "expected a table"),
        ("parameters.efort = 'high'", "did you mean 'effort'"),
        ("providers.bedrock.connections = true", "a whole number above 0"),
    ],
)
def test_a_wrong_entry_of_the_settings_is_named(tmp_path: Path, text: str, said: str) -> None:
    """The file, the entry and what was expected, in one sentence."""
    (tmp_path / "settings.toml").write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_settings(tmp_path / "settings.toml")
    assert said in str(caught.value)
    assert "settings.toml" in str(caught.value)


def test_the_page_on_models_tells_every_name() -> None:
    """Whoever reads it finds all that can be said about a provider and a model."""
    page = (Path(__file__).parents[2] / "docs" / "models.md").read_text("utf-8")
    assert all(f"| `{name}` |" in page for name in (*REACH, *PARAMETERS))
    assert set(PARAMETERS) == set(ModelParameters.model_fields)


async def test_a_whole_run_asks_where_it_was_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Address, header and parameters of the command line arrive at the server, and the answer is the run's."""
    async with serving(answer(started(), text(0, "Forty-two."), ended())) as server:
        shell = Shell(tmp_path / "runs.db", capsys)
        words = [
            "-m",
            f"anthropic:m@{server.url}",
            "--header",
            "x-team=blue-team",
            "--param",
            "max_tokens=77",
            "--json",
        ]
        printed = await asyncio.to_thread(shell, "run", "What?", "--plan", "off", *words)
        ((_, headers, body),) = server.requests
    assert printed.code == 0, printed
    assert "Forty-two." in printed.out
    assert (headers["x-team"], body["max_tokens"], body["model"]) == ("blue-team", 77, "m")
    assert "blue-team" not in written_in(tmp_path)


async def test_an_unknown_cost_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A model that is in no price list did not cost nothing."""
    async with serving(answer(started(), text(0, "Forty-two."), ended())) as server:
        shell = Shell(tmp_path / "runs.db", capsys)
        printed = await asyncio.to_thread(shell, "run", "What?", "--plan", "off", "-m", f"anthropic:m@{server.url}")
    assert printed.code == 0, printed
    assert printed.out.splitlines()[-2].endswith(" out · cost unknown")


async def test_a_key_is_nowhere_but_on_the_wire(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not in the output, the log or an export, even where the server says it back."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "canary-1234567890")
    async with serving(error(401, "authentication_error", "wrong key: canary-1234567890")) as server:
        shell = Shell(tmp_path / "runs.db", capsys)
        words = ["-m", "anthropic:m", "--base-url", server.url, "--plan", "off", "--json"]
        printed = await asyncio.to_thread(shell, "run", "What?", *words)
        assert server.requests[0][1]["authorization"] == "Bearer canary-1234567890"
        exported = await asyncio.to_thread(shell, "export", "@last")
    assert printed.code == 1
    assert "does not accept the key" in printed.out
    for said in (printed.out, printed.err, exported.out):
        assert "canary" not in said
    assert "canary" not in written_in(tmp_path)
    assert [json.loads(line) for line in printed.out.splitlines()]
