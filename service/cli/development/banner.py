"""What `tillgate dev` prints once it serves."""

import json
import os
import secrets
import shlex
import shutil
import sys
from pathlib import Path

from msgspec import Struct
from rich import box
from rich.console import Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from service.cli.screen import escape, out, show
from service.extension import MISSING, Extension
from service.production.secrecy import DEVELOPMENT_MARK
from service.settings import Settings
from service.web.client.builds import newest_build


class Running(Struct, frozen=True):
    """A running development server. `keys_file` is where its keys are kept."""

    address: str
    settings: Settings
    data_dir: Path
    keys_file: Path
    keys_are_new: bool


def print_banner(running: Running, uri: str, extension: Extension | None) -> None:
    """Print its address, its keys (once), and the three commands that show the main job.

    Without an extension no provider is played: it says what is missing.
    """
    console = out()
    title = "Tillgate runs, for development"
    console.print(
        Panel(
            Group(
                _addresses(running, uri, extension),
                Text(),
                _keys(running),
                Text(),
                _providers(extension),
            ),
            title=title,
            title_align="left",
            box=box.ROUNDED,
            padding=(1, 2),
        )
    )
    tour = "Open a session, pay it, read it completed." if extension else "Open a session, read it."
    console.print(f"{tour} Paste into another terminal:")
    if not _generated(running.settings.access.secret_keys):
        console.print("[dim](SECRET_KEY is one of your API_SECRET_KEYS)[/]")
    console.print()
    opening, paying, reading = lines_to_paste(running)
    for line in (opening, paying, reading) if extension is not None else (opening, reading):
        show(line + "\n")
    console.print("Ctrl-C stops it; sessions are kept for the next time.\n")


def lines_to_paste(running: Running) -> tuple[str, str, str]:
    """Return the three commands of the tour: open with curl, pay, read with curl."""
    address, keys = running.address, shlex.quote(str(_near(running.keys_file)))
    session_id = f"demo_{secrets.token_hex(3)}"
    body = json.dumps(
        {
            "sessionId": session_id,
            "userId": "user_123",
            "eventId": "event_456",
            "amount": 1000,
            "quantity": 1,
            "paymentMethod": "razorpay",
        }
    )
    generated = _generated(running.settings.access.secret_keys)
    source = f". {keys if os.path.isabs(keys) else './' + keys} && " if generated else ""
    key = f'-H "Authorization: Bearer ${"API_SECRET_KEYS" if generated else "SECRET_KEY"}"'
    return (
        f"{source}curl -s {address}/api/payment-sessions {key} "
        f"-H 'Content-Type: application/json' -d '{body}'",
        f"{_tillgate()} events send razorpay {session_id} --times 3{_options(running)}",
        f"{source}curl -s {address}/api/payment-sessions/{session_id} {key}",
    )


def _addresses(running: Running, uri: str, extension: Extension | None) -> Table:
    table = _two_columns()
    table.add_row("address", running.address)
    for page in extension.pages if extension is not None else ():
        table.add_row(page.name.lower(), f"{running.address}{page.path}  [dim]{page.hint}[/]")
    table.add_row("dashboard", f"{running.address}/dashboard  [dim]with the admin key[/]")
    table.add_row("docs", f"{running.address}/docs")
    client = newest_build()
    table.add_row("for pages", f"{running.address}{client.path}  [dim]its hash: see /[/]")
    origins = ", ".join(("any origin of this machine", *running.settings.web.cors_origins))
    table.add_row("called from", f"{escape(origins)}  [dim]others: CORS_ORIGINS[/]")
    # An address from the settings may contain a password.
    ours = running.settings.database.uri is None
    where = f"{uri}  [dim]kept in {escape(str(_near(running.data_dir)))}[/]"
    table.add_row("database", where if ours else "the one of MONGODB_URI")
    return table


def _keys(running: Running) -> Table | Text:
    if not running.keys_are_new:
        return Text(f"Keys and secrets are in {_near(running.keys_file)}")
    access = running.settings.access
    table = _two_columns()
    for name, keys in (
        ("publishable", access.publishable_keys),
        ("secret", access.secret_keys),
        ("admin", access.admin_keys),
        ("jobs", access.jobs_keys),
    ):
        if _generated(keys):
            table.add_row(f"{name} key", escape(keys[0]))
    table.add_row("kept in", f"{escape(str(_near(running.keys_file)))}  [dim]shown only now[/]")
    return table


def _providers(extension: Extension | None) -> Text:
    if extension is None:
        return Text(MISSING, style="yellow")
    return Text(extension.notice, style="dim")


def _generated(keys: tuple[str, ...]) -> bool:
    return bool(keys) and DEVELOPMENT_MARK in keys[0]


def _two_columns() -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    return table


def _near(path: Path) -> Path:
    """Return a path as somebody in this directory would type it."""
    try:
        return path.absolute().relative_to(Path.cwd())
    except ValueError:
        return path.absolute()


def _tillgate() -> str:
    """Return the command that starts this program from here."""
    ours = Path(sys.argv[0])
    found = shutil.which("tillgate")
    if found and Path(found).resolve() == ours.resolve():
        return "tillgate"
    return shlex.quote(str(_near(ours)))


def _options(running: Running) -> str:
    if running.data_dir == Path(".tillgate"):
        return ""
    return f" --data-dir {shlex.quote(str(_near(running.data_dir)))}"
