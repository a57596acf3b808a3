"""Permission rules: how they are written, what they are about, and every verdict against a small oracle."""

from __future__ import annotations

import posixpath
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from typing import Any, NamedTuple, cast
from urllib.parse import urlsplit

import pytest

from workbench.errors import AgentError
from workbench.events.agent import Exposure, Permission, PermissionRules, ToolSpec
from workbench.policy import Standing, Verdict, check_rules, joined_rules, leave_for, parse_rule, verdict
from workbench.policy.wildcards import fits

CASES = 500


def spec(name: str = "shell", subject: str | None = "command", **more: Any) -> ToolSpec:
    """Return a tool as policy sees it."""
    return ToolSpec(name=name, description="", input_schema={}, subject=subject, **more)


def may(kind: str, rule: str, value: Any, subject: str | None = "command", name: str = "shell") -> bool:
    """Return whether an `allow`, or else an `ask` or `deny`, is about a call."""
    tool, given = spec(name, subject), {subject: value} if subject else value
    read = parse_rule(rule)
    return read.may_allow(tool, given) if kind == "allow" else read.may_restrict(tool, given)


# How rules are written


def test_a_rule_is_a_tool_and_what_its_calls_are_about() -> None:
    """Brackets inside of the pattern belong to it."""
    assert parse_rule("fetch_doc") == parse_rule(" fetch_doc ")
    assert (parse_rule("files_*").tool, parse_rule("files_*").subject) == ("files_*", None)
    assert parse_rule("shell(git status*)").subject == "git status*"
    assert parse_rule("python(print(*))").subject == "print(*)"


@pytest.mark.parametrize(
    "text", ["", "  ", "shell(", "shell()", "shell(ls", "shell ls", "(ls)", "shell(a)b", "a b(c)", "x(\x1b)"]
)
def test_what_is_no_rule_is_named(text: str) -> None:
    """A rule that says nothing is never silently left out."""
    with pytest.raises(AgentError, match=re.escape(repr(text))):
        check_rules(PermissionRules(deny=("fetch_doc", text)))


def test_rules_of_several_sources_all_hold() -> None:
    """Each once, in the order of the sources."""
    one, two = PermissionRules(allow=("a",), deny=("c",)), PermissionRules(allow=("b", "a"))
    assert joined_rules(one, two) == PermissionRules(allow=("a", "b"), deny=("c",))


def test_a_pattern_fits_the_whole_text_and_only_a_star_is_more_than_itself() -> None:
    """Beginning and end count; signs of other pattern languages are plain; long texts take no longer than they are."""
    assert fits("a*c", "abc")
    assert fits("*", "")
    assert fits("a**b", "axxb")
    for pattern, text in (
        ("a*c", "abcd"),
        ("b", "abc"),
        ("a?c", "abc"),
        ("[ab]", "a"),
        ("ab*ba", "aba"),
        ("*a*b", "ba"),
    ):
        assert not fits(pattern, text)
    assert not fits("*a" * 40 + "b", "a" * 200_000)


# Commands


@pytest.mark.parametrize(
    "command",
    [
        "git status; rm -rf ~", "git status | sh", "git status && rm x", "git status || rm x", "git status & rm x",
        "git status > /etc/passwd", "git status < x", "git status << END\nrm x\nEND", "git status <<< x",
        "git status $(rm x)", "git status `rm x`", "git status \nrm x", "git status \rrm x", "git status <(rm x)",
        "git status >(rm x)", "(git status)", "git status ${x:=$(rm x)}", "git status ${ rm x }",
        'git status "$(rm x)"',
        "PAGER=x git status", "A+=1 git status", "a[0]=x git status", "git status \x00", "git status\x0brm",
    ],
)  # fmt: skip
def test_no_pattern_allows_a_command_that_is_more_than_one(command: str) -> None:
    """Not the one that is made for it, not `*`."""
    assert may("allow", "shell(git status*)", "git status --porcelain")
    assert not may("allow", "shell(git status*)", command)
    assert not may("allow", "shell(*)", command)
    assert not may("allow", f"shell({command})", command) if command.isprintable() else True


@pytest.mark.parametrize(
    "command",
    [
        "rm -rf /", "ls; rm -rf /", "ls && rm -rf /", "ls | rm -rf /", "ls\nrm -rf /", "echo $(rm -rf /)",
        "X=1 rm -rf /",
        "`rm -rf /`", "(rm -rf /)", "{ rm -rf /; }", "if true; then rm -rf /; fi", "/bin/rm -rf /", "'rm' -rf /",
        "r\\m -rf /", "sudo rm -rf /", "diff <(rm -rf /) x", "RM -rf /", "ls & rm  -rf /", "! rm -rf /",
        ["rm", "-rf", "/"],
    ],
)  # fmt: skip
def test_a_deny_finds_its_command_among_others(command: Any) -> None:
    """Between any signs, behind variables and leading words, in quotes, by its path."""
    assert may("deny", "shell(rm *)", command)
    assert not may("deny", "shell(rm *)", "ls -l rm")


def test_a_list_of_words_is_a_command() -> None:
    """Words with signs in them are quoted, so they allow nothing by mistake."""
    assert may("allow", "run(git log*)", ["git", "log", "-1"], "argv", "run")
    assert not may("allow", "run(git log*)", ["git", "log", "a;b"], "argv", "run")


# Addresses


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com", "http://example.com/a?b=c#d", "HTTPS://EXAMPLE.COM/", "https://example.com./x",
        "https://example.com:443/x", "example.com/x",
    ],
)  # fmt: skip
def test_an_address_is_allowed_by_its_host(url: str) -> None:
    """Case, a dot at the end and the usual port make no difference."""
    assert may("allow", "http_get(example.com*)", url, "url", "http_get")
    assert may("deny", "http_get(example.com*)", url, "url", "http_get")


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.com/?example.com", "https://evil.com/example.com", "https://example.com.evil.com",
        "https://example.community", "https://evilexample.com", "https://a.example.com", "https://example.com@evil.com",
        "https://user:pw@example.com", "https://evil.com\\@example.com", "https://example.com\\.evil.com",
        "https://example.com%2eevil.com", "https://example.com%00.evil.com", "https://example.com:8443/",
        "ftp://example.com/", "file://example.com/etc/passwd", "//example.com", "https://exаmple.com",
        "https://ｅxample.com", "https:// example.com", "https://example.com\n.evil.com", "https://[::1]/example.com",
        "",
        "https://evil.com#example.com", "javascript:example.com", "https://example.com:x/",
    ],
)  # fmt: skip
def test_an_address_that_only_looks_like_it_is_not_allowed(url: str) -> None:
    """Not with the host in another place, nor as a part of another, nor in letters that look alike."""
    assert not may("allow", "http_get(example.com*)", url, "url", "http_get")


@pytest.mark.parametrize(
    ("rule", "url"),
    [
        ("evil.com*", "https://EVIL.com./"), ("evil.com", "https://x@evil.com/"), ("evil.com*", "https://evil.com:81/x"),
        ("*.evil.com*", "https://a.b.evil.com/"), ("evil.com/private*", "https://evil.com/x/../private"),
        ("evil.com/private*", "https://evil.com/%2e%2e/private"), ("127.0.0.1*", "http://2130706433/"),
        ("127.0.0.1*", "http://0x7f.1/"), ("[::1]*", "http://[0:0:0:0:0:0:0:1]/"), ("evil.*", "https://evil.org/x"),
        ("bücher.de*", "https://xn--bcher-kva.de/"), ("xn--bcher-kva.de*", "https://BÜCHER.de/"),
        ("evil.com*", "gopher://evil.com"),
    ],
)  # fmt: skip
def test_a_deny_of_an_address_is_not_got_around(rule: str, url: str) -> None:
    """By writing it otherwise."""
    assert may("deny", f"http_get({rule})", url, "url", "http_get")


def test_paths_and_places_of_addresses() -> None:
    """A path is compared as it is; with steps up in it nothing but the whole host is allowed."""
    for url, is_allowed in (
        ("https://example.com/docs/a?b", True),
        ("https://example.com/docs/../admin", False),
        ("https://example.com/docs/%2e%2e/admin", False),
        ("https://example.com/docs%2fadmin", False),
        ("https://example.com/docs/\\..\\admin", False),
        ("http://example.com/docs/a", False),
    ):
        assert may("allow", "http_get(https://example.com/docs/*)", url, "url", "http_get") is is_allowed
    assert may("allow", "http_get(localhost:8080*)", "http://localhost:8080/x", "url", "http_get")
    assert may("allow", "http_get(*)", "https://any.where/", "url", "http_get")
    assert may("allow", "http_get(*.example.com)", "https://a.example.com/", "url", "http_get")
    for other in ("https://example.com/", "https://evil.com\\.example.com/", "https://evil.com,.example.com/"):
        assert not may("allow", "http_get(*.example.com)", other, "url", "http_get")
    assert not may("deny", "http_get(evil.com*)", "https://example.com/?evil.com", "url", "http_get")
    assert not may("deny", "http_get(evil.com:81)", "https://evil.com/", "url", "http_get")


# Paths


@pytest.mark.parametrize("path", ["src/a.py", "./src/a.py", "src//b/../a.py", "src/x/y/z.py", "docs/../src/a.py"])
def test_a_path_is_the_file_it_ends_at(path: str) -> None:
    """With slashes, `*` reaches into every folder below."""
    assert may("allow", "read_file(src/**)", path, "path", "read_file")


@pytest.mark.parametrize(
    "path",
    [
        "src/../.env", "src/../../src/a.py", "/src/a.py", "../src/a.py", "src\\..\\.env", "src/..\\..\\x", "C:src/a.py",
        "~/src/a.py", "src", "srcs/a.py", "src/a\x00.py", "src/\u202egnp.py", "SRC/a.py", "..", "",
    ],
)  # fmt: skip
def test_a_path_that_leads_elsewhere_is_not_allowed(path: str) -> None:
    """Up, absolute, with a drive or a backslash, with signs that cannot be seen."""
    assert not may("allow", "read_file(src/**)", path, "path", "read_file")


@pytest.mark.parametrize(
    "path",
    ["config/.env", "src/../config/.env", "config/./.ENV", "config//.env", "/home/me/config/.env", "config\\.env"],
)
def test_a_deny_of_a_path_is_not_got_around(path: str) -> None:
    """A path of which nobody can be sure where it leads could lead there."""
    assert may("deny", "read_file(config/.env)", path, "path", "read_file")


@pytest.mark.parametrize("below", ["private", "./private/", "src/../private", "private/keys", "", ".", "PRIVATE", "/x"])
def test_a_deny_of_a_folder_holds_for_looks_at_it_and_at_what_is_above_it(below: str) -> None:
    """A search of the whole folder is one of each folder in it."""
    for rule in ("search_files(private/*)", "search_files(private/**)", "search_files(p*/keys/*)"):
        assert may("deny", rule, below, "below", "search_files"), rule


def test_a_look_is_allowed_only_where_all_that_it_may_meet_is() -> None:
    """And what lies elsewhere is not denied."""
    for below, is_allowed in (
        ("src", True),
        ("src/a", True),
        ("./src/", True),
        ("", False),
        ("srcs", False),
        ("..", False),
    ):
        assert may("allow", "search_files(src/*)", below, "below", "search_files") is is_allowed, below
    for rule in ("search_files(src/a)", "search_files(src/*.py)", "search_files(s*c)"):
        assert not may("allow", rule, "src", "below", "search_files")
    assert may("allow", "search_files(*)", "", "below", "search_files")
    for below in ("src", "privates", "src/private"):
        assert not may("deny", "search_files(private/*)", below, "below", "search_files")
    assert not may("deny", "search_files(src/a.py)", "src/a", "below", "search_files")
    assert may("deny", "search_files(src/a.py)", "src", "below", "search_files")


def test_code_is_allowed_as_it_is_written_or_not_at_all() -> None:
    """What begins and ends as a pattern says may do anything in between."""
    escape = "print(1); __import__('os').system('ls')"
    assert not may("allow", "python(print(*))", escape, "code", "python")
    assert not may("allow", "python(print(*))", "print(1)", "code", "python")
    assert may("allow", "python(print(1))", "print(1)", "code", "python")
    assert may("allow", "python(*)", escape, "code", "python")
    assert may("deny", "python(*import*)", escape, "code", "python")


def test_other_subjects_are_text_and_no_subject_is_the_whole_input() -> None:
    """As JSON with its keys in order; what the input does not say is allowed by no pattern and restricted by each."""
    assert may("allow", "note(todo*)", "todo: milk", "key", "note")
    assert not may("allow", "note(todo*)", "TODO: milk", "key", "note")
    assert may("deny", "note(todo*)", "ＴＯＤＯ", "key", "note")
    assert may("allow", 'move({"by":1,*})', {"to": "x", "by": 1}, None, "move")
    assert not may("allow", 'move(*"by":1*)', {"to": '"by":1', "by": 2}, None, "move")
    for kind, is_about in (("allow", False), ("deny", True)):
        assert may(kind, "note(todo*)", None, "key", "note") is is_about
        assert may(kind, "note", None, "key", "note")


# Verdicts


def test_the_reason_names_what_decided() -> None:
    """The rule as it was written, or the declaration."""
    call: Any = {"command": "git push"}
    for tool, rules, said in (
        (spec(permission="deny"), PermissionRules(allow=("*",)), "denied by its own declaration"),
        (spec(), PermissionRules(deny=("shell(git p*)",)), "the rule deny = 'shell(git p*)'"),
        (spec(), PermissionRules(ask=("sh*",), allow=("*",)), "the rule ask = 'sh*'"),
        (spec(permission="ask"), PermissionRules(), "declared to run only when a person allows it"),
    ):
        found = verdict(tool, call, Standing(rules, {"shell"} if tool.permission == "deny" else set()))
        assert said in found.reason
        denied = verdict(tool, call, Standing(rules, deny_asks=True))
        assert denied.permission == "deny"
        assert said in denied.reason


def test_a_rule_that_cannot_be_read_allows_nothing_and_restricts_all() -> None:
    """It came in a log that nobody looked at; a person is told which it is."""
    broken = ("shell(",)
    assert verdict(spec(permission="ask"), {}, Standing(PermissionRules(allow=broken))).permission == "ask"
    assert verdict(spec(), {}, Standing(PermissionRules(deny=broken))).permission == "deny"
    assert "'shell('" in verdict(spec(), {}, Standing(PermissionRules(ask=broken))).reason


def test_the_rule_of_two() -> None:
    """Private data and strangers' words in a run, and a tool that reaches outside: asked, whatever allows it."""
    tool = spec("send", None, exposure=("outward",))
    for exposures in ((), ("private",), ("untrusted",), ("private", "outward")):
        assert verdict(tool, {}, Standing(exposures=set(cast("tuple[Exposure, ...]", exposures)))).permission == "allow"
    tainted = Standing(PermissionRules(allow=("*",)), {"send"}, {"private", "untrusted"})
    asked = verdict(tool, {}, tainted)
    assert (asked.permission, asked.every_time) == ("ask", True)
    assert "private data" in asked.reason
    assert "strangers" in asked.reason
    assert verdict(tool, {}, replace(tainted, deny_asks=True)).permission == "deny"
    assert verdict(spec("look", None, exposure=("untrusted",)), {}, tainted).permission == "allow"


# The whole table


class Case(NamedTuple):
    """A set of rules and a call."""

    tool: ToolSpec
    value: str
    standing: Standing


def oracle(case: Case) -> Permission:
    """Return the verdict, in another way: with `fnmatch`, the standard library's paths, and addresses cut in two."""
    tool, value, standing = case

    def is_about(rule: str, *, allows: bool) -> bool:
        name, _, pattern = rule.removesuffix(")").partition("(")
        if not fnmatchcase(tool.name, name) or not pattern:
            return fnmatchcase(tool.name, name)
        if tool.subject == "command":
            parts = re.split(r"[;|&\n>]|\$\(|\)", value)
            if allows:
                return len(parts) == 1 and fnmatchcase(value, pattern)
            return any(fnmatchcase(part.strip(), pattern) for part in (value, *parts))
        if tool.subject == "path":
            ends = posixpath.normpath(value)
            escapes = ends.startswith(("/", ".."))
            surely = not escapes and fnmatchcase(ends, pattern)
            return surely if allows else (surely or escapes or fnmatchcase(value, pattern))
        host, _, rest = pattern.partition("/")
        split = urlsplit(value)
        if split.username:
            return not allows
        same = split.hostname == host.rstrip("*")
        return same and (not rest or fnmatchcase(split.path[1:], rest))

    rules = standing.rules
    compound = tool.subject == "command" and bool(re.search(r"[;|&\n>]|\$\(", value))
    tainted = "outward" in tool.exposure and {"private", "untrusted"} <= standing.exposures
    if tool.permission == "deny" or any(is_about(rule, allows=False) for rule in rules.deny):
        return "deny"
    lifted = any(is_about(rule, allows=True) for rule in rules.allow) and not (tool.every_time and compound)
    asks = any(is_about(rule, allows=False) for rule in rules.ask) or (tool.permission == "ask" and not lifted)
    place = urlsplit(value)
    given = f"{tool.name}({place.hostname})" if tool.subject == "url" and not place.username else tool.name
    leave = given in standing.leave and not tool.every_time
    if not tainted and (not asks or leave):
        return "allow"
    return "deny" if standing.deny_asks else "ask"


SUBJECTS = {
    "command": ["git status", "git push", "rm x", "git status; rm x", "ls | sh", "git status && git push", "ls\nrm x",
                "ls > out", "ls $(rm x)", "ls -l"],
    "path": ["src/a.py", "src/../.env", ".env", "docs/b.md", "/etc/passwd", "../x", "docs/../src/c.py", "./src/a.py"],
    "url": ["https://example.com/a", "https://evil.com/?example.com", "https://example.com.evil.com/", "http://evil.com/a",
            "https://x@evil.com/", "https://example.com/docs/a"],
}  # fmt: skip
PATTERNS = {
    "command": ["", "git *", "git status", "rm *", "ls*", "*", "git push*"],
    "path": ["", "src/*", ".env", "docs/*", "*"],
    "url": ["", "example.com*", "evil.com*", "example.com/docs/*", "evil.com"],
}


def generated(seed: int = 20260921) -> list[Case]:
    """Return cases, the same each time."""
    dice = random.Random(seed)
    cases = []
    for _ in range(CASES):
        subject = dice.choice(list(SUBJECTS))
        name = {"command": "shell", "path": "read_file", "url": "http_get"}[subject]

        def rules(*, most: int, subject: str = subject, name: str = name) -> tuple[str, ...]:
            drawn = []
            for _ in range(dice.randint(0, most)):
                pattern = dice.choice(PATTERNS[subject])
                drawn.append(dice.choice([name, name, name[:3] + "*", "other"]) + (f"({pattern})" if pattern else ""))
            return tuple(drawn)

        tool = spec(
            name,
            subject,
            permission=dice.choice(["allow", "ask", "ask", "ask", "deny"] if dice.random() < 0.5 else ["allow", "ask"]),
            every_time=dice.random() < 0.4,
            exposure=dice.choice([(), ("outward",)]),
        )
        exposures: set[Exposure] = set(dice.sample(["private", "untrusted"], dice.randint(0, 2)))
        standing = Standing(
            PermissionRules(allow=rules(most=3), ask=rules(most=1), deny=rules(most=1)),
            {f"{name}({urlsplit(dice.choice(SUBJECTS[subject])).hostname})" if subject == "url" else name}
            if dice.random() < 0.3
            else set(),
            exposures,
            deny_asks=dice.random() < 0.2,
        )
        cases.append(Case(tool, dice.choice(SUBJECTS[subject]), standing))
    return cases


def wrong(judge: Callable[[Case], Permission]) -> list[Case]:
    """Return the cases in which a judge and the oracle differ."""
    return [case for case in generated() if judge(case) != oracle(case)]


def judged(case: Case) -> Permission:
    """Return what policy says."""
    return verdict(case.tool, {case.tool.subject or "": case.value}, case.standing).permission


@pytest.mark.parametrize(
    ("url", "is_allowed"),
    [
        ("https://example.com/other", True),
        ("HTTP://EXAMPLE.com:8080/", True),
        ("https://example.com.evil.org/", False),
        ("https://evil.org/?example.com", False),
        ("https://user@example.com/", False),
    ],
)
def test_leave_for_a_run_is_for_one_host(url: str, is_allowed: bool) -> None:
    """Who allows a page for the rest of the run has allowed its host, and no other place."""
    tool = spec("http_get", "url", permission="ask")
    leave = leave_for(tool, {"url": "https://example.com/a"})
    assert leave == "http_get(example.com)"
    assert (verdict(tool, {"url": url}, Standing(leave={leave})).permission == "allow") is is_allowed
    assert leave_for(spec("send", permission="ask"), {"text": "x"}) == "send"


def test_the_whole_table_is_as_the_oracle_says() -> None:
    """500 pairs of rules and calls, all verdicts among them in number."""
    assert wrong(judged) == []
    found = [oracle(case) for case in generated()]
    assert all(found.count(permission) > CASES // 10 for permission in ("allow", "ask", "deny"))


def _allow_first(case: Case) -> Permission:
    """An *allow* rule that wins over a *deny*."""
    rules, given = case.standing.rules, {case.tool.subject or "": case.value}
    if any(parse_rule(rule).may_allow(case.tool, given) for rule in rules.allow):
        return "allow"
    return judged(case)


def _changed(**changes: Any) -> Callable[[Case], Permission]:
    return lambda case: judged(case._replace(standing=replace(case.standing, **changes)))


def _declared(**changes: Any) -> Callable[[Case], Permission]:
    return lambda case: judged(case._replace(tool=case.tool.model_copy(update=changes)))


def _as_text(case: Case) -> Permission:
    """Patterns that look at nothing but text."""
    tool = case.tool.model_copy(update={"subject": "text"})
    return verdict(tool, {"text": case.value}, case.standing).permission


MUTANTS: Sequence[Callable[[Case], Permission]] = (
    _allow_first,
    _as_text,
    _changed(exposures=set()),
    _changed(leave=set()),
    _changed(deny_asks=False),
    _declared(every_time=False),
    _declared(permission="ask"),
)


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_policy_that_errs_is_found_out(mutant: Callable[[Case], Permission]) -> None:
    """What the oracle proves, it proves of every part."""
    assert len(wrong(mutant)) >= 3


def test_a_verdict_is_a_value() -> None:
    """Equal calls have equal verdicts."""
    assert verdict(spec(), {"command": "ls"}, Standing()) == Verdict("allow")
