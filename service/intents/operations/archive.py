"""Write leads to a file before they are deleted: whole, counted and durable, or not at all."""

import gzip
import os
import secrets
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from msgspec import Struct

from service.core.errors import Misconfigured
from service.core.json_text import to_json
from service.storage.database import WRITTEN_AT, Row

_OWNER_ALONE = 0o700
_OTHERS = 0o077


class Archived(Struct, frozen=True):
    """A file of leads, a line of JSON for each, and how many it has."""

    path: Path
    count: int


class Archive(Struct, frozen=True):
    """What stands in the directory: files, and their bytes."""

    files: int
    size: int


def write_archive(
    directory: Path, rows: Sequence[Row], *, compress: bool, now: datetime
) -> Archived:
    """Write leads to a new file of the directory; blocks.

    It is written under another name, flushed to the disk, read again and counted, and has its name
    only then. Raises `Misconfigured` where the directory can't be used or is open to others.
    """
    try:
        prepare(directory)
        path = directory / _name(rows, compress, now)
        part = path.with_name(f".{path.name}.part")
        try:
            _write(part, b"".join(_line(row) for row in rows), compress=compress)
            count = _count(part, compress=compress)
            if count != len(rows):
                raise Misconfigured(f"INTENT_ARCHIVE_DIR kept {count} of {len(rows)} leads.")
            part.rename(path)
        finally:
            part.unlink(missing_ok=True)
        _flush(directory)
    except OSError as error:
        raise Misconfigured(f"INTENT_ARCHIVE_DIR can't be written: {error.strerror}.") from error
    return Archived(path, count)


def prepare(directory: Path) -> None:
    """Make the directory if need be. Raises `Misconfigured` for one that others may read."""
    directory.mkdir(mode=_OWNER_ALONE, parents=True, exist_ok=True)
    if directory.stat().st_mode & _OTHERS:
        raise Misconfigured(
            "INTENT_ARCHIVE_DIR is open to others than its owner; close it with `chmod 700`."
        )


def look_at(directory: Path | None) -> Archive:
    """Return what stands in the directory; blocks."""
    if directory is None or not directory.is_dir():
        return Archive(0, 0)
    sizes = [one.stat().st_size for one in directory.glob("payment-intents-*.jsonl*")]
    return Archive(len(sizes), sum(sizes))


def _name(rows: Sequence[Row], compress: bool, now: datetime) -> str:
    day = min(row["createdAt"] for row in rows)
    kind = "jsonl.gz" if compress else "jsonl"
    drawn = secrets.token_hex(4)
    return f"payment-intents-{day:%Y-%m-%d}-archived-{now:%Y%m%dT%H%M%SZ}-{drawn}.{kind}"


def _line(row: Row) -> bytes:
    # When the database wrote it means nothing outside.
    return to_json({name: row[name] for name in row if name != WRITTEN_AT}) + b"\n"


def _write(path: Path, lines: bytes, *, compress: bool) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(gzip.compress(lines) if compress else lines)
        file.flush()
        os.fsync(file.fileno())


def _count(path: Path, *, compress: bool) -> int:
    with gzip.open(path) if compress else path.open("rb") as file:
        return sum(1 for line in file if line.endswith(b"\n"))


def _flush(directory: Path) -> None:
    """Have the name on the disk, too."""
    handle = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
