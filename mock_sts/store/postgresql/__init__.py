"""PostgreSQL 15 or newer, for several replicas. What only it can say lives here; psycopg 3 comes with an extra."""
