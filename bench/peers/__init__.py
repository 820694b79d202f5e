"""Our server beside its peers, in turns on one machine: ``make bench-peers``."""
