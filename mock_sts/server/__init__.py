"""From sockets to the application: the processes, the event loop that speaks HTTP, and the threads that do the work.

A request walks so: ``connections`` reads it from its socket (uvicorn's protocol over the parser httptools, with limits
of size and time), ``bridge`` reads its body to the end and calls the WSGI application in one of a few threads, or
answers by itself what only waits. ``worker`` is one process with its listeners, ``supervisor`` starts, replaces and
stops such processes, ``serve`` is the command: it claims the ``ports`` first. Where there is no fork, one process does
all. ``holder`` watches over the program that wants the server to end with it.

Why uvicorn: docs/server.md has the table by which it was chosen.
"""
