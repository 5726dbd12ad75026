"""What is particular about Acme."""

from service.core.ids import new_key
from service.providers.traits import Traits

TRAITS = Traits(
    name="acme",
    title="Acme Pay",
    hint="Anvils and cards",
    pays_with=("ACME_KEY",),
    hears_with=("ACME_WEBHOOK_SECRET",),
    together=(("ACME_KEY", "ACME_WEBHOOK_SECRET"),),
    demo={
        "ACME_KEY": lambda: new_key("acme_dev_"),
        "ACME_WEBHOOK_SECRET": lambda: new_key("webhook_dev_"),
    },
    usual_currency="KWD",
    # Fils end in a zero, so it leaves that out.
    exponents={"KWD": 2},
    steps={"KWD": 5},
)
