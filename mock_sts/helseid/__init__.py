"""Floor 2: what is true of HelseID and Norwegian health care only.

The rules here come from NHN's documentation for developers (utviklerportal.nhn.no, HelseID), from the public samples
and libraries of NHN and their users, and where both are silent from Duende IdentityServer, on which HelseID is built;
as read in autumn 2026. Each requirement names its source. Like floor 1, this floor knows no clock, no network, no
database.
"""
