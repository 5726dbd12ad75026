"""Commands that an extension brings, listed where it is not installed too."""

from dataclasses import dataclass

import click

from service.cli.lazy import LazyCommand
from service.extension import needed_extension


@dataclass(frozen=True, slots=True)
class ExtensionCommand:
    """A command of the extension, under the name that it has there."""

    name: str
    summary: str

    def load(self) -> click.Command:
        """Return the extension's command. Raises `Misconfigured` without one."""
        return LazyCommand(needed_extension().commands[self.name], self.summary).load()
