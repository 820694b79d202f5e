"""Floor 3: the database, and nothing that decides.

The law of transactions:

1. Nothing that another worker must know lives in a module: it is a row.
2. Writers begin with BEGIN IMMEDIATE; ``Store.writing()`` and ``Store.reading()`` are the only doors.
3. What may happen once is one statement, and its row count decides; never a SELECT and an ``if``.
4. Decide after the transaction, raise after the transaction: a refusal has used up its assertion, and is journaled.
5. No cryptography while the write lock is held.
6. Engines are made in the process that uses them.
7. Rows that are over are swept by the writer that notices, at most once a minute, a bounded number at a time.
8. Column types are those that SQLite's STRICT tables and PostgreSQL both take: Text, LargeBinary, 64-bit integers.
"""
