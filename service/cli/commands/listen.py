"""`tillgate listen`: events as they happen, on a developer's machine."""

import asyncio
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import rich_click as click

from service.cli.listening.forwarding import forward, name_of, secret_for
from service.cli.listening.hearing import client_for, hear
from service.cli.options import data_dir_option
from service.cli.screen import say, show
from service.cli.settings import noted_address, settings_of
from service.core.clock import SystemClock
from service.core.errors import Misconfigured


@click.command()
@click.option(
    "--forward-to", metavar="URL", help="Where to post each event, as http://127.0.0.1:3000/hook."
)
@click.option("--events", help="Which ones, as session.*,refund.succeeded; otherwise all.")
@click.option("--url", help="The server; otherwise the development server of the data directory.")
@click.option(
    "--key",
    envvar="TILLGATE_KEY",
    show_envvar=True,
    help="A secret or admin key; otherwise the development server's.",
)
@data_dir_option
def command(
    forward_to: str | None, events: str | None, url: str | None, key: str | None, data_dir: Path
) -> None:
    """Print events as they happen, and forward each to your machine.

    What is forwarded is signed as for a webhook endpoint (Standard Webhooks), with the secret that
    is printed: the same for a key each time. Nothing is forwarded twice; what your server
    refuses is only shown. Where the connection is lost it comes back and goes on from there.
    """
    forward_to = _address(forward_to, "--forward-to")
    url = _address(url, "--url") or noted_address(data_dir)
    key = key or _development_key(data_dir)
    params = {"events": events} if events else {}
    asyncio.run(_listen(url, key, params, forward_to))


async def _listen(url: str, key: str, params: dict[str, str], forward_to: str | None) -> None:
    secret = secret_for(key)
    if forward_to is not None:
        say(f"forwarding to {forward_to}, signed with {secret}")
    async with client_for(url, key) as server, httpx.AsyncClient() as receiver:
        async for heard in hear(server, params):
            if heard is None:
                say(f"listening to {url}")
                continue
            line = f"{SystemClock().now():%H:%M:%S} {heard.type} {name_of(heard)}"
            if forward_to is None:
                show(line)
                show(heard.body.decode())
            else:
                show(f"{line} -> {await forward(receiver, forward_to, heard, secret)}")


def _address(url: str | None, option: str) -> str | None:
    if url is not None and (urlsplit(url).scheme not in {"http", "https"} or "@" in url):
        raise click.BadParameter(
            "takes an address as http://127.0.0.1:3000/hook", param_hint=option
        )
    return url


def _development_key(data_dir: Path) -> str:
    keys = settings_of(data_dir).access.secret_keys
    if not keys:
        raise Misconfigured(
            "There is no key to listen with: give a secret key by --key or TILLGATE_KEY, or run "
            "`tillgate dev` beside this with the same --data-dir."
        )
    return keys[0].rpartition(":")[2]
