"""Form parameters (RFC 6749 section 3.2 and appendix B)."""

from collections.abc import Iterable, Iterator
from functools import lru_cache
from urllib.parse import unquote

#: More fields than any client sends; a guard against forms made to be slow.
MAX_FIELDS = 200

#: Longest value that is kept decoded, in characters.
_MOST_KEPT = 256

#: RFC 8707 section 2 lets this one be repeated; RFC 6749 section 3.2 forbids it for all others.
REPEATABLE = frozenset({"resource"})


class Params:
    """The parameters of one request, each name with its values in order.

    An empty value counts as absent (RFC 6749 section 3.1). ``fault`` tells why a form could not be read; such
    parameters hold nothing.
    """

    __slots__ = ("_values", "fault")

    def __init__(self, pairs: Iterable[tuple[str, str]] = (), fault: str = "") -> None:
        values: dict[str, list[str]] = {}
        for name, value in pairs:
            if value:
                values.setdefault(name, []).append(value)
        self._values = values
        self.fault = fault

    @classmethod
    def from_form(cls, body: bytes) -> "Params":
        """The parameters of an ``application/x-www-form-urlencoded`` body; a body that breaks the rules is a fault.

        Faults: bytes that are not ASCII, escapes that are not UTF-8, NUL, more than MAX_FIELDS fields, and a
        parameter sent twice that is not in REPEATABLE.
        """
        try:
            text = body.decode("ascii")
            if text.count("&") >= MAX_FIELDS:
                raise ValueError("too many fields")
            pairs = [(_decoded(name), _decoded(value)) for name, _, value in _fields(text)]
        except ValueError:
            return cls(fault="the form is not URL-encoded UTF-8 text, or has too many fields")
        seen = set()
        for name, value in pairs:
            if "\0" in value or "\0" in name:
                return cls(fault="a form field holds a NUL character")
            if name in seen and name not in REPEATABLE:
                return cls(fault=f"the parameter {name[:40]!r} is sent more than once")
            seen.add(name)
        return cls(pairs)

    def over(self, others: "Params") -> "Params":
        """These parameters, and those of ``others`` whose names are not among them."""
        merged = Params()
        merged._values = {**others._values, **self._values}
        return merged

    def one(self, name: str) -> str | None:
        """The value of ``name``, or None when it is absent or empty."""
        values = self._values.get(name)
        return values[0] if values else None

    def many(self, name: str) -> tuple[str, ...]:
        """All values of ``name`` in the order sent."""
        return tuple(self._values.get(name, ()))

    def words(self, name: str) -> tuple[str, ...]:
        """The space-separated words of ``name``, in order, each once (RFC 6749 section 3.3)."""
        return tuple(dict.fromkeys(word for word in (self.one(name) or "").split(" ") if word))

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)


def _fields(text: str) -> Iterator[tuple[str, str, str]]:
    return (field.partition("=") for field in text.split("&") if field)


def _decoded(text: str) -> str:
    """A name or value without escapes. Raises ValueError for escapes that are no UTF-8."""
    if "%" not in text and "+" not in text:
        return text  # names, and assertions
    return _unescaped(text) if len(text) <= _MOST_KEPT else unquote(text.replace("+", " "), errors="strict")


@lru_cache(maxsize=256)
def _unescaped(text: str) -> str:
    """Of short values with escapes most come again: scopes, addresses, the type of an assertion."""
    return unquote(text.replace("+", " "), errors="strict")
