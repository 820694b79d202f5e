"""SQLite: one file, one writer at a time, no server. What only it can say lives here."""
