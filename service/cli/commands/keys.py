"""`tillgate keys`: API keys that are kept in the database, beside those of the environment."""

from datetime import timedelta
from pathlib import Path

import rich_click as click

from service.cli.database import with_database
from service.cli.listing import Found, Rows, lists
from service.cli.options import data_dir_option, merchant_option, operator
from service.cli.screen import say, show
from service.core.clock import SystemClock
from service.core.principal import AccessScope, Kind
from service.merchants.operations.keys import issue_key, listed_scopes, revoke_key
from service.settings import Settings
from service.storage.database import Database
from service.web.keys.documents import ApiKey
from service.web.keys.issuing import KEY_ID_LENGTH, PREFIXES, IssuedKey, list_keys, make_key


def _scopes(
    _: click.Context, __: click.Parameter, value: str | None
) -> frozenset[AccessScope] | None:
    if value is None:
        return None
    named = {part.strip() for part in value.split(",")}
    if unknown := sorted(named - {*AccessScope}):
        raise click.BadParameter(f"{unknown[0]!r} is no scope; there are {', '.join(AccessScope)}.")
    return frozenset(map(AccessScope, named))


@click.group()
def command() -> None:
    """Create, list and revoke API keys.

    Keys of the environment (API_SECRET_KEYS and its kin) are not listed: they are set there.
    """


@command.command("create")
@click.argument("kind", type=click.Choice([kind.value for kind in PREFIXES]))
@click.option("--name", help="Stands in the audit trail: give each caller its own.")
@merchant_option
@click.option(
    "--scopes",
    callback=_scopes,
    metavar="LIST",
    help="What it may do, comma list; all that its kind may by default. docs/api.md lists them.",
)
@click.option("--days", type=click.IntRange(1, 3650), help="Ends after so many days.")
@data_dir_option
def create(
    kind: str,
    name: str | None,
    merchant: str,
    scopes: frozenset[AccessScope] | None,
    days: int | None,
    data_dir: Path,
) -> None:
    """Create a key and print it. It is shown once and kept nowhere: only its hash is.

    KIND is a bundle of scopes. The merchant must be there: `tillgate merchants add` makes it. Only
    keys of the merchant `default` can be an operator's, who runs jobs, reads what belongs to no
    merchant, and sets and suspends merchants.
    """

    clock = SystemClock()
    made = make_key(
        clock,
        Kind(kind),
        name=name,
        merchant_id=merchant,
        scopes=scopes,
        valid_for=timedelta(days=days) if days else None,
    )

    async def work(_: Settings, __: Database) -> IssuedKey:
        return await issue_key(clock, made, operator(merchant))

    issued = with_database(data_dir, work)
    ends = issued.document.expires_at
    say(f"Key {issued.key_id} of merchant {merchant}" + (f", until {ends:%F}" if ends else ""))
    show(issued.key)


@command.command("list")
@data_dir_option
@lists
def list_all(data_dir: Path) -> Found:
    """List the keys of the database, newest first; those of the variables are not among them."""

    async def work(_: Settings, __: Database) -> list[ApiKey]:
        return await list_keys()

    now = SystemClock().now()
    rows = [
        (
            key.id[:KEY_ID_LENGTH],
            key.kind,
            key.name,
            key.merchant_id,
            listed_scopes(key),
            _state(key, usable=key.usable_at(now)),
            key.created_at,
            key.expires_at,
            key.last_used_at,
        )
        for key in with_database(data_dir, work)
    ]
    columns = ("id", "kind", "name", "merchant", "scopes", "state", "created", "ends", "last used")
    empty = "No keys are in the database. Create one with: tillgate keys create KIND"
    return Found([Rows("keys", columns, rows, empty)])


@command.command("revoke")
@click.argument("key_id", metavar="ID")
@data_dir_option
def revoke(key_id: str, data_dir: Path) -> None:
    """End a key by its id, as `keys list` shows it. Processes notice within seconds."""

    async def work(_: Settings, __: Database) -> None:
        await revoke_key(SystemClock(), key_id, operator())

    with_database(data_dir, work)
    say(f"Key {key_id} is revoked.")


def _state(key: ApiKey, *, usable: bool) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "usable" if usable else "expired"
