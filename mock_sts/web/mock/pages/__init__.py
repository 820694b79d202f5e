"""Our own pages; ``web.frame`` says how a new one is made."""
