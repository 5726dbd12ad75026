"""Which settings a command reads: the environment, `.env`, and what `tillgate dev` generated."""

from pathlib import Path

from service.core.errors import FieldProblem
from service.settings import Settings, load_settings, read_settings
from service.web.logs.setup import configure_logging

DOT_ENV = Path(".env")
DEVELOPMENT_SENDER = "shop@tillgate.localhost"
"""Who sends the mails of `tillgate dev` where MAIL_FROM is unset."""


def development_env(data_dir: Path) -> Path:
    """Return the file of generated keys and secrets of a data directory."""
    return data_dir / "development.env"


def note_address(data_dir: Path, address: str) -> None:
    """Store the address of a data directory's development server."""
    (data_dir / "address").write_text(address)


def noted_address(data_dir: Path) -> str:
    """Return the last address of the development server, or its default."""
    try:
        return (data_dir / "address").read_text().strip()
    except OSError:
        return "http://127.0.0.1:8000"


def note_mailbox(data_dir: Path, address: str | None) -> None:
    """Store the SMTP_URL of a running development server's mailbox; None: it is gone."""
    file = data_dir / "mailbox"
    if address is None:
        file.unlink(missing_ok=True)
    else:
        file.write_text(address)


def with_noted_mailbox(settings: Settings, data_dir: Path) -> Settings:
    """Return the settings with the mailbox of a running development server, where nothing else."""
    file = data_dir / "mailbox"
    if settings.production or settings.mail.smtp_url is not None or not file.is_file():
        return settings
    sender = settings.mail.sender or DEVELOPMENT_SENDER
    mail = settings.mail.model_copy(update={"smtp_url": file.read_text(), "sender": sender})
    return settings.model_copy(update={"mail": mail})


def settings_of(data_dir: Path) -> Settings:
    """Read the settings of a command; what is set wins over what was generated.

    In production, generated settings are ignored. Raises `Misconfigured`.
    """
    settings = load_settings((DOT_ENV,))
    generated = development_env(data_dir)
    if settings.production or not generated.is_file():
        return settings
    with_generated = one_token_signer(load_settings((generated, DOT_ENV)), settings)
    return _with_noted_address(with_generated, data_dir)


def _with_noted_address(settings: Settings, data_dir: Path) -> Settings:
    """Lead links of mails to where the development server is, which may be on any port."""
    if "public_url" in settings.web.model_fields_set or not (data_dir / "address").is_file():
        return settings
    web = settings.web.model_copy(update={"public_url": noted_address(data_dir)})
    return settings.model_copy(update={"web": web})


def production_settings() -> tuple[Settings, tuple[FieldProblem, ...]]:
    """Read the settings as production's, whatever ENVIRONMENT says, and what is wrong with them.

    If it names another environment, that is a problem: `serve` is for production only.
    """
    return _judged_as(*read_settings((DOT_ENV,)), "production")


def all_settings(
    data_dir: Path, environment: str | None
) -> tuple[Settings, tuple[FieldProblem, ...]]:
    """Read the settings as an environment's commands do, and list what can't be read."""
    settings, unreadable = read_settings((DOT_ENV,))
    environment = environment or settings.web.environment
    generated = development_env(data_dir)
    if environment == "development" and generated.is_file():
        with_generated, unreadable = read_settings((generated, DOT_ENV))
        settings = one_token_signer(with_generated, settings)
    return _judged_as(settings, unreadable, environment)


def _judged_as(
    settings: Settings, unreadable: tuple[FieldProblem, ...], environment: str
) -> tuple[Settings, tuple[FieldProblem, ...]]:
    web = settings.web
    if environment == "production" and web.environment != environment:
        was_read = all(problem.field != "ENVIRONMENT" for problem in unreadable)
        if was_read and "environment" in web.model_fields_set:
            says = (
                f"is {web.environment}: unset it, or set it to production; "
                "`tillgate dev` is for development"
            )
            unreadable = (*unreadable, FieldProblem("ENVIRONMENT", says))
        web = web.model_copy(update={"environment": environment})
    return settings.model_copy(update={"web": web}), unreadable


def one_token_signer(settings: Settings, without_generated: Settings) -> Settings:
    """Leave out a generated JWT_SECRET if JWT_JWKS_URL is set: only one of them may be."""
    access = settings.access
    if access.jwt_jwks_url is None or without_generated.access.jwt_secret is not None:
        return settings
    return settings.model_copy(update={"access": access.model_copy(update={"jwt_secret": None})})


def quiet_logging(settings: Settings) -> None:
    """Set up logging for a command that prints: to standard error, warnings and errors at most.

    In production all of LOG_LEVEL is logged: a command runs there as a job whose output is
    collected.
    """
    level = settings.web.log_level
    if not settings.production and level in ("debug", "info"):
        level = "warning"
    configure_logging(production=settings.production, level=level)
