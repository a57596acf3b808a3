"""A request as something to take along: JSON, a Python script, a curl command. Keys are named, never written.

What is in a request comes from models, tools and strangers' files, and these texts are pasted into shells and run. So
the body of a curl command is printable ASCII, data in Python is written by `repr`, and the address of a
server is shorn of names and passwords. A key is sent to its own maker only; a server of another address, which a
stranger's session may name, gets what the person put into `MODEL_API_KEY`.
"""

from __future__ import annotations

import base64
import json
import pprint
import shlex
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, NamedTuple
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import JsonValue, TypeAdapter

from workbench.events.request import Request
from workbench.events.turn import TurnFinished
from workbench.providers.makers import is_maker, region_of
from workbench.providers.wire.anthropic import messages_body
from workbench.providers.wire.bedrock import converse_arguments
from workbench.providers.wire.common import Body, split_model
from workbench.providers.wire.openai_chat import chat_body
from workbench.providers.wire.openai_responses import responses_body

Api = Literal["messages", "responses", "chat", "converse"]

_REQUEST: Final = TypeAdapter(Request)
_WIDTH: Final = 110
OWN_KEY: Final = "MODEL_API_KEY"
"""Names the key of a server that is none of the makers'."""
STANDS_IN: Final[dict[Api, str]] = {
    "messages": "claude-sonnet-5-5",
    "responses": "gpt-5.5",
    "chat": "gpt-5.5",
    "converse": "global.anthropic.claude-sonnet-5-5",
}
"""The model that a copy names where the one of the request has no HTTP API."""


class _Endpoint(NamedTuple):
    base: str
    path: str
    key: str
    """Environment variable of the maker's own key."""


_ENDPOINTS: Final[dict[Api, _Endpoint]] = {
    "messages": _Endpoint("https://api.anthropic.com", "/v1/messages", "ANTHROPIC_API_KEY"),
    "responses": _Endpoint("https://api.openai.com/v1", "/responses", "OPENAI_API_KEY"),
    "chat": _Endpoint("https://api.openai.com/v1", "/chat/completions", "OPENAI_API_KEY"),
    "converse": _Endpoint("https://bedrock-runtime.us-east-1.amazonaws.com", "", "AWS_BEARER_TOKEN_BEDROCK"),
}
_APIS: Final[dict[str, Api]] = {
    "anthropic": "messages",
    "openai": "responses",
    "openai-chat": "chat",
    "bedrock": "converse",
}
_PROVIDERS: Final = {api: provider for provider, api in _APIS.items()}
TITLES: Final[dict[Api, str]] = {
    "messages": "Anthropic's Messages API",
    "responses": "OpenAI's Responses API",
    "chat": "the Chat Completions API",
    "converse": "Amazon Bedrock's Converse API",
}


def api_of(model: str) -> Api | None:
    """Return the HTTP API that a model is asked through, or None where it has none that can be copied."""
    return _APIS.get(split_model(model).provider)


def request_json(request: Request) -> str:
    """Return a request in the format of our own; the address of a server without user and password."""
    return json.dumps(_plain(request), ensure_ascii=False, indent=2)


def _plain(request: Request) -> JsonValue:
    name = split_model(request.model)
    if name.base_url:
        known = request.model.removesuffix(name.base_url)
        request = replace(request, model=known + _shorn(name.base_url))
    value: JsonValue = _REQUEST.dump_python(request, mode="json")
    return value


def read_request(text: str) -> Request:
    """Return the request that `request_json` wrote; raises `pydantic.ValidationError` for another text."""
    return _REQUEST.validate_json(text)


def response_json(turn: TurnFinished) -> str:
    """Return a finished turn as it was recorded: blocks, stop reason, usage, times, provider-only parts."""
    return json.dumps(turn.model_dump(mode="json"), ensure_ascii=False, indent=2)


def wire_body(request: Request, api: Api) -> Body:
    """Return the body that an API would be sent."""
    model = None if api_of(request.model) == api else STANDS_IN[api]
    match api:
        case "messages":
            return messages_body(request, model)
        case "responses":
            return responses_body(request, model)
        case "chat":
            return chat_body(request, model)
        case "converse":
            body = {name: _as_json(value) for name, value in _converse(request).items()}
            return {name: value for name, value in body.items() if name != "modelId"}


def _converse(request: Request) -> dict[str, Any]:
    """Return the arguments that boto3 is given, bytes as bytes."""
    if api_of(request.model) != "converse":
        request = replace(request, model=f"bedrock:{STANDS_IN['converse']}")
    return converse_arguments(request)


def _as_json(value: Any) -> JsonValue:
    """Return a value with its bytes in base64, as the HTTP API takes them."""
    match value:
        case bytes():
            return base64.b64encode(value).decode("ascii")
        case dict():
            return {name: _as_json(item) for name, item in value.items()}
        case list():
            return [_as_json(item) for item in value]
        case _:
            known: JsonValue = value
            return known


@dataclass(frozen=True, slots=True)
class _Server:
    """Where a body goes, and which variable holds the key for it."""

    base: str
    key: str
    is_makers: bool


def _server(request: Request, api: Api) -> _Server:
    endpoint = _ENDPOINTS[api]
    given = split_model(request.model).base_url if api_of(request.model) == api else None
    base = _shorn(given) if given else endpoint.base
    if is_maker(_PROVIDERS[api], base):
        return _Server(base, endpoint.key, is_makers=True)
    return _Server(base, OWN_KEY, is_makers=False)


def _shorn(address: str) -> str:
    """Return an address without user, password, query and fragment: keys stand in all of them."""
    try:
        parts = urlsplit(address)
        host = parts.netloc.rpartition("@")[2]
        return urlunsplit((parts.scheme, host, parts.path.rstrip("/"), "", ""))
    except ValueError:
        return "http://127.0.0.1"


# curl


def curl(request: Request, api: Api | None = None) -> str:
    """Return a command that asks for the same turn; without an API of its own, the request is told in that of `api`.

    Raises `ValueError` where neither is known.
    """
    api = _chosen(request, api)
    server, endpoint = _server(request, api), _ENDPOINTS[api]
    path = endpoint.path.removeprefix("/v1") if server.base.endswith("/v1") else endpoint.path
    if api == "converse":
        path = f"/model/{quote(_converse(request)['modelId'], safe='')}/converse"
    headers = ["'content-type: application/json'", _auth_header(api, server)]
    if api == "messages":
        headers.append("'anthropic-version: 2023-06-01'")
    lines = [f"curl -sS {shlex.quote(_ascii(server.base + path))}", *(f"-H {header}" for header in headers)]
    command = " \\\n  ".join([*lines, "--data-binary @- <<'END_OF_REQUEST'"])
    return f"{_shell_head(request, api, server)}{command}\n{_shell_json(wire_body(request, api))}\nEND_OF_REQUEST\n"


def _auth_header(api: Api, server: _Server) -> str:
    # A variable that is not set would send an empty key; of a server of one's own that may be right.
    variable = f"${server.key}" if server.is_makers else f"${{{server.key}:-none}}"
    return f'"x-api-key: {variable}"' if api == "messages" else f'"authorization: Bearer {variable}"'


def _shell_head(request: Request, api: Api, server: _Server) -> str:
    notes = [] if api_of(request.model) == api else [_no_api(request, api)]
    if api == "converse" and server.is_makers:
        region = region_of(server.base)
        notes.append(f"The key is one of Amazon Bedrock's own; the region is {region}: change both to yours.")
    if not server.is_makers:
        notes.append(f"The key of this server is read from {server.key}; yours for other services are not sent to it.")
    return "".join(f"# {note}\n" for note in notes)


def _no_api(request: Request, api: Api) -> str:
    name = split_model(request.model).provider
    return f"{_ascii(name)} has no HTTP API; this is its request as {TITLES[api]} takes it, for {STANDS_IN[api]}."


def _ascii(text: str) -> str:
    """Return text on one line of printable ASCII, whatever it holds."""
    return "".join(letter if " " <= letter <= "~" else "?" for letter in text)


def _shell_json(body: Body) -> str:
    """Return JSON for a shell that is told to take it as it is: printable ASCII.

    No line of it is the mark that ends it. Interactive shells look for `!` even so, before they know of any mark.
    """
    return json.dumps(body, ensure_ascii=True, indent=2).replace("!", "\\u0021").replace("\x7f", "\\u007f")


# Python


def python(request: Request, api: Api | None = None) -> str:
    """Return a script that asks for the same turn: with the maker's SDK, or through workbench where there is none."""
    own = api or api_of(request.model)
    if own is None:
        return _through_workbench(request)
    return _through_boto3(request) if own == "converse" else _through_sdk(request, own)


_WORKBENCH: Final = '''\
"""One request to {model}, as it was sent. Needs: pip install workbench"""

import asyncio
import json

from workbench.interchange.request_copy import read_request
from workbench.providers.registry import provider_for

REQUEST = {request}


async def main() -> None:
    request = read_request(json.dumps(REQUEST))
    async for delta in provider_for(request.model).stream(request):
        print(delta)


asyncio.run(main())
'''


def _through_workbench(request: Request) -> str:
    return _WORKBENCH.format(model=_docstring(_named(request)), request=_literal(_plain(request)))


def _named(request: Request) -> str:
    """Return what the model is called, without its server."""
    name = split_model(request.model)
    return f"{name.provider}:{name.model}" if name.model else name.provider


def _docstring(text: str) -> str:
    """Return text that can stand in a docstring."""
    return _ascii(text).replace("\\", "/").replace('"', "'")


def _through_boto3(request: Request) -> str:
    """Return a script for Bedrock; who asks is found as all of Amazon's tools find it."""
    server = _server(request, "converse")
    told = f"One request to {_docstring(_named(request))}, as it was sent, answered in one piece. "
    if api_of(request.model) != "converse":
        told = f"{_docstring(_no_api(request, 'converse'))} "
    at = "" if server.base == _ENDPOINTS["converse"].base else f", endpoint_url={server.base!r}"
    found = 'os.environ.get("AWS_REGION", "us-east-1")'
    region = repr(region_of(server.base)) if at and server.is_makers else found
    return _BOTO3.format(told=told, request=_literal(_converse(request)), region=region, at=at)


_BOTO3: Final = '''\
"""{told}Needs: pip install boto3"""

import os

import boto3

REQUEST = {request}

client = boto3.client("bedrock-runtime", region_name={region}{at})
response = client.converse(**REQUEST)
print(response["output"]["message"])
'''


_SDKS: Final[dict[Api, tuple[str, str, str]]] = {
    "messages": ("anthropic", "anthropic.Anthropic", "client.messages.create"),
    "responses": ("openai", "openai.OpenAI", "client.responses.create"),
    "chat": ("openai", "openai.OpenAI", "client.chat.completions.create"),
}
_UNKNOWN_TO_SDK: Final[dict[Api, tuple[str, ...]]] = {"messages": ("temperature",), "responses": (), "chat": ()}
"""Fields that the API takes for some models and the SDK's method does not name."""


def _through_sdk(request: Request, api: Api) -> str:
    package, client, method = _SDKS[api]
    server, body = _server(request, api), wire_body(request, api)
    extra = {name: body.pop(name) for name in _UNKNOWN_TO_SDK[api] if name in body}
    said = f"One request to {_docstring(_named(request))}, as it was sent, answered in one piece. "
    if api_of(request.model) != api:
        said = f"{_docstring(_no_api(request, api))} "
    given = [
        f'api_key=os.environ["{server.key}"]' if server.is_makers else f'api_key=os.environ.get("{OWN_KEY}", "none")'
    ]
    if server.base != _ENDPOINTS[api].base:
        given.append(f"base_url={_sdk_base(server.base, api)!r}")
    rest = f", extra_body={_literal(extra)}" if extra else ""
    lines = [
        f'"""{said}Needs: pip install {package}"""',
        "",
        "import os",
        "",
        f"import {package}",
        "",
        f"REQUEST = {_literal(body)}",
        "",
        f"client = {client}({', '.join(given)})",
        f"response = {method}(**REQUEST{rest})",
        "print(response.model_dump_json(indent=2))",
    ]
    return "\n".join(lines) + "\n"


def _sdk_base(base: str, api: Api) -> str:
    """Return the address as the SDK wants it: Anthropic's adds `/v1` by itself."""
    return base.removesuffix("/v1") if api == "messages" else base


def _literal(value: object) -> str:
    """Return a value as Python that reads back as the same value."""
    return pprint.pformat(value, width=_WIDTH, sort_dicts=False)


def _chosen(request: Request, api: Api | None) -> Api:
    chosen = api or api_of(request.model)
    if chosen is None:
        raise ValueError(f"{request.model!r} has no HTTP API; name the one in which to tell its request")
    return chosen
