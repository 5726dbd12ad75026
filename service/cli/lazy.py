"""A group whose commands are imported when they are called, so that `--help` is fast."""

import importlib
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, Protocol

import click as plain_click
import rich_click as click
from msgspec import Struct

from service.cli.screen import report_error
from service.core.errors import TillgateError


class Lazy(Protocol):
    """A command that is loaded when it is called. `summary` is for the list."""

    @property
    def summary(self) -> str:
        """Return what it does, in a line."""
        ...

    def load(self) -> plain_click.Command:
        """Return the command itself."""
        ...


class LazyCommand(Struct, frozen=True):
    """The place of a command: its module names it `command`."""

    module: str
    summary: str

    def load(self) -> plain_click.Command:
        """Import the module, and return its command."""
        command: plain_click.Command = importlib.import_module(self.module).command
        return command


class LazyGroup(click.RichGroup):
    """Lists commands by their summaries alone, and prints our errors as a line without a traceback.

    Nothing of the service is imported before a command is called, so that `tillgate` works even
    if the application can't be built.
    """

    def __init__(self, *args: Any, lazy: Mapping[str, Lazy], **kwargs: Any) -> None:
        """Take the table of commands; everything else goes to the framework."""
        super().__init__(*args, **kwargs)
        self._lazy = lazy

    def list_commands(self, ctx: plain_click.Context) -> list[str]:
        """Return the names: the group's own, then those of the table in its order."""
        return [*super().list_commands(ctx), *self._lazy]

    def get_command(self, ctx: plain_click.Context, cmd_name: str) -> plain_click.Command | None:
        """Return what the list of commands shows; `resolve_command` gives the command itself."""
        found = self._lazy.get(cmd_name)
        if found is None:
            return super().get_command(ctx, cmd_name)
        return click.RichCommand(name=cmd_name, help=found.summary)

    def resolve_command(
        self, ctx: plain_click.Context, args: list[str]
    ) -> tuple[str | None, plain_click.Command | None, list[str]]:
        """Find the command that is called. Raises `UsageError`, with what may have been meant."""
        known = args[0].startswith("-") or args[0] in self.list_commands(ctx)
        if not known and not ctx.resilient_parsing:  # who completes a line has made no mistake yet
            # The framework would look among those that are imported.
            meant = get_close_matches(args[0], self.list_commands(ctx))
            hint = f" Did you mean {' or '.join(map(repr, meant))}?" if meant else ""
            raise plain_click.UsageError(f"No such command {args[0]!r}.{hint}", ctx)
        name, command, rest = super().resolve_command(ctx, args)
        if command is not None and (found := self._lazy.get(command.name or "")):
            command = found.load()
        return name, command, rest

    def invoke(self, ctx: plain_click.Context) -> Any:
        """Run a command; one of our own errors is reported in words."""
        try:
            return super().invoke(ctx)
        except TillgateError as error:
            report_error(error)
            ctx.exit(1)
