"""Write JSON, also of what was read from the database."""

from typing import Final

import msgspec


def _plain(value: object) -> int:
    """Return a number of the driver's: it reads those beyond 32 bits as a type of its own."""
    if isinstance(value, int):
        return int(value)
    raise TypeError(f"{type(value).__name__} has no form in JSON")


_encoder: Final = msgspec.json.Encoder(enc_hook=_plain)
_in_order: Final = msgspec.json.Encoder(enc_hook=_plain, order="deterministic")

# msgspec alone refuses such a number: an amount of 22 million rupiah, a time in milliseconds in
# somebody's metadata.
to_json: Final = _encoder.encode
"""Return a value as JSON."""
to_json_in_order: Final = _in_order.encode
"""Return a value as JSON, its keys in the same order each time."""
