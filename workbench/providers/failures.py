"""What goes wrong at a provider, as one table: which failures pass, which last, and the sentence for each.

SDKs and HTTP libraries are recognised by what their exceptions are called and carry, not by importing them: they are
slow to import, and three of them say the same in different words. What a provider itself says is quoted, shortened
and without keys.
"""

from __future__ import annotations

import json
import math
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Final, NamedTuple

from workbench.clock import SystemClock
from workbench.errors import ModelError, PermanentModelError, TransientModelError
from workbench.providers.catalog import current_models
from workbench.providers.keys import redacted

LONGEST_QUOTE: Final = 400
"""Characters of what a provider says."""


class Failure(NamedTuple):
    """A kind of failure."""

    passes: bool
    """Whether another attempt may succeed."""
    sentence: str


KINDS: Final[dict[str, Failure]] = {
    "overloaded": Failure(True, "the provider is overloaded"),
    "rate_limited": Failure(True, "the provider takes no more requests for the moment"),
    "server": Failure(True, "the provider had an error of its own"),
    "timeout": Failure(True, "the provider took too long"),
    "broken": Failure(True, "the answer broke off or cannot be read"),
    "truncated": Failure(True, "the answer ended before it was whole"),
    "not_a_stream": Failure(True, "what answered is no model: it sent something else; look at the base URL"),
    "unreachable": Failure(True, "the provider cannot be reached"),
    "busy": Failure(True, "no connection was free"),
    "unauthorised": Failure(False, "the provider does not accept the key"),
    "forbidden": Failure(False, "the key does not allow this"),
    "quota": Failure(False, "the account's quota or credit is used up"),
    "model_not_found": Failure(False, "the provider has no such model for this key"),
    "context_too_long": Failure(False, "the conversation is longer than the model takes"),
    "too_large": Failure(False, "the request is larger than the provider takes"),
    "bad_request": Failure(False, "the provider refuses the request"),
    "paused": Failure(False, "the provider paused the turn, to go on with its own tools, more often than is allowed"),
    "filtered": Failure(False, "the provider's filter stopped it"),
    "tls": Failure(False, "the provider's certificate or TLS cannot be trusted"),
    "address": Failure(False, "the base URL cannot be used"),
    "unsendable": Failure(
        False, "a key or a header cannot be sent; look for a line's end or a letter beyond ASCII in it"
    ),
    "redirected": Failure(False, "the base URL leads elsewhere"),
    "provider": Failure(False, "the provider failed"),
}
"""Our words for what goes wrong; a `ModelError` carries one as its kind."""

_STATUSES: Final[dict[int, str]] = {
    401: "unauthorised", 402: "quota", 403: "forbidden", 404: "model_not_found", 408: "timeout", 409: "busy",
    413: "too_large", 425: "busy", 429: "rate_limited", 500: "server", 501: "bad_request", 502: "server",
    503: "overloaded", 504: "timeout", 529: "overloaded",
}  # fmt: skip
"""HTTP statuses; others below 400 are `redirected`, below 500 `bad_request`, above `server`."""

_TYPES: Final[dict[str, str]] = {
    # Anthropic
    "overloaded_error": "overloaded", "api_error": "server", "rate_limit_error": "rate_limited",
    "timeout_error": "timeout", "authentication_error": "unauthorised", "permission_error": "forbidden",
    "not_found_error": "model_not_found", "request_too_large": "too_large", "billing_error": "quota",
    # OpenAI
    "server_error": "server", "internal_error": "server", "rate_limit_exceeded": "rate_limited",
    "tokens": "rate_limited", "requests": "rate_limited", "insufficient_quota": "quota",
    "billing_hard_limit_reached": "quota", "billing_not_active": "quota",
    "context_length_exceeded": "context_too_long", "string_above_max_length": "too_large",
    "model_not_found": "model_not_found", "invalid_api_key": "unauthorised", "content_filter": "filtered",
    "content_policy_violation": "filtered", "invalid_prompt": "filtered", "vector_store_timeout": "timeout",
    "exceed_context_size_error": "context_too_long", "service_unavailable": "overloaded",
    # Bedrock; in a stream their names begin small
    "throttlingexception": "rate_limited", "internalserverexception": "server", "modelerrorexception": "server",
    "modelstreamerrorexception": "broken", "serviceunavailableexception": "overloaded",
    "modeltimeoutexception": "timeout", "modelnotreadyexception": "overloaded",
    "servicequotaexceededexception": "quota", "accessdeniedexception": "forbidden",
    "resourcenotfoundexception": "model_not_found", "validationexception": "bad_request",
    "unrecognizedclientexception": "unauthorised", "expiredtokenexception": "unauthorised",
    "expiredtoken": "unauthorised", "invalidsignatureexception": "unauthorised",
    "invalidclienttokenid": "unauthorised", "incompletesignature": "unauthorised",
}  # fmt: skip
"""What providers call their errors, in bodies and in streams; it tells more than the status, so it is asked first."""

_MESSAGES: Final[tuple[tuple[re.Pattern[str], str], ...]] = (
    (re.compile(r"prompt is too long|context (length|window|size)|input is too long|too many (input )?tokens|"
                r"maximum context|exceeds? the (available )?context", re.IGNORECASE), "context_too_long"),
    (re.compile(r"credit balance|insufficient.quota|exceeded your current quota", re.IGNORECASE), "quota"),
    (re.compile(r"\bmodel\b.{0,80}(not found|does not exist|identifier is invalid)|\bmodel [^ ]+ is not supported|"
                r"no such model|on-demand throughput", re.IGNORECASE | re.DOTALL), "model_not_found"),
    (re.compile(r"content filter|content_filter", re.IGNORECASE), "filtered"),
    (re.compile(r"invalid.{0,10}api.key|incorrect api key", re.IGNORECASE), "unauthorised"),
)  # fmt: skip
"""Where type and status say no more than `bad_request`, the words do."""

_EXCEPTIONS: Final[dict[str, str]] = {
    # httpx2, also inside of what the SDKs make of it
    "ConnectTimeout": "unreachable", "PoolTimeout": "busy", "ReadTimeout": "timeout", "WriteTimeout": "timeout",
    "TimeoutException": "timeout", "ConnectError": "unreachable", "ProxyError": "unreachable",
    "UnsupportedProtocol": "address", "InvalidURL": "address", "LocalProtocolError": "address",
    "TooManyRedirects": "redirected", "DecodingError": "broken", "NetworkError": "broken",
    "RemoteProtocolError": "broken", "TransportError": "broken", "StreamError": "broken",
    # the SDKs
    "APITimeoutError": "timeout", "APIConnectionError": "unreachable", "APIResponseValidationError": "broken",
    "CredentialsError": "unauthorised",
    # botocore and urllib3
    "EndpointConnectionError": "unreachable", "ConnectTimeoutError": "unreachable", "ReadTimeoutError": "timeout",
    "ConnectionClosedError": "broken", "ProxyConnectionError": "unreachable", "NoCredentialsError": "unauthorised",
    "PartialCredentialsError": "unauthorised", "TokenRetrievalError": "unauthorised",
    "SSOTokenLoadError": "unauthorised", "CredentialRetrievalError": "unauthorised", "NoRegionError": "address",
    "InvalidRegionError": "address", "UnknownEndpointError": "address", "ParamValidationError": "bad_request",
    "ResponseStreamingError": "broken", "ChecksumMismatch": "broken", "ParserError": "broken",
    "ProtocolError": "broken", "IncompleteRead": "broken", "NewConnectionError": "unreachable",
    # Python
    "TimeoutError": "timeout", "gaierror": "unreachable", "ConnectionRefusedError": "unreachable",
    "ConnectionError": "broken", "JSONDecodeError": "broken", "UnicodeDecodeError": "broken", "ValueError": "broken",
    "OSError": "unreachable", "EOFError": "broken",
}  # fmt: skip
"""Names of exceptions; of the classes that an exception is, the nearest that stands here counts."""

_TELLS_NOTHING: Final = frozenset({"APIConnectionError", "APIError", "HTTPClientError", "ConnectionError"})
"""Exceptions that only wrap what happened."""
_HEADER_REFUSED: Final = re.compile(r"(illegal|invalid) header|detected in headers")
_MARKUP: Final = re.compile(r"\s*<(!doctype|html|\?xml|head|body)\b", re.IGNORECASE)
_SPACE: Final = re.compile(r"\s+")


def model_error(error: BaseException, asked: str = "") -> ModelError:
    """Return what an SDK or a transport raised as an error of ours.

    An error of ours stays as it is, also inside of what an SDK made of it. `asyncio.CancelledError` is not given here:
    it is nobody's failure. Where a model is unknown, current ones of the provider that was `asked` are named; a server
    of one's own is no such provider.
    """
    found = _error_of(error)
    names = current_models(asked) if found.kind == "model_not_found" else ""
    return PermanentModelError(f"{str(found).rstrip('.')}; {names}", kind=found.kind) if names else found


def _error_of(error: BaseException) -> ModelError:
    if isinstance(error, ModelError):
        return error
    response: Any = getattr(error, "response", None)
    if isinstance(response, Mapping):
        return _botocore_error(error, response)
    status = getattr(error, "status_code", None)
    if isinstance(status, int) and hasattr(error, "body"):
        headers: Mapping[str, str] = getattr(response, "headers", None) or {}
        kind, message = _said(getattr(error, "body", None), str(error))
        return status_error(status, kind, message, retry_after(headers))
    body = getattr(error, "body", None)
    if body is not None:  # openai's APIError: an error that came as an event of the stream
        kind, message = _said(body, str(error))
        return status_error(200, kind, message, None)
    return _of_exception(error)


def status_error(status: int, kind: str, message: str, retry_after: float | None) -> ModelError:
    """Return the error for an HTTP status and the provider's own word for it.

    `kind` is that word, empty where there is none; in a stream that broke off with an error, `status` is 200.
    """
    found = _TYPES.get(kind.lower()) or _of_status(status)
    if found in ("bad_request", "rate_limited", "model_not_found", "provider", "forbidden"):
        found = next((name for words, name in _MESSAGES if words.search(message)), found)
    where = f" ({status})" if status >= 300 else ""
    if found == "model_not_found" and "model" not in message.lower():
        where += ", or nothing is served at this path: look at the base URL"
    return failure(found, message, where=where, wait=retry_after)


def failure(kind: str, message: str = "", *, where: str = "", wait: float | None = None) -> ModelError:
    """Return the error of one of `KINDS`, with what the provider says of it."""
    passes, sentence = KINDS[kind]
    said = _quoted(message)
    text = f"{sentence}{where}: {said}" if said else f"{sentence}{where}"
    made = TransientModelError if passes else PermanentModelError
    return made(text, kind=kind, retry_after=wait if passes else None)


def not_a_stream(content_type: str, expected: str = "text/event-stream") -> ModelError | None:
    """Return the error for an answer of the wrong kind, such as a proxy's HTML page with status 200."""
    if content_type.partition(";")[0].strip().lower() == expected:
        return None
    return failure("not_a_stream", f"{content_type or 'nothing said of its kind'} instead of {expected}")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that a server asks to wait: `retry-after-ms`, or `retry-after` in seconds or as a date."""
    found = {name.lower(): value for name, value in headers.items()}
    milliseconds = _seconds(found.get("retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    told = found.get("retry-after")
    if told is None:
        return None
    seconds = _seconds(told)
    if seconds is not None:
        return seconds
    try:
        return max(0.0, parsedate_to_datetime(told).timestamp() - SystemClock().wall())
    except (TypeError, ValueError, OverflowError):
        return None


def _seconds(text: str | None) -> float | None:
    try:
        value = float(text or "")
    except ValueError:
        return None
    return max(0.0, value) if math.isfinite(value) else None


def _of_status(status: int) -> str:
    if status in _STATUSES:
        return _STATUSES[status]
    if status < 300:
        return "server"  # an error in a stream, of a kind that nobody has heard of
    return "redirected" if status < 400 else "bad_request" if status < 500 else "server"


def _of_exception(error: BaseException) -> ModelError:
    chain = list(_chain(error))
    for cause in chain:
        if isinstance(cause, ModelError):
            return cause
    for cause in chain:
        if isinstance(cause, ssl.SSLCertVerificationError) or _is_wrong_tls(cause):
            return failure("tls", str(cause))
    for cause in chain:
        if _is_unsendable(cause):
            return failure("unsendable")
        names = [kind.__name__ for kind in type(cause).__mro__]
        if names[0] in _TELLS_NOTHING and cause is not chain[-1]:
            continue
        kind = next((_EXCEPTIONS[name] for name in names if name in _EXCEPTIONS), None)
        if kind is not None:
            return failure(kind, _of_network(chain) or f"{names[0]}: {cause}".removesuffix(": "))
    return failure("provider", f"{type(error).__name__}: {error}")


def _chain(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    found: BaseException | None = error
    while found is not None and id(found) not in seen:
        seen.add(id(found))
        yield found
        found = found.__cause__ or found.__context__


def _is_wrong_tls(error: BaseException) -> bool:
    words = str(error)
    return isinstance(error, ssl.SSLError) and ("CERTIFICATE" in words or "WRONG_VERSION_NUMBER" in words)


def _is_unsendable(error: BaseException) -> bool:
    """Whether a library refuses to write a header; each says so in words of its own, and with the value."""
    words = str(error).lower()
    is_refusal = isinstance(error, ValueError) or type(error).__name__ == "LocalProtocolError"
    return isinstance(error, UnicodeEncodeError) or (is_refusal and bool(_HEADER_REFUSED.search(words)))


def _of_network(chain: list[BaseException]) -> str:
    """Return in plain words what the system said, where it is one of the usual things."""
    for error in chain:
        if isinstance(error, socket.gaierror) or "Name or service not known" in str(error):
            return "its name cannot be resolved; look at the base URL and at the network"
        if isinstance(error, ConnectionRefusedError) or "Connection refused" in str(error):
            return "nothing listens there (connection refused)"
    return ""


def _said(body: object, message: str) -> tuple[str, str]:
    """Return a body's word and sentence for its error; APIs put them in `error`, or at the top."""
    if isinstance(body, str):
        try:
            body = json.loads(body)
        except ValueError:
            return "", body if isinstance(body, str) and body.strip() else message
    if not isinstance(body, Mapping):
        return "", message
    inner = body.get("error")
    told = inner if isinstance(inner, Mapping) else body
    words = [told.get(name) for name in ("code", "type")]
    kind = next((word for word in words if isinstance(word, str) and word.lower() in _TYPES), "")
    sentence = told.get("message") or (inner if isinstance(inner, str) else None) or body.get("detail")
    return kind, sentence if isinstance(sentence, str) else message


def _botocore_error(error: BaseException, response: Mapping[str, Any]) -> ModelError:
    """Return the error of a `ClientError` or an `EventStreamError`, which carry a parsed response."""
    told = response.get("Error") or {}
    about = response.get("ResponseMetadata") or {}
    headers = about.get("HTTPHeaders") or {}
    status = about.get("HTTPStatusCode")
    kind, message = str(told.get("Code") or ""), str(told.get("Message") or error)
    return status_error(status if isinstance(status, int) else 200, kind, message, retry_after(headers))


def _quoted(message: str) -> str:
    if _MARKUP.match(message):
        return "an HTML page"
    text = redacted(_SPACE.sub(" ", message)).strip()
    return text if len(text) <= LONGEST_QUOTE else f"{text[:LONGEST_QUOTE]}…"
