"""Logging in and out: the request for it, the walk to an answer, scripted logins, and the end of a session."""
