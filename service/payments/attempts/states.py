"""Where a try at paying stands."""

from enum import StrEnum


class AttemptStatus(StrEnum):
    """What came of a try. Only failures are stored: the payment's row has what stands of it."""

    FAILED = "failed"
    PENDING = "pending"
    AUTHORIZED = "authorized"
    SUCCEEDED = "succeeded"
