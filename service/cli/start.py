"""The entry point of `tillgate`: handle SIGTERM first, then import the rest."""

import importlib

from service.cli.signals import end_on_sigterm


def main() -> None:
    """Run the command line."""
    end_on_sigterm()
    importlib.import_module("service.cli.main").main()
