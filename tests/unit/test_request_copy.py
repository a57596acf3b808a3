"""A request as JSON, Python and curl: it arrives whole, runs nothing else, and carries no key."""

from __future__ import annotations

import ast
import base64
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
from hypothesis import HealthCheck, given, settings

from tests.strange import strange_text
from tests.unit.test_wire import request
from workbench.events.agent import ModelParameters
from workbench.events.content import ImageBlock, normalise_text, text_content
from workbench.events.request import Request, TurnBlock, Usage, UserMessage
from workbench.events.turn import TurnFinished
from workbench.interchange.request_copy import (
    STANDS_IN,
    Api,
    api_of,
    curl,
    python,
    read_request,
    request_json,
    response_json,
    wire_body,
)
from workbench.providers.wire.bedrock import converse_arguments

APIS: tuple[Api, ...] = get_args(Api)
NASTY = (
    "a'b\"c\\d $(touch pwned) `touch pwned` !! $HOME \n'EOF'\nEND_OF_REQUEST\n\\u0027 "
    "\x1b[31m \x7f 中文 \N{PILE OF POO}"
)
MODELS = ("anthropic:m", "openai:m", "openai-chat:m", "openai-chat:m@http://127.0.0.1:9/v1", "bedrock:us.m-v1:0")


def saying(text: str, model: str = "anthropic:m") -> Request:
    """Return a request in which a person says `text`."""
    return request(messages=(UserMessage(content=text_content(text)),), instructions=text, model=model, tools=())


def sent_by(command: str, folder: Path, **variables: str) -> tuple[list[str], Any]:
    """Return the arguments and the body that curl would be given, when bash runs a command."""
    shadow = "curl() { printf '%s\\0' \"$@\"; printf '\\0BODY\\0'; cat; }\n"
    environment = {"PATH": os.environ["PATH"], "HOME": str(folder), **variables}
    script = shadow + command
    is_short = len(script) < 100_000  # longer ones are pasted, or kept in a file
    arguments, typed = (["bash", "-c", script], None) if is_short else (["bash"], script)
    done = subprocess.run(
        arguments, input=typed, capture_output=True, check=True, cwd=folder, env=environment, text=True
    )
    given, body = done.stdout.split("\0BODY\0")
    return given.split("\0"), json.loads(body)


@pytest.mark.parametrize("model", MODELS)
def test_a_shell_sends_the_whole_body_and_does_nothing_else(tmp_path: Path, model: str) -> None:
    """Quotes, newlines, escapes and commands in what was said reach the server as they are, and nothing runs."""
    wanted = saying(NASTY, model)
    command = curl(wanted)
    assert command.replace("\n", "").isprintable()
    assert command.isascii()
    assert "!" not in command
    arguments, body = sent_by(command, tmp_path, ANTHROPIC_API_KEY="canary", OPENAI_API_KEY="canary")
    api = api_of(model)
    assert api is not None
    assert body == wire_body(wanted, api)
    assert not list(tmp_path.iterdir())
    assert arguments[-2:] == ["@-", ""]


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(strange_text(60))
def test_any_text_goes_through_a_shell(tmp_path: Path, text: str) -> None:
    """Whatever was said, the body that bash hands on is the body."""
    wanted = saying(normalise_text(text))
    assert sent_by(curl(wanted), tmp_path)[1] == wire_body(wanted, "messages")


def test_a_request_of_any_size_goes_through_a_shell(tmp_path: Path) -> None:
    """A body that is too long for an argument is no argument."""
    wanted = saying("x" * 400_000)
    assert sent_by(curl(wanted), tmp_path)[1]["system"][0]["text"] == "x" * 400_000


@pytest.mark.parametrize(
    ("model", "url", "header"),
    [
        ("anthropic:m", "https://api.anthropic.com/v1/messages", "x-api-key: canary"),
        ("openai:m", "https://api.openai.com/v1/responses", "authorization: Bearer canary"),
        ("openai-chat:m", "https://api.openai.com/v1/chat/completions", "authorization: Bearer canary"),
        ("anthropic:m@https://api.anthropic.com/v1", "https://api.anthropic.com/v1/messages", "x-api-key: canary"),
        (
            "bedrock:us.m-v1:0",
            "https://bedrock-runtime.us-east-1.amazonaws.com/model/us.m-v1%3A0/converse",
            "authorization: Bearer canary",
        ),
        (
            "bedrock:m@https://bedrock-runtime.eu-west-1.amazonaws.com",
            "https://bedrock-runtime.eu-west-1.amazonaws.com/model/m/converse",
            "authorization: Bearer canary",
        ),
        (
            "bedrock:m@https://x.execute-api.us-east-1.amazonaws.com",
            "https://x.execute-api.us-east-1.amazonaws.com/model/m/converse",
            "authorization: Bearer none",
        ),
        ("bedrock:m@http://h:1", "http://h:1/model/m/converse", "authorization: Bearer none"),
        (
            "openai:m@https://eu.api.openai.com/v1",
            "https://eu.api.openai.com/v1/responses",
            "authorization: Bearer canary",
        ),
        (
            "openai:m@https://stranger.openai.azure.com/v1",
            "https://stranger.openai.azure.com/v1/responses",
            "authorization: Bearer none",
        ),
        ("openai-chat:m@http://h:1/v1/", "http://h:1/v1/chat/completions", "authorization: Bearer none"),
        ("anthropic:m@https://evil.example", "https://evil.example/v1/messages", "x-api-key: none"),
        ("openai:m@http://api.openai.com/v1", "http://api.openai.com/v1/responses", "authorization: Bearer none"),
    ],
)
def test_keys_go_to_their_own_maker_only(tmp_path: Path, model: str, url: str, header: str) -> None:
    """A stranger's session cannot have a key sent to an address that it names."""
    keys = dict.fromkeys(("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "AWS_BEARER_TOKEN_BEDROCK"), "canary")
    arguments, _ = sent_by(curl(saying("Hello", model)), tmp_path, **keys)
    assert url in arguments
    assert header in arguments


def test_no_copy_holds_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys are named by their variable; those in the address of a server are left out."""
    for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "MODEL_API_KEY", "AWS_BEARER_TOKEN_BEDROCK"):
        monkeypatch.setenv(name, "sk-canary")
    for api in APIS:
        model = "openai-chat:m@https://user:sk-canary@host:8/v1?key=sk-canary#sk-canary"
        for wanted in (saying("Hello", model), saying("Hello", "offline")):
            copies = [curl(wanted, api), python(wanted, api), python(wanted), request_json(wanted)]
            assert not [copy for copy in copies if "sk-canary" in copy or "user:" in copy]


def test_an_address_cannot_break_out(tmp_path: Path) -> None:
    """What a stranger's model is called is quoted for the shell and for Python."""
    model = 'openai-chat:m"\n\';touch pwned;\'@http://h/$(touch pwned)\';touch pwned;"\n"""\nimport os'
    sent_by(curl(saying("Hello", model)), tmp_path)
    sent_by(curl(saying("Hello", f"x\ntouch pwned\n{model}"), "chat"), tmp_path)
    assert not list(tmp_path.iterdir())
    for wanted in (saying("Hello", model), saying("Hello", 'strange"""\nimport os\n"""')):
        names = [node for node in ast.walk(ast.parse(python(wanted))) if isinstance(node, ast.Import)]
        assert len(names) == 2


@pytest.mark.parametrize("api", APIS)
def test_a_model_without_an_api_is_told_in_anothers(tmp_path: Path, api: Api) -> None:
    """The copy says so, and names a model that the API has."""
    wanted = saying(NASTY, "offline")
    assert api_of("offline") is None
    with pytest.raises(ValueError, match="no HTTP API"):
        curl(wanted)
    command = curl(wanted, api)
    assert command.startswith("# offline has no HTTP API; this is its request as ")
    arguments, body = sent_by(command, tmp_path)
    assert STANDS_IN[api] in [body.get("model"), *arguments[1].split("/")]


FAKES = """
import json, sys, types
class Answer:
    def model_dump_json(self, indent): return "answered"
class Call:
    def __init__(self, **given): sys.stderr.write("")
    def create(self, **body): print(json.dumps(body)); return Answer()
    def __getattr__(self, name): return self
fake = types.ModuleType("fake"); fake.Anthropic = fake.OpenAI = Call
sys.modules["anthropic"] = sys.modules["openai"] = fake
"""


@pytest.mark.parametrize("api", [api for api in APIS if api != "converse"])
def test_the_script_calls_the_sdk_with_the_body(api: Api, tmp_path: Path) -> None:
    """The script of an API runs as it is, and hands the SDK the very body."""
    wanted = saying(NASTY, {"messages": "anthropic:m", "responses": "openai:m", "chat": "openai-chat:m"}[api])
    script = FAKES + python(wanted)
    environment = {**os.environ, "ANTHROPIC_API_KEY": "k", "OPENAI_API_KEY": "k", "PYTHONIOENCODING": "utf-8"}
    done = subprocess.run(
        [sys.executable, "-"], input=script, capture_output=True, text=True, check=True, env=environment, cwd=tmp_path
    )
    body, said = done.stdout.splitlines()
    assert json.loads(body) == wire_body(wanted, api)
    assert said == "answered"


def test_the_script_for_bedrock_gives_boto3_what_was_given(tmp_path: Path) -> None:
    """Bytes are bytes there, and base64 where curl sends them."""
    shown = ImageBlock(data=b"\x89PNG\x00'\"", media_type="image/png")
    wanted = request(messages=(UserMessage(content=(*text_content(NASTY), shown)),), model="bedrock:m", tools=())
    fake = """
import sys, types
class Client:
    def converse(self, **given): print(ascii(given)); return {"output": {"message": "answered"}}
fake = types.ModuleType("boto3")
fake.client = lambda name, region_name: Client()
sys.modules["boto3"] = fake
"""
    done = subprocess.run(
        [sys.executable, "-"], input=fake + python(wanted), capture_output=True, text=True, check=True, cwd=tmp_path
    )
    given, said = done.stdout.splitlines()
    assert ast.literal_eval(given) == converse_arguments(wanted)
    assert said == "answered"
    content = sent_by(curl(wanted), tmp_path)[1]["messages"][0]["content"]
    assert base64.b64decode(content[1]["image"]["source"]["bytes"]) == shown.data


def test_a_copy_for_bedrock_asks_in_the_region_of_its_address() -> None:
    """Requests are signed for one region, so the script names that one, and the command says which it is."""
    wanted = request(model="bedrock:m@https://bedrock-runtime.eu-west-1.amazonaws.com")
    assert "the region is eu-west-1" in curl(wanted)
    script = python(wanted)
    assert "region_name='eu-west-1', endpoint_url='https://bedrock-runtime.eu-west-1.amazonaws.com'" in script
    assert "endpoint_url" not in python(request(model="bedrock:m"))


def test_a_field_that_the_sdk_does_not_name_goes_beside() -> None:
    """Older Claude models take a temperature, which the SDK only sends as an extra field."""
    script = python(request(parameters=ModelParameters(temperature=0.5)))
    assert "extra_body={'temperature': 0.5}" in script
    assert script.count("temperature") == 1


def test_the_script_of_the_embedded_model_runs(tmp_path: Path) -> None:
    """Without an HTTP API the script asks through workbench, and gets an answer without key or network."""
    wanted = request(model="offline", purpose="plan")
    done = subprocess.run(
        [sys.executable, "-"], input=python(wanted), capture_output=True, text=True, check=True, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "PYTHONIOENCODING": "utf-8"},
    )  # fmt: skip
    assert done.stdout.splitlines()[-1].startswith("TurnEnd(")


@settings(max_examples=40, deadline=None)
@given(strange_text(60))
def test_json_reads_back_as_the_request(text: str) -> None:
    """The JSON copy holds everything, binary blocks included."""
    text = normalise_text(text)  # as all text in the log
    wanted = saying(text)
    assert read_request(request_json(wanted)) == wanted
    whole = request("anthropic", parts=[{"type": "thinking", "signature": text}])
    assert read_request(request_json(whole)) == whole


def test_the_response_is_as_it_was_recorded() -> None:
    """Blocks, stop reason, usage, times and provider-only parts, word for word."""
    blocks: tuple[TurnBlock, ...] = request().messages[1].content  # type: ignore[assignment]
    turn = TurnFinished(
        step=0, attempt=0, purpose="step", content=blocks, stop_reason="tool_use", usage=Usage(input_tokens=9),
        elapsed=1.5, first_token=0.25,
    )  # fmt: skip
    assert TurnFinished.model_validate_json(response_json(turn)) == turn
