"""Tokens: the phases of a request for one, the grants, issuing, and what becomes of a token afterwards."""
