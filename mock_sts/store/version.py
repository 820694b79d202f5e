"""The number of the schema, and those of revisions. Uses next to nothing, so that a look at a database costs little."""

import secrets

#: Raised by one when a table changes, with a step in each database's folder that leads from the number before.
SCHEMA_VERSION = 10


def first_revision() -> int:
    """Another one for each database and environment: a worker must notice when one was made anew."""
    return secrets.randbelow(2**31)
