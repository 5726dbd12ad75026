"""What happens in a storm: each session's story and faults, from a seed. Pure."""

import random
from collections.abc import Mapping
from typing import TypeAlias, get_args

from msgspec import Struct

from service.providers.registry import ProviderName
from tillgate_sandbox.chaos import OF_REFUNDS, Chaos, Fault
from tillgate_sandbox.states import Happening

Phase: TypeAlias = tuple[Happening, ...]

PROVIDERS: tuple[ProviderName, ...] = ("stripe", "razorpay", "phonepe")
CURRENCIES: Mapping[ProviderName, str] = {"stripe": "USD", "razorpay": "INR", "phonepe": "INR"}

_PAID: Phase = (Happening.PAID,)
_COMMON: tuple[tuple[Phase, ...], ...] = (
    (_PAID,),
    (_PAID,),
    ((Happening.DECLINED, Happening.PAID),),
    ((Happening.DECLINED,),),
    ((Happening.DELAYED, Happening.SETTLED),),
    ((Happening.PAID, Happening.REFUNDED),),
    ((),),
)
STORIES: Mapping[ProviderName, tuple[tuple[Phase, ...], ...]] = {
    "stripe": (
        *_COMMON,
        ((Happening.DELAYED,),),
        ((Happening.DELAYED, Happening.BOUNCED),),
        ((Happening.EXPIRED,),),
        ((Happening.EXPIRED, Happening.PAID),),
        ((Happening.PAID, Happening.DISPUTED),),
        ((Happening.EXPIRED,), _PAID),
        ((Happening.DELAYED, Happening.BOUNCED), _PAID),
    ),
    "razorpay": (
        *_COMMON,
        ((Happening.AUTHORIZED,),),
        ((Happening.DECLINED, Happening.AUTHORIZED),),
        ((Happening.DELAYED, Happening.BOUNCED),),
        ((Happening.DELAYED, Happening.BOUNCED, Happening.PAID),),
        ((Happening.PAID, Happening.DISPUTED),),
    ),
    "phonepe": (
        *_COMMON,
        ((Happening.DELAYED, Happening.BOUNCED),),
        ((Happening.DELAYED, Happening.BOUNCED), _PAID),
    ),
}
"""Stories by provider. Between two phases everything is delivered and the customer begins anew."""

_OF_A_BROWSER: tuple[Fault, ...] = ("webhook_first", "redirect_first")
FAULTS: tuple[Fault, ...] = tuple(
    one for one in get_args(Fault) if one not in (*_OF_A_BROWSER, *OF_REFUNDS)
)
"""All but those that say when the customer comes back, and what becomes of refunds that are asked
for: nobody does either in a storm."""

_LONGEST_DELAY_MS = 4000


class Script(Struct, frozen=True):
    """One session of a storm. `amount` is in minor units."""

    session_id: str
    provider: ProviderName
    amount: int
    phases: tuple[Phase, ...]
    chaos: Chaos

    @property
    def currency(self) -> str:
        """Return the currency: PhonePe and Razorpay take rupees."""
        return CURRENCIES[self.provider]

    @property
    def happenings(self) -> Phase:
        """Return everything that happens, in order."""
        return tuple(happening for phase in self.phases for happening in phase)


def write_scripts(sessions: int, seed: int) -> list[Script]:
    """Write the scripts of a storm. The same seed gives the same scripts."""
    dice = random.Random(seed)  # noqa: S311 - repeatable on purpose
    return [_script(dice, seed, n, PROVIDERS[n % len(PROVIDERS)]) for n in range(sessions)]


def _script(dice: random.Random, seed: int, n: int, provider: ProviderName) -> Script:
    faults = tuple(fault for fault in FAULTS if dice.random() < 0.3)
    chaos = Chaos(
        faults=faults,
        copies=dice.randint(2, 5),
        delay_ms=dice.randint(100, _LONGEST_DELAY_MS),
        seed=dice.randrange(2**31),
    )
    return Script(
        session_id=f"storm_{seed}_{n}",
        provider=provider,
        amount=dice.randint(100, 500_000),
        phases=dice.choice(STORIES[provider]),
        chaos=chaos,
    )
