"""What fault rules do to a request: which of them are for it, that they are counted, and how they spoil an answer.

``request`` takes the rules for one request, counts those whose effect happens and marks its journal entry; ``tokens``
spoils what the token endpoint answers, ``answers`` all other JSON, ``keys`` changes who signs. How connections fail is
a matter of ``web.faults`` and of the server. Where an environment has no rules nothing of this is reached.
"""
