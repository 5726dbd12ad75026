"""Commands that an extension brings, listed where it is not installed too."""

import click
from msgspec import Struct

from service.cli.lazy import LazyCommand
from service.extension import needed_extension, readable_import_errors


class ExtensionCommand(Struct, frozen=True):
    """A command of the extension, under the name that it has there."""

    name: str
    summary: str

    def load(self) -> click.Command:
        """Return the extension's command. Raises `Misconfigured` without one, or a broken one."""
        extension = needed_extension()
        with readable_import_errors():
            return LazyCommand(extension.commands[self.name], self.summary).load()
