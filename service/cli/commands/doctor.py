"""`tillgate doctor`: what is missing or weak, in words."""

import asyncio
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import rich_click as click
from msgspec.structs import asdict

from service.cli.checks.check import Check
from service.cli.checks.configuration import check_mail, check_providers, check_settings
from service.cli.checks.machine import check_machine
from service.cli.checks.network import check_database, check_redis
from service.cli.options import data_dir_option
from service.cli.screen import escape, out, show
from service.cli.settings import all_settings, quiet_logging
from service.core.errors import Misconfigured
from service.core.words import counted
from service.extension import MISSING, find_extension
from service.settings import Settings
from service.storage.embedded import address
from service.storage.mongod import DataDirectory

_MARKS = {"fine": "[green]✓[/]", "warning": "[yellow]![/]", "problem": "[red]✗[/]"}


@click.command()
@click.option(
    "--environment",
    type=click.Choice(["development", "production"]),
    help="Judge for this environment; ENVIRONMENT by default.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the checks as JSON.")
@data_dir_option
@click.pass_context
def command(ctx: click.Context, environment: str | None, *, as_json: bool, data_dir: Path) -> None:
    """List what is missing or weak in the settings and the machine.

    Starts and changes nothing. Ends with 1 where something would keep the service from working:
    for production, whatever `tillgate serve` would refuse.
    """
    settings, unreadable = all_settings(data_dir, environment)
    quiet_logging(settings)
    uri = settings.database.uri
    if uri is None and not settings.production:
        uri = _embedded_address(data_dir)
    checks = [
        *check_settings(settings, unreadable),
        *_providers(settings),
        *check_mail(settings),
        *check_machine(settings, data_dir),
        *asyncio.run(_over_network(settings, data_dir, uri)),
    ]
    fine = all(check.state != "problem" for check in checks)
    if as_json:
        report = {"environment": settings.web.environment, "fine": fine}
        show(json.dumps(report | {"checks": [asdict(check) for check in checks]}, indent=2))
    else:
        _print(checks, settings.web.environment)
    ctx.exit(0 if fine else 1)


def _providers(settings: Settings) -> Iterator[Check]:
    """Check what would be called: in development the sandbox plays most providers."""
    if settings.production:
        yield from check_providers(settings)
        return
    try:
        extension = find_extension()
    except Misconfigured as error:
        yield from check_providers(settings)
        yield Check("providers", "sandbox", "problem", error.message)
        return
    yield from check_providers(extension.settings(settings) if extension is not None else settings)
    if extension is None:
        yield Check("providers", "sandbox", "warning", MISSING)


def _embedded_address(data_dir: Path) -> str | None:
    """Return the address of the data directory's own server, if it is running."""
    directory = DataDirectory(data_dir.absolute())
    port = directory.port() if directory.running_pid() else None
    return address(port) if port else None


async def _over_network(settings: Settings, data_dir: Path, uri: str | None) -> list[Check]:
    checks: list[Check] = []
    if uri is not None:
        checks += [check async for check in check_database(settings, uri)]
    elif not settings.production:
        says = f"does not run now; `tillgate dev` starts it in {data_dir}"
        checks.append(Check("database", "embedded", "fine", says))
    if settings.web.redis_url is not None:
        checks.append(await check_redis(settings.web.redis_url))
    return checks


def _print(checks: Sequence[Check], environment: str) -> None:
    console = out()
    area = None
    for check in checks:
        if check.area != area:
            area = check.area
            console.print(f"\n[bold]{area}[/]")
        console.print(
            f"  {_MARKS[check.state]} {escape(check.name)}: {escape(check.says)}", soft_wrap=True
        )
    problems = sum(check.state == "problem" for check in checks)
    warnings = sum(check.state == "warning" for check in checks)
    verdict = "Not fit" if problems else "Fit"
    counts = f"{counted(problems, 'problem')}, {counted(warnings, 'warning')}"
    console.print(f"\n{verdict} for {environment}: {counts}.", soft_wrap=True)
