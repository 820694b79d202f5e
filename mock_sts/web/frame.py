"""The frame of every page: name and mark, the sections of our side, the switch of languages, the version.

A new page of ours is made so:

1. A template extends ``page.html`` and fills the blocks ``title`` and ``main``. What it shows is made of the macros in
   ``parts.html``, which it has as ``parts``; ``/mock/parts`` shows each of them. It has no style and no script of its
   own, and its words are ``t.<name>``.
2. Its module has the words that no other page uses as ``WORDS``, from name to (bokmål, English), and answers with
   ``browser.page(template, section=..., words=WORDS, ...)``. ``section`` is the section of the navigation that it lies
   in, or any other word.
3. A page that the navigation leads to has a line in ``SECTIONS``; it is shown where the application has its route.
4. A page that shows the journal or keys, or that changes something for others than its visitor, belongs to a blueprint
   that ``admission.guard`` guards.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from flask import current_app, request

from mock_sts import __version__
from mock_sts.helseid.endpoints import Endpoint
from mock_sts.helseid.terms import ENGLISH, NORWEGIAN
from mock_sts.protocol.private_keys import without_private_text
from mock_sts.web.language import PARAMETER
from mock_sts.web.own_side import has_strange_host
from mock_sts.web.reading import current

#: How pages look; and the same for HelseID's own, where our side of the server is closed to the host that asks.
STYLESHEET, STYLESHEET_OF_LOGIN = "/mock/style.css", "/Account/style.css"

#: What the buttons that copy do.
SCRIPT = "/mock/script.js"


@dataclass(frozen=True, slots=True)
class Section:
    """A section of our side: its id, the path of its first page, and the name of its words."""

    section: str
    path: str
    words: str


SECTIONS = (
    Section("home", "/", "home"),
    Section("demo", "/mock/demo", "demo"),
    Section("journal", "/mock/journal", "journal"),
    Section("world", "/mock/world", "world"),
    Section("control", "/mock/control", "control"),
    Section("test_token", "/mock/test-token", "test_tokens"),
    Section("conformance", "/mock/conformance", "conformance"),
    Section("doctor", "/mock/doctor", "doctor"),
    Section("api", "/mock/api/", "control_api"),
    Section("docs", "/mock/docs", "docs"),
)


@dataclass(frozen=True, slots=True)
class LanguageLink:
    """The address of the same page in another language."""

    language: str
    words: str
    address: str


@dataclass(frozen=True, slots=True)
class Frame:
    """What the frame shows around a page. Pages of HelseID's have no ``section``, no ``navigation``, no ``script``."""

    section: str
    navigation: tuple[Section, ...]
    languages: tuple[LanguageLink, ...]
    styles: str
    script: str
    version: str


def frame_of(section: str, language: str, carried: Iterable[str]) -> Frame:
    """The frame of this request's page, which lies in ``section`` of our side, or is one of HelseID's without any.

    ``carried`` are the parameters of its address that the page needs in another language too.
    """
    root = current().root
    return Frame(
        section,
        tuple(one for one in SECTIONS if _has(one.path)) if section else (),
        _languages(root, frozenset(carried)),
        f"{root}{STYLESHEET_OF_LOGIN if has_strange_host() else STYLESHEET}",
        f"{root}{SCRIPT}" if section else "",
        __version__,
    )


def _has(path: str) -> bool:
    """Whether the application has a page there, with or without a slash at the end."""
    kept = current_app.extensions.setdefault("mock_sts_paths", {})
    if path not in kept:
        rules = {rule.rule.rstrip("/") for rule in current_app.url_map.iter_rules()}
        kept[path] = path.rstrip("/") in rules
    return bool(kept[path])


def _languages(root: str, carried: frozenset[str]) -> tuple[LanguageLink, ...]:
    """The switch; none on a page that has no address to come back to: an answer to a form, and the end of a session."""
    if request.url_rule is None or "GET" not in (request.url_rule.methods or ()):
        return ()
    if request.path == Endpoint.END_SESSION:
        return ()
    path = f"{root}{quote(request.path)}"
    kept = [(name, value) for name, value in request.args.items(multi=True) if name in carried]
    # A page says no private key again that a stranger put into its address.
    if any(without_private_text(text) != text for text in (request.path, *(value for _, value in kept))):
        return ()
    return tuple(
        LanguageLink(language, words, f"{path}?{urlencode([*kept, (PARAMETER, language)])}")
        for language, words in ((NORWEGIAN, "Norsk"), (ENGLISH, "English"))
    )
