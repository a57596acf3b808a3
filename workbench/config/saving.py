"""One setting written into the settings file by the program, with all that the person wrote there left as it is.

The file is the person's: comments, order and spaces stay. What is written is read again before it replaces the file,
so a file that cannot be changed safely is not changed, and the person is told the line to write.
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import Final

from workbench.config.whole_file import write_whole
from workbench.errors import ConfigError

_TABLE: Final = re.compile(r"^[ \t]*\[", re.MULTILINE)


def save_setting(path: Path, key: str, value: str) -> None:
    """Let the file at `path` say `key = value` from now on; it is made where it is not there.

    Raises `ConfigError` where that cannot be done, with the line that the person may write.
    """
    line = f"{key} = {json.dumps(value, ensure_ascii=False)}"
    try:
        file = path.resolve()  # the file itself where a link stands in its place
        before = file.read_bytes().decode() if file.exists() else ""
        after = _changed(before, key, line)
        if tomllib.loads(after) != tomllib.loads(before) | {key: value}:
            raise ConfigError(f"{str(path)!r} cannot be changed without harm; write in it yourself: {line}")
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_whole(file, [after])
    except (OSError, ValueError) as error:
        raise ConfigError(f"{str(path)!r} cannot be changed: {error}; the line would be: {line}") from None


def _changed(text: str, key: str, line: str) -> str:
    """Return the text with the line in the place of the one that had the key, else above the first table."""
    table = _TABLE.search(text)
    top, rest = (text[: table.start()], text[table.start() :]) if table else (text, "")
    old = re.compile(rf"""^[ \t]*{re.escape(key)}[ \t]*=[ \t]*("[^"\n]*"|'[^'\n]*')""", re.MULTILINE)
    replaced, count = old.subn(lambda _: line, top)
    if count:
        return replaced + rest
    start = top if not top or top.endswith("\n") else f"{top}\n"
    return f"{start}{line}\n" + (f"\n{rest}" if rest else "")
