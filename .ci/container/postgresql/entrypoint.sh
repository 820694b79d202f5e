#!/usr/bin/env bash
# What the entrypoint of the official image postgres:17 does, as far as the recipe examples/postgresql needs it: an empty
# PGDATA becomes a cluster with POSTGRES_USER, POSTGRES_PASSWORD and POSTGRES_DB, by a server that listens on no network;
# then COMMAND runs in place of this script.
set -euo pipefail

if [[ ! -s $PGDATA/PG_VERSION ]]; then
    user=${POSTGRES_USER:-postgres}
    database=${POSTGRES_DB:-$user}
    : "${POSTGRES_PASSWORD:?is not set: a server without a password is not made}"
    initdb --username="$user" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") --auth-local=trust \
        --auth-host=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 > /dev/null
    printf 'host all all all scram-sha-256\n' >> "$PGDATA/pg_hba.conf"
    printf "listen_addresses = '*'\n" >> "$PGDATA/postgresql.conf"
    pg_ctl --wait --silent --options="-c listen_addresses=''" start
    if [[ $database != postgres ]]; then
        createdb --username="$user" --maintenance-db=postgres "$database"
    fi
    pg_ctl --wait --silent --mode=fast stop
fi
unset POSTGRES_PASSWORD
exec "$@"
