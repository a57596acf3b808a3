"""Forty keys in every place where one may be, said back by the provider in every form: none is found anywhere after.

Whole runs of each provider on the command line, then a look into every file, both outputs and pictures of the screen.
The same is then seen to find keys where nothing hides them, and where only the plain form is hidden.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import html
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import quote, quote_plus

import pytest

from tests.cli_harness import Shell, use_script
from tests.contract.adapters import adapters
from tests.contract.adapters.openai_chat import ADAPTER as CHAT
from tests.contract.script import Adapter, Answer, Failing, Page, Step
from tests.contract.server import Scripted, serving
from tests.tui.kit import stage
from workbench.config.reaching import PROVIDERS
from workbench.config.settings import find_places
from workbench.driver import feed, moving
from workbench.driver.driver import Driver
from workbench.driver.settings import DriverSettings
from workbench.engine import turns
from workbench.errors import ToolError
from workbench.events.agent import ModelRetries
from workbench.providers import failures, keys
from workbench.providers.scripted import Turn
from workbench.tools.declaring import tool

MANY: Final = 40
PIECE: Final = 12
"""Letters and digits that tell a key, each a few times in it: no escaping changes them."""
SHAPES: Final = ("{}/{}+{}==", "sk-{}-{}.{}", '{}"{}\\{}', "{}&{}<{}>", "{}%{}'{}", "{} {} {}", "{}:{}@{}", "{}{}{}")
VARIABLES: Final = (
    "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "OPENAI_API_KEY", "MODEL_API_KEY", "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "GITHUB_TOKEN", "DATABASE_PASSWORD", "CLIENT_SECRET", "SOME_API_KEY",
)  # fmt: skip
FORMS: Final[tuple[Callable[[str], str], ...]] = (
    str,
    repr,
    lambda key: repr(key.encode()),
    json.dumps,
    lambda key: quote(key, safe=""),
    quote_plus,
    lambda key: html.escape(key).replace("/", "&#x2F;"),
    lambda key: json.dumps(json.dumps(key)).replace("/", "\\/"),
    lambda key: base64.b64encode(key.encode()).decode(),
    lambda key: base64.urlsafe_b64encode(key.encode()).decode().rstrip("="),
    lambda key: base64.b64encode(f"user:{key}".encode()).decode(),
    lambda key: quote(base64.b64encode(f"u:{key}\n".encode()).decode(), safe=""),
)
"""How a server may say a key back."""
AT_A_TIME: Final = 20
"""Keys of one message; a quote is cut where it is long."""


Leak = tuple[str, list[str]]
"""Where keys were found, and which."""


@dataclass
class Canaries:
    """Keys that no text but a leak has, and where they are hidden."""

    all: list[str] = field(default_factory=list)

    def new(self) -> str:
        """Return the next one."""
        shape = SHAPES[len(self.all) % len(SHAPES)]
        made = hashlib.sha256(str(len(self.all)).encode()).hexdigest()
        self.all.append(shape.format(*re.findall("." * PIECE, made)))
        return self.all[-1]

    def found_in(self, data: bytes) -> list[str]:
        """Return those of which a piece stands in `data`, as it is or in base64."""
        return [key for key in self.all if any(mark in data for mark in _marks(key))]


def _marks(key: str) -> Iterator[bytes]:
    for piece in re.findall(f"[0-9a-f]{{{PIECE}}}", key):
        yield piece.encode()
        for before in range(3):
            yield base64.b64encode(b"." * before + piece.encode())[4:-4]


@dataclass
class Scene:
    """A person's own folders and environment, with keys wherever there may be some, and what came of it."""

    folder: Path
    shell: Shell
    canaries: Canaries
    said: list[str] = field(default_factory=list)
    """What was printed, and the pictures."""
    seen: list[Leak] = field(default_factory=list)
    """What was found while the run went on, and the database had its journal."""

    @property
    def settings(self) -> Path:
        """The settings file, in which the person themselves wrote keys."""
        return self.folder / "config" / "workbench" / "settings.toml"

    def __call__(self, *words: str) -> int:
        """Type a command; return how it ended."""
        printed = self.shell(*words)
        self.said += [printed.out, printed.err]
        return printed.code

    def leaks(self) -> list[Leak]:
        """Return where keys are found now, and which."""
        files = [path for path in self.folder.rglob("*") if path.is_file() and path != self.settings]
        places = [(path.name, path.read_bytes()) for path in files]
        places += [("shown", text.encode()) for text in self.said]
        places += [("shown", re.sub(r"<[^>]*>|\s", "", html.unescape(text)).encode()) for text in self.said]
        return [(name, found) for name, data in places if (found := self.canaries.found_in(data))]


@pytest.fixture
def scene(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Scene:
    """Return a scene in which nothing was hidden before, and no attempt waits."""
    for kind in ("DATA", "CONFIG", "STATE"):
        monkeypatch.setenv(f"XDG_{kind}_HOME", str(tmp_path / kind.lower()))
    for name in ("HOME", "TMPDIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    (tmp_path / "tmpdir").mkdir()
    monkeypatch.setattr(keys, "_secrets", set())
    monkeypatch.setattr(turns.TurnRunner, "_retries", lambda _: ModelRetries(first_wait=0.0))
    return Scene(tmp_path, Shell(tmp_path / "data" / "runs.db", capsys), Canaries())


def set_up(scene: Scene, api: Adapter, served: Scripted, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Put a key into each place where one may be; return what is typed."""
    new = scene.canaries.new
    for name in VARIABLES:
        monkeypatch.setenv(name, new())
    monkeypatch.setenv("TEAM", new())
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", f"x-custom: {new()}")
    monkeypatch.setenv("FTP_PROXY", f"http://proxy:{quote(new(), safe='')}@127.0.0.1:1")
    monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://{quote(new(), safe='')}@127.0.0.1:1")
    lines = []
    for provider in PROVIDERS:
        host = served.base_url.removeprefix("http://") if provider == api.name else "127.0.0.1:1"
        user, password, asked = (quote(new(), safe="") for _ in range(3))
        address = f"http://{user}:{password}@{host}/?key={asked}"
        headers = {"x-plain": new(), "x-gate": f"Token {new()}"}
        lines.append(f"[providers.{provider}]\nbase_url = {json.dumps(address)}")
        lines.append("headers = {" + ", ".join(f"{name} = {json.dumps(text)}" for name, text in headers.items()) + "}")
    scene.settings.parent.mkdir(parents=True)
    scene.settings.write_text("\n".join(lines))
    typed = ["--header", "x-team=$TEAM", "--header", f"x-one=id={new()};v=2"]
    while len(scene.canaries.all) < MANY:
        typed += ["--header", f"x-more-{len(typed)}={new()}"]
    assert len(scene.canaries.all) == MANY
    return typed


def echoes(canaries: Canaries) -> list[str]:
    """Return what a server says: every key in every form."""
    halves = [canaries.all[start : start + AT_A_TIME] for start in range(0, MANY, AT_A_TIME)]
    return [" ".join(form(key) for key in half) for form in FORMS for half in halves]


def script(api: Adapter, said: Sequence[str]) -> list[Step]:
    """Return a run in which each turn breaks four times, in a status or in the stream, before it succeeds."""
    steps: list[Step] = [Page(f"<!doctype html><p>{said[0]}</p>")]
    for number, text in enumerate(said):
        in_stream = Answer("So") if number % 2 else None
        steps.append(Failing(500, "server", text, in_stream=in_stream, frames=2))
        if len(steps) % 5 == 4:
            steps.append(Answer("Let me look.", calls=[("search_docs", '{"query": "generators"}')]))
    return [*steps, Answer(calls=[("submit_answer", '{"answer": "It is."}')])]


def whole_runs(scene: Scene, api: Adapter, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run with every key said back, once to the answer and once to a failure; look at both in every way there is."""
    with serving(api) as served:
        served.grain = 7
        typed = set_up(scene, api, served, monkeypatch)
        said = echoes(scene.canaries)
        run = ["run", "What?", "--headless", "--plan", "off", "-m", api.model, *typed]
        steps = script(api, said)

        def next_step(_: object) -> Step:
            if len(steps) == 1:
                scene.seen = scene.leaks()
            return steps.pop(0)

        served.script = next_step
        assert scene(*run, "--record", str(scene.folder / "recorded.jsonl")) == 0
        assert not steps, "the run took other ways than it should"
        served.script = [Failing(401, "unauthorised", said[0])]
        assert scene(*run) == 1
        assert set(scene.canaries.found_in(json.dumps(served.headers).encode())), "no key was sent"
    for words in (["show", "@last"], ["show", "@last", "--json"], ["runs", "--all"], ["doctor"]):
        scene(*words)
    for row in scene.shell.runs():
        assert scene("export", row["id"], "-o", str(scene.folder / f"{row['id']}.jsonl")) == 0
    asyncio.run(look(scene, scene.shell.last()))


async def look(scene: Scene, run: str) -> None:
    """Take pictures of a run and of its request."""
    settings = DriverSettings(database=scene.shell.database, cache=find_places().cache)
    async with Driver(settings) as driver, stage(driver, run=run) as acted:
        await acted.shows("What?")
        for key in ("up", "i"):
            await acted.press(key)
            scene.said.append(acted.app.export_screenshot())


@pytest.mark.parametrize("api", adapters(), ids=lambda api: api.name)
def test_no_key_is_anywhere_after_a_run(api: Adapter, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in the log, in an export, on paper or in a picture, however the provider says it back."""
    whole_runs(scene, api, monkeypatch)
    assert scene.seen + scene.leaks() == []
    recorded = (scene.folder / "recorded.jsonl").read_text("utf-8")
    assert recorded.count(keys.HIDDEN) >= len(FORMS) * MANY, "less was said back than there is"


def shown_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nothing hide a key."""
    for room in (failures, turns, feed, moving, keys):
        monkeypatch.setattr(room, "redacted", str)


def only_plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let only keys be hidden that stand there as they are."""
    monkeypatch.setattr(keys, "_patterns", lambda key: ((key, re.compile(re.escape(key))),))


@pytest.mark.parametrize(("mutant", "least"), [(shown_as_it_is, MANY // 2), (only_plain, 1)])
def test_without_hiding_keys_are_found(
    mutant: Callable[[pytest.MonkeyPatch], None], least: int, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same look finds them in the database, its journal, exports, outputs and pictures: it can see."""
    mutant(monkeypatch)
    whole_runs(scene, CHAT, monkeypatch)
    found = {name: len(keys_) for name, keys_ in scene.seen + scene.leaks()}
    assert {"runs.db", "runs.db-wal", "recorded.jsonl", "shown"} <= set(found), found
    assert len([name for name in found if name.endswith(".jsonl")]) > 1
    assert max(found.values()) >= least


@tool(name="look", read_only=True)
async def spilling() -> str:
    """Look."""
    raise ToolError("the server says tool-canary-0123456789")


def test_what_tools_and_models_say_is_kept_as_it_is(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key in a model's text, arguments or answer and in a tool's result is the record, which nobody changes."""
    monkeypatch.setenv("SOME_API_KEY", "tool-canary-0123456789")
    said = "text-canary-0123456789"
    keys.hide(said)
    script = [Turn(said, calls=[("look", {})]), Turn(calls=[("submit_answer", {"answer": f"{said} it is"})])]
    use_script(monkeypatch, lambda request: script.pop(0), [spilling])
    assert scene("run", "What?", "--headless", "--plan", "off") == 0
    scene("export", "@last")
    assert scene.said[-2].count("tool-canary-0123456789") >= 1
    assert scene.said[-2].count(said) >= 2
    assert keys.HIDDEN not in "".join(scene.said)


def test_an_unexpected_error_is_written_down_without_keys(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the sentence nor the file of details has the key that an error's words hold, nor those of its causes."""
    key = scene.canaries.new()
    monkeypatch.setenv("SOME_API_KEY", key)

    def fail(_: object) -> int:
        raise RuntimeError(f"not sent: {key.encode()!r}") from ValueError(f"sent {key!r}")

    monkeypatch.setattr("workbench.cli.commands.execute", fail)
    assert scene("runs") == 1
    assert "something unexpected" in scene.said[-1]
    assert [path.name for path in (scene.folder / "state" / "workbench").iterdir()]
    assert scene.leaks() == []
