"""Which paths are HelseID's, which the emulator answers as HelseID does, and which are ours."""

#: Below these everything is of our own making.
OWN = ("/mock/", "/health/")


def is_emulated(path: str) -> bool:
    """Whether ``path``, of a route, is one of HelseID's."""
    return not path.startswith(OWN)
