"""Merge metadata: RFC 7396, with keys that a browser can't touch. Pure."""

from service.core.json_text import to_json
from service.core.strict_json import JsonObject, JsonValue
from service.sessions.errors import ChangeNotAllowed, wrong_field

MOST_KEYS = 50
# The same as for one request: many small requests must not grow a session without limit.
LARGEST = 16_000


def merge_metadata(
    present: JsonObject, guarded: list[str], patch: JsonObject, *, trusted: bool
) -> tuple[JsonObject, list[str]]:
    """Return the merged metadata, and the keys that only a secret key may change from now on.

    Raises `ChangeNotAllowed` where a browser would replace what a secret key wrote.
    """
    held = set(guarded)
    touched = [key for key in patch if key in held]
    if touched and not trusted:
        raise ChangeNotAllowed(f"metadata.{touched[0]} was written by a secret key.")
    merged = merge_patch(present, patch)
    if not isinstance(merged, dict) or len(merged) > MOST_KEYS:
        raise wrong_field("metadata", f"may hold at most {MOST_KEYS} keys")
    if len(to_json(merged)) > LARGEST:
        raise wrong_field("metadata", f"may hold at most {LARGEST} bytes of JSON")
    if trusted:
        guarded = sorted({*guarded, *patch} & set(merged))
    return merged, guarded


def merge_patch(target: JsonValue, patch: JsonValue) -> JsonValue:
    """Apply a JSON merge patch (RFC 7396, section 2)."""
    if not isinstance(patch, dict):
        return patch
    merged: JsonObject = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = merge_patch(merged.get(key), value)
    return merged
