"""The address that a UPI app opens (NPCI UPI Linking Specification 1.6, section 1.2)."""

from urllib.parse import quote, urlencode

from service.core.money import exponent, to_major

# UPI's own fields behind `tr` (Txn refId) and `tn` (Txn note) hold this many characters.
_LONGEST_REFERENCE = 35
_LONGEST_NOTE = 50


def payment_link(
    *, payee_address: str, payee_name: str, amount: int, reference: str, note: str
) -> str:
    """Write `upi://pay?…` for an amount in paise, spaces as %20.

    The payee's statement shows the reference, by which a person finds the session; a longer one
    keeps its end, where the attempt's number stands.
    """
    fields = {
        "pa": payee_address,
        "pn": payee_name,
        "am": to_major(amount, exponent("INR")),
        "cu": "INR",
        "tr": reference[-_LONGEST_REFERENCE:],
        "tn": note[:_LONGEST_NOTE],
    }
    # The specification's examples leave the @ of an address as it is, and some apps insist on it.
    return f"upi://pay?{urlencode(fields, quote_via=quote, safe='@')}"
