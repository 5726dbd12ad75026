"""Options that several commands take."""

import getpass
from collections.abc import Callable
from difflib import get_close_matches
from pathlib import Path
from typing import Any, TypeVar

import rich_click as click

from service.core.ids import MERCHANT_ID
from service.core.principal import DEFAULT_MERCHANT, Kind, Principal

Command = TypeVar("Command", bound=Callable[..., Any])


class Named(click.Choice[str]):
    """One of some names; for one that there is not, what may have been meant."""

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return it. Raises `BadParameter`."""
        if value not in self.choices:
            meant = get_close_matches(value, self.choices)
            hint = f"did you mean {' or '.join(map(repr, meant))}?" if meant else "take one of "
            rest = "" if meant else f"{', '.join(self.choices)}."
            self.fail(f"There is no {value!r}: {hint}{rest}", param, ctx)
        return value


def data_dir_option(command: Command) -> Command:
    """Take --data-dir."""
    return click.option(
        "--data-dir",
        type=click.Path(file_okay=False, path_type=Path),
        default=Path(".tillgate"),
        show_default=True,
        envvar="TILLGATE_DATA_DIR",
        show_envvar=True,
        help="Where the embedded database and the generated keys are, without MONGODB_URI.",
    )(command)


def merchant_option(command: Command) -> Command:
    """Take --merchant."""
    return click.option(
        "--merchant",
        default=DEFAULT_MERCHANT,
        show_default=True,
        callback=_merchant,
        help="Whose it is.",
    )(command)


def _merchant(_: click.Context, __: click.Parameter, value: str) -> str:
    if not MERCHANT_ID.fullmatch(value):
        raise click.BadParameter("takes 1 to 40 letters, digits, dashes and underscores.")
    return value


def address_options(command: Command) -> Command:
    """Take --host and --port."""
    command = click.option(
        "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="0: any."
    )(command)
    return click.option("--host", default="127.0.0.1", show_default=True, help="Where to listen.")(
        command
    )


def operator(merchant: str = DEFAULT_MERCHANT) -> Principal:
    """Return who acts, for the audit: the user of this machine, with the scopes of an admin key."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # the user of a container may have no name
        user = "unknown"
    return Principal(Kind.ADMIN, merchant, key_id="cli", name=f"cli:{user}")
