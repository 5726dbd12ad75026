"""A group whose commands are imported when they are called, so that `--help` is quick."""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import click as plain_click
import rich_click as click

from service.cli.screen import tell_error
from service.core.errors import TillgateError


@dataclass(frozen=True, slots=True)
class LazyCommand:
    """Where a command is: its module has it under the name `command`. `summary` is for the list."""

    module: str
    summary: str


class LazyGroup(click.RichGroup):
    """Lists commands by their summaries alone, and turns our errors into a line instead of a trace.

    Nothing of the service is imported before a command is called, so that `tillgate` works where
    the application can't even be built.
    """

    def __init__(self, *args: Any, lazy: Mapping[str, LazyCommand], **kwargs: Any) -> None:
        """Take the table of commands; the rest is the framework's."""
        super().__init__(*args, **kwargs)
        self._lazy = lazy

    def list_commands(self, ctx: plain_click.Context) -> list[str]:
        """Give the names in the order of the table."""
        return list(self._lazy)

    def get_command(self, ctx: plain_click.Context, cmd_name: str) -> plain_click.Command | None:
        """Give what the list of commands shows; `resolve_command` gives the command itself."""
        found = self._lazy.get(cmd_name)
        return click.RichCommand(name=cmd_name, help=found.summary) if found else None

    def resolve_command(
        self, ctx: plain_click.Context, args: list[str]
    ) -> tuple[str | None, plain_click.Command | None, list[str]]:
        """Import the command that is called."""
        name, command, rest = super().resolve_command(ctx, args)
        if command is None or command.name is None:
            return name, command, rest
        module = importlib.import_module(self._lazy[command.name].module)
        real: plain_click.Command = module.command
        return name, real, rest

    def invoke(self, ctx: plain_click.Context) -> Any:
        """Run a command; an error that was raised on purpose is told in words."""
        try:
            return super().invoke(ctx)
        except TillgateError as error:
            tell_error(error)
            ctx.exit(1)
