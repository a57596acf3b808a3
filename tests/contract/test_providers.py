"""What every provider keeps, over real HTTP: the same file for all APIs."""

from __future__ import annotations

import asyncio
import gc
import json
import socket
from contextlib import aclosing
from types import AsyncGeneratorType
from typing import Any

import pytest

from tests.contract.adapters import adapters
from tests.contract.script import KEY, SECRET, Adapter, Answer, Broken, Failing, Page
from tests.contract.server import PATIENCE
from tests.contract.talk import Heard, ServedTalk, talking
from tests.loop_kit import Lab
from workbench.errors import ModelError, PermanentModelError, TransientModelError
from workbench.events.content import TextBlock
from workbench.events.request import ThinkingBlock
from workbench.providers.base import CallClosed, CallOpened, TextDelta, ThinkingDelta
from workbench.providers.remote import Endpoint, closing_clients

pytestmark = pytest.mark.parametrize("adapter", adapters(), ids=lambda adapter: adapter.name)

TEXT = "Zwei Themen – 中文, 🦉 and a line.\nAnother."
THREE = [
    ("look", '{"word": "a b"}'),
    ("look", '{"word": "中", "deep": {"n": [1, 2.5, null]}}'),
    ("look", '{"word":"c"}'),
]
WHOLE = Answer(TEXT, "Hm, let me see.", THREE)
AT_ONCE = 2.0
"""Seconds; far less than any timeout."""


async def test_text_comes_in_pieces_and_whole(adapter: Adapter) -> None:
    """Text is shown as it is written, and the turn holds exactly what the model wrote."""
    async with talking(adapter, Answer(TEXT, pieces=7)) as talk:
        heard = await talk.hear()
    assert heard.content == (TextBlock(text=TEXT),)
    assert len([delta for delta in heard.deltas if isinstance(delta, TextDelta)]) > 1
    assert heard.end is not None
    assert heard.end.stop_reason == "end_turn"


async def test_thinking_is_told_from_text(adapter: Adapter) -> None:
    """What the model thought is a block of its own, before what it said."""
    async with talking(adapter, Answer(TEXT, "Hm, let me see.")) as talk:
        heard = await talk.hear()
    assert heard.content == (ThinkingBlock(text="Hm, let me see."), TextBlock(text=TEXT))
    assert any(isinstance(delta, ThinkingDelta) for delta in heard.deltas)


@pytest.mark.parametrize("count", [1, 3])
async def test_calls_come_in_order_with_their_arguments(adapter: Adapter, count: int) -> None:
    """One call or many in a turn: each once, in the model's order, its arguments exact, ids our own."""
    async with talking(adapter, Answer(TEXT, calls=THREE[:count])) as talk:
        heard = await talk.hear()
    assert [call.input for call in heard.calls] == [json.loads(arguments) for _, arguments in THREE[:count]]
    assert [(call.id, call.tool, call.invalid) for call in heard.calls] == [
        (f"0.{number}", "look", None) for number in range(count)
    ]
    assert heard.end is not None
    assert heard.end.stop_reason == "tool_calls"


async def test_a_call_is_whole_before_the_next_begins(adapter: Adapter) -> None:
    """A call may start while the model still writes the others."""
    async with talking(adapter, Answer(calls=THREE)) as talk:
        heard = await talk.hear()
    marks = [delta for delta in heard.deltas if isinstance(delta, CallOpened | CallClosed)]
    assert [isinstance(mark, CallClosed) for mark in marks] == [False, True] * 3


@pytest.mark.parametrize("nothing", ["", "{}"])
async def test_a_call_may_have_no_arguments(adapter: Adapter, nothing: str) -> None:
    """A tool that takes nothing is called with an empty object, however the API writes that."""
    async with talking(adapter, Answer(calls=[("look", nothing)])) as talk:
        heard = await talk.hear()
    assert [(call.input, call.invalid) for call in heard.calls] == [({}, None)]


async def test_usage_counts_cached_tokens_as_input(adapter: Adapter) -> None:
    """Tokens are those that the provider told; a model without a known price costs something unknown, never 0."""
    async with talking(adapter, WHOLE) as talk:
        heard = await talk.hear()
    assert heard.end is not None
    assert heard.end.usage == WHOLE.usage


@pytest.mark.parametrize(
    "failing",
    [
        Failing(429, "rate_limited", "slow down", retry_after=7),
        Failing(429, "rate_limited"),
        Failing(500, "server", "oops"),
        Failing(503, "overloaded"),
        Failing(401, "unauthorised", f"wrong key {KEY}"),
        Failing(403, "forbidden"),
        Failing(404, "model_not_found", "The model does not exist"),
        Failing(400, "context_too_long", "prompt is too long: 300000 tokens > 200000 maximum"),
        Failing(400, "bad_request", "tools.0: wrong"),
    ],
    ids=lambda failing: f"{failing.status}-{failing.kind}",
)
async def test_errors_say_what_passes_and_what_lasts(adapter: Adapter, failing: Failing) -> None:
    """Each error has its kind, the server's own wish to wait, its words, and never the key."""
    async with talking(adapter, failing) as talk:
        with pytest.raises(ModelError) as caught:
            await talk.hear()
    passes = failing.kind in ("rate_limited", "server", "overloaded")
    assert type(caught.value) is (TransientModelError if passes else PermanentModelError)
    assert (caught.value.kind, caught.value.retry_after) == (failing.kind, failing.retry_after)
    assert KEY not in str(caught.value)
    assert failing.message.split()[0] in str(caught.value)
    assert len(talk.served.bodies) == 1


@pytest.mark.parametrize(("kind", "passes"), [("overloaded", True), ("rate_limited", True), ("server", True)])
async def test_an_error_in_the_middle_breaks_the_turn(adapter: Adapter, kind: str, passes: bool) -> None:
    """A provider that gives up while it answers is tried again; what it said is no turn."""
    failing = Failing(200, kind, "sorry", in_stream=WHOLE, frames=5)
    if adapter.error_frame(failing) is None:
        return
    heard = Heard()
    async with talking(adapter, failing) as talk:
        with pytest.raises(TransientModelError, match="sorry") as caught:
            await talk.hear(heard=heard)
    assert caught.value.kind in (kind, "server", "overloaded")
    assert heard.content == ()


@pytest.mark.parametrize("how", ["end", "drop", "garbage"])
async def test_a_cut_stream_is_no_turn_wherever_it_is_cut(adapter: Adapter, how: Any) -> None:
    """Cut anywhere, between events or inside of one: an error that is tried again, no call that is half.

    Then the same request is asked again, byte for byte, and its answer is whole: a cut leaves nothing behind.
    """
    frames, whole = adapter.frames(WHOLE)
    places = [(index, more) for index in range(whole) for more in (0, len(frames[index]) // 2)]
    script = [step for index, more in places for step in (Broken(WHOLE, index, more, how), WHOLE)]
    expected = [json.loads(arguments) for _, arguments in THREE]
    async with talking(adapter, *script) as talk:
        for place in places:
            broken = Heard()
            with pytest.raises(TransientModelError):
                await talk.hear(heard=broken)
            assert [call.input for call in broken.closed] == expected[: len(broken.closed)], place
            assert TEXT.startswith(broken.text), place
            again = await talk.hear()
            assert [call.input for call in again.calls] == expected
        assert all(body == talk.served.bodies[0] for body in talk.served.bodies)


@pytest.mark.parametrize("cut", ["", '{"wor', '{"word": "a'])
async def test_a_call_that_the_limit_cut_never_runs(adapter: Adapter, cut: str) -> None:
    """`max_tokens` in the middle of a call: the turn stands, the calls before are whole, the last one is unreadable.

    Also where it was cut before its first argument, which must not be taken for a call without arguments.
    """
    async with talking(adapter, Answer(TEXT, calls=[*THREE[:1], ("look", cut)], stop="max_tokens"), WHOLE) as talk:
        heard = await talk.hear()
        assert heard.end is not None
        assert heard.end.stop_reason == "max_tokens"
        assert [call.invalid is None for call in heard.calls] == [True, False]
        assert all(call.invalid is None or not call.input for call in [*heard.closed, *heard.calls])
        await talk.go_on(heard)
    check_answered(talk, 2)


@pytest.mark.parametrize("wrong", ['{"word": "a"', '{"word": NaN}', "[1]", "look!", '{"a": 1}{"a": 2}'])
async def test_arguments_that_cannot_be_read_never_run(adapter: Adapter, wrong: str) -> None:
    """They become an error result, and a history with them is one that the provider takes."""
    async with talking(adapter, Answer(calls=[("look", wrong), THREE[0]]), WHOLE) as talk:
        heard = await talk.hear()
        assert [call.invalid is None for call in heard.calls] == [False, True]
        await talk.go_on(heard)
    check_answered(talk, 2)
    assert wrong not in sent(talk)


async def test_calls_with_one_id_are_told_apart(adapter: Adapter) -> None:
    """Each of two calls to which the provider gave the same id gets its own result."""
    async with talking(adapter, Answer(calls=THREE[:2], ids=["same_id_1", "same_id_1"]), WHOLE) as talk:
        try:
            heard = await talk.hear()
        except TransientModelError:  # pieces that cannot be told apart are a broken stream
            return
        assert [call.input for call in heard.calls] == [json.loads(arguments) for _, arguments in THREE[:2]]
        await talk.go_on(heard)
    check_answered(talk, 2)


async def test_a_turn_goes_back_as_it_came(adapter: Adapter) -> None:
    """The next request has the provider's own ids, each answered once, and what it sealed, untouched."""
    async with talking(adapter, WHOLE, Answer("Done.")) as talk:
        heard = await talk.hear()
        assert (await talk.go_on(heard)).text == "Done."
    check_answered(talk, 3)
    assert heard.parts is not None
    assert heard.parts.provider == adapter.model.partition(":")[0]
    assert SECRET in sent(talk)


async def test_a_turn_of_another_provider_goes_in_our_own_words(adapter: Adapter) -> None:
    """A fork that goes on with another provider carries text and calls, and nothing that was sealed elsewhere."""
    async with talking(adapter, WHOLE, Answer("Done.")) as talk:
        heard = await talk.hear()
        assert heard.parts is not None
        heard.parts = heard.parts.model_copy(update={"provider": "other"})
        await talk.go_on(heard)
    check_answered(talk, 3)
    assert SECRET not in sent(talk)
    assert "Zwei Themen" in sent(talk)


async def test_a_refusal_is_a_turn_that_says_so(adapter: Adapter) -> None:
    """The words stay, and the turn ends with `refusal`."""
    async with talking(adapter, Answer("I will not.", stop="refusal")) as talk:
        heard = await talk.hear()
    assert heard.content == (TextBlock(text="I will not."),)
    assert heard.end is not None
    assert heard.end.stop_reason == "refusal"


async def test_what_is_no_api_is_told_from_an_answer(adapter: Adapter) -> None:
    """A proxy's page with status 200 is an error that names it, not an empty turn."""
    async with talking(adapter, Page()) as talk:
        with pytest.raises(ModelError) as caught:
            await talk.hear()
    assert caught.value.kind == "not_a_stream"
    assert "<html" not in str(caught.value)


async def test_a_server_that_is_not_there_is_tried_again(adapter: Adapter) -> None:
    """Connection refused: a sentence, and another attempt may succeed."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{free.getsockname()[1]}"
        async with closing_clients(), talking(adapter, WHOLE) as talk:
            talk.provider = adapter.provider(Endpoint(base_url=address))
            with pytest.raises(TransientModelError) as caught:
                await talk.hear()
    assert caught.value.kind == "unreachable"


async def test_a_stream_that_stands_still_is_given_up(adapter: Adapter) -> None:
    """Silence beyond the timeout is an error that is tried again, and the connection is gone."""
    script = (Broken(WHOLE, 4, how="hold"), WHOLE)
    async with talking(adapter, *script, first_byte_timeout=0.1, byte_timeout=0.1) as talk:
        with pytest.raises(TransientModelError) as caught:
            await talk.hear()
        assert caught.value.kind == "timeout"
        await seen(talk.served.left)
        assert (await talk.hear()).text == TEXT


@pytest.mark.parametrize("way", ["cancelled", "closed"])
async def test_a_turn_that_is_broken_off_frees_its_connection_at_once(adapter: Adapter, way: str) -> None:
    """A person stops the turn in its middle: the server sees the end, and the only connection serves again."""
    async with talking(adapter, Broken(WHOLE, 6, how="hold"), WHOLE, connections=1) as talk:
        stream: Any = talk.provider.stream(talk.request())
        first = asyncio.Event()

        async def hear() -> None:
            async with aclosing(stream) as deltas:
                async for delta in deltas:
                    if isinstance(delta, ThinkingDelta):
                        first.set()
                        if way == "closed":
                            return

        task = asyncio.ensure_future(hear())
        async with asyncio.timeout(AT_ONCE):
            await first.wait()
            if way == "cancelled":
                await seen(talk.served.held)
                task.cancel()
            await asyncio.wait([task])
            await seen(talk.served.left)
            assert (await talk.hear()).text == TEXT
        assert task.cancelled() is (way == "cancelled")


async def test_turns_share_a_connection(adapter: Adapter) -> None:
    """One after the other, they do not connect anew: that would cost more than a short turn."""
    async with talking(adapter, WHOLE) as talk:
        for _ in range(3):
            await talk.hear()
    assert talk.served.connections == 1


async def test_many_turns_at_once_do_not_mix(adapter: Adapter) -> None:
    """Runs of one process share the connections, and each gets its own answer whole."""
    answers = [Answer(f"answer {number}", calls=[("look", json.dumps({"word": str(number)}))]) for number in range(12)]
    async with talking(adapter, *answers, WHOLE) as talk:
        heard = await asyncio.gather(*(talk.hear() for _ in answers))
    assert sorted(turn.text for turn in heard) == sorted(answer.text for answer in answers)
    assert all(turn.text == f"answer {turn.calls[0].input['word']}" for turn in heard)


async def seen(semaphore: Any) -> None:
    """Wait until the server saw something."""
    assert await asyncio.to_thread(semaphore.acquire, timeout=PATIENCE)


def sent(talk: ServedTalk) -> str:
    """Return the body of the last request as text."""
    return json.dumps(talk.served.bodies[-1], ensure_ascii=False)


def check_answered(talk: ServedTalk, count: int) -> None:
    """Check that the last request answers each of so many calls once, by the id under which it was asked."""
    asked, answered = talk.adapter.calls(talk.served.bodies[-1])
    assert asked == answered
    assert len(set(asked)) == count


@pytest.mark.parametrize("how", ["drop", "garbage", "error"])
async def test_a_broken_stream_leaves_nothing_to_the_garbage_collector(adapter: Adapter, how: Any) -> None:
    """What reads a connection is closed on its own event loop; a collector would do so later, on whichever thread."""
    told = Failing(200, "overloaded", "sorry", in_stream=WHOLE, frames=5)
    if how == "error" and adapter.error_frame(told) is None:
        return
    gc.collect()
    gc.disable()
    try:
        async with talking(adapter, told if how == "error" else Broken(WHOLE, 5, how=how)) as talk:
            assert (await Lab([], provider=talk.provider).run()).status == "failed"
            del talk
            for _ in range(100):  # generators close one after the other, each in a turn of the loop
                await asyncio.sleep(0)
        left = [each for each in gc.get_objects() if isinstance(each, AsyncGeneratorType)]
        assert [each.__qualname__ for each in left if "AsyncResponseStream" in each.__qualname__] == []
    finally:
        gc.enable()
