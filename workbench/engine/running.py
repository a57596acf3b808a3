"""One attempt of a tool, on the event loop or on a thread: its value or its parts, worked on, as one result."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping
from contextlib import aclosing, closing
from typing import Any, TypeVar

from workbench.engine.results import Gathered, as_result, described
from workbench.engine.threads import ToolExitError, ToolThreads
from workbench.tools.base import Postprocess, Tool, ToolContext, ToolResult

T = TypeVar("T")


async def guarded(start: Callable[[], Awaitable[T]]) -> T:
    """Await a tool; what would end the event loop (`SystemExit`, `KeyboardInterrupt`) becomes an ordinary error."""
    try:
        return await start()
    except (Exception, asyncio.CancelledError, GeneratorExit):
        raise  # GeneratorExit is also how a task that is left behind is cleared away
    except BaseException as error:  # noqa: BLE001 - the edge of a tool: see above
        raise ToolExitError(described(error)) from None


async def run_async(
    tool: Tool, arguments: Mapping[str, Any], context: ToolContext, gathered: Gathered, threads: ToolThreads
) -> ToolResult:
    """Run an async tool to its end, on the event loop; it raises what `guarded` does."""
    try:
        value = tool.call(arguments, context)
        if inspect.isawaitable(value):
            value = await value
        if inspect.isasyncgen(value):
            value = await _gather_async(value, gathered)
        elif inspect.isgenerator(value):
            value = await _gather_async(_as_async(value), gathered)
        result = as_result(value, tool.spec.max_output)
        return result if tool.postprocess is None else await _postprocessed(tool, tool.postprocess, result, threads)
    except (Exception, asyncio.CancelledError, GeneratorExit):
        raise  # see `guarded`, which costs each call another frame
    except BaseException as error:  # noqa: BLE001 - the edge of a tool: see `guarded`
        raise ToolExitError(described(error)) from None


async def _postprocessed(tool: Tool, postprocess: Postprocess, result: ToolResult, threads: ToolThreads) -> ToolResult:
    if inspect.iscoroutinefunction(postprocess):
        value = await postprocess(result)
    else:
        job = None
        try:
            job = threads.run(lambda: postprocess(result))
            value = await job.future
        except asyncio.CancelledError:
            if job is not None:
                job.abandon(lambda _: None)
            raise
        if inspect.isawaitable(value):
            value = await value
    return as_result(value, tool.spec.max_output)


def run_on_thread(
    tool: Tool,
    arguments: Mapping[str, Any],
    context: ToolContext,
    gathered: Gathered,
    loop: asyncio.AbstractEventLoop,
) -> ToolResult:
    """Run a sync tool to its end, on the thread that this is called on."""
    value = tool.call(arguments, context)
    if inspect.isgenerator(value):
        value = _gather(value, gathered)
    result = as_result(value, tool.spec.max_output)
    if tool.postprocess is None:
        return result
    value = tool.postprocess(result)
    if inspect.iscoroutine(value):
        work = value
        value = gathered.wait_for(asyncio.run_coroutine_threadsafe(guarded(lambda: work), loop))
    return as_result(value, tool.spec.max_output)


async def _gather_async(parts: AsyncGenerator[Any, Any], gathered: Gathered) -> ToolResult:
    """Take all parts; other calls get their turn between them, also where the tool never waits for anything."""
    async with aclosing(parts):
        async for part in parts:
            gathered.take(part)
            if gathered.is_closed:
                break
            await asyncio.sleep(0)
    return gathered.result()


async def _as_async(parts: Generator[Any, Any, Any]) -> AsyncGenerator[Any, None]:
    with closing(parts):
        for part in parts:
            yield part


def _gather(parts: Generator[Any, Any, Any], gathered: Gathered) -> ToolResult:
    with closing(parts):
        while not gathered.is_closed:
            try:
                part = next(parts)
            except StopIteration as end:
                return gathered.result(end.value)
            gathered.take(part)
    return gathered.result()
