"""What is particular about Razorpay."""

from service.core.ids import new_key
from service.providers.razorpay.reasons import DECLINES, REFUSALS
from service.providers.traits import Traits

TRAITS = Traits(
    name="razorpay",
    title="Razorpay",
    hint="Card, net banking or wallet",
    pays_with=("RAZORPAY_KEY_ID",),
    hears_with=("RAZORPAY_WEBHOOK_SECRET",),
    together=(("RAZORPAY_KEY_ID", "RAZORPAY_KEY_SECRET", "RAZORPAY_WEBHOOK_SECRET"),),
    demo={
        "RAZORPAY_KEY_ID": lambda: new_key("rzp_test_dev_"),
        "RAZORPAY_KEY_SECRET": lambda: new_key("secret_dev_"),
        "RAZORPAY_WEBHOOK_SECRET": lambda: new_key("webhook_dev_"),
    },
    begins={"RAZORPAY_KEY_ID": ("rzp_live_", "rzp_test_")},
    mode_variable="RAZORPAY_KEY_ID",
    usual_currency="INR",
    # Three-decimal currencies are sent x1000, with 0 as the last digit.
    steps={"BHD": 10, "KWD": 10, "OMR": 10},
    modes=frozenset({"payment", "subscription"}),
    # A payment link can be cancelled, an order can't.
    closes=frozenset({"checkout"}),
    declines=DECLINES,
    refusals=REFUSALS,
)
