"""The control API, below /mock/api/v1 and below /env/<name>/mock/api/v1: resources, each declared once, a file each.

To add a resource ``things``:

1. Put the logic into ``services/control/things.py``, the SQL into ``store``. An exception of the services says in a
   sentence what is wrong.
2. Write ``web/mock/api/things.py``: ``RESOURCE = Resource("things", "What they are.")``; the types of requests, answers
   and queries as shapes (``shapes.shape`` and ``member``: text, whole number, truth, words of an enumeration, another
   shape, a tuple of these, a mapping; ``| None`` where null or nothing may stand); and one function for each method and
   path, under ``@RESOURCE.operation(method, path, summary, body=…, query=…, answer=…, status=…, raises={SomeError:
   CONFLICT}, …)``. It gets a ``Call`` (``environment``, ``server``, ``body``, ``query``, ``names``) and returns the
   answer's shape, an ``Answer`` (another status, an ETag), or None. The function's name is the operation's id, and must
   be no other's. ``at_root=True`` is for what is the server's and not an environment's.
3. Add it to ``install.RESOURCES``.

Reading with its errors, problem JSON, the OpenAPI document, the page at /mock/api/ and the page of endpoints follow
from that: what a shape says is checked, and anything else is refused with the member named. ``operations.Page`` and
``page_of`` make lists of ``items`` and ``next``; ``conditions`` has ETag and If-Match. ``next_login`` is the example.
"""
