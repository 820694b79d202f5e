"""Floor 3: the database, and nothing that decides.

``database`` has the doors, ``sqlite`` one making of them. A repository (``ledger``, ``replay``, ``journal``,
``login_queue``, ``sessions``, ``personas``, ``keys``) is bound to one environment; what it takes and gives are the
typed ``records``. ``environments`` makes and ends environments, ``catalog`` and ``fixtures`` hold the registry.

The law of transactions:

1. Nothing that another worker must know lives in a module: it is a row.
2. ``Database.writing()``, ``reading()`` and ``read_one()`` are the only doors; a writer never begins as a reader.
3. What may happen once is one statement, and its row count decides; never a SELECT and an ``if``.
4. Decide after the transaction, raise after the transaction: a refusal has used up its assertion, and is journaled.
5. No cryptography while a write is open.
6. A database is opened in the process that uses it.
7. Rows that are over are swept by the writer that notices, at most once a minute, a bounded number at a time, by the
   clock of their environment.
8. Column types are those that SQLite's STRICT tables and PostgreSQL both take: Text, LargeBinary, 64-bit integers.
9. An environment is in the digest of every handle, and a column of every row that is listed, counted, trimmed or swept.
"""
