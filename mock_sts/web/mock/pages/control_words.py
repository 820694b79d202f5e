"""The words of the page of test control."""

from mock_sts.web.texts import Words

WORDS: Words = {
    "control_lead": (
        "Styr det som tester trenger: klokken, feil på bestilling, hvem som logger inn neste gang. Det samme kan "
        "gjøres over HTTP med kontroll-API-et.",
        "Steer what tests need: the clock, faults on order, who logs in next. The control API does the same over HTTP.",
    ),
    "control_clock": ("Klokken", "The clock"),
    "control_now": ("Klokken her", "The time here"),
    "control_wall": ("Virkelig tid", "Real time"),
    "control_frozen": ("Står stille", "Stands still"),
    "control_goes": ("Går", "Goes"),
    "control_move": ("Hva klokken skal gjøre", "What the clock does"),
    "control_advance": ("Gå frem med en varighet", "Go on by a duration"),
    "control_set": ("Bli stilt til et tidspunkt", "Be set to a time"),
    "control_offset": ("Gå foran den virkelige tiden", "Be ahead of real time"),
    "control_freeze": ("Stå stille", "Stand still"),
    "control_go_on": ("Gå igjen", "Go on again"),
    "control_reset": ("Vise virkelig tid igjen", "Show real time again"),
    "control_time": ("Varighet eller tidspunkt", "Duration or time"),
    "control_time_hint": (
        "PT2H er to timer, 2027-01-01T00:00:00Z et tidspunkt. Tomt for de tre siste.",
        "PT2H is two hours, 2027-01-01T00:00:00Z a time. Empty for the last three.",
    ),
    "control_do_clock": ("Still klokken", "Move the clock"),
    "control_faults": ("Feil på bestilling", "Faults on order"),
    "control_no_faults": ("Ingen feil er bestilt.", "No fault is ordered."),
    "control_effect": ("Hva som skjer", "What happens"),
    "control_value": ("Verdi", "Value"),
    "control_value_hint": (
        "For virkninger som tar en verdi: en feilkode, en status, millisekunder, navnet på det som mangler.",
        "For effects that take a value: an error code, a status, milliseconds, the name of what is missing.",
    ),
    "control_endpoint": ("Endepunkt", "Endpoint"),
    "control_any": ("Alle der det kan skje", "All where it can happen"),
    "control_client": ("Klient, tomt for alle", "Client, empty for all"),
    "control_times": ("Antall forespørsler, tomt til den fjernes", "Number of requests, empty until it is removed"),
    "control_order_fault": ("Bestill feilen", "Order the fault"),
    "control_match": ("For hvilke", "For which"),
    "control_left": ("Igjen", "Left"),
    "control_happened": ("Har skjedd", "Has happened"),
    "control_until_removed": ("til den fjernes", "until removed"),
    "control_every": ("alle", "all"),
    "control_end_fault": ("Fjern", "Remove"),
    "control_end_faults": ("Fjern alle", "Remove all"),
    "control_login": ("Neste innlogging", "The next login"),
    "control_no_logins": ("Ingen innlogging er bestilt.", "No login is ordered."),
    "control_persona": ("Person: kortnavn eller fødselsnummer", "Person: short name or number"),
    "control_outcome": ("Utfall", "Outcome"),
    "control_login_times": ("Antall innlogginger, tomt for én", "Number of logins, empty for one"),
    "control_order_login": ("Bestill innloggingen", "Order the login"),
    "control_forget_logins": ("Glem alle", "Forget all"),
    "control_back": ("Tilbake til start", "Back to the start"),
    "control_back_what": (
        "Det som ble laget mens serveren gikk, sesjoner, koder, token og journalen i dette miljøet blir borte. Nøkler "
        "og innstillinger blir.",
        "What was made at run time, sessions, codes, tokens and the journal of this environment go. Keys and settings "
        "stay.",
    ),
    "control_do_reset": ("Nullstill miljøet", "Reset the environment"),
    "control_environments": ("Miljøer", "Environments"),
    "control_environment": ("Miljø", "Environment"),
    "control_here": ("rot", "root"),
    "authority_here": ("Adresse (authority)", "Authority"),
}
