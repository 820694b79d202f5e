"""The order in which recorded tokens have their claims: what each kind begins with."""

#: What every access token begins with; a machine's, and a person's.
OF_MACHINE = ("iss", "nbf", "iat", "exp", "aud", "cnf", "scope", "client_id", "client_amr")
OF_PERSON = ("iss", "nbf", "iat", "exp", "aud", "cnf", "scope", "amr", "client_id", "client_amr")

#: What a person's tokens tell of the login, in this order.
OF_LOGIN = ("sub", "auth_time", "idp")

#: What every ID token begins with.
OF_ID_TOKEN = ("iss", "nbf", "iat", "exp", "aud", "amr", "nonce", "at_hash", "s_hash", "sid", *OF_LOGIN)
