"""What a breakpoint's rule says, what it means in words, and what is wrong with one that says nothing."""

from __future__ import annotations

import re

import pytest

from workbench.clock import SystemClock
from workbench.debugger.breakpoints import EXAMPLES, LONGEST_RULE, parse_rule, rule_before
from workbench.debugger.patterns import LONGEST_PATTERN, MOST_SEARCHED, OVERLAP, PIECE, compile_pattern, found
from workbench.errors import BreakpointError

MEANINGS = {
    "tool:fetch_*": "before each call of fetch_*",
    "input:drop table": "before a call whose input matches 'drop table'",
    "result:(?i)timeout": "when a result matches '(?i)timeout'",
    "tool:shell input:rm -r": "before a call of shell whose input matches 'rm -r'",
    "tool:search result:none": "when a result of search matches 'none'",
    "tool:search error": "when a call of search fails",
    "error": "when a call fails",
    "tokens:10k": "before the next turn, once 10,000 tokens are used",
    "tokens:1.5m": "before the next turn, once 1,500,000 tokens are used",
    "cost:0.05": "before the next turn, once $0.05 is spent",
    "cost:$2": "before the next turn, once $2 is spent",
    "step": "after each step",
    "diverge:a4f7c2e19b305d68": "where the run differs from run a4f7c2e1",
}


@pytest.mark.parametrize(("rule", "words"), MEANINGS.items())
def test_a_rule_says_what_it_means(rule: str, words: str) -> None:
    """Each kind of rule is kept as it was written and told in words."""
    read = parse_rule(f"  {rule} ")
    assert (read.rule, read.words) == (rule, words)


def test_names_of_kinds_may_be_written_large() -> None:
    """TOOL: and tool: are one rule, so that they are one breakpoint in the list."""
    assert parse_rule("TOOL: fetch") == parse_rule("tool:fetch")


def test_every_example_is_a_rule() -> None:
    """What is shown as an example can be typed as it stands."""
    assert [parse_rule(example).rule for example, _ in EXAMPLES] == [example for example, _ in EXAMPLES]


WRONG = {
    "": "the breakpoint is empty",
    "fetch": "'fetch' is no breakpoint; expected one of tool:NAME",
    "tool:": "tool: names no tool",
    "tool:a step": "behind tool:a may stand input:PATTERN, result:PATTERN or error, not 'step'",
    "input:": "the pattern is empty",
    "result:a(b": "'a(b' is no regular expression at character 1: missing )",
    "result:*": "no regular expression at character 0: nothing to repeat",
    "tokens:many": "names no number of tokens; write tokens:8000 or tokens:8k",
    "tokens:0": "names no number of tokens",
    "cost:-1": "names no amount of US dollars",
    "cost:": "names no amount of US dollars",
    "diverge:": "names no run",
    "diverge:a b": "names no run",
    "step:3": "'step:3' is no breakpoint",
    "error:x": "'error:x' is no breakpoint",
    "tool:a\x1b[2J": "a character that cannot be shown",
    "tool:" + "a" * LONGEST_RULE: "at most 500 are taken",
    "result:" + "a" * (LONGEST_PATTERN + 1): "at most 400 are taken",
}


@pytest.mark.parametrize(("rule", "why"), WRONG.items())
def test_a_wrong_rule_is_a_sentence(rule: str, why: str) -> None:
    """What cannot be understood is named, with what was expected, and where a pattern breaks."""
    with pytest.raises(BreakpointError, match=re.escape(why)):
        parse_rule(rule)


@pytest.mark.parametrize("name", ["fetch_doc", "a*b", "what[1]", "two words", "q?", "\x1b"])
def test_a_breakpoint_before_one_tool_means_just_that(name: str) -> None:
    """Whatever a model calls a tool, the breakpoint made for it can be read, and matches it."""
    assert parse_rule(rule_before(name)).is_about(name)
    assert not parse_rule(rule_before("a*b")).is_about("aab")


ENDLESS = [
    "(a+)+",
    "(.*)*x",
    r"(.|\s)*",
    "(a|a)*",
    "(a|ab)+$",
    "(?:x+y)*",
    "((a)+)*",
    "(a+){30}",
    "(?P<n>a+)+",
    "(a{2,})*",
]
HARMLESS = [
    "(foo|bar)*",
    "a+b+",
    "[(+]+",
    r"\(a+\)+",
    "(ab){3}",
    "(?i)time.?out",
    "x{,5}",
    "[]a+]+",
    "(a+)",
    "(?=a+)b+",
]


@pytest.mark.parametrize("pattern", ENDLESS)
def test_a_pattern_that_may_never_end_is_refused(pattern: str) -> None:
    """A text of a stranger cannot keep the program busy for ever by way of a careless pattern."""
    with pytest.raises(BreakpointError, match="on some texts that never ends"):
        compile_pattern(pattern)


@pytest.mark.parametrize("pattern", HARMLESS)
def test_a_harmless_pattern_is_taken(pattern: str) -> None:
    """What only looks like it is not refused."""
    assert compile_pattern(pattern).pattern == pattern


def test_a_pattern_is_searched_line_by_line() -> None:
    """As with grep: an anchor is about a line, and a dot does not run over its end."""
    text = "one\ntwo words\nthree"
    assert found(compile_pattern("^two.*$"), text) == "two words"
    assert found(compile_pattern("one.*two"), text) is None


def test_a_long_line_is_searched_throughout() -> None:
    """A needle in one long line of JSON is found wherever the pieces are cut."""
    needle = "n" * OVERLAP
    for before in range(PIECE - 2 * OVERLAP, PIECE + OVERLAP, 37):
        assert found(compile_pattern("n{300}"), "." * before + needle + "." * 5_000) == needle
    assert found(compile_pattern("^b"), "a" * (PIECE - OVERLAP) + "b") is None


def test_a_huge_text_is_searched_to_its_bound() -> None:
    """The bound is where the search ends, so that 5 MB cost no more than 100 kB."""
    assert found(compile_pattern("x"), "." * (MOST_SEARCHED - 1) + "x") == "x"
    assert found(compile_pattern("x"), "." * MOST_SEARCHED + "x") is None


def test_a_hostile_text_costs_no_more_than_a_moment() -> None:
    """The slowest patterns that are taken end soon on a text made against them, in time that grows with its length."""
    clock, text = SystemClock(), "ab" * (3 * PIECE)
    before = clock.monotonic()
    assert found(compile_pattern("a.*b.*c"), text) is None
    assert clock.monotonic() - before < 20
