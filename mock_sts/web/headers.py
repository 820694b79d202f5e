"""Headers that many answers share; without the framework, for the server's parent process answers too."""

from mock_sts import __version__

JSON_TYPE = "application/json; charset=UTF-8"

#: As HelseID writes it on answers that must not be cached.
NO_STORE = {"Cache-Control": "no-store, no-cache, max-age=0", "Pragma": "no-cache"}

#: What every answer carries: that this is not HelseID, and that content is of the type that it says.
EVERY_ANSWER = {"Mock-Sts": f"emulator {__version__}, not HelseID", "X-Content-Type-Options": "nosniff"}
