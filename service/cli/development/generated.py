"""Keys and secrets for development: made once, kept in the data directory, never overwritten."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from service.core.errors import Misconfigured
from service.core.ids import new_key
from service.providers.registry import every_traits

# Every generated secret has `_dev_` in it (`production.secrecy.DEVELOPMENT_MARK`), which production
# refuses.
GENERATED: Mapping[str, Callable[[], str]] = {
    "API_PUBLISHABLE_KEYS": lambda: new_key("pk_dev_"),
    "API_SECRET_KEYS": lambda: new_key("sk_dev_"),
    "API_ADMIN_KEYS": lambda: new_key("ak_dev_"),
    "API_JOBS_KEYS": lambda: new_key("jk_dev_"),
    "PII_PEPPER": lambda: new_key("pepper_dev_"),
    "JWT_SECRET": lambda: new_key("jwt_dev_"),
    **{variable: make for traits in every_traits() for variable, make in traits.demo.items()},
}

_HEAD = """\
# Made by `tillgate dev` for this directory alone. A variable that is set elsewhere wins.
# To get new ones, delete this file; sessions of before then have no client secret any more.
"""


def generate(path: Path, *, but: frozenset[str]) -> bool:
    """Add what the file lacks, with some exceptions; return whether the file was created.

    Only its owner may read it. Raises `Misconfigured` if it can't be read or written.
    """
    try:
        is_new = not path.exists()
        present = set() if is_new else _names(path.read_text())
        missing = [name for name in GENERATED if name not in present and name not in but]
        if missing:
            lines = "".join(f'{name}="{GENERATED[name]()}"\n' for name in missing)
            _append(path, (_HEAD if is_new else "") + lines)
    except OSError as error:
        raise Misconfigured(f"{path} can't be used: {error.strerror}.") from error
    return is_new


def keep_out_of_git(data_dir: Path) -> None:
    """Keep the data directory out of the repository around it."""
    ignore = data_dir / ".gitignore"
    if not ignore.exists():
        ignore.write_text("*\n")


def _names(text: str) -> set[str]:
    return {line.partition("=")[0].strip() for line in text.splitlines() if "=" in line}


def _append(path: Path, text: str) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    with os.fdopen(os.open(path, flags, 0o600), "a", encoding="utf-8") as file:
        file.write(text)
