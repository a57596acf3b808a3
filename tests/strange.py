"""Text as strangers write it, for Hypothesis: any character, attacks, wide ones, marks, and markup.

Characters that Unicode has not assigned (as far as Python knows) are left out: Rich and wcwidth disagree on their
width, and so do terminals.
"""

from __future__ import annotations

from hypothesis import strategies as st

ATTACKS = "\x1b[]()\t\r\n \u202e\u200b\x9b你好ｈé\u0301🇫🇷👍🏽❤\ufe0f[red]"


def strange_text(max_size: int = 40) -> st.SearchStrategy[str]:
    """Return a strategy for strange text."""
    return st.text(st.characters(exclude_categories=["Cn"]) | st.sampled_from(ATTACKS), max_size=max_size)
