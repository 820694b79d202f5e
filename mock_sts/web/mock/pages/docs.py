"""The documentation: its site, or the text of its pages where the site was not built."""

import re
from pathlib import Path, PurePosixPath

from flask import Blueprint, Response, request
from werkzeug.exceptions import NotFound
from werkzeug.security import safe_join

from mock_sts.web import browser
from mock_sts.web.mock import markdown
from mock_sts.web.texts import Words

ROUTES = Blueprint("docs", __name__)

WORDS: Words = {
    "docs_as_text": (
        "Dette er ren tekst, på engelsk. Hele nettstedet, med navigasjon og søk, bygges i klonen med",
        "This is plain text. The whole site, with navigation and search, is built in the clone by",
    ),
    "docs_missing": (
        "Dokumentasjonen fulgte ikke med denne installasjonen. Utgitte pakker har den. I en klone bygges den med",
        "The documentation did not come with this installation. Published packages have it. A clone builds it by",
    ),
}

PATH = "/mock/docs"

#: How to get the site that is missing.
COMMAND = "make docs-site"

_PACKAGE = Path(__file__).resolve().parents[3]
#: Where ``make docs-site`` puts the site; the package and the image have it too.
SITE = _PACKAGE / "docs_site"
#: The text of the pages, in a clone.
TEXTS = _PACKAGE.parent / "docs"

#: A table of our own: that of a system may take scripts for text, which no browser then runs.
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".webp": "image/webp",
}

#: Nothing but files of this server. The icons of the site stand as ``data:`` in its style sheet.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "worker-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)

_PAGE = re.compile(r"(?:([a-z0-9-]+)\.html)?")


@ROUTES.get(PATH)
def home() -> Response:
    """The way to the first page; its text where there is no site."""
    return browser.redirect(f"{PATH}/", 302) if _has_site() else _text("")


@ROUTES.get(f"{PATH}/", defaults={"name": ""})
@ROUTES.get(f"{PATH}/<path:name>")
def page(name: str) -> Response:
    """A file of the site; 404 where there is none of that name."""
    if not _has_site():
        return _text(name)
    path = safe_join(str(SITE), name or "index.html")
    if path is None or not Path(path).is_file():
        raise NotFound(f"the documentation has no page {name!r}; {PATH}/ lists all of them")
    kind = _TYPES.get(PurePosixPath(name or "index.html").suffix, "text/plain; charset=utf-8")
    response = Response(Path(path).read_bytes(), 200, {"Content-Type": kind, "Cache-Control": "no-cache"})
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["Referrer-Policy"] = "no-referrer"
    response.add_etag()
    response.make_conditional(request)
    return response


def _has_site() -> bool:
    return (SITE / "index.html").is_file()


def _text(name: str) -> Response:
    """The text of a page, with the command that builds the site."""
    found = _PAGE.fullmatch(name)
    file = TEXTS / f"{(found[1] if found and found[1] not in (None, 'index') else 'README')}.md"
    if found is None or not file.is_file():
        if found is not None and found[1] is None:  # a package that was made without the site
            return _page("")
        raise NotFound(f"the documentation has no page {name!r}; {PATH} lists all of them")
    return _page(markdown.html(file.read_text(encoding="utf-8"), _lead))


def _page(text: str) -> Response:
    return browser.page("docs.html", section="docs", words=WORDS, command=COMMAND, text=text)


def _lead(target: str) -> str:
    """Where a link of a page leads: to another page, or out; what is neither has no address here."""
    if "://" in target or target.startswith("#"):
        return target
    path, mark, anchor = target.partition("#")
    name = path.removesuffix(".md")
    if not path.endswith(".md") or "/" in name:
        return ""
    return browser.rooted(f"{PATH}/{name if name != 'README' else 'index'}.html{mark}{anchor}")
