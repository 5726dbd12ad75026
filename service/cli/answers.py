"""The answers of figures that processes keep together, for a command."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from service.analytics.repository.answers import Answers
from service.analytics.repository.shared_answers import answers_at
from service.core.clock import SystemClock
from service.settings import Settings


@asynccontextmanager
async def shared_answers(settings: Settings) -> AsyncIterator[Answers | None]:
    """Yield what processes keep together; None where each keeps its own."""
    if settings.web.redis_url is None:
        yield None
        return
    answers = answers_at(settings.web.redis_url, settings.access.peppers, SystemClock())
    try:
        yield answers
    finally:
        await answers.close()
