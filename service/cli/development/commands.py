"""Commands that an extension brings, listed where it is not installed too."""

import click
from msgspec import Struct

from service.cli.lazy import LazyCommand
from service.extension import broken_told, needed_extension


class ExtensionCommand(Struct, frozen=True):
    """A command of the extension, under the name that it has there."""

    name: str
    summary: str

    def load(self) -> click.Command:
        """Return the extension's command. Raises `Misconfigured` without one, or a broken one."""
        extension = needed_extension()
        with broken_told():
            return LazyCommand(extension.commands[self.name], self.summary).load()
