"""Bodies of requests in the OpenAPI document: whole examples, and rules over several fields."""

from collections.abc import Iterator
from typing import Any, TypeAlias

from litestar.handlers import HTTPRouteHandler

from service.web.wire import WireModel, is_wire_model

Node: TypeAlias = dict[str, Any]  # JSON of the OpenAPI document, whose shape its standard gives


def finish_body(operation: Node, handler: HTTPRouteHandler, schemas: Node) -> None:
    """Say what the framework does not know of a body: an example, and when it may be left out."""
    data = handler.parsed_fn_signature.parameters.get("data")
    if data is None or "requestBody" not in operation:
        return
    body: Node = operation["requestBody"]
    body["required"] = not data.is_optional
    for model in _models(data.annotation):
        schemas[model.__name__].update(model.rules)
        for content in body["content"].values():
            content["schema"] = {"$ref": f"#/components/schemas/{model.__name__}"}
            if model.example is not None:
                content["example"] = model.example


def _models(annotation: object) -> Iterator[type[WireModel]]:
    """Yield the model of a body: `JSONBody[Model]`, or `JSONBody[Model | None]`."""
    if is_wire_model(annotation):
        yield annotation
    for inner in getattr(annotation, "__args__", ()):
        yield from _models(inner)
