"""Keys: read from the environment, refused where they cannot be sent, and kept out of every sentence.

A key is never part of a message: whoever makes a sentence out of a stranger's text passes it through `redacted`. A
server may say a key back in other forms than it was sent, so those are hidden too. What tools and models say is the
record of a run and never passes through here.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl, unquote, urlsplit

from workbench.errors import KeyMissingError

OTHER_KEY: Final = "MODEL_API_KEY"
"""Names the key of a server that is none of the makers'."""
NO_KEY: Final = "none"
"""Sent where a server asks for no key; the SDKs insist on one."""
HIDDEN: Final = "[key]"
"""Stands where a key was."""
SHORTEST_KEY: Final = 8
"""Characters: what is shorter is no key, and hiding it would tear words."""

_secrets: set[str] = set()
_SECRET_NAME: Final = re.compile(
    r"(?:KEY|KEY_ID|TOKEN|SECRET|PASSWORD)$|_BEARER_TOKEN_|_CUSTOM_HEADERS$", re.IGNORECASE
)
_ADDRESS_NAME: Final = re.compile(r"(?:_BASE_URL|_PROXY)$|_ENDPOINT_URL(?:$|_)", re.IGNORECASE)
_BETWEEN_PARTS: Final = re.compile(r"[\s,;=]+")
_LOOKS_LIKE_A_KEY: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"(?P<before>\bBearer\s+)[\w.~+/=-]{8,}",
        r"(?P<before>)\bsk-[\w*-]{8,}",
        r"(?P<before>)\b(?:AKIA|ASIA)[A-Z0-9]{12,}",
        r"(?P<before>://)[^\s/?#@]+(?=@)",  # user and password of an address
        r"(?P<before>[?&](?i:[\w-]*(?:key|token|secret|password|signature))=)[^\s&#\"'<>]+",
    )
)
_NAMED: Final = {"\n": "n", "\r": "r", "\t": "t", "\f": "f", "\b": "b", "\v": "v"}
"""Characters that have a letter of their own behind a backslash."""


def key_from(*names: str, what: str) -> str:
    """Return the key in the first of these environment variables that is set.

    Raises `KeyMissingError` naming them; `what` is who asks, as in "Anthropic".
    """
    for name in names:
        value = _read(name)
        if value:
            return value
    raise KeyMissingError(
        f"{what} needs a key: set {' or '.join(names)} in the environment, or leave out the model to use "
        "`offline`, which needs none"
    )


def other_key() -> str:
    """Return the key for a server that is none of the makers', or a word where it needs none."""
    return _read(OTHER_KEY) or NO_KEY


def require_sendable(name: str, value: str) -> None:
    """Raise `KeyMissingError` for a key that no request can carry, naming its variable and never the key."""
    if not (value.isascii() and value.isprintable()):
        hide(value)
        raise KeyMissingError(
            f"{name} holds a line's end, a control character or a letter beyond ASCII, so it is no key that can be "
            "sent; set it again, as one line"
        )


def _read(name: str) -> str:
    value = os.environ.get(name, "").strip()
    require_sendable(name, value)
    hide(value)
    return value


def hide(*secrets: str) -> None:
    """Let `redacted` hide these from now on, whole and line by line, and what follows a word such as `Bearer`."""
    _secrets.update(part for secret in secrets for part in _parts(secret))


def hide_address(address: str) -> None:
    """Let `redacted` hide the user, the password and the query of an address from now on."""
    hide(*_of_address(address))


def redacted(text: str) -> str:
    """Return `text` without keys: those that were read, those in the environment, and what looks like one.

    They are found as they are, escaped for Python, JSON, addresses or HTML, and in base64.
    """
    for secret in sorted(_secrets | set(_environment_secrets()), key=len, reverse=True):
        for rarest, pattern in _patterns(secret):
            if rarest in text:
                text = pattern.sub(HIDDEN, text)
    for looks in _LOOKS_LIKE_A_KEY:
        text = looks.sub(rf"\g<before>{HIDDEN}", text)
    return text


def _parts(secret: str) -> Iterator[str]:
    return (part for part in (secret.strip(), *_BETWEEN_PARTS.split(secret)) if len(part) >= SHORTEST_KEY)


def _of_address(address: str) -> Iterator[str]:
    with suppress(ValueError):
        asked = urlsplit(address)
        user, _, password = asked.netloc.rpartition("@")[0].partition(":")
        yield from (part for given in (user, password) for part in (given, unquote(given)))
        yield from (value for _, value in parse_qsl(asked.query))


def _environment_secrets() -> Iterable[str]:
    for name, value in os.environ.items():
        if _SECRET_NAME.search(name):
            yield from _parts(value)
        elif _ADDRESS_NAME.search(name):
            yield from (part for given in _of_address(value) for part in _parts(given))


@lru_cache(maxsize=256)
def _patterns(secret: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Return what finds a secret in each of its forms, and a piece that stands in a text wherever the form does."""
    forms = [secret, *_in_base64(secret)]
    return tuple((_rarest(form), re.compile("".join(map(_as_written, form)))) for form in dict.fromkeys(forms))


def _rarest(form: str) -> str:
    """Return the longest part of a form that no escaping changes."""
    return max(re.findall(r"[A-Za-z0-9]+", form), key=len, default="")


def _as_written(letter: str) -> str:
    """Return a pattern for a character as it is, and as Python, JSON, an address or HTML escapes it."""
    if letter.isascii() and letter.isalnum():
        return letter
    data, number = letter.encode("utf-8", "surrogateescape"), ord(letter)
    units = letter.encode("utf-16-be", "surrogatepass")
    ways = [
        re.escape(letter),
        "".join(f"%(?:25)*(?i:{byte:02x})" for byte in data),
        "".join(rf"\\+x(?i:{byte:02x})" for byte in data),
        "".join(rf"\\+u(?i:{high:02x}{low:02x})" for high, low in zip(units[::2], units[1::2], strict=True)),
        rf"\\+(?i:x{number:02x}|U{number:08x})",
        rf"&#(?:0*{number}|[xX]0*(?i:{number:x}));",
        rf"\\+{re.escape(_NAMED.get(letter, letter))}",
    ]
    if letter.isspace():
        ways += [r"\s+", r"\+"]
    named = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}.get(letter)
    return f"(?:{'|'.join([*ways, *([named] if named else [])])})"


def _in_base64(secret: str) -> Iterator[str]:
    """Yield what base64 makes of a secret alone and in the midst of other bytes, in both of its alphabets."""
    data = secret.encode("utf-8", "surrogateescape")
    forms = [base64.b64encode(data).decode()]
    for before, first in enumerate((0, 2, 3)):  # characters that the bytes before it have a part in
        whole = base64.b64encode(bytes(before) + data).decode()
        forms.append(whole[first : (before + len(data)) * 8 // 6])
    for form in forms:
        yield form
        yield form.translate(str.maketrans("+/", "-_"))
