"""The demo: a client that logs people in, and an API that it calls, both as HelseID wants them.

It lives beside the floors and talks HTTP to the server like any client. Read ``relying_party`` for a correct client and
``api`` for a correct API; the rest is pages.
"""

from collections.abc import Mapping

HOME = "/mock/demo"

#: The API twice: for tokens that are bound to a key, and for those that are not.
API, BEARER_API = "/mock/demo/api", "/mock/demo/bearer-api"

#: The client that the demo is.
CLIENT_ID = "demo-page"

#: Path to how many requests at and below it may be at work at once in a process (see ``server.bridge``), the longer
#: path first. They call the server themselves.
CALLERS: Mapping[str, int] = {BEARER_API: 16, API: 16, HOME: 16}
