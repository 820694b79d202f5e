"""Settings: the table that describes each, how they are read, and the values that a server has."""
