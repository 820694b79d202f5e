"""Floor 1: what the RFCs say, for every authorization server.

Here requests are read and tokens are put together. This floor knows no HelseID, no clock (times come as
arguments, in seconds since 1970), no randomness, no network and no database. Readers *note* what they see;
whether it is acceptable is judged one floor up.
"""
