"""Floor 5: HTTP and HTML. Requests become values for the services, values become responses; nothing is decided."""
