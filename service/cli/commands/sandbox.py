"""`tillgate sandbox`: what the played providers can do besides being paid."""

import rich_click as click

from service.cli.development.commands import ExtensionCommand
from service.cli.lazy import LazyGroup

_COMMANDS = {
    "storm": ExtensionCommand(
        "storm",
        "Open many sessions, pay them with every fault there is, and compare with a plain model.",
    ),
}


@click.group(cls=LazyGroup, lazy=_COMMANDS)
def command() -> None:
    """Play with the sandbox. It is for development: production has none."""
