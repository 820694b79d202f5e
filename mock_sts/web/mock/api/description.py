"""The API's description of itself: the OpenAPI document, and the page that is made from it."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from flask import Blueprint, Response

from mock_sts.web import browser
from mock_sts.web.errors import API_PREFIX
from mock_sts.web.http import HttpRequest
from mock_sts.web.mock.api import openapi, reference
from mock_sts.web.mock.api.operations import Call, Resource
from mock_sts.web.mock.api.serving import PREFIX
from mock_sts.web.mock.api.shapes import Components, Schema
from mock_sts.web.reading import asked, current, the_server


class _Document:
    """The form of the document itself, which the OpenAPI specification describes."""

    name = "OpenApi"

    def read(self, value: object, what: str = "", path: tuple[str | int, ...] = ()) -> object:
        """No request has one."""
        raise TypeError(f"no request has a document: {what}{path}{value}")

    def schema(self, _components: Components) -> Schema:
        """Any object."""
        return {"type": "object", "required": ["openapi", "info", "paths"]}


class Description:
    """Describes ``resources``, itself among them."""

    def __init__(self, resources: Iterable[Resource]) -> None:
        self.resource = Resource("description", "What there is, for programs and people.")
        self.resource.operation(
            "GET", "/openapi.json", "This document", answer=_Document(), caller="tools that read OpenAPI"
        )(self.openapi)
        self._resources = (*resources, self.resource)
        self._described = lru_cache(maxsize=4)(self._describe)
        self.page = Blueprint("control_page", __name__)
        self.page.add_url_rule(API_PREFIX, endpoint="page", view_func=self._page, methods=["GET"], strict_slashes=False)

    def openapi(self, call: Call[None, None]) -> dict[str, Any]:
        """The document for the server or the environment that was asked."""
        return self._document(call.request)

    def _document(self, request: HttpRequest) -> dict[str, Any]:
        described = self._described(not current().environment.below, bool(the_server().hosting.admin_token))
        environ = request.environ
        url = f"{environ['wsgi.url_scheme']}://{environ.get('HTTP_HOST', '')}{current().root}{PREFIX}"
        return {**described, "servers": [{"url": url}]}

    def _describe(self, at_root: bool, has_token: bool) -> dict[str, Any]:
        return openapi.document(self._resources, "", at_root=at_root, has_token=has_token)

    def _page(self) -> Response:
        """The document for people."""
        document = self._document(asked())
        return browser.page(
            "openapi.html", section="api", api=reference.page_for(document), document=f"{PREFIX}/openapi.json"
        )
