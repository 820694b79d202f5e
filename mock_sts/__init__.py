"""An offline emulator of HelseID, the login and token service of Norwegian health care.

The house has five floors; imports go down only, and a line of code lives on the lowest floor that says yes:

1. ``protocol``: is it true for every OAuth 2.0 / OpenID Connect server?
2. ``helseid``: is it true only of HelseID or of Norwegian health care?
3. ``store``: does it touch the database?
4. ``services``: does it decide something using the clock, the keys and the store together?
5. ``web``: does it speak HTTP or HTML?

``app``, ``cli`` and ``settings`` stand outside and join them. The same word names the same thing on every floor.
"""

__version__ = "0.1.0"
