"""Stripe's form encoding: `line_items[0][price_data][unit_amount]=1000`, `expand[]=payment_intent`.

See https://docs.stripe.com/api (requests are form-encoded, nested by brackets). All leaves are
texts. Lists come with places or with empty brackets; `metadata` is an object whatever its keys are.
"""

import re
from urllib.parse import parse_qsl

from service.core.errors import MalformedBody
from service.core.strict_json import JsonObject, JsonValue, check_storable
from tillgate_sandbox.stripe.refusals import StripeRefused

_NAME = re.compile(r"([^\[\]]+)((?:\[[^\[\]]*\])*)")
_STEP = re.compile(r"\[([^\[\]]*)\]")
_MOST = 1000
_DEEPEST = 10

_Node = dict[str, "str | _Node"]


def parse_form(encoded: bytes) -> JsonObject:
    """Parse a body or a query. Raises `StripeRefused` for what can't be read."""
    try:
        pairs = parse_qsl(
            encoded.decode(), keep_blank_values=True, max_num_fields=_MOST, errors="strict"
        )
    except ValueError as error:
        raise StripeRefused("The parameters can't be read: use UTF-8 form encoding.") from error
    root: _Node = {}
    for name, value in pairs:
        _put(root, _steps(name), value, name)
    parsed: JsonObject = {name: _plain(value, name) for name, value in root.items()}
    try:
        check_storable(parsed)
    except MalformedBody as error:
        raise StripeRefused(error.message) from error
    return parsed


def encode_form(value: JsonValue, name: str = "") -> list[tuple[str, str]]:
    """Write nested values as Stripe's pairs; the reverse of `parse_form`."""
    if isinstance(value, dict):
        found = ((f"{name}[{key}]" if name else key, item) for key, item in value.items())
    elif isinstance(value, list):
        found = ((f"{name}[{place}]", item) for place, item in enumerate(value))
    else:
        return [(name, "" if value is None else str(value))]
    return [pair for key, item in found for pair in encode_form(item, key)]


def _steps(name: str) -> list[str]:
    matched = _NAME.fullmatch(name)
    if matched is None:
        return [name]
    steps = [matched[1], *_STEP.findall(matched[2])]
    if len(steps) > _DEEPEST:
        raise StripeRefused(f"The parameter {name[:80]} nests too deeply.", param=name[:80])
    return steps


def _put(node: _Node, steps: list[str], value: str, name: str) -> None:
    for step in steps[:-1]:
        inner = node.setdefault(step or str(len(node)), {})
        if isinstance(inner, str):
            raise StripeRefused(f"Invalid object: {name[:80]}", param=name[:80])
        node = inner
    last = steps[-1] or str(len(node))
    if isinstance(node.get(last), dict):
        raise StripeRefused(f"Invalid string: {name[:80]}", param=name[:80])
    node[last] = value


def _plain(value: "str | _Node", name: str) -> JsonValue:
    if isinstance(value, str):
        return value
    if name != "metadata" and value and all(key.isdecimal() and key.isascii() for key in value):
        places = sorted(value, key=lambda key: (len(key.lstrip("0")), key.lstrip("0")))
        return [_plain(value[key], "") for key in places]
    return {key: _plain(item, key) for key, item in value.items()}
