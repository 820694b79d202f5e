"""Authorization details (RFC 9396): a list of JSON objects that each have a ``type``."""

from collections.abc import Mapping
from typing import Any

from mock_sts.protocol.json_text import JsonTextError, read_json

#: More elements than any client sends; a guard.
MAX_ELEMENTS = 20


class DetailsError(ValueError):
    """The value is no authorization details; the message says why."""


def read_authorization_details(value: object) -> tuple[Mapping[str, Any], ...]:
    """The elements in ``value``: an array of objects, a single object, or either as a JSON text, as clients send them.

    Raises DetailsError for anything else, and for an element without a text ``type``.
    """
    if isinstance(value, str):
        try:
            value = read_json(value.encode("utf-8", "surrogatepass"))
        except (JsonTextError, ValueError, RecursionError) as error:
            raise DetailsError(f"it is a text, but not JSON: {error}") from None
    elements = [value] if isinstance(value, dict) else value
    if not isinstance(elements, list):
        raise DetailsError("it is neither an object nor an array of objects")
    if len(elements) > MAX_ELEMENTS:
        raise DetailsError(f"it has {len(elements)} elements; at most {MAX_ELEMENTS} are read")
    for element in elements:
        if not isinstance(element, dict):
            raise DetailsError("an element is not an object")
        if not isinstance(element.get("type"), str):
            raise DetailsError("an element has no type, or one that is not a text")
    return tuple(elements)
