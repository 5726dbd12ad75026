"""What is particular about Stripe."""

from service.core.ids import new_key
from service.providers.stripe.reasons import DECLINES, REFUSALS
from service.providers.traits import Traits

TRAITS = Traits(
    name="stripe",
    title="Stripe",
    hint="Card or bank debit, on Stripe's page",
    pays_with=("STRIPE_SECRET_KEY",),
    hears_with=("STRIPE_WEBHOOK_SECRET",),
    together=(("STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET"),),
    begins={
        "STRIPE_SECRET_KEY": ("sk_", "rk_"),
        "STRIPE_WEBHOOK_SECRET": ("whsec_",),
    },
    mode_variable="STRIPE_SECRET_KEY",
    demo={
        "STRIPE_SECRET_KEY": lambda: new_key("sk_test_dev_"),
        "STRIPE_WEBHOOK_SECRET": lambda: new_key("whsec_dev_"),
    },
    # https://docs.stripe.com/currencies: UGX and ISK are sent with two decimals that are zero; MGA
    # has no decimals there.
    exponents={"ISK": 2, "UGX": 2, "MGA": 0},
    steps={"ISK": 100, "UGX": 100, "BHD": 10, "JOD": 10, "KWD": 10, "OMR": 10, "TND": 10},
    modes=frozenset({"payment", "subscription"}),
    closes=frozenset({"payment", "checkout"}),
    declines=DECLINES,
    refusals=REFUSALS,
)
