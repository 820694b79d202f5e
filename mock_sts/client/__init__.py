"""We as a client of a server, for commands and for the page of the doctor: HTTP, a token, and what stops clients."""
