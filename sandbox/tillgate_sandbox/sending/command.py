"""`tillgate events send`: see the main job without an account at a provider."""

from pathlib import Path

import rich_click as click

from service.cli.options import data_dir_option
from service.cli.settings import noted_address, settings_of
from service.providers.registry import REGISTRY, ProviderName
from tillgate_sandbox.events.sale import Outcome
from tillgate_sandbox.sending.send import explain_upi, send_event
from tillgate_sandbox.sending.server import Server

_PROVIDERS = click.Choice(tuple(REGISTRY))


@click.command("send")
@click.argument("provider", type=_PROVIDERS)
@click.argument("session_id", metavar="SESSION")
@click.option(
    "--event",
    "outcome",
    type=click.Choice([outcome.value for outcome in Outcome]),
    default=Outcome.SUCCEEDED.value,
    show_default=True,
    help="What became of the payment.",
)
@click.option(
    "--times",
    type=click.IntRange(1, 10_000),
    default=1,
    show_default=True,
    help="Post the same event so many times, as providers do.",
)
@click.option(
    "--amount", type=click.IntRange(0), help="Tell another amount than the session's, minor units."
)
@click.option(
    "--url", help="The development server; where `tillgate dev` of the data directory runs."
)
@data_dir_option
def command(provider: ProviderName, session_id: str, data_dir: Path, **options: str | None) -> None:
    """Post a genuinely signed, genuinely shaped event to a development server.

    The session is read over HTTP, and the event is signed with the webhook secret of the settings.
    The same outcome of a session is always the same event. For PhonePe it is a callback of v1: a
    webhook of v2 completes nothing before PhonePe's own status API has confirmed it. UPI has no
    events: the command that completes its session is printed.
    """
    settings = settings_of(data_dir)
    address = options["url"] or noted_address(data_dir)
    if provider == "upi":
        explain_upi(session_id, address)
        return
    send_event(
        provider,
        session_id,
        Outcome(options["outcome"] or Outcome.SUCCEEDED),
        Server(address, settings),
        times=int(options["times"] or 1),
        amount=int(options["amount"]) if options["amount"] is not None else None,
    )
