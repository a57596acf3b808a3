"""The parser of the command line: what it has to say about what was typed is one sentence."""

from __future__ import annotations

import argparse
from typing import Any, Never

from workbench.errors import UserError


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, like everything else here."""

    def error(self, message: str) -> Never:
        """Raise the error instead of printing usage over several lines."""
        raise UserError(f"{message}. See `{self.prog} --help`")

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[argparse.Namespace, list[str]]:  # type: ignore[override]
        """Refuse what a command does not know itself, so that the sentence names the help of this command."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown

    def _get_values(self, action: argparse.Action, arg_strings: list[str]) -> Any:
        """Take `--at=--` like any other value; argparse would make an empty list of it."""
        if arg_strings == ["--"] and action.option_strings and action.nargs is None:
            return self._get_value(action, "--")
        return super()._get_values(action, arg_strings)
