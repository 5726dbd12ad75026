"""The OpenAPI document in a form that two versions are compared in, and how they differ.

Each operation and each schema stands on a line of its own, so that a difference is read in review.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

KEPT = Path(__file__).parent / "kept.json"

Json = Any  # of the OpenAPI document, whose shape its standard gives
Parts = dict[str, Json]

# Lists whose order says nothing, by their name.
_SETS = frozenset({"required", "enum", "oneOf", "anyOf", "tags", "type"})


def parts_of(document: Json) -> Parts:
    """Return the document by operation and schema, lists without an order sorted.

    Parameters stand by place and name.
    """
    rest = {key: value for key, value in document.items() if key not in {"paths", "components"}}
    parts: Parts = {f"/{key}": _sorted(value, key) for key, value in rest.items()}
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            parts[f"{method} {path}"] = _sorted(operation, method)
    for kind, named in document["components"].items():
        for name, component in named.items():
            parts[f"{kind} {name}"] = _sorted(component, name)
    return parts


def _sorted(value: Json, key: str) -> Json:
    if isinstance(value, dict):
        # The names under these are of fields, not of OpenAPI: a field may be called `required`.
        return {
            name: _sorted(child, "" if key == "properties" else name)
            for name, child in value.items()
        }
    if isinstance(value, list) and key == "parameters":
        return {f"{one['in']} {one['name']}": _sorted(one, "") for one in value}
    if isinstance(value, list):
        children = [_sorted(child, "") for child in value]
        return sorted(children, key=_line) if key in _SETS else children
    return value


def _line(value: Json) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def kept() -> Parts:
    """Return the parts of the document that is kept."""
    parts: Parts = json.loads(KEPT.read_text())
    return parts


def written(parts: Parts) -> str:
    """Return the parts as the file keeps them: one a line, in the order of their names."""
    lines = (f"{_line(name)}:{_line(parts[name])}" for name in sorted(parts))
    return "{\n" + ",\n".join(lines) + "\n}\n"


def differences(before: Json, after: Json, at: str = "") -> Iterator[str]:
    """Yield where two documents differ, as `part > field > field`, and what was and is there."""
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in sorted(before.keys() | after.keys()):
            inside = f"{at} > {key}" if at else key
            if key not in after:
                yield f"{inside}: gone"
            elif key not in before:
                yield f"{inside}: new"
            else:
                yield from differences(before[key], after[key], inside)
    elif _line(before) != _line(after):  # 1 is 1.0 in Python, and another text in the document
        yield f"{at}: {_line(before)} is {_line(after)}"
