"""NHN's self-service: what a client reads and changes of its own registration."""
