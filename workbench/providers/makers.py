"""Where the makers of models serve them: one list for all who decide whether a maker's key may go to an address.

Hosts that anybody can have are none of them, such as those that a cloud gives its customers below its own name; a
person who means such a one writes its address themselves.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

HOSTS: Final[dict[str, tuple[str, ...]]] = {
    "anthropic": ("anthropic.com", "claude.com"),
    "openai": ("openai.com",),
    "openai-chat": ("openai.com",),
}
"""Names under which and below which only the maker answers."""
_BEDROCK: Final = re.compile(
    r"bedrock-runtime(?:-fips)?\.(?P<region>[a-z]{2,4}(?:-[a-z]+){1,2}-\d+)\."
    r"(?:amazonaws\.com|amazonaws\.com\.cn|amazonaws\.eu|api\.aws|api\.amazonwebservices\.(?:com\.cn|eu))"
)
"""As the rules for endpoints in botocore make them, for one or both kinds of IP; buckets and gateways match none."""
_PLAIN: Final = re.compile(r"[a-z0-9.-]+")


def is_host_of(provider: str, host: str) -> bool:
    """Whether only the maker behind a provider answers under the name of a host."""
    if provider == "bedrock":
        return _BEDROCK.fullmatch(host) is not None
    names = HOSTS.get(provider, ())
    return _PLAIN.fullmatch(host) is not None and any(host == name or host.endswith(f".{name}") for name in names)


def is_maker(provider: str, address: str) -> bool:
    """Whether the maker answers at an address, and nobody reads on the way there, so that its key may be sent."""
    try:
        parts = urlsplit(address)
        return parts.scheme == "https" and is_host_of(provider, (parts.hostname or "").lower())
    except ValueError:
        return False


def region_of(address: str) -> str | None:
    """Return the region whose Bedrock answers at an address; None where it is not Amazon's."""
    found = _BEDROCK.fullmatch((urlsplit(address).hostname or "").lower()) if is_maker("bedrock", address) else None
    return found["region"] if found else None
