"""What can be wrong with a redelivery."""

from service.core.errors import Conflict, NotFound


class DeliveryNotFound(NotFound):
    """There is no such delivery."""

    code = "delivery_not_found"

    def __init__(self, delivery_id: str) -> None:
        """Name the delivery."""
        super().__init__(f"There is no delivery {delivery_id!r}.")


class DeliveryUnderWay(Conflict):
    """Somebody is delivering it just now, or has had it delivered since it was looked at."""

    code = "delivery_under_way"


class MessageGone(Conflict):
    """The message of a delivery was deleted, and nobody knows what was to be delivered."""

    code = "message_gone"
