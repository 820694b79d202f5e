"""Logging in and out: the request for it, the walk to an answer, scripted logins, and the end of a session.

A login: ``pushed_authorization`` reads the request (``request_object`` unwraps it), judges it and keeps it
(``authorization_request``). The walk at the authorize endpoint is the table ``authorization.STEPS``: it loads the
request, and ends in an answer (``answer``) by ``single_sign_on`` or a script (``automation``), or sends the browser to
the pages (``login_pages``), which lead back to the walk by a ``return_url``.
"""
