"""JSON from strangers and JSON for the wire.

Reading refuses what would harm a store or a clock later on: duplicate members, NaN and Infinity, integers beyond
63 bits, NUL characters, lone surrogates and deep nesting. Writing gives the bytes that HelseID's platform gives.
"""

import codecs
import json
import re
from typing import Any, Never

#: Deepest nesting that is read. The deepest document of HelseID, the trust framework, has seven levels.
MAX_DEPTH = 32

_MAX_INTEGER = 2**63 - 1

#: A string literal; a plus sign outside of one belongs to a number such as 1e+20.
_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"')

#: A string literal in text that may be no JSON: without an end it goes on to that of the text.
_TEXT = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
_BRACKET = re.compile(r"[\[{\]}]")

#: Escapes that may stand for NUL or for half of a surrogate pair; only a text with one is looked through.
_SUSPECT_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")


class JsonTextError(ValueError):
    """The text is not JSON that we read; the message says why, without quoting the text."""


def read_json_object(data: bytes) -> dict[str, Any]:
    """``data`` (UTF-8) as a JSON object.

    Raises JsonTextError for anything that is not an object or breaks a limit of this module.
    """
    value = read_json(data)
    if not isinstance(value, dict):
        raise JsonTextError("it is JSON, but not an object")
    return value


def read_json(data: bytes) -> Any:
    """``data`` (UTF-8) as a JSON value. Raises JsonTextError."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise JsonTextError("it is not UTF-8") from None
    if text.count("[") + text.count("{") > MAX_DEPTH:
        _refuse_deep_nesting(text)
    try:
        value = (_STRICT if _LONG_NUMBER.search(text) else _DECODER).decode(text)
    except JsonTextError:
        raise
    except (ValueError, RecursionError):
        raise JsonTextError("it is not JSON") from None
    if _SUSPECT_ESCAPE.search(text):
        _refuse_bad_characters(value)
    return value


def without_mark(data: bytes) -> bytes:
    """``data`` without the byte order mark that editors and .NET write; not for what is signed."""
    return data.removeprefix(codecs.BOM_UTF8)


def text_or_none(value: object) -> str | None:
    """``value`` if it is a text, else None: a member of another type counts as absent."""
    return value if isinstance(value, str) else None


def write_json(value: object) -> bytes:
    """``value`` as compact UTF-8 JSON.

    Non-ASCII characters and ``+`` are written as escapes, as HelseID's platform does (seen in its JWKS and tokens).
    """
    written = write_plain_json(value)
    if b"+" not in written:
        return written
    return _STRING.sub(lambda string: string[0].replace(b"+", b"\\u002B"), written)


def write_plain_json(value: object) -> bytes:
    """The same without the escape for ``+``."""
    return _encode(value).encode("ascii")


def _refuse_deep_nesting(text: str) -> None:
    depth = deepest = 0
    for bracket in _BRACKET.findall(_TEXT.sub("", text)):
        depth += 1 if bracket in "[{" else -1
        deepest = max(deepest, depth)
    if deepest > MAX_DEPTH:
        raise JsonTextError(f"it is nested deeper than {MAX_DEPTH} levels")


def _refuse_bad_characters(value: Any) -> None:
    if isinstance(value, str):
        if "\0" in value or any("\ud800" <= c <= "\udfff" for c in value):
            raise JsonTextError("it holds a NUL character or half of a surrogate pair")
    elif isinstance(value, dict):
        for key, member in value.items():
            _refuse_bad_characters(key)
            _refuse_bad_characters(member)
    elif isinstance(value, list):
        for member in value:
            _refuse_bad_characters(member)


def _integer(digits: str) -> int:
    if len(digits) > 20 or abs(int(digits)) > _MAX_INTEGER:
        raise JsonTextError("it holds an integer beyond 63 bits")
    return int(digits)


def _float(digits: str) -> float:
    number = float(digits)
    if abs(number) > _MAX_INTEGER:
        raise JsonTextError("it holds a number beyond 63 bits")
    return number


def _constant(name: str) -> Never:
    raise JsonTextError(f"it holds {name}, which JSON does not have")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise JsonTextError("it has the same member twice")
    return members


_encode = write_compact = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode

#: A text as a JSON string.
write_text = json.encoder.encode_basestring_ascii

#: Only what has so many digits in a row may be an integer beyond 63 bits.
_LONG_NUMBER = re.compile(r"[0-9]{19}")

_DECODER = json.JSONDecoder(parse_float=_float, parse_constant=_constant, object_pairs_hook=_members)
_STRICT = json.JSONDecoder(parse_int=_integer, parse_float=_float, parse_constant=_constant, object_pairs_hook=_members)
