"""How a test went, for what it leaves behind: all that is needed to see its cause, and no more."""

import pytest
import structlog

_FAILED = pytest.StashKey[bool]()
# The last lines of a log are about what failed. A server's whole log hides them.
_LINES = 40
_WIDTH = 600


def log_shortly() -> None:
    """Write tracebacks as Python does, and not with all locals.

    That took seconds, in which the loop stood still and limits of the product were over, and was
    longer than anybody reads.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%H:%M:%S.%f", utc=False),
            structlog.dev.ConsoleRenderer(
                colors=False, exception_formatter=structlog.dev.plain_traceback
            ),
        ]
    )


def has_failed(test: pytest.Item) -> bool:
    """Return whether a test has failed so far."""
    return test.stash.get(_FAILED, False)


def note(test: pytest.Item, report: pytest.TestReport) -> None:
    """Note whether a test has failed, and cut what it captured to its end."""
    if report.failed:
        test.stash[_FAILED] = True
    report.sections = [(name, cut(text)) for name, text in report.sections]


def cut(text: str) -> str:
    """Return the last lines of a text, and how many there are before them; long ones are cut."""
    lines = text.splitlines()
    kept = [line if len(line) <= _WIDTH else f"{line[:_WIDTH]} ..." for line in lines[-_LINES:]]
    left_out = [f"... {len(lines) - _LINES} lines before"] if len(lines) > _LINES else []
    return "\n".join([*left_out, *kept]) + "\n"
