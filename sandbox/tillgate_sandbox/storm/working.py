"""What the service does by itself between deliveries, on a clock that is moved by hand."""

from service.inbox.operations.replay import retry_waiting
from service.outbox.operations.post import Post
from service.wiring import Container


async def work_off(container: Container) -> bool:
    """Deliver the messages and try the events that are due; return whether there were any."""
    delivered = await Post(container.jobs.subscribers, container.clock).work_off()
    return bool(delivered) or bool(await retry_waiting(container.inbox))
