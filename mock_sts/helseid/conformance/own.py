"""What this project checks beside NHN's lists."""

from mock_sts.helseid.conformance.check import ANY_TOKEN, LOG_IN, Check, Concerns

CHECKS = (
    Check(
        "X-01",
        (
            "Ny client assertion etter en nonce-utfordring (varslet, ikke krevd ennå)",
            "A new client assertion after a nonce challenge (announced, not demanded yet)",
        ),
        "DuendeSoftware/foss#323",
        ANY_TOKEN,
        rules=("client-assertion.fresh-after-challenge",),
    ),
    Check(
        "X-02",
        (
            "DPoP-nøkkelen er den samme mens tokenet lever",
            "The DPoP key stays the same while the token lives",
        ),
        "Håndtering av hemmeligheter",
        (
            "hent et token igjen før det forrige er utløpt, eller bruk et refresh token",
            "fetch a token again before the one before is over, or use a refresh token",
        ),
        rules=("conduct.proof-key",),
    ),
    Check(
        "X-03",
        ("Den som logger inn, logger også ut", "A client that logs in also logs out"),
        "End session",
        ("logg inn en person, og logg ut", "log a person in, and out"),
        rules=("span.logout",),
        also=(
            "end-session.hint-present",
            "end-session.hint",
            "end-session.hint-session",
            "end-session.client",
            "end-session.redirect-uri",
        ),
        concerns=Concerns.LOGIN,
    ),
    Check(
        "X-04",
        ("En kode innløses én gang, i tide", "A code is redeemed once, and in time"),
        "Token-endepunktet",
        LOG_IN,
        rules=("code.known", "code.alive"),
        also=("code.same-key",),
        concerns=Concerns.LOGIN,
    ),
)


def other(rules: tuple[str, ...]) -> Check:
    """The check that holds ``rules``, which no other check names: it counts where they are broken."""
    return Check(
        "X-99",
        ("Alle andre regler i regelboken", "All other rules of the book"),
        "/mock/rules",
        ANY_TOKEN,
        also=rules,
    )
