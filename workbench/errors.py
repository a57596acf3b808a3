"""Every error of the program, in one tree, sorted by who must act.

Nothing here knows any other room. A message is a sentence for a person: what happened, with the offending value,
what was expected, what to do. Facts that code needs are attributes.

```
WorkbenchError
├── UserError               the user must act; the command line prints it and exits 2
│   ├── RunNotFoundError, AmbiguousRunError, AddressError, EditRefusedError, RunHeldError, ImportRefusedError
│   ├── AgentError, ModelNotFoundError, KeyMissingError, ConfigError, ThemeError, DocumentsError, McpServerError
│   ├── SessionFileError    OverwriteRefusedError
│   ├── BreakpointError
│   └── StoreError          ForeignDatabaseError, NewerDatabaseError, DamagedDatabaseError, DatabaseUnwritableError
├── ModelError              the model's side must act
│   ├── TransientModelError     worth another attempt
│   └── PermanentModelError     will fail the same way again
├── ToolError               the model can mend it: becomes an error result
│   └── Retry               raised by a tool: "nothing happened, try again"
├── OutputError             what is printed cannot be written: a full disk
├── StaleDriverError        this process lost its lease; it must stop writing
└── OperationCancelledError nobody must act: a person gave up a long operation
```
"""

from __future__ import annotations

from pathlib import Path


class WorkbenchError(Exception):
    """Base of all errors that the program raises on purpose."""


class UserError(WorkbenchError):
    """Something the user gave cannot be used; the message says what and what to do instead."""


class RunNotFoundError(UserError):
    """No run has this id or prefix."""


class AmbiguousRunError(UserError):
    """A prefix fits more than one run."""


class AddressError(UserError):
    """A place in a run (`--at`, CALL) does not exist or is not written rightly."""


class EditRefusedError(UserError):
    """An edit that is not possible where it was asked for."""


class RunHeldError(UserError):
    """Another process drives this run."""


class ImportRefusedError(UserError):
    """The same id exists here with other content."""


class BreakpointError(UserError):
    """A rule of a breakpoint that says nothing that can be understood."""


class AgentError(UserError):
    """An agent's definition cannot be used."""


class McpServerError(UserError):
    """An MCP server does not start, or is not what a person accepted."""


class ModelNotFoundError(UserError):
    """A model name that no provider knows."""


class KeyMissingError(UserError):
    """A provider needs a key that is not set, or that cannot be sent."""


class ConfigError(UserError):
    """A settings file or value cannot be used."""


class ThemeError(UserError):
    """A theme file cannot be used.

    `path` is the file, `key` and `value` the offending entry (empty where the whole file is meant), `why` the reason.
    """

    def __init__(self, path: Path, key: str, value: str, why: str) -> None:
        where = f"{key} = {value!r}: " if key else ""
        super().__init__(f"theme {path.name}: {where}{why}")
        self.path, self.key, self.value, self.why = path, key, value, why


class DocumentsError(UserError):
    """A folder of documents cannot be used."""


class SessionFileError(UserError):
    """A session file is no session file, is newer than this program, or is damaged."""


class OverwriteRefusedError(SessionFileError):
    """A session file is there already, and nobody said that it may be replaced."""


class StoreError(UserError):
    """The database cannot be used."""


class ForeignDatabaseError(StoreError):
    """A file that is not a workbench database."""


class NewerDatabaseError(StoreError):
    """A database written by a newer version of this program."""


class DamagedDatabaseError(StoreError):
    """A database that SQLite or our own checks find unsound."""


class DatabaseUnwritableError(StoreError):
    """The disk is read-only, full, or permissions forbid writing."""


class ModelError(WorkbenchError):
    """A model request failed.

    `kind` is a short word for events and screens (`overloaded`, `rate_limited`, `truncated`, `unauthorised`, …);
    `retry_after` is the server's own wish in seconds, if it gave one.
    """

    def __init__(self, message: str, *, kind: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.kind, self.retry_after = kind, retry_after


class TransientModelError(ModelError):
    """Overload, a broken stream, a timeout: another attempt may succeed."""


class PermanentModelError(ModelError):
    """A refused key, an unknown model, a malformed request: another attempt fails the same way."""


class ToolError(WorkbenchError):
    """A tool says what went wrong in words that help the model; it becomes an error result."""


class Retry(ToolError):  # noqa: N818 - reads as the instruction it is: `raise Retry("…")`
    """Raised by a tool of any class: nothing happened, the call may be tried again."""


class OutputError(WorkbenchError):
    """What a command prints cannot be written where it is sent, such as to a full disk."""


class StaleDriverError(WorkbenchError):
    """The lease of a run went to another process; an append was refused and nothing was written."""


class OperationCancelledError(WorkbenchError):
    """A person gave up a long operation (indexing, importing). Not `asyncio.CancelledError`."""
