"""What is particular about UPI."""

from service.providers.traits import Traits

TRAITS = Traits(
    name="upi",
    title="UPI",
    hint="Scan a QR code with any UPI app",
    pays_with=("UPI_PAYEE_ADDRESS",),
    together=(("UPI_PAYEE_ADDRESS", "UPI_PAYEE_NAME"),),
    demo={
        "UPI_PAYEE_ADDRESS": lambda: "tillgate_dev_@upi",
        "UPI_PAYEE_NAME": lambda: "Tillgate development",
    },
    only_currency="INR",
    usual_currency="INR",
    manual=True,
)
