"""Who of the shipped world is shown to those who try the server for the first time."""

#: People and a client of the shipped world.
READY_PEOPLE = (
    ("06828399789", "kvart-grevling", "a doctor"),
    ("05898597468", "gronn-vits", "in NHN's samples"),
    ("16858399649", "oppdiktet-spurv", "in NHN's test token tool"),
)
READY_CLIENT = "demo-machine"
