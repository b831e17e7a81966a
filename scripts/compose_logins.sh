#!/bin/sh
# Run once by the image of PostgreSQL, while it prepares an empty volume (docker-compose.yml): Prorata's roles, and
# a login for each, `relay` as a member of prorata_relay. Their passwords are secrets of that name.
set -eu
for name in owner service projector relay consumer reader monitor; do
    password=$(cat "/run/secrets/$name")
    psql --username "$POSTGRES_USER" --dbname "$POSTGRES_DB" --set ON_ERROR_STOP=1 --quiet \
        --set "role=prorata_$name" --set "login=$name" --set "password=$password" <<'SQL'
create role :"role" nologin;
create role :"login" login password :'password' in role :"role";
SQL
done
