"""Names of models, as tables to be read and changed: which can be used, which are retired when, which go one by one.

`tests/unit/test_catalog.py` compares them with the lists in the makers' SDKs, so an update of an SDK says what is
stale here. What is made of the tables stands in `catalog.py`.
"""

from __future__ import annotations

from typing import Final

CURRENT: Final[dict[str, tuple[str, ...]]] = {
    "anthropic": (
        "claude-opus-5-5", "claude-sonnet-5-5", "claude-haiku-5-5", "claude-fable-5-2", "claude-mythos-5-2",
        "claude-fable-5-1", "claude-mythos-5-1",
        "claude-opus-5", "claude-sonnet-5", "claude-fable-5", "claude-mythos-5",
        "claude-opus-4-8", "claude-opus-4-7", "claude-opus-4-6", "claude-sonnet-4-6", "claude-haiku-4-5",
        "claude-opus-4-5", "claude-sonnet-4-5",
    ),
    "openai": (
        "gpt-6.2-astra", "gpt-6.2-sol", "gpt-6.1-terra", "gpt-6-luna",
        "gpt-6.1-sol", "gpt-6-astra", "gpt-6-sol",
        "gpt-5.6-sol", "gpt-5.6-terra", "gpt-5.6-luna", "gpt-5.5", "gpt-5.5-pro",
        "gpt-5.4", "gpt-5.4-mini", "gpt-5.4-nano", "gpt-5.2", "gpt-5.2-pro", "gpt-5.1",
        "gpt-5", "gpt-5-pro", "gpt-5-mini", "gpt-5-nano", "gpt-4.1", "gpt-4.1-mini", "gpt-4o", "gpt-4o-mini",
        "o3", "o3-pro",
    ),
    "bedrock": (
        "global.anthropic.claude-opus-5-5", "global.anthropic.claude-sonnet-5-5", "global.anthropic.claude-haiku-5-5",
        "global.anthropic.claude-fable-5-2", "global.anthropic.claude-opus-5", "global.amazon.nova-2-lite-v1:0",
        "amazon.nova-pro-v1:0", "amazon.nova-lite-v1:0",
    ),
}  # fmt: skip
"""Names that can be used, those to begin with first. One that has a day in `RETIRED` is listed until then."""

RETIRED: Final[dict[str, dict[str, tuple[str, ...]]]] = {
    # The SDK has those to come; the others are from platform.claude.com/docs/en/about-claude/model-deprecations.
    "anthropic": {
        "2024-11-06": (
            "claude-1.0", "claude-1.1", "claude-1.2", "claude-1.3",
            "claude-instant-1.0", "claude-instant-1.1", "claude-instant-1.2",
        ),
        "2025-07-21": ("claude-2", "claude-2.0", "claude-2.1", "claude-3-sonnet"),
        "2025-10-28": ("claude-3-5-sonnet",),
        "2026-01-05": ("claude-3-opus",),
        "2026-02-19": ("claude-3-7-sonnet", "claude-3-5-haiku"),
        "2026-04-20": ("claude-3-haiku",),
        "2026-06-15": ("claude-opus-4", "claude-opus-4-0", "claude-sonnet-4", "claude-sonnet-4-0"),
        "2026-06-30": ("claude-mythos-preview",),
        "2026-08-05": ("claude-opus-4-1",),
        "2026-11-30": ("claude-sonnet-4-5",),
        "2027-01-22": ("claude-opus-4-5",),
    },
    # The SDK's `ChatModel` says so. It lists names of the Responses API alone without a day; theirs are from
    # developers.openai.com/api/docs/deprecations.
    "openai": {
        "2024-09-13": (
            "gpt-3.5-turbo-16k", "gpt-3.5-turbo-16k-0613", "gpt-3.5-turbo-0301", "gpt-3.5-turbo-0613",
        ),
        "2024-12-06": ("gpt-4-vision-preview", "gpt-4-1106-vision-preview"),
        "2025-06-06": ("gpt-4-32k", "gpt-4-32k-0314", "gpt-4-32k-0613"),
        "2025-07-14": ("gpt-4.5-preview",),
        "2025-07-28": ("o1-preview",),
        "2025-10-10": ("gpt-4o-audio-preview-2024-10-01",),
        "2025-10-27": ("o1-mini",),
        "2026-02-12": ("codex-mini-latest",),
        "2026-02-17": ("chatgpt-4o-latest",),
        "2026-03-26": ("gpt-4-0125-preview", "gpt-4-turbo-preview", "gpt-4-0314"),
        "2026-05-07": ("gpt-4o-audio-preview", "gpt-4o-mini-audio-preview"),
        "2026-07-23": (
            "gpt-5.1-codex", "gpt-5.1-chat-latest", "gpt-5-chat-latest", "gpt-4o-search-preview",
            "gpt-4o-mini-search-preview",
            "gpt-5.2-codex", "gpt-5.1-codex-max", "gpt-5.1-codex-mini", "gpt-5-codex", "o3-deep-research",
            "o4-mini-deep-research", "computer-use-preview",
        ),
        "2026-08-10": ("gpt-5.3-chat-latest", "gpt-5.2-chat-latest"),
        "2026-09-28": ("gpt-3.5-turbo-1106",),
        "2026-10-23": (
            "gpt-4.1-nano", "gpt-4o-2024-05-13", "gpt-4-turbo", "gpt-4-1106-preview", "gpt-4", "gpt-4-0613",
            "gpt-3.5-turbo", "gpt-3.5-turbo-0125", "o4-mini", "o3-mini", "o1", "o1-pro",
        ),
        "2026-12-11": ("gpt-5", "gpt-5-mini", "gpt-5-nano", "gpt-5-pro", "o3", "o3-pro"),
        "2027-01-14": ("gpt-4.1", "gpt-4.1-mini", "gpt-4o", "gpt-4o-mini"),
        "2027-01-20": ("gpt-audio-mini",),
        "2027-04-01": ("gpt-5.4-nano", "gpt-5.1"),
    },
    # Amazon's own days, which are later than the makers', without the region before the name. From
    # docs.aws.amazon.com/bedrock/latest/userguide/model-lifecycle-legacy.html; where regions differ, the last day.
    "bedrock": {
        "2025-07-21": ("anthropic.claude-instant-v1", "anthropic.claude-v2", "anthropic.claude-v2:1"),
        "2026-01-15": ("anthropic.claude-3-opus",),
        "2026-03-01": ("anthropic.claude-3-5-sonnet",),
        "2026-04-28": ("anthropic.claude-3-7-sonnet",),
        "2026-05-31": ("anthropic.claude-opus-4",),
        "2026-06-19": ("anthropic.claude-3-5-haiku",),
        "2026-07-30": ("anthropic.claude-3-sonnet",),
        "2026-09-10": ("anthropic.claude-3-haiku",),
        "2026-09-14": ("amazon.nova-premier-v1:0",),
        "2026-10-14": ("anthropic.claude-sonnet-4",),
        "2027-01-08": ("anthropic.claude-opus-4-1",),
    },
}  # fmt: skip
"""By provider, the day from which names are not served any more. Dated names follow their family, unless they stand
here themselves."""

ONE_AT_A_TIME: Final = (
    "o1", "o1-mini", "o1-preview", "o1-pro", "o3", "o3-mini", "o3-pro", "o3-deep-research", "o4-mini",
    "o4-mini-deep-research",
)  # fmt: skip
"""Models of OpenAI that ask for one call a turn, and refuse to be told so; dated names follow them."""
