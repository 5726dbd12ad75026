"""What callers send about leads."""

from typing import Annotated, Any, ClassVar

import msgspec
from pydantic import BeforeValidator, Field
from pydantic_core import PydanticCustomError

from service.intents.operations.leave import NewIntent
from service.merchants.schemas import Zone
from service.web.fields import Email, LongText, SessionId, Text, UtcMoment
from service.web.wire import WireModel

LONGEST_AGENT = 512
LARGEST_INTENT = 16_000
"""Bytes of the body of a lead."""


class _Written(msgspec.Struct, frozen=True):
    """The amount as it stands in the body: a number loses its zeros when it is read."""

    amount: msgspec.Raw


def _amount(value: object) -> object:
    if type(value) not in {int, float, str}:
        raise _wrong('must be a number or a string of one, in major units: 29.99 or "29.99"')
    return value


def _blank(value: object) -> object:
    """A form sends what was left empty as an empty text."""
    return None if value == "" else value


def _agent(value: object) -> object:
    if not isinstance(value, str):
        raise _wrong("must be a string")
    return readable_agent(value)


def _wrong(message: str) -> PydanticCustomError:
    return PydanticCustomError("tillgate", "{message}", {"message": message})


def readable_agent(text: str) -> str | None:
    """Return a user agent as it is kept: cut, in one line; None where nothing is left."""
    shown = text[:LONGEST_AGENT]
    if not shown.isprintable():  # hardly ever, and letter by letter is slow
        shown = "".join(letter for letter in shown if letter.isprintable())
    return shown.strip() or None


MajorAmount = Annotated[
    int | float | str,
    Field(examples=["29.99"], union_mode="left_to_right"),
    BeforeValidator(_amount),
]
"""An amount in major units, as a number or as a text."""

Locale = Annotated[
    str, Field(pattern=r"^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8}){0,4}$", examples=["en-IN"])
]
"""A language as BCP 47 writes it."""


class LeaveIntent(WireModel):
    """What somebody would buy."""

    example: ClassVar = {
        "planName": "Premium Plan",
        "amount": "29.99",
        "userEmail": "ada@example.com",
    }

    plan_name: Text = Field(examples=["Premium Plan"])
    amount: MajorAmount
    """In major units of the merchant's currency; a text is as good as a number."""
    user_email: Annotated[Email | None, BeforeValidator(_blank)] = None
    user_agent: Annotated[str | None, BeforeValidator(_agent)] = None
    """The header `User-Agent`, where it is left out."""
    timestamp: UtcMoment | None = None
    """The sender's clock; kept, and never believed."""
    feedback: Annotated[LongText | None, BeforeValidator(_blank)] = None
    session_id: SessionId | None = None
    """The journey: what the answer to an earlier lead of it returned."""
    mail_consent: bool | None = None
    """Whether they agreed to be written to about this."""
    consent_text: Text | None = None
    """What they agreed to, or the name of that version."""
    locale: Locale | None = None
    time_zone: Zone | None = None
    website: str | None = Field(None, max_length=2000)
    """For a field that no person sees. Whoever fills it in is a bot, and is not kept."""

    def to_new(self, body: bytes, **around: Any) -> NewIntent:
        """Return it as the operation takes it; `around` is what the request says besides."""
        fields = self.model_dump(by_alias=False, exclude={"website", "amount"}, exclude_none=True)
        return NewIntent(
            **(around | fields),
            amount=self._written_amount(body),
            is_bot=bool(self.website),
        )

    def _written_amount(self, body: bytes) -> str:
        if isinstance(self.amount, str):
            return self.amount
        return bytes(msgspec.json.decode(body, type=_Written).amount).decode()
