"""The conformance of a client: its entries of the journal folded into a report, and sessions that are for one client.

``report`` is the walk: read the entries (``entries``), see each in the light of those before it (``moments``), count
what was found by requirement (``tally``), and put that under the checks of ``helseid.conformance``. ``departures`` are
breaches that are accepted, each with its reason. ``texts``, ``junit``, ``sarif`` and ``markdown`` write a report for
people and for forges.
"""
