"""Set up logging: one line per event, JSON in production, readable in development.

structlog writes; what libraries log through the standard library takes the same path, so that
uvicorn's lines are masked and formatted like ours.
"""

import logging
import sys
from typing import TextIO

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from service.web.logs.access import write_lines_to
from service.web.logs.masking import mask_entry

# Verbose at INFO: httpx and stripe log every call with its URL.
_QUIET = ("httpx", "httpcore", "stripe", "pymongo", "asyncio", "coredis", "urllib3")
_UVICORN = ("uvicorn", "uvicorn.error", "uvicorn.access")


def configure_logging(
    *, production: bool, level: str = "info", stream: TextIO | None = None
) -> None:
    """Set up structlog and the standard library's logging; once, at the start of a process.

    `stream` is standard error unless given: standard output belongs to commands. Requests are
    logged at `info`, so a higher level leaves their lines out.
    """
    least = logging.getLevelNamesMapping()[level.upper()]
    stream = stream or sys.stderr
    renderer = _json if production else _console(stream)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
        mask_entry,
    ]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=True,
    )
    # Where their level is not logged structlog leaves the lines of requests out.
    write_lines_to(stream if production and least <= logging.INFO else None)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(least)
    for name in _UVICORN:
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = name != "uvicorn.access"  # our own access line says more
    for name in _UVICORN:
        logging.getLogger(name).setLevel(least)
    at_least(logging.WARNING, *_QUIET)


def at_least(level: int, *names: str) -> None:
    """Have loggers of libraries log this level and worse, or what LOG_LEVEL says if it is worse."""
    for name in names:
        logging.getLogger(name).setLevel(max(level, logging.getLogger().level))


def _json(logger: WrappedLogger, method: str, entry: EventDict) -> str:
    return msgspec.json.encode(entry, enc_hook=str).decode()


def _console(stream: TextIO) -> Processor:
    return structlog.dev.ConsoleRenderer(colors=stream.isatty(), sort_keys=False)
