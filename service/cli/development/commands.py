"""Commands of an extension, listed even if it is not installed."""

import click
from msgspec import Struct

from service.cli.lazy import LazyCommand
from service.extension import needed_extension, readable_import_errors


class ExtensionCommand(Struct, frozen=True):
    """A command of the extension, by its name there."""

    name: str
    summary: str

    def load(self) -> click.Command:
        """Return the extension's command. Raises `Misconfigured` if it is missing or broken."""
        extension = needed_extension()
        with readable_import_errors():
            return LazyCommand(extension.commands[self.name], self.summary).load()
