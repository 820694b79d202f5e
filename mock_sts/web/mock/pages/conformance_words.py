"""The words of the pages on conformance."""

from mock_sts.web.texts import Words

WORDS: Words = {
    "conformance_lead": (
        "Hvor godt en klient følger sikkerhetsprofilen, sett av forespørslene i journalen.",
        "How well a client keeps the security profile, by its requests in the journal.",
    ),
    "start_session": ("Start en samsvarsøkt", "Start a conformance session"),
    "start_what": (
        "En egen autoritet for én klient, som i Samsvarstesting. Bare der er det kjent hvem som henter metadata.",
        "An authority of its own for one client, as in Samsvarstesting. Only there it is known who fetches metadata.",
    ),
    "client_id_field": ("Klient-id", "Client id"),
    "where_field": ("Autoritet", "Authority"),
    "below_env": ("/env/<id>", "/env/<id>"),
    "at_the_root": ("/<id>, som hos NHN", "/<id>, as at NHN"),
    "start_it": ("Start", "Start"),
    "sessions_here": ("Samsvarsøkter", "Conformance sessions"),
    "no_sessions": ("Ingen samsvarsøkter ennå.", "No conformance sessions yet."),
    "reports_here": ("Rapporter uten økt", "Reports without a session"),
    "unknown_client_id": (
        "Ingen klient er registrert med denne klient-id-en.",
        "No client is registered with this client id.",
    ),
    "session_runs": ("Pågår", "Running"),
    "session_ended": ("Avsluttet", "Ended"),
    "end_it": ("Avslutt økten", "End the session"),
    "begin_anew": ("Begynn på nytt", "Begin anew"),
    "authority_is": (
        "La klienten bruke denne autoriteten, og ingen annen:",
        "Let the client use this authority, and no other:",
    ),
    "conformance_report": ("Samsvarsrapport", "Conformance report"),
    "requests_judged": ("forespørsler er vurdert", "requests were judged"),
    "left_out": (
        "forespørsler er utelatt, fordi serveren ødela dem på bestilling",
        "requests were left out, because this server spoiled them on order",
    ),
    "conclusion_met": ("Alt som angår klienten er sett, og ingenting er brutt", "All was seen, nothing is broken"),
    "conclusion_broken": ("Krav er brutt", "Requirements are broken"),
    "conclusion_incomplete": ("Journalen har mistet eldre forespørsler", "The journal has lost older requests"),
    "conclusion_not_all_seen": ("Ingen krav er brutt, men ikke alt er sett", "No must is broken, but not all was seen"),
    "journal_trimmed": (
        "Journalen har sluppet eldre forespørsler, så det som mangler her kan ha vært der. MOCK_STS_JOURNAL_SIZE tar "
        "vare på flere.",
        "The journal has dropped older requests, so what is missing here may have been there. MOCK_STS_JOURNAL_SIZE "
        "keeps more.",
    ),
    "clock_is": ("Klientens klokke er foran med (sekunder)", "The client's clock is ahead by (seconds)"),
    "judged_by": ("Vurdert etter", "Judged by"),
    "check_word": ("Sjekk", "Check"),
    "result_word": ("Resultat", "Result"),
    "met_broken_word": ("Fulgt / brutt", "Met / broken"),
    "what_to_know": ("Funn, eller hva som må til", "What was found, or what to do"),
    "status_met": ("Oppfylt", "Met"),
    "status_broken": ("Brutt", "Broken"),
    "status_broken_should": ("Anbefaling brutt", "Recommendation broken"),
    "status_accepted": ("Akseptert avvik", "Accepted"),
    "status_never_exercised": ("Ikke prøvd", "Never exercised"),
    "status_not_applicable": ("Gjelder ikke", "Not applicable"),
    "status_cannot_tell": ("Bare kjent i en økt", "Known in a session only"),
    "status_not_visible": ("Ikke synlig for en tjener", "Not visible to a server"),
    "checks_t": ("Samsvarstesting", "Samsvarstesting"),
    "checks_sp": ("Sikkerhetsprofilen", "The security profile"),
    "checks_x": ("I tillegg", "In addition"),
    "last_seen_in": ("Sist sett i forespørsel", "Last seen in request"),
    "reason_word": ("Begrunnelse", "Reason"),
    "other_formats": ("Andre formater", "Other formats"),
}
