"""Floor 4: what happens, and in which order.

A token request: ``token.issue_token`` reads the form, authenticates the client (``client_authentication``), requires
and checks the proof (``dpop``), lets the grant decide (``grants``), writes once (``request_context``), and then signs
(``issuing``, ``keyring``).
Discovery and keys: ``metadata`` builds the bytes once per address and key ring.
Start: ``preparation`` makes tables, keys and the world, before any worker answers.

Judging is not done here but in ``helseid.profile``; this floor fetches the facts and carries out the outcome.
"""
