"""What can be wrong with a merchant."""

from service.core.errors import Conflict, Forbidden, NotFound


class MerchantNotFound(NotFound):
    """There is no such merchant."""

    code = "merchant_not_found"

    def __init__(self) -> None:
        """Say how one comes to be."""
        super().__init__(
            "There is no such merchant. `tillgate merchants list` shows all of them, "
            "`tillgate merchants add` creates one."
        )


class MerchantExists(Conflict):
    """There is a merchant with this id already."""

    code = "merchant_exists"

    def __init__(self, merchant_id: str) -> None:
        """Name the merchant."""
        super().__init__(
            f"Merchant {merchant_id!r} already exists; change it with `tillgate merchants set`."
        )


class MerchantSuspended(Forbidden):
    """The keys and tokens of a suspended merchant are refused."""

    code = "merchant_suspended"

    def __init__(self) -> None:
        """Keep the operator's reason out of it: the caller may be a browser."""
        super().__init__(
            "This merchant is suspended: its keys and tokens are refused until it is resumed. "
            "Payments that customers make in the meantime still count. Contact the operator of "
            "this service."
        )


class MerchantMissing(Forbidden):
    """A key belongs to a merchant that does not exist."""

    code = "merchant_missing"

    def __init__(self) -> None:
        """Say how to fix it: an older version created keys for any id."""
        super().__init__(
            "The merchant of this key does not exist. Create it with `tillgate merchants add`, or "
            "run `tillgate migrate --again`."
        )


class SenderRefused(Forbidden):
    """A merchant names the sender of its mails itself: it could name anybody."""

    code = "sender_refused"

    def __init__(self) -> None:
        """Say who may."""
        super().__init__(
            "Only operators set mailSender, since mail goes out by their server. Leave it out, and "
            "it stays as it is."
        )
