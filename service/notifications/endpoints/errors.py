"""What can be wrong with an endpoint or a delivery."""

from collections.abc import Sequence

from service.core.errors import Conflict, FieldProblem, InvalidInput, NotFound


class EndpointNotFound(NotFound):
    """This merchant has no such endpoint."""

    code = "endpoint_not_found"

    def __init__(self, endpoint_id: str) -> None:
        """Name it."""
        super().__init__(f"There is no webhook endpoint {endpoint_id}.")


class EndpointDisabled(Conflict):
    """The endpoint is disabled: nothing is sent there."""

    code = "endpoint_disabled"

    def __init__(self, endpoint_id: str) -> None:
        """Name it, and say what to do."""
        super().__init__(f"The endpoint {endpoint_id} is disabled; enable it first.")


class EventNotFound(NotFound):
    """There is no such event any more, or it is not this merchant's."""

    code = "event_not_found"

    def __init__(self, event_id: str) -> None:
        """Name it."""
        super().__init__(f"The event {event_id} was not sent to this endpoint, or it is too old.")


class TooManyEndpoints(Conflict):
    """The merchant has as many endpoints as one may have."""

    code = "too_many_endpoints"

    def __init__(self, most: int) -> None:
        """Say how many that are."""
        super().__init__(f"A merchant has at most {most} webhook endpoints; remove one first.")


class AddedBefore(Conflict):
    """The same call added an endpoint before, which was changed or removed since."""

    code = "endpoint_added_before"

    def __init__(self) -> None:
        """Say what to do."""
        super().__init__(
            "This call added an endpoint before, and that is another by now: nothing was done. "
            "Load the page again, or send another Idempotency-Key."
        )


class HeadersWanted(InvalidInput):
    """The headers of an endpoint are not sent to another host, unless they are named for it."""

    code = "headers_wanted"

    def __init__(self, names: Sequence[str]) -> None:
        """Name the headers; the caller's field is `headers`."""
        reason = f"must be named again ({', '.join(names)}), or be {{}}, where the host changes"
        super().__init__(
            f"The headers {reason}: what one host was trusted with is sent to no other.",
            problems=(FieldProblem("headers", reason),),
        )


class AddressRefused(InvalidInput):
    """Nothing is sent to this address: it is private, unknown, or not encrypted."""

    code = "address_refused"

    def __init__(self, reason: str) -> None:
        """Say why; the caller's field is `url`."""
        super().__init__(f"The url {reason}.", problems=(FieldProblem("url", reason),))
        self.reason = reason
