"""The commands of `tillgate`, by name. A command's module is imported when it is called."""

import rich_click as click

from service.cli.lazy import LazyCommand, LazyGroup
from service.cli.signals import end_on_sigterm

COMMANDS = {
    "dev": LazyCommand(
        "service.cli.commands.dev", "Start everything for development, with nothing configured."
    ),
    "serve": LazyCommand("service.cli.commands.serve", "Serve in production."),
    "doctor": LazyCommand(
        "service.cli.commands.doctor", "Tell what is missing or weak, in settings and machine."
    ),
    "listen": LazyCommand(
        "service.cli.commands.listen", "Print events as they happen, and forward them to you."
    ),
    "events": LazyCommand(
        "service.cli.commands.events", "Look at webhook events, apply them again, send one."
    ),
    "sessions": LazyCommand(
        "service.cli.commands.sessions", "List sessions, show one and why, and what touched it."
    ),
    "payments": LazyCommand(
        "service.cli.commands.payments", "List payments, show one with all that hangs on it."
    ),
    "reviews": LazyCommand(
        "service.cli.commands.reviews", "List payments that did not fit, and decide about them."
    ),
    "ledger": LazyCommand(
        "service.cli.commands.ledger", "Prove that the books balance, and show the accounts."
    ),
    "figures": LazyCommand(
        "service.cli.commands.figures", "See how figures stand, and have them made anew."
    ),
    "reports": LazyCommand(
        "service.cli.commands.reports",
        "Show weeks and months, close what is due, verify it.",
    ),
    "outbox": LazyCommand(
        "service.cli.commands.outbox", "List what could not be delivered, and deliver it again."
    ),
    "alerts": LazyCommand(
        "service.cli.commands.alerts", "List what a person must hear of, and close it by hand."
    ),
    "mail": LazyCommand(
        "service.cli.commands.mail", "List mails, send one to try the settings, preview one."
    ),
    "endpoints": LazyCommand(
        "service.cli.commands.endpoints", "Tell a merchant's own server what happens."
    ),
    "sandbox": LazyCommand(
        "service.cli.commands.sandbox", "Play with the sandbox: a storm of faulty webhooks."
    ),
    "intents": LazyCommand(
        "service.cli.commands.intents", "Watch leads, add them up, export them, clean them up."
    ),
    "recovery": LazyCommand(
        "service.cli.commands.recovery", "Remind customers who left before they paid."
    ),
    "merchants": LazyCommand(
        "service.cli.commands.merchants", "Add, change, suspend and resume merchants."
    ),
    "prices": LazyCommand("service.cli.commands.prices", "Set and list prices and coupons."),
    "keys": LazyCommand("service.cli.commands.keys", "Create, list and revoke API keys."),
    "jobs": LazyCommand("service.cli.commands.jobs", "List and run the jobs."),
    "indexes": LazyCommand(
        "service.cli.commands.indexes", "Show and create indexes and validators."
    ),
    "migrate": LazyCommand(
        "service.cli.commands.migrate", "Bring the database to this version's layout."
    ),
    "import": LazyCommand("service.cli.commands.imports", "Bring in sessions of an older stack."),
}


@click.group(cls=LazyGroup, lazy=COMMANDS, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tillgate")
def cli() -> None:
    """Tillgate, the payment-session service next to your checkout.

    Begin with `tillgate dev`. Settings come from the environment and from `.env`; `tillgate doctor`
    tells what is missing.
    """


def main() -> None:
    """Run the command line; `cli.start` is where it begins."""
    end_on_sigterm()
    cli(prog_name="tillgate")
