"""For test suites in Python: a server for the time of a test run, and everything that can be said to one.

``running_sts`` starts a server on a free port and ends it; ``Helseid`` is one environment of a server, this one or any
other (``Helseid.at``), by its control API.
"""

from mock_sts.testing.control import ControlApi, ControlError
from mock_sts.testing.helseid import Clock, Helseid, Keys, Persona, RegisteredClient
from mock_sts.testing.running import StartError, running_sts

__all__ = [
    "Clock",
    "ControlApi",
    "ControlError",
    "Helseid",
    "Keys",
    "Persona",
    "RegisteredClient",
    "StartError",
    "running_sts",
]
