"""Orders for test tokens: what NHN's test-token service takes, and the claims that an order asks for.

``members`` are the members of its request, ``request`` reads one, ``claims`` makes the claims.
"""
