"""What is particular about PhonePe."""

from service.core.ids import new_key
from service.providers.phonepe.reasons import DECLINES, REFUSALS
from service.providers.traits import Traits

TRAITS = Traits(
    name="phonepe",
    title="PhonePe",
    hint="Card or UPI, on PhonePe's page",
    pays_with=("PHONEPE_CLIENT_ID", "PHONEPE_SALT_KEY"),
    hears_with=("PHONEPE_WEBHOOK_PASSWORD",),
    together=(
        ("PHONEPE_CLIENT_ID", "PHONEPE_CLIENT_SECRET"),
        ("PHONEPE_WEBHOOK_USERNAME", "PHONEPE_WEBHOOK_PASSWORD"),
    ),
    demo={
        "PHONEPE_CLIENT_ID": lambda: new_key("client_dev_"),
        "PHONEPE_CLIENT_SECRET": lambda: new_key("secret_dev_"),
        "PHONEPE_WEBHOOK_USERNAME": lambda: "tillgate_dev_",
        "PHONEPE_WEBHOOK_PASSWORD": lambda: new_key("password_dev_"),
        "PHONEPE_SALT_KEY": lambda: new_key("salt_dev_"),
        "PHONEPE_SALT_INDEX": lambda: "1",
    },
    mode_variable="PHONEPE_API_BASE",
    only_currency="INR",
    usual_currency="INR",
    declines=DECLINES,
    refusals=REFUSALS,
)
