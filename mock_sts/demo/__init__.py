"""The demo: a client that logs people in, and an API that it calls, both as HelseID wants them.

It lives beside the floors and talks HTTP to the server like anybody. Read ``relying_party`` for a correct client and
``api`` for a correct API; the rest is pages.
"""

HOME, API = "/mock/demo", "/mock/demo/api"

#: The client that the demo is.
CLIENT_ID = "demo-page"
