"""Which settings a command reads: the environment, `.env`, and what `tillgate dev` generated."""

import logging
from pathlib import Path

import structlog

from service.core.errors import FieldProblem
from service.settings import Settings, load_settings, read_settings
from service.web.logs.setup import configure_logging

DOT_ENV = Path(".env")


def development_env(data_dir: Path) -> Path:
    """Give the file of generated keys and secrets of a data directory."""
    return data_dir / "development.env"


def settings_of(data_dir: Path) -> Settings:
    """Read the settings of a command; what is set wins over what was generated.

    In production nothing generated is looked at. Raises `Misconfigured`.
    """
    settings = load_settings((DOT_ENV,))
    generated = development_env(data_dir)
    if settings.production or not generated.is_file():
        return settings
    return one_token_signer(load_settings((generated, DOT_ENV)), settings)


def production_settings() -> tuple[Settings, tuple[FieldProblem, ...]]:
    """Read the settings with ENVIRONMENT=production unless it is set, and what can't be read."""
    settings, unreadable = read_settings((DOT_ENV,))
    web = settings.web
    if "environment" not in web.model_fields_set:
        web = web.model_copy(update={"environment": "production"})
        settings = settings.model_copy(update={"web": web})
    return settings, unreadable


def one_token_signer(settings: Settings, without_generated: Settings) -> Settings:
    """Leave a generated JWT_SECRET out where JWT_JWKS_URL is set: only one of them may be."""
    access = settings.access
    if access.jwt_jwks_url is None or without_generated.access.jwt_secret is not None:
        return settings
    return settings.model_copy(update={"access": access.model_copy(update={"jwt_secret": None})})


def quiet_logging(settings: Settings) -> None:
    """Set up logging for a command that prints: to standard error, and only what is wrong.

    In production it says all: a command runs there as a job whose output is collected.
    """
    configure_logging(production=settings.production)
    if not settings.production:
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
        logging.getLogger().setLevel(logging.WARNING)
