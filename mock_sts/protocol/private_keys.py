"""Private keys in what strangers send: found by what they look like, whatever they are called, and taken out.

For all that is kept or shown of a request: journal, log, error pages. Better a claim too much that is not shown than a
key in a log that others read.
"""

import binascii
import re
from typing import Any
from urllib.parse import unquote_plus

from mock_sts.protocol.jose import PRIVATE_MEMBERS

#: What stands in the place of a key.
NOT_KEPT = "(not kept)"

#: Members of a header or of claims that hold keys, by their names.
_KEY_NAMES = ("jwk", "jwks")

#: The names of private members in small letters: those of a JWK, of the primes in ``oth``, and .NET's.
_PRIVATE = frozenset((*PRIVATE_MEMBERS, "r", "t", "inverseq"))

#: Shortest text that can hold a key, in characters, and the shortest value that can be a part of one.
_SHORTEST_TEXT, _SHORTEST_PART = 32, 16

#: How often a text may be wrapped in base64, or written for a URL, and still be looked into.
_WRAPPED = 3

# Quotes and spaces as they stand in JSON, in JSON within JSON, in Python's repr and in HTML. Whatever is repeated is so
# a bounded number of times, or is looked for once, for a text may consist of nothing else.
_QUOTE = r"""(?:\\{0,15}["']|\\{1,15}u002[27]|&quot;|&apos;|&\#0?3[49];)"""
_GAP = r"(?:\s|\\{1,15}[nrt]){0,40}"
_BASE64 = r"(?:[A-Za-z0-9+/_=-]|\\/)"
_PART = rf"{_BASE64}{{{_SHORTEST_PART},}}"
_NAMES = "|".join(sorted(_PRIVATE, key=len, reverse=True))

#: Each finds a key, or a part of one, in its last group, also where the text was cut off in it; and characters of which
#: one must be there for that.
_LOOKS = (
    # -----BEGIN PRIVATE KEY-----, and those of RSA, EC, OpenSSH, PGP, encrypted ones too
    (
        ("-----BEGIN",),
        re.compile(
            r"(-----BEGIN[A-Z0-9\s'\",\\nrt]{0,60}?PRIVATE[\s'\",\\nrt]{1,9}KEY)"
            r"((?:(?!-----END|-----BEGIN).)*(?:-----END[^-]{0,60}(?:-----)?)?)",
            re.DOTALL,
        ),
    ),
    # "d": "...", 'd': '...', also where words of it were listed
    (
        ('"', "'", "&", "u002"),
        re.compile(rf"({_QUOTE}(?:{_NAMES}){_QUOTE}{_GAP}:{_GAP}(?:{_QUOTE},{_GAP}{_QUOTE})?{_QUOTE})({_PART})", re.I),
    ),
    # d: ..., d=..., of YAML and the like; bare names are common, so only what is as long as a key
    (
        (":", "="),
        re.compile(rf"((?:\b|(?<=\\[nrt]))(?:{_NAMES}){_GAP}[:=]{_GAP}{_QUOTE}?)({_BASE64}{{40,}})", re.I),
    ),
    # <D>...</D>, of .NET
    (
        ("<", "&lt;"),
        re.compile(rf"((?:<|&lt;)(?:{_NAMES})(?:>|&gt;){_GAP})({_PART})", re.I),
    ),
)

#: Base64 of either alphabet that is long enough to hold a key, in lines too. Neither the end of an escape before it
#: belongs to it nor the dashes of PEM.
_RUN = re.compile(
    r"((?:(?<=\\)[nrt])?)((?!-)(?:[A-Za-z0-9+/_]|-(?!----)){40,}(?:(?:\\{1,15}[nr]|\s){1,8}[A-Za-z0-9+/_-]{16,})*={0,2})"
)
_SHORTEST_RUN = 40
#: Base64 stays, all else becomes a space: what is left are runs, found in a tenth of the time that a pattern takes.
_BASE64_ALONE = bytes(c if chr(c).isascii() and (chr(c).isalnum() or chr(c) in "+/_-") else 32 for c in range(256))

#: What may be written for a URL.
_WORD = re.compile(r"""[^\s"'<>]{40,}""")

#: One of these is in the compact JSON of whatever holds a private key, in small letters: signs of a text within a text,
#: keys that are no objects, or the names of private members; else there is base64 to look into.
_SIGNS = ("\\", "'", "<", "&", "%", "=", ": ", "-----", *(f'"{name}":{sign}' for name in _KEY_NAMES for sign in '"['))
_SIGN_OF_MEMBERS = re.compile(rf'"(?:{_NAMES})":')

#: How base64 begins that is worth a look: with the first bits of 0x30, or of a character of a text.
_FIRST_OF_RUN = frozenset(b"CDIJKLMNOPQRSTUVWXYZabcdef")

_DER_BEGINS = rb"0(?:[\x00-\x7f]|\x81.|\x82..|\x83...)\x02\x01[\x00-\x03]"

#: The beginning of PKCS #8, PKCS #1, SEC 1 and PKCS #12: a sequence that begins with a small number. Certificates and
#: public keys begin otherwise.
_PRIVATE_DER = re.compile(_DER_BEGINS, re.DOTALL)

#: The same, or a text.
_WORTH_A_LOOK = re.compile(rb"(?:%s)|[\t\r\n -~]+\Z" % _DER_BEGINS, re.DOTALL)


def without_private_keys(value: Any) -> Any:
    """A copy of a JSON ``value`` (tuples count as lists) in which every key, wherever it stands and whatever it is
    called, has lost its private members, and every text its private keys.
    """
    if isinstance(value, str):
        return without_private_text(value)
    if isinstance(value, dict):
        return _members(value, is_key=False)
    if not isinstance(value, list | tuple):
        return value
    texts = [member for member in value if isinstance(member, str)]
    if len(texts) > 1 and any(sign in text for text in texts for sign in ("-----BEGIN", ":")):
        # By lines or by words, of which not each can be recognized.
        together = "\n".join(texts)
        if without_private_text(together) != together:
            return [NOT_KEPT, *(without_private_keys(member) for member in value if not isinstance(member, str))]
    return [without_private_keys(member) for member in value]


def may_hold_a_private_key(text: str) -> bool:
    """Whether it is worth to look for a private key in what compact JSON says; in nearly all of it there is no sign."""
    small = text.lower()
    for sign in _SIGNS:  # each request comes by here: a loop takes a third of the time of ``any``
        if sign in small:
            return True
    if _SIGN_OF_MEMBERS.search(small) is not None:
        return True
    return any(run[0] in _FIRST_OF_RUN and _is_worth_a_look(run.decode()) for run in _long_runs(text))


def without_private_text(text: str) -> str:
    """``text`` with NOT_KEPT in the place of each private key: PEM, JSON, XML, DER in base64, and the like."""
    return text if len(text) < _SHORTEST_TEXT else _cleaned(text, _WRAPPED)


def _members(value: dict[str, Any], *, is_key: bool) -> dict[str, Any]:
    is_key = is_key or any(isinstance(name, str) and name.lower() == "kty" for name in value)
    kept: dict[str, Any] = {}
    for name, member in value.items():
        if isinstance(name, str) and name.lower() in _PRIVATE and (is_key or _may_be_a_part(member)):
            continue
        if name in _KEY_NAMES:
            # What calls itself a key is treated as one, whatever it looks like.
            shown = _members(member, is_key=True) if isinstance(member, dict) else NOT_KEPT
        else:
            shown = without_private_keys(member)
        kept[without_private_text(name) if isinstance(name, str) else name] = shown
    return kept


def _may_be_a_part(value: object) -> bool:
    """Whether a member that is called like a private one holds what could be a part of a key."""
    return isinstance(value, str) and re.fullmatch(rf"\s*{_PART}\s*", value) is not None


def _cleaned(text: str, depth: int) -> str:
    for signs, look in _LOOKS:
        for sign in signs:
            if sign in text:
                text = look.sub(rf"\1{NOT_KEPT}", text)
                break
    if depth and "%" in text:
        text = _WORD.sub(lambda found: _unescaped(found[0], depth), text)
    if not _has_a_run(text):
        return text
    return _RUN.sub(lambda found: found[1] + _run(found[2], depth), text)


def _has_a_run(text: str) -> bool:
    """Whether there is base64 that is long enough; all but ASCII ends a run."""
    return bool(_long_runs(text))


def _long_runs(text: str) -> list[bytes]:
    """The runs of base64 in ``text`` that are long enough to hold a key."""
    runs = text.encode("ascii", "replace").translate(_BASE64_ALONE).split()
    return [run for run in runs if len(run) >= _SHORTEST_RUN]


def _unescaped(word: str, depth: int) -> str:
    return _unwrapped(word, unquote_plus(word), depth) if "%" in word else word


def _is_worth_a_look(run: str) -> bool:
    """Whether base64 may be a private key in DER, or a text."""
    return _WORTH_A_LOOK.match(_bytes_of(run[:24])) is not None


def _run(run: str, depth: int) -> str:
    """Base64, or NOT_KEPT where it is a private key in DER, or a text with one in it."""
    if not _is_worth_a_look(run):
        return run
    if _PRIVATE_DER.match(_bytes_of(run[:24])):
        return NOT_KEPT
    return _unwrapped(run, _decoded(run).decode("utf-8", "replace"), depth) if depth else run


def _unwrapped(text: str, inner: str, depth: int) -> str:
    """``text``, or NOT_KEPT where a private key is in what it stands for."""
    return text if inner == text or _cleaned(inner, depth - 1) == inner else NOT_KEPT


def _decoded(text: str) -> bytes:
    """The bytes of base64 of either alphabet, as far as it goes; lines are put together."""
    plain = re.sub(r"\\+[nr]|\s|=", "", text)
    return _bytes_of(plain[: len(plain) // 4 * 4])


def _bytes_of(text: str) -> bytes:
    try:
        return binascii.a2b_base64(text.replace("-", "+").replace("_", "/"))
    except (binascii.Error, ValueError):
        return b""
