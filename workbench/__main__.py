"""The program: reads the command line, does what it says, and turns whatever goes wrong into a sentence.

The one place that knows exit codes of errors. Nothing heavy is imported before it is known to be needed, so that
`workbench --version` is quick.
"""

from __future__ import annotations

import gc
import io
import os
import signal
import sys
from contextlib import suppress
from types import FrameType

from workbench.errors import OutputError, UserError, WorkbenchError

FAILED = 1
USAGE = 2
INTERRUPTED = 130
BROKEN_PIPE = 141
"""What a shell says of programs that `head` cut off: 128 + SIGPIPE."""


def main(argv: list[str] | None = None) -> int:
    """Do what `argv` says (the process' own arguments where None) and return the exit code."""
    if argv is None:
        _end_at_ctrl_c()
        _open_closed()
        collect_rarely()
    code = _guarded(sys.argv[1:] if argv is None else argv)
    if code == INTERRUPTED and argv is None:
        _leave(code)
    return code


def collect_rarely() -> None:
    """Let Python look for garbage less often: a run is very many small objects that live as long as it is open."""
    gc.set_threshold(50_000, 20, 50)


def _guarded(argv: list[str]) -> int:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that has no such character shows another
    try:
        code = _done(argv)
        sys.stdout.flush()
    except BrokenPipeError:
        code = BROKEN_PIPE
    except OSError as error:
        _say(f"what is printed cannot be written: {error.strerror}")
        code = FAILED
    _let_go()
    return code


def _done(argv: list[str]) -> int:
    try:
        from workbench.cli.arguments import parse

        args = parse(argv)
        from workbench.cli import commands

        commands.load(args)
        if signal.getsignal(signal.SIGINT) is _end:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        return commands.execute(args)
    except SystemExit as asked:  # --help and --version
        return asked.code if isinstance(asked.code, int) else USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        return BROKEN_PIPE
    except WorkbenchError as error:
        if isinstance(error, OutputError):
            _let_go()
        _say(str(error))
        return USAGE if isinstance(error, UserError) else FAILED
    except Exception as error:
        if "--debug" in argv:
            raise
        _say(_written_down(error, argv))
        return FAILED


def _end_at_ctrl_c() -> None:
    """End at once at Ctrl-C while there is nothing to undo: an import that is broken off may show a traceback."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # where it is ignored, it stays so
        signal.signal(signal.SIGINT, _end)


def _end(_number: int, _frame: FrameType | None) -> None:
    os._exit(INTERRUPTED)


def _open_closed() -> None:
    """Let the streams that were closed before the program began lead nowhere, so that no file takes their place."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - the lowest free number


def _let_go() -> None:
    """Let what cannot be written lead nowhere, so that the last flush of all finds an open end."""
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except OSError:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)


def _say(sentence: str) -> None:
    from workbench.providers.keys import redacted
    from workbench.views.text import inert

    with suppress(OSError):  # there is nowhere else to say it
        print(f"workbench: {inert(redacted(sentence))}", file=sys.stderr)


def _written_down(error: Exception, argv: list[str]) -> str:
    """Write the details of an unexpected error to a file, and return the sentence that names it."""
    import traceback

    from workbench.clock import SystemClock
    from workbench.config.settings import find_places
    from workbench.providers.keys import redacted

    path = find_places().state / f"error-{SystemClock().wall():.0f}.txt"
    what = f"something unexpected went wrong ({type(error).__name__}: {error})"
    command = argv[0] if argv else "(none)"
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        details = redacted("".join(traceback.format_exception(error)))
        path.write_text(f"command: {command}\n\n{details}", "utf-8")
        return f"{what}. The details are in {path}; with --debug they are shown."
    return f"{what}. Run it again with --debug for the details."


def _leave(code: int) -> None:
    """End the process at once: a thread that does not stop, such as one that indexes, must not hold a person up."""
    with suppress(OSError):
        sys.stdout.flush()
        sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
